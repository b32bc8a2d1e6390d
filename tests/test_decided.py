"""Names are read as people decided: what they called wrong is out, what they called right is in."""

import csv
import datetime
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import make_article
from typer.testing import CliRunner

from ner.article import Article, Span
from ner.brands import Reader, update
from ner.cli import app
from ner.places import Linker, shipped
from ner.store import RIGHT, WRONG, ModelKey, Said, Store

MODEL = ModelKey("news", "1", "a" * 64)
PLACE, OFFICE = Span(8, 11, "LOC", 0.9), Span(8, 13, "ORG", 0.9)  # 南岸区, 南岸区政府
PERSON = Span(13, 15, "PER")  # 昨天
CHEN = Said("陈静", "web")


@pytest.fixture
def decided(store: Store) -> Store:
    """Five articles with two spans each: struck out in 1, a person's added in 2, struck and taken back in 3.

    In 4 a person added one that crosses the model's.
    """
    tagged = [
        replace(make_article(number, spans=(PLACE, OFFICE)), date=datetime.date(2025, 3, 18))
        for number in range(5)
    ]
    list(store.add(tagged))
    store.write_results(store.start_run(MODEL), tagged)
    store.decide_span(tagged[1], OFFICE, WRONG, CHEN)
    store.decide_span(tagged[2], PERSON, RIGHT, CHEN)
    number = store.decide_span(tagged[3], PLACE, WRONG, CHEN)
    assert isinstance(number, int) and store.undo(number, CHEN)
    store.decide_span(tagged[4], Span(9, 14, "BRAND"), RIGHT, CHEN)
    return store


def test_what_people_decided_before_any_model_is_listed(store: Store) -> None:
    """As for articles that came from an annotation tool into a store that is not tagged yet."""
    list(store.add([make_article(number) for number in range(2)]))
    store.decide_span(make_article(0), PLACE, RIGHT, CHEN)
    assert found(store) == ["L", ""]
    assert [summary.spans for summary in store.summaries()] == [{"LOC": 1}, None]


def found(store: Store, **filters: object) -> list[str]:
    return [
        "".join(span.label[0] for span in item.spans)
        for item in store.articles(**filters)  # type: ignore[arg-type]
        if isinstance(item, Article)
    ]


def numbers(store: Store, **filters: object) -> list[int]:
    """The numbers of the articles that a filter takes, of which the list and the count give the same."""
    ids = [item.id for item in store.articles(**filters)]  # type: ignore[arg-type]
    assert [summary.id for summary in store.summaries(**filters)] == ids  # type: ignore[arg-type]
    assert store.count(**filters) == len(ids)  # type: ignore[arg-type]
    return [int(id[-1]) for id in ids]


def ner(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--model", "news-1"])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_spans_are_as_people_decided(decided: Store) -> None:
    assert found(decided) == ["OL", "L", "OLP", "OL", "B"]
    assert found(decided, as_tagged=True) == ["OL"] * 5
    counts = [dict(summary.spans or {}) for summary in decided.summaries()]
    assert counts == [
        {"LOC": 1, "ORG": 1}, {"LOC": 1}, {"LOC": 1, "ORG": 1, "PER": 1}, {"LOC": 1, "ORG": 1}, {"BRAND": 1},
    ]  # fmt: skip
    assert [dict(each.spans or {}) for each in decided.page().articles] == counts
    as_tagged = decided.summaries(as_tagged=True)
    assert [dict(each.spans or {}) for each in as_tagged] == [{"LOC": 1, "ORG": 1}] * 5


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"label": "ORG"}, [0, 2, 3]),
        ({"label": "ORG", "as_tagged": True}, [0, 1, 2, 3, 4]),
        ({"label": "PER"}, [2]),
        ({"label": "PER", "as_tagged": True}, []),
        ({"name": "南岸区政府"}, [0, 2, 3]),
        ({"name": "南岸区政府", "as_tagged": True}, [0, 1, 2, 3, 4]),
        ({"name": "昨天"}, [2]),
        ({"name": "昨天", "label": "PER", "text": "南岸区"}, [2]),
        ({"name": "昨天", "label": "LOC"}, []),
        ({"name": "昨天", "as_tagged": True}, []),
        ({"name": "昨天开"}, []),
        ({"name": "南岸区", "label": "LOC", "ids": ["article-00003"]}, [3]),
    ],
)
def test_articles_are_found_by_what_people_decided(
    decided: Store, filters: dict[str, object], wanted: list[int]
) -> None:
    assert make_article(2).text[13:15] == "昨天"
    assert numbers(decided, **filters, model=MODEL) == wanted
    assert numbers(decided, **filters) == wanted


