"""What runs did: their figures, the articles that failed, and what a new model changes."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import copy_model, make_article
from typer.testing import CliRunner

from ner.article import Article, Rejected, Span
from ner.batch.local import tag_store
from ner.cli import app
from ner.errors import NerError
from ner.store import RIGHT, WRONG, ModelKey, Said, Store
from ner.tagger.loading import Tagger, load

OLD, NEW = ModelKey("m", "1", "a" * 64), ModelKey("m", "2", "b" * 64)


def ner(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_run_keeps_its_figures(store: Store, tagger: Tagger) -> None:
    list(store.add(make_article(number) for number in range(70)))
    steps = list(tag_store(store, tagger))
    [run] = store.runs()
    assert (run.articles, run.failed) == (70, 0)
    assert run.characters == sum(step.characters for step in steps)
    assert sum(run.spans.values()) == sum(sum(step.spans.values()) for step in steps) > 70
    assert run.finished_at and run.started_at < run.last_at <= run.finished_at
    list(tag_store(store, tagger))  # nothing to do
    assert store.runs() == [run]
    with pytest.raises(NerError, match="run 99 is not in the store"):
        store.run(99)


def test_results_that_are_written_twice_are_counted_once(store: Store) -> None:
    """As where the connection is lost while a transaction ends: nobody knows whether it was kept."""
    list(store.add([make_article(1), make_article(2)]))
    run = store.start_run(OLD)
    found = [make_article(1, spans=(Span(8, 11, "LOC"),)), Rejected("article-00002", "", "too odd")]
    for _ in range(2):
        store.write_results(run, found)
    [summary] = store.runs()
    assert (summary.articles, summary.spans) == (1, {"LOC": 1})


def tag_by(store: Store, model: ModelKey, articles: list[Article]) -> None:
    run = store.start_run(model)
    store.write_results(run, articles)
    store.finish_run(run)


def test_what_changed_from_one_model_to_another(store: Store, store_url: str) -> None:
    list(store.add(make_article(number) for number in range(4)))
    place, office, name = Span(8, 11, "LOC"), Span(8, 13, "ORG"), Span(1, 3, "PER")
    tag_by(store, OLD, [make_article(n, spans=(place,)) for n in range(4)])
    changed = [(place,), (office,), (place, office, name)]
    tag_by(store, NEW, [make_article(n, spans=spans) for n, spans in enumerate(changed)])
    found = store.compare(OLD, NEW)
    assert (found.articles, found.changed) == (3, 2)  # the new model has not tagged the fourth
    assert [(c.label, c.both, c.gone, c.new) for c in found.labels] == [
        ("LOC", 2, 1, 0),
        ("ORG", 0, 0, 2),
        ("PER", 0, 0, 1),
    ]
    assert found.most_changed == {"article-00001": 2, "article-00002": 2}
    shown = ner("runs", "diff", "1", "m-2", "--store", store_url)
    assert "2 of 3 articles changed" in shown and "article-00002  2 spans" in shown
    result = CliRunner().invoke(app, ["runs", "diff", "1", "1", "--store", store_url])
    assert result.exit_code == 1 and "both are m-1" in result.output


def test_runs_are_listed_and_shown(store: Store, store_url: str, tagger: Tagger) -> None:
    list(store.add(make_article(number) for number in range(3)))
    run = store.start_run(OLD)
    store.write_results(run, [Rejected("article-00001", "article-00001", "too odd")])
    list(tag_store(store, tagger))
    listed = ner("runs", "--store", store_url)
    assert f"{tagger}" in listed and " open " in listed
    shown = ner("runs", "show", "1", "--store", store_url)
    assert "failed      1" in shown and "too odd; 1 try" in shown


def test_all_is_tagged_again_if_asked(store: Store, store_url: str, tmp_path: Path) -> None:
    """Also where that is interrupted: the same model goes on, and no article is without spans meanwhile."""
    list(store.add(make_article(number) for number in range(40)))
    tagger = load(threshold=0.9999999)
    list(tag_store(store, tagger))
    assert store.runs()[0].spans == {}
    assert "nothing left" in ner("tag", "--store", store_url)
    assert "40 articles tagged" in ner("tag", "--again", "--store", store_url)
    assert store.runs()[0].spans["LOC"] >= 40
    other = load(copy_model(load().folder, tmp_path / "other", version="9.9.9"))
    list(tag_store(store, other))
    assert [run.articles for run in store.runs()] == [40, 40, 40]


def test_what_failed_too_often_is_tried_when_asked(store: Store, store_url: str) -> None:
    list(store.add(make_article(number) for number in range(3)))
    tagger = load()
    stream = tagger.component.stream
    tagger.component.stream = lambda texts: stream(  # type: ignore[method-assign]
        [text if "00001" not in text else 1 / 0 for text in texts]  # type: ignore[misc]
    )
    failed = [sum(bool(step.failure) for step in tag_store(store, tagger)) for _ in range(7)]
    assert failed == [1, 1, 1, 1, 1, 0, 0]  # the limit
    assert "tried 5 times" in ner("tag", "--store", store_url)
    assert "1 article tagged" in ner("tag", "--retry-failed", "--store", store_url)
    assert store.quarantined() == []


def test_a_confirmed_span_stays_where_a_new_model_does_not_repeat_it(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    place, office, name = Span(8, 11, "LOC"), Span(8, 13, "ORG"), Span(9, 14, "PER")
    list(store.add(make_article(n) for n in range(4)))
    old = [replace(span, model="m-1", score=0.9) for span in (place, office)]
    tag_by(store, OLD, [make_article(n, spans=tuple(old)) for n in range(4)])
    for n in (0, 1, 2):
        assert isinstance(store.decide_span(make_article(n), office, RIGHT, Said("陈")), int)
    store.decide_span(make_article(1), place, WRONG, Said("陈"))
    [undone] = [store.decide_span(make_article(3), office, RIGHT, Said("陈"))]
    assert isinstance(undone, int) and store.undo(undone, Said("陈"))
    # Repeated in the first, not in the second; in the third there is one that crosses it.
    tag_by(store, NEW, [make_article(0, spans=(place, office))])
    tag_by(store, NEW, [make_article(1, spans=(place,)), make_article(3, spans=(place,))])
    tag_by(store, NEW, [make_article(2, spans=(name,))])

    def spans(**filters: bool) -> list[set[tuple[int, int, str, str]]]:
        return [
            {(s.start, s.end, s.label, s.model) for s in item.spans}
            for item in store.articles(model=NEW, **filters)
            if isinstance(item, Article)
        ]

    here, there, mine = (8, 11, "LOC", "m-2"), (8, 13, "ORG", "m-2"), (8, 13, "ORG", "")
    assert spans() == [{here, there}, {mine}, {mine}, {here}]
    assert spans(as_tagged=True) == [{here, there}, {here}, {(9, 14, "PER", "m-2")}, {here}]
    assert store.unrepeated(NEW) == {"article-00001": 1, "article-00002": 1}
    assert store.unrepeated(OLD) == {}
    shown = ner("runs", "diff", "m-1", "m-2", "--store", store_url)
    assert "2 spans that people called right are not found by m-2; they stay" in shown
    assert "article-00002  1 confirmed span not repeated" in shown
    shown = ner("show", "article-00001", "--model", "m-2", "--store", store_url)
    assert "[南岸区政府 ORG]" in shown
    assert "m-2; 1 called right by people, not found by it" in shown
    ner("export", "--output", f"{tmp_path}/a.csv", "--model", "m-2", "--store", store_url)
    rows = csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [row["model"] for row in rows if row["label"] == "ORG"] == ["m-2", "", ""]
