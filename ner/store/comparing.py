"""What changed from one model to another, in the articles that both tagged."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.runs import ModelKey, model_number
from ner.store.schema import OURS, Ledger

MOST_CHANGED = 20  # articles that a difference names, at most


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


def compare(
    connection: Connection,
    ledger: Ledger,
    old: ModelKey,
    new: ModelKey,
    ids: Callable[[Sequence[Any]], Mapping[Any, str]],
) -> ModelDifference:
    """What changed from one model to another, in the articles that both tagged, with the same text.

    Args:
        ids: gives the ids of articles by their keys in the ledger.
    """
    first, second = _number(connection, ledger, old), _number(connection, ledger, new)
    shared = _shared(ledger, first, second)
    differing = changes(connection, old, new, ledger).subquery()
    many = sa.func.count().label("many")
    by_article = sa.select(differing.c.article, many).group_by(differing.c.article).subquery()
    most = (
        sa.select(by_article.c.article, by_article.c.many)
        .order_by(by_article.c.many.desc(), by_article.c.article)
        .limit(MOST_CHANGED)
    )
    gone = _by_label(connection, _only(ledger, first, second))
    added = _by_label(connection, _only(ledger, second, first))
    both = _by_label(connection, _in_both(ledger, first, second))
    changed = {row.article: row.many for row in connection.execute(most)}
    id_of = ids(list(changed))
    return ModelDifference(
        old,
        new,
        connection.scalar(sa.select(sa.func.count()).select_from(shared.subquery())) or 0,
        connection.scalar(sa.select(sa.func.count()).select_from(by_article)) or 0,
        [
            LabelChange(label, both[label], gone[label], added[label])
            for label in sorted({*both, *gone, *added})
        ],
        {id_of[article]: number for article, number in changed.items()},
    )


def changes(
    connection: Connection,
    old: ModelKey,
    new: ModelKey,
    ledger: Ledger = OURS,
    *,
    stretch: tuple[int, int] | None = None,
) -> sa.CompoundSelect[Any]:
    """Article and label of each span that only one of two models found, in articles that both tagged.

    Args:
        stretch: only in articles of ours with numbers from the one to the other.
    """
    first, second = _number(connection, ledger, old), _number(connection, ledger, new)
    return sa.union_all(
        _only(ledger, first, second, stretch), _only(ledger, second, first, stretch)
    )


def _number(connection: Connection, ledger: Ledger, model: ModelKey) -> int:
    number: int | None = connection.scalar(model_number(model, ledger.models))
    if number is None:
        raise tagged_nothing(model)
    return number


def tagged_nothing(model: ModelKey) -> NerError:
    """The error for a model that a store does not know."""
    return NerError(f"{model} has tagged nothing in this store", remedy="ner runs lists the models")


def _shared(
    ledger: Ledger, first: int, second: int, stretch: tuple[int, int] | None = None
) -> sa.Select[Any]:
    """The articles that two models tagged, with the same text."""
    one, other = ledger.tagged, ledger.tagged.alias()
    same = [one.c[name] == other.c[name] for name in ("article", *ledger.text)]
    query = sa.select(one.c.article).join(other, sa.and_(*same))
    if stretch:  # by its articles: an index on models gives millions of rows
        query = query.where(one.c.article.between(*stretch))
        return query.where(one.c.model + 0 == first, other.c.model + 0 == second)
    return query.where(one.c.model == first, other.c.model == second)


def _same(ledger: Ledger, other: sa.FromClause, model: int) -> sa.ColumnElement[bool]:
    """A condition: that `other` is the same span of `model`."""
    equal = (other.c[name] == ledger.spans.c[name] for name in ("article", *ledger.place))
    return sa.and_(other.c.model == model, *equal)


def _only(
    ledger: Ledger, model: int, without: int, stretch: tuple[int, int] | None = None
) -> sa.Select[Any]:
    """Article and label of the spans that a model found and the other did not, where both tagged."""
    spans, other = ledger.spans, ledger.spans.alias()
    found = sa.select(sa.literal(1)).select_from(other).where(_same(ledger, other, without))
    shared = _shared(ledger, model, without, stretch).subquery()
    query = sa.select(spans.c.article, spans.c.label)
    query = query.join(shared, shared.c.article == spans.c.article)
    query = query.where(~found.exists())
    if stretch:
        return query.where(spans.c.model + 0 == model, spans.c.article.between(*stretch))
    return query.where(spans.c.model == model)


def _in_both(ledger: Ledger, first: int, second: int) -> sa.Select[Any]:
    spans, other = ledger.spans, ledger.spans.alias()
    query = sa.select(spans.c.article, spans.c.label).join(other, _same(ledger, other, second))
    query = query.where(spans.c.model == first)
    return (
        query.where(spans.c.article.in_(_shared(ledger, first, second))) if ledger.text else query
    )


def _by_label(connection: Connection, query: sa.Select[Any]) -> Counter[str]:
    rows = query.subquery()
    counts = sa.select(rows.c.label, sa.func.count()).group_by(rows.c.label)
    return Counter({label: number for label, number in connection.execute(counts)})
