"""A query over articles, a page at a time."""

import sys
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.schema import CHUNK, articles

Result = TypeVar("Result")
Read = Callable[[Callable[[Connection], list[Any]]], list[Any]]
Candidates = Callable[[Connection, int], Sequence[int]]
"""Gives the next primary keys after one, sorted, `CHUNK` at most; none where there are no more."""


def listed(numbers: Sequence[int]) -> Candidates:
    """Candidates from a sorted list of primary keys."""

    def after(_: Connection, last: int) -> Sequence[int]:
        begin = bisect(numbers, last)
        return numbers[begin : begin + CHUNK]

    return after


def pages(
    read: Read,
    query: sa.Select[Any],
    build: Callable[[Connection, Sequence[Any]], list[Result]],
    size: int,
    candidates: Candidates | None,
    limit: int | None,
) -> Iterator[Result]:
    """What `build` makes of a query's rows, in the order of their primary keys.

    Args:
        read: runs a function with a connection, for one page; none is open between two pages.
        size: rows per page.
        candidates: the only articles wanted; None for all.
        limit: the most rows wanted; None for all.
    """
    left = sys.maxsize if limit is None else limit
    last: int | None = 0
    query = query.order_by(articles.c.number)
    while left > 0 and last is not None:
        most = min(size, left)

        def fetch(connection: Connection, last: int = last, most: int = most) -> list[Any]:
            page = query.where(articles.c.number > last).limit(most)
            some: Sequence[int] = ()
            if candidates:
                some = candidates(connection, last)
                if not some:
                    return [[], None]
                page = page.where(articles.c.number.in_(some))
            rows = connection.execute(page).all()
            # Where the page is not full, nothing is left, or nothing of these candidates.
            end = some[-1] if some else None
            return [
                build(connection, rows) if rows else [],
                rows[-1].number if len(rows) == most else end,
            ]

        found, last = read(fetch)
        yield from found
        left -= len(found)
