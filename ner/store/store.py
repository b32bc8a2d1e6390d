"""The article store: every table and every SQL statement. Gives and takes Articles, never rows.

SQLite by default, PostgreSQL with the extra ``[postgres]``; both behave alike. Stored text never
changes. What belongs together is written in one transaction, so a kill at any moment leaves all of
it or nothing.
"""

import dataclasses
import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected, Span, outside_in
from ner.errors import NerError
from ner.store.database import connect, reading, writing
from ner.store.schema import articles, decisions, failures, models, runs, spans, tagged

DEFAULT_URL = "sqlite:///articles.db"
BATCH = 200  # articles a transaction when reading and adding
RIGHT, WRONG = "right", "wrong"  # what a person says of a span
WHOLE = "whole"  # what a person says of an article: all that is in it was called right

_BYLINE = ("overtitle", "author", "editor", "continued_from", "continued_on")

_Place = tuple[int, int, str]
"""Start, end and label: what makes two spans one. Without a label: the whole article."""


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What names a model for good: the same name and version with other bytes is another model."""

    name: str
    version: str
    hash: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of a model over the store, as the store numbers it."""

    number: int
    model: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one item given to `Store.add`: ``added``, ``unchanged``, ``replaced``, ``failed``."""

    id: str
    outcome: str
    failure: Rejected | None = None


class Store:
    """An open article store.

    Args:
        url: ``sqlite:///articles.db`` or ``postgresql://user@host/name``.
        create: make the tables where there are none.

    Raises:
        NerError: it cannot be reached, is not there, or was made by a newer version.
    """

    def __init__(self, url: str = DEFAULT_URL, *, create: bool = False) -> None:
        self._engine = connect(url, create=create)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- articles

    def add(self, items: Iterable[Article | Rejected], *, replace: bool = False) -> Iterator[Added]:
        """Store articles and what could not become one, a batch a transaction; say what became of each.

        An article already there with the same text is left as it is. With another text it fails,
        unless `replace`: then the old article goes with its spans and the new one comes.
        """
        items = iter(items)
        while batch := list(itertools.islice(items, BATCH)):
            with writing(self._engine) as connection:
                outcomes = [self._add(connection, item, replace=replace) for item in batch]
            yield from outcomes

    def _add(self, connection: Connection, item: Article | Rejected, *, replace: bool) -> Added:
        if isinstance(item, Rejected):
            self._record_failure(connection, item)
            return Added(item.id, "failed", item)
        known = _held(connection, item.id)
        outcome = "added"
        if known:
            if known.text_hash == item.text_hash:
                return Added(item.id, "unchanged")
            if not replace or self._reviewed(connection, known.number):
                return self._add(connection, _conflict(item, replace), replace=False)
            connection.execute(articles.delete().where(articles.c.number == known.number))
            outcome = "replaced"
        connection.execute(articles.insert(), _article_row(item))
        return Added(item.id, outcome)

    def delete(self, article_id: str) -> None:
        """Delete an article with its spans.

        Raises:
            NerError: there is none, or a reviewer has decided on it.
        """
        with writing(self._engine) as connection:
            row = _held(connection, article_id)
            if row is None:
                raise _no_article(article_id)
            if self._reviewed(connection, row.number):
                raise NerError(
                    "a reviewer has decided on it, so it stays", where=f"article {article_id}"
                )
            connection.execute(articles.delete().where(articles.c.number == row.number))

    @staticmethod
    def _reviewed(connection: Connection, number: int) -> bool:
        query = sa.select(sa.exists().where(decisions.c.article == number))
        return bool(connection.scalar(query))

    def articles(
        self, *, ids: Sequence[str] = (), untagged_by: ModelKey | None = None
    ) -> Iterator[Article | Rejected]:
        """Articles in the order they came, each with the spans of the model that tagged it last.

        Args:
            ids: only these; all if empty.
            untagged_by: only those that this model has not tagged (all of `ids`, if given).

        An article whose text no longer has its hash comes as a `Rejected`.

        Raises:
            NerError: one of `ids` is not in the store.
        """
        query = sa.select(articles)
        if ids:
            self._check_ids(ids)
            query = query.where(articles.c.id.in_(ids))
        elif untagged_by:
            done = (
                sa.select(tagged.c.article)
                .join(models, models.c.number == tagged.c.model)
                .where(tagged.c.article == articles.c.number, *_is_model(untagged_by))
            )
            query = query.where(~done.exists())
        return self._read(query, self._tagged)

    def reviewed(self) -> Iterator[Article | Rejected]:
        """Articles that a person read as a whole, with the spans called right, in the order they came."""
        whole = sa.select(decisions.c.article).where(
            decisions.c.article == articles.c.number, decisions.c.verdict == WHOLE
        )
        return self._read(sa.select(articles).where(whole.exists()), self._right)

    def _read(
        self,
        query: sa.Select[Any],
        spans_of: Callable[[Connection, Sequence[int]], Mapping[int, tuple[Span, ...]]],
    ) -> Iterator[Article | Rejected]:
        """The articles of a query; between two batches the database is left alone."""
        query = query.order_by(articles.c.number).limit(BATCH)
        last = 0
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(query.where(articles.c.number > last)).all()
                found = spans_of(connection, [row.number for row in rows])
            if not rows:
                return
            for row in rows:
                yield _article(row, found.get(row.number, ()))
            last = rows[-1].number

    def _check_ids(self, ids: Sequence[str]) -> None:
        with reading(self._engine) as connection:
            known = set(connection.scalars(sa.select(articles.c.id).where(articles.c.id.in_(ids))))
        for article_id in ids:
            if article_id not in known:
                raise _no_article(article_id)

    @staticmethod
    def _tagged(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[Span, ...]]:
        last_run = (
            sa.select(sa.func.max(tagged.c.run))
            .where(tagged.c.article == spans.c.article)
            .scalar_subquery()
        )
        query = (
            sa.select(spans, models.c.name, models.c.version)
            .join(models, models.c.number == spans.c.model)
            .where(spans.c.article.in_(numbers), spans.c.run == last_run)
        )
        found: dict[int, list[Span]] = {}
        for row in connection.execute(query):
            span = Span(row.start, row.end, row.label, row.score, f"{row.name}-{row.version}")
            found.setdefault(row.article, []).append(span)
        return {number: tuple(outside_in(group)) for number, group in found.items()}

    # -- decisions

    def decide(self, article: Article, reviewer: str, *, note: str = "") -> int | Rejected:
        """Enter what a person says of a whole article: its spans are right, others found there wrong.

        What was said last counts. Who says the same again, told by the note, enters nothing, even where
        somebody else has said otherwise since.

        Returns:
            How many decisions were entered, or why the article could not be decided on: it is not in
            the store, or there with another text.
        """
        with writing(self._engine) as connection:
            row = _held(connection, article.id)
            if row is None or row.text_hash != article.text_hash:
                why, remedy = "is not in the store", "ner ingest it"
                if row:
                    why = "is stored with another text, so these spans mean nothing there"
                    remedy = "push the stored article again"
                return Rejected(article.id, f"article {article.id}", why, remedy)
            query = sa.select(decisions).where(decisions.c.article == row.number)
            said = connection.execute(query.order_by(decisions.c.number)).all()
            last = {_place(each): each.verdict for each in said}
            before = {_place(each): each.verdict for each in said if each.note == note}
            right = set(map(_place, article.spans))
            whole = (0, len(article.text), "")
            if whole in before and right == {place for place in before if before[place] == RIGHT}:
                return 0
            found = self._tagged(connection, [row.number]).get(row.number, ())
            now = dict.fromkeys([*map(_place, found), *last], WRONG)
            now |= {**dict.fromkeys(right, RIGHT), whole: WHOLE}
            new = [
                {
                    **dict(zip(("start", "end", "label"), place)),
                    **{"article": row.number, "verdict": verdict, "reviewer": reviewer},
                    **{"note": note, "at": _now()},
                }
                for place, verdict in now.items()
                if not last.get(place) == before.get(place) == verdict
            ]
            connection.execute(decisions.insert(), new)
        return len(new)

    @staticmethod
    def _right(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[Span, ...]]:
        """By article: the spans whose last verdict is right."""
        query = sa.select(decisions).where(decisions.c.article.in_(numbers))
        said: dict[int, dict[_Place, str]] = {}
        for row in connection.execute(query.order_by(decisions.c.number)):
            said.setdefault(row.article, {})[_place(row)] = row.verdict
        return {
            number: tuple(outside_in(Span(*place) for place in places if places[place] == RIGHT))
            for number, places in said.items()
        }

    # -- tagging

    def start_run(self, model: ModelKey) -> Run:
        """Enter a run, and the model if it is new."""
        with writing(self._engine) as connection:
            connection.execute(
                self._insert(models)
                .values(name=model.name, version=model.version, hash=model.hash)
                .on_conflict_do_nothing()
            )
            number = connection.scalar(sa.select(models.c.number).where(*_is_model(model)))
            run = connection.scalar(
                runs.insert().values(model=number, started_at=_now()).returning(runs.c.number)
            )
        assert run is not None and number is not None  # both were just written
        return Run(run, number)

    def finish_run(self, run: Run) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                runs.update().where(runs.c.number == run.number).values(finished_at=_now())
            )

    def write(self, run: Run, results: Iterable[Article | Rejected]) -> None:
        """Write the spans of tagged articles and their ledger rows in one transaction.

        What the model said of an article before is replaced, so tagging twice gives it once.
        """
        with writing(self._engine) as connection:
            for item in results:
                if isinstance(item, Rejected):
                    self._record_failure(connection, item)
                    continue
                number = connection.scalar(
                    sa.select(articles.c.number).where(
                        articles.c.id == item.id, articles.c.text_hash == item.text_hash
                    )
                )
                if number is not None:  # else it was deleted or replaced meanwhile
                    self._write_spans(connection, run, number, item)

    def _write_spans(self, connection: Connection, run: Run, number: int, article: Article) -> None:
        key = {"article": number, "model": run.model}
        row = {"run": run.number, "at": _now()}
        connection.execute(
            self._insert(tagged)
            .values(**key, **row)
            .on_conflict_do_update(index_elements=["article", "model"], set_=row)
        )
        connection.execute(
            spans.delete().where(spans.c.article == number, spans.c.model == run.model)
        )
        rows = [
            {
                **key,
                "run": run.number,
                "start": span.start,
                "end": span.end,
                "label": span.label,
                "surface": article.surface(span),
                "score": span.score,
            }
            for span in article.spans
        ]
        if rows:
            connection.execute(spans.insert(), rows)

    # -- figures

    def count(self, *, untagged_by: ModelKey | None = None) -> int:
        """How many articles there are, or how many this model has not tagged."""
        query = sa.select(sa.func.count()).select_from(articles)
        if untagged_by:
            done = (
                sa.select(sa.func.count())
                .select_from(tagged.join(models, models.c.number == tagged.c.model))
                .where(*_is_model(untagged_by))
            )
            query = sa.select(query.scalar_subquery() - done.scalar_subquery())
        with reading(self._engine) as connection:
            return int(connection.scalar(query) or 0)

    def failures(self) -> list[Rejected]:
        """What could not be read or tagged, oldest first."""
        query = sa.select(failures).order_by(failures.c.number)
        with reading(self._engine) as connection:
            return [
                Rejected(row.article_id, row.place, row.why, row.remedy)
                for row in connection.execute(query)
            ]

    def _record_failure(self, connection: Connection, failure: Rejected) -> None:
        connection.execute(
            self._insert(failures)
            .values(
                article_id=failure.id,
                place=failure.where,
                why=failure.why,
                remedy=failure.remedy,
                at=_now(),
            )
            .on_conflict_do_nothing()
        )

    # -- the database

    def _insert(self, table: sa.Table) -> Any:
        """The dialect's own insert, since only it knows ON CONFLICT."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)


