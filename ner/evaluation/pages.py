"""HTML pages from the package's templates; each page is one file that needs nothing else."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ner.labels import style


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ner.evaluation"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["style"] = style
    return environment


def render(template: str, **values: Any) -> str:
    """A page of ``templates/``; what it shows of an article is escaped."""
    return _environment().get_template(template).render(values)
