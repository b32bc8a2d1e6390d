"""What people decided about articles and spans: append-only, and of each span the last verdict counts.

A decision can be taken back: then the one before it counts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected, Span
from ner.store.articles import lock_article
from ner.store.runs import ModelKey, SpanRow, model_number
from ner.store.schema import now, reviews, span_decisions, spans
from ner.store.verdicts import RIGHT, UNDONE, WRONG, counts

Place = tuple[int, int, str]
"""Start, end and label, by which two spans are the same."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who decided, and where.

    Args:
        reviewer: a person's name.
        source: where it was said: ``doccano july``, ``web``.
        external_id: the source's own number for this decision; the same said again adds nothing.
    """

    reviewer: str
    source: str = ""
    external_id: str | None = None

    def row(self) -> dict[str, Any]:
        """Its columns, with the time."""
        fields = {"reviewer": self.reviewer, "source": self.source}
        return {**fields, "external_id": self.external_id, "at": now()}


def decide(
    connection: Connection, article: Article, reviewer: str, *, source: str = ""
) -> int | Rejected:
    """Add what a person decided about a whole article: its spans are right, others found there wrong.

    Whoever decides the same again, known by the source, adds nothing, even where somebody else has decided
    otherwise since.

    Returns:
        How many decisions were added, the review among them, or why the article could not be decided on:
        it is not in the store, or there with another text.
    """
    row = lock_text(connection, article.id, article.text_hash)
    if isinstance(row, Rejected):
        return row
    said = Said(reviewer, source)
    earlier = standing_decisions(connection, [row.number]).get(row.number, [])
    found = connection.execute(sa.select(spans).where(spans.c.article == row.number)).all()
    was_read = said.source in _reviewed_in(connection, row.number)
    new_words = new_verdicts(article, found, earlier, said, was_read=was_read)
    if new_words is None:
        return 0
    new = [
        {**columns(row.number, place), "verdict": verdict, "model": None, **said.row()}
        for place, verdict in new_words.items()
    ]
    if new:
        connection.execute(span_decisions.insert(), [{**each, "external_id": None} for each in new])
    connection.execute(
        reviews.insert().values(article=row.number, text_hash=row.text_hash, **said.row())
    )
    return len(new) + 1


def new_verdicts(
    article: Article, found: Iterable[Any], earlier: Sequence[Any], said: Said, *, was_read: bool
) -> dict[Place, str] | None:
    """The verdicts that say of an article: its spans are right, all others wrong. None if it was said before.

    Args:
        found: the spans that models found in it.
        earlier: the decisions that count on its spans, oldest first.
        was_read: the source has told before that it was read as a whole.
    """
    last = {place_of(each): each.verdict for each in earlier}
    own = {place_of(each): each.verdict for each in earlier if each.source == said.source}
    right = set(map(place_of, article.spans))
    if was_read and right == {place for place in own if own[place] == RIGHT}:
        return None
    verdicts = dict.fromkeys([*map(place_of, found), *last], WRONG) | dict.fromkeys(right, RIGHT)
    return {
        place: verdict
        for place, verdict in verdicts.items()
        if not last.get(place) == own.get(place) == verdict
    }


def decide_span(
    connection: Connection,
    article: Article,
    span: Span,
    verdict: str,
    said: Said,
    *,
    model: ModelKey | None = None,
) -> int | Rejected:
    """Add what a person decided about one span of an article as it is stored.

    Args:
        verdict: ``right`` or ``wrong``.
        model: whose span it was; None where a person drew it.

    Returns:
        The decision's number (that of the earlier one where the same was said before), or why it was not
        added: the article is not in the store or has another text, the span ends past it, or a span that is
        right would cross another that is.

    Raises:
        ValueError: the verdict is none.
    """
    check_verdict(verdict)
    row = lock_text(connection, article.id, article.text_hash)
    if isinstance(row, Rejected):
        return row
    if known := known_decision(connection, span_decisions, said):
        return known
    standing = standing_decisions(connection, [row.number]).get(row.number, [])
    answer = said_or_refused(article.id, row.text, span, verdict, said, standing)
    if answer is not None:
        return answer
    number = connection.scalar(model_number(model)) if model else None
    values = {**columns(row.number, place_of(span)), "verdict": verdict, "model": number}
    return insert_row(connection, span_decisions, {**values, **said.row()})


def check_verdict(verdict: str) -> None:
    """Refuse a verdict that is none.

    Raises:
        ValueError: it is none.
    """
    if verdict not in (RIGHT, WRONG):
        raise ValueError(f"{verdict!r} is not a verdict: {RIGHT} or {WRONG}")


def said_or_refused(
    article_id: str, text: str, span: Span, verdict: str, said: Said, standing: Sequence[Any]
) -> int | Rejected | None:
    """The number of the decision that says the same already, or why there can be none; else None.

    Args:
        standing: the decisions that count on the article's spans, oldest first.
    """
    last = {place_of(each): each for each in standing}
    same = last.get(place_of(span))
    if same and (same.verdict, same.reviewer, same.source) == (verdict, said.reviewer, said.source):
        return int(same.number)
    why = f"span {span.start}:{span.end} ends past the text" if span.end > len(text) else ""
    if verdict == RIGHT and not why:
        why = why_crossing(span, [place for place, each in last.items() if each.verdict == RIGHT])
    if not why:
        return None
    remedy = "decide first that the other is wrong" if "crosses" in why else "load it again"
    return Rejected(article_id, f"article {article_id}", why, remedy)


def undo(connection: Connection, table: sa.Table, number: int, said: Said) -> bool:
    """Take a decision back, by a row that says so; False where it is none, or was taken back before.

    Args:
        table: `reviews` or `span_decisions`.
    """
    row = connection.execute(sa.select(table).where(table.c.number == number)).first()
    taken = sa.select(sa.exists().where(table.c.undoes == number))
    if row is None or row.undoes is not None or connection.scalar(taken):
        return False
    insert_row(connection, table, undoing(row, said))
    return True


def undoing(row: Any, said: Said) -> dict[str, Any]:
    """The row that takes back one of `reviews` or `span_decisions`."""
    kept = {name: value for name, value in row._mapping.items() if name != "number"}
    verdict = {"verdict": UNDONE} if "verdict" in kept else {}
    return {**kept, **verdict, **said.row(), "undoes": row.number}


def right_spans(connection: Connection, numbers: Iterable[int]) -> dict[int, list[SpanRow]]:
    """For articles by number: the spans whose last verdict is right."""
    return {
        number: [SpanRow(*place, 1.0, "") for place in last if last[place] == RIGHT]
        for number, last in last_words(connection, numbers).items()
    }


def last_words(connection: Connection, numbers: Iterable[int]) -> dict[int, dict[Place, str]]:
    """For articles by number: the verdict that counts on each span that people decided on."""
    return {
        number: {place_of(each): each.verdict for each in decided}
        for number, decided in standing_decisions(connection, numbers).items()
    }


def lock_text(connection: Connection, article_id: str, text_hash: str) -> Any:
    """The row of an article with this text, or a `Rejected`."""
    row = lock_article(connection, article_id)
    if row is not None and row.text_hash == text_hash:
        return row
    why, remedy = "is not in the store", "ner ingest it"
    if row:
        why = "is stored with another text, to which these spans do not apply"
        remedy = "push the stored article again"
    return Rejected(article_id, f"article {article_id}", why, remedy)


def standing_decisions(connection: Connection, numbers: Iterable[int]) -> dict[int, list[Any]]:
    """The decisions that count on spans of articles by number, oldest first."""
    found: dict[int, list[Any]] = {}
    for row in connection.execute(_counting(), {"numbers": list(numbers)}):
        found.setdefault(row.article, []).append(row)
    return found


@cache
def _counting() -> sa.Select[Any]:
    here = span_decisions.c.article.in_(sa.bindparam("numbers", expanding=True))
    query = sa.select(span_decisions).where(here, counts(span_decisions))
    return query.order_by(span_decisions.c.number)


def _reviewed_in(connection: Connection, number: int) -> set[str]:
    """The sources in which an article was read as a whole."""
    query = sa.select(reviews.c.source).where(reviews.c.article == number, counts(reviews))
    return set(connection.scalars(query))


def known_decision(connection: Connection, table: sa.Table, said: Said) -> int | None:
    """The number of the decision that a source has told of before."""
    if said.external_id is None:
        return None
    query = sa.select(table.c.number).where(
        table.c.source == said.source, table.c.external_id == said.external_id
    )
    return connection.scalar(query)


def why_crossing(span: Span, places: Iterable[Place]) -> str:
    """Why a span cannot be right beside those that are; empty if it can."""
    for start, end, label in places:
        if span.crosses(Span(start, end, label)):
            return (
                f"span {span.start}:{span.end} {span.label} crosses {start}:{end} {label},"
                " which was decided to be right"
            )
    return ""


def insert_row(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Add a row; its number."""
    key = connection.execute(_inserting(table), values).inserted_primary_key
    assert key  # the table has a number
    return int(key[0])


@lru_cache(maxsize=100)
def _inserting(table: sa.Table) -> sa.Insert:
    return table.insert()


def columns(article: int, place: Place) -> dict[str, Any]:
    """The columns of a place in an article."""
    return {"article": article, **dict(zip(("start", "end", "label"), place))}


def place_of(span: Any) -> Place:
    """Of a span, or of a row with the same columns."""
    return span.start, span.end, span.label
