import dataclasses
import datetime
import random
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import PATIENCE, ROOT, make_article

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.store import Filters, ModelKey, Store, Summary
from ner.store.database import in_transaction, open_engine
from ner.store.schema import is_here, metadata, span_decisions, spans
from ner.store.versions import HEAD, upgrade

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)


def outcomes(store: Store, *items: Article | Rejected, replace: bool = False) -> list[str]:
    return [added.outcome for added in store.add(items, replace=replace)]


def tag(store: Store, *articles: Article, model: ModelKey = MODEL) -> None:
    store.write_results(store.start_run(model), articles)


def change(store: Store, statement: str) -> None:
    """Run SQL, as somebody else could."""
    with store._engine.begin() as connection:
        connection.execute(sa.text(statement))


def damage_article(store: Store, damage: str) -> None:
    """Change the second of several articles by an assignment in SQL."""
    if damage.startswith("text ="):
        change(store, f"UPDATE texts SET {damage} WHERE article = 2")
    else:
        change(store, f"UPDATE articles SET {damage} WHERE id = 'article-00001'")


def rows(store: Store, table: sa.Table) -> int:
    with store._engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_an_article_comes_back_as_it_went_in(store: Store) -> None:
    article = Article(
        id="渝-1",
        text="标题\n南岸区👍🏽后堡社区\n又一段",
        title="标题",
        body_start=3,
        paper="江州日报",
        date=datetime.date(2024, 12, 5),
        page="002",
        section="要闻",
    )
    assert outcomes(store, article) == ["added"]
    assert list(store.articles()) == [article]


def test_adding_again_changes_nothing_and_another_text_is_refused(store: Store) -> None:
    article = make_article(1)
    assert outcomes(store, article, article) == ["added", "unchanged"]
    other = Article(id=article.id, text="别的")
    assert outcomes(store, other) == ["failed"]
    assert list(store.articles()) == [article]
    [failure] = store.failures()
    assert failure.why == "is already stored with another text"
    assert "--replace" in failure.remedy


