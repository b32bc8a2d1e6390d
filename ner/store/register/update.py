"""Counting the articles that changed. What was counted of one is kept with it, so it can be taken off again.

An article's facts are what it adds. All numbers are whole, so that adding and taking off in any order
gives what counting everything anew gives.
"""

import datetime
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.decided import kept, missing
from ner.store.decisions import Place, last_words
from ner.store.schema import (
    SURFACE,
    articles,
    chunks,
    delete_rows,
    execute_many,
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
class MarkedArticle:
    """What the register reads of an article: the spans of the model that tagged it last, as decided on.

    Args:
        text: of names empty where no span has the label `BRAND` and nobody decided: it is not needed then.
        divided: keys of brands that several have, with the places and owners of those that have keys of
            their own: see `ner.store.register.edits.divide`.
    """

    id: str
    paper: str
    date: datetime.date | None
    text: str
    marks: Sequence[Mark]
    divided: Mapping[str, Sequence[str]] = field(default_factory=dict)


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


def count_again(connection: Connection, part: str) -> None:
    """Have the next update count all articles, as after a change of what counts."""
    lock_register(connection)
    numbers = sa.union(
        sa.select(tagged.c.article),
        sa.select(register_articles.c.article).where(register_articles.c.part == part),
    ).subquery()
    query = sa.select(sa.literal(part), numbers.c.article)
    connection.execute(register_changes.insert().from_select(["part", "article"], query))


def waiting(connection: Connection, part: str, size: int) -> dict[int, list[int]]:
    """The next articles that changed: number to the numbers of its changes, at most `size` of these."""
    query = sa.select(register_changes.c.number, register_changes.c.article).where(
        register_changes.c.part == part
    )
    found: dict[int, list[int]] = {}
    for number, article in connection.execute(
        query.order_by(register_changes.c.number).limit(size)
    ):
        found.setdefault(article, []).append(number)
    return found


def write_facts(
    connection: Connection,
    part: str,
    changes: Mapping[int, Sequence[int]],
    facts: Mapping[int, Facts],
) -> None:
    """Count what articles add in place of what they added before; their changes are dealt with.

    An article that somebody else has counted meanwhile is left out: its facts may be older than what stands.

    Args:
        changes: see `waiting`; the articles were read after that.
        facts: of the articles that add something.
    """
    lock_register(connection)
    left = _still_waiting(connection, changes)
    numbers = sorted(article for article, own in changes.items() if left.issuperset(own))
    before = _counted(connection, part, numbers)
    after = {number: found for number in numbers if (found := _plain(facts.get(number)))}
    changed = [number for number in numbers if before.get(number) != after.get(number)]
    _write_mentions(connection, part, changed, before, after)
    _write_counts(connection, changed, before, after)
    _write_articles(connection, part, changed, before, after)
    counted = [change for number in numbers for change in changes[number]]
    delete_rows(connection, register_changes.c.number, counted)


def _still_waiting(connection: Connection, changes: Mapping[int, Sequence[int]]) -> set[int]:
    numbers = [number for own in changes.values() for number in own]
    return {
        number
        for some in chunks(numbers)
        for number in connection.scalars(
            sa.select(register_changes.c.number).where(register_changes.c.number.in_(some))
        )
    }


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


def marked_articles(
    connection: Connection, part: str, numbers: Sequence[int], divided: Mapping[str, Sequence[str]]
) -> dict[int, MarkedArticle]:
    """The articles that are there, by number, as a part of the register reads them."""
    found: dict[int, MarkedArticle] = {}
    for some in chunks(numbers):
        marks = _marks(connection, some)
        decided = last_words(connection, some)
        with_text = set(decided) | {
            number
            for number, found_there in marks.items()
            if part == "places" or any(mark.label == "BRAND" for mark in found_there)
        }
        query = sa.select(texts).where(texts.c.article.in_(with_text))
        whole = {row.article: row.text for row in connection.execute(query)}
        fields = (articles.c.number, articles.c.id, articles.c.paper, articles.c.date)
        for row in connection.execute(sa.select(*fields).where(articles.c.number.in_(some))):
            text = whole.get(row.number, "")
            own = _as_decided(marks.get(row.number, ()), decided.get(row.number, {}), text)
            found[row.number] = MarkedArticle(
                row.id, row.paper, row.date, text, sorted(own), divided
            )
    return found


def _marks(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Mark]]:
    """The spans of the model that tagged each article last."""
    runs = sa.select(tagged.c.article, sa.func.max(tagged.c.run)).where(
        tagged.c.article.in_(numbers)
    )
    last = {article: run for article, run in connection.execute(runs.group_by(tagged.c.article))}
    names = ("article", "run", "start", "end", "label", "surface")
    query = sa.select(*(spans.c[name] for name in names)).where(spans.c.article.in_(numbers))
    found: dict[int, list[Mark]] = {}
    for article, run, *mark in connection.execute(query):
        if run == last.get(article):
            found.setdefault(article, []).append(Mark(*mark))
    return found


