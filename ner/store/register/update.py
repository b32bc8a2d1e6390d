"""Counting the articles that changed. What was counted of one is kept with it, so it can be taken off again.

An article's facts are what it adds. All numbers are whole, so that adding and taking off in any order
gives what counting everything anew gives.
"""

import datetime
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.decisions import RIGHT, place_of, standing_decisions
from ner.store.runs import by_model
from ner.store.schema import (
    SURFACE,
    articles,
    chunks,
    insert,
    register_articles,
    register_changes,
    register_counts,
    register_keys,
    register_mentions,
    spans,
    tagged,
    texts,
)

PARTS = {"names": ("brand", "organisation"), "places": ("place",)}
"""What is counted together, each with its own list of changed articles: linking places takes longer."""
REGISTER_LOCK = 0x6E6567  # the number of PostgreSQL's advisory lock


class Mark(NamedTuple):
    """A span with the string that it covers, at most its first `SURFACE` code points."""

    start: int
    end: int
    label: str
    surface: str


@dataclass(frozen=True, slots=True)
class Source:
    """What the register reads of an article: the spans of the model that tagged it last, as decided on.

    Args:
        text: of names empty where no span has the label `BRAND` and nobody decided: it is not needed then.
    """

    id: str
    paper: str
    date: datetime.date | None
    text: str
    marks: Sequence[Mark]


class KeyFacts(NamedTuple):
    """What an article adds to a key: its mentions, and numbers by aspect and value."""

    mentions: int
    counts: Mapping[str, Mapping[str, int]]


Facts = Mapping[str, Mapping[str, KeyFacts]]
"""Of an article: kind to key to what it adds."""


