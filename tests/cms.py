"""A CMS with an article table of its own, on three databases; for the tests of foreign tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from ner.cli import app
from ner.store.foreign.database import ALL_DRIVERS
from ner.store.foreign.table import ForeignTable

KINDS = ["sqlite", "postgresql", "mariadb"]


def make_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/cms.db"
        return
    server = request.getfixturevalue("postgres" if kind == "postgresql" else kind)
    name = f"cms_{abs(hash(request.node.name)):x}"
    drop = f"DROP DATABASE {name}{' WITH (FORCE)' if kind == 'postgresql' else ''}"
    with database(server) as one, one.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        charset = " CHARACTER SET utf8mb4" if kind == "mariadb" else ""
        connection.execute(sa.text(f"CREATE DATABASE {name}{charset}"))
        yield re.sub(r"(postgres|mysql)(?=\?|$)", name, server)
        for other in connection.scalars(
            sa.text("SELECT schema_name FROM information_schema.schemata")
        ).all():
            if other == f"{name}_ner":
                connection.execute(sa.text(f"DROP DATABASE {other}"))
        connection.execute(sa.text(drop))


class database:
    """A database as the CMS opens it."""

    def __init__(self, url: str) -> None:
        kind, rest = url.split(":", 1)
        self.engine = sa.create_engine(f"{ALL_DRIVERS[kind]}:{rest}", poolclass=sa.pool.NullPool)

    def __enter__(self) -> sa.Engine:
        return self.engine

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()


def execute(url: str, *statements: str, **values: Any) -> list[Any]:
    """Statements of the CMS; what the last one gives."""
    with database(url) as opened, opened.begin() as connection:
        for statement in statements:
            result = connection.execute(sa.text(statement), values)
        return list(result.all()) if result.returns_rows else []


# A CMS of the kind that Chinese papers run: numbers that count up, HTML, Unix times, a state.
HTML = (
    '<p style="text-indent:2em">　　昨天，<b>南岸区</b><a href="/x?a>b">后堡</a>社区的&nbsp;陈晓说：'
    "好&amp;省。</p>\r\n<!-- 编辑 --><p>渝北区也来人了。</p><script>var a='江北区';</script>"
)
SHOWN = "昨天，南岸区后堡社区的\xa0陈晓说：好&省。\n渝北区也来人了。"


def make_cms(url: str, rows: int = 3) -> None:
    number = {
        "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "postgresql": "BIGSERIAL PRIMARY KEY",
    }.get(url.split(":")[0], "INT UNSIGNED AUTO_INCREMENT PRIMARY KEY")
    execute(
        url,
        f"CREATE TABLE cms_article (id {number}, catid SMALLINT, title VARCHAR(200), content TEXT,"
        " copyfrom VARCHAR(60), page_no VARCHAR(10), inputtime INT, updatetime INT, status SMALLINT)",
    )
    numbered = [
        ("" if n == 1 else "渝北区👍开张", HTML, 1742256000 + 86400 * n, 1) for n in range(rows)
    ]
    add(url, *numbered, ("草稿", "江北区的草稿。", 1, 0), ("图片", "", 0, 1))


def add(url: str, *rows: tuple[str, str, int, int]) -> None:
    statement = sa.text(
        "INSERT INTO cms_article (catid, title, content, copyfrom, page_no, inputtime, updatetime, status)"
        " VALUES (6, :title, :content, '江州日报', '03', :inputtime, 100, :status)"
    )
    names = ("title", "content", "inputtime", "status")
    with database(url) as opened, opened.begin() as connection:
        connection.execute(statement, [dict(zip(names, row)) for row in rows])


CMS = """
[articles]
url = "{url}"
table = "cms_article"
id = "id"
title = "title"
body = "content"
html = ["content"]
date = "inputtime"
paper = "copyfrom"
page = "page_no"
where = "status = 1 AND title <> 'a:b'"
{articles}
[spans]
{spans}
"""


def config(folder: Path, url: str, articles: str = "", spans: str = "") -> Path:
    path = folder / "store.toml"
    path.write_text(CMS.format(url=url, articles=articles, spans=spans), encoding="utf-8")
    return path


def ner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def tag(path: Path, *options: str) -> str:
    result = ner("tag", "--store", path, *options)
    assert result.exit_code == 0, result.output
    return result.output


def tables(url: str, schema: str | None = None) -> set[str]:
    with database(url) as opened:
        inspector = sa.inspect(opened)
        return {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}


TABLES = ("models", "runs", "run_spans", "tagged", "spans", "decisions", "reviews", "failures")
OURS = {"ner_article_spans", *(f"ner_{name}" for name in TABLES)}


def texts_read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of the rows whose texts are read from now on, in order."""
    read: list[Any] = []
    rows = ForeignTable.rows
    monkeypatch.setattr(
        ForeignTable, "rows", lambda self, ids: [read.extend(ids), *rows(self, ids)][1:]
    )
    return read
