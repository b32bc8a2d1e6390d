"""The tagger as a spaCy component: texts to spans by a network, whatever the pipeline's tokenizer.

In a model folder, which is what ``nlp.to_disk`` writes, the component holds three files:
``network.onnx``, ``characters.txt`` and ``settings.json``; with a network over pieces also ``pieces.json``,
with word lists ``house.json``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy import util
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc

from ner.article import Span, outermost
from ner.errors import NerError, at, first_line
from ner.tagger import checksums, decode
from ner.tagger.docs import ALIGNMENTS, add_ents, align, score
from ner.tagger.features import Characters
from ner.tagger.house import HouseWords
from ner.tagger.pieces import PieceRow, Pieces
from ner.tagger.runtime import Candidates, Runtime, by_characters
from ner.tagger.search import Network, search
from ner.tagger.settings import Settings

FLOOR = -4.0  # from a label's threshold to the lowest logit looked at, see `decode.spans`
SPANS_KEY = "ner"
_FILES = {
    "network": "network.onnx",
    "characters": "characters.txt",
    "settings": "settings.json",
    "pieces": "pieces.json",
    "house": "house.json",
}
_OPTIONAL = ("pieces", "house")

Threshold = float | Mapping[str, float] | None
"""The least score of a span that is taken: of all labels, or of those it names; None: the model's own."""


