"""Pages, names and counts of a store, as a viewer and a register of brands need them."""

import dataclasses
import datetime
import json

import pytest
import sqlalchemy as sa
from conftest import make_article
from rich.cells import cell_len
from test_cli import ner, one_line_error

from ner.article import Article, Span
from ner.errors import NerError
from ner.store import Filters, ModelKey, Name, Store
from ner.store.articles import matching
from ner.store.schema import articles

NEWS, WORDS = ModelKey("news", "1.0", "a" * 64), ModelKey("words", "1.0", "b" * 64)
PLACE, OFFICE = Span(8, 11, "LOC", 0.9), Span(8, 13, "ORG", 0.8)  # 南岸区, 南岸区政府


@pytest.fixture
def filled(store: Store) -> Store:
    """Nine articles of three days and two papers; the last three have no date."""
    many = []
    for number in range(9):
        day = None if number > 5 else datetime.date(2025, 3, 18 + number % 3)
        paper = "江州日报" if number % 2 else "江州晚报"
        spans = (PLACE, OFFICE) if number < 4 else (PLACE,)
        article = dataclasses.replace(make_article(number), date=day, paper=paper, spans=spans)
        many.append(article)
    list(store.add(many))
    store.write_results(store.start_run(WORDS), many[:2])
    store.write_results(store.start_run(NEWS), many)
    return store


def listed(store: Store, limit: int, **filters: object) -> list[int]:
    found: list[int] = []
    after = ""
    while True:
        page = store.page(after=after, limit=limit, **filters)  # type: ignore[arg-type]
        assert len(page.articles) <= limit
        found += [int(line.id[-5:]) for line in page.articles]
        if not page.after:
            return found
        after = page.after


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_hold_every_article_once_the_newest_first(filled: Store, limit: int) -> None:
    # 江州日报 before 江州晚报, by code point; without a date last.
    assert listed(filled, limit) == [5, 2, 1, 4, 3, 0, 7, 6, 8]
    assert listed(filled, limit, paper="江州日报") == [5, 1, 3, 7]
    assert listed(filled, limit, label="ORG") == [2, 1, 3, 0]
    assert listed(filled, limit, ids=["article-00007", "article-00003"]) == [3, 7]


def test_a_page_has_titles_and_counts_but_no_texts(filled: Store) -> None:
    [line] = filled.page(ids=["article-00001"]).articles
    assert (line.title, line.paper, line.spans) == ("第00001篇", "江州日报", {"LOC": 1, "ORG": 1})
    assert filled.page(ids=["article-00005"], model=WORDS).articles[0].spans is None


def test_a_page_after_an_article_that_was_deleted_meanwhile(filled: Store) -> None:
    first = filled.page(limit=3)
    filled.delete("article-00001")
    assert [line.id[-1] for line in filled.page(after=first.after, limit=2).articles] == ["4", "3"]


@pytest.mark.parametrize("after", ["x", "[1]", '["2025-13-01", "", 1]', "null"])
def test_a_place_that_is_none_is_refused(filled: Store, after: str) -> None:
    with pytest.raises(NerError, match="is no place in a list .take it from the page before"):
        filled.page(after=after)


def test_articles_by_what_their_text_holds_and_by_whether_they_were_read(filled: Store) -> None:
    filled.decide(make_article(2), "陈")
    assert [item.id[-1] for item in filled.articles(text="00002篇\n南")] == ["2"]
    assert filled.count(text="昨天") == 9 and filled.count(text="%") == filled.count(text="_") == 0
    assert [item.id[-1] for item in filled.articles(reviewed=True)] == ["2"]
    assert filled.count(reviewed=False) == 8


SEARCHED = {
    "a": '南岸区"AI"大会\n完成90%_的任务',
    "b": "江北区的南岸",
    "c": "区南",
    "d": "𠮷野家ai",
}


@pytest.fixture
def searched(store: Store) -> Store:
    list(store.add(Article(id, text) for id, text in SEARCHED.items()))
    return store


STRINGS = (
    *(
        "区",
        "岸",
        "𠮷",
        "%",
        "_",
        "无",
        "南岸",
        "区南",
        "ai",
        '"A',
        "0%",
        "野家",
        "南岸区",
        "𠮷野家",
        "AI",
    ),
    *('"ai"', "90%_", "岸区", '区"AI', "的南岸", "江北区的南岸", "南岸江", "x" * 40),
)


@pytest.mark.parametrize("string", STRINGS)
def test_a_string_is_found_wherever_it_stands_in_a_text(searched: Store, string: str) -> None:
    """Of one character, two or more; at the end of a text; in upper or lower case; no pattern."""
    expected = [id for id, text in SEARCHED.items() if string.lower() in text.lower()]
    assert [item.id for item in searched.articles(text=string)] == expected
    assert [line.id for line in searched.page(text=string).articles] == expected
    assert searched.count(text=string) == len(expected)


