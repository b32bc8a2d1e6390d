"""The store as the viewer uses it: what reviewers do, their queues and their accounts."""

import datetime
from collections.abc import Iterator

from ner.article import Article, Rejected
from ner.store import accounts, decisions, queues, reviewed, runs, together
from ner.store.accounts import Account
from ner.store.articles import Filters, select_articles
from ner.store.decisions import Said
from ner.store.queues import Queue
from ner.store.reviewed import Judged
from ner.store.runs import ModelKey
from ner.store.store import Store
from ner.store.together import Action, Conflict, Decision, Review


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
    ) -> Rejected | Conflict | None:
        """Add what a reviewer did to an article, all of it or nothing: see `ner.store.together.act`."""
        key = (article_id, text_hash, action, said, model)
        return self._write(lambda connection: together.act(connection, *key))

    def undo_last(self, undo_id: str, said: Said) -> str | None:
        """Take back what a reviewer did last: see `ner.store.together.undo_last`."""
        return self._write(lambda connection: together.undo_last(connection, undo_id, said))

    def decisions_of(self, article_id: str) -> list[Decision]:
        """All that was said about the spans of an article, oldest first."""
        return self._read(lambda connection: together.decisions_of(connection, article_id))

    def reviews_of(self, article_id: str) -> list[Review]:
        """Who read the present text of an article as a whole, oldest first."""
        return self._read(lambda connection: together.reviews_of(connection, article_id))

    # -- queues

    def make_queue(
        self, name: str, kind: str, filters: Filters, *, size: int, seed: int, made_by: str
    ) -> int:
        """Draw a queue: see `ner.store.queues.make_queue`."""
        options = {"size": size, "seed": seed}
        return self._write(
            lambda connection: queues.make_queue(
                connection, name, kind, filters, **options, made_by=made_by
            )
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