@Language.factory(
    "span_tagger",
    assigns=["doc.ents", "doc.spans"],
    default_config={
        "spans_key": SPANS_KEY,
        "threshold": None,
        "threads": 0,
        "alignment_mode": "strict",
        "set_ents": True,
        "scorer": {"@scorers": "ner.spans_and_ents.v1"},
    },
    default_score_weights={f"spans_{SPANS_KEY}_f": 1.0, "ents_f": 0.0},
)
def make_span_tagger(
    nlp: Language,
    name: str,
    spans_key: str,
    threshold: float | dict[str, float] | None,
    threads: int,
    alignment_mode: str,
    set_ents: bool,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "SpanTagger":
    """An empty component; `from_disk`, `from_bytes` or `load_network` gives it its network."""
    return SpanTagger(
        name,
        spans_key=spans_key,
        threshold=threshold,
        threads=threads,
        alignment_mode=alignment_mode,
        set_ents=set_ents,
        scorer=scorer,
    )


class SpanTagger(Pipe):
    """The pipeline component. `predict` changes nothing; `set_annotations` puts spans into Docs.

    Args:
        spans_key: all spans are in ``doc.spans[spans_key]``, their scores in its ``attrs["scores"]``.
        threshold: the least score of a span that is taken; see `Threshold`.
        threads: how many batches run side by side; 0 for as many as there are processors.
        alignment_mode: what becomes of a span that begins or ends inside a token: ``strict`` leaves it out
            with a warning, ``contract`` and ``expand`` move it to the token's edge, as in ``Doc.char_span``.
        set_ents: also put the outermost spans into ``doc.ents``, where they overlap none that is there.
        scorer: what ``nlp.evaluate`` calls.

    Raises:
        NerError: a value is none of those.
    """

    def __init__(
        self,
        name: str = "span_tagger",
        *,
        spans_key: str = SPANS_KEY,
        threshold: Threshold = None,
        threads: int = 0,
        alignment_mode: str = "strict",
        set_ents: bool = True,
        scorer: Callable[..., dict[str, Any]] | None = score,
    ) -> None:
        if alignment_mode not in ALIGNMENTS:
            raise NerError(
                f"alignment_mode {alignment_mode!r} is unknown",
                remedy=f"one of {', '.join(ALIGNMENTS)}",
            )
        if threads < 0:
            raise NerError(f"{threads} threads", remedy="0 for as many as there are processors")
        self.name = name
        self.cfg: dict[str, Any] = {"spans_key": spans_key}
        self.threshold = threshold
        self.threads = threads
        self.alignment_mode = alignment_mode
        self.set_ents = set_ents
        self.scorer = scorer
        self.house = HouseWords()
        self.settings = Settings()
        self.characters = Characters(())
        self.pieces: Pieces | None = None
        self.runtime: Runtime | None = None
        self._candidates: Candidates | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model marks."""
        return self.settings.labels

    def load_network(
        self,
        settings: Settings,
        characters: Characters,
        network: bytes,
        pieces: Pieces | None = None,
    ) -> None:
        """Run a network by onnxruntime.

        Args:
            network: an ONNX file's bytes.

        Raises:
            NerError: onnxruntime cannot read the network, or it does not fit the settings.
        """
        runtime = Runtime(network, self.threads)
        self.set_network(settings, characters, runtime.candidates, pieces)
        self.runtime = runtime
        highest = np.array([len(characters) - 1], np.int32)  # that the table can give
        row = highest if pieces is None else PieceRow(highest, pieces.encode("字"))
        try:  # with as many floors as there are labels
            runtime.candidates([row], self._floors)
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise NerError(
                f"the network has other characters or labels than are listed: {first_line(error)}",
                remedy="the model is damaged; install it again",
            ) from None

    def set_network(
        self,
        settings: Settings,
        characters: Characters,
        candidates: Candidates,
        pieces: Pieces | None = None,
    ) -> None:
        """Run a network that is a function, as training does with the torch network."""
        self.settings, self.characters, self._candidates = settings, characters, candidates
        self.pieces = pieces
        self.runtime = None
        self.set_threshold(self.threshold)

    def set_threshold(self, threshold: Threshold) -> None:
        """Change the least score of a span that is taken.

        Raises:
            NerError: it is not between 0 and 1, or is of a label that the model does not have.
        """
        self._thresholds = self.settings.thresholds_at(threshold)
        # A higher threshold only leaves spans out; a lower one looks lower.
        floors = [
            min(logit + FLOOR, self._thresholds[label] - self.house.reach)
            for label, logit in self.settings.thresholds_at(None).items()
        ]
        self._floors = np.array(floors, np.float32)
        self.threshold = threshold

    def __call__(self, doc: Doc) -> Doc:
        """Set the spans of a Doc; errors go to the error handler."""
        for done in self._annotated([doc]):
            return done
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the spans of Docs, in order; a batch that fails goes to the error handler.

        Args:
            batch_size: the most Docs that are read ahead; long ones fewer, see `by_characters`.
        """
        for group in by_characters(stream, lambda doc: len(doc.text)):
            for first in range(0, len(group), batch_size):
                yield from self._annotated(group[first : first + batch_size])

    def _annotated(self, docs: Sequence[Doc]) -> Sequence[Doc]:
        try:
            self.set_annotations(docs, self.predict([doc.text for doc in docs]))
        except Exception as error:
            self.get_error_handler()(self.name, self, list(docs), error)
            return ()
        return docs

    def predict(self, texts: Iterable[str]) -> list[list[Span]]:
        """Spans of each text, in reading order, nested, none crossing."""
        return list(self.stream(texts))

    def stream(self, texts: Iterable[str]) -> Iterator[list[Span]]:
        """What `predict` gives, text by text; texts are read no further ahead than keeps threads busy."""
        return ([span for span, _ in spans] for spans in self.stream_logits(texts))

    def stream_logits(self, texts: Iterable[str]) -> Iterator[list[tuple[Span, float]]]:
        """What `stream` gives, each span with the logit that its label's threshold decided on."""
        if self._candidates is None:
            raise NerError("the span tagger has no network", remedy="load a model with ner.load()")
        network = Network(self._candidates, self._floors, self._encode, self.settings)
        for text, found in search(texts, network, self.runtime.map if self.runtime else map):
            weighed = self.house.weigh(text, found, self.labels)
            yield decode.spans(text, weighed, self.settings, self._thresholds)

    def _encode(self, text: str) -> Any:
        """What the network takes of a text: ids ``(len(text),)``, or these with the pieces of the text."""
        if self.pieces is None:
            return self.characters.encode(text)
        return PieceRow.of(text, self.characters, self.pieces)

    def set_annotations(self, docs: Sequence[Doc], found: Sequence[Sequence[Span]]) -> None:
        """Put spans into Docs: all into ``doc.spans``, the outermost into ``doc.ents``."""
        for doc, spans in zip(docs, found, strict=True):
            aligned = align(doc, spans, self.alignment_mode)
            doc.spans[self.cfg["spans_key"]] = list(aligned.values())
            doc.spans[self.cfg["spans_key"]].attrs["scores"] = [span.score for span in aligned]
            if self.set_ents:
                add_ents(doc, [aligned[span] for span in outermost(aligned)])

    @property
    def hash(self) -> str:
        """SHA-256 over network, characters, settings and pieces, hexadecimal; word lists change nothing."""
        parts = (part() for name, part in self._parts().items() if name != "house")
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def _parts(self) -> dict[str, Callable[[], bytes]]:
        parts = {
            "network": self._network,
            "characters": self.characters.to_bytes,
            "settings": self.settings.to_json,
        }
        if self.pieces:
            parts["pieces"] = self.pieces.to_bytes
        if self.house != HouseWords():
            parts["house"] = self.house.to_json
        return parts

    def _network(self) -> bytes:
        if self.runtime is None:
            raise NerError("the span tagger has no network", remedy="load a model with ner.load()")
        return self.runtime.network

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """What `to_disk` writes."""
        return util.to_bytes(self._parts(), exclude)

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "SpanTagger":
        """Read what `to_bytes` wrote.

        Raises:
            NerError: it is damaged, or from a newer version.
        """
        read: dict[str, Any] = {}
        util.from_bytes(data, {name: _keep(read, name) for name in _FILES}, exclude)
        self._load(read)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write settings, characters, network and, where there are any, pieces and word lists into a folder.

        Args:
            exclude: what to leave out: ``settings``, ``characters``, ``network``, ``pieces``, ``house``.
        """
        parts = self._parts()
        util.to_disk(Path(path), {_FILES[name]: _writer(parts[name]) for name in parts}, exclude)
        for name in _OPTIONAL:  # of what was saved there before
            if name not in parts:
                (Path(path) / _FILES[name]).unlink(missing_ok=True)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "SpanTagger":
        """Read what `to_disk` wrote, held to the model folder's ``SHA256SUMS`` if it has any.

        Raises:
            NerError: a file is missing or damaged, or from a newer version.
        """
        folder = Path(path)
        checksums.verify(folder.parent)
        read: dict[str, Any] = {}
        try:
            for name, file in _FILES.items():
                if name not in exclude and (name not in _OPTIONAL or (folder / file).exists()):
                    read[name] = (folder / file).read_bytes()
        except FileNotFoundError as error:
            raise NerError(
                f"the model is damaged: {error}", where=str(folder), remedy="install it again"
            ) from None
        except OSError as error:
            raise NerError(
                f"cannot be read: {error.strerror}",
                where=str(error.filename or folder),
                remedy="check your permission to read it",
            ) from None
        with at(str(folder)):
            self._load(read)
        return self

    def _load(self, read: Mapping[str, bytes]) -> None:
        """Replace the parts that were read; the others stay, but for word lists: those read are all.

        Args:
            read: contents of files by their keys in `_FILES`.

        Raises:
            NerError: one is damaged, or they do not belong together.
        """
        settings, characters, pieces = self.settings, self.characters, self.pieces
        if "settings" in read:
            settings = Settings.from_json(read["settings"])
        if "characters" in read:
            characters = Characters.from_bytes(read["characters"])
        if "pieces" in read:
            pieces = Pieces.from_bytes(read["pieces"])
        if settings.pieces != (pieces is not None):
            raise NerError(
                f"the model is damaged: {_FILES['pieces']} and settings.json do not agree",
                remedy="install it again",
            )
        self.house = HouseWords.from_json(read["house"]) if "house" in read else HouseWords()
        network = read.get("network") or (self.runtime.network if self.runtime else None)
        if network is not None:
            self.load_network(settings, characters, network, pieces)
        else:
            self.settings, self.characters, self.pieces = settings, characters, pieces


def _writer(part: Callable[[], bytes]) -> Callable[[Path], None]:
    """A writer as spaCy's `to_disk` wants one."""

    def write(file: Path) -> None:
        file.write_bytes(part())

    return write


def _keep(read: dict[str, Any], name: str) -> Callable[[Any], None]:
    """A reader as spaCy's `from_bytes` wants one: it puts what it is given under `name`."""
    return lambda value: read.update({name: value})
