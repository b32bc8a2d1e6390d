"""Every figure of an evaluation by hand, and the pages that show what is behind them."""

import math
import re
import time
from typing import Any

import numpy as np
import pytest

from ner.article import Article, Span
from ner.errors import NerError
from ner.evaluation.agreement import agreement
from ner.evaluation.diff_page import diff_page
from ner.evaluation.error_page import error_page
from ner.evaluation.evaluate import compare, evaluate, names, worse_on
from ner.evaluation.score import overlaps, reliability
from ner.evaluation.significance import differences, intervals

PLACE, PERSON = Span(0, 3, "LOC", 0.9), Span(6, 8, "PER", 0.6)
TEXT = "南岸区的书记陈晓说“一表通”是“晴雨表”。"
BRAND, FIGURE = Span(10, 13, "BRAND", 0.8), Span(16, 19, "BRAND", 0.8)


def article(number: int, *spans: Span) -> Article:
    return Article(id=str(number), text=TEXT, spans=spans)


def test_every_row_by_hand() -> None:
    articles = [article(1, PLACE, PERSON, BRAND), article(2, PLACE, PERSON)]
    found = [[PLACE, BRAND, FIGURE], [PERSON]]
    rows = evaluate(articles, found, known=names([article(3, PLACE)])).rows
    assert (rows["all"].counts.right, rows["all"].counts.predicted, rows["all"].counts.gold) == (
        *(3, 4, 5),
    )
    # By article: 2 right of 3 found and 3 gold; 1 right of 1 found and 2 gold.
    assert rows["all"].macro == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert rows["quoted BRAND"].counts.precision == 0.5
    assert (rows["seen"].counts.recall, rows["unseen"].counts.recall) == (0.5, pytest.approx(2 / 3))
    assert np.isnan(rows["ORG"].macro)
    assert evaluate(articles, found).quoted == 4
    with pytest.raises(NerError, match="no articles to score on"):
        evaluate([], [])


def test_an_interval_holds_what_documents_drawn_anew_would_give() -> None:
    # One binary outcome a document, of which 0.3 are right: its share's error is known.
    drawn = np.random.default_rng(0).random(400) < 0.3
    tally = np.stack([drawn, np.ones(400)], axis=1).astype(np.int64)[:, None, :]
    [(low, high)] = intervals(tally, lambda sums: np.asarray(sums[..., 0] / sums[..., 1]))
    share, error = drawn.mean(), 1.96 * np.sqrt(drawn.mean() * (1 - drawn.mean()) / 400)
    assert (low, high) == (
        pytest.approx(share - error, abs=0.01),
        pytest.approx(share + error, abs=0.01),
    )


def test_a_model_that_misses_names_is_shown_to_be_worse_and_an_equal_one_is_not() -> None:
    articles = [article(n, PLACE, PERSON) for n in range(40)]
    good = [[PLACE, PERSON] if n % 4 else [PLACE] for n in range(40)]
    bad = [[PLACE, PERSON] if n % 4 == 0 else [PLACE] for n in range(40)]
    assert worse_on(compare(articles, good, bad)) == ["PER", "all", "outermost"]
    assert worse_on(compare(articles, bad, good)) == []
    same = compare(articles, good, good)
    assert {row.verdict for row in same.values()} == {"cannot tell"}
    assert same["PER"].p == 1.0


def test_of_models_that_are_equal_one_in_twenty_seems_to_differ() -> None:
    rng = np.random.default_rng(1)
    tallies = (rng.random((2, 200, 60, 1, 1)) < 0.7).astype(np.int64)
    p = [
        differences(a, b, lambda sums: np.asarray(sums[..., 0] / 60.0), times=400)[0].p
        for a, b in zip(*tallies)
    ]
    assert np.mean(np.asarray(p) < 0.05) == pytest.approx(0.05, abs=0.04)


def test_the_test_is_two_sided() -> None:
    # A is right on 120 of 200 documents, B on 100; they differ on 60. By the sign test z is 20 / √60.
    right_a = np.array([1] * 120 + [0] * 80)
    right_b = np.array([1] * 80 + [0] * 40 + [1] * 20 + [0] * 60)
    a, b = (np.asarray(side, np.int64)[:, None, None] for side in (right_a, right_b))
    expected = math.erfc(20 / math.sqrt(60) / math.sqrt(2))  # both tails of the normal distribution

    def share(sums: Any) -> Any:
        return np.asarray(sums[..., 0] / 200.0)

    [worse], [better] = differences(a, b, share), differences(b, a, share)
    assert worse.p == pytest.approx(expected, rel=0.4)
    assert better.p == pytest.approx(expected, rel=0.4)
    assert (worse.verdict, better.verdict) == ("worse", "better")
    assert worse.low < worse.high < 0 < better.low < better.high


def test_too_few_articles_are_refused() -> None:
    few = [article(n, PLACE) for n in range(9)]
    with pytest.raises(NerError, match="9 articles are too few to compare on"):
        compare(few, [[PLACE]] * 9, [[]] * 9)


