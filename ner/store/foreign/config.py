"""What of a foreign article table is read, and where spans go: a TOML file, checked."""

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ner.errors import NerError, at
from ner.files import read_toml

Name = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(min_length=1)]
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_EXAMPLE = "configs/store.example.toml explains every field"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ArticlesConfig(_Table):
    """Their table. Every name but `table` is one of its columns.

    Args:
        url: of the database; ``${NAME}`` is taken from the environment.
        table: its name, ``schema.table`` too; a view will do.
        id: identifies an article, of any type.
        body: the text.
        title: its title, if that is not part of the text.
        html: those of `title` and `body` that hold HTML: the text that a browser shows is tagged.
        date: a date, a time, a Unix time in seconds or milliseconds, or text that begins with a date.
        timezone: in which a Unix time or a time with a zone has its date.
        where: an SQL condition: only rows that meet it are read.
        key: what rows are ordered by, with an index; `id` if omitted.
        changed: differs whenever the row has changed: a time or a number. Without it all texts are read
            and compared by their hash, with it only those where it differs.
    """

    url: Url
    table: Name
    id: Name
    body: Name
    title: Name | None = None
    html: list[Name] = []
    date: Name | None = None
    timezone: Name = "Asia/Shanghai"
    paper: Name | None = None
    page: Name | None = None
    where: str = ""
    key: Name | None = None
    changed: Name | None = None

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone, such as Asia/Shanghai") from None
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        names = (self.id, self.key, self.title, self.body, self.date, self.paper, self.page)
        return tuple(dict.fromkeys(name for name in (*names, self.changed) if name))


class SpansConfig(_Table):
    """Our tables.

    Args:
        url: of the database; that of the articles if omitted.
        schema_name: the schema that holds them (on MySQL a database); it is made if it is missing.
        prefix: what their names begin with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=True)

    url: Url | None = None
    schema_name: Annotated[str | None, Field(alias="schema", pattern=r"^\w{1,60}$")] = None
    prefix: Annotated[str, Field(pattern=r"^\w{0,30}$")] = "ner_"


class ForeignConfig(_Table):
    """The two tables of the file."""

    articles: ArticlesConfig
    spans: SpansConfig = SpansConfig()

    @property
    def spans_url(self) -> str:
        """The URL of the database that holds our tables."""
        return self.spans.url or self.articles.url


def read_config(path: Path) -> ForeignConfig:
    """Read a config from its TOML file; a relative SQLite file is one in its folder.

    Raises:
        NerError: the file cannot be read, or a field is unknown, missing or of the wrong kind; or a variable
            of a URL is not set.
    """
    with at(str(path)):
        values = read_toml(path, "check the path")
        for table in values.values():
            if isinstance(table, dict) and isinstance(url := table.get("url"), str):
                table["url"] = _resolved(url, path.resolve().parent)
        try:
            return ForeignConfig.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            *tables, field = map(str, first["loc"])
            place = f"[{'.'.join(tables)}] {field}" if tables else f"[{field}]"
            message = first["msg"].removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                message = "unknown field"
            elif first["type"] == "missing":
                message = "is missing"
            raise NerError(f"{place}: {message}", remedy=_EXAMPLE) from None


def _resolved(url: str, folder: Path) -> str:
    """A URL with variables filled in, and an SQLite file's path from the folder of the config.

    Raises:
        NerError: a variable is not set.
    """
    for name in _VARIABLE.findall(url):
        if name not in os.environ:
            raise NerError(f"${{{name}}} is not set in the environment", remedy=f"export {name}=…")
    url = _VARIABLE.sub(lambda name: quote(os.environ[name[1]], safe=""), url)
    scheme, _, file = url.partition(":///")
    if scheme == "sqlite" and file and not file.startswith(("/", "file:", ":memory:")):
        return f"sqlite:///{folder / file}"
    return url
