"""Articles: stored, found by their fields or their names, and read back with spans."""

import calendar
import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import BYLINE, Article, Rejected, Span, outside_in
from ner.errors import NerError
from ner.store.runs import ModelKey, SpanRow, by_model, tagged_by
from ner.store.schema import SURFACE, articles, chunks, reviews, span_decisions, spans, texts
from ner.store.searching import holds
from ner.store.verdicts import called_right, is_kept, was_read

TEXT_FIELDS = ("title", "paper", "page", "section", *BYLINE)
FIELDS = (*TEXT_FIELDS, "body_start", "date")  # all but id and text
_BEGINNING = 40  # code points of the text that stand for a missing title in a list


class Filters(TypedDict, total=False):
    """Which articles of a store, and whose spans; what is left out or empty does not restrict.

    ``paper`` is as stored, ``page`` with or without leading zeros, ``date`` a day, a month or a year
    (``2025-03-18``, ``2025-03``, ``2025``). ``label`` and ``name``
    (the string that a span covers) are looked for among the spans of ``model``; without a model among those
    of the model that tagged the article last. ``text`` is a string that the article's text holds, in upper
    or lower case, ``reviewed`` whether a person read it as a whole.

    Spans are as people decided: without those called wrong, with those called right that the model does not
    find, which have no model. With ``as_tagged`` they are the model's, whatever people said.
    """

    ids: Sequence[str]
    paper: str
    date: datetime.date | str | None
    page: str
    label: str
    name: str
    model: ModelKey | None
    text: str
    reviewed: bool | None
    as_tagged: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A line of a list of articles.

    Args:
        title: the beginning of the text where there is no title.
        spans: label to how many the model found and people decided on; None where neither did.
    """

    id: str
    title: str
    paper: str
    date: datetime.date | None
    page: str
    spans: Mapping[str, int] | None


def delete_article(connection: Connection, article_id: str) -> None:
    """Delete an article with its spans.

    Raises:
        NerError: there is none, or a reviewer has decided on it.
    """
    row = lock_article(connection, article_id)
    if row is None:
        raise no_article(article_id)
    if is_reviewed(connection, row.number):
        raise NerError("a reviewer has decided on it, so it stays", where=f"article {article_id}")
    connection.execute(articles.delete().where(articles.c.number == row.number))


def lock_article(connection: Connection, article_id: str) -> Any:
    """The row of an article, or None; no other transaction changes it until this one ends."""
    return next(lock_articles(connection, [article_id]), None)


def lock_articles(connection: Connection, ids: Sequence[str]) -> Iterator[Any]:
    """The rows of those ids that are in the store; no other transaction changes them until this one ends."""
    for chunk in chunks(ids):
        yield from connection.execute(_locking(), {"ids": list(chunk)}).all()


@cache
def _locking() -> sa.Select[Any]:
    query = select_articles().where(articles.c.id.in_(sa.bindparam("ids", expanding=True)))
    return query.order_by(articles.c.number).with_for_update(of=articles)


def find_article(connection: Connection, article_id: str) -> Any:
    """The row of an article, or None; others may change it."""
    return connection.execute(_by_id(), {"id": article_id}).first()


@cache
def _by_id() -> sa.Select[Any]:
    return select_articles().where(articles.c.id == sa.bindparam("id"))


def is_reviewed(connection: Connection, number: int) -> bool:
    """True where a person has decided on the article."""
    tables = (reviews, span_decisions)
    found = (sa.exists().where(table.c.article == number) for table in tables)
    return bool(connection.scalar(sa.select(sa.or_(*found))))


@cache
def select_articles() -> sa.Select[Any]:
    """A query for whole rows. Dates come as the database has them: a damaged one costs its own row only."""
    columns = [column for column in articles.c if column is not articles.c.date]
    date = sa.type_coerce(articles.c.date, sa.types.NullType()).label("date")
    return sa.select(*columns, date, texts.c.text).select_from(_with_texts())


def _with_texts() -> sa.FromClause:
    """Articles and their texts; an article whose text is gone comes all the same."""
    return articles.outerjoin(texts, texts.c.article == articles.c.number)


def select_summaries(model: ModelKey | None) -> sa.Select[Any]:
    """A query for lists: everything that is shown but the texts, and whether a model tagged them."""
    title = sa.case(
        (articles.c.title != "", articles.c.title),
        else_=sa.func.coalesce(sa.func.substr(texts.c.text, 1, _BEGINNING), ""),
    )
    date = sa.type_coerce(articles.c.date, sa.types.NullType())
    return sa.select(
        articles.c.number,
        articles.c.id,
        title.label("title"),
        articles.c.paper,
        date.label("date"),
        articles.c.page,
        tagged_by(model).label("is_tagged"),
    ).select_from(_with_texts())


def matching(filters: Filters, *, each: bool = False) -> list[sa.ColumnElement[bool]]:
    """Conditions on `articles`, all but the ids.

    Args:
        each: few articles are asked, which something else finds.

    Raises:
        NerError: the date is none.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    if paper := filters.get("paper"):
        conditions.append(articles.c.paper == paper)
    if date := filters.get("date"):
        first, last = days(str(date))
        conditions.append(articles.c.date.between(first, last))
    if page := filters.get("page"):
        shortened = page.lstrip("0")
        conditions.append(sa.func.ltrim(articles.c.page, "0") == shortened)
    label, name = filters.get("label"), filters.get("name")
    if text := filters.get("text"):
        conditions.append(holds(text))
    if (is_reviewed := filters.get("reviewed")) is not None:
        conditions.append(was_read() if is_reviewed else ~was_read())
    if label or name:
        conditions.append(_marked(filters, each=each))
    return conditions