def test_measures_that_forgive() -> None:
    gold = [[PLACE, PERSON]]
    found = [[Span(0, 3, "ORG"), Span(5, 8, "PER")]]
    measured = overlaps(gold, found)
    assert (measured["exact"].correct, measured["type"].correct) == (1, 1)
    assert (measured["partial"].correct, measured["partial"].partial) == (1, 1)


def test_reliability_puts_every_score_in_its_bin() -> None:
    bins, error = reliability([0.1, 0.95, 0.85, 1.0], [False, True, True, False])
    assert [(b.low, b.count) for b in bins] == [(0.1, 1), (0.8, 1), (0.9, 2)]
    assert error == pytest.approx((0.1 + 0.15 + 2 * abs(0.975 - 0.5)) / 4)


def test_each_mistake_is_of_one_kind() -> None:
    text = "南岸区，江城法院说“一表通”是“晴雨表”，陈晓说好"
    gold = (Span(0, 3, "LOC"), Span(4, 8, "ORG"), Span(10, 13, "BRAND"), Span(21, 23, "PER"))
    found = [Span(0, 3, "ORG"), Span(4, 7, "ORG"), Span(16, 19, "BRAND"), Span(21, 23, "PER")]
    marked = Article(id="1", text=text, spans=gold)
    page = error_page([marked], [found], evaluate([marked], [found]), title="x")
    listed = re.findall(r'<section class="(\w+)">.*?<b lang="zh">(.*?)</b>', page, re.DOTALL)
    assert listed == [
        *(("missed", "一表通"), ("spurious", "晴雨表")),
        *(("boundary", "江城法院 → 江城法"), ("label", "南岸区")),
    ]


def test_the_page_shows_what_is_in_the_text_and_never_lets_it_be_markup() -> None:
    text = "<b>南岸区</b>的“一表通”"
    sick = Article(id="<1>", text=text, spans=(Span(3, 6, "LOC"), Span(12, 15, "BRAND")))
    found = [[Span(3, 6, "LOC", 0.75)]]
    made = error_page([sick], found, evaluate([sick], found), title="甲 & 乙")
    assert "<b>南岸区" not in made and "&lt;b&gt;" in made and "甲 &amp; 乙" in made
    assert "score 0.75, right 1.00, 1 spans" in made  # a point of the reliability curve
    assert '<mark data-label="BRAND" class="under-0 about" title="BRAND">一表通</mark>' in made


def test_nested_names_are_nested_elements() -> None:
    text = "重庆市南岸区人民法院开庭"
    gold = Article(id="1", text=text, spans=(Span(0, 10, "ORG"), Span(0, 3, "LOC")))
    found = [[Span(0, 10, "ORG"), Span(3, 6, "LOC", 0.5)]]
    made = error_page([gold], found, evaluate([gold], found), title="x")
    org = '<mark data-label="ORG" class="under-1" title="ORG">'
    loc = '<mark data-label="LOC" class="under-0 about" title="LOC">重庆市</mark>'
    assert f"{org}{loc}南岸区人民法院</mark>开庭" in made
    loc = '<mark data-label="LOC" class="under-0 about" title="LOC 0.50">南岸区</mark>'
    assert f"{org}重庆市{loc}人民法院</mark>开庭" in made


def test_the_middle_of_a_long_name_is_left_out_with_the_spans_in_it() -> None:
    text = "重庆" * 500
    gold = Article(id="1", text=text, spans=(Span(0, 1000, "ORG"),))
    found = [[Span(start, start + 2, "LOC") for start in range(0, 1000, 2)]]
    made = error_page([gold], found, evaluate([gold], found), title="x")
    [missed] = re.findall(r'<section class="missed">.*?</section>', made, re.DOTALL)
    assert missed.count("…") == 3  # in the heading and on both sides
    assert 60 < missed.count('<mark data-label="LOC"') < 90


@pytest.mark.parametrize("shape", ["centred", "same start", "same end", "same offsets"])
def test_pages_grow_no_faster_than_the_nesting(shape: str) -> None:
    """Time and size: twice as deep costs about twice as much; twenty levels once took forty seconds."""

    def pages(depth: int) -> tuple[float, int]:
        text = "渝" * (2 * depth)
        offsets = {
            "centred": [(n, 2 * depth - n) for n in range(depth)],
            "same start": [(0, n + 1) for n in range(depth)],
            "same end": [(n, depth) for n in range(depth)],
            "same offsets": [(n // 8, 2 * depth - n // 8) for n in range(depth)],
        }[shape]
        labels = [f"L{n % 8}" if shape == "same offsets" else "LOC" for n in range(depth)]
        deep = tuple(Span(*place, label) for place, label in zip(offsets, labels))
        a = Article(id="1", text=text, spans=deep)
        b = Article(id="1", text=text, spans=deep[:1])
        result = evaluate([a], [b.spans])
        begun = time.process_time()
        page = error_page([a], [b.spans], result, title="x")
        page += diff_page([(a, b)], ("A", "B"), agreement([(a, b)]))
        assert page.count("<mark") == page.count("</mark>") > depth
        return time.process_time() - begun, len(page)

    (short, small), (long, large) = pages(250), pages(1000)
    assert large < 8 * small  # sixteen times if it were quadratic
    assert long < 12 * short + 1
