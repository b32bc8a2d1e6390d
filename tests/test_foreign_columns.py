"""Columns of an article table as others make them: odd types, odd ids, none at all. Three databases."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from cms import KINDS, config, execute, make_cms, make_database, ner, tables, texts_read

from ner.article import Article
from ner.store import ModelKey
from ner.store.foreign import ForeignEnds, ForeignStore
from ner.store.foreign import table as reader
from ner.tagger import loading

TOML = """
[articles]
url = "{url}"
table = "{table}"
id = "id"
body = "body"
{more}
[spans]
{spans}
"""


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    """The same model for every command of this file: loading it again takes most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", cache(loading.load))
        yield


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database that a CMS is about to fill."""
    yield from make_database(request, request.param, tmp_path)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same of the kind that the test names."""
    yield from make_database(request, request.param, tmp_path)


def written(folder: Path, url: str, more: str = "", spans: str = "", table: str = "news") -> Path:
    path = folder / "store.toml"
    path.write_text(TOML.format(url=url, more=more, spans=spans, table=table), encoding="utf-8")
    return path


def tag(path: Path, *options: str, status: int = 0) -> str:
    result = ner("tag", "--store", path, "--model", "news-fast", *options)
    assert result.exit_code == status, result.output
    return result.output


def exported(path: Path) -> list[dict[str, object]]:
    result = ner("export", "--store", path, "--model", "news-fast")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "values", "dates"),
    [
        (
            "DATETIME",
            ("2025-03-18T20:00:00Z", "2025-03-18 10:00", "", 1742256000),
            ("2025-03-19", "2025-03-18", None, "2025-03-18"),
        ),
        ("DATE", ("2025-03-18 00:00:00", "2025/3/18", 20250318, b"x"), ("2025-03-18",) * 3 + (None,)),
        ("BOOLEAN", (0, "A1", 7, None), (None,) * 4),
        ("JSON", ("2025-03-18", "{", 1.5, None), ("2025-03-18", None, None, None)),
    ],
)  # fmt: skip
def test_sqlite_holds_any_value_in_a_column(
    server: str, kind: str, values: tuple[object, ...], dates: tuple[object, ...], tmp_path: Path
) -> None:
    execute(server, f"CREATE TABLE news (id {kind} PRIMARY KEY, body TEXT, at {kind}, n INTEGER)")
    for number, value in enumerate(values):
        statement = "INSERT INTO news VALUES (:id, '陈晓在南岸区。', :at, :n)"
        identity = f"2025-03-18T10:0{number}:00Z"
        execute(server, statement, id=identity, at=value, n=number)
    path = written(tmp_path, server, 'date = "at"\nchanged = "at"\nkey = "id"')
    assert "4 articles tagged" in tag(path)
    assert "nothing left to tag" in tag(path)
    assert [line["date"] for line in exported(path)] == [*dates]
    joined = "SELECT count(*) FROM news a JOIN ner_article_spans s ON s.article = a.id"
    assert execute(server, joined) == [(8,)]
    assert "1 article tagged" in tag(path, "--article", "2025-03-18T10:03:00Z")


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_ids_without_a_declared_type_and_bytes_that_are_no_text(
    server: str, tmp_path: Path
) -> None:
    execute(server, "CREATE TABLE news (id PRIMARY KEY, body BLOB)")
    for identity, body in (("a/1'", "陈晓在南岸区。"), (2, "南岸区".encode("gb18030")), (3, 2.5)):
        execute(server, "INSERT INTO news VALUES (:id, :body)", id=identity, body=body)
    path = written(tmp_path, server)
    said = tag(path, status=1)
    assert "2 articles tagged" in said
    assert "article 2: column body: byte C4 at 0 is not UTF-8" in said
    execute(server, "UPDATE news SET body = '渝北区' WHERE id = 2")
    assert "1 article tagged" in tag(path) and "nothing left to tag" in tag(path)
    assert "1 article tagged" in tag(path, "--article", "3")
    beyond = "9" * 20  # more than SQLite's numbers take
    assert f"article {beyond}: not in the store" in tag(path, "--article", beyond, status=1)
    execute(server, "INSERT INTO news VALUES (:id, '南岸区')", id=beyond)
    assert "1 article tagged" in tag(path, "--article", beyond)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_column_that_is_no_text_is_refused(server: str, tmp_path: Path) -> None:
    for kind, value in (("JSONB", """'{"正文": "南岸区"}'"""), ("TEXT[]", "ARRAY['南岸区']")):
        execute(
            server,
            "DROP TABLE IF EXISTS news",
            f"CREATE TABLE news (id INT PRIMARY KEY, body {kind}, place POINT)",
            f"INSERT INTO news VALUES (1, {value.replace(':', chr(92) + ':')})",
        )
        said = tag(written(tmp_path, server), status=1)
        assert "column body is of type" in said and "which is no text (make a view" in said
        assert "Warning" not in said
    assert tables(server) == {"news"}


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_times_that_python_does_not_know(server: str, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE TABLE news (id INT PRIMARY KEY, body TEXT, at TIMESTAMPTZ, seen DATE)",
        "INSERT INTO news VALUES (1, '南岸区', 'infinity', '-infinity'),"
        " (2, '渝北区', '2025-03-18 20\\:00\\:00+00', '20000-01-01'), (3, '巴南区', NULL, NULL)",
    )
    path = written(tmp_path, server, 'date = "at"\nchanged = "seen"')
    assert "3 articles tagged" in tag(path)
    assert [line["date"] for line in exported(path)] == [None, "2025-03-19", None]


