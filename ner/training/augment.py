"""Data augmentation: other place names in the same sentences, crops, and the noise of real pages."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from ner.article import Span
from ner.corpus import Example, sentences
from ner.errors import NerError
from ner.training.config import Schedule
from ner.training.passages import Grammar

_MIN_NAMES = 20  # a suffix with fewer names is not swapped
PASSAGE = "passage"  # the name that a grammar's passages have
_SPACES = 0.01  # fraction of the characters after which a noisy article gets a space
_OFFICES = ("居民委员会", "村民委员会", "居委会", "村委会")
_SUFFIXES = ("社区", "街道", "村", "镇", "乡")
_STRAIGHT_QUOTES = str.maketrans("“”‘’", "\"\"''")

Names = Mapping[str, Sequence[str]]
"""Place names by `place_suffix`: names with one suffix can replace each other in a sentence."""

Edit = tuple[int, int, str]
"""Start and end of a stretch of text, and its replacement."""


def augment(
    examples: Iterable[Example],
    names: Names,
    schedule: Schedule,
    rng: np.random.Generator,
    grammar: Grammar | None = None,
) -> Iterator[Example]:
    """The examples, each varied at random by the fractions of the schedule, and passages of the grammar.

    They must be annotated as a whole (no ``known`` region), since some are cropped.
    """
    for example in examples:
        example = swap_names(example, names, schedule.swap_names, rng)
        if schedule.crop and rng.random() < schedule.crop:
            example = crop(example, rng)
        if not grammar or not schedule.passages or rng.random() >= schedule.passages:
            yield _noisy(example, schedule.noise, rng)
            continue
        passage = grammar.make(PASSAGE, rng)
        alone = rng.random() < 0.5
        for each in (example, passage) if alone else (insert_paragraph(example, passage, rng),):
            yield _noisy(each, schedule.noise, rng)


def _noisy(example: Example, fraction: float, rng: np.random.Generator) -> Example:
    if rng.random() < fraction:
        example = insert_spaces(example, _SPACES, rng)
    return straight_quotes(example) if rng.random() < fraction else example


def place_suffix(label: str, name: str) -> str:
    """The suffix by which a place of the lowest levels (village, community, street) can be swapped.

    Empty for every other name: to swap a bridge for a country, or a writer for a farmer, teaches
    falsehoods (docs/experiments.md).
    """
    fitting = (s for s in _SUFFIXES if name.endswith(s) and len(name) > len(s) + 1)
    return next(fitting, "") if label == "LOC" else ""


def collect_names(examples: Iterable[Example], places: Iterable[Path] = ()) -> Names:
    """The innermost annotated names that have a `place_suffix`, and those in files of places.

    Args:
        places: CSV files, gzipped, with a column ``name``.

    Raises:
        NerError: a file cannot be read.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for span in _innermost(example.spans):
            name = example.text[span.start : span.end]
            names[place_suffix(span.label, name)].add(name)
    for name in _read_places(places):
        names[place_suffix("LOC", name)].add(name)
    return {
        suffix: sorted(found)
        for suffix, found in names.items()
        if suffix and len(found) >= _MIN_NAMES
    }


