"""Train a word segmentation model with spacy-pkuseg's own trainer, from segmented text.

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

# Weights are rounded to multiples of it: less than one word in a thousand changes, a third of the size.
_ROUNDING = 1 / 128


@dataclass(frozen=True, slots=True)
class Segmented:
    """A text and its words, in order."""

    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """Result of a training: characters trained on and held out, word counts on the latter, speed."""

    characters: int
    held_out: int
    counts: Counts
    characters_per_second: float


def read_segmented(paths: Iterable[str | Path]) -> Iterator[Segmented]:
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
    """Words that fit spans: every span boundary is a word boundary, an innermost span is one word."""
    names = {
        (span.start, span.end)
        for span in spans
        if not any(span.holds(o) and (o.start, o.end) != (span.start, span.end) for o in spans)
    }
    edges = {edge for span in spans for edge in (span.start, span.end)}
    inside = {offset for start, end in names for offset in range(start, end)}
    fitted = set(names)
    for start, end in words:
        bounds = [start, *sorted(edge for edge in edges if start < edge < end), end]
        fitted.update(
            (low, high)
            for low, high in itertools.pairwise(bounds)
            if not inside.issuperset(range(low, high))
        )
    return sorted(fitted)


def train_word_model(
    texts: Sequence[Segmented],
    output: Path,
    *,
    held_out: int = 100_000,
    iterations: int = 8,
    min_count: int = 4,
    seed: int = 0,
) -> Trained:
    """Train a model into a folder and evaluate it on held-out texts.

    Args:
        held_out: random texts of so many code points together are kept for evaluation.
        iterations: passes over the text.
        min_count: features seen less often are dropped; decides the size of the model.

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
        config.featureTrim = min_count - 1
        random.seed(seed)  # the trainer shuffles with the global generator
        with contextlib.redirect_stdout(io.StringIO()):
            spacy_pkuseg.train(*map(str, files), str(folder), train_iter=iterations)
        _compress(folder)
        output.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.replace(output / file.name)
    counts, speed = evaluate(load(output), test)
    seen, unseen = (sum(len(item.text) for item in part) for part in (shuffled, test))
    return Trained(seen, unseen, counts, speed)


def _lines(item: Segmented) -> str:
    """A text as the trainer reads it: one sentence per line, a space at every word boundary."""
    edges = {edge for word in item.words for edge in word}
    lines = []
    for start, end in pieces(item.text):
        inner = (f" {item.text[o]}" if o in edges else item.text[o] for o in range(start + 1, end))
        lines.append(f"{item.text[start]}{''.join(inner)}\n")
    return "".join(lines)


def _compress(folder: Path) -> None:
    """Make a model smaller: drop what only training reads, round and compress the weights."""
    import srsly

    features = srsly.read_msgpack(folder / "features.msgpack")
    kept = {word for name in features["feature_to_idx"] for word in _named_words(name)}
    features["bigram"] = []
    features["unigram"] = [word for word in features["unigram"] if word in kept]
    srsly.write_msgpack(folder / "features.msgpack", features)
    with np.load(folder / "weights.npz") as weights:
        sizes, w = weights["sizes"], weights["w"]
    np.savez_compressed(folder / "weights.npz", sizes=sizes, w=np.round(w / _ROUNDING) * _ROUNDING)


def _named_words(feature: str) -> list[str]:
    """The words of a word feature: ``w1.WORD``, ``w-1.WORD``, ``ww.l.WORD*WORD``, ``ww.r.WORD*WORD``."""
    kind, _, rest = feature.partition(".")
    if kind == "ww":
        return rest[2:].split("*")
    return [rest] if kind in ("w1", "w-1") else []


def evaluate(segment: Segment, texts: Sequence[Segmented]) -> tuple[Counts, float]:
    """Counts of words (right where both boundaries are), and characters per second on one core."""
    started = time.perf_counter()
    found = [segment(item.text) for item in texts]
    took = time.perf_counter() - started
    counts = Counts()
    for words, item in zip(found, texts):
        ours = set(words)
        counts += Counts(len(ours & set(item.words)), len(ours), len(item.words))
    return counts, sum(len(item.text) for item in texts) / took