def lock_register(connection: Connection) -> None:
    """Let one process at a time change the register; until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(REGISTER_LOCK)))


def count_changes(connection: Connection, part: str) -> int:
    """How many changes of articles wait to be counted."""
    query = sa.select(sa.func.count()).where(register_changes.c.part == part)
    return connection.scalar(query) or 0


def mark_all(connection: Connection, part: str) -> None:
    """Have all articles counted again, as after a change of what counts."""
    lock_register(connection)
    numbers = sa.union(
        sa.select(tagged.c.article),
        sa.select(register_articles.c.article).where(register_articles.c.part == part),
    ).subquery()
    query = sa.select(sa.literal(part), numbers.c.article)
    connection.execute(register_changes.insert().from_select(["part", "article"], query))


def count_articles(
    connection: Connection, part: str, facts_of: Callable[[Source], Facts], size: int
) -> int:
    """Count the next articles that changed, all of them or none.

    Args:
        size: the most changes.

    Returns:
        How many changes were dealt with; 0 where none waits.
    """
    lock_register(connection)
    waiting = sa.select(register_changes).where(register_changes.c.part == part)
    rows = connection.execute(waiting.order_by(register_changes.c.number).limit(size)).all()
    if not rows:
        return 0
    numbers = sorted({row.article for row in rows})
    before = _counted(connection, part, numbers)
    after = {
        number: facts_of(source)
        for number, source in _sources(connection, numbers, all_texts=part == "places").items()
    }
    changed = [
        number for number in numbers if _plain(before.get(number)) != _plain(after.get(number))
    ]
    _write_mentions(connection, part, changed, after)
    _write_counts(connection, changed, before, after)
    _write_facts(connection, part, changed, after)
    for part_of in chunks(rows):
        done = [row.number for row in part_of]
        connection.execute(register_changes.delete().where(register_changes.c.number.in_(done)))
    return len(rows)


def _counted(connection: Connection, part: str, numbers: Sequence[int]) -> dict[int, Facts]:
    found: dict[int, Facts] = {}
    for some in chunks(numbers):
        query = sa.select(register_articles).where(
            register_articles.c.part == part, register_articles.c.article.in_(some)
        )
        for row in connection.execute(query):
            kinds = json.loads(zlib.decompress(row.facts))
            found[row.article] = {
                kind: {key: KeyFacts(*each) for key, each in keys.items()}
                for kind, keys in kinds.items()
            }
    return found


def _plain(facts: Facts | None) -> Any:
    """Facts as something to compare; an article without any is none."""
    return {kind: keys for kind, keys in (facts or {}).items() if keys}


def _sources(
    connection: Connection, numbers: Sequence[int], *, all_texts: bool
) -> dict[int, Source]:
    """The articles that are there and tagged or decided on, by number."""
    found: dict[int, Source] = {}
    for some in chunks(numbers):
        marks: dict[int, list[Mark]] = {}
        columns = (spans.c.article, spans.c.start, spans.c.end, spans.c.label, spans.c.surface)
        query = sa.select(*columns).where(spans.c.article.in_(some), by_model(None))
        for article, *mark in connection.execute(query):
            marks.setdefault(article, []).append(Mark(*mark))
        decided = standing_decisions(connection, some)
        with_text = set(decided) | {
            number
            for number, found_there in marks.items()
            if all_texts or any(mark.label == "BRAND" for mark in found_there)
        }
        query = sa.select(texts).where(texts.c.article.in_(with_text))
        whole = {row.article: row.text for row in connection.execute(query)}
        fields = (articles.c.number, articles.c.id, articles.c.paper, articles.c.date)
        for row in connection.execute(sa.select(*fields).where(articles.c.number.in_(some))):
            text = whole.get(row.number, "")
            own = _as_decided(marks.get(row.number, ()), decided.get(row.number, ()), text)
            found[row.number] = Source(row.id, row.paper, row.date, text, sorted(own))
    return found


def _as_decided(marks: Iterable[Mark], decided: Iterable[Any], text: str) -> list[Mark]:
    """The spans without those that people called wrong, with those that they called right."""
    last = {place_of(each): each.verdict for each in decided}
    left = {tuple(mark[:3]): mark for mark in marks if last.get(mark[:3], RIGHT) == RIGHT}
    for start, end, label in last:
        if last[start, end, label] == RIGHT and end <= len(text):
            mark = Mark(start, end, label, text[start:end][:SURFACE])
            left[start, end, label] = mark
    return list(left.values())


def _write_mentions(
    connection: Connection, part: str, numbers: Sequence[int], after: Mapping[int, Facts]
) -> None:
    for some in chunks(numbers):
        old = register_mentions.c.article.in_(some), register_mentions.c.kind.in_(PARTS[part])
        connection.execute(register_mentions.delete().where(*old))
    rows = [
        {"kind": kind, "key": key, "article": number, "mentions": each.mentions}
        for number in numbers
        for kind, keys in after.get(number, {}).items()
        for key, each in keys.items()
    ]
    for some_rows in chunks(sorted(rows, key=lambda row: (row["kind"], row["key"]))):
        connection.execute(register_mentions.insert(), list(some_rows))


def _write_counts(
    connection: Connection,
    numbers: Sequence[int],
    before: Mapping[int, Facts],
    after: Mapping[int, Facts],
) -> None:
    """Add what is new, take off what is gone, and note the keys that it is about."""
    change: Counter[tuple[str, str, str, str]] = Counter()
    touched: set[tuple[str, str]] = set()
    both: tuple[tuple[Mapping[int, Facts], int], ...] = ((after, 1), (before, -1))
    for facts, sign in both:
        for number in numbers:
            for kind, keys in facts.get(number, {}).items():
                for key, each in keys.items():
                    touched.add((kind, key))
                    for aspect, values in each.counts.items():
                        for value, count in values.items():
                            change[kind, key, aspect, value] += sign * count
    rows = [
        {"kind": kind, "key": key, "aspect": aspect, "value": value, "total": total}
        for (kind, key, aspect, value), total in sorted(change.items())
        if total
    ]
    added = insert(connection, register_counts)
    added = added.on_conflict_do_update(
        index_elements=["kind", "key", "aspect", "value"],
        set_={"total": register_counts.c.total + added.excluded.total},
    )
    for some_rows in chunks(rows):
        connection.execute(added, list(some_rows))
    lost: dict[str, set[str]] = defaultdict(set)
    for (kind, key, _, _), total in change.items():
        if total < 0:
            lost[kind].add(key)
    for kind, lost_keys in lost.items():
        for some in chunks(sorted(lost_keys)):
            none_left = (
                register_counts.c.kind == kind,
                register_counts.c.key.in_(some),
                register_counts.c.total == 0,
            )
            connection.execute(register_counts.delete().where(*none_left))
    stale = [{"kind": kind, "key": key, "is_stale": True} for kind, key in sorted(touched)]
    marked = insert(connection, register_keys).on_conflict_do_update(
        index_elements=["kind", "key"], set_={"is_stale": True}
    )
    for some_rows in chunks(stale):
        connection.execute(marked, list(some_rows))


def _write_facts(
    connection: Connection, part: str, numbers: Sequence[int], after: Mapping[int, Facts]
) -> None:
    for some in chunks(numbers):
        old = register_articles.c.part == part, register_articles.c.article.in_(some)
        connection.execute(register_articles.delete().where(*old))
    rows = []
    for number in numbers:
        if facts := _plain(after.get(number)):
            data = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
            rows.append({"part": part, "article": number, "facts": zlib.compress(data, 1)})
    for some_rows in chunks(rows):
        connection.execute(register_articles.insert(), list(some_rows))
