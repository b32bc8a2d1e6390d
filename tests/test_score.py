import numpy as np
import pytest

from ner.article import Span
from ner.evaluation.score import Counts, best_threshold, calibrate, count, table

LOC, ORG = Span(0, 3, "LOC"), Span(0, 6, "ORG")


def test_a_span_is_right_only_with_its_offsets_and_label() -> None:
    found = [LOC, Span(0, 5, "ORG"), Span(6, 8, "PER")]
    assert count([LOC, ORG, Span(6, 8, "LOC")], found) == Counts(right=1, predicted=3, gold=3)


def test_precision_recall_and_f1() -> None:
    counts = Counts(right=3, predicted=4, gold=6)
    assert (counts.precision, counts.recall, counts.f1) == (0.75, 0.5, pytest.approx(0.6))
    assert (Counts().precision, Counts().recall, Counts().f1) == (0.0, 0.0, 0.0)


def test_the_table_counts_nested_and_outermost_apart() -> None:
    rows = table([[LOC, ORG], []], [[ORG], [LOC]])
    assert rows["all"] == Counts(1, 2, 2)
    assert rows["outermost"] == Counts(1, 2, 1)
    assert rows["LOC"] == Counts(0, 1, 1)


def test_calibration_finds_the_share_that_is_right() -> None:
    rng = np.random.default_rng(0)
    logits = rng.uniform(0, 8, 100_000)
    right = rng.random(100_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    assert calibrate(logits.tolist(), right.tolist()) == pytest.approx((0.5, -1.0), abs=0.06)


def test_calibration_keeps_the_order_even_where_the_data_turn_it() -> None:
    slope, _ = calibrate([1.0, 2.0, 3.0, 4.0] * 50, [True, True, False, False] * 50)
    assert slope > 0


def test_the_best_threshold_weighs_what_is_missed_against_what_is_wrong() -> None:
    logits = [-1.0, 3.0, 0.5, -2.0, -3.0]
    assert best_threshold(logits, [True, True, False, True, False], gold=3) == -2.5
    assert best_threshold(logits, [False, True, False, False, False], gold=1) == 1.75
    assert best_threshold([], [], gold=3) == 0.0
    assert best_threshold([1.0], [False], gold=3) == 0.0


def test_of_thresholds_as_good_the_lowest_is_taken() -> None:
    right = [True] * 400 + [False, True]
    assert best_threshold(list(range(402, 0, -1)), right, gold=500) == 0.5
