"""What people decided about articles: append-only, and of each span the last verdict counts."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store.articles import lock_article
from ner.store.runs import SpanRow
from ner.store.schema import articles, decisions, now, spans

RIGHT, WRONG = "right", "wrong"  # verdicts on a span
WHOLE = "whole"  # the verdict on an article that a person read as a whole

Place = tuple[int, int, str]
"""Start, end and label, by which two spans are the same. Without a label: the whole article."""


def decide(connection: Connection, article: Article, reviewer: str, note: str) -> int | Rejected:
    """Add what a person decided about a whole article: its spans are right, others found there wrong.

    The last verdict on a span counts. Who decides the same again, known by the note, adds nothing, even
    where somebody else has decided otherwise since.

    Returns:
        How many decisions were added, or why the article could not be decided on: it is not in the
        store, or there with another text.
    """
    row = lock_article(connection, article.id)
    if row is None or row.text_hash != article.text_hash:
        why, remedy = "is not in the store", "ner ingest it"
        if row:
            why = "is stored with another text, to which these spans do not apply"
            remedy = "push the stored article again"
        return Rejected(article.id, f"article {article.id}", why, remedy)
    query = sa.select(decisions).where(decisions.c.article == row.number)
    earlier = connection.execute(query.order_by(decisions.c.number)).all()
    last = {_place(each): each.verdict for each in earlier}
    own = {_place(each): each.verdict for each in earlier if each.note == note}
    right = set(map(_place, article.spans))
    whole = (0, len(article.text), "")
    if whole in own and right == {place for place in own if own[place] == RIGHT}:
        return 0
    found = connection.execute(sa.select(spans).where(spans.c.article == row.number)).all()
    verdicts = dict.fromkeys([*map(_place, found), *last], WRONG)
    verdicts |= {**dict.fromkeys(right, RIGHT), whole: WHOLE}
    new = [
        {
            **dict(zip(("start", "end", "label"), place)),
            **{"article": row.number, "verdict": verdict, "reviewer": reviewer},
            **{"note": note, "at": now()},
        }
        for place, verdict in verdicts.items()
        if not last.get(place) == own.get(place) == verdict
    ]
    connection.execute(decisions.insert(), new)
    return len(new)


def right_spans(connection: Connection, numbers: Iterable[int]) -> Mapping[int, list[SpanRow]]:
    """For articles by number: the spans whose last verdict is right."""
    query = sa.select(decisions).where(decisions.c.article.in_(numbers))
    last: dict[int, dict[Place, str]] = {}
    for row in connection.execute(query.order_by(decisions.c.number)):
        last.setdefault(row.article, {})[_place(row)] = row.verdict
    return {
        number: [SpanRow(*place, 1.0, "") for place in verdicts if verdicts[place] == RIGHT]
        for number, verdicts in last.items()
    }


def reviewed_as_a_whole() -> sa.ColumnElement[bool]:
    """A condition on `articles`: a person read all of it."""
    query = sa.select(decisions.c.article).where(
        decisions.c.article == articles.c.number, decisions.c.verdict == WHOLE
    )
    return query.exists()


def _place(span: Any) -> Place:
    """Of a span, or of a row with the same columns."""
    return span.start, span.end, span.label