def test_the_last_word_counts(decided: Store) -> None:
    decided.decide_span(make_article(1), OFFICE, RIGHT, Said("李", "web"))
    decided.decide_span(make_article(2), PERSON, WRONG, Said("李", "web"))
    assert found(decided)[1:3] == ["OL", "OL"]
    assert numbers(decided, name="昨天") == [] and numbers(decided, label="ORG") == [0, 1, 2, 3]


def test_a_span_that_people_took_over_is_found_page_by_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of the articles by the model's index of names, others by what people said."""
    monkeypatch.setattr("ner.store.finding.CHUNK", 3)
    monkeypatch.setattr("ner.store.store.READ_BATCH", 2)
    articles = [make_article(number, spans=(OFFICE,) * (number % 2)) for number in range(20)]
    list(store.add(articles))
    store.write_results(store.start_run(MODEL), articles)
    for number in range(0, 20, 4):
        store.decide_span(articles[number], OFFICE, RIGHT, CHEN)
    store.decide_span(articles[5], OFFICE, WRONG, CHEN)
    wanted = [n for n in range(20) if (n % 2 or n % 4 == 0) and n != 5]
    ids = [item.id for item in store.articles(name="南岸区政府")]
    assert ids == [f"article-{n:05}" for n in wanted]


def test_names_and_the_register_are_as_people_decided(decided: Store) -> None:
    counts = {name.text: name.spans for name in decided.names("南岸")}
    assert counts == {"南岸区": 4, "南岸区政府": 3}
    [*_] = update(decided, Reader(Linker(shipped())))
    [office] = decided.entries("organisation")
    assert (office.name, office.articles) == ("南岸区政府", 3), "in 4 it crosses a person's"
    for number in (0, 2, 3, 4):
        decided.decide_span(make_article(number), OFFICE, WRONG, CHEN)
    assert [name.text for name in decided.names("南岸")] == ["南岸区"]
    assert [name.text for name in decided.new_names("ORG")] == []
    assert [name.text for name in decided.new_names("LOC")] == ["南岸区"]


def test_commands_show_what_people_decided(decided: Store, store_url: str, tmp_path: Path) -> None:
    assert "[南岸区 LOC]政府" in ner("show", "article-00001", "--store", store_url)
    as_tagged = ner("show", "article-00001", "--as-tagged", "--store", store_url)
    assert "[[南岸区 LOC]政府 ORG]" in as_tagged

    def rows(*options: str) -> Sequence[dict[str, str]]:
        ner("export", "--output", f"{tmp_path}/a.csv", "--store", store_url, *options)
        lines = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
        return list(csv.DictReader(lines))

    labels = [row["label"] for row in rows()]
    assert (labels.count("ORG"), labels.count("LOC"), labels.count("PER")) == (3, 4, 1)
    assert len(rows("--as-tagged")) == 10
    assert [row["id"] for row in rows("--label", "PER")] == ["article-00002"]
    lines = ner("export", "--store", store_url).splitlines()
    assert [len(json.loads(line)["spans"]) for line in lines] == [2, 1, 3, 2, 1]
    places = ner("places", "--format", "jsonl", "--store", store_url).splitlines()
    assert sum(json.loads(line)["text"] == "南岸区" for line in places) == 4
    decided.decide(make_article(0, spans=(PERSON,)), "李")
    reviewed = ner("export", "--reviewed", "--as-tagged", "--store", store_url).splitlines()
    assert [[s["label"] for s in json.loads(line)["spans"]] for line in reviewed] == [
        ["ORG", "LOC"]
    ]


def test_a_damaged_span_costs_its_article_only(decided: Store) -> None:
    article = make_article(2)
    decided.write_results(decided.start_run(MODEL), [replace(article, spans=(Span(2, 6, "ORG"),))])
    with decided._engine.begin() as connection:
        connection.exec_driver_sql(
            'UPDATE spans SET "end" = 1 WHERE article = (SELECT number FROM articles'
            " WHERE id = 'article-00002')"
        )
    items = list(decided.articles())
    assert [type(item).__name__ for item in items].count("Rejected") == 1
    assert "spans are damaged" in str(items[2])
    assert len(list(decided.summaries())) == 5
