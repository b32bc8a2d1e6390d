"""The engine of one machine: a source through the tagger into a sink, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ner.article import Article, Rejected, batches
from ner.batch.ends import Progress, Sink, Source, StoreSink, StoreSource, model_key
from ner.batch.tagging import BATCH_CHARACTERS, tag_each
from ner.errors import NerError
from ner.store import Store
from ner.tagger.loading import Tagger

BATCH = 16  # articles per transaction: at most these are tagged again after a kill


def tag_store(store: Store, tagger: Tagger, *, ids: Sequence[str] = ()) -> Iterator[Progress]:
    """Tag the articles of a store that this model has not tagged, or those of `ids`.

    Raises:
        NerError: one of `ids` is not in the store, or the store cannot be written.
    """
    key = model_key(tagger)
    return run(StoreSource(store, key, ids), StoreSink(store, key), tagger)


def run(source: Source, sink: Sink, tagger: Tagger) -> Iterator[Progress]:
    """Tag what a source gives, and write the spans to a sink.

    Spans and ledger are written in one transaction per batch, so an interrupted or killed run goes on
    where it stopped. An article that cannot be tagged is set aside with its reason; the rest goes on.

    Raises:
        NerError: the source cannot be read, or the sink not be written.
    """
    with sink:
        items = (item for part in source.parts() for item in source.read(part))
        for batch in batches(items, BATCH, BATCH_CHARACTERS):
            results = tag_batch(tagger, batch)
            sink.write(results)
            for item in results:
                if isinstance(item, Rejected):
                    yield Progress(item.id, 0, 0, item)
                else:
                    yield Progress(item.id, len(item.text), len(item.spans))


def tag_batch(tagger: Tagger, batch: Sequence[Article | Rejected]) -> list[Article | Rejected]:
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