def test_replacing_drops_the_old_spans_and_tags_anew(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    assert outcomes(store, Article(id="article-00001", text="别的"), replace=True) == ["replaced"]
    assert rows(store, spans) == 0
    assert store.count_untagged(MODEL) == 1


def test_deleting_leaves_no_orphans(store: Store) -> None:
    outcomes(store, make_article(1), make_article(2))
    tag(store, make_article(1, spans=(PLACE,)), make_article(2, spans=(PLACE,)))
    store.delete("article-00001")
    assert rows(store, spans) == 1
    assert store.count() == 1
    with pytest.raises(NerError, match="article article-00001: not in the store"):
        store.delete("article-00001")


def test_a_reviewed_article_is_neither_deleted_nor_replaced(store: Store) -> None:
    outcomes(store, make_article(1))
    store.decide(make_article(1, spans=(PLACE,)), "陈")
    with pytest.raises(NerError, match="a reviewer has decided"):
        store.delete("article-00001")
    other = Article(id="article-00001", text="别的")
    assert outcomes(store, other, replace=True) == ["failed"]
    assert list(store.articles()) == [make_article(1, spans=(PLACE,))]


def places(item: Article | Rejected) -> list[tuple[int, int, str]]:
    assert isinstance(item, Article)
    return [(span.start, span.end, span.label) for span in item.spans]


def test_what_a_person_says_corrects_the_model_and_saying_it_again_adds_nothing(
    store: Store,
) -> None:
    outcomes(store, make_article(1), make_article(2))
    tag(store, make_article(1, spans=(PLACE, Span(14, 16, "PER", 0.7))))
    said = make_article(1, spans=(Span(8, 13, "ORG"), PLACE))
    # Two spans right, one wrong, and the article read as a whole.
    assert store.decide(said, "陈", source="doccano july") == 4
    assert store.decide(said, "李", source="doccano july") == 0
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG"), (8, 11, "LOC")]]
    # What a later model finds there is not a name, or a person would have said so.
    later = (Span(0, 2, "BRAND", 0.9), Span(14, 16, "PER", 0.9), Span(10, 14, "LOC", 0.99))
    tag(store, make_article(1, spans=later), model=ModelKey("news", "2.0", "b" * 64))
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG"), (8, 11, "LOC")]]


def test_of_two_who_read_an_article_the_last_word_counts_and_repeating_is_none(
    store: Store,
) -> None:
    outcomes(store, make_article(1))
    july = make_article(1, spans=(PLACE, Span(8, 11, "ORG")))
    august = make_article(1, spans=(Span(8, 13, "ORG"),))
    for article, note in ((july, "july"), (august, "august")):
        store.decide(article, "陈", source=note)
    kept = rows(store, span_decisions)
    for _ in range(2):  # both projects pulled again, unchanged
        assert store.decide(july, "陈", source="july") == 0
        assert store.decide(august, "陈", source="august") == 0
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG")]]
    assert store.decide(make_article(1, spans=(PLACE,)), "陈", source="july") > 0
    assert [places(item) for item in store.reviewed()] == [[(8, 11, "LOC")]]
    assert rows(store, span_decisions) > kept  # what was said before stays on record


def test_an_article_without_names_is_reviewed_too(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    store.decide(make_article(1), "陈")
    assert [places(item) for item in store.reviewed()] == [[]]


def test_a_label_a_person_gave_twice_to_the_same_words_stays(store: Store) -> None:
    outcomes(store, make_article(1))
    store.decide(make_article(1, spans=(PLACE, Span(8, 11, "ORG"))), "陈")
    assert [places(item) for item in store.reviewed()] == [[(8, 11, "LOC"), (8, 11, "ORG")]]


def test_a_decision_on_another_text_is_refused(store: Store) -> None:
    outcomes(store, make_article(1))
    refused = store.decide(Article(id="article-00001", text="别的"), "陈")
    assert re.search("stored with another text.*push the stored article again", str(refused))
    assert "article 9: is not in the store" in str(store.decide(Article(id="9", text="别的"), "陈"))
    assert list(store.reviewed()) == []


def test_tagging_twice_gives_the_spans_once(store: Store) -> None:
    outcomes(store, make_article(1))
    tagged = make_article(1, spans=(Span(8, 11, "LOC", 0.9), Span(8, 13, "ORG", 0.8)))
    tag(store, tagged)
    tag(store, tagged)
    [article] = store.articles()
    assert isinstance(article, Article)
    assert [(s.start, s.end, s.label, s.model) for s in article.spans] == [
        (8, 13, "ORG", "news-1.0"),
        (8, 11, "LOC", "news-1.0"),
    ]
    assert rows(store, spans) == 2


def test_each_model_has_its_own_ledger_and_the_last_one_shows(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    newer = ModelKey("news", "1.0", "b" * 64)
    assert store.count_untagged(MODEL) == 0
    assert [a.id for a in store.articles_to_tag(newer)] == ["article-00001"]
    tag(store, make_article(1, spans=()), model=newer)
    [article] = store.articles()
    assert isinstance(article, Article) and article.spans == ()
    assert rows(store, spans) == 1


def test_an_article_without_spans_is_tagged_all_the_same(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1))
    assert list(store.articles_to_tag(MODEL)) == []


def test_many_articles_come_in_order_whatever_the_batch(store: Store) -> None:
    many = [make_article(number) for number in range(450)]
    assert set(outcomes(store, *many)) == {"added"}
    tag(store, *many[100:300])
    left = [a.id for a in store.articles_to_tag(MODEL)]
    assert left == [a.id for a in many[:100] + many[300:]]
    assert store.count() == 450 and store.count_untagged(MODEL) == 250


def test_asking_for_an_article_that_is_not_there(store: Store) -> None:
    outcomes(store, make_article(1))
    assert [a.id for a in store.articles(ids=["article-00001"])] == ["article-00001"]
    with pytest.raises(NerError, match="article nobody: not in the store"):
        list(store.articles(ids=["article-00001", "nobody"]))


# What may happen to a row in the database from outside, each as an assignment in SQL.
DAMAGES = [
    "text = text || '。'",
    "text = ''",
    "text_hash = 'none'",
    "title = '别的'",
    "body_start = 2",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_row_changed_from_outside_costs_only_itself_and_its_remedy_works(
    store: Store, damage: str
) -> None:
    outcomes(store, *map(make_article, range(3)))
    tag(store, *(make_article(number, spans=(PLACE,)) for number in range(3)))
    damage_article(store, damage)
    newer = ModelKey("news", "2.0", "b" * 64)
    for items in (list(store.articles()), list(store.articles_to_tag(newer))):
        assert [type(item) for item in items] == [Article, Rejected, Article]
        assert "restore it from its source: ner ingest --replace FILE" in str(items[1])
    [changed] = set(outcomes(store, make_article(1), replace=True))
    assert changed in ("restored", "updated")
    assert [places(item) for item in store.articles()] == [[(8, 11, "LOC")]] * 3


@pytest.mark.parametrize(
    "damage",
    [
        "title = x'ff'",
        "text = CAST(x'e58d97ff' AS TEXT)",
        "date = 'yesterday'",
        "page = x''",
        "body_start = 'a'",
    ],
)
def test_values_that_only_sqlite_takes_cost_only_their_row(tmp_path: Path, damage: str) -> None:
    with Store(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        outcomes(store, *map(make_article, range(3)))
        damage_article(store, damage)
        assert [type(item) for item in store.articles()] == [Article, Rejected, Article]
        assert [line.id for line in store.summaries()] == [f"article-0000{n}" for n in range(3)]
        outcomes(store, make_article(1), replace=True)
        assert list(store.articles()) == list(map(make_article, range(3)))


@pytest.mark.parametrize(
    "damage", ["label = 'no label'", '"start" = 7, "end" = 70', '"start" = 11', "score = 2"]
)
def test_damaged_spans_stop_no_tagging_and_tagging_again_mends_them(
    store: Store, damage: str
) -> None:
    outcomes(store, *map(make_article, range(3)))
    tag(store, *(make_article(number, spans=(PLACE,)) for number in range(3)))
    change(store, f"UPDATE spans SET {damage} WHERE article = 2")
    bad = list(store.articles())[1]
    assert "ner tag --article article-00001 --model news-1.0" in str(bad)
    assert [type(item) for item in store.articles()] == [Article, Rejected, Article]
    [item] = store.articles_to_tag(MODEL, ids=["article-00001"])
    assert item == make_article(1)
    tag(store, make_article(1, spans=(PLACE,)))
    assert [places(item) for item in store.articles()] == [[(8, 11, "LOC")]] * 3


def test_with_replace_other_fields_follow_and_the_spans_stay(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    moved = dataclasses.replace(make_article(1), page="3", date=datetime.date(2025, 3, 18))
    assert outcomes(store, moved) == ["unchanged"]
    assert outcomes(store, moved, moved, replace=True) == ["updated", "unchanged"]
    [item] = store.articles()
    assert isinstance(item, Article) and (item.page, places(item)) == ("3", [(8, 11, "LOC")])


UNSTORABLE = {
    "a NUL": dataclasses.replace(make_article(8), text="a\0b", title="", body_start=0),
    "half a pair in the id": dataclasses.replace(make_article(8), id="\ud800"),
    "a NUL in a field": dataclasses.replace(make_article(8), author="甲\0"),
    "a long id": dataclasses.replace(make_article(8), id="号" * 3000),
    "a random id": dataclasses.replace(make_article(8), id=random.Random(1).randbytes(1500).hex()),
}


@pytest.mark.parametrize("what", UNSTORABLE)
def test_what_no_database_can_hold_is_set_aside_and_the_rest_is_stored(
    store: Store, what: str
) -> None:
    found = outcomes(store, make_article(1), UNSTORABLE[what], make_article(2))
    assert found == ["added", "failed", "added"]
    [failure] = store.failures()
    assert re.search("which is not text|characters, over 500", failure.why)
    assert outcomes(store, UNSTORABLE[what]) == ["failed"]  # again, and kept once
    assert len(store.failures()) == 1 and store.count() == 2


def test_long_spans_and_long_reasons_can_be_stored(store: Store) -> None:
    text = random.Random(1).randbytes(5000).hex()
    article = Article("long", text, spans=(Span(0, len(text), "ORG"),))
    outcomes(store, article, Rejected("x", f"{text}:3", text + "\0\ud800", "y"))
    tag(store, article)
    assert [item.id for item in store.articles(name=text)] == ["long"]
    assert store.failures() == [Rejected("x", f"{text}:3", text + "\\x00\\ud800", "y")]


def test_a_failure_is_kept_once_and_until_it_is_solved(store: Store) -> None:
    broken = Rejected("", "a.jsonl:3", "not JSON", "one object per line")
    no_text = Rejected("article-00002", "b.jsonl:1", "has no text", "")
    both = outcomes(store, broken, make_article(1), broken, no_text)
    assert both == ["failed", "added", "failed", "failed"]
    assert store.failures() == [broken, no_text]
    outcomes(store, make_article(2))
    assert store.failures() == [broken]
    # The file is read again: its old failures are gone, those of a file of a similar name are not.
    similar = Rejected("", "a.jsonl.gz:3", "not JSON", "")
    outcomes(store, similar)
    list(store.add([make_article(3)], files=["a.jsonl"]))
    assert store.failures() == [similar]


def test_a_conflict_is_no_longer_reported_when_it_is_replaced(store: Store) -> None:
    other = Article(id="article-00001", text="别的")
    assert outcomes(store, make_article(1), other) == ["added", "failed"]
    assert outcomes(store, other, make_article(1)) == ["failed", "unchanged"]
    assert len(store.failures()) == 1
    assert outcomes(store, other, replace=True) == ["replaced"]
    assert store.failures() == []


def test_a_failure_to_tag_disappears_when_the_article_is_tagged(store: Store) -> None:
    outcomes(store, make_article(1))
    run = store.start_run(MODEL)
    store.write_results(run, [Rejected("article-00001", "article article-00001", "no memory", "")])
    assert len(store.failures()) == 1
    store.write_results(run, [make_article(1)])
    assert store.failures() == []


def test_a_result_for_another_text_is_not_written(store: Store) -> None:
    outcomes(store, make_article(1))
    store.write_results(
        store.start_run(MODEL),
        [Article("article-00001", "别的，不一样长的另外一篇", spans=(PLACE,))],
    )
    assert rows(store, spans) == 0 and store.count_untagged(MODEL) == 1


def test_each_model_has_its_own_spans_whoever_tagged_last(store: Store) -> None:
    other = ModelKey("words", "1.0", "c" * 64)
    outcomes(store, make_article(1), make_article(2))
    assert store.find_model() is None
    tag(store, make_article(1, spans=(PLACE,)), make_article(2))
    tag(store, make_article(1, spans=(Span(8, 13, "ORG"),)), model=other)
    assert [places(item) for item in store.articles()] == [[(8, 13, "ORG")], []]
    assert [places(item) for item in store.articles(model=MODEL)] == [[(8, 11, "LOC")], []]
    assert [line.spans for line in store.summaries(model=MODEL)] == [{"LOC": 1}, {}]
    assert [line.spans for line in store.summaries(model=other)] == [{"ORG": 1}, None]
    assert [(use.key, use.articles) for use in store.models()] == [(other, 1), (MODEL, 2)]
    assert [store.find_model(name) for name in ("", "news", "news-1.0", "news-2.0")] == [
        other,
        MODEL,
        MODEL,
        None,
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2, 3]),
        ({"paper": "江州日报"}, [1, 2]),
        ({"page": "3"}, [1, 3]),
        ({"page": "003"}, [1, 3]),
        ({"date": "2025"}, [1, 2]),
        ({"date": "2025-02"}, [2]),
        ({"date": datetime.date(2025, 2, 28)}, [2]),
        ({"label": "ORG"}, [1]),
        ({"name": "南岸区"}, [0, 1, 3]),
        ({"name": "南岸区", "label": "ORG"}, []),
        ({"label": "LOC", "model": ModelKey("words", "1.0", "c" * 64)}, []),
        ({"ids": ["article-00003", "article-00000"]}, [0, 3]),
        ({"ids": ["article-00003", "article-00000"], "page": "3"}, [3]),
    ],
)
def test_articles_are_found_by_their_fields_and_names(
    store: Store, filters: Filters, found: list[int]
) -> None:
    fields: list[dict[str, Any]] = [
        {},
        {"paper": "江州日报", "page": "003", "date": datetime.date(2025, 1, 31)},
        {"paper": "江州日报", "page": "A3", "date": datetime.date(2025, 2, 28)},
        {"paper": "江州晚报", "page": "3", "date": datetime.date(2024, 12, 31)},
    ]
    many = [dataclasses.replace(make_article(n), **fields[n]) for n in range(4)]
    outcomes(store, *many)
    spans = [(PLACE,), (PLACE, Span(8, 13, "ORG")), (), (PLACE,)]
    tag(store, *(dataclasses.replace(many[n], spans=spans[n]) for n in range(4)))
    wanted = [f"article-{n:05d}" for n in found]
    assert [item.id for item in store.articles(**filters)] == wanted
    assert [line.id for line in store.summaries(**filters)] == wanted
    assert [item.id for item in store.articles(limit=2, **filters)] == wanted[:2]
    assert store.count(**filters) == len(found)


def test_a_list_has_titles_and_a_beginning_where_there_is_none(store: Store) -> None:
    titled = dataclasses.replace(make_article(1), paper="江州日报", date=datetime.date(2025, 1, 2))
    outcomes(store, titled, Article("2", "第一段\n" + "很长" * 1000))
    first, second = store.summaries()
    assert first == Summary("article-00001", "第00001篇", "江州日报", titled.date, "", None)
    assert second.title.startswith("第一段 很长很长") and len(second.title) == 40


@pytest.mark.parametrize("date", ["2025-13", "2025-02-30", "yesterday", "2025-1-1-1", ""])
def test_a_date_to_look_for_that_is_none(store: Store, date: str) -> None:
    outcomes(store, make_article(1))
    if not date:
        assert store.count(date=date) == 1
        return
    with pytest.raises(NerError, match="is not a date .a day, a month or a year"):
        list(store.articles(date=date))


def test_a_batch_is_written_whole_or_not_at_all(store: Store) -> None:
    outcomes(store, make_article(1), make_article(2))
    run = store.start_run(MODEL)

    def interrupted() -> object:
        yield make_article(1, spans=(PLACE,))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_results(run, interrupted())  # type: ignore[arg-type]
    assert rows(store, spans) == 0
    assert store.count_untagged(MODEL) == 2


def test_two_writers_take_turns(store_url: str) -> None:
    with Store(store_url, create=True) as store:
        outcomes(store, make_article(0))
    errors: list[Exception] = []

    def write(first: int) -> None:
        try:
            with Store(store_url) as store:
                for number in range(first, first + 30):
                    outcomes(store, make_article(number))
                    tag(store, make_article(number, spans=(PLACE,)))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 30, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store(store_url) as store:
        assert store.count() == 60
        assert rows(store, spans) == 60


def test_the_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    outcomes(store, make_article(1))
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_here})
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []


