"""Encodings are recognised or refused by name; nothing is ever decoded into other characters."""

import pytest

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.formats import (
    Source,
    decode,
    decode_utf8,
    detect_encoding,
    read_csv,
    read_jsonl,
    read_text,
)

SIMPLIFIED = "渝北区龙溪街道的刘芳说，邻里汇很好。"
TRADITIONAL = "新竹縣竹北市的陳怡君說，鄰里中心辦得很好。"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize(
    "text", [SIMPLIFIED, f"A02版\n{SIMPLIFIED}\n", "渝北区", SIMPLIFIED * 9000]
)
def test_simplified_text_is_read_in_every_encoding_it_comes_in(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["big5", "gb18030", "utf-16-le", "utf-8"])
def test_traditional_text_in_big5_is_told_from_gb18030(encoding: str) -> None:
    assert decode(TRADITIONAL.encode(encoding)) == TRADITIONAL


@pytest.mark.parametrize("cut", [1, 2])
def test_cut_utf8_is_an_error_and_never_gb18030(cut: int) -> None:
    with pytest.raises(NerError, match="not UTF-8 .byte .*cut"):
        decode("渝北区刘芳".encode()[:-cut])
    with pytest.raises(NerError, match="not UTF-8 .byte"):
        decode(SIMPLIFIED.encode() * 9000 + b"\xe6")


def test_another_encoding_is_named_with_its_remedy() -> None:
    with pytest.raises(NerError, match="iconv -f GB18030 -t UTF-8"):
        decode_utf8(SIMPLIFIED.encode("gb18030"))
    with pytest.raises(NerError, match="iconv -f Big5 -t UTF-8"):
        decode_utf8(TRADITIONAL.encode("big5"))
    with pytest.raises(NerError, match="iconv -f UTF-16LE -t UTF-8"):
        decode_utf8(SIMPLIFIED.encode("utf-16-le"))
    with pytest.raises(NerError, match="nor GB18030, Big5 or UTF-16"):
        decode("東京都は寒いです".encode("shift_jis"))


def test_a_nul_or_brackets_in_utf8_do_not_make_it_utf16() -> None:
    line = '{"id": "1", "text": "\x00[[[[[[[[[[[[[[[[[[[[[[[["}'
    assert detect_encoding(line.encode()) == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "utf-8-sig"])
def test_lines_and_tables_are_read_in_the_encoding_of_the_file(encoding: str) -> None:
    rows = f'{{"id": "1", "text": "{SIMPLIFIED}"}}\n{{"id": "2", "text": "陈晓"}}\n'
    first, second = read_jsonl(Source("a.jsonl", rows.encode(encoding)))
    assert isinstance(first, Article) and first.text == SIMPLIFIED
    assert isinstance(second, Article) and second.text == "陈晓"
    [row] = read_csv(Source("a.csv", f"id,text\n1,{SIMPLIFIED}\n".encode(encoding)))
    assert isinstance(row, Article) and row.text == SIMPLIFIED


def test_a_damaged_line_or_row_costs_only_itself() -> None:
    good = '{"text": "' + SIMPLIFIED + '"}\n'
    lines = good.encode() + b'{"text": "\xe6\xb8"}\n' + good.encode()
    bad = list(read_jsonl(Source("a.jsonl", lines)))[1]
    assert isinstance(bad, Rejected) and str(bad).startswith("a.jsonl:2: not UTF-8 (byte 10)")
    table = f"id,text\n1,{SIMPLIFIED}\n2,".encode() + b"\xe6\xb8\n" + f"3,{SIMPLIFIED}\n".encode()
    items = list(read_csv(Source("a.csv", table)))
    assert [type(item).__name__ for item in items] == ["Article", "Rejected", "Article"]
    assert str(items[1]).startswith("a.csv:3: damaged characters")


def test_a_lone_mark_of_utf8_is_no_character_of_the_text() -> None:
    [item] = read_text(Source("a.txt", b"\xef\xbb\xbf" + SIMPLIFIED.encode()))
    assert isinstance(item, Article) and item.text == SIMPLIFIED
