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


def pages(
    read: Read,
    query: sa.Select[Any],
    build: Callable[[Connection, Sequence[Any]], list[Result]],
    size: int,
    numbers: Sequence[int] | None,
    limit: int | None,
) -> Iterator[Result]:
    """What `build` makes of a query's rows, in the order of their primary keys.

    Args:
        read: runs a function with a connection, for one page; none is open between two pages.
        size: rows per page.
        numbers: primary keys of the only articles wanted, sorted; None for all.
        limit: the most rows wanted; None for all.
    """
    left = sys.maxsize if limit is None else limit
    last = 0
    query = query.order_by(articles.c.number)
    while left > 0:
        page = query.where(articles.c.number > last).limit(min(size, left))
        if numbers is not None:
            numbers = numbers[bisect(numbers, last) :]
            page = page.where(articles.c.number.in_(numbers[:CHUNK]))

        def fetch(connection: Connection, page: sa.Select[Any] = page) -> list[Any]:
            rows = connection.execute(page).all()
            return [(row.number, item) for row, item in zip(rows, build(connection, rows))]

        if found := read(fetch):
            yield from (item for _, item in found)
            left -= len(found)
            last = found[-1][0]
        elif numbers and len(numbers) > CHUNK:  # a chunk of numbers, all deleted meanwhile
            last = numbers[CHUNK - 1]
        else:
            return
