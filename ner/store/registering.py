"""The part of `Store` for the register of brands, organisations and places."""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar, Unpack

from sqlalchemy.engine import Connection

from ner.store.articles import Filters
from ner.store.decisions import Said
from ner.store.opened import Opened
from ner.store.register import derive, edits, lists, update
from ner.store.register.edits import Edit
from ner.store.register.lists import Entry, Place, Trend
from ner.store.register.update import Facts, Source
from ner.store.schema import chunks

Result = TypeVar("Result")
COUNTED = 200  # articles in a transaction: others that write wait that long
BACKLOG = 5_000  # articles from which `MANY` are counted at once, which takes half as long in all
MANY = 10_000
DERIVED = 500  # keys in a transaction


class Registering(Opened):
    """Counted from the spans of the model that tagged each article last, as people decided on them."""

    def update_register(
        self, part: str, facts_of: Callable[[Source], Facts], *, size: int = 0
    ) -> Iterator[tuple[int, int]]:
        """Bring the register up to date with the articles that changed; goes on where it was interrupted.

        Args:
            part: ``names`` (brands and organisations) or ``places``.
            facts_of: what an article adds; the same for the same article.
            size: articles in a transaction; as many as suit how many wait, if 0.

        Yields:
            After each transaction how much is done and how much there is, in articles and then keys.
        """
        total = self._read(lambda connection: update.count_changes(connection, part))
        size = size or (MANY if total > BACKLOG else COUNTED)
        done = 0
        while changes := self._read(lambda connection: update.waiting(connection, part, size)):
            divided = (
                self.divided()
            )  # after the changes: what is divided later changes its articles
            facts: dict[int, Facts] = {}
            for some in chunks(sorted(changes)):
                found = self._read(
                    partial(update.sources, part=part, numbers=some, divided=divided)
                )
                facts |= {number: facts_of(source) for number, source in found.items()}
            self._write(partial(update.write_facts, part=part, changes=changes, facts=facts))
            done += sum(map(len, changes.values()))
            yield done, max(total, done)
        yield from self._derive(part)

    def _derive(self, part: str) -> Iterator[tuple[int, int]]:
        total = self._read(lambda connection: derive.count_stale(connection, part))
        done = 0
        while found := self._write(lambda connection: derive.derive(connection, part, DERIVED)):
            done += found
            yield done, max(total, done)

    def count_again(self, part: str) -> None:
        """Have the next `update_register` count all articles, as after a change of what counts."""
        self._write(lambda connection: update.mark_all(connection, part))

    def register_waits(self, part: str) -> int:
        """How many changes of articles, or keys, the register does not know yet."""
        return self._read(
            lambda connection: (
                update.count_changes(connection, part) + derive.count_stale(connection, part)
            )
        )

    # -- reading

    def entries(
        self,
        kind: str,
        *,
        prefix: str = "",
        trend: Trend = "",
        offset: int = 0,
        limit: int | None = None,
        **filters: Unpack[Filters],
    ) -> list[Entry]:
        """Entries of the register: see `ner.store.register.lists.entries`."""
        options = {"prefix": prefix, "trend": trend, "offset": offset, "limit": limit}
        return self._read(
            lambda connection: lists.entries(connection, kind, filters=filters, **options)  # type: ignore[arg-type]
        )

    def entry(self, kind: str, key: str) -> Entry | None:
        """The entry that a key belongs to; None where there is none."""
        return self._read(lambda connection: lists.entry(connection, kind, key))

    def keys_of_name(self, kind: str, name: str) -> list[str]:
        """The keys of entries with a name or a form, the most frequent first."""
        return self._read(lambda connection: lists.keys_of_name(connection, kind, name))

    def aspects(
        self, kind: str, entities: Sequence[str], wanted: Sequence[str]
    ) -> dict[str, dict[str, dict[str, int]]]:
        """What was counted of entries: see `ner.store.register.lists.aspects`."""
        return self._read(lambda connection: lists.aspects(connection, kind, entities, wanted))

    def spread(self, kind: str, aspect: str, values: Iterable[str]) -> dict[str, int]:
        """By how many entries each value was counted."""
        return self._read(lambda connection: lists.spread(connection, kind, aspect, values))

    def entry_names(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The names of the entries that keys belong to."""
        return self._read(lambda connection: lists.names(connection, kind, keys))

    def forms(self, kind: str, entity: str) -> list[str]:
        """The keys of an entry, its root first."""
        return self._read(lambda connection: lists.forms(connection, kind, entity))

    def months_and_papers(self, kind: str, entity: str) -> dict[tuple[str, str], int]:
        """In how many articles an entry stands, by month and paper."""
        return self._read(lambda connection: lists.months_and_papers(connection, kind, entity))

    def places_of(self, kind: str, entity: str, *, offset: int = 0, limit: int = 20) -> list[Place]:
        """The articles of an entry, the newest first."""
        options = {"offset": offset, "limit": limit}
        return self._read(lambda connection: lists.places(connection, kind, entity, **options))

    def neighbours(
        self, kind: str, entity: str, other_kind: str, limit: int = 12
    ) -> list[tuple[Entry, int]]:
        """The entries of a kind that stand in the same articles, with in how many."""
        key = (kind, entity, other_kind, limit)
        return self._read(lambda connection: lists.neighbours(connection, *key))

    def divisions(
        self, code: str, length: int, of: tuple[str, str] | None = None
    ) -> dict[str, tuple[int, int]]:
        """The divisions in one that are named: see `ner.store.register.lists.divisions`."""
        return self._read(lambda connection: lists.divisions(connection, code, length, of))

    def newest_day(self) -> datetime.date | None:
        """The day of the newest article."""
        return self._read(lists.newest_day)

    # -- what people say

    def merge(self, kind: str, key: str, into: str, said: Said) -> int:
        """Make two entries one: see `ner.store.register.edits.merge`. The register is up to date with it."""
        return self._edit(lambda connection: edits.merge(connection, kind, key, into, said))

    def split(self, kind: str, key: str, said: Said) -> int:
        """Make a form an entry of its own: see `ner.store.register.edits.split`."""
        return self._edit(lambda connection: edits.split(connection, kind, key, said))

    def divide(self, key: str, by: str, said: Said) -> int:
        """Split a brand of the same name off: see `ner.store.register.edits.divide`.

        The register knows it after `update_register`.
        """
        return self._edit(lambda connection: edits.divide(connection, key, by, said))

    def divided(self) -> dict[str, list[str]]:
        """Keys of brands that several have, with the places and owners of those split off."""
        return self._read(edits.standing_divisions)

    def judge(self, kind: str, key: str, verdict: str, said: Said) -> int:
        """Say that an entry is right (``confirm``) or none (``reject``); the edit's number."""
        return self._edit(lambda connection: edits.judge(connection, kind, key, verdict, said))

    def undo_edit(self, number: int, said: Said) -> bool:
        """Take a merge, split or verdict back; False where there is none that stands.

        Of a brand split off by place or owner the register knows it after `update_register`.
        """
        return self._edit(lambda connection: edits.undo_edit(connection, number, said))

    def _edit(self, work: Callable[[Connection], Result]) -> Result:
        done = self._write(work)
        for _ in self._derive("names"):
            pass
        return done

    def edits(self, kind: str, keys: Sequence[str] | None = None) -> list[Edit]:
        """What people said of the register, oldest first."""
        return self._read(lambda connection: edits.list_edits(connection, kind, keys))

    def right_names(self, label: str) -> list[str]:
        """The strings of spans with a label that people called right, and that stands."""
        return self._read(lambda connection: edits.right_names(connection, label))

    def verdicts(self, kind: str) -> dict[str, str]:
        """Keys that people confirmed or rejected."""
        return self._read(lambda connection: edits.standing_verdicts(connection, kind))
