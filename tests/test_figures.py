"""The figures of a sample: what counts as right, intervals, how much is left to read."""

import datetime
import math
import re
import urllib.request
from pathlib import Path

import pytest
from conftest import PATIENCE, make_article
from viewer import serving

from ner.article import Article, Span
from ner.report.figures import Share, figures, weeks
from ner.store import Action, Change, Judged, ModelKey, NewName, ReviewStore, Said
from ner.store.runs import SpanRow


def test_an_interval_is_wilsons() -> None:
    # R: binom::binom.confint(c(9, 10, 0), c(10, 10, 10), methods = "wilson")
    for part, low, high in [(9, 0.5958500, 0.9821238), (10, 0.7224672, 1.0), (0, 0.0, 0.2775328)]:
        share = Share(part, 10)
        assert (share.low, share.high) == pytest.approx((low, high), abs=1e-6)
    assert math.isnan(Share(0, 0).value)


@pytest.mark.parametrize("value", [0.5, 0.9, 0.97, 1.0])
def test_so_many_make_the_interval_four_points_wide(value: float) -> None:
    needed = Share(round(value * 1000), 1000).needed()
    share = Share(round(value * needed), needed)
    assert (share.high - share.low) / 2 == pytest.approx(0.02, abs=0.0007) or value == 1.0
    assert share.high - share.low <= 0.0415


def test_a_span_is_right_with_its_boundaries_and_its_label() -> None:
    text = "南岸区政府的渝快码"
    tagged = Article(
        "1",
        text,
        spans=(Span(0, 3, "LOC"), Span(0, 5, "ORG"), Span(6, 9, "ORG"), Span(3, 5, "ORG")),
    )
    decided = Article("1", text, spans=(Span(0, 3, "LOC"), Span(0, 5, "ORG"), Span(6, 9, "BRAND")))
    found = figures([(tagged, decided)])
    rows = {
        row.label: (row.precision.part, row.precision.whole, row.recall.whole) for row in found.rows
    }
    assert rows == {
        "": (2, 4, 3),
        "PER": (0, 0, 0),
        "LOC": (1, 1, 1),
        "ORG": (1, 3, 1),
        "BRAND": (0, 0, 1),
    }
    assert sorted(found.wrong) == [("政府", 1), ("渝快码", 1)]
    assert found.missed == [("渝快码", 1)]
    assert (
        found.rows[1].more is None
    )  # no person was found: nothing tells how many articles it takes


def test_weeks_begin_on_monday_and_are_those_of_the_reading() -> None:
    def judged(
        day: str, found: list[tuple[int, int, str]], right: list[tuple[int, int, str]]
    ) -> Judged:
        at = datetime.datetime.fromisoformat(f"{day}T23:30:00+00:00")
        rows = ([SpanRow(*each, 0.9, "") for each in side] for side in (found, right))
        return Judged(at, *rows)

    a, b, c = (0, 2, "PER"), (0, 2, "LOC"), (3, 5, "ORG")
    found = weeks(
        [
            judged("2026-11-16", [a, c], [b, c]),
            judged("2026-11-15", [a], []),  # a Sunday
            judged("2026-11-22", [a, b, c], [a, b, c]),
        ]
    )
    rows = [
        (
            str(week.monday),
            week.articles,
            week.precision.part,
            week.precision.whole,
            week.recall.whole,
        )
        for week in found
    ]
    assert rows == [("2026-11-09", 1, 0, 1, 0), ("2026-11-16", 2, 4, 5, 5)]


def test_only_articles_of_random_samples_are_judged(tmp_path: Path) -> None:
    text = "南岸区政府"
    articles = [Article(str(n), text, spans=(Span(0, 3, "LOC", 0.9),)) for n in range(3)]
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), articles)
        sample = {"size": 1, "seed": 1, "made_by": "陈静"}
        drawn = store.take_next(store.make_queue("抽样", "random", {}, **sample), "陈静")
        store.make_queue("最新", "newest", {}, size=3, seed=1, made_by="陈静")
        for number in "012":
            verdict = "right" if number == drawn else "wrong"
            changes = [Change(Span(0, 3, "LOC"), verdict)]
            action = Action(f"action-{number}", changes, finish=True)
            assert store.act(number, articles[0].text_hash, action, Said("陈静", "web")) is None
        [judged] = store.judged("random")
        assert (
            [row[:3] for row in judged.right]
            == [row[:3] for row in judged.found]
            == [(0, 3, "LOC")]
        )
        assert sum(len(each.right) for each in store.judged()) == 1 and len(store.judged()) == 3
        assert len(list(store.reviewed_in())) == 3


def test_a_name_is_new_where_no_earlier_article_has_it(store: ReviewStore) -> None:
    def article(id: str, text: str, date: str) -> Article:
        spans = tuple(Span(at, at + 3, "BRAND", 0.9) for at in range(0, len(text), 3))
        day = datetime.date.fromisoformat(date) if date else None
        return Article(id, text, date=day, spans=spans)

    articles = [
        article("old", "渝快码", "2026-01-02"),
        article("undated", "江北通", ""),
        article("a", "渝快码一表通", "2026-10-30"),
        article("b", "一表通江北通好邻居", "2026-11-20"),
    ]
    list(store.add(articles))
    store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), articles)
    first, last = (datetime.date.fromisoformat(f"2026-{day}") for day in ("10-30", "11-20"))
    assert store.new_names("BRAND") == [NewName("一表通", 2, first), NewName("好邻居", 1, last)]
    assert store.new_names("LOC") == []


@pytest.mark.slow
def test_the_page_opens_the_newest_random_sample_or_the_one_asked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with ReviewStore(url, create=True) as store:
        list(store.add([make_article(1)]))
        store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), [make_article(1)])
        for name, kind in (("一月", "random"), ("二月", "random"), ("最新", "newest")):
            store.make_queue(name, kind, {}, size=1, seed=1, made_by="陈静")
    with serving(url, "--reviewer", "陈静") as address:
        for asked, name in (("", "二月"), ("?queue=1", "一月"), ("?queue=3", "最新")):
            with urllib.request.urlopen(f"{address}figures{asked}", timeout=PATIENCE) as answer:
                shown = re.findall(r"<option[^>]* selected>(.*?)</option>", answer.read().decode())
            assert shown == [name]
