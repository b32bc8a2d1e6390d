"""The figures of a sample: what counts as right, intervals, how much is left to read."""

import math

import pytest

from ner.article import Article, Span
from ner.report.figures import Share, figures


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
