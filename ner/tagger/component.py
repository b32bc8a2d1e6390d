"""The tagger: a model folder as a spaCy pipeline over single characters, run by onnxruntime.

A model folder is what ``nlp.to_disk`` writes: ``spacy.load`` opens it. Its one component, the span
tagger, holds three files: ``network.onnx``, ``characters.txt`` and ``settings.json``.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import DummyTokenizer, registry
from spacy.vocab import Vocab

from ner.article import Span, outermost, without_crossings
from ner.errors import NerError, at
from ner.tagger.features import (
    MAX_SPAN_LENGTH,
    Characters,
    Ids,
    Window,
    pack,
    pad,
    round_up,
    windows,
)
from ner.tagger.settings import Settings

FLOOR = -4.0  # from a label's threshold to the lowest logit looked at, see `SpanTagger._spans`
BATCH_TEXTS = 64
_BATCH_CHARACTERS = 2048  # what a batch of windows holds: its arrays stay in the processor's cache

Places = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]
_Job = tuple[int, Window]
"""The number of a text, and a window of it."""

_Found = tuple[int, int, int, float]
"""Start, end, number of the label, logit."""

Candidates = Callable[[Sequence[Ids], Logits], tuple[Places, Logits]]
"""Rows of ids, and for each label the lowest logit looked at, to the places ``(4, found)`` and logits
``(found,)`` of the spans above it.

The rows of places: number of the row, label, first character, last character. Spans that run over
their row's end may be among them.
"""


@Language.factory(
    "span_tagger", assigns=["doc.ents", "doc.spans"], default_config={"threshold": None}
)
def make_span_tagger(
    nlp: Language, name: str, threshold: float | dict[str, float] | None
) -> "SpanTagger":
    """An empty component; `from_disk` or `load_network` gives it its network."""
    return SpanTagger(threshold=threshold)


@registry.tokenizers("ner.characters.v1")  # type: ignore[untyped-decorator]
def make_tokenizer() -> Any:
    """What spaCy's config names the tokenizer by."""
    return CharacterTokenizer


class CharacterTokenizer(DummyTokenizer):
    """One token a code point, white space too, so that token and code point offsets agree."""

    def __init__(self, nlp: Language) -> None:
        self.vocab: Vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=list(text), spaces=[False] * len(text))


