"""The two ends of a run: where articles come from, and where their spans go.

An engine (`ner.batch.local`, and others) only knows these. A source gives its articles in parts that can
be read one without the others, so that several processes and machines share the work; a part that is
read again gives what has no spans yet. Writing what is written already changes nothing.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from ner.article import Article, Rejected
from ner.store import ModelKey, Run, Store
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

    def write(self, results: Sequence[Article | Rejected]) -> None:
        """Keep the spans of articles, and what could not be tagged: all, or none of it.

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


@dataclass(frozen=True, slots=True)
class StoreSource:
    """The articles of a store that a model has not tagged, or all of `ids`."""

    store: Store
    model: ModelKey
    ids: Sequence[str] = ()

    def parts(self) -> Iterator[Part]:
        """One: the whole store."""
        yield None

    def read(self, part: Part) -> Iterator[Article | Rejected]:
        """The articles in the order they were added.

        Raises:
            NerError: one of the ids is not in the store.
        """
        return self.store.articles_to_tag(self.model, ids=self.ids)


class StoreSink:
    """Writes to the store that holds the articles: a run with its first results, if there are any."""

    def __init__(self, store: Store, model: ModelKey) -> None:
        self.store = store
        self.model = model
        self.run: Run | None = None

    def write(self, results: Sequence[Article | Rejected]) -> None:
        """Write spans and ledger in one transaction."""
        self.run = self.run or self.store.start_run(self.model)
        self.store.write_results(self.run, results)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.run and error[0] is None:
            self.store.finish_run(self.run)
