"""Names and blemishes may change a text, never what its spans mean."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Span
from ner.augment import collect, edited, kind, spaced, swapped
from ner.corpus import Example

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


def test_a_name_changes_for_one_of_its_kind_everywhere_and_its_holders_grow_with_it() -> None:
    pools = {kind("PER", "王强"): ["李雷"], kind("LOC", "重庆市"): ["呼和浩特市"]}
    changed = swapped(EXAMPLE, pools, 1.0, np.random.default_rng(0))
    assert changed.text == "呼和浩特市南岸区委书记李雷走访后堡社区，李雷介绍“渝邻汇”。"
    assert names(changed) == [
        ("呼和浩特市南岸区", "LOC"),
        ("呼和浩特市", "LOC"),
        ("呼和浩特市南岸区委", "ORG"),
        ("李雷", "PER"),
        ("后堡社区", "LOC"),
        ("李雷", "PER"),
        ("渝邻汇", "BRAND"),
    ]


def test_nothing_changes_at_share_nought_nor_where_a_kind_is_rare() -> None:
    assert swapped(EXAMPLE, {}, 1.0, np.random.default_rng(0)) == EXAMPLE
    pools = {kind("PER", "王强"): ["李雷"]}
    assert swapped(EXAMPLE, pools, 0.0, np.random.default_rng(0)) == EXAMPLE
    assert collect([EXAMPLE]) == {}


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
