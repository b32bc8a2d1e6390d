"""What counts of what people said: conditions for queries."""

from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from ner.store.schema import articles, reviews, span_decisions, spans, texts

RIGHT, WRONG = "right", "wrong"  # verdicts on a span
UNDONE = "undone"  # the verdict of a row that takes another back


@lru_cache(maxsize=100)
def stands(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """A condition on `reviews` or `span_decisions`: takes nothing back, and was not taken back.

    It is one that no index serves: SQLite would take that of ``undoes``, under whose NULL nearly all rows
    are, before that of the article.
    """
    later = table.alias()
    taken = sa.select(later.c.number).where(later.c.undoes == table.c.number)
    return sa.and_(sa.func.coalesce(table.c.undoes, 0) == 0, ~taken.exists())


@lru_cache(maxsize=100)
def counts(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The same, and was not said by one of several independent readers, whose word counts once settled."""
    return sa.and_(stands(table), table.c.queue.is_(None))


@cache
def was_read() -> sa.ColumnElement[bool]:
    """A condition on `articles`: a person read all of its present text."""
    return sa.exists().where(
        reviews.c.article == articles.c.number,
        reviews.c.text_hash == articles.c.text_hash,
        counts(reviews),
    )


@cache
def is_kept() -> sa.ColumnElement[bool]:
    """A condition on `spans`: not called wrong, and crossed by none that was called right."""
    said = span_decisions.alias()
    crosses = sa.or_(
        *(
            sa.and_(a.c.start < b.c.start, b.c.start < a.c.end, a.c.end < b.c.end)
            for a, b in ((said, spans), (spans, said))
        )
    )
    here = said.c.article == spans.c.article
    crossed = sa.exists().where(here, crosses, said.c.verdict == RIGHT, _last_word(said) == RIGHT)
    is_wrong = sa.func.coalesce(_last_word(spans), "") == WRONG
    # Of most articles nobody has said anything, which is asked first: it is one look into an index.
    return sa.or_(~sa.exists().where(here), sa.and_(~is_wrong, ~crossed))


def called_right(label: str | None, name: str | None) -> sa.Select[Any]:
    """The articles in which a span with a label, a name or both was called right, whoever found it."""
    said = span_decisions.alias()
    query = sa.select(said.c.article).where(said.c.verdict == RIGHT, _last_word(said) == RIGHT)
    if label:
        query = query.where(said.c.label == label)
    if name:
        length = said.c.end - said.c.start
        of = texts.alias()  # whether or not the query has the texts too
        covered = sa.func.substr(of.c.text, said.c.start + 1, length)
        query = query.join(of, of.c.article == said.c.article)
        query = query.where(length == len(name), covered == name)
    return query


def _last_word(place: sa.FromClause) -> sa.ScalarSelect[str]:
    """The verdict that counts on the span of a row; NULL where there is none."""
    said = span_decisions.alias()
    same = (said.c[name] == place.c[name] for name in ("article", "start", "end", "label"))
    query = sa.select(said.c.verdict).where(*same, counts(said))
    return query.order_by(said.c.number.desc()).limit(1).scalar_subquery()
