"""Runs, what a new model changes, and decisions beside an article table that a CMS owns. Three databases."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cms import KINDS, config, database, execute, make_cms, make_database, ner, tables, tag

from ner.annotation.review import reviewed_corpus
from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.store import RIGHT, WRONG, ModelKey, Said
from ner.store.foreign import ForeignEnds, ForeignStore, schema

OLD, NEW = ModelKey("m", "1", "a" * 64), ModelKey("m", "2", "b" * 64)
PLACE, OFFICE, PERSON = Span(0, 3, "LOC", 0.9), Span(0, 4, "ORG", 0.9), Span(2, 5, "PER", 0.9)
CHEN = Said("陈静", "web")
# A click, as a CMS inserts it by itself.
SAY = (
    "INSERT INTO ner_decisions (article, text_hash, field, start_char, end_char, label, verdict,"
    " reviewer, source, at) SELECT article, text_hash, '{}', 0, {}, '{}', '{}', '李', 'cms',"
    " CURRENT_TIMESTAMP FROM ner_article_spans WHERE article = 1 AND end_char = 3"
)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database that a CMS is about to fill."""
    yield from make_database(request, request.param, tmp_path)


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[ForeignStore]:
    """A table of five articles: 2 has no title, 6 nothing else; 5 is a draft."""
    make_cms(url, 4)
    with ForeignStore.open(config(tmp_path, url)) as opened:
        yield opened


def tag_by(store: ForeignStore, model: ModelKey, found: dict[str, Sequence[Span] | str]) -> None:
    """A run that finds these spans, or cannot tag for this reason."""
    with ForeignEnds(store, model, list(found)) as ends:
        items = [item for item in ends.read(None) if isinstance(item, Article)]
        ends.write([_result(item, found[item.id]) for item in items])


def _result(article: Article, found: Sequence[Span] | str) -> Article | Rejected:
    if isinstance(found, str):
        return Rejected(article.id, f"article {article.id}", found, "report it")
    return replace(article, spans=tuple(found))


def article(store: ForeignStore, identity: str, **filters: object) -> Article:
    [item] = store.articles(ids=[identity], **filters)  # type: ignore[arg-type]
    assert isinstance(item, Article), item
    return item


def spans(item: Article) -> set[tuple[int, int, str, str]]:
    return {(span.start, span.end, span.label, span.model) for span in item.spans}


def path_of(tmp_path: Path) -> Path:
    return tmp_path / "store.toml"


# -- runs


def test_runs_are_listed_and_shown(store: ForeignStore, tmp_path: Path) -> None:
    tag_by(store, OLD, {"1": (PLACE, OFFICE), "3": (PLACE,), "4": "too odd"})
    ends = ForeignEnds(store, NEW)
    ends.write([replace(article(store, "1"), spans=(PLACE,))])  # and never ends
    [open_run, run] = store.runs()
    length = len(article(store, "1").text)
    assert (run.articles, run.failed, run.spans) == (2, 1, {"LOC": 2, "ORG": 1})
    assert run.characters == 2 * length and run.model == OLD
    assert run.finished_at and run.started_at <= run.last_at <= run.finished_at
    assert run.last_at.tzinfo and open_run.finished_at is None
    listed = ner("runs", "--store", path_of(tmp_path)).output
    assert re.search(r"m-1 +1 .* 2 +\d+ +3 +1 ", listed) and " open " in listed
    shown = ner("runs", "show", 1, "--store", path_of(tmp_path)).output
    assert "failed      1" in shown and "article 4: too odd (report it); 1 try" in shown
    assert "spans LOC   2" in shown and f"SHA-256 {OLD.hash}" in shown
    missing = ner("runs", "show", 77, "--store", path_of(tmp_path))
    assert "run 77 is not in the store" in missing.output


