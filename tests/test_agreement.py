"""How far two annotators agree, and where they differ."""

import time
from collections import Counter

import pytest

from ner.article import Article, Span
from ner.evaluation.agreement import agreement, covers, kappa
from ner.evaluation.pairing import disagreements


def test_kappa_by_hand() -> None:
    # Of 50 both say yes to 20 and no to 15: observed 0.7. A says yes to 25, B to 30, so by chance
    # they agree in 0.5 * 0.6 + 0.5 * 0.4 = 0.5, and κ is (0.7 - 0.5) / (1 - 0.5).
    chosen = {("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}
    assert kappa(chosen) == pytest.approx(0.4)
    assert kappa({("y", "n"): 1, ("n", "y"): 1}) == -1.0
    assert kappa({("n", "n"): 9}) == 1.0


def test_agreement_by_hand() -> None:
    # Ten characters. A: LOC on 0-3, PER on 6-8. B: LOC on 0-3, nothing else.
    text = "南岸区的书记陈晓说好"
    a = Article(id="1", text=text, spans=(Span(0, 3, "LOC"), Span(6, 8, "PER")))
    b = Article(id="1", text=text, spans=(Span(0, 3, "LOC"),))
    found = agreement([(a, b)])
    assert (found.counts["all"].right, found.counts["all"].f1) == (1, pytest.approx(2 / 3))
    assert found.kappa["LOC"] == 1.0
    assert found.kappa["PER"] == 0.0  # B has none: no better than chance
    # All: 8 of 10 characters agree; chance is 0.3 * 0.3 + 0.5 * 0.7 = 0.44.
    assert found.kappa["all"] == pytest.approx((0.8 - 0.44) / (1 - 0.44))


def test_a_character_has_the_labels_of_all_spans_over_it() -> None:
    assert covers([Span(0, 3, "ORG"), Span(0, 2, "LOC")], 4) == [
        {"ORG", "LOC"},
        {"ORG", "LOC"},
        {"ORG"},
        set(),
    ]


def test_every_span_that_differs_is_in_one_disagreement() -> None:
    a = [Span(0, 3, "LOC"), Span(5, 8, "ORG"), Span(9, 11, "PER"), Span(20, 22, "LOC")]
    b = [Span(0, 3, "ORG"), Span(5, 9, "ORG"), Span(12, 14, "PER"), Span(20, 22, "LOC")]
    found = disagreements(a, b)
    assert [(d.kind, d.a, d.b) for d in found] == [
        ("label", a[0], b[0]),
        ("boundary", a[1], b[1]),
        ("only in A", a[2], None),
        ("only in B", None, b[2]),
    ]
    assert Counter(s for d in found for s in d.spans) == Counter(a[:3] + b[:3])
    assert [(d.start, d.end) for d in found] == [(0, 3), (5, 9), (9, 11), (12, 14)]


def test_equal_offsets_are_paired_first_then_the_spans_that_share_most() -> None:
    a = [Span(0, 6, "ORG"), Span(0, 3, "LOC"), Span(8, 10, "PER")]
    b = [Span(0, 3, "ORG"), Span(0, 4, "ORG"), Span(8, 9, "LOC")]
    assert [(d.kind, d.a, d.b) for d in disagreements(a, b)] == [
        ("boundary", a[0], b[1]),
        ("label", a[1], b[0]),
        ("only in A", a[2], None),  # neither the offsets nor the label is the same
        ("only in B", None, b[2]),
    ]
    both = disagreements([Span(0, 6, "ORG")], [Span(0, 6, "LOC"), Span(0, 5, "ORG")])
    assert [(d.kind, d.b) for d in both] == [
        ("label", Span(0, 6, "LOC")),
        ("only in B", Span(0, 5, "ORG")),
    ]
    parts = disagreements([Span(0, 6, "ORG")], [Span(0, 1, "ORG"), Span(1, 6, "ORG")])
    assert [(d.kind, d.b) for d in parts] == [
        ("boundary", Span(1, 6, "ORG")),
        ("only in B", Span(0, 1, "ORG")),
    ]
    # Two labels on the same offsets are two disagreements, and neighbours do not overlap.
    twice = [Span(0, 3, "LOC"), Span(0, 3, "PER")]
    assert [d.kind for d in disagreements(twice, [Span(0, 3, "ORG")])] == ["label", "only in A"]
    beside = disagreements([Span(0, 3, "LOC")], [Span(3, 5, "LOC")])
    assert [d.kind for d in beside] == ["only in A", "only in B"]


def test_deeply_nested_spans_are_paired_in_linear_time() -> None:
    depth = 6000
    a = [Span(n, 2 * depth - n, "LOC") for n in range(depth)]
    b = [Span(n, 2 * depth - n - 1, "LOC") for n in range(depth)]
    begun = time.process_time()
    found = disagreements(a, b)
    assert time.process_time() - begun < 3
    assert [d.kind for d in found] == ["boundary"] * depth
