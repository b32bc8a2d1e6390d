"""What a run found, written in bulk: spans, the ledger, and what could not be tagged."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import history, quarantine
from ner.store.failures import drop_solved, record_failures
from ner.store.history import Counted
from ner.store.runs import Run
from ner.store.schema import OURS, SURFACE, articles, chunks, insert, now, spans, tagged


def write_results(
    connection: Connection, run: Run, results: Sequence[Article | Rejected]
) -> list[Rejected]:
    """Write the spans of tagged articles, their ledger rows, and what could not be tagged.

    The spans that this model found before are replaced.

    Returns:
        What could not be written, and why: an article that was deleted, whose text is another by now, or
        that has a span with a score that is none.
    """
    stored = _stored(connection, [result.id for result in results])
    good: list[tuple[int, Article]] = []
    bad: list[tuple[int, Rejected]] = []
    unknown: list[Rejected] = []
    refused: list[Rejected] = []
    for result in results:
        number, text_hash = stored.get(result.id, (None, ""))
        if isinstance(result, Article) and (why := _conflict(result, text_hash)):
            # Nothing failed: what stands there now is an article of its own, and is tagged like any other.
            refused.append(Rejected(result.id, f"article {result.id}", why))
            continue
        if isinstance(result, Article) and (why := _fault(result)):
            result = Rejected(result.id, f"article {result.id}", why, "report it")
            refused.append(result)
        if isinstance(result, Rejected):
            if number is None:
                unknown.append(result)
            else:
                bad.append((number, result))
        elif number is not None:
            good.append((number, result))
    good.sort(key=lambda pair: pair[0])
    counted = [Counted(number, len(a.text), [s.label for s in a.spans]) for number, a in good]
    history.record(connection, OURS, run, counted, failed=len(bad))
    _write(connection, run, good)
    quarantine.record(connection, run, bad)
    record_failures(connection, unknown)
    return refused


def _stored(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Number and hash by id, of those in the store."""
    columns = (articles.c.id, articles.c.number, articles.c.text_hash)
    found = {}
    for chunk in chunks(ids):
        for row in connection.execute(sa.select(*columns).where(articles.c.id.in_(chunk))):
            found[row.id] = (row.number, row.text_hash)
    return found


def _conflict(article: Article, text_hash: str) -> str:
    """Why results are of no use any more; empty if they are. `text_hash` is that of the stored text."""
    if not text_hash:
        return "was deleted while it was tagged"
    return "was replaced while it was tagged" if article.text_hash != text_hash else ""


def _fault(article: Article) -> str:
    """Why spans cannot be stored; empty if they can."""
    # Compared so that a NaN is found too: one database would store it, the other refuse the whole batch.
    for span in article.spans:
        if not 0 <= span.score <= 1:
            return f"has a span {span.start}:{span.end} with the score {span.score}"
    return ""


def _write(connection: Connection, run: Run, found: Sequence[tuple[int, Article]]) -> None:
    """Six statements, however many articles."""
    for chunk in chunks(found):
        numbers = [number for number, _ in chunk]
        fixed = {"model": run.model, "run": run.number}
        added = insert(connection, tagged)
        ledger = added.on_conflict_do_update(
            index_elements=["article", "model"],
            set_={"run": added.excluded.run, "at": added.excluded.at},
        )
        at = now()
        connection.execute(ledger, [{"article": number, **fixed, "at": at} for number in numbers])
        # By no index of the model, which PostgreSQL takes for a small one before it has counted.
        old = sa.and_(spans.c.article.in_(numbers), spans.c.model + 0 == run.model)
        connection.execute(spans.delete().where(old))
        if rows := [row for number, article in chunk for row in _rows(number, article)]:
            connection.execute(spans.insert(), [{**fixed, **row} for row in rows])
        quarantine.drop(connection, run, numbers)
        drop_solved(connection, [article.id for _, article in chunk])


def _rows(number: int, article: Article) -> Iterator[dict[str, Any]]:
    for span in article.spans:
        yield {
            "article": number,
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "surface": article.surface(span)[:SURFACE],
            "score": span.score,
        }