def _place(span: Any) -> _Place:
    """Of a span, or of a row with the same columns."""
    return span.start, span.end, span.label


def _held(connection: Connection, article_id: str) -> Any:
    """Number and text hash of an article, or nothing; until the transaction ends it is ours alone."""
    query = sa.select(articles.c.number, articles.c.text_hash).where(articles.c.id == article_id)
    return connection.execute(query.with_for_update()).first()


def _is_model(model: ModelKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        models.c.name == model.name,
        models.c.version == model.version,
        models.c.hash == model.hash,
    )


def _conflict(article: Article, replace: bool) -> Rejected:
    if replace:
        return Rejected(
            article.id,
            f"article {article.id}",
            "is stored with another text, and a reviewer has decided on that",
            "give the new text another id",
        )
    return Rejected(
        article.id,
        f"article {article.id}",
        "is already stored with another text",
        "give it another id, or --replace to drop the old text and its spans",
    )


def _no_article(article_id: str) -> NerError:
    return NerError(
        "not in the store", where=f"article {article_id}", remedy="ner show lists the ids"
    )


def _article_row(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "text": article.text,
        "text_hash": article.text_hash,
        "title": article.title,
        "body_start": article.body_start,
        "paper": article.paper,
        "date": article.date,
        "page": article.page,
        "section": article.section,
        **{name: getattr(article, name) for name in _BYLINE},
        "added_at": _now(),
    }


def _article(row: Any, found: tuple[Span, ...]) -> Article | Rejected:
    article = Article(
        id=row.id,
        text=row.text,
        title=row.title,
        body_start=row.body_start,
        paper=row.paper,
        date=row.date,
        page=row.page,
        section=row.section,
        **{name: getattr(row, name) for name in _BYLINE},
    )
    if article.text_hash != row.text_hash:
        return Rejected(
            row.id,
            f"article {row.id}",
            "its text was changed in the store from outside",
            "restore it from its source: ner ingest --replace",
        )
    return dataclasses.replace(article, spans=found)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
