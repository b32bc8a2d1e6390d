"""Adding articles: what becomes of each, and why some cannot be stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store.articles import FIELDS, TEXT_FIELDS, is_reviewed, lock_article, unstorable
from ner.store.failures import drop_solved, record_failures
from ner.store.schema import articles, now

MAX_ID = 500  # code points, at most 2,000 bytes: PostgreSQL's index takes 2,704


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one item: ``added``, ``unchanged``, ``replaced``, ``updated``, ``restored`` or
    ``failed``."""

    id: str
    outcome: str
    failure: Rejected | None = None


def add_batch(
    connection: Connection,
    batch: Sequence[Article | Rejected],
    *,
    replacing: bool,
    failed_before: Collection[str] = (),
) -> list[Added]:
    """Store articles, and record what could not be one; the failures of those stored now are dropped.

    Args:
        failed_before: ids whose failures stay, since they are of this very `add`.
    """
    outcomes: list[Added] = []
    for item in batch:
        outcome: str | Rejected = item if isinstance(item, Rejected) else ""
        if isinstance(item, Article):
            outcome = add_article(connection, item, replacing=replacing)
        if isinstance(outcome, Rejected):
            outcomes.append(Added(item.id, "failed", outcome))
        else:
            outcomes.append(Added(item.id, outcome))
    failures = [added.failure for added in outcomes if added.failure]
    unsolved = {*failed_before, *(failure.id for failure in failures)}
    drop_solved(connection, sorted({added.id for added in outcomes} - unsolved))
    record_failures(connection, failures)
    return outcomes


def add_article(connection: Connection, article: Article, *, replacing: bool) -> str | Rejected:
    """Store one article, or say why not: it cannot be stored, or its id has another text.

    Returns:
        ``added``; ``unchanged``; ``restored`` where the stored text or hash had been changed from outside;
        with `replacing` also ``updated`` (same text, other fields) and ``replaced``.
    """
    if fault := _fault(article):
        return fault
    stored = lock_article(connection, article.id)
    row = _article_row(article)
    if stored is None:
        connection.execute(articles.insert(), row)
        return "added"
    same_text, same_hash = stored.text == article.text, stored.text_hash == article.text_hash
    if same_text and same_hash:
        if not replacing or _same_fields(stored, article):
            return "unchanged"
    elif not (same_text or same_hash):
        if not replacing or is_reviewed(connection, stored.number):
            return _conflict(article, replacing)
        connection.execute(articles.delete().where(articles.c.number == stored.number))
        connection.execute(articles.insert(), row)
        return "replaced"
    row.pop("added_at")
    connection.execute(articles.update().where(articles.c.number == stored.number).values(row))
    return "updated" if same_text and same_hash else "restored"


def _fault(article: Article) -> Rejected | None:
    """Why an article can be stored in no database."""
    where = f"article {article.id}"
    if len(article.id) > MAX_ID:
        why = f"an id of {len(article.id):,} characters, over {MAX_ID}"
        shown = article.id[:30] + "…"
        return Rejected(article.id, f"article {shown}", why, "give it a shorter id")
    for name in ("id", "text", *TEXT_FIELDS):
        if found := unstorable(getattr(article, name)):
            why = f"its {name} holds U+{ord(found[0]):04X}, which is not text"
            return Rejected(article.id, where, why, "mend how the file was made")
    return None


def _conflict(article: Article, replacing: bool) -> Rejected:
    why = "is already stored with another text"
    remedy = "give it another id, or --replace to drop the old text and its spans"
    if replacing:
        why = "is stored with another text, and a reviewer has decided on that"
        remedy = "give the new text another id"
    return Rejected(article.id, f"article {article.id}", why, remedy)


def _article_row(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "text": article.text,
        "text_hash": article.text_hash,
        **{name: getattr(article, name) for name in FIELDS},
        "added_at": now(),
    }


def _same_fields(stored: Any, article: Article) -> bool:
    """True where a row differs from an article in none of the fields beside id and text."""
    same_date = str(stored.date or "") == str(article.date or "")  # SQLite gives dates as text
    others = (name for name in FIELDS if name != "date")
    return same_date and all(getattr(stored, name) == getattr(article, name) for name in others)
