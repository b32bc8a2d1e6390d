"""Tag what a store holds untagged: from the store through the tagger to the store, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ner.article import Article, Rejected, batches
from ner.batch.tagging import BATCH_CHARACTERS, tag_each
from ner.errors import NerError
from ner.store import ModelKey, Store
from ner.tagger.loading import Tagger

BATCH = 16  # articles per transaction: at most these are tagged again after a kill


@dataclass(frozen=True, slots=True)
class Progress:
    """One article written, or set aside.

    Args:
        characters: code points of its text.
        spans: how many were found.
        failure: why it could not be tagged.
    """

    id: str
    characters: int
    spans: int
    failure: Rejected | None = None


def model_key(tagger: Tagger) -> ModelKey:
    """What identifies the tagger's model in a store."""
    return ModelKey(tagger.name, tagger.version, tagger.hash)


def run(store: Store, tagger: Tagger, *, ids: Sequence[str] = ()) -> Iterator[Progress]:
    """Tag the articles that this model has not tagged, or those of `ids`, and write their spans.

    Spans and ledger are written in one transaction per batch, so an interrupted or killed run goes on
    where it stopped. An article that cannot be tagged is set aside with its reason; the rest goes on.

    Raises:
        NerError: one of `ids` is not in the store, or the store cannot be written.
    """
    key = model_key(tagger)
    current = None
    for batch in batches(store.articles_to_tag(key, ids=ids), BATCH, BATCH_CHARACTERS):
        current = current or store.start_run(key)
        results = _tag(tagger, batch)
        store.write_results(current, results)
        for item in results:
            if isinstance(item, Rejected):
                yield Progress(item.id, 0, 0, item)
            else:
                yield Progress(item.id, len(item.text), len(item.spans))
    if current:
        store.finish_run(current)


def _tag(tagger: Tagger, batch: Sequence[Article | Rejected]) -> list[Article | Rejected]:
    """The articles with spans, in the same order; what is rejected stays so."""
    found = iter(tag_each(tagger, [item.text for item in batch if isinstance(item, Article)]))
    results: list[Article | Rejected] = []
    for item in batch:
        if isinstance(item, Article):
            spans = next(found)
            if isinstance(spans, NerError):
                item = Rejected.from_error(spans, item.id, where=f"article {item.id}")
            else:
                item = replace(item, spans=tuple(replace(s, model=str(tagger)) for s in spans))
        results.append(item)
    return results
