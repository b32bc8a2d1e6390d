"""What each run did: its figures, added up in the transactions that write its spans."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.runs import ModelKey, Run
from ner.store.schema import Ledger, now


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run has done.

    Args:
        finished_at: None where it goes on, or was ended from outside.
        last_at: when it wrote last.
        articles: how many it tagged.
        characters: code points of them.
        failed: how many it could not tag.
        spans: label to how many it found.
    """

    number: int
    model: ModelKey
    started_at: datetime.datetime
    finished_at: datetime.datetime | None
    last_at: datetime.datetime
    articles: int
    characters: int
    failed: int
    spans: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From its begin to the last that it wrote."""
        return (self.last_at - self.started_at).total_seconds()


class Counted(NamedTuple):
    """An article that is about to be written, for the figures of its run.

    Args:
        article: its key in the ledger.
        characters: code points of its text.
        labels: those of its spans.
    """

    article: Any
    characters: int
    labels: Sequence[str]


def record(
    connection: Connection, ledger: Ledger, run: Run, found: Sequence[Counted], *, failed: int
) -> None:
    """Add to the figures of a run what it is about to write.

    What it wrote before, by a transaction of which nobody knew whether it was kept, is not counted again.
    """
    tagged, runs = ledger.tagged, ledger.runs
    # Asked for by the articles alone: by an index of model and run all that the run wrote would be read.
    query = sa.select(tagged.c.article, tagged.c.run)
    rows = connection.execute(query.where(tagged.c.article.in_([each.article for each in found])))
    before = {row.article for row in rows if row.run == run.number}
    written = [each for each in found if each.article not in before]
    labels = Counter(label for each in written for label in each.labels)
    for label, number in sorted(labels.items()):
        _add_spans(connection, ledger.run_spans, run, label, number)
    connection.execute(
        runs.update()
        .where(runs.c.number == run.number)
        .values(
            articles=runs.c.articles + len(written),
            characters=runs.c.characters + sum(each.characters for each in written),
            failed=runs.c.failed + failed,
            last_at=now(),
        )
    )


def _add_spans(
    connection: Connection, run_spans: sa.Table, run: Run, label: str, number: int
) -> None:
    mine = sa.and_(run_spans.c.run == run.number, run_spans.c.label == label)
    added = run_spans.update().where(mine).values(spans=run_spans.c.spans + number)
    if not connection.execute(added).rowcount:
        # Where another process inserts it too, the database refuses, and the transaction is run again.
        connection.execute(run_spans.insert().values(run=run.number, label=label, spans=number))


def list_runs(
    connection: Connection, ledger: Ledger, number: int | None = None
) -> list[RunSummary]:
    """The runs, the newest first; or the one of a number.

    Raises:
        NerError: there is none of that number.
    """
    runs, models, run_spans = ledger.runs, ledger.models, ledger.run_spans
    query = sa.select(runs, models.c.name, models.c.version, models.c.hash)
    query = query.join(models, models.c.number == runs.c.model)
    labels = sa.select(run_spans)
    if number is not None:
        query = query.where(runs.c.number == number)
        labels = labels.where(run_spans.c.run == number)
    by_run: dict[int, dict[str, int]] = {}
    for row in connection.execute(labels.order_by(run_spans.c.label)):
        by_run.setdefault(row.run, {})[row.label] = row.spans
    rows = connection.execute(query.order_by(runs.c.number.desc())).all()
    if number is not None and not rows:
        raise no_run(number)
    return [_summary(row, by_run.get(row.number, {})) for row in rows]


def no_run(number: int) -> NerError:
    """The error for a run that is not there."""
    return NerError(f"run {number} is not in the store", remedy="ner runs lists them")


def _summary(row: Any, labels: Mapping[str, int]) -> RunSummary:
    key = ModelKey(row.name, row.version, row.hash)
    names = ("started_at", "finished_at", "articles", "characters", "failed")
    last = row.last_at or row.finished_at or row.started_at
    fields = {name: getattr(row, name) for name in names}
    return RunSummary(row.number, key, last_at=last, spans=labels, **fields)