def test_before_the_first_result_there_are_no_runs(url: str, tmp_path: Path) -> None:
    make_cms(url)
    path = config(tmp_path, url)
    assert "no runs" in ner("runs", "--store", path).output
    assert "run 1 is not in the store" in ner("runs", "show", 1, "--store", path).output
    diff = ner("runs", "diff", "news", "news-fast", "--store", path)
    assert diff.exit_code == 1 and "has tagged nothing in this store" in diff.output
    with ForeignStore.open(path) as store:
        gone = Article("77", "没有。", spans=(Span(0, 1, "LOC"),))
        assert isinstance(store.decide(gone, "陈"), Rejected) and not store.undo(1, CHEN)
    with database(url) as opened:
        assert sa.inspect(opened).get_table_names() == ["cms_article"]


def test_results_that_are_written_twice_are_counted_once(store: ForeignStore) -> None:
    run = store.start_run(OLD)
    found = [replace(article(store, "1"), spans=(PLACE,))]
    for _ in range(2):
        store.write_results(run, found)
    [summary] = store.runs()
    assert (summary.articles, summary.spans) == (1, {"LOC": 1})


def test_what_changed_from_one_model_to_another(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    tag_by(store, OLD, {name: (PLACE,) for name in "1234"})
    tag_by(store, NEW, {"1": (PLACE,), "3": (OFFICE,), "4": (PLACE, OFFICE, Span(4, 5, "PER"))})
    found = store.compare(OLD, NEW)
    assert (found.articles, found.changed) == (3, 2)  # the new model has not tagged the first
    assert [(c.label, c.both, c.gone, c.new) for c in found.labels] == [
        ("LOC", 2, 1, 0),
        ("ORG", 0, 0, 2),
        ("PER", 0, 0, 1),
    ]
    assert found.most_changed == {"3": 2, "4": 2}
    shown = ner("runs", "diff", "1", "m-2", "--store", path_of(tmp_path)).output
    assert "2 of 3 articles changed" in shown and "3  2 spans" in shown
    # What each found in another text is no difference between them.
    execute(url, "UPDATE cms_article SET title = '巴南区委开会' WHERE id = 3")
    tag_by(store, NEW, {"3": (PLACE,)})
    found = store.compare(OLD, NEW)
    assert (found.articles, found.changed, dict(found.most_changed)) == (2, 1, {"4": 2})
    assert [(c.label, c.gone, c.new) for c in found.labels] == [
        ("LOC", 0, 0),
        ("ORG", 0, 1),
        ("PER", 0, 1),
    ]


def test_all_is_tagged_again_if_asked(store: ForeignStore, tmp_path: Path) -> None:
    """Also where that is interrupted: it goes on, and no article is without spans meanwhile."""
    tag_by(store, OLD, {name: (PLACE,) for name in "1234"})

    def left() -> list[str]:
        ends = ForeignEnds(store, OLD)
        return [item.id for part in ends.parts() for item in ends.read(part)]

    assert left() == ["6"], "the picture"
    store.tag_again(OLD)
    assert left() == ["1", "2", "3", "4", "6"]
    assert spans(article(store, "1", model=OLD)) == {(0, 3, "LOC", "m-1")}
    tag_by(store, OLD, {"1": (OFFICE,)})
    assert left() == ["2", "3", "4", "6"]
    for model in (OLD, NEW):
        tag_by(store, model, {"2": "too odd"})
    store.tag_again(NEW)
    assert store.retry_failed(NEW) == 0
    assert [(each.model, each.tries) for each in store.quarantined()] == [(OLD, 1)]
    path, fast = path_of(tmp_path), ("--model", "news-fast")
    assert "5 articles tagged" in tag(path, *fast) and "nothing left" in tag(path, *fast)
    assert "5 articles tagged" in tag(path, *fast, "--again")


def test_what_failed_too_often_is_tried_when_asked(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    def left() -> list[str]:
        ends = ForeignEnds(store, OLD)
        return [item.id for part in ends.parts() for item in ends.read(part)]

    for _ in range(5):
        assert "1" in left()
        tag_by(store, OLD, {"1": "too odd"})
    assert "1" not in left() and store.count_tried_enough(OLD) == 1
    [each] = store.quarantined(OLD)
    assert (each.id, each.tries, each.run, each.why) == ("1", 5, 5, "too odd")
    assert "too odd" in ner("show", "--failures", "--store", path_of(tmp_path)).output
    assert store.retry_failed(OLD) == 1 and "1" in left() and store.failures() == []
    # Another text is another try: what the old one did says nothing of it.
    for _ in range(5):
        tag_by(store, OLD, {"1": "too odd"})
    execute(url, "UPDATE cms_article SET title = '改了' WHERE id = 1")
    tag_by(store, OLD, {"1": "still odd"})
    assert [each.tries for each in store.quarantined(OLD)] == [1] and "1" in left()


def test_a_run_that_fails_before_its_first_result_leaves_nothing(
    store: ForeignStore, url: str
) -> None:
    """Nor the tables that were made for it; those that hold something stay."""
    store.drop_run(store.start_run(OLD))
    assert tables(url) == {"cms_article"}
    tag_by(store, OLD, {"1": (PLACE,)})
    store.drop_run(store.start_run(NEW))
    [left] = store.runs()
    assert left.model == OLD and verdicts(url) == [None]


# -- decisions


def test_a_decision_counts_until_it_is_taken_back(store: ForeignStore, url: str) -> None:
    tag_by(store, OLD, {"1": (PLACE,)})
    item = article(store, "1")
    first = store.decide_span(item, PLACE, WRONG, CHEN, model=OLD)
    assert isinstance(first, int) and verdicts(url) == []
    assert article(store, "1").spans == () and len(article(store, "1", as_tagged=True).spans) == 1
    assert store.decide_span(item, PLACE, WRONG, CHEN) == first, "said twice, kept once"
    second = store.decide_span(item, PLACE, RIGHT, CHEN)
    assert isinstance(second, int) and verdicts(url) == ["right"]
    assert store.undo(second, CHEN) and verdicts(url) == []
    assert not store.undo(second, CHEN) and not store.undo(99, CHEN)
    assert store.undo(first, CHEN) and verdicts(url) == [None]
    rows = execute(url, "SELECT verdict, model, undoes FROM ner_decisions ORDER BY number")
    assert [row.verdict for row in rows] == ["wrong", "right", "undone", "undone"]
    assert rows[0].model == 1 and rows[2].undoes == second
    with pytest.raises(ValueError, match="not a verdict"):
        store.decide_span(item, PLACE, "maybe", CHEN)


def verdicts(url: str) -> list[str | None]:
    rows = execute(url, "SELECT verdict FROM ner_article_spans ORDER BY article, start_char")
    return [row.verdict for row in rows]


def test_a_source_tells_of_a_decision_once(store: ForeignStore) -> None:
    item = article(store, "1")
    told = Said("陈静", "cms", "click-1")
    first = store.decide_span(item, PLACE, RIGHT, told)
    store.decide_span(item, PLACE, WRONG, Said("李", "cms", "click-2"))
    assert store.decide_span(item, PLACE, RIGHT, told) == first
    other = store.decide_span(item, OFFICE, WRONG, Said("陈静", "web", "click-1"))
    assert isinstance(other, int) and other != first, "another source has numbers of its own"
    assert article(store, "1").spans == ()


def test_what_cannot_be_decided_says_why(store: ForeignStore, url: str) -> None:
    item = article(store, "1")
    assert isinstance(store.decide_span(item, OFFICE, RIGHT, CHEN), int)

    def why(span: Span) -> str:
        return str(store.decide_span(item, span, RIGHT, CHEN))

    assert "crosses 0:4 ORG, which was decided to be right" in why(Span(2, 6, "PER"))
    assert "ends past the text" in why(Span(2, 600, "PER"))
    end = item.body_start
    assert "over the end of the title" in why(Span(end - 1, end + 2, "PER"))
    execute(url, "UPDATE cms_article SET title = '改了' WHERE id = 1")
    assert "another text in the table" in str(store.decide_span(item, PLACE, RIGHT, CHEN))
    assert "another text in the table" in str(store.decide(item, "陈静"))
    execute(url, "DELETE FROM cms_article WHERE id = 1")
    assert "is not in the table" in str(store.decide(item, "陈静"))


def test_an_article_that_was_read_as_a_whole(store: ForeignStore, url: str, tmp_path: Path) -> None:
    """As doccano's pull tells of it: its spans are right, all others wrong; training learns from it."""
    tag_by(store, OLD, {"1": (PLACE, OFFICE), "3": (PLACE,)})
    body = article(store, "1").text.index("陈晓")
    read = replace(article(store, "1"), spans=(PLACE, Span(body, body + 2, "PER")))
    assert store.decide(read, "陈静", source="doccano july") == 4
    assert store.decide(read, "陈静", source="doccano july") == 0
    assert verdicts(url) == ["right", "right", None]
    drawn = "SELECT name FROM ner_article_spans WHERE verdict = 'right' AND field = 'body'"
    assert execute(url, drawn) == [("陈晓",)], "what nobody but a person marked"
    path = path_of(tmp_path)
    [row] = map(json.loads, ner("export", "--reviewed", "--store", path).stdout.splitlines())
    assert row["id"] == "1"
    assert [(s["text"], s["label"]) for s in row["spans"]] == [("渝北区", "LOC"), ("陈晓", "PER")]
    others = ner("export", "--unreviewed", "--model", "m", "--store", path).stdout.splitlines()
    assert [json.loads(line)["id"] for line in others] == ["2", "3", "4", "6"]
    [learnt] = reviewed_corpus(str(path), tmp_path / "run").path.read_text().splitlines()
    assert json.loads(learnt)["spans"] == row["spans"]
    # Another person in another project who says otherwise has the last word.
    store.decide(replace(read, spans=()), "李", source="doccano august")
    assert verdicts(url) == [None]
    execute(url, "UPDATE cms_article SET title = '改了' WHERE id = 1")
    assert ner("export", "--reviewed", "--store", path).stdout == ""
    with pytest.raises(NerError, match="no reviewed articles"):
        reviewed_corpus(str(path), tmp_path / "run2")


def test_a_review_can_be_taken_back(store: ForeignStore, url: str) -> None:
    store.decide(replace(article(store, "1"), spans=(PLACE,)), "陈静")
    assert len(list(store.reviewed())) == 1
    [(number,)] = execute(url, "SELECT number FROM ner_reviews")
    assert store.undo_review(number, CHEN) and list(store.reviewed()) == []


def test_a_confirmed_span_stays_where_a_new_model_does_not_repeat_it(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    tag_by(store, OLD, {name: (PLACE, OFFICE) for name in "134"})
    for name in "134":
        assert isinstance(store.decide_span(article(store, name), OFFICE, RIGHT, CHEN), int)
    tag_by(store, NEW, {"1": (PLACE, OFFICE), "3": (PLACE,), "4": (PERSON,)})
    here, mine = (0, 3, "LOC", "m-2"), (0, 4, "ORG", "")
    kept = [spans(article(store, name, model=NEW)) for name in "134"]
    assert kept == [{here, (0, 4, "ORG", "m-2")}, {here, mine}, {mine}]
    assert spans(article(store, "3", model=NEW, as_tagged=True)) == {here}
    assert [in_view(url, name) for name in "134"] == kept
    assert store.unrepeated(NEW) == {"3": 1, "4": 1} and store.unrepeated(OLD) == {}
    shown = ner("runs", "diff", "m-1", "m-2", "--store", path_of(tmp_path)).output
    assert "2 spans that people called right are not found by m-2; they stay" in shown
    assert "4  1 confirmed span not repeated" in shown
    exported = ner("export", "--model", "m-2", "--store", path_of(tmp_path)).stdout.splitlines()
    rows = {row["id"]: row["spans"] for row in map(json.loads, exported)}
    assert [(s["label"], s["model"]) for s in rows["3"]] == [("ORG", ""), ("LOC", "m-2")]
    # What was said of a text says nothing of another one, though the same stands at its beginning.
    execute(url, "UPDATE cms_article SET content = '<p>江北区</p>' WHERE id = 3")
    tag_by(store, NEW, {"3": (PERSON,)})
    crossing = {(2, 5, "PER", "m-2")}
    assert spans(article(store, "3", model=NEW)) == in_view(url, "3") == crossing
    assert store.unrepeated(NEW) == {"4": 1}


def test_the_view_has_what_people_added(store: ForeignStore, url: str) -> None:
    """As `ner show` has it, with the name where ner entered it, until it is taken back."""
    tag_by(store, OLD, {"1": (PLACE, Span(4, 6, "PER", 0.9)), "3": ()})  # one beside what is added
    added = Span(2, 4, "BRAND")
    for name in "13":
        number = store.decide_span(article(store, name), added, RIGHT, CHEN)
        assert isinstance(number, int), number
        assert in_view(url, name) == spans(article(store, name))
        assert (2, 4, "BRAND", "") in in_view(url, name)
    text = article(store, "3").text
    columns = "name, score, verdict, field, text_hash"
    where = "WHERE article = 3 AND model IS NULL"
    [row] = execute(url, f"SELECT {columns} FROM ner_article_spans {where}")
    assert (row.name, row.score, row.verdict, row.field) == (text[2:4], 1, "right", "title")
    assert row.text_hash == article(store, "3").text_hash
    tag_by(store, NEW, {"3": (added,)})  # which finds it too
    assert in_view(url, "3") == spans(article(store, "3")) == {(2, 4, "BRAND", "m-2")}
    assert store.undo(number, CHEN)
    assert in_view(url, "3") == spans(article(store, "3"))
    assert isinstance(store.decide_span(article(store, "1"), added, WRONG, CHEN), int)
    assert in_view(url, "1") == spans(article(store, "1", model=OLD))
    assert (0, 3, "LOC", "m-1") in in_view(url, "1")


def test_the_view_follows_what_is_taken_back(store: ForeignStore, url: str) -> None:
    tag_by(store, OLD, {"3": ()})
    added = Span(2, 4, "BRAND")
    said = [
        store.decide_span(article(store, "3"), added, verdict, replace(CHEN, reviewer=reviewer))
        for verdict, reviewer in ((RIGHT, "陈静"), (WRONG, "李"))
    ]
    seen = [in_view(url, "3")]
    for number in reversed(said):
        assert isinstance(number, int) and store.undo(number, CHEN)
        seen.append(in_view(url, "3"))
        assert seen[-1] == spans(article(store, "3", model=OLD))
    assert seen == [set(), {(2, 4, "BRAND", "")}, set()]


def test_a_span_of_the_title_crosses_none_of_the_body(store: ForeignStore, url: str) -> None:
    execute(url, "UPDATE cms_article SET content = '渝北区政府开张' WHERE id = 3")
    begin = article(store, "3").body_start
    tag_by(store, OLD, {"3": (Span(begin + 2, begin + 5, "PER", 0.9),)})
    assert isinstance(store.decide_span(article(store, "3"), OFFICE, RIGHT, CHEN), int)
    assert in_view(url, "3") == {(2, 5, "PER", "m-1"), (0, 4, "ORG", "")}


def test_clicks_that_cross_leave_an_article_readable(store: ForeignStore, url: str) -> None:
    """A CMS inserts them by itself, and nothing there refuses a crossing: the last one stays."""
    tag_by(store, OLD, {"1": (PLACE,)})
    say = (
        "INSERT INTO ner_decisions (article, text_hash, field, start_char, end_char, label, verdict,"
        " reviewer, source, at) SELECT article, text_hash, 'title', {}, {}, 'ORG', 'right', '李', 'cms',"
        " CURRENT_TIMESTAMP FROM ner_article_spans"
    )
    execute(url, say.format(0, 4), say.format(2, 6))
    assert in_view(url, "1") == {(2, 6, "ORG", "")}
    execute(url, say.format(4, 900))
    found = spans(article(store, "1", model=OLD))
    assert found == {(2, 6, "ORG", "")}, "the model's crosses it too"


def test_a_decision_on_nothing_is_refused_or_named(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    tag_by(store, OLD, {"1": (PLACE,)})
    for field, verdict in (("kopf", "right"), ("title", "vielleicht")):
        with pytest.raises(sa.exc.DBAPIError, match="ck_ner_decisions_|CHECK|Check"):
            execute(url, SAY.format(field, 3, "LOC", verdict))
    execute(url, SAY.format("title", 900, "LOC", "wrong"), SAY.format("title", 3, "3", "right"))
    shown = ner("show", "1", "--store", path_of(tmp_path))
    assert shown.exit_code == 0 and "渝北区" in shown.output
    for place in ("0:900 LOC wrong", "0:3 3 right"):
        said = rf"decision \d+ on article 1 is left out: title {place} is nothing in its text"
        assert len(re.findall(said, shown.output)) == 1, shown.output


# -- tables of an earlier version


def test_tables_of_an_earlier_version_are_upgraded_when_asked(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    tag_by(store, OLD, {"1": (PLACE,), "3": "too odd"})
    store.close()
    path = path_of(tmp_path)
    before = view_of(url)
    as_the_first_version_made_them(store, url)
    for command in (["tag"], ["show"], ["runs"]):
        result = ner(*command, "--store", path)
        assert result.exit_code == 1 and "made by an earlier version" in result.output
        assert "ner store upgrade" in result.output
    assert "were upgraded" in ner("store", "upgrade", "--store", path).output
    assert "nothing to do" in ner("store", "upgrade", "--store", path).output
    assert view_of(url) == before
    with ForeignStore.open(path) as opened:
        assert spans(article(opened, "1", model=OLD)) == {(0, 3, "LOC", "m-1")}
        assert isinstance(opened.decide_span(article(opened, "1"), PLACE, RIGHT, CHEN), int)
        assert opened.decide(article(opened, "3"), "陈") == 1
        tag_by(opened, NEW, {"1": (OFFICE,)})
        [new, old] = opened.runs()
        assert (new.articles, new.spans, old.articles) == (1, {"ORG": 1}, 0)
    with database(url) as opened_database:
        unique = {
            index["name"]
            for index in sa.inspect(opened_database).get_indexes("ner_decisions")
            if index["unique"]
        }
    assert unique == {"uq_ner_decisions_source", "uq_ner_decisions_undoes"}


def test_an_upgrade_keeps_what_was_said_and_what_others_made(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    """Decisions of a version before the conditions on them, with a trigger and a view of the CMS."""
    tag_by(store, OLD, {"1": (PLACE, OFFICE), "3": (PLACE,)})
    assert isinstance(store.decide_span(article(store, "3"), PLACE, RIGHT, CHEN), int)
    store.close()
    as_the_first_version_made_them(store, url)
    execute(url, SAY.format("kopf", 3, "LOC", "right"), SAY.format("title", 4, "ORG", "wrong"))
    execute(url, "CREATE VIEW cms_said AS SELECT article, verdict FROM ner_decisions")
    if url.startswith("sqlite"):
        execute(
            url,
            "CREATE TRIGGER kept BEFORE DELETE ON ner_decisions WHEN old.field = 'title'"
            " BEGIN SELECT RAISE(ABORT, 'append-only'); END",
        )
    said = "SELECT number, article, field, start_char, label, verdict, at FROM ner_decisions"
    before = execute(url, said)
    assert len(before) == 3
    result = ner("store", "upgrade", "--store", path_of(tmp_path))
    assert result.exit_code == 1 and "rows that say nothing" in result.output
    [remedy] = re.findall(r"\((DELETE FROM .*)\)$", result.output.strip())
    execute(url, remedy)
    assert "were upgraded" in ner("store", "upgrade", "--store", path_of(tmp_path)).output
    assert execute(url, said) == [row for row in before if row.field == "title"]
    assert sorted(map(tuple, execute(url, "SELECT * FROM cms_said"))) == [
        (1, "wrong"),
        (3, "right"),
    ]
    with pytest.raises(sa.exc.DBAPIError, match="ck_ner_decisions_|CHECK|Check"):
        execute(url, SAY.format("title", 3, "LOC", "vielleicht"))
    if url.startswith("sqlite"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            execute(url, "DELETE FROM ner_decisions")
    with ForeignStore.open(path_of(tmp_path)) as opened:
        assert spans(article(opened, "1")) == {(0, 3, "LOC", "m-1")}
        assert isinstance(opened.decide_span(article(opened, "1"), PLACE, RIGHT, CHEN), int)


def test_a_view_that_still_has_what_was_called_wrong_is_made_anew(
    store: ForeignStore, url: str, tmp_path: Path
) -> None:
    tag_by(store, OLD, {"1": (PLACE,)})
    assert isinstance(store.decide_span(article(store, "1"), PLACE, WRONG, CHEN), int)
    with database(url) as opened, opened.connect() as one:
        view = schema.view_statement(store._tables, one).replace("%%", "%")
    execute(
        url,
        "DROP VIEW ner_article_spans",
        re.sub(r" AND coalesce\(\(SELECT.*", "", view, flags=re.S),
    )
    assert verdicts(url) == ["wrong"]
    assert "made by an earlier version" in ner("show", "--store", path_of(tmp_path)).output
    assert "were upgraded" in ner("store", "upgrade", "--store", path_of(tmp_path)).output
    assert verdicts(url) == []
    execute(url, "DROP VIEW ner_article_spans")
    assert "were upgraded" in ner("store", "upgrade", "--store", path_of(tmp_path)).output
    assert verdicts(url) == []


def in_view(url: str, name: str) -> set[tuple[int, int, str, str]]:
    """The spans that the view has of an article, as `spans` gives them."""
    columns = "start_char, end_char, label, coalesce(model, '')"
    rows = execute(url, f"SELECT {columns} FROM ner_article_spans WHERE article = {name}")
    assert len(set(rows)) == len(rows)
    return set(map(tuple, rows))


def view_of(url: str) -> list[object]:
    return execute(url, "SELECT * FROM ner_article_spans ORDER BY article, start_char, end_char")


def as_the_first_version_made_them(store: ForeignStore, url: str) -> None:
    """Without what was added since."""
    kind = url.split(":")[0]
    on = " ON ner_decisions" if kind not in ("sqlite", "postgresql") else ""
    added = {
        "runs": ("articles", "characters", "failed", "last_at"),
        "tagged": ("is_stale",),
        "decisions": ("model", "name", "external_id", "undoes"),
        "failures": ("run",),
    }
    checks = [f"ck_ner_decisions_{name}" for name in ("field", "verdict")]
    with pytest.MonkeyPatch.context() as patch, database(url) as opened, opened.connect() as one:
        patch.setattr(schema, "stands", lambda _: sa.true())
        view = schema.view_statement(store._tables, one).replace("%%", "%")
    execute(
        url,
        "DROP VIEW ner_article_spans",
        *(f"DROP INDEX uq_ner_decisions_{name}{on}" for name in ("source", "undoes")),
        *(f"ALTER TABLE ner_{t} DROP COLUMN {c}" for t, columns in added.items() for c in columns),
        "DROP TABLE ner_run_spans",
        "DROP TABLE ner_reviews",
        re.sub(r" AND coalesce\(\(SELECT.*", "", view, flags=re.S),
    )
    if kind != "sqlite":
        execute(url, *(f"ALTER TABLE ner_decisions DROP CONSTRAINT {name}" for name in checks))
        return
    [(made,)] = execute(url, "SELECT sql FROM sqlite_master WHERE name = 'ner_decisions'")
    for name in checks:
        made = re.sub(rf",\s*CONSTRAINT {name} CHECK \([^)]*\)\)", "", made)
    assert "CHECK" not in made
    change = "UPDATE sqlite_master SET sql = :made WHERE name = 'ner_decisions'"
    execute(url, "PRAGMA writable_schema = ON", change, made=made)
