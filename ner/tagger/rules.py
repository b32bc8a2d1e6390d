"""What a newspaper's reader knows of names whatever a network says: where they end, and what they are beside.

Each rule was measured by itself on dev; `docs/experiments.md` has the figures, and those of rules left out.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from ner.article import Span, outermost
from ner.labels import LABELS

FRAGMENT_PENALTY = 1.5
"""What a place, person or body loses that is only a part of a short quoted string: 渝邻 in “渝邻有爱”."""

STEM_PENALTY = 1.0
"""What a place loses that only begins a longer one of which the network is surer: 龙潭 in 龙潭水乡."""

_BLANK_LETTERS = "\u034f\u115f\u1160\u2800\u3164\uffa0"  # blank or of no width, by no category
_LETTER_LIKE = "%％‰#＃@＠*＊"  # punctuation to Unicode, but part of amounts and names
_CLOSED_BY = {"（": "）", "(": ")"}
_OPENED_BY = {"）": "（", ")": "("}
_QUOTED = re.compile('“([^“”\n]{1,6})”|「([^「」\n]{1,6})」|"([^"\n]{1,6})"')
_SEPARATORS = "、，,和及与/·—-　 "
_COMPOUND_SURNAMES = (
    "欧阳|司马|上官|令狐|诸葛|皇甫|尉迟|公孙|慕容|东方|端木|司徒|夏侯|长孙|宇文|南宫|呼延|轩辕|申屠|钟离|西门|赫连"
    "|澹台|淳于|太史"
)
_KINSHIP = (
    "叔叔|大叔|大爷|爷爷|大伯|伯伯|老伯|伯母|公公|婆婆|奶奶|阿姨|大妈|大娘|大婶|婶婶|大哥|大姐|大嫂|嬢嬢|孃孃"
    "|叔|伯|婶|嫂|姨|哥|姐|爷|奶|妈"
)
_TITLES = "师傅|老师|医生"
# 老伯 and 小姨 are no surname with a word behind, nor is 大姐.
_CALLED = re.compile(f"([^老小阿大二三四]|{_COMPOUND_SURNAMES})(?:{_KINSHIP}|{_TITLES})")


def without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch of a text without the white space and characters of no width at its edges."""
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return start, end


@cache
def _is_blank(character: str) -> bool:
    """White space, controls, and characters of no width."""
    category = unicodedata.category(character)
    return character.isspace() or category in ("Cc", "Cf") or character in _BLANK_LETTERS


def without_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch of a text without blanks and punctuation at its edges.

    A bracket stays that the name holds together with its other half and more besides: 瑞创（重庆）.
    """
    while start < end and _is_mark(text[start]):
        other = _CLOSED_BY.get(text[start])
        if other and 0 <= text.find(other, start, end) < end - 1:
            break
        start += 1
    while start < end and _is_mark(text[end - 1]):
        other = _OPENED_BY.get(text[end - 1])
        if other and text.rfind(other, start, end) > start:
            break
        end -= 1
    return start, end


@cache
def _is_mark(character: str) -> bool:
    punctuation = unicodedata.category(character)[0] == "P" and character not in _LETTER_LIKE
    return punctuation or _is_blank(character)


def splits_brackets(text: str, start: int, end: int) -> bool:
    """True where a stretch of a text holds one half of a pair of brackets without the other: 重庆）公司."""
    held = text[start:end]
    return any(held.count(one) != held.count(other) for one, other in _CLOSED_BY.items())


def surname_end(text: str, start: int, end: int) -> int:
    """Where a person's name ends: before a word of kinship or a title after a bare surname, as in 陈叔叔."""
    called = _CALLED.fullmatch(text, start, end)
    return called.end(1) if called else end


def short_quoted(text: str) -> dict[int, tuple[int, int]]:
    """For each offset inside a quoted string of up to six characters, where that string begins and ends."""
    inside: dict[int, tuple[int, int]] = {}
    for quoted in _QUOTED.finditer(text):
        edges = quoted.span(quoted.lastindex or 0)
        inside.update(dict.fromkeys(range(*edges), edges))
    return inside


def is_fragment(start: int, end: int, quoted: Mapping[int, tuple[int, int]]) -> bool:
    """True for a part of a quoted string that is not all of it; ``quoted`` as `short_quoted` gives it."""
    string = quoted.get(start)
    return string is not None and end <= string[1] and (start, end) != string


def stems(logits: Mapping[tuple[int, int], float]) -> set[tuple[int, int]]:
    """The stretches that begin a longer one with a higher logit."""
    found = set()
    highest: dict[int, float] = {}  # of the longer stretches that begin at an offset
    for start, end in sorted(logits, key=lambda stretch: -stretch[1]):
        logit = logits[start, end]
        if logit < highest.get(start, logit):
            found.add((start, end))
        highest[start] = max(logit, highest.get(start, logit))
    return found


def without_parts(logits: Mapping[Span, float]) -> dict[Span, float]:
    """The spans but what is only a part of a name of its label.

    That is a person in another's name, 李某 in 李某钏, and a body without the place that begins its name,
    新田县人民医院 in 湖南省新田县人民医院.
    """
    people = set(outermost(span for span in logits if span.label == "PER"))
    bodies = [span for span in logits if span.label == "ORG"]
    starts: dict[int, list[int]] = {}  # of the bodies that end at an offset
    for body in bodies:
        starts.setdefault(body.end, []).append(body.start)
    places = {(span.start, span.end) for span in logits if span.label == "LOC"}
    rests = {
        body for body in bodies if any((start, body.start) in places for start in starts[body.end])
    }
    return {
        span: logit
        for span, logit in logits.items()
        if span not in rests and (span.label != "PER" or span in people)
    }


def without_joined(text: str, logits: Mapping[Span, float]) -> dict[Span, float]:
    """The spans but those that are two names of one label of ours beside each other, or the tail of such.

    重庆轨道集团、中国邮政集团 is no name where its two halves are. Where nothing stands between the two it is
    the long one or its tail: 广州白云机场 may be one name with 广州 inside, 首尔冲绳 are two.
    """
    starting: dict[tuple[int, str], list[Span]] = {}
    for span in logits:
        starting.setdefault((span.start, span.label), []).append(span)
    dropped = set()
    for span in (span for span in logits if span.label in LABELS):
        for tail, touches in _tails(text, span, starting):
            dropped.add(tail if touches and logits[span] >= logits[tail] else span)
    return {span: logit for span, logit in logits.items() if span not in dropped}


def _tails(
    text: str, whole: Span, starting: Mapping[tuple[int, str], list[Span]]
) -> Iterator[tuple[Span, bool]]:
    """The last of spans that one after the other make up the whole, and whether they all touch."""
    waiting = [(whole.start, True)]
    seen = set(waiting)  # many spans make up a whole in very many ways
    while waiting:
        start, touches = waiting.pop()
        for part in starting.get((start, whole.label), ()):
            if part.end == whole.end and start > whole.start:
                yield part, touches
            elif part.end < whole.end:
                following = {(part.end, touches)}
                if text[part.end] in _SEPARATORS:
                    following.add((part.end + 1, False))
                waiting += following - seen
                seen |= following