def test_opening_again_needs_no_create(store: Store, store_url: str) -> None:
    outcomes(store, make_article(1))
    with Store(store_url) as again:
        assert again.count() == 1


def test_a_store_from_a_newer_version_is_refused(store: Store, store_url: str) -> None:
    outcomes(store, make_article(1))
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NerError, match="newer version of ner .schema 9999.*upgrade ner"):
        Store(store_url)


def test_an_empty_database_is_not_silently_filled(store_url: str, tmp_path: Path) -> None:
    if store_url.startswith("sqlite"):
        (tmp_path / "articles.db").touch()
    with pytest.raises(NerError, match="holds no articles.*ner ingest"):
        Store(store_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{tmp}/none.db", "no such store .make it with ner ingest"),
        ("sqlite:///{tmp}", "is not a file"),
        ("sqlite:///{tmp}/text.db", "file is not a database .name a store"),
        ("mysql://localhost/x", "is not a store .write sqlite:///"),
        ("articles.db", "is not a store"),
        ("postgresql://nobody@127.0.0.1:1/x", "is PostgreSQL running"),
    ],
)
def test_what_cannot_be_opened_says_why_and_what_to_do(url: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 100)
    with pytest.raises(NerError, match=said):
        Store(url.format(tmp=tmp_path))


