"""What people decided, as training data; and the test that a model passes before it is put in use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ner import corpus
from ner.article import Article, Rejected, Span, text_hash
from ner.errors import NerError
from ner.evaluation.evaluate import compare, worse_on
from ner.evaluation.significance import Difference
from ner.files import open_output
from ner.formats import article_row, dump
from ner.store.foreign import open_store
from ner.tagger import promotion
from ner.tagger.loading import Tagger, load
from ner.tagger.registry import DEFAULT_MODEL, find_model, named, promoted

REVIEWED = "reviewed.jsonl"
"""The file of reviewed articles in the folder of a training run."""


@dataclass(frozen=True, slots=True)
class ReviewedCorpus:
    """The reviewed articles that a training run learns from.

    Args:
        path: annotated JSONL.
        articles: how many it has.
        held_out: how many more were left out, since they are kept for testing.
        resumed: True where the run had begun with this file, so that the store was not read.
        rejected: what could not be read from the store.
    """

    path: Path
    articles: int
    held_out: int = 0
    resumed: bool = False
    rejected: tuple[Rejected, ...] = ()


def reviewed_corpus(
    store: str, run: Path, *, held_out: Iterable[Article] = (), begun: bool = False
) -> ReviewedCorpus:
    """Write the articles that people reviewed as a whole, with the spans they called right, for a run.

    The file is written once, so that a run resumes on the data that it began with.

    Args:
        store: the URL of an article store, or the config of a foreign table.
        run: the folder of the run.
        held_out: articles kept for development and test; the same texts are left out.
        begun: the run is to be resumed.

    Raises:
        NerError: there are no such articles, or the store cannot be read.
    """
    path = run / REVIEWED
    if begun and path.exists():
        return ReviewedCorpus(path, sum(1 for _ in corpus.read([path])), resumed=True)
    kept = {text_hash(article.text) for article in held_out}
    written = left_out = 0
    rejected = []
    run.mkdir(parents=True, exist_ok=True)
    with open_store(store) as opened, open_output(path) as file:
        for item in opened.reviewed():
            if isinstance(item, Rejected):
                rejected.append(item)
            elif item.text_hash in kept:
                left_out += 1
            else:
                file.write(dump(article_row(item)).encode())
                written += 1
        if not written:
            raise NerError(
                "the store has no reviewed articles but those kept for testing"
                if left_out
                else "the store has no reviewed articles",
                remedy="`ner annotate pull --store` stores what annotators ticked in doccano",
            )
    return ReviewedCorpus(path, written, left_out, rejected=tuple(rejected))


class Watch(Protocol):
    """Passes items on, for example under a progress bar."""

    def __call__(
        self, items: Iterable[list[Span]], what: str, *, total: int
    ) -> Iterable[list[Span]]: ...


def _unwatched(items: Iterable[list[Span]], what: str, *, total: int) -> Iterable[list[Span]]:
    return items


@dataclass(frozen=True)
class Comparison:
    """Two models on the same annotated articles.

    Args:
        articles: how many.
        rows: the differences in strict F1, B less A; see `evaluate.compare`.
    """

    a: Tagger
    b: Tagger
    articles: int
    rows: dict[str, Difference]

    @property
    def worse(self) -> list[str]:
        """The rows on which B is significantly worse."""
        return worse_on(self.rows)


def compare_models(
    a: str | Path, b: str | Path, articles: Sequence[Article], *, watch: Watch = _unwatched
) -> Comparison:
    """Test whether model B differs from model A on annotated articles.

    Args:
        a: a model's name or folder.
        b: another's.
        articles: with their gold spans.

    Raises:
        NerError: a model cannot be loaded, or the articles are too few for a test.
    """
    first, second = load(a), load(b)
    found = [
        list(
            watch(tagger.tag(a.text for a in articles), f"tagging by {tagger}", total=len(articles))
        )
        for tagger in (first, second)
    ]
    return Comparison(first, second, len(articles), compare(articles, *found))


@dataclass(frozen=True)
class Candidate:
    """A model that is to be used by a name, beside the one that is used by it now.

    Args:
        in_use: True where the name means this model already.
        comparison: with the model in use as A; None where there is none, or it is this one.
    """

    tagger: Tagger
    name: str
    in_use: bool = False
    comparison: Comparison | None = None

    @property
    def worse(self) -> list[str]:
        """The rows on which it is significantly worse than the model in use."""
        return self.comparison.worse if self.comparison else []


def candidate(
    model: str | Path,
    articles: Sequence[Article],
    name: str = DEFAULT_MODEL,
    *,
    watch: Watch = _unwatched,
) -> Candidate:
    """Compare a model with the one that a name means now.

    Raises:
        NerError: a model cannot be loaded, or the articles are too few for a test.
    """
    tagger = load(model)
    if not promoted(name) and not named(name):
        return Candidate(tagger, name)
    if promotion.in_use(tagger, name):
        return Candidate(tagger, name, in_use=True)
    compared = compare_models(find_model(name), model, articles, watch=watch)
    return Candidate(tagger, name, comparison=compared)


def promote(candidate: Candidate, *, override: bool = False) -> Path:
    """Put a model in use: copy it to the user's models and make the name mean it.

    A model that is in use stays where it is.

    Args:
        override: also one that is worse than the model in use.

    Returns:
        Its folder.

    Raises:
        NerError: it is significantly worse on some label than the model in use, or another model of
            its name and version is installed.
    """
    if candidate.in_use:
        return find_model(candidate.name)
    if candidate.worse and not override:
        raise NerError(
            f"worse than {candidate.name} on {', '.join(candidate.worse)}, so it was not promoted",
            where=str(candidate.tagger.folder),
            remedy="train it on more articles, or --override",
        )
    return promotion.promote(candidate.tagger, candidate.name)