def _as_decided(marks: Sequence[Mark], last: Mapping[Place, str], text: str) -> list[Mark]:
    """The spans without those that people called wrong, with those that they called right."""
    return kept(marks, last) + [
        Mark(start, end, label, text[start:end][:SURFACE])
        for start, end, label in missing(marks, last)
        if end <= len(text)
    ]


def _write_mentions(
    connection: Connection,
    part: str,
    numbers: Sequence[int],
    before: Mapping[int, Facts],
    after: Mapping[int, Facts],
) -> None:
    old = [number for number in numbers if number in before]
    of_part = register_mentions.c.kind.in_(PARTS[part])
    delete_rows(connection, register_mentions.c.article, old, of_part)
    rows = [
        (kind, key, number, each.mentions)
        for number in numbers
        for kind, keys in after.get(number, {}).items()
        for key, each in keys.items()
    ]
    columns = ("kind", "key", "article", "mentions")
    execute_many(connection, register_mentions.insert(), columns, sorted(rows))


def _write_counts(
    connection: Connection,
    numbers: Sequence[int],
    before: Mapping[int, Facts],
    after: Mapping[int, Facts],
) -> None:
    """Add what is new, take off what is gone, and note the keys that it is about."""
    new = [after[number] for number in numbers if number in after]
    old = [before[number] for number in numbers if number in before]
    change: Counter[tuple[str, str, str, str]] = Counter()
    for place, count in _counts_of(new):
        change[place] += count
    for place, count in _counts_of(old):
        change[place] -= count
    rows = sorted((*place, total) for place, total in change.items() if total)
    added = insert(connection, register_counts)
    added = added.on_conflict_do_update(
        index_elements=["kind", "key", "aspect", "value"],
        set_={"total": register_counts.c.total + added.excluded.total},
    )
    execute_many(connection, added, ("kind", "key", "aspect", "value", "total"), rows)
    lost: dict[str, set[str]] = defaultdict(set)
    for kind, key, _, _, total in rows:
        if total < 0:
            lost[kind].add(key)
    for kind, lost_keys in lost.items():
        none_left = register_counts.c.kind == kind, register_counts.c.total == 0
        delete_rows(connection, register_counts.c.key, sorted(lost_keys), *none_left)
    marked = insert(connection, register_keys)
    marked = marked.on_conflict_do_update(
        index_elements=["kind", "key"], set_={"is_stale": marked.excluded.is_stale}
    )
    touched = {(kind, key, True) for each in new + old for kind in each for key in each[kind]}
    execute_many(connection, marked, ("kind", "key", "is_stale"), sorted(touched))


def _counts_of(facts: Iterable[Facts]) -> Iterator[tuple[tuple[str, str, str, str], int]]:
    """What articles add: kind, key, aspect and value, with how many."""
    for each in facts:
        for kind, keys in each.items():
            for key, found in keys.items():
                for aspect, values in found.counts.items():
                    for value, count in values.items():
                        yield (kind, key, aspect, value), count


def _write_articles(
    connection: Connection,
    part: str,
    numbers: Sequence[int],
    before: Mapping[int, Facts],
    after: Mapping[int, Facts],
) -> None:
    """Keep what articles add, to be taken off again."""
    old = [number for number in numbers if number in before]
    delete_rows(connection, register_articles.c.article, old, register_articles.c.part == part)
    rows = []
    for number in numbers:
        if number in after:
            data = json.dumps(after[number], ensure_ascii=False, separators=(",", ":")).encode()
            rows.append((part, number, zlib.compress(data, 1)))
    execute_many(connection, register_articles.insert(), ("part", "article", "facts"), rows)
