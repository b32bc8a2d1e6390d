"""Article tables that a CMS owns: read there, spans beside them, joined by a view. Three databases."""

import datetime
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cms import (
    HTML,
    KINDS,
    OURS,
    SHOWN,
    add,
    config,
    execute,
    make_cms,
    make_database,
    ner,
    tables,
    tag,
    texts_read,
)
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Article, Rejected, Span
from ner.batch.ends import model_key
from ner.batch.local import run
from ner.batch.workers import this_process
from ner.errors import NerError
from ner.formats.visible import plain, visible
from ner.store import ModelKey
from ner.store.foreign import ForeignEnds, ForeignStore, read_config
from ner.store.foreign import table as reader
from ner.store.foreign.rows import as_date, id_from_text, id_text
from ner.tagger import loading
from ner.tagger.loading import Tagger

MODEL = ModelKey("news", "9", "f" * 64)


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


def test_a_cms_joins_the_spans_to_its_own_columns(url: str, tmp_path: Path) -> None:
    make_cms(url)
    before = execute(url, "SELECT * FROM cms_article ORDER BY id")
    assert "4 articles tagged" in tag(config(tmp_path, url))
    joined = execute(
        url,
        "SELECT a.id, s.field, s.name, s.label, s.model,"
        " substr(CASE s.field WHEN 'title' THEN a.title ELSE a.content END,"
        " s.start_char + 1, s.end_char - s.start_char) AS there"
        " FROM cms_article a JOIN ner_article_spans s ON s.article = a.id ORDER BY a.id, s.start_char",
    )
    first = [(row.field, row.name, row.label, row.there) for row in joined if row.id == 1]
    assert ("title", "渝北区", "LOC", "渝北区") in first
    assert ("body", "渝北区", "LOC", "渝北区") in first
    assert ("body", "陈晓", "PER", "陈晓") in first
    # A name with tags in it is what stands between its first and its last character.
    [nested] = [row for row in first if row[1] in ("南岸区后堡社区", "后堡社区")][:1]
    assert re.sub("<[^>]*>", "", nested[3]) == nested[1] and "</a>" in nested[3]
    assert {row.name for row in joined if row.id == 2 and row.field == "title"} == set()
    assert {row.id for row in joined} == {1, 2, 3}, "no draft, no picture without text"
    assert not any("江北区" in row.there for row in joined), "no script"
    assert all(row.model.startswith("news-") for row in joined)
    assert execute(url, "SELECT * FROM cms_article ORDER BY id") == before
    assert tables(url) == {"cms_article", *OURS}


def test_new_and_changed_rows_are_picked_up(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url)
    tag(path)
    runs = "SELECT count(*) FROM ner_runs"
    assert "nothing left to tag" in tag(path)
    assert execute(url, runs) == [(1,)], "a night without news leaves no trace"
    add(url, ("又一篇", "<p>璧山区开会。</p>", 1, 1))
    execute(url, "UPDATE cms_article SET content = '<p>陈晓去了巴南区。</p>' WHERE id = 1")
    execute(url, "UPDATE cms_article SET copyfrom = '江州晚报' WHERE id = 2")
    assert "2 articles tagged" in tag(path)
    names = "SELECT name FROM ner_article_spans WHERE field = 'body' AND article = 1"
    assert {row.name for row in execute(url, names)} == {"陈晓", "巴南区"}