class SpanTagger:
    """The pipeline component. `predict` changes nothing; calling it on a Doc sets the spans.

    Args:
        threshold: the least score of a span that is taken: of all labels, or of each label that it
            names; None for the model's own.
    """

    def __init__(self, *, threshold: float | Mapping[str, float] | None = None) -> None:
        self.threshold = threshold
        self.settings = Settings()
        self.characters = Characters(())
        self._candidates: Candidates | None = None
        self._map: Callable[..., Iterator[Any]] = map
        self._network = b""

    def load_network(self, settings: Settings, characters: Characters, network: bytes) -> None:
        """Give the component its network (an ONNX file's bytes) and what belongs to it.

        Raises:
            NerError: onnxruntime cannot read the network.
        """
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # One thread a batch and batches side by side: a tenth faster than all threads on each.
        options.intra_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(
                network, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise NerError(
                f"the network cannot be read: {str(error).splitlines()[0]}",
                remedy="the model is damaged; install it again",
            ) from None
        self._network = network
        run = _run_packed if len(session.get_inputs()) > 2 else _run_padded
        self.set_network(settings, characters, lambda rows, floors: run(session, rows, floors))
        self._map = ThreadPoolExecutor(_processors(), "tagging").map

    def set_network(
        self, settings: Settings, characters: Characters, candidates: Candidates
    ) -> None:
        """Give the component a network as a function, as training does."""
        self.settings, self.characters, self._candidates = settings, characters, candidates
        self._map = map
        self.set_threshold(self.threshold)

    def set_threshold(self, threshold: float | Mapping[str, float] | None) -> None:
        """Change the least score of a span that is taken; see the class.

        Raises:
            NerError: it is not between 0 and 1, or is of a label that the model does not have.
        """
        own = self.settings.thresholds_at(None)
        self._thresholds = self.settings.thresholds_at(threshold)
        # A higher threshold only leaves spans out; a lower one looks lower.
        floors = [min(logit + FLOOR, self._thresholds[label]) for label, logit in own.items()]
        self._floors = np.array(floors, np.float32)
        self.threshold = threshold

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, docs: Iterable[Doc], batch_size: int = BATCH_TEXTS) -> Iterator[Doc]:
        docs = iter(docs)
        while batch := list(itertools.islice(docs, batch_size)):
            for doc, spans in zip(batch, self.predict([doc.text for doc in batch])):
                set_spans(doc, spans)
                yield doc

    def predict(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text, in reading order, nested, none crossing."""
        return [[span for span, _ in spans] for spans in self.predict_logits(texts)]

    def predict_logits(self, texts: Sequence[str]) -> list[list[tuple[Span, float]]]:
        """What `predict` gives, each span with the logit that its label's threshold decided on."""
        context, core = self.settings.context, self.settings.core
        rows = [self.characters.encode(text) for text in texts]
        found: list[list[_Found]] = [[] for _ in texts]
        jobs = (
            (number, window)
            for number, text in enumerate(texts)
            for window in windows(text, core=core, context=context)
        )
        batches = list(_batches(jobs))
        ids = ([rows[number][w.start : w.end] for number, w in batch] for batch in batches)
        for batch, each in zip(batches, self._map(self._run, batches, ids)):
            for (number, _), spans in zip(batch, each):
                found[number] += spans
        return [self._spans(text, each) for text, each in zip(texts, found)]

    def _run(self, jobs: Sequence[_Job], ids: Sequence[Ids]) -> list[list[_Found]]:
        """What each window answers for, at its place in the text."""
        seen = [window for _, window in jobs]
        if self._candidates is None:
            raise NerError("the span tagger has no network", remedy="ner.load() gives a whole one")
        places, logits = self._candidates(ids, self._floors)
        window, label, start, last = places
        begin, end, low, high = np.array(
            [(w.start, w.end, w.core_start, w.core_end) for w in seen]
        ).T[:, window]
        starts, ends = begin + start, begin + last + 1
        # Longer spans have scores too, but no training ever spoke of them.
        meant = (starts < ends) & (ends <= starts + MAX_SPAN_LENGTH)
        answered = meant & (ends <= end) & (starts >= low) & (starts < high)
        spans: list[list[_Found]] = [[] for _ in seen]
        for k in np.flatnonzero(answered):
            found = (int(starts[k]), int(ends[k]), int(label[k]), float(logits[k]))
            spans[window[k]].append(found)
        return spans

    def _spans(self, text: str, found: Iterable[_Found]) -> list[tuple[Span, float]]:
        """The spans among what was found, with their logits.

        What a string is in one place of an article it mostly is in the others too, a brand without
        its quotation marks for one: so the logit of each place moves half way to the string's highest.
        """
        # No name runs on into the next paragraph.
        found = [each for each in found if "\n" not in text[each[0] : each[1]]]
        highest: dict[tuple[str, int], float] = {}
        for start, end, number, logit in found:
            name = (text[start:end], number)
            highest[name] = max(logit, highest.get(name, logit))
        logits: dict[Span, float] = {}
        for start, end, number, logit in found:
            logit = (logit + highest[text[start:end], number]) / 2
            label = self.settings.labels[number]
            if logit > self._thresholds[label]:
                logits[Span(start, end, label, self.settings.probability(label, logit))] = logit
        return [(span, logits[span]) for span in without_crossings(logits)]

    @property
    def hash(self) -> str:
        """SHA-256 over network, characters and settings, hexadecimal."""
        parts = (self._network, "\n".join(self.characters.rows).encode(), self.settings.to_json())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "network.onnx").write_bytes(self._network)
        (folder / "settings.json").write_bytes(self.settings.to_json())
        self.characters.write(folder / "characters.txt")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "SpanTagger":
        """Read what `to_disk` wrote.

        Raises:
            NerError: a file is missing or damaged, or from a newer version.
        """
        folder = Path(path)
        try:
            settings = (folder / "settings.json").read_bytes()
            network = (folder / "network.onnx").read_bytes()
        except OSError as error:
            raise NerError(
                f"the model is damaged: {error}", where=str(folder), remedy="install it again"
            ) from None
        with at(str(folder / "settings.json")):
            read = Settings.from_json(settings)
        with at(str(folder / "network.onnx")):
            self.load_network(read, Characters.read(folder / "characters.txt"), network)
        return self


def _batches(jobs: Iterable[_Job]) -> Iterator[list[_Job]]:
    batch: list[_Job] = []
    held = 0
    for number, window in jobs:
        batch.append((number, window))
        held += window.end - window.start
        if held >= _BATCH_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_packed(session: Any, rows: Sequence[Ids], floors: Logits) -> tuple[Places, Logits]:
    ids, first, end, begin = pack(rows)
    inputs = {"ids": ids, "first": first, "end": end, "floors": floors}
    (label, start, last), logits = session.run(None, inputs)
    row = np.searchsorted(begin, start, side="right") - 1
    return np.stack((row, label, start - begin[row], last - begin[row])), logits


def _run_padded(session: Any, rows: Sequence[Ids], floors: Logits) -> tuple[Places, Logits]:
    """For encoders whose numbers depend on how far a batch is padded: a row at a time."""
    found = [
        session.run(
            None, {"ids": pad([row], round_up(len(row), MAX_SPAN_LENGTH)), "floors": floors}
        )
        for row in rows
    ]
    for number, (places, _) in enumerate(found):
        places[0] = number
    places, logits = zip(*found)
    return np.concatenate(places, axis=1), np.concatenate(logits)


def set_spans(doc: Doc, spans: Sequence[Span]) -> None:
    """Put spans into a character Doc: all into ``doc.spans["ner"]``, the outermost into ``doc.ents``."""
    group = [DocSpan(doc, span.start, span.end, label=span.label) for span in spans]
    doc.spans["ner"] = group
    doc.spans["ner"].attrs["scores"] = [span.score for span in spans]
    doc.ents = [DocSpan(doc, s.start, s.end, label=s.label) for s in outermost(spans)]
