"""The part of `Store` for the register of brands, organisations and places."""

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.engine import Connection

from ner.store.opened import Opened, reads, writes
from ner.store.register import derive, edits, lists, update
from ner.store.register.update import Facts, MarkedArticle
from ner.store.schema import chunks

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
COUNTED = 200  # articles in a transaction: others that write wait that long
BACKLOG = 5_000  # articles from which `MANY` are counted at once, which takes half as long in all
MANY = 10_000
DERIVED = 500  # keys in a transaction


def _edits(
    work: Callable[Concatenate[Connection, Parameters], Result],
) -> Callable[Concatenate["Registering", Parameters], Result]:
    """A method of the store: `work` in one transaction; afterwards the register is up to date with it."""
    write = writes(work)

    @wraps(work)
    def method(
        self: "Registering", /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        done = write(self, *args, **kwargs)
        for _ in self._derive("names"):
            pass
        return done

    return method


class Registering(Opened):
    """Counted from the spans of the model that tagged each article last, as people decided on them."""

    def update_register(
        self, part: str, facts_of: Callable[[MarkedArticle], Facts], *, size: int = 0
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
            # After the changes: what is divided later changes its articles.
            divided = self.divided()
            facts: dict[int, Facts] = {}
            for some in chunks(sorted(changes)):
                found = self._read(
                    partial(update.marked_articles, part=part, numbers=some, divided=divided)
                )
                facts |= {number: facts_of(marked) for number, marked in found.items()}
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

    count_again = writes(update.count_again)

    def register_waits(self, part: str) -> int:
        """How many changes of articles, or keys, the register does not know yet."""
        return self._read(
            lambda connection: (
                update.count_changes(connection, part) + derive.count_stale(connection, part)
            )
        )

    # -- reading

    entries = reads(lists.entries)
    entry = reads(lists.entry)
    keys_of_name = reads(lists.keys_of_name)
    aspects = reads(lists.aspects)
    spread = reads(lists.spread)
    entry_names = reads(lists.names)
    forms = reads(lists.forms)
    months_and_papers = reads(lists.months_and_papers)
    places_of = reads(lists.places)
    neighbours = reads(lists.neighbours)
    divisions = reads(lists.divisions)
    newest_day = reads(lists.newest_day)

    # -- what people say

    merge = _edits(edits.merge)
    split = _edits(edits.split)
    divide = _edits(edits.divide)
    judge = _edits(edits.judge)
    undo_edit = _edits(edits.undo_edit)
    divided = reads(edits.standing_divisions)
    verdicts = reads(edits.standing_verdicts)
    right_names = reads(edits.right_names)
    edits = reads(edits.list_edits)
