"""Augmentation changes a text, never what its spans mark."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Span
from ner.corpus import Example
from ner.training.augment import (
    apply_edits,
    augment,
    collect_names,
    crop,
    insert_spaces,
    place_suffix,
    straight_quotes,
    swap_names,
)
from ner.training.config import Schedule

TEXT = "重庆市南岸区委书记王强走访后堡社区，王强介绍“渝邻汇”。"
SPANS = (
    Span(0, 6, "LOC"),
    Span(0, 3, "LOC"),
    Span(0, 7, "ORG"),
    Span(9, 11, "PER"),
    Span(13, 17, "LOC"),
    Span(18, 20, "PER"),
    Span(23, 26, "BRAND"),
)
EXAMPLE = Example(TEXT, SPANS)


def names(example: Example) -> list[tuple[str, str]]:
    return [(example.text[s.start : s.end], s.label) for s in example.spans]


def test_a_village_is_swapped_everywhere_and_spans_around_it_grow() -> None:
    example = Example(
        "石桥村党支部书记说，石桥村好。",
        (Span(0, 6, "ORG"), Span(0, 3, "LOC"), Span(10, 13, "LOC")),
    )
    changed = swap_names(example, {"村": ["赫哲新村"]}, 1.0, np.random.default_rng(0))
    assert changed.text == "赫哲新村党支部书记说，赫哲新村好。"
    assert names(changed) == [("赫哲新村党支部", "ORG"), ("赫哲新村", "LOC"), ("赫哲新村", "LOC")]


def test_only_places_of_the_lowest_levels_are_swapped() -> None:
    kinds = [place_suffix(label, name) for name, label in names(EXAMPLE)]
    assert kinds == ["", "", "", "", "社区", "", ""]
    assert place_suffix("LOC", "新街道") == "" and place_suffix("LOC", "双龙湖街道") == "街道"
    assert place_suffix("ORG", "后堡社区") == ""


def test_nothing_changes_at_fraction_zero_nor_where_a_suffix_is_rare() -> None:
    assert swap_names(EXAMPLE, {}, 1.0, np.random.default_rng(0)) == EXAMPLE
    pools = {"社区": ["拉鲁社区"]}
    assert swap_names(EXAMPLE, pools, 0.0, np.random.default_rng(0)) == EXAMPLE
    assert collect_names([EXAMPLE]) == {}


@given(st.integers(0, 2**32 - 1))
def test_a_crop_keeps_the_names_inside(seed: int) -> None:
    text = "王强走访后堡社区。\n下雨了！“一表通”好用，他说。"
    spans = (Span(0, 2, "PER"), Span(4, 8, "LOC"), Span(15, 18, "BRAND"))
    part = crop(Example(text, spans), np.random.default_rng(seed))
    assert part.text in text
    inside = [name for name in ("王强", "后堡社区", "一表通") if name in part.text]
    assert [name for name, _ in names(part)] == inside


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_inserted_spaces_are_never_at_a_names_boundary(seed: int, fraction: float) -> None:
    changed = insert_spaces(EXAMPLE, fraction, np.random.default_rng(seed))
    assert changed.text.replace(" ", "") == TEXT
    for (before, label), (after, same) in zip(names(EXAMPLE), names(changed)):
        assert (after.replace(" ", ""), same) == (before, label)
        assert after == after.strip()


def test_the_known_region_moves_with_its_text() -> None:
    example = Example("推出“一表通”", (), (3, 6))
    assert apply_edits(example, [(0, 2, "全面推行")]).known == (5, 8)


def test_straight_quotes_replace_each_quotation_mark_and_nothing_else() -> None:
    assert straight_quotes(EXAMPLE) == Example(TEXT.replace("“", '"').replace("”", '"'), SPANS)


def test_each_fraction_of_a_schedule_has_its_effect() -> None:
    """The share of the examples that a fraction changes is that fraction, give or take."""
    text = "王强走访石桥村。“一表通”好用，他说。"
    examples = [Example(text, (Span(0, 2, "PER"), Span(4, 7, "LOC")))] * 400
    names = {"村": ["赫哲新村"]}

    def changed(**fractions: float) -> list[Example]:
        rng = np.random.default_rng(0)
        return list(augment(examples, names, Schedule(**fractions), rng))

    def share(examples: list[Example], has: str) -> float:
        return sum(has in example.text for example in examples) / len(examples)

    assert changed() == examples
    assert 0.2 < share(changed(swap_names=0.3), "赫哲新村") < 0.4
    cropped = [example for example in changed(crop=0.3) if example.text != text]
    assert 0.05 < len(cropped) / 400 < 0.3  # a crop may be of all sentences
    noisy = changed(noise=0.3)
    assert 0.2 < share(noisy, '"一表通"') < 0.4
    assert 0.02 < share(noisy, " ") < 0.3  # one character in a hundred of a noisy article
