"""The store as the viewer uses it: what reviewers do, their queues and their accounts."""

import datetime
from collections.abc import Iterator
from typing import Unpack

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import accounts, decisions, independent, queues, reviewed, runs, together
from ner.store import alike as alikes
from ner.store.accounts import Account
from ner.store.alike import Alike, Reach
from ner.store.articles import Filters, numbers_of, select_articles
from ner.store.decisions import Said
from ner.store.independent import Versions
from ner.store.queues import Drawing, Queue
from ner.store.reviewed import Judged
from ner.store.runs import ModelKey
from ner.store.store import Store
from ner.store.together import Action, Conflict, Decision, Review, Undone


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

    def decisions_of(
        self, article_id: str, queue: int | None = None, reviewer: str = ""
    ) -> list[Decision]:
        """What was said about the spans of an article: see `ner.store.together.decisions_of`."""
        key = (article_id, queue, reviewer)
        return self._read(lambda connection: together.decisions_of(connection, *key))

    def reviews_of(
        self, article_id: str, queue: int | None = None, reviewer: str = ""
    ) -> list[Review]:
        """Who read the present text of an article as a whole: see `ner.store.together.reviews_of`."""
        key = (article_id, queue, reviewer)
        return self._read(lambda connection: together.reviews_of(connection, *key))

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

    def is_apart(self, article_id: str, queue: int) -> bool:
        """True where an article waits for the independent readers of a queue, or to be settled."""
        key = (article_id, queue)
        return self._read(lambda connection: together.apart_in(connection, *key)) is not None

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

    def make_queue(self, name: str, kind: str, filters: Filters, **drawing: Unpack[Drawing]) -> int:
        """Draw a queue: see `ner.store.queues.make_queue`."""
        return self._write(
            lambda connection: queues.make_queue(connection, name, kind, filters, **drawing)
        )

    def queues(self) -> list[Queue]:
        """The queues, newest first."""
        return self._read(queues.list_queues)

    def queue(self, number: int) -> Queue | None:
        """A queue by its number; None where there is none."""
        return next(iter(self._read(lambda each: queues.list_queues(each, number))), None)

    def take_next(self, queue: int, reviewer: str, after: str = "") -> str | None:
        """The id of the next article for a reviewer: see `ner.store.queues.take_next`."""
        return self._write(lambda connection: queues.take_next(connection, queue, reviewer, after))

    def holder(self, article_id: str) -> str | None:
        """Who has an article in hand."""
        return self._read(lambda connection: queues.holder(connection, article_id))

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
            numbers=numbers,
        )
        right = self._stream(query, decisions.right_spans, numbers=numbers)
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