def test_a_search_shows_every_place_with_what_stands_around_it(
    searched: Store, store_url: str
) -> None:
    list(searched.add([Article("e", "第一行" + "南岸" * 30 + "\n下一行", "", 0, "江州日报")]))
    done = ner("store", "search", "南岸", "--store", store_url, "--limit", "2")
    first, second = done.stdout.splitlines()
    assert first.split() == ['南岸区"AI"大会', "a"] and second.split() == ["江北区的南岸", "b"]
    assert cell_len(first.partition("南岸")[0]) == cell_len(second.rpartition("南岸")[0]) == 44
    assert done.stderr == "2 places in 2 articles of 3: --limit 3 shows all\n"
    [*_, last] = ner("store", "search", "南岸", "--store", store_url).stdout.splitlines()
    assert last.split() == [
        "南岸" * 12,
        "江州日报",
        "·",
        "e",
    ]  # 22 before it and itself; no other line
    assert ner("store", "search", "火星", "--store", store_url).stderr == "no article holds it\n"
    assert "nothing to search for" in one_line_error(
        ner("store", "search", " ", "--store", store_url)
    )
    assert ner("show", "--list", "--text", "AI", "--store", store_url).stderr.startswith(
        "2 articles"
    )
    exported = ner("export", "--text", "野家", "--store", store_url).stdout
    assert [json.loads(line)["id"] for line in exported.splitlines()] == ["d"]


def test_what_is_searched_for_follows_the_texts(searched: Store) -> None:
    def found(string: str) -> list[str]:
        return [item.id for item in searched.articles(text=string)]

    list(searched.add([Article("b", "渝北区两江新区")], replace=True))
    searched.delete("c")
    assert (found("江北区"), found("两江新区"), found("新区"), found("区南")) == (
        [],
        ["b"],
        ["b"],
        [],
    )
    with searched._engine.execution_options(writing=True).begin() as connection:
        connection.execute(sa.text("UPDATE texts SET text = '改过' WHERE text LIKE '渝北%'"))
    assert [line.id for line in searched.page(text="改过").articles] == ["b"]
    assert found("两江新区") == []
    list(searched.add([Article("b", "渝北区两江新区")]))  # restored, as its hash says
    assert (found("两江新区"), found("改过")) == (["b"], [])


def test_a_search_reads_no_texts_but_those_that_may_hold_it(store: Store) -> None:
    """By the index: what the database says that it does."""
    list(store.add(make_article(number) for number in range(2000)))
    on_sqlite = store._engine.dialect.name == "sqlite"
    with store._engine.connect() as connection:
        if not on_sqlite:
            connection.exec_driver_sql("ANALYZE")
        for string in ("1234", "01")[: 2 if on_sqlite else 1]:
            query = sa.select(articles.c.number).where(*matching({"text": string}))
            sql = query.compile(connection, compile_kwargs={"literal_binds": True})
            explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            plan = str(connection.exec_driver_sql(f"{explain}{sql}".replace("%", "%%")).all())
            by = "SEARCH articles USING INTEGER PRIMARY KEY" if on_sqlite else "ix_texts_pairs"
            assert by in plan
            assert "Seq Scan on texts" not in plan and "SCAN texts'" not in plan


def test_names_by_how_they_begin(filled: Store) -> None:
    place, office = Name("南岸区", "LOC", 9), Name("南岸区政府", "ORG", 4)
    assert filled.names("南岸") == [place, office]
    assert filled.names("南岸区政") == filled.names(label="ORG") == [office]
    assert filled.names("岸") == [] and filled.names(limit=1) == [place]
    assert filled.names("南岸区", model=WORDS) == [
        Name("南岸区", "LOC", 2),
        Name("南岸区政府", "ORG", 2),
    ]


def test_a_name_is_the_whole_string_also_where_it_is_long(store: Store) -> None:
    text = "很长" * 200
    spans = (Span(0, 300, "ORG"), Span(0, 399, "ORG"))
    list(store.add([Article("a", text)]))
    store.write_results(store.start_run(NEWS), [Article("a", text, spans=spans)])
    assert store.count(name=text[:300]) == store.count(name=text[:399]) == 1
    assert store.count(name=text[:120]) == 0
    assert store.names("很长很") == [Name(text[:100], "ORG", 2)]


@pytest.mark.parametrize(
    ("by", "filters", "found"),
    [
        ("label", {"model": NEWS}, {"LOC": 9, "ORG": 4}),
        ("label", {"model": NEWS, "paper": "江州日报"}, {"LOC": 4, "ORG": 2}),
        ("label", {}, {"LOC": 9, "ORG": 4}),
        ("model", {}, {"news-1.0": 9, "words-1.0": 2}),
        ("model", {"paper": "江州日报"}, {"news-1.0": 4, "words-1.0": 1}),
        ("paper", {}, {"江州日报": 4, "江州晚报": 5}),
        ("paper", {"date": "2025-03-18"}, {"江州日报": 1, "江州晚报": 1}),
        ("month", {}, {"": 3, "2025-03": 6}),
        ("month", {"label": "ORG"}, {"2025-03": 4}),
    ],
)
def test_counts(filled: Store, by: str, filters: Filters, found: dict[str, int]) -> None:
    assert filled.counts(by, **filters) == found  # type: ignore[arg-type]


def test_times_are_in_utc_whatever_the_database(filled: Store) -> None:
    now = datetime.datetime.now(datetime.UTC)
    for use in filled.models():
        assert use.last_used.utcoffset() == datetime.timedelta(0)
        assert abs(now - use.last_used) < datetime.timedelta(minutes=5)
    assert filled.models()[0].last_used >= filled.models()[1].last_used
