"""The store as the viewer uses it: what reviewers do, their queues and their accounts."""

import datetime
from collections.abc import Iterator
from typing import Unpack

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.store import accounts, decisions, independent, queues, reviewed, runs, together
from ner.store import alike as alikes
from ner.store.accounts import Account
from ner.store.alike import Alike, Reach
from ner.store.articles import Filters, numbers_of, select_articles
from ner.store.decisions import Said
from ner.store.drawing import KINDS, Watch, draw
from ner.store.independent import Versions
from ner.store.paging import listed
from ner.store.queues import Drawing, Queue
from ner.store.reviewed import Judged
from ner.store.runs import ModelKey
from ner.store.store import Store
from ner.store.together import Action, Conflict, Standing, Undone


class ReviewStore(Store):
    """A `Store` with what the viewer needs."""

    # -- decisions

    def act(
        self,
        article_id: str,
        text_hash: str,
        action: Action,
        said: Said,
        *,
        model: ModelKey | None = None,
        queue: int | None = None,
    ) -> Rejected | Conflict | None:
        """Add what a reviewer did to an article, all of it or nothing: see `ner.store.together.act`."""
        key = (article_id, text_hash, action, said, model, queue)
        return self._write(lambda connection: together.act(connection, *key))

    def undo_last(self, undo_id: str, said: Said) -> Undone | None:
        """Take back what a reviewer did last: see `ner.store.together.undo_last`."""
        return self._write(lambda connection: together.undo_last(connection, undo_id, said))

    def standing(self, article_id: str, queue: int | None = None, reviewer: str = "") -> Standing:
        """Where an article stands, as a reviewer may see it: see `ner.store.together.standing`."""
        key = (article_id, queue, reviewer)
        return self._read(lambda connection: together.standing(connection, *key))

    # -- one string, wherever it is marked

    def reach(self, alike: Alike, model: ModelKey | None = None) -> Reach:
        """What a decision on all spans of a string would be about."""
        return self._read(lambda connection: alikes.reach(connection, alike, model))

    def decide_alike(
        self, alike: Alike, action: str, said: Said, *, model: ModelKey | None = None
    ) -> Reach:
        """Decide on all spans of a string: see `ner.store.alike.decide_alike`."""
        key = (alike, action, said, model)
        return self._write(lambda connection: alikes.decide_alike(connection, *key))

    # -- articles that two read independently

    def versions(self, queue: int, article_id: str) -> Versions | None:
        """What two independent readers made of an article; None where not two have finished it.

        Raises:
            NerError: it is not in the store.
        """

        def read(connection: Connection) -> Versions | None:
            [number] = numbers_of(connection, [article_id])
            return independent.versions(connection, queue, [number]).get(number)

        return self._read(read)

    def all_versions(self, queue: int) -> list[Versions]:
        """The articles of a queue that two independent readers have finished, as each left them."""
        return self._read(lambda connection: list(independent.all_versions(connection, queue)))

    def settle(
        self, article_id: str, text_hash: str, queue: int, action: str, said: Said
    ) -> Rejected | None:
        """Settle where two independent readers differ: see `ner.store.independent.settle`."""
        key = (article_id, text_hash, queue, action, said)
        return self._write(lambda connection: independent.settle(connection, *key))

    def take_disputed(
        self, queue: int, reviewer: str, after: str = "", *, own: bool = False
    ) -> str | None:
        """The next article whose readers differ: see `ner.store.queues.take_disputed`."""
        return self._write(
            lambda connection: queues.take_disputed(connection, queue, reviewer, after, own=own)
        )

    def count_finished(self, queue: int, reviewer: str) -> int:
        """How many articles of a queue an independent reader has finished."""
        return self._read(lambda connection: queues.count_finished(connection, queue, reviewer))

    # -- queues

    def make_queue(
        self,
        name: str,
        kind: str,
        filters: Filters,
        *,
        watch: Watch = lambda done, total: None,
        **drawing: Unpack[Drawing],
    ) -> int:
        """Draw a queue; its number.

        Args:
            watch: told how many articles were looked at, where all are.

        Raises:
            NerError: there is no such kind, no article matches, or there are no two models to compare.
        """
        if kind not in KINDS:
            raise NerError(f"no kind of queue {kind!r}", remedy=f"one of {', '.join(KINDS)}")
        size, seed, models = drawing["size"], drawing["seed"], drawing.get("models")
        numbers = draw(self._read, kind, filters, size, seed, models, watch)
        if not numbers:
            raise NerError("no article matches", remedy="tag the store first, or ask for less")
        key = (numbers, name, kind, filters)
        return self._write(lambda connection: queues.add_queue(connection, *key, **drawing))

    def queues(self) -> list[Queue]:
        """The queues, newest first."""
        return self._read(queues.list_queues)

    def newest_queue(self) -> int | None:
        """The number of the queue that was made last; None where there is none."""
        return self._read(queues.newest_queue)

    def queue(self, number: int) -> Queue | None:
        """A queue by its number; None where there is none."""
        return next(iter(self._read(lambda each: queues.list_queues(each, number))), None)

    def take_next(self, queue: int, reviewer: str, after: str = "") -> str | None:
        """The id of the next article for a reviewer: see `ner.store.queues.take_next`."""
        return self._write(lambda connection: queues.take_next(connection, queue, reviewer, after))

    def judged(self, kind: str = "", model: ModelKey | None = None) -> list[Judged]:
        """What was found and decided in the articles that were read as a whole, without their texts.

        Args:
            kind: only those in a queue of this kind; all if empty.
        """
        return self._read(lambda connection: list(reviewed.judged(connection, kind, model)))

    def reviewed_in(
        self, queue: int | None = None, model: ModelKey | None = None
    ) -> Iterator[tuple[Article, Article]]:
        """The articles of a queue that were read as a whole: as a model tagged them, and as decided.

        Args:
            queue: all articles that were read, if None.
        """
        if queue is None:
            numbers = list(self._read(reviewed.read_articles))
        else:
            numbers = self._read(lambda connection: queues.articles_of(connection, queue))
        query = select_articles()
        tagged = self._stream(
            query,
            lambda connection, some: runs.spans_of(connection, some, model),
            candidates=listed(numbers),
        )
        right = self._stream(query, decisions.right_spans, candidates=listed(numbers))
        for before, after in zip(tagged, right):
            if isinstance(before, Article) and isinstance(after, Article):
                yield before, after

    # -- accounts

    def put_account(self, account: Account) -> None:
        """Add an account, or give one another password and role: then it is logged out everywhere."""
        self._write(lambda connection: accounts.put_account(connection, account))

    def remove_account(self, name: str) -> bool:
        """Remove an account; what was decided by it stays. False where there is none."""
        return self._write(lambda connection: accounts.remove_account(connection, name))

    def accounts(self) -> list[Account]:
        """The accounts by name."""
        return self._read(accounts.list_accounts)

    def start_session(self, name: str, token_hash: str, until: datetime.datetime) -> None:
        """Log a browser in."""
        self._write(lambda each: accounts.start_session(each, name, token_hash, until))

    def end_session(self, token_hash: str) -> None:
        """Log a browser out."""
        self._write(lambda connection: accounts.end_session(connection, token_hash))

    def account_of(self, token_hash: str) -> Account | None:
        """Whose session a token is, if it has not ended."""
        return self._read(lambda connection: accounts.account_of(connection, token_hash))
