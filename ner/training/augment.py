"""More articles from few: other names in the same places, and the blemishes of real pages."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from ner.article import Span
from ner.corpus import Example, sentences
from ner.errors import NerError

_FEWEST = 20  # names a kind must have before any is put in another's place
_OFFICES = ("居民委员会", "村民委员会", "居委会", "村委会")

_ENDS = ("社区", "街道", "村", "镇", "乡")

_STRAIGHT = str.maketrans("“”‘’", "\"\"''")

Names = Mapping[str, Sequence[str]]
"""Names by kind: what can stand for one another without making a sentence odd."""

Edit = tuple[int, int, str]
"""Start, end, and what stands there instead."""


def kind(label: str, name: str) -> str:
    """Of the places at the bottom of the hierarchy, which are countless and alike: their last word.

    Of other names nothing: a bridge in the place of a country, or a writer in that of a farmer, teaches
    what is not so (docs/experiments.md).
    """
    ends = (end for end in _ENDS if name.endswith(end) and len(name) > len(end) + 1)
    return next(ends, "") if label == "LOC" else ""


def collect(examples: Iterable[Example], places: Iterable[str] = ()) -> Names:
    """The innermost names of examples that have a kind, and those of files of places.

    Args:
        places: CSV files, gzipped, with a column ``name``.

    Raises:
        NerError: a file cannot be read.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for span in _innermost(example.spans):
            name = example.text[span.start : span.end]
            names[kind(span.label, name)].add(name)
    for name in _places(places):
        names[kind("LOC", name)].add(name)
    return {key: sorted(found) for key, found in names.items() if key and len(found) >= _FEWEST}


def _places(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        try:
            with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
                for row in csv.DictReader(rows):
                    name = row["name"]
                    for office in _OFFICES:
                        name = name.removesuffix(office)
                    if len(name) > 1:
                        yield name
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise NerError(f"no places to be read: {error}", where=str(file)) from None


def swapped(example: Example, names: Names, share: float, rng: np.random.Generator) -> Example:
    """The example with a share of its innermost names that have a kind changed for others of it.

    A name changes into the same other name wherever it is annotated.
    """
    chosen: dict[tuple[str, str], str] = {}
    edits = []
    for span in _innermost(example.spans):
        name = example.text[span.start : span.end]
        others = names.get(kind(span.label, name))
        if (span.label, name) not in chosen:
            swap = others is not None and rng.random() < share
            chosen[span.label, name] = (
                others[int(rng.integers(len(others)))] if others and swap else name
            )
        edits.append((span.start, span.end, chosen[span.label, name]))
    return edited(example, edits)


def spaced(example: Example, share: float, rng: np.random.Generator) -> Example:
    """The example with stray spaces after a share of its characters, names' own among them."""
    places = np.flatnonzero(rng.random(len(example.text)) < share)
    return edited(example, [(int(k), int(k), " ") for k in places])


def cut(example: Example, rng: np.random.Generator) -> Example:
    """Some sentences in a row of the example, with the spans that lie in them.

    So that a text that begins in the middle, as what people paste does, is nothing unheard of.
    """
    edges = list(sentences(example.text))
    if len(edges) < 2:
        return example
    first, last = np.sort(rng.integers(len(edges), size=2))
    start, end = edges[first][0], edges[last][1]
    spans = [span for span in example.spans if start <= span.start and span.end <= end]
    moved = (replace(span, start=span.start - start, end=span.end - start) for span in spans)
    return Example(example.text[start:end], tuple(moved))


def straight(example: Example) -> Example:
    """The example with straight quotation marks, which do not tell the first from the last."""
    return replace(example, text=example.text.translate(_STRAIGHT))


def edited(example: Example, edits: Iterable[Edit]) -> Example:
    """The example with stretches replaced. Edits must not overlap, nor cross a span's ends."""
    edits = sorted(edits)
    parts, at = [], 0
    shifts = [(0, 0)]  # (place in the old text, how far what follows it has moved)
    for start, end, instead in edits:
        parts += [example.text[at:start], instead]
        at = end
        shifts.append((end, len(instead) - (end - start)))
    text = "".join([*parts, example.text[at:]])
    ends = np.array([place for place, _ in shifts])
    moved = np.array(list(accumulate(shift for _, shift in shifts)))

    def new(place: int) -> int:
        return place + int(moved[np.searchsorted(ends, place, side="right") - 1])

    def put(start: int, end: int) -> tuple[int, int]:
        # What is put in at a name's start stands before it, at its end behind it.
        return new(start), new(end) - _put_in(edits, end)

    spans = tuple(Span(*put(span.start, span.end), span.label) for span in example.spans)
    return Example(text, spans, example.known and put(*example.known))


def _put_in(edits: Sequence[Edit], place: int) -> int:
    """How much an edit that replaces nothing puts in at a place."""
    return sum(len(new) for start, end, new in edits if start == end == place)


def _innermost(spans: Sequence[Span]) -> list[Span]:
    return [
        inner
        for inner in spans
        if not any(inner.holds(other) and inner != other for other in spans)
    ]