def test_a_store_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="unable to open database file .check that its folder"):
        Store(f"sqlite:///{tmp_path}/none/a.db", create=True)


def test_a_store_that_can_only_be_read_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(f"sqlite:///{path}", create=True) as store:
        outcomes(store, make_article(1))
    with Store(f"sqlite:///file:{path}?mode=ro&uri=true") as store:
        assert list(store.articles()) == [make_article(1)]
        with pytest.raises(
            NerError, match="readonly database .it can only be read: check the permissions"
        ):
            outcomes(store, make_article(2))


FIRST_ROWS = """
INSERT INTO articles (id, text, text_hash, title, body_start, paper, date, page, section, added_at)
    VALUES ('article-00001', '{text}', '{hash}', '第00001篇', 8, '江州日报', '2024-12-05', '2', '', '{now}');
INSERT INTO models (name, version, hash) VALUES ('news', '1.0', '{model}');
INSERT INTO runs (model, started_at) VALUES (1, '{now}');
INSERT INTO tagged (article, model, run, at) VALUES (1, 1, 1, '{now}');
INSERT INTO spans (article, model, start, "end", label, surface, score, run)
    VALUES (1, 1, 8, 11, 'LOC', '南岸区', 0.9, 1);
INSERT INTO decisions (article, start, "end", label, verdict, model, reviewer, note, at)
    VALUES (1, 8, 13, 'ORG', 'right', 1, '陈', 'july', '{now}'),
        (1, 0, 18, '', 'whole', NULL, '陈', 'july', '{now}');
INSERT INTO failures (article_id, place, why, remedy, at)
    VALUES ('', 'a.jsonl:3', 'not JSON', 'one object per line', '{now}'),
        ('x', 'a.jsonl:4', 'has no text', '', '{now}')
"""