def _marked(filters: Filters, *, each: bool) -> sa.ColumnElement[bool]:
    """A condition on `articles`: there is a span with the label and the name that are asked for."""
    label, name = filters.get("label"), filters.get("name")
    found = sa.select(spans.c.article).where(by_model(filters.get("model")))
    found = found.where(spans.c.label == label) if label else found
    if name:
        found = found.where(spans.c.surface == name[:SURFACE])
        found = found.where(spans.c.end - spans.c.start == len(name))
    found_by = [found]
    if not filters.get("as_tagged"):
        found_by = [found.where(is_kept()), called_right(label, name)]
    if name and not each:  # few articles hold it, so the index on names gives them
        return articles.c.number.in_(sa.union_all(*found_by))
    # Many hold the label, so each article is asked.
    return sa.or_(
        *(
            query.where(query.selected_columns.article == articles.c.number).exists()
            for query in found_by
        )
    )


def count_articles(connection: Connection, **filters: Unpack[Filters]) -> int:
    """How many articles match.

    Raises:
        NerError: one of the ids is not in the store, or the date is not one.
    """
    query = sa.select(sa.func.count()).select_from(articles).where(*matching(filters))
    if filters.get("reviewed"):  # few are, and an index knows which
        query = query.where(articles.c.number.in_(sa.select(reviews.c.article)))
    ids = filters.get("ids")
    if not ids:
        return connection.scalar(query) or 0
    return sum(
        connection.scalar(query.where(articles.c.number.in_(chunk))) or 0
        for chunk in chunks(numbers_of(connection, ids))
    )


def numbers_of(connection: Connection, ids: Sequence[str]) -> list[int]:
    """The rows of ids, in the order they were added.

    Raises:
        NerError: one of them is not in the store.
    """
    known: dict[str, int] = {}
    wanted = [id for id in dict.fromkeys(ids) if not unstorable(id)]
    for chunk in chunks(wanted):
        query = sa.select(articles.c.id, articles.c.number).where(articles.c.id.in_(chunk))
        known |= {row.id: row.number for row in connection.execute(query)}
    for article_id in ids:
        if article_id not in known:
            raise no_article(article_id)
    return sorted(known.values())


