"""Which encoding bytes are in: UTF-8, GB18030, Big5 or UTF-16, with or without a byte order mark.

UTF-8 can be told for certain. The others are told apart by what they would say: the encoding wins in
which most characters are common Chinese ones. Decoding is strict: nothing is replaced.
"""

import codecs
from functools import cache

from ner.errors import NerError

SAMPLE = 65536
"""Bytes that the encoding is detected by."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CANDIDATES = ("gb18030", "big5", "utf-16-le", "utf-16-be")
_LEAST = 0.6  # share of common characters below which no candidate is believed
_NAMES = {"gb18030": "GB18030", "big5": "Big5", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}


def detect_encoding(data: bytes) -> str:
    """The name of the encoding, for `bytes.decode`.

    Args:
        data: the first bytes; only `SAMPLE` of them are looked at, and the last character may be cut.

    Raises:
        NerError: it is none that is known here, or it is binary.
    """
    sample = data[:SAMPLE]
    for mark, name in _MARKS.items():
        if sample.startswith(mark):
            return name
    is_utf8, damage = _utf8_damage(sample, whole=len(data) <= SAMPLE)
    controls = _share_of_controls(sample)
    if is_utf8 and not controls:
        return "utf-8"
    shares = {name: _share_of_common(sample, name) for name in _CANDIDATES}
    best = max(shares, key=lambda name: shares[name])
    if is_utf8:
        # UTF-16 may be valid UTF-8 by chance, with NULs or other control characters all over it.
        wide = best.startswith("utf-16") and shares[best] > 0.8 and controls > 0.1
        if not wide and controls > 0.1:
            raise NerError("is binary, not text", remedy="give text, JSONL, CSV, HTML, docx …")
        return best if wide else "utf-8"
    if shares[best] >= _LEAST:
        return best
    if controls:
        raise NerError("is binary, not text", remedy="give text, JSONL, CSV, HTML, docx …")
    raise NerError(
        f"is not UTF-8 (byte {damage}), nor GB18030, Big5 or UTF-16",
        remedy="convert it from its encoding: iconv -f ENCODING -t UTF-8",
    )


def decode(data: bytes) -> str:
    """Decode a whole file, strictly.

    Raises:
        NerError: no encoding fits, or the one that does has damaged places.
    """
    return decode_as(data, detect_encoding(data))


def decode_utf8(data: bytes) -> str:
    """Decode strict UTF-8, with or without a byte order mark.

    Raises:
        NerError: it is not.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "make the file again: it is damaged or was cut"
        try:
            name = _NAMES.get(detect_encoding(data), "")
        except NerError:
            name = ""
        if name:
            remedy = f"convert it: iconv -f {name} -t UTF-8"
        raise NerError(f"not UTF-8 (byte {error.start})", remedy=remedy) from None


def decode_as(data: bytes, encoding: str) -> str:
    """Decode bytes whose encoding was detected from what stands before them.

    Raises:
        NerError: they are damaged, or in another encoding.
    """
    if encoding.startswith("utf-8"):
        return decode_utf8(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NerError(
            f"damaged {_NAMES.get(encoding, encoding.upper())} (byte {error.start})",
            remedy="make the file again: it is damaged or was cut, or mixes encodings",
        ) from None


def _utf8_damage(sample: bytes, *, whole: bool) -> tuple[bool, int]:
    """Whether it is UTF-8, perhaps damaged, and the first byte that is not.

    Cut or damaged UTF-8 must not be read as GB18030, which takes nearly any bytes: it is UTF-8 where
    more sequences of several bytes are right than wrong.
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
        return True, 0
    except UnicodeDecodeError as error:
        damage = error.start
    text = sample.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = sum(character > "\x7f" for character in text) - wrong
    return right > wrong, damage


def _share_of_controls(sample: bytes) -> float:
    controls = sample.translate(None, bytes(range(32, 256)) + b"\t\n\r\f\v\x1b\x1c\x1d\x1e\x1f")
    return len(controls) / max(len(sample), 1)


def _share_of_common(sample: bytes, encoding: str) -> float:
    """Of the characters that are not ASCII, how many are common; 0 where it cannot be decoded."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return 0.0
    controls = sum(character < " " and character not in "\t\n\r\f\v" for character in text)
    others = [character for character in text if character > "\x7f"]
    if not others:
        # UTF-16 of ASCII only.
        return float(encoding.startswith("utf-16") and bool(text) and not controls)
    common = _common()
    return sum(character in common for character in others) / (len(others) + controls)


@cache
def _common() -> frozenset[str]:
    """Symbols, kana and the 3,755 most used hanzi of GB 2312, and the 5,401 of Big5."""
    gb = (bytes((row, cell)) for row in (*range(0xA1, 0xAA), *range(0xB0, 0xD8)) for cell in _CELLS)
    big5 = (
        bytes((row, cell))
        for row in range(0xA1, 0xC7)
        for cell in (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    )
    return frozenset(
        "".join(code.decode("gb2312", "ignore") for code in gb)
        + "".join(code.decode("big5", "ignore") for code in big5)
    )


_CELLS = range(0xA1, 0xFF)