def test_a_store_of_the_first_schema_is_migrated_with_all_that_it_holds(store_url: str) -> None:
    from alembic import command
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext

    old = make_article(1)
    engine = open_engine(store_url, create=True)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "ner/store/migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        rows = FIRST_ROWS.format(
            text=old.text, hash=old.text_hash, model=MODEL.hash, now="2025-01-02 03:04:05"
        )
        for statement in rows.split(";\n"):
            connection.execute(sa.text(statement.replace(" start,", ' "start",')))
    engine.dispose()
    signed = dataclasses.replace(make_article(2), overtitle="引题", author="甲、乙", editor="丙")
    with pytest.raises(NerError, match="earlier version of ner .schema 0001.*ner store upgrade"):
        Store(store_url)
    upgraded = upgrade(store_url)
    assert (upgraded.before, upgraded.after) == ("0001", HEAD)
    assert (upgraded.backup is not None) == store_url.startswith("sqlite")
    with Store(store_url) as store:
        with store._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": is_here})
            assert compare_metadata(context, metadata) == []
        kept = dataclasses.replace(old, paper="江州日报", date=datetime.date(2024, 12, 5), page="2")
        kept = dataclasses.replace(kept, spans=(Span(8, 13, "ORG"), PLACE))  # one is a person's
        assert list(store.articles()) == [kept]
        assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG")]]
        assert [failure.where for failure in store.failures()] == ["a.jsonl:3", "a.jsonl:4"]
        again = Rejected("", "a.jsonl:3", "not JSON", "one object per line")
        assert outcomes(store, again, signed) == ["failed", "added"]
        assert len(store.failures()) == 2
        assert store.count_untagged(MODEL) == 1
        assert list(store.articles())[1] == signed
        assert [line.id for line in store.page(text="南岸区").articles] == [kept.id, signed.id]


