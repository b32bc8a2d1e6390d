"""What a network found in a text, as spans."""

import re
from collections.abc import Iterable, Iterator, Mapping

from ner.article import Span, without_crossings
from ner.labels import LABELS
from ner.tagger import rules
from ner.tagger.settings import Settings

Found = tuple[int, int, int, float]
"""Start, end, number of the label, logit."""

_LINE_END = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_NAMES = ("PER", "LOC", "ORG")  # what is hardly a part of a quoted string


def spans(
    text: str, found: Iterable[Found], settings: Settings, thresholds: Mapping[str, float]
) -> list[tuple[Span, float]]:
    """The spans above their label's threshold, with their logits: reading order, nested, none crossing.

    None begins or ends with white space or a character of no width, and none holds a line end: no name runs
    on into the next paragraph. See `rules` for the others; they are about our labels: a label that a model
    brings of its own may well have 《 and 》 at its edges.

    What a string is in one place of an article it mostly is in the others too, a brand without its
    quotation marks for one: so the logit of each place moves half way to the string's highest. A place that
    begins a longer one is no such: 武汉 is not what is meant in 武汉市.
    """
    quoted = rules.short_quoted(text)
    inside: list[Found] = []
    highest: dict[tuple[str, int], float] = {}
    places: dict[tuple[int, int], float] = {}
    for start, end, number, logit in _with_clean_edges(text, found, settings, thresholds):
        inside.append((start, end, number, logit))
        name = (text[start:end], number)
        highest[name] = max(logit, highest.get(name, logit))
        if settings.labels[number] == "LOC":
            places[start, end] = max(logit, places.get((start, end), logit))
    stems = rules.stems(places)
    logits: dict[Span, float] = {}
    for start, end, number, logit in inside:
        surface, label = text[start:end], settings.labels[number]
        if label == "LOC" and (start, end) in stems:
            logit -= rules.STEM_PENALTY
        else:
            logit = (logit + highest[surface, number]) / 2
        if label in _NAMES and rules.is_fragment(start, end, quoted):
            logit -= rules.FRAGMENT_PENALTY
        if logit > thresholds[label]:
            score = settings.probability(label, logit)
            span = Span(start, end, label, score, text=surface)
            if logit > logits.get(span, float("-inf")):  # trimmed, two may be one
                logits.pop(span, None)
                logits[span] = logit
    logits = rules.without_parts(rules.without_joined(text, logits))
    return [(span, logits[span]) for span in without_crossings(logits)]


def _with_clean_edges(
    text: str, found: Iterable[Found], settings: Settings, thresholds: Mapping[str, float]
) -> Iterator[Found]:
    """What was found, trimmed; nothing of what holds a line end, or of ours half a pair of brackets."""
    for start, end, number, logit in found:
        label = settings.labels[number]
        start, end = rules.without_blanks(text, start, end)
        if label in LABELS:
            edges = rules.without_marks(text, start, end)
            if edges != (start, end) and logit <= thresholds[label]:
                continue
            start, end = edges
            if rules.splits_brackets(text, start, end):
                continue
        if label == "PER":
            end = rules.surname_end(text, start, end)
        if start < end and not _LINE_END.search(text, start, end):
            yield start, end, number, logit
