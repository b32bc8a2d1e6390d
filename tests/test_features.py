from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from ner.errors import NerError
from ner.tagger.features import PAD, UNKNOWN, Characters, pad, windows

TABLE = Characters.read(ROOT / "configs/characters.txt")


@given(st.text())
def test_a_row_a_code_point_whatever_the_text(text: str) -> None:
    ids = TABLE.encode(text)
    assert len(ids) == len(text)
    assert (ids > PAD).all() and (ids < len(TABLE)).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("，：？！（）", ",:?!()"),
        ("後堡社區", "后堡社区"),
        ("「」『』", "“”‘’"),
        ("Ａ１\u3000", "A1 "),
    ],
)
def test_what_reads_the_same_is_the_same(one: str, other: str) -> None:
    assert np.array_equal(TABLE.encode(one), TABLE.encode(other))
    assert UNKNOWN not in TABLE.encode(one)


def test_digits_letters_and_names_stay_apart() -> None:
    text = "0123456789aZ南北东西渝川"
    assert len(set(TABLE.encode(text).tolist())) == len(text)


def test_a_table_survives_a_file(tmp_path: Path) -> None:
    table = Characters(("\n", " \u3000", "，,", "\\", "𠮷", "\U000e0100\ue000"))
    table.write(tmp_path / "characters.txt")
    assert Characters.read(tmp_path / "characters.txt") == table


def test_a_character_in_two_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "characters.txt").write_text("ab\nbc\n")
    with pytest.raises(NerError, match="in two rows"):
        Characters.read(tmp_path / "characters.txt")


@given(st.text("南岸区。，\n”", max_size=300), st.integers(1, 40), st.integers(0, 20))
def test_cores_tile_the_text_and_windows_see_their_context(
    text: str, core: int, context: int
) -> None:
    cut = list(windows(text, core=core, context=context))
    assert "".join(text[w.core_start : w.core_end] for w in cut) == text
    for window in cut:
        assert 0 < window.core_end - window.core_start <= core
        assert window.start == max(0, window.core_start - context)
        assert window.end == min(len(text), window.core_end + context)


def test_a_window_ends_with_a_sentence_where_it_can() -> None:
    first, second = windows("第一句话说完了。第二句话", core=10, context=0)
    assert (first.core_end, second.core_start) == (8, 8)


def test_padding() -> None:
    batch = pad([TABLE.encode("南"), TABLE.encode("南岸")], 3)
    assert batch.shape == (2, 3)
    assert (batch == PAD).tolist() == [[False, True, True], [False, False, True]]
