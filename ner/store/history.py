"""What each run did, and what changed from one model to another."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article
from ner.errors import NerError
from ner.store.runs import ModelKey, Run, model_number
from ner.store.schema import articles, insert, models, now, run_spans, runs, spans, tagged

MOST_CHANGED = 20  # articles that a difference names, at most


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


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Spans of a label in articles that both models tagged.

    Args:
        both: found by both, with equal offsets.
        gone: by the old one only.
        new: by the new one only.
    """

    label: str
    both: int
    gone: int
    new: int


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """What changed from one model to another.

    Args:
        articles: how many both tagged; only these are compared.
        changed: in how many of them the spans differ.
        labels: in the order of the labels' names.
        most_changed: article id to how many of its spans are gone or new, the most first.
    """

    old: ModelKey
    new: ModelKey
    articles: int
    changed: int
    labels: Sequence[LabelChange]
    most_changed: Mapping[str, int]


def record(
    connection: Connection, run: Run, found: Sequence[tuple[int, Article]], failed: int
) -> None:
    """Add to the figures of a run what it is about to write, articles by number.

    What it wrote before, by a transaction of which nobody knew whether it was kept, is not counted again.
    """
    numbers = [number for number, _ in found]
    mine = sa.select(tagged.c.article).where(
        tagged.c.model == run.model, tagged.c.run == run.number
    )
    before = set(connection.scalars(mine.where(tagged.c.article.in_(numbers))))
    written = [article for number, article in found if number not in before]
    labels = Counter(span.label for article in written for span in article.spans)
    for label, number in sorted(labels.items()):
        added = insert(connection, run_spans).values(run=run.number, label=label, spans=number)
        total = run_spans.c.spans + added.excluded.spans
        connection.execute(
            added.on_conflict_do_update(index_elements=["run", "label"], set_={"spans": total})
        )
    connection.execute(
        runs.update()
        .where(runs.c.number == run.number)
        .values(
            articles=runs.c.articles + len(written),
            characters=runs.c.characters + sum(len(article.text) for article in written),
            failed=runs.c.failed + failed,
            last_at=now(),
        )
    )


def list_runs(connection: Connection, number: int | None = None) -> list[RunSummary]:
    """The runs, the newest first; or the one of a number.

    Raises:
        NerError: there is none of that number.
    """
    query = sa.select(runs, models.c.name, models.c.version, models.c.hash).join(models)
    labels = sa.select(run_spans)
    if number is not None:
        query = query.where(runs.c.number == number)
        labels = labels.where(run_spans.c.run == number)
    by_run: dict[int, dict[str, int]] = {}
    for row in connection.execute(labels.order_by(run_spans.c.label)):
        by_run.setdefault(row.run, {})[row.label] = row.spans
    rows = connection.execute(query.order_by(runs.c.number.desc())).all()
    if number is not None and not rows:
        raise NerError(f"run {number} is not in the store", remedy="ner runs lists them")
    return [_summary(row, by_run.get(row.number, {})) for row in rows]


def _summary(row: Any, labels: Mapping[str, int]) -> RunSummary:
    key = ModelKey(row.name, row.version, row.hash)
    names = ("started_at", "finished_at", "articles", "characters", "failed")
    last = row.last_at or row.finished_at or row.started_at
    fields = {name: getattr(row, name) for name in names}
    return RunSummary(row.number, key, last_at=last, spans=labels, **fields)


def compare(connection: Connection, old: ModelKey, new: ModelKey) -> ModelDifference:
    """What changed from one model to another, in the articles that both tagged."""
    first, second = _number(connection, old), _number(connection, new)
    shared = _shared(first, second)
    differing = changes(connection, old, new).subquery()
    many = sa.func.count().label("many")
    by_article = sa.select(differing.c.article, many).group_by(differing.c.article).subquery()
    most = (
        sa.select(articles.c.id, by_article.c.many)
        .join(by_article, by_article.c.article == articles.c.number)
        .order_by(by_article.c.many.desc(), articles.c.number)
        .limit(MOST_CHANGED)
    )
    gone = _by_label(connection, _only(first, second))
    added = _by_label(connection, _only(second, first))
    both = _by_label(connection, _in_both(first, second))
    return ModelDifference(
        old,
        new,
        connection.scalar(sa.select(sa.func.count()).select_from(shared.subquery())) or 0,
        connection.scalar(sa.select(sa.func.count()).select_from(by_article)) or 0,
        [
            LabelChange(label, both[label], gone[label], added[label])
            for label in sorted({*both, *gone, *added})
        ],
        {row.id: row.many for row in connection.execute(most)},
    )


def changes(connection: Connection, old: ModelKey, new: ModelKey) -> sa.CompoundSelect[Any]:
    """Article and label of each span that only one of two models found, in articles that both tagged."""
    first, second = _number(connection, old), _number(connection, new)
    return sa.union_all(_only(first, second), _only(second, first))


def _number(connection: Connection, model: ModelKey) -> int:
    number: int | None = connection.scalar(model_number(model))
    if number is None:
        raise NerError(
            f"{model} has tagged nothing in this store", remedy="ner runs lists the models"
        )
    return number


def _shared(first: int, second: int) -> sa.Select[Any]:
    """The articles that two models tagged."""
    other = tagged.alias()
    return (
        sa.select(tagged.c.article)
        .join(other, other.c.article == tagged.c.article)
        .where(tagged.c.model == first, other.c.model == second)
    )


def _same(other: sa.FromClause, model: int) -> sa.ColumnElement[bool]:
    """A condition: that `other` is the same span of `model`."""
    key = ("article", "start", "end", "label")
    equal = (other.c[name] == spans.c[name] for name in key)
    return sa.and_(other.c.model == model, *equal)


def _only(model: int, without: int) -> sa.Select[Any]:
    """Article and label of the spans that a model found and the other did not, where both tagged."""
    other, ledger = spans.alias(), tagged.alias()
    found = sa.select(sa.literal(1)).select_from(other).where(_same(other, without))
    return (
        sa.select(spans.c.article, spans.c.label)
        .join(ledger, sa.and_(ledger.c.article == spans.c.article, ledger.c.model == without))
        .where(spans.c.model == model, ~found.exists())
    )


def _in_both(first: int, second: int) -> sa.Select[Any]:
    other = spans.alias()
    query = sa.select(spans.c.article, spans.c.label).join(other, _same(other, second))
    return query.where(spans.c.model == first)


def _by_label(connection: Connection, query: sa.Select[Any]) -> Counter[str]:
    rows = query.subquery()
    counts = sa.select(rows.c.label, sa.func.count()).group_by(rows.c.label)
    return Counter({label: number for label, number in connection.execute(counts)})
