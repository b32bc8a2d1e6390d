"""A query over articles, a page at a time."""

import sys
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.schema import CHUNK, articles

Result = TypeVar("Result")


def pages(
    connect: Callable[[], AbstractContextManager[Connection]],
    query: sa.Select[Any],
    build: Callable[[Connection, Sequence[Any]], list[Result]],
    size: int,
    numbers: Sequence[int] | None,
    limit: int | None,
) -> Iterator[Result]:
    """What `build` makes of a query's rows, in the order of their primary keys.

    Args:
        connect: gives a connection for one page; none is open between two pages.
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
        with connect() as connection:
            rows = connection.execute(page).all()
            found = build(connection, rows)
        if rows:
            yield from found
            left -= len(rows)
            last = rows[-1].number
        elif numbers and len(numbers) > CHUNK:  # a chunk of numbers, all deleted meanwhile
            last = numbers[CHUNK - 1]
        else:
            return
