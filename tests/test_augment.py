"""Names and blemishes may change a text, never what its spans mean."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Span
from ner.corpus import Example
from ner.training.augment import collect, cut, edited, kind, spaced, swapped

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


def test_a_village_changes_for_another_everywhere_and_its_holders_grow_with_it() -> None:
    example = Example(
        "石桥村党支部书记说，石桥村好。",
        (Span(0, 6, "ORG"), Span(0, 3, "LOC"), Span(10, 13, "LOC")),
    )
    changed = swapped(example, {"村": ["赫哲新村"]}, 1.0, np.random.default_rng(0))
    assert changed.text == "赫哲新村党支部书记说，赫哲新村好。"
    assert names(changed) == [("赫哲新村党支部", "ORG"), ("赫哲新村", "LOC"), ("赫哲新村", "LOC")]


def test_only_places_at_the_bottom_change() -> None:
    kinds = [kind(label, name) for name, label in names(EXAMPLE)]
    assert kinds == ["", "", "", "", "社区", "", ""]
    assert kind("LOC", "新街道") == "" and kind("LOC", "双龙湖街道") == "街道"
    assert kind("ORG", "后堡社区") == ""


def test_nothing_changes_at_share_nought_nor_where_a_kind_is_rare() -> None:
    assert swapped(EXAMPLE, {}, 1.0, np.random.default_rng(0)) == EXAMPLE
    pools = {"社区": ["拉鲁社区"]}
    assert swapped(EXAMPLE, pools, 0.0, np.random.default_rng(0)) == EXAMPLE
    assert collect([EXAMPLE]) == {}


@given(st.integers(0, 2**32 - 1))
def test_what_is_cut_out_keeps_the_names_that_lie_in_it(seed: int) -> None:
    text = "王强走访后堡社区。\n下雨了！“一表通”好用，他说。"
    spans = (Span(0, 2, "PER"), Span(4, 8, "LOC"), Span(15, 18, "BRAND"))
    part = cut(Example(text, spans), np.random.default_rng(seed))
    assert part.text in text
    inside = [name for name in ("王强", "后堡社区", "一表通") if name in part.text]
    assert [name for name, _ in names(part)] == inside


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_stray_spaces_stay_within_or_outside_of_names(seed: int, share: float) -> None:
    changed = spaced(EXAMPLE, share, np.random.default_rng(seed))
    assert changed.text.replace(" ", "") == TEXT
    for (before, label), (after, same) in zip(names(EXAMPLE), names(changed)):
        assert (after.replace(" ", ""), same) == (before, label)
        assert after == after.strip()


def test_the_known_string_moves_with_its_text() -> None:
    example = Example("推出“一表通”", (), (3, 6))
    assert edited(example, [(0, 2, "全面推行")]).known == (5, 8)
