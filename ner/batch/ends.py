"""The two ends of a run: where articles come from, and where their spans go.

An engine (`ner.batch.local`, and others) only knows these. A source gives its articles in parts that can
be read one without the others, so that several processes and machines share the work; a part that is
read again gives what has no spans yet. Writing what is written already changes nothing.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from ner.article import Article, Rejected
from ner.batch.tagging import BATCH, BATCH_CHARACTERS
from ner.errors import NerError
from ner.store import Claim, ModelKey, Run, Store
from ner.tagger.loading import Tagger

Part = Hashable
"""A stretch of a source, such as a range of keys or a file; it can be pickled."""


class Source(Protocol):
    """What is to be tagged."""

    def parts(self) -> Iterator[Part]:
        """The parts, in the order in which one engine alone reads them."""
        ...

    def read(self, part: Part) -> Iterator[Article | Rejected]:
        """The articles of a part that are to be tagged, without spans.

        Raises:
            NerError: it cannot be read.
        """
        ...


class Sink(Protocol):
    """Where results go. Used as a context manager, it notes at the end that the run came to its end."""

    def write(self, results: Sequence[Article | Rejected], part: Part) -> Sequence[Rejected]:
        """Keep the spans of articles of a part, and what could not be tagged: all, or none of it.

        Returns:
            What could not be kept, and why.

        Raises:
            NerError: it cannot be written.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """One article written, or set aside.

    Args:
        characters: code points of its text.
        spans: label to how many were found.
        failure: why it could not be tagged.
    """

    id: str
    characters: int
    spans: Mapping[str, int]
    failure: Rejected | None = None


def model_key(tagger: Tagger) -> ModelKey:
    """What identifies the tagger's model in a store."""
    return ModelKey(tagger.name, tagger.version, tagger.hash)


class StoreEnds:
    """A store as both ends: its articles that a model has not tagged, or all of `ids`, and their spans.

    Its parts are claims, so that any number of taggers share the work. A context manager: when its block
    ends, so do the claims that are open, and its run.

    Args:
        run: one that others started and will finish; a new one if None.
    """

    def __init__(
        self, store: Store, model: ModelKey, ids: Sequence[str] = (), *, run: Run | None = None
    ) -> None:
        self.store = store
        self.model = model
        self.ids = ids
        self.run = run
        self._is_mine = run is None
        self._open: dict[int, Claim] = {}

    def parts(self) -> Iterator[Part]:
        """Claims, as they are asked for; one part, None, where articles are named."""
        if self.ids:
            yield None
            return
        self.run = self.run or self.store.start_run(self.model)
        while claim := self.store.claim(self.run, size=BATCH, characters=BATCH_CHARACTERS):
            self._open[claim.number] = claim
            yield claim

    def read(self, part: Part) -> Iterator[Article | Rejected]:
        """The articles of a claim, or those named.

        Raises:
            NerError: one of the ids is not in the store.
        """
        if isinstance(part, Claim):
            return iter(part.articles)
        return self.store.articles_to_tag(self.model, ids=self.ids)

    def write(self, results: Sequence[Article | Rejected], part: Part) -> list[Rejected]:
        """Write spans and ledger, and end the claim, in one transaction."""
        self.run = self.run or self.store.start_run(self.model)
        claim = part if isinstance(part, Claim) else None
        refused = self.store.write_results(self.run, results, claim=claim)
        if claim:
            del self._open[claim.number]
        return refused

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            for number in list(self._open):
                self.store.release(self._open.pop(number))
            if self.run and self._is_mine and error[0] is None:
                self.store.finish_run(self.run)
        except NerError:  # the store is gone, which is the error already: claims end by themselves
            if error[0] is None:
                raise
