"""Records that could not be read or tagged: each kept once, until it is solved."""

import hashlib
from collections.abc import Collection, Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Rejected
from ner.store.schema import delete_rows, failures, insert, now


def record_failures(connection: Connection, items: Iterable[Rejected]) -> None:
    """Keep failures; one that is there already stays as it is."""
    rows = {}
    for item in items:
        identity = [storable(text) for text in (item.id, item.where, item.why)]
        key = hashlib.sha256("\0".join(identity).encode()).hexdigest()
        names = ("article_id", "place", "why")
        remedy = storable(item.remedy)
        rows[key] = {"key": key, **dict(zip(names, identity)), "remedy": remedy, "at": now()}
    for row in rows.values():
        connection.execute(insert(connection, failures).values(row).on_conflict_do_nothing())


def list_failures(connection: Connection) -> list[Rejected]:
    """All failures, oldest first."""
    query = sa.select(failures).order_by(failures.c.number)
    return [
        Rejected(row.article_id, row.place, row.why, row.remedy)
        for row in connection.execute(query)
    ]


def drop_solved(connection: Connection, article_ids: Collection[str]) -> None:
    """Delete the failures of articles that are stored or tagged by now."""
    if article_ids:
        connection.execute(failures.delete().where(failures.c.article_id.in_(article_ids)))


def drop_of_files(connection: Connection, files: Collection[str]) -> None:
    """Delete the failures met in these files, which are about to be read again."""
    if not files:
        return
    found = connection.execute(sa.select(failures.c.number, failures.c.place)).all()
    numbers = [number for number, place in found if any(file in files for file in _files(place))]
    delete_rows(connection, failures.c.number, numbers)


def storable(text: str) -> str:
    """A text that both databases take: NUL and halves of surrogate pairs are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _files(place: str) -> Iterator[str]:
    """What may be the file of a place such as ``a.jsonl:3``."""
    yield place
    for end, character in enumerate(place):
        if character in ":/!":
            yield place[:end]
