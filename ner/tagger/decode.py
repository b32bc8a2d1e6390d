"""What a network found in a text, as spans."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

from ner.article import Span, without_crossings
from ner.tagger.settings import Settings

Found = tuple[int, int, int, float]
"""Start, end, number of the label, logit."""

_LINE_END = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_BLANK_LETTERS = "\u034f\u115f\u1160\u2800\u3164\uffa0"  # blank or of no width, by no category


def spans(
    text: str, found: Iterable[Found], settings: Settings, thresholds: Mapping[str, float]
) -> list[tuple[Span, float]]:
    """The spans above their label's threshold, with their logits: reading order, nested, none crossing.

    None begins or ends with white space or a character of no width, and none holds a line end: no name
    runs on into the next paragraph.

    What a string is in one place of an article it mostly is in the others too, a brand without its
    quotation marks for one: so the logit of each place moves half way to the string's highest.
    """
    inside = []
    highest: dict[tuple[str, int], float] = {}
    for start, end, number, logit in found:
        start, end = _trimmed(text, start, end)
        if start < end and not _LINE_END.search(text, start, end):
            inside.append((start, end, number, logit))
            name = (text[start:end], number)
            highest[name] = max(logit, highest.get(name, logit))
    logits: dict[Span, float] = {}
    for start, end, number, logit in inside:
        surface, label = text[start:end], settings.labels[number]
        logit = (logit + highest[surface, number]) / 2
        if logit > thresholds[label]:
            score = settings.probability(label, logit)
            span = Span(start, end, label, score, text=surface)
            if logit > logits.get(span, float("-inf")):  # trimmed, two may be one
                logits.pop(span, None)
                logits[span] = logit
    return [(span, logits[span]) for span in without_crossings(logits)]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
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
