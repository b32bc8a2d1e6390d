"""Tag what is left: from the store through the tagger to the store, a batch a transaction."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ner.article import Article, Rejected
from ner.store import ModelKey, Store
from ner.tagger.loading import Tagger

BATCH = 16  # articles a transaction: what a kill costs, at most


@dataclass(frozen=True, slots=True)
class Progress:
    """One article written, or set aside."""

    id: str
    characters: int
    spans: int
    failure: Rejected | None = None


def model_key(tagger: Tagger) -> ModelKey:
    """What the store knows the tagger's model by."""
    return ModelKey(tagger.name, tagger.version, tagger.hash)


def run(store: Store, tagger: Tagger, *, ids: Sequence[str] = ()) -> Iterator[Progress]:
    """Tag the articles that this model has not tagged, or those of `ids`, and write their spans.

    Spans and ledger are written together, so a killed run goes on where it stopped. An article that
    cannot be tagged is set aside with its reason; the rest goes on.

    Raises:
        NerError: one of `ids` is not in the store, or the store cannot be written.
    """
    key = model_key(tagger)
    left = store.untagged(key, ids=ids)
    this = None
    while batch := list(itertools.islice(left, BATCH)):
        this = this or store.start_run(key)
        results = list(_tag(tagger, batch))
        store.write(this, results)
        for item in results:
            if isinstance(item, Rejected):
                yield Progress(item.id, 0, 0, item)
            else:
                yield Progress(item.id, len(item.text), len(item.spans))
    if this:
        store.finish_run(this)


def _tag(tagger: Tagger, batch: Sequence[Article | Rejected]) -> Iterator[Article | Rejected]:
    try:
        yield from list(tagger.pipe(batch))
    except Exception:  # one article must not cost the others theirs: find it
        if len(batch) > 1:
            for item in batch:
                yield from _tag(tagger, [item])
            return
        item = batch[0]
        import traceback

        why = traceback.format_exc(limit=-1).strip().splitlines()[-1]
        yield Rejected(item.id, f"article {item.id}", f"could not be tagged: {why}", "report it")
