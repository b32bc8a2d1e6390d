"""HTML pages from the package's templates; each page is one file that needs nothing else."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ner.labels import style


@cache
def environment(package: str) -> Environment:
    """What renders the ``templates/`` of a package: values are escaped, an unknown one is an error."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["style"] = style
    return environment


def render(template: str, **values: Any) -> str:
    """A page of ``templates/``; what it shows of an article is escaped."""
    return environment("ner.evaluation").get_template(template).render(values)
