"""The store as the viewer uses it: what reviewers do, their queues and their accounts."""

from collections.abc import Iterator
from typing import Unpack

from sqlalchemy.engine import Connection

from ner.article import Article
from ner.errors import NerError
from ner.store import accounts, actions, decisions, independent, queues, reviewed, runs
from ner.store import alike as alikes
from ner.store.articles import Filters, numbers_of, select_articles
from ner.store.drawing import KINDS, Watch, draw
from ner.store.independent import Versions
from ner.store.opened import reads, writes
from ner.store.paging import listed
from ner.store.queues import Drawing
from ner.store.runs import ModelKey
from ner.store.store import Store


class ReviewStore(Store):
    """A `Store` with what the viewer needs."""

    # -- decisions

    act = writes(actions.act)
    undo_last = writes(actions.undo_last)
    standing = reads(actions.standing)

    # -- one string, wherever it is marked

    reach = reads(alikes.reach)
    decide_alike = writes(alikes.decide_alike)

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

    all_versions = reads(independent.all_versions)
    settle = writes(independent.settle)
    take_disputed = writes(queues.take_disputed)

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

    take_next = writes(queues.take_next)
    count_finished = reads(queues.count_finished)
    newest_queue = reads(queues.newest_queue)
    queue = reads(queues.find_queue)
    queues = reads(queues.list_queues)

    # -- what was read as a whole

    judged = reads(reviewed.judged)

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

    put_account = writes(accounts.put_account)
    remove_account = writes(accounts.remove_account)
    start_session = writes(accounts.start_session)
    end_session = writes(accounts.end_session)
    account_of = reads(accounts.account_of)
    accounts = reads(accounts.list_accounts)