def _read_places(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        try:
            with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
                for row in csv.DictReader(rows):
                    name = row["name"]
                    for office in _OFFICES:
                        name = name.removesuffix(office)
                    if len(name) > 1:
                        yield name
        except KeyError:
            raise NerError(
                "has no column name", where=str(file), remedy="name it in the first line"
            ) from None
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise NerError(
                f"cannot be read: {error}", where=str(file), remedy="give a gzipped CSV file"
            ) from None


def swap_names(
    example: Example, names: Names, fraction: float, rng: np.random.Generator
) -> Example:
    """The example with a fraction of its innermost names replaced by others of the same suffix.

    A name is replaced by the same other name wherever it is annotated.
    """
    chosen: dict[tuple[str, str], str] = {}
    edits = []
    for span in _innermost(example.spans):
        name = example.text[span.start : span.end]
        others = names.get(place_suffix(span.label, name))
        if (span.label, name) not in chosen:
            swap = others is not None and rng.random() < fraction
            chosen[span.label, name] = (
                others[int(rng.integers(len(others)))] if others and swap else name
            )
        edits.append((span.start, span.end, chosen[span.label, name]))
    return apply_edits(example, edits)


def insert_spaces(example: Example, fraction: float, rng: np.random.Generator) -> Example:
    """The example with a space before a fraction of its characters, those of names included."""
    places = np.flatnonzero(rng.random(len(example.text)) < fraction)
    return apply_edits(example, [(int(k), int(k), " ") for k in places])


def crop(example: Example, rng: np.random.Generator) -> Example:
    """Some consecutive sentences of the example, with the spans inside.

    The model so learns texts that begin in the middle, as pasted ones do.
    """
    edges = list(sentences(example.text))
    if len(edges) < 2:
        return example
    first, last = np.sort(rng.integers(len(edges), size=2))
    start, end = edges[first][0], edges[last][1]
    spans = [span for span in example.spans if start <= span.start and span.end <= end]
    moved = (replace(span, start=span.start - start, end=span.end - start) for span in spans)
    return Example(example.text[start:end], tuple(moved))


def insert_paragraph(example: Example, made: Example, rng: np.random.Generator) -> Example:
    """The example with another one as a line of its own, at the start, between two lines or at the end."""
    text = example.text
    places = [0, *(k + 1 for k in range(len(text)) if text[k] == "\n"), len(text)]
    place = places[int(rng.integers(len(places)))]
    before = "\n" if place and text[place - 1] != "\n" else ""
    after = "\n" if place < len(text) else ""
    inserted = before + made.text + after
    around = apply_edits(example, [(place, place, inserted)])
    first = place + len(before)
    spans = (replace(s, start=s.start + first, end=s.end + first) for s in made.spans)
    return Example(around.text, tuple(sorted((*around.spans, *spans), key=_reading_order)))


def _reading_order(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def straight_quotes(example: Example) -> Example:
    """The example with straight quotation marks, which do not tell opening from closing."""
    return replace(example, text=example.text.translate(_STRAIGHT_QUOTES))


def apply_edits(example: Example, edits: Iterable[Edit]) -> Example:
    """The example with stretches of its text replaced and its spans moved accordingly.

    Edits must not overlap, nor cross a span's boundary.
    """
    edits = sorted(edits)
    parts, position = [], 0
    shifts = [(0, 0)]  # (offset in the old text, by how much what follows moves)
    for start, end, replacement in edits:
        parts += [example.text[position:start], replacement]
        position = end
        shifts.append((end, len(replacement) - (end - start)))
    text = "".join([*parts, example.text[position:]])
    offsets = np.array([offset for offset, _ in shifts])
    totals = np.array(list(accumulate(shift for _, shift in shifts)))

    def new_offset(offset: int) -> int:
        return offset + int(totals[np.searchsorted(offsets, offset, side="right") - 1])

    def moved(start: int, end: int) -> tuple[int, int]:
        # What is inserted at a span's start comes before it, what is inserted at its end after it.
        return new_offset(start), new_offset(end) - _inserted_at(edits, end)

    spans = tuple(Span(*moved(span.start, span.end), span.label) for span in example.spans)
    return Example(text, spans, example.known and moved(*example.known))


def _inserted_at(edits: Sequence[Edit], offset: int) -> int:
    """How many characters are inserted at an offset by edits that replace nothing."""
    return sum(len(new) for start, end, new in edits if start == end == offset)


def _innermost(spans: Sequence[Span]) -> list[Span]:
    return [
        inner
        for inner in spans
        if not any(inner.holds(other) and inner != other for other in spans)
    ]
