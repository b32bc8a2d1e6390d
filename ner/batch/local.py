"""The engine of one machine: a source through taggers into a sink, in batches.

Reading, tagging and writing go on side by side. What is between them is bounded, so the memory that a
run takes does not grow with it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from threading import Event

from ner.article import Article, Rejected, batches
from ner.batch.ahead import ahead
from ner.batch.ends import Part, Progress, Sink, Source, StoreEnds, model_key
from ner.batch.tagging import BATCH, BATCH_CHARACTERS
from ner.batch.workers import Batch, Found, Workers, tag_side_by_side, this_process
from ner.errors import NerError
from ner.store import Store
from ner.tagger.loading import Tagger

BATCHES_AHEAD = 1  # read before they are tagged


def tag_store(store: Store, tagger: Tagger, *, ids: Sequence[str] = ()) -> Iterator[Progress]:
    """Tag the articles of a store that this model has not tagged, or those of `ids`.

    Raises:
        NerError: one of `ids` is not in the store, or the store cannot be written.
    """
    ends = StoreEnds(store, model_key(tagger), ids)
    return run(ends, ends, this_process(tagger), model=str(tagger))


def run(
    source: Source,
    sink: Sink,
    engine: AbstractContextManager[Workers],
    *,
    model: str,
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Tag what a source gives, and write the spans to a sink.

    Spans and ledger are written in one transaction per batch, so an interrupted or killed run goes on
    where it stopped. An article that cannot be tagged is set aside with its reason; the rest goes on.

    Args:
        engine: who tags, see `ner.batch.workers`.
        model: what spans say of who made them.
        stop: ends the run when it is set, after what was read by then.

    Raises:
        NerError: the source cannot be read, or the sink not be written.
    """
    with sink, engine as workers, ahead(_read(source, stop), BATCHES_AHEAD) as waiting:
        for part, batch, found in tag_side_by_side(waiting, workers):
            results = with_spans(batch, found, model)
            refused = {item.id: item for item in sink.write(results, part)}
            yield from (progress_of(refused.get(item.id, item)) for item in results)


def _read(source: Source, stop: Event | None) -> Iterator[tuple[Part, Batch]]:
    """Batches, each of one part."""
    for part in source.parts():
        for batch in batches(source.read(part), BATCH, BATCH_CHARACTERS):
            yield part, batch
            if stop and stop.is_set():
                return


def with_spans(batch: Batch, found: Found, model: str) -> list[Article | Rejected]:
    """The articles with the spans found, in the same order; what is rejected stays so."""
    results: list[Article | Rejected] = []
    each = iter(found)
    for item in batch:
        if isinstance(item, Article):
            spans = next(each)
            if isinstance(spans, NerError):
                item = Rejected.from_error(spans, item.id, where=f"article {item.id}")
            else:
                made = tuple(replace(span, model=model) for span in spans)
                item = replace(item, spans=made, tagged_by=model)
        results.append(item)
    return results


def progress_of(result: Article | Rejected) -> Progress:
    """What a result that was written tells of itself."""
    if isinstance(result, Rejected):
        return Progress(result.id, 0, {}, result)
    return Progress(result.id, len(result.text), Counter(span.label for span in result.spans))
