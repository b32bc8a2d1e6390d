"""Train a word model with spacy-pkuseg's own trainer, from text that is cut into words.

A line of input is ``{"text", "words": [[start, end, …], …]}``. Without ``words`` LAC cuts the text. Where
there are ``spans``, a name is one word: see `with_names`.
"""

import contextlib
import io
import itertools
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ner.annotation.teachers import lac_words
from ner.article import Span
from ner.errors import NerError, at, missing_extra
from ner.evaluation.score import Counts
from ner.formats import open_source, parse_span, source_lines
from ner.words import Segment, Word, load, pieces

_STEP = (
    1 / 128
)  # weights are rounded to it; measured: no word changes in a thousand, a third of the size


@dataclass(frozen=True, slots=True)
class Segmented:
    """A text and its words, in order."""

    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gave: sizes in characters, word counts on what was held out, speed."""

    characters: int
    held_out: int
    counts: Counts
    characters_a_second: float


def read(paths: Iterable[str | Path]) -> Iterator[Segmented]:
    """Texts with their words, in order.

    Raises:
        NerError: a line cannot be read, has no text, or words that overlap or leave the text.
    """
    for path in paths:
        with open_source(Path(path)) as source:
            for where, row in source_lines(source):
                with at(where):
                    if isinstance(row, NerError):
                        raise row
                    yield _segmented(row)


def _segmented(row: dict[str, Any]) -> Segmented:
    text = row.get("text")
    if not isinstance(text, str):
        raise NerError("has no text", remedy='a line is {"text": …, "words": [[start, end], …]}')
    given = row.get("words") or lac_words(text)
    words = [(start, end) for start, end, *_ in given if not text[start:end].isspace()]
    edges = [0, *(edge for word in words for edge in word), len(text)]
    if sorted(edges) != edges or any(start == end for start, end in words):
        raise NerError(
            "words overlap, are out of order, or end past the text",
            remedy="offsets are code points, start < end",
        )
    spans = [parse_span(span) for span in row.get("spans", ())]
    return Segmented(text, tuple(with_names(words, spans)))


def with_names(words: Iterable[Word], spans: Sequence[Span]) -> list[Word]:
    """Words that agree with spans: every span's edge is a word's edge, an innermost span is one word."""
    names = {
        (span.start, span.end)
        for span in spans
        if not any(span.holds(o) and (o.start, o.end) != (span.start, span.end) for o in spans)
    }
    edges = {edge for span in spans for edge in (span.start, span.end)}
    inside = {offset for start, end in names for offset in range(start, end)}
    cut = set(names)
    for start, end in words:
        marks = [start, *sorted(edge for edge in edges if start < edge < end), end]
        cut.update(
            (low, high)
            for low, high in itertools.pairwise(marks)
            if not inside.issuperset(range(low, high))
        )
    return sorted(cut)


def fit(
    texts: Sequence[Segmented],
    output: Path,
    *,
    held_out: int = 100_000,
    iterations: int = 8,
    rarest: int = 4,
    seed: int = 0,
) -> Trained:
    """Train a model into a folder and measure it on texts that it did not see.

    Args:
        held_out: texts are put aside at random until they hold so many code points.
        iterations: passes over the text.
        rarest: a feature seen less often is left out; decides the size of the model.

    Raises:
        NerError: spacy-pkuseg is not installed, or nothing is left to train on.
    """
    try:
        import spacy_pkuseg
        from spacy_pkuseg.config import config
    except ImportError:
        raise missing_extra("spacy-pkuseg", "words") from None
    shuffled = list(texts)
    random.Random(seed).shuffle(shuffled)
    test: list[Segmented] = []
    while shuffled and sum(len(t.text) for t in test) < held_out:
        test.append(shuffled.pop())
    if not shuffled:
        raise NerError(
            "nothing is left to train on", remedy="give more text, or hold out less of it"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        folder, files = Path(scratch, "model"), (Path(scratch, "train"), Path(scratch, "test"))
        for file, part in zip(files, (shuffled, test)):
            file.write_text("".join(map(_lines, part)), encoding="utf-8")
        config.featureTrim = rarest - 1
        random.seed(seed)  # the trainer shuffles with the global generator
        with contextlib.redirect_stdout(io.StringIO()):
            spacy_pkuseg.train(*map(str, files), str(folder), train_iter=iterations)
        _slim(folder)
        output.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.replace(output / file.name)
    counts, speed = measure(load(output), test)
    seen, unseen = (sum(len(item.text) for item in part) for part in (shuffled, test))
    return Trained(seen, unseen, counts, speed)


def _lines(item: Segmented) -> str:
    """A text as the trainer reads it: a sentence a line, a space at every edge."""
    edges = {edge for word in item.words for edge in word}
    lines = []
    for start, end in pieces(item.text):
        inner = (f" {item.text[o]}" if o in edges else item.text[o] for o in range(start + 1, end))
        lines.append(f"{item.text[start]}{''.join(inner)}\n")
    return "".join(lines)


def _slim(folder: Path) -> None:
    """Same files, fewer bytes: what only training reads goes, weights are rounded and packed."""
    import srsly

    features = srsly.read_msgpack(folder / "features.msgpack")
    kept = {word for name in features["feature_to_idx"] for word in _named_words(name)}
    features["bigram"] = []
    features["unigram"] = [word for word in features["unigram"] if word in kept]
    srsly.write_msgpack(folder / "features.msgpack", features)
    with np.load(folder / "weights.npz") as weights:
        sizes, w = weights["sizes"], weights["w"]
    np.savez_compressed(folder / "weights.npz", sizes=sizes, w=np.round(w / _STEP) * _STEP)


def _named_words(feature: str) -> list[str]:
    """The words of a word feature: ``w1.WORD``, ``w-1.WORD``, ``ww.l.WORD*WORD``, ``ww.r.WORD*WORD``."""
    kind, _, rest = feature.partition(".")
    if kind == "ww":
        return rest[2:].split("*")
    return [rest] if kind in ("w1", "w-1") else []


def measure(segment: Segment, texts: Sequence[Segmented]) -> tuple[Counts, float]:
    """Word counts (a word is right where both edges are), and characters a second on one core."""
    started = time.perf_counter()
    found = [segment(item.text) for item in texts]
    took = time.perf_counter() - started
    counts = Counts()
    for words, item in zip(found, texts):
        ours = set(words)
        counts += Counts(len(ours & set(item.words)), len(ours), len(item.words))
    return counts, sum(len(item.text) for item in texts) / took
