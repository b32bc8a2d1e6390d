"""The article store: owns the engine and the transactions. It takes and gives Articles, never rows.

SQLite by default, PostgreSQL with the extra ``[postgres]``; both behave alike. Stored text never
changes. What belongs together is written in one transaction, so a kill at any moment leaves all of
it or nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected, batches
from ner.store import articles as queries
from ner.store import decided, decisions, failures, finding, new_names, reviewed, runs, upkeep
from ner.store.adding import Added, add_batch
from ner.store.articles import Filters, Summary
from ner.store.decisions import Said
from ner.store.opened import Opened, reads, writes
from ner.store.paging import Candidates, listed, pages
from ner.store.registering import Registering
from ner.store.reporting import Reporting
from ner.store.runs import ModelKey, SpanRow
from ner.store.schema import reviews, span_decisions
from ner.store.tagging import Tagging
from ner.store.versions import lock_store, migrate

ADD_BATCH = 200  # articles per transaction when adding
ADD_BATCH_CHARACTERS = 2_000_000  # code points per transaction when adding
READ_BATCH = 20  # articles per query: a text has up to a million code points
LIST_BATCH = 200  # summaries per query
SPANS_REMEDY = "tag it again: ner tag --article {id} --model {model}"
MAX_PENDING_FAILURES = 10_000  # kept in memory until there are tables; of more the last

SpansOf = Callable[[Connection, Sequence[int]], Mapping[int, Sequence[SpanRow]]]


class Store(Tagging, Registering, Reporting, Opened):
    """An open article store.

    Args:
        url: ``sqlite:///articles.db`` or ``postgresql://user@host/name``.
        create: the database may be without tables: `add` makes them together with the first article.

    Raises:
        NerError: it cannot be reached, is not there, belongs to another program, or was made by a newer
            version.
    """

    # -- articles in

    def add(
        self,
        items: Iterable[Article | Rejected],
        *,
        replace: bool = False,
        files: Iterable[str] = (),
    ) -> Iterator[Added]:
        """Store articles, and the reasons of what could not become one; say what became of each, in order.

        An article already there with the same text is left as it is. With another text it fails,
        unless `replace`: then the old article is deleted with its spans, and the new one stored. With
        `replace` other fields that changed are updated. A text that was changed in the database from
        outside is restored from its source. Failures of an article that is stored now are dropped.

        A generator: what is not taken from it is not stored. Tables are made together with the first
        article, so that a command that reads none leaves nothing behind; failures wait for that.

        Args:
            files: the files that `items` are read from, as `Rejected.where` names them: the failures met
                there before are dropped.

        Raises:
            NerError: the database cannot be written.
        """
        pending: deque[Rejected] = deque(maxlen=MAX_PENDING_FAILURES)
        failed: set[str] = set()
        files_read_again = frozenset(files)
        for batch in batches(items, ADD_BATCH, ADD_BATCH_CHARACTERS):
            if not self._has_tables and not any(isinstance(item, Article) for item in batch):
                rejected = [item for item in batch if isinstance(item, Rejected)]
                pending.extend(rejected)
                yield from (Added(item.id, "failed", item) for item in rejected)
                continue
            outcomes = self._add_batch(batch, pending, failed, files_read_again, replace=replace)
            pending.clear()
            files_read_again = frozenset()
            failed.update(outcome.id for outcome in outcomes if outcome.failure)
            yield from outcomes

    def _add_batch(
        self,
        batch: Sequence[Article | Rejected],
        pending: Sequence[Rejected],
        failed: set[str],
        files: frozenset[str],
        *,
        replace: bool,
    ) -> list[Added]:
        """One transaction of `add`.

        Args:
            pending: failures met before there were tables.
            failed: ids that failed in an earlier transaction of the same `add`.
        """

        def work(connection: Connection) -> list[Added]:
            lock_store(connection)
            if not self._has_tables:
                migrate(connection)
            failures.drop_of_files(connection, files)
            failures.record_failures(connection, pending)
            return add_batch(connection, batch, replacing=replace, failed_before=failed)

        outcomes = self._write(work, makes_tables=True)
        self._has_tables = True
        return outcomes

    delete = writes(queries.delete_article)

    # -- articles out

    def articles(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Article | Rejected]:
        """Articles in the order they were added, each with the spans of one model.

        Args:
            limit: at most so many; all if None.
            filters: see `Filters`. The spans are those of its ``model`` (none where that has not tagged the
                article), without one those of the model that tagged the article last.

        An article that was changed in the database from outside comes as a `Rejected`.

        Raises:
            NerError: one of the ids is not in the store, or the date is not one.
        """
        model = filters.get("model")
        query = queries.select_articles().where(*queries.matching(filters, each=True))

        def spans_of(connection: Connection, numbers: Sequence[int]) -> decided.Found:
            found = runs.spans_of(connection, numbers, model)
            if filters.get("as_tagged"):
                return found
            return decided.as_decided(found, decisions.last_words(connection, numbers))

        return self._stream(
            query,
            spans_of,
            remedy=SPANS_REMEDY,
            candidates=self._candidates(filters),
            limit=limit,
            taggers_of=lambda connection, numbers: runs.taggers_of(connection, numbers, model),
        )

    def article(self, article_id: str, *, model: ModelKey | None = None) -> Article | Rejected:
        """One article with the spans of a model, whatever people said of them.

        Raises:
            NerError: it is not in the store.
        """

        def read(connection: Connection) -> Article | Rejected:
            is_id = not queries.unstorable(article_id)
            row = queries.find_article(connection, article_id) if is_id else None
            if row is None:
                raise queries.no_article(article_id)
            found = runs.spans_of(connection, [row.number], model)
            item = queries.build_article(row)
            return queries.with_spans(item, found.get(row.number, ()), SPANS_REMEDY)

        return self._read(read)

    def summaries(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Summary]:
        """The same articles as a list, with how many spans each has by label; texts are not loaded.

        Raises:
            NerError: one of the ids is not in the store, or the date is not one.
        """
        model, as_tagged = filters.get("model"), filters.get("as_tagged", False)

        def build(connection: Connection, rows: Sequence[Any]) -> list[Summary]:
            numbers = [row.number for row in rows]
            counts = decided.count_labels(connection, numbers, model, as_tagged=as_tagged)
            return [queries.build_summary(row, counts.get(row.number, {})) for row in rows]

        query = queries.select_summaries(model).where(*queries.matching(filters, each=True))
        return pages(self._read, query, build, LIST_BATCH, self._candidates(filters), limit)

    def articles_to_tag(
        self, model: ModelKey, *, ids: Sequence[str] = ()
    ) -> Iterator[Article | Rejected]:
        """Articles to tag, without spans: those that `model` has not tagged, or all of `ids`.

        Raises:
            NerError: one of `ids` is not in the store.
        """
        query = queries.select_articles()
        if not ids:
            query = query.where(~runs.tagged_by(model))
        return self._stream(query, lambda *_: {}, candidates=self._candidates({"ids": ids}))

    def reviewed(self, **filters: Unpack[Filters]) -> Iterator[Article | Rejected]:
        """Articles that a person read as a whole, with the spans decided to be right."""
        query = queries.select_articles().where(*queries.matching({**filters, "reviewed": True}))
        numbers = list(self._read(reviewed.read_articles))
        remedy = "have it reviewed again"
        return self._stream(query, decisions.right_spans, remedy=remedy, candidates=listed(numbers))

    count = reads(queries.count_articles)
    counts = reads(finding.counts)
    names = reads(finding.names)
    new_names = reads(new_names.new_names)
    page = reads(finding.page)

    def _stream(
        self,
        query: sa.Select[Any],
        spans_of: SpansOf,
        *,
        remedy: str = "",
        candidates: Candidates | None = None,
        limit: int | None = None,
        taggers_of: Callable[[Connection, Sequence[int]], Mapping[int, str]] | None = None,
    ) -> Iterator[Article | Rejected]:
        """The articles of a query with their spans.

        Args:
            taggers_of: who tagged them, by number.
            remedy: what to do about damaged spans; ``{id}`` and ``{model}`` are filled in.
        """

        def build(connection: Connection, rows: Sequence[Any]) -> list[Article | Rejected]:
            numbers = [row.number for row in rows]
            found = spans_of(connection, numbers)
            by = taggers_of(connection, numbers) if taggers_of else None
            return [
                queries.with_spans(
                    queries.build_article(row),
                    found.get(row.number, ()),
                    remedy,
                    None if by is None else by.get(row.number, ""),
                )
                for row in rows
            ]

        return pages(self._read, query, build, READ_BATCH, candidates, limit)

    def _candidates(self, filters: Filters) -> Candidates | None:
        """The only articles that may match, by ids or a name; None where all may."""
        if ids := filters.get("ids"):
            return listed(self._read(lambda connection: queries.numbers_of(connection, ids)))
        name = filters.get("name")
        return finding.marked(name, filters) if name else None

    # -- what people say of them

    decide = writes(decisions.decide)
    decide_span = writes(decisions.decide_span)

    def undo(self, decision: int, said: Said) -> bool:
        """Take back a decision on a span, so that the one before it counts again.

        Nothing is deleted: that it was taken back is a decision too.

        Returns:
            False where there is none of that number, or it was taken back before.
        """
        return self._write(
            lambda connection: decisions.undo(connection, span_decisions, decision, said)
        )

    def undo_review(self, review: int, said: Said) -> bool:
        """Take back that an article was read as a whole; as `undo`."""
        return self._write(lambda connection: decisions.undo(connection, reviews, review, said))

    # -- upkeep

    info = reads(upkeep.describe)

    def check(self) -> Iterator[Rejected]:
        """What is wrong with the store: with its tables, then article by article. Reads all of it.

        Of each article the text is compared with its hash, and the spans of the model that tagged it last
        with the text.
        """
        for fault in self._read(lambda connection: list(upkeep.faults(connection))):
            yield Rejected("", self.shown_url, fault, "restore it from a copy")
        yield from (item for item in self.articles(as_tagged=True) if isinstance(item, Rejected))
        yield from (item for item in self.reviewed() if isinstance(item, Rejected))

    def vacuum(self) -> tuple[int, int]:
        """Make the store small, and quick again after many changes; its bytes before and after.

        Raises:
            NerError: another program uses it, or the disk is full.
        """
        self._check_tables()
        return upkeep.vacuum(self._engine)