def ids_of(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The ids of some articles, at most `CHUNK`, by number."""
    query = sa.select(articles.c.number, articles.c.id).where(articles.c.number.in_(numbers))
    return {row.number: row.id for row in connection.execute(query)}


def build_article(row: Any) -> Article | Rejected:
    """The article of a row, without spans; a `Rejected` where the row was changed from outside."""
    try:
        for name in ("id", "text", *TEXT_FIELDS):
            if not isinstance(getattr(row, name), str):
                raise NerError(f"its {name} is not text")
        if not isinstance(row.body_start, int):
            raise NerError("the place where its body begins is not a number")
        fields = {name: getattr(row, name) for name in FIELDS}
        article = Article(row.id, row.text, **{**fields, "date": _date(row.date)})
        if article.text_hash != row.text_hash:
            raise NerError("its text was changed in the store from outside")
    except (NerError, ValueError, TypeError) as error:
        why = error.message if isinstance(error, NerError) else f"is damaged: {error}"
        remedy = "restore it from its source: ner ingest --replace FILE"
        return Rejected(str(row.id), f"article {row.id}", why, remedy)
    return article


def with_spans(
    item: Article | Rejected, rows: Iterable[SpanRow], remedy: str, tagged_by: str | None = None
) -> Article | Rejected:
    """The article with spans, or a `Rejected` where these are not valid for its text.

    Args:
        remedy: what mends the spans; ``{id}`` and ``{model}`` are filled in.
        tagged_by: see `Article`.
    """
    if isinstance(item, Rejected):
        return item
    model = ""
    try:
        found = []
        for row in rows:
            model = row.model
            numbers = isinstance(row.start, int) and isinstance(row.end, int)
            if not numbers or not isinstance(row.score, int | float) or not 0 <= row.score <= 1:
                raise NerError(f"{row.start}:{row.end} with score {row.score} is not a span")
            found.append(Span(*row))
        return replace(item, spans=tuple(outside_in(found)), tagged_by=tagged_by)
    except (NerError, TypeError) as error:
        why = error.message if isinstance(error, NerError) else str(error)
        hint = remedy.format(id=item.id, model=model)
        return Rejected(item.id, f"article {item.id}", f"its stored spans are damaged: {why}", hint)


def build_summary(row: Any, counts: Mapping[str, int]) -> Summary:
    """The summary of a row of `select_summaries`, with its spans by label."""
    try:
        date = _date(row.date)
    except (TypeError, ValueError):
        date = None
    title = re.sub(r"\s+", " ", str(row.title)).strip()
    found = counts if counts or row.is_tagged else None  # what people called right needs no model
    return Summary(str(row.id), title, str(row.paper), date, str(row.page), found)


def no_article(article_id: str) -> NerError:
    """The error for an id that the store does not hold."""
    return NerError(
        "not in the store", where=f"article {article_id}", remedy="ner show lists the ids"
    )


def days(date: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of a day, a month or a year."""
    try:
        year, *rest = map(int, date.split("-"))
        month, day = (*rest, 0, 0)[:2] if len(rest) < 2 else rest
        first = datetime.date(year, month or 1, day or 1)
        last_day = calendar.monthrange(year, month or 12)[1]
        last = datetime.date(year, month or 12, day or last_day)
    except ValueError:
        raise NerError(
            f"{date!r} is not a date", remedy="a day, a month or a year: 2025-03-18, 2025-03, 2025"
        ) from None
    return first, last


def unstorable(text: str) -> re.Match[str] | None:
    """What PostgreSQL or UTF-8 cannot hold."""
    return re.search(r"[\0\ud800-\udfff]", text)


def _date(value: Any) -> datetime.date | None:
    """A date as PostgreSQL gives it, or as SQLite does: as text."""
    return datetime.date.fromisoformat(value) if isinstance(value, str) else value