def test_with_a_column_of_changes_other_texts_are_not_read(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cms(url)
    path = config(tmp_path, url, articles='changed = "updatetime"')
    tag(path)
    read = texts_read(monkeypatch)
    execute(url, "UPDATE cms_article SET content = '璧山区', updatetime = 101 WHERE id = 3")
    tag(path)
    assert set(read) == {3}


def test_a_change_that_its_column_does_not_tell_of_can_be_tagged(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url, articles='changed = "updatetime"')
    tag(path)
    execute(url, "UPDATE cms_article SET content = '璧山区' WHERE id = 3")
    said = ner("export", "--store", path).output
    assert "article 3: has changed since it was tagged, but its column `changed`" in said
    assert "(ner tag --article 3;" in said
    assert "nothing left to tag" in tag(path)
    tag(path, "--article", "3")
    assert ner("export", "--store", path).exit_code == 0
    execute(url, "UPDATE cms_article SET content = '巴南区', updatetime = 102 WHERE id = 3")
    assert "(tag again: ner tag)" in ner("export", "--store", path).output


def test_a_row_without_text_any_more_keeps_no_spans(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url, articles='changed = "updatetime"')
    tag(path)
    emptied = "UPDATE cms_article SET title = {0}, content = {0}, updatetime = 101 WHERE id = {1}"
    execute(url, emptied.format("''", 1))
    assert "nothing left to tag" in tag(path)
    spans = "SELECT DISTINCT article FROM ner_article_spans ORDER BY article"
    assert execute(url, spans) == [(2,), (3,)]
    assert execute(url, "SELECT count(*) FROM ner_tagged WHERE article = 1") == [(0,)]
    execute(url, "UPDATE cms_article SET title = '巴南区', updatetime = 102 WHERE id = 1")
    assert "1 article tagged" in tag(path)
    execute(url, emptied.format("''", 3))
    tag(path, "--article", "3")
    assert execute(url, spans) == [(1,), (2,)]


def test_a_second_model_tags_beside_the_first(url: str, tmp_path: Path, tagger: Tagger) -> None:
    make_cms(url, 2)
    path = config(tmp_path, url)
    tag(path)
    with ForeignStore.open(path) as store:
        sink = ForeignEnds(store, MODEL)
        [first, *_] = ForeignEnds(store, MODEL, ["1"]).read(None)
        assert isinstance(first, Article)
        with sink:
            sink.write([replaced(first, Span(0, 3, "ORG", 0.5))])
        assert [str(use.key) for use in store.models()] == ["news-9", str(model_key(tagger))]
    rows = execute(
        url, "SELECT article, name, label, score FROM ner_article_spans WHERE model = 'news-9'"
    )
    assert rows == [(1, "渝北区", "ORG", 0.5)]
    assert len(execute(url, "SELECT DISTINCT article, model FROM ner_spans")) == 3
    assert len(execute(url, "SELECT DISTINCT article, model FROM ner_article_spans")) == 2


def replaced(article: Article, *spans: Span) -> Article:
    from dataclasses import replace

    return replace(article, spans=spans)


def test_what_people_say_of_a_span_stands_in_the_view(url: str, tmp_path: Path) -> None:
    make_cms(url, 1)
    tag(config(tmp_path, url))
    say = (
        "INSERT INTO ner_decisions (article, text_hash, field, start_char, end_char, label, verdict,"
        " reviewer, source, at) SELECT article, text_hash, field, start_char, end_char, label,"
        " '{}', '李编辑', 'cms', CURRENT_TIMESTAMP FROM {} WHERE {}"
    )
    path, here = config(tmp_path, url), "name = '陈晓'"
    execute(url, say.format("right", "ner_article_spans", here))
    rows = execute(url, "SELECT name, verdict FROM ner_article_spans WHERE verdict IS NOT NULL")
    assert rows == [("陈晓", "right")]
    execute(url, say.format("wrong", "ner_article_spans", here))
    assert execute(url, f"SELECT * FROM ner_article_spans WHERE {here}") == []
    assert "陈晓 PER" not in ner("show", "1", "--store", path).output
    assert "陈晓 PER" in ner("show", "1", "--as-tagged", "--store", path).output
    row, _ = map(json.loads, ner("export", "--store", path).stdout.splitlines())
    assert "陈晓" not in {span["text"] for span in row["spans"]}
    assert ner("export", "--label", "PER", "--store", path).stdout == ""
    execute(url, say.format("right", "ner_decisions", "verdict = 'wrong'"))
    assert execute(url, f"SELECT verdict FROM ner_article_spans WHERE {here}") == [("right",)]
    execute(url, "UPDATE cms_article SET content = '<p>　陈晓来了。</p>' WHERE id = 1")
    tag(config(tmp_path, url))
    rows = execute(url, "SELECT verdict FROM ner_article_spans WHERE name = '陈晓'")
    assert rows == [(None,)], "a decision is on a text"


def test_show_and_export_give_articles_of_the_table(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url)
    tag(path)
    lines = ner("export", "--store", path, "--date", "2025-03-18").stdout.splitlines()
    [row] = map(json.loads, lines)
    assert row["id"] == "1" and row["date"] == "2025-03-18" and row["paper"] == "江州日报"
    assert row["text"] == f"渝北区👍开张\n{SHOWN}" and row["page"] == "03"
    assert {"陈晓", "渝北区"} <= {span["text"] for span in row["spans"]}
    for span in row["spans"]:
        assert row["text"][span["start"] : span["end"]] == span["text"]
    assert row["tagged_by"] == row["spans"][0]["model"]
    add(url, ("新的", "<p>一</p>", 1742313600, 1))
    untagged = ner("export", "--store", path).stdout.splitlines()[-1]
    assert json.loads(untagged)["tagged_by"] is None and json.loads(untagged)["spans"] == []
    execute(url, "DELETE FROM cms_article WHERE title = '新的'")
    assert "[陈晓 PER]" in ner("show", "1", "--store", path, "--color", "never").stdout
    listed = ner("show", "--list", "--store", path).stdout.splitlines()
    assert len(listed) == 5 and listed[1].split()[0] == "1"
    execute(url, "UPDATE cms_article SET title = '改了' WHERE id = 1")
    changed = ner("export", "--store", path)
    assert changed.exit_code == 1 and "has changed since it was tagged" in changed.output


# -- nothing is made, nothing is changed

BAD = [
    ('table = "cms_article"', 'table = "news"', "no such table"),
    (
        'body = "content"',
        'body = "text"',
        r"store\.toml: .*has no column text .*it has id, catid, title, content",
    ),
    (
        'where = "status',
        'where = "state',
        r"store\.toml: .*: \[articles\] where: .*state.*correct the cond",
    ),
    (
        'where = "',
        'where = "true) OR (',
        r"store\.toml: .*: \[articles\] where: .*correct the cond",
    ),
    ('id = "id"', 'id = "id"\nchanged = "updated"', "has no column updated"),
]


@pytest.mark.parametrize(("good", "bad", "message"), BAD)
def test_a_failing_command_makes_nothing(
    url: str, tmp_path: Path, good: str, bad: str, message: str
) -> None:
    make_cms(url)
    path = config(tmp_path, url)
    path.write_text(path.read_text().replace(good, bad, 1))
    for command in (["tag"], ["show"], ["export"]):
        result = ner(*command, "--store", path)
        assert result.exit_code == 1 and re.search(message, result.output), result.output
        assert len(result.output.splitlines()) == 1
    assert tables(url) == {"cms_article"}


def test_a_database_file_that_is_missing_is_told_of_with_the_config(tmp_path: Path) -> None:
    path = config(tmp_path, "sqlite:///gone.db")
    result = ner("tag", "--store", path)
    assert result.exit_code == 1 and f"{path}: " in result.output
    assert "gone.db: no such file (check the url)" in result.output


def test_an_id_that_two_rows_share_is_refused(url: str, tmp_path: Path) -> None:
    """Before anything is made, however late in the table they are."""
    make_cms(url, 205)
    execute(url, "UPDATE cms_article SET page_no = id")
    execute(url, "UPDATE cms_article SET page_no = '4711' WHERE id IN (203, 204)")
    path = config(tmp_path, url)
    path.write_text(path.read_text().replace('id = "id"', 'id = "page_no"\nkey = "id"'))
    for command in ("tag", "export"):
        result = ner(command, "--store", path)
        why = "[articles] id: page_no is not unique: '4711' is there twice (name a column"
        assert result.exit_code == 1 and why in result.output, result.output
    assert tables(url) == {"cms_article"}


def test_what_is_not_there_makes_nothing(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url)
    for command in (
        ["tag", "--article", "77"],
        ["tag", "--article", "x"],
        ["ingest", "-r", tmp_path],
    ):
        assert ner(*command, "--store", path).exit_code == 1
    for command in (["show"], ["export"], ["show", "--failures"]):
        assert ner(*command, "--store", path).exit_code == 0
    execute(url, "DELETE FROM cms_article")
    assert "nothing left to tag" in tag(path)
    assert tables(url) == {"cms_article"}


def test_tables_that_cannot_all_be_made_are_not_made(url: str, tmp_path: Path) -> None:
    make_cms(url)
    execute(url, "CREATE VIEW ner_article_spans AS SELECT 1 AS one")  # in the way of the last one
    result = ner("tag", "--store", config(tmp_path, url))
    assert result.exit_code == 1 and "exists" in result.output, result.output
    assert tables(url) == {"cms_article", "ner_article_spans"}


def test_tables_of_another_program_are_left_alone(url: str, tmp_path: Path) -> None:
    make_cms(url)
    execute(url, "CREATE TABLE ner_spans (other INT)")
    result = ner("tag", "--store", config(tmp_path, url))
    assert "a table ner_spans that is not of ner (choose another prefix" in result.output
    assert tables(url) == {"cms_article", "ner_spans"}


def test_their_table_is_read_by_a_connection_that_cannot_write(url: str, tmp_path: Path) -> None:
    make_cms(url)
    with (
        ForeignStore.open(config(tmp_path, url)) as store,
        store._reader.connect() as connection,
        pytest.raises(sa.exc.DBAPIError, match="(?i)read-?.?only"),
    ):
        connection.execute(sa.text("DELETE FROM cms_article"))
    assert execute(url, "SELECT count(*) FROM cms_article") == [(5,)]


def test_our_tables_can_be_in_another_database(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make_cms(url)
    path = config(tmp_path, url, spans='url = "sqlite:///ours.db"')
    assert "4 articles tagged" in tag(path)
    assert tables(url) == {"cms_article"}
    ours = f"sqlite:///{tmp_path}/ours.db"
    assert {row.article for row in execute(ours, "SELECT article FROM ner_article_spans")} == {
        1,
        2,
        3,
    }
    assert "nothing left" in tag(path)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_our_tables_can_have_a_schema(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for url in make_database(request, kind, tmp_path):
        make_cms(url)
        name = f"{sa.make_url(url).database}_ner"
        path = config(tmp_path, url, spans=f'schema = "{name}"\nprefix = ""')
        tag(path)
        assert tables(url) == {"cms_article"}
        assert tables(url, name) == {each.removeprefix("ner_") for each in OURS}
        assert "nothing left" in tag(path)
        assert execute(url, f"SELECT count(*) FROM {name}.article_spans") > [(3,)]


RIGHTS = {
    "mariadb": (
        "CREATE USER {name}@localhost IDENTIFIED BY 'x'",
        "CREATE DATABASE {name}_ner CHARACTER SET utf8mb4",
        "GRANT SELECT ON {name}.cms_article TO {name}@localhost",
        "GRANT ALL ON {name}_ner.* TO {name}@localhost",
    ),
    "postgresql": (
        "CREATE USER {name} PASSWORD 'x'",
        "CREATE SCHEMA {name}_ner AUTHORIZATION {name}",
        "GRANT SELECT ON cms_article TO {name}",
    ),
}


@pytest.mark.parametrize("kind", RIGHTS)
def test_a_user_needs_no_more_than_the_page_says(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It reads one table, and makes tables in a schema of its own."""
    for url in make_database(request, kind, tmp_path):
        make_cms(url)
        name = str(sa.make_url(url).database)
        execute(url, *(statement.format(name=name) for statement in RIGHTS[kind]))
        other = re.sub("//[^/]*@", f"//{name}:x@", url)
        for spans in ("", f'schema = "{name}_other"'):
            denied = ner("tag", "--store", config(tmp_path, other, spans=spans))
            assert re.search("(?i)denied.*(GRANT|give the user) the right", denied.output)
            assert "DROP" not in denied.output, "what it did not make it does not take back"
        assert tables(url) == {"cms_article"}
        tag(config(tmp_path, other, spans=f'schema = "{name}_ner"\nprefix = ""'))
        assert "article_spans" in tables(url, f"{name}_ner")
        if kind == "postgresql":
            execute(url, f"DROP OWNED BY {name}", f"DROP USER {name}")


def test_sqlite_has_no_schemas(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cms.db"
    make_cms(url)
    result = ner("tag", "--store", config(tmp_path, url, spans='schema = "ner"'))
    assert "SQLite has no schemas (name a prefix" in result.output


# -- other tables

PLAIN = """
[articles]
url = "{url}"
table = "稿件"
id = "稿件号"
title = "标题"
body = "正文"
date = "发布时间"
page = "版次"
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id_kind", ["VARCHAR(36)", "CHAR(36)", "NUMERIC(20)"])
def test_chinese_columns_plain_text_and_ids_of_any_type(
    kind: str, id_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for url in make_database(request, kind, tmp_path):
        time_kind = "TIMESTAMP" if kind == "postgresql" else "DATETIME"
        quote = "`" if kind == "mariadb" else '"'
        names = ("稿件号", "标题", "正文", "发布时间", "版次")
        kinds = (f"{id_kind} PRIMARY KEY", "VARCHAR(90)", "TEXT", time_kind, "INTEGER")
        columns = ", ".join(f"{quote}{n}{quote} {k}" for n, k in zip(names, kinds))
        body = "　　昨天，重庆市南岸区召开大会👍。\r\n　　渝北区的陈晓说好。  \r\n"
        identity = 90000000000000000001 if id_kind == "NUMERIC(20)" and kind != "sqlite" else 7
        identity = identity if id_kind == "NUMERIC(20)" else "a5b8c0de-0000-4000-8000-00000000000A"
        execute(
            url,
            f"CREATE TABLE {quote}稿件{quote} ({columns})",
            f"INSERT INTO {quote}稿件{quote} VALUES (:id, '巴南区', :body, '2025-03-18 23:30:00', 2)",
            **{"id": identity, "body": body},
        )
        path = tmp_path / "plain.toml"
        path.write_text(PLAIN.format(url=url))
        tag(path)
        rows = execute(
            url,
            f"SELECT s.name, substr(a.{quote}正文{quote}, s.start_char + 1, s.end_char - s.start_char)"
            f" AS there FROM {quote}稿件{quote} a"
            f" JOIN ner_article_spans s ON s.article = a.{quote}稿件号{quote}"
            " WHERE s.field = 'body'",
        )
        assert {row.name for row in rows} >= {"南岸区", "渝北区", "陈晓"}
        assert all(row.name == row.there for row in rows)
        [line] = ner("export", "--store", path).stdout.splitlines()
        exported = json.loads(line)
        assert exported["id"] == str(identity) and exported["text"] == f"巴南区\n{body}"
        assert exported["date"] == "2025-03-18" and exported["page"] == "2"
        assert "1 article tagged" in tag(path, "--article", str(identity))


def test_ids_of_postgresql_can_be_uuids(postgres: str, tmp_path: Path) -> None:
    execute(
        postgres,
        "DROP SCHEMA IF EXISTS cms CASCADE",
        "CREATE SCHEMA cms",
        "CREATE TABLE cms.news (id UUID PRIMARY KEY, body TEXT, at TIMESTAMPTZ)",
        "INSERT INTO cms.news VALUES ('0b3e7a34-0000-4000-8000-000000000001', '陈晓在南岸区。',"
        " '2025-03-17 20:00:00+00')",
    )
    path = tmp_path / "a.toml"
    path.write_text(
        f'[articles]\nurl = "{postgres}"\ntable = "cms.news"\nid = "id"\nbody = "body"\ndate = "at"\n'
        '[spans]\nschema = "cms"\nprefix = "n_"\n'
    )
    tag(path)
    rows = execute(
        postgres, "SELECT s.name FROM cms.news a JOIN cms.n_article_spans s ON s.article = a.id"
    )
    assert {row.name for row in rows} == {"陈晓", "南岸区"}
    assert json.loads(ner("export", "--store", path).stdout)["date"] == "2025-03-18"
    execute(postgres, "DROP SCHEMA cms CASCADE")


# -- large, interrupted


def test_parts_cover_every_row_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cms(url, 23)
    monkeypatch.setattr(reader, "LISTED", 3)
    monkeypatch.setattr(reader, "TEXTS", 2)
    with ForeignStore.open(config(tmp_path, url)) as store:
        source = ForeignEnds(store, MODEL, size=5)
        parts = list(source.parts())
        assert len(parts) == 5
        items = [item.id for part in parts for item in source.read(part)]
    assert items == [str(number) for number in (*range(1, 24), 25)]


def test_a_row_that_changes_while_it_is_tagged_is_left_for_the_next_run(
    url: str, tmp_path: Path
) -> None:
    make_cms(url, 2)
    with ForeignStore.open(config(tmp_path, url)) as store:
        source = ForeignEnds(store, MODEL)
        [(part)] = source.parts()
        items = list(source.read(part))
        execute(
            url,
            "UPDATE cms_article SET title = '改了' WHERE id = 1",
            "DELETE FROM cms_article WHERE id = 2",
        )
        with ForeignEnds(store, MODEL) as sink:
            sink.write(items)
        assert [item.id for item in source.read(part)] == ["1"]
    assert execute(url, "SELECT DISTINCT article FROM ner_tagged") == [(4,)]


def test_a_row_that_is_no_text_costs_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cms.db"
    make_cms(url)
    bad = "UPDATE cms_article SET content = CAST(x'{}' AS TEXT) WHERE id = {}"
    execute(url, bad.format("e58d97fffe", 1), bad.format("e58d970041", 3))
    path = config(tmp_path, url, articles='changed = "updatetime"')
    result = ner("tag", "--store", path)
    assert result.exit_code == 1 and "2 articles tagged" in result.output, result.output
    assert "article 1: column content: byte FF at 1 is not UTF-8 (correct the row)" in result.output
    assert "article 3: column content: character U+0000 at 1 is not text" in result.output
    shown = ner("show", "--store", path)
    assert "article 1: column content" in shown.output and "陈晓" in shown.output


def test_an_article_that_always_fails_is_given_up_until_it_changes(
    url: str, tmp_path: Path
) -> None:
    make_cms(url, 1)
    with ForeignStore.open(config(tmp_path, url)) as store:
        source = ForeignEnds(store, MODEL)
        for _ in range(5):
            [part] = source.parts()
            ids = [item.id for item in source.read(part)]
            assert "1" in ids
            with ForeignEnds(store, MODEL) as sink:
                sink.write([Rejected(each, "", "no memory", "report it") for each in ids])
        assert list(source.read(part)) == []
        assert "no memory" in str(store.failures()[0])
        execute(url, "UPDATE cms_article SET title = '改了' WHERE id = 1")
        assert [item.id for item in source.read(part)] == ["1"]


@pytest.mark.slow
def test_killed_and_started_again_nothing_is_lost_or_twice(
    url: str, tmp_path: Path, tagger: Tagger
) -> None:
    make_cms(url, 120)
    path = config(tmp_path, url)
    command = [sys.executable, "-m", "ner", "tag", "--store", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not ledger_rows(url) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert 0 < ledger_rows(url) < 121
    with ForeignStore.open(path) as store:
        key = model_key(tagger)
        engine = this_process(tagger)
        ends = ForeignEnds(store, key)
        list(run(ends, ends, engine, model=str(tagger)))
    killed = execute(url, EVERYTHING)
    for table in sorted(OURS - {"ner_article_spans"}):
        execute(url, f"DELETE FROM {table}")
    tag(path)
    assert killed == execute(url, EVERYTHING)


EVERYTHING = (
    "SELECT article, field, start_char, end_char, label, name FROM ner_article_spans"
    " ORDER BY 1, 2, 3, 4, 5"
)


def ledger_rows(url: str) -> int:
    if "ner_article_spans" not in tables(url):
        return 0
    [(count,)] = execute(url, "SELECT count(*) FROM ner_tagged")
    return int(count)


# -- the config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[articles]\nurl = 3", r"\[articles\] url: Input should be a valid string"),
        ("[articles]\nurl = 'sqlite:///a.db'\ntable='a'\nid='a'", r"\[articles\] body: is missing"),
        ("[articles]\ncolour = 1", r"\[articles\] "),
        ("[spans]\nprefix = 'a b'", r"\[articles\]: is missing|\[spans\] prefix"),
        ("articles", "not TOML"),
        (
            "[articles]\nurl = 'mysql://u:${NO_SUCH}@h/d'",
            r"\$\{NO_SUCH\} is not set.*export NO_SUCH=",
        ),
        ("[articles]\nurl='a'\ntable='a'\nid='a'\nbody='a'\ntimezone='Asia/X'", "no time zone"),
    ],
)
def test_a_wrong_config_names_its_field(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(NerError, match=message) as caught:
        read_config(path)
    assert caught.value.where == str(path)


def test_the_example_is_a_config(monkeypatch: pytest.MonkeyPatch) -> None:
    from conftest import ROOT

    monkeypatch.setenv("CMS_PASSWORD", "a@b/c")
    found = read_config(ROOT / "configs/store.example.toml")
    assert found.articles.url == "mysql://ner:a%40b%2Fc@127.0.0.1/cms"
    assert found.spans_url == found.articles.url and found.spans.prefix == "ner_"


@pytest.mark.parametrize("command", [["tag"], ["show"], ["export"]])
def test_a_password_is_never_shown(command: list[str], tmp_path: Path) -> None:
    for url in ("mysql://u:geheim@127.0.0.1:1/d", "postgresql://u:geheim@127.0.0.1:1/d"):
        result = ner(*command, "--store", config(tmp_path, url))
        assert result.exit_code == 1 and "geheim" not in result.output
        assert "127.0.0.1:1/d" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["ingest", "a.txt"],
        ["brands"],
        ["places", "list"],
        ["report"],
        ["review", "--no-open"],
        ["store", "info"],
        ["store", "vacuum"],
    ],
)
def test_other_commands_say_that_they_need_a_store(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("南岸区")
    make_cms(f"sqlite:///{tmp_path}/a.db")
    path = config(tmp_path, "sqlite:///a.db")
    result = ner(
        *[str(tmp_path / each) if "." in each else each for each in command], "--store", path
    )
    assert result.exit_code == 1
    assert "is the config of a table that others own; this command needs a store" in result.output
    assert "ner export --store" in result.output and "then ner ingest a.jsonl" in result.output


# -- values

SHANGHAI = __import__("zoneinfo").ZoneInfo("Asia/Shanghai")
DAY = datetime.date(2025, 3, 18)


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1742234400, DAY),  # 2025-03-17 18:00 UTC
        (1742234400000, DAY),
        ("1742234400", DAY),
        (1742234400.5, DAY),
        (20250318, DAY),
        ("2025-03-18 08:00:00", DAY),
        ("2025年3月18日", DAY),
        (DAY, DAY),
        (datetime.datetime(2025, 3, 18, 1), DAY),
        (datetime.datetime(2025, 3, 17, 18, tzinfo=datetime.UTC), DAY),
        (0, None),
        (None, None),
        ("", None),
        ("0000-00-00 00:00:00", None),
        ("soon", None),
    ],
)
def test_dates_as_cms_keep_them(value: Any, date: datetime.date | None) -> None:
    assert as_date(value, SHANGHAI) == date


def test_ids_go_to_text_and_back() -> None:
    import uuid
    from decimal import Decimal

    for value in (7, "a", Decimal(12), uuid.uuid4(), b"\0\xff"):
        assert id_from_text(id_text(value), type(value)) == value
    with pytest.raises(NerError, match="article x: is no id of type int"):
        id_from_text("x", int)


def test_the_text_of_html_is_what_a_browser_shows() -> None:
    assert visible(HTML).text == SHOWN
    assert visible("<P>一</P><p>二<br/>三</p>").text == "一\n二\n三"
    assert visible("a < b，1<2 &noSuch; &#x4e00;").text == "a < b，1<2 &noSuch; 一"
    assert visible("<p>王　强</p>　　<p> 到 </p>").text == "王　强\n到"
    assert visible("").text == visible("<p><img src='data:x'></p>").text == ""
    assert visible("一<!-- 二").text == visible("一<script>二").text == "一"


def test_offsets_in_html_cover_what_is_shown() -> None:
    found = visible(HTML)
    start = SHOWN.index("后堡社区")
    first, last = found.source(start, start + 4)
    assert HTML[first:last] == "后堡</a>社区"
    assert found.find(first, last) == (start, start + 4)
    assert found.find(first + 1, 5000) is None
    assert plain("南岸区").find(1, 3) == (1, 3) and plain("南").find(0, 2) is None


_TOKENS = "<p> </p> <br> <b> </b> &amp; &lt; &#21335; &nbsp; < > & <!-- --> <script> </script> \" ' \\ 南 👍"
pieces = st.sampled_from([*_TOKENS.split(), "<a href='", " ", "\n", "\u3000"])


@given(st.lists(pieces, max_size=40).map("".join))
def test_any_html_has_a_text_with_places_in_order(html: str) -> None:
    found = visible(html)
    assert len(found.text) == len(found.starts) == len(found.ends)
    assert list(found.starts) == sorted(found.starts) and list(found.ends) == sorted(found.ends)
    for character, start, end in zip(found.text, found.starts, found.ends):
        assert 0 <= start < end <= len(html)
        if character not in "\n \xa0　&<>南":
            assert html[start:end] == character


def test_html_is_read_in_time_that_grows_with_its_length() -> None:
    for piece in ("<a ", '<a "', "<", "&", "<!--", "<script>", "<p>南", "&#1", "'<b "):
        started = time.process_time()
        visible(piece * 100_000)
        assert time.process_time() - started < 5, piece


def test_a_url_may_be_longer_than_a_name(tmp_path: Path) -> None:
    url = "postgresql://me@host/news?sslmode=verify-full&sslrootcert=/etc/" + "ca/" * 40
    path = tmp_path / "store.toml"
    path.write_text(f'[articles]\nurl = "{url}"\ntable = "t"\nid = "i"\nbody = "b"\n')
    assert read_config(path).articles.url == url