@pytest.mark.parametrize(
    ("server", "ours"),
    [
        *(("mariadb", other) for other in ("sqlite", "postgresql")),
        *(("postgresql", other) for other in ("sqlite", "mariadb")),
    ],
    indirect=["server"],
)
def test_text_ids_go_to_another_kind_of_database(
    server: str, ours: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A collation of MariaDB is none elsewhere, and text without a length no key in MariaDB."""
    kind = "TEXT" if server.startswith("postgresql") else "VARCHAR(20) COLLATE utf8mb4_general_ci"
    execute(
        server,
        f"CREATE TABLE news (id {kind} PRIMARY KEY, body TEXT)",
        "INSERT INTO news VALUES ('it''s/Ä %s', '陈晓在南岸区。'), ('\"x\" \\:y', '渝北区👍')",
    )
    other = tmp_path / "ours"
    other.mkdir()
    for kept in (
        make_database(request, ours, other) if ours != "sqlite" else [f"sqlite:///{other}/a"]
    ):
        path = written(tmp_path, server, spans=f'url = "{kept}"')
        assert "2 articles tagged" in tag(path)
        assert "nothing left to tag" in tag(path)
        articles = {row.article for row in execute(kept, "SELECT article FROM ner_article_spans")}
        assert articles == {"it's/Ä %s", '"x" :y'}


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_table_whose_index_cannot_be_made_is_taken_back(server: str, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE TABLE news (id BLOB, body TEXT)",
        "INSERT INTO news VALUES ('a', '南岸区')",
    )
    assert "key was too long" in tag(written(tmp_path, server), status=1)
    assert tables(server) == {"news"}


def test_rows_without_an_id_are_passed_over_and_told_of(url: str, tmp_path: Path) -> None:
    make_cms(url, 3)
    execute(
        url,
        "CREATE VIEW news AS SELECT nullif(id, 2) AS id, content AS body, nullif(id, 3) AS page"
        " FROM cms_article",
    )
    path = written(tmp_path, url, 'key = "page"')
    said = tag(path)
    assert (
        "rows whose id or page is NULL are passed over: 2" in said and "2 articles tagged" in said
    )
    assert [line["id"] for line in exported(path)] == ["1", "4"]  # 5 has no text
    with ForeignStore.open(path) as store:
        assert store.table.count() == 3  # which progress is measured by


def test_rows_of_one_key_are_all_read(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cms(url, 9)
    execute(url, "UPDATE cms_article SET updatetime = id / 4")
    monkeypatch.setattr(reader, "LISTED", 2)
    with ForeignStore.open(config(tmp_path, url, articles='key = "updatetime"')) as store:
        parts = list(store.table.ranges(3))
        keys = [key for part in parts for listed in store.table.listed(part) for key, _ in listed]
    assert sorted(keys) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11] and len(parts) > 1


def test_a_condition_may_end_in_a_comment(url: str, tmp_path: Path) -> None:
    make_cms(url, 2)
    execute(url, "CREATE VIEW news AS SELECT id, content AS body FROM cms_article")
    path = written(
        tmp_path, url, "where = \"id < 3 AND body <> ':x %s %(y)s' -- only :these, 5 %\""
    )
    assert "2 articles tagged" in tag(path)


def test_a_row_whose_text_stays_is_read_once_when_it_was_touched(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter of readers, say, which changes what `changed` holds and not the article."""
    make_cms(url)
    path = config(tmp_path, url, articles='changed = "updatetime"')
    tag(path)
    read = texts_read(monkeypatch)
    execute(url, "UPDATE cms_article SET updatetime = 101 WHERE id IN (1, 3)")
    assert "nothing left to tag" in tag(path)
    assert sorted(read) == [1, 3]
    assert "nothing left to tag" in tag(path) and len(read) == 2
    execute(url, "UPDATE cms_article SET content = '璧山区', updatetime = 102 WHERE id = 3")
    assert "1 article tagged" in tag(path)
    assert ner("export", "--store", path).exit_code == 0


def test_what_a_model_noted_of_a_touched_row_says_nothing_of_another_model(
    url: str, tmp_path: Path
) -> None:
    make_cms(url)
    path = config(tmp_path, url, articles='changed = "updatetime"')
    old, new = (ModelKey("m", version, version * 64) for version in "12")

    def run(store: ForeignStore, model: ModelKey) -> list[str]:
        with ForeignEnds(store, model) as ends:
            items = [item for part in ends.parts() for item in ends.read(part)]
            found = [item for item in items if isinstance(item, Article)]
            ends.write(found)
            return [item.id for item in found]

    with ForeignStore.open(path) as store:
        assert run(store, old) == run(store, new)
        execute(url, "UPDATE cms_article SET content = '璧山区', updatetime = 101 WHERE id = 3")
        assert run(store, new) == ["3"]
        execute(url, "UPDATE cms_article SET updatetime = 102 WHERE id = 3")
        assert run(store, new) == []
        assert run(store, old) == ["3"], "this one has not read the new text"


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_an_id_of_bytes_is_given_in_hexadecimal(server: str, tmp_path: Path) -> None:
    execute(server, "CREATE TABLE news (id BLOB PRIMARY KEY, body TEXT)")
    execute(server, "INSERT INTO news VALUES (x'01ff', '陈晓在南岸区。')")
    with ForeignStore.open(written(tmp_path, server)) as store:
        assert [item.id for item in store.articles(ids=["01ff"])] == ["01ff"]


def test_a_column_of_mariadb_may_have_any_collation(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Ids join without a conversion, and what the CMS could not store is a question mark for all."""
    for url in make_database(request, "mariadb", tmp_path):
        for charset in ("utf8mb3", "gbk"):
            execute(
                url,
                "SET sql_mode = ''",
                "DROP TABLE IF EXISTS news",
                f"CREATE TABLE news (id VARCHAR(190) PRIMARY KEY, body TEXT) CHARACTER SET {charset}",
                "INSERT INTO news VALUES ('Ab/1 ', '👍陈晓在南岸区。  \r\n')",
            )
            tag(written(tmp_path, url, spans=f'prefix = "{charset}_"'))
            [row, *_] = execute(
                url,
                "SELECT substr(a.body, s.start_char + 1, s.end_char - s.start_char) AS there, name"
                f" FROM news a JOIN {charset}_article_spans s ON s.article = a.id",
            )
            assert row.there == row.name