def test_a_command_that_stores_no_article_makes_nothing(store_url: str, tmp_path: Path) -> None:
    bad = Rejected("", "a.jsonl:1", "not JSON", "")
    with Store(store_url, create=True) as store:
        assert outcomes(store, *[bad] * 300) == ["failed"] * 300
        with pytest.raises(NerError, match="holds no articles.*ner ingest"):
            store.count()
        assert list(tmp_path.glob("articles.db")) == []
        assert table_names(store) == set()
    # A failure that came before the first article is kept with it, in one transaction.
    with Store(store_url, create=True) as store:
        outcomes(store, *[bad] * 300, make_article(1))
        assert store.failures() == [bad]


def test_the_tables_come_with_the_first_article_or_not_at_all(store_url: str) -> None:
    def interrupted() -> Iterator[Article]:
        yield make_article(1)
        raise KeyboardInterrupt

    with Store(store_url, create=True) as store:
        with pytest.raises(KeyboardInterrupt):
            list(store.add(interrupted()))
        assert table_names(store) == set()


def table_names(store: Store) -> set[str]:
    with store._engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


VERSIONS = "CREATE TABLE alembic_version (version_num TEXT)"


@pytest.mark.parametrize(
    "statements",
    [
        [VERSIONS],
        *(
            [VERSIONS, f"INSERT INTO alembic_version VALUES ('{v}')"]
            for v in ("0001", "ae1027a6", "9999")
        ),
        ["CREATE TABLE alembic_version (other INT)", "CREATE TABLE articles (id INT)"],
        ["CREATE TABLE articles (id INT)"],
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_another_programs_database_is_refused_and_left_as_it_is(
    store_url: str, statements: list[str], create: bool
) -> None:
    engine = sa.create_engine(store_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
        before = sa.inspect(connection).get_table_names()
    with pytest.raises(NerError, match="holds tables of another program .use a database"):
        Store(store_url, create=create)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == before
    engine.dispose()


def together(*works: Callable[[], object]) -> None:
    """Run functions in threads of their own that begin at the same moment; raise what they raise."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], object]) -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(begin, work) for work in works]:
            future.result()


def test_first_ingests_at_the_same_moment_make_the_tables_once(store_url: str) -> None:
    opened = [Store(store_url, create=True) for _ in range(4)]  # none finds any table
    together(
        *(
            partial(outcomes, store, make_article(n), make_article(9))
            for n, store in enumerate(opened)
        )
    )
    for store in opened:
        assert store.count() == 5
        store.close()


def test_ingests_in_opposite_orders_both_end(store_url: str) -> None:
    many = [make_article(number) for number in range(150)]
    with Store(store_url, create=True) as one, Store(store_url, create=True) as other:
        together(partial(outcomes, one, *many), partial(outcomes, other, *reversed(many)))
        assert one.count() == 150


def test_a_deadlock_is_tried_again(postgres: str) -> None:
    """Two transactions that lock two articles in opposite orders, at first side by side."""
    engine = open_engine(postgres, create=True)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE crossing (number INT PRIMARY KEY, times INT)"))
        connection.execute(sa.text("INSERT INTO crossing VALUES (1, 0), (2, 0)"))
    met = threading.Barrier(2)

    def cross(first: int, second: int) -> None:
        tries = 0

        def work(connection: sa.Connection) -> None:
            nonlocal tries
            tries += 1
            add = sa.text("UPDATE crossing SET times = times + 1 WHERE number = :number")
            connection.execute(add, {"number": first})
            if tries == 1:
                met.wait(PATIENCE)
            connection.execute(add, {"number": second})

        in_transaction(engine, work)

    together(partial(cross, 1, 2), partial(cross, 2, 1))
    with engine.begin() as connection:
        assert connection.scalars(sa.text("SELECT times FROM crossing")).all() == [2, 2]
        connection.execute(sa.text("DROP TABLE crossing"))
    engine.dispose()
