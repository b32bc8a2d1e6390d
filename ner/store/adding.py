"""Adding articles: what becomes of each, and why some cannot be stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store.articles import FIELDS, TEXT_FIELDS, is_reviewed, lock_articles, unstorable
from ner.store.failures import drop_solved, record_failures
from ner.store.quarantine import forgive
from ner.store.schema import articles, now, texts

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
    adding = _Adding(connection, batch, replacing=replacing)
    outcomes: list[Added] = []
    for item in batch:
        outcome = item if isinstance(item, Rejected) else adding.add(item)
        if isinstance(outcome, Rejected):
            outcomes.append(Added(item.id, "failed", outcome))
        else:
            outcomes.append(Added(item.id, outcome))
    adding.insert_new()
    failures = [added.failure for added in outcomes if added.failure]
    unsolved = {*failed_before, *(failure.id for failure in failures)}
    drop_solved(connection, sorted({added.id for added in outcomes} - unsolved))
    record_failures(connection, failures)
    return outcomes


class _Adding:
    """A batch on its way in: what is there is read by one statement, what is new written by two."""

    def __init__(
        self, connection: Connection, batch: Sequence[Article | Rejected], *, replacing: bool
    ) -> None:
        self._connection = connection
        self._replacing = replacing
        self._new: dict[str, Article] = {}
        ids = [item.id for item in batch if isinstance(item, Article) and not _fault(item)]
        self._stored = {row.id: row for row in lock_articles(connection, ids)}

    def add(self, article: Article) -> str | Rejected:
        """What becomes of an article: it cannot be stored, its id has another text, or one of

        ``added``; ``unchanged``; ``restored`` where the stored text or hash had been changed from outside;
        when replacing also ``updated`` (same text, other fields) and ``replaced``.
        """
        if fault := _fault(article):
            return fault
        if waiting := self._new.get(article.id):  # the id stands twice in the batch
            return self._add_again(article, waiting)
        stored = self._stored.get(article.id)
        if stored is None:
            self._new[article.id] = article
            return "added"
        same_text, same_hash = stored.text == article.text, stored.text_hash == article.text_hash
        if not (same_text or same_hash):
            if not self._replacing or is_reviewed(self._connection, stored.number):
                return _conflict(article, self._replacing)
            self._connection.execute(articles.delete().where(articles.c.number == stored.number))
            self._new[article.id] = article
            return "replaced"
        is_whole = same_text and same_hash and stored.length == len(article.text)
        if is_whole and (not self._replacing or _same_fields(stored, article)):
            return "unchanged"
        self._update(stored.number, article)
        return "updated" if is_whole else "restored"

    def _add_again(self, article: Article, waiting: Article) -> str | Rejected:
        if article.text == waiting.text:
            if not self._replacing or article == replace(waiting, spans=article.spans):
                return "unchanged"
            self._new[article.id] = article
            return "updated"
        if not self._replacing:
            return _conflict(article, self._replacing)
        self._new[article.id] = article
        return "replaced"

    def _update(self, number: int, article: Article) -> None:
        """Write all fields anew; a model that could not tag the article may try again."""
        row = _article_row(article)
        row.pop("added_at")
        connection = self._connection
        connection.execute(articles.update().where(articles.c.number == number).values(row))
        connection.execute(texts.delete().where(texts.c.article == number))
        connection.execute(texts.insert().values(article=number, text=article.text))
        forgive(connection, number)
        self._stored[article.id] = next(lock_articles(connection, [article.id]))

    def insert_new(self) -> None:
        """Write the new articles, in the order in which they came."""
        if not self._new:
            return
        rows = [_article_row(article) for article in self._new.values()]
        added = articles.insert().returning(articles.c.id, articles.c.number)
        numbers = {row.id: row.number for row in self._connection.execute(added, rows)}
        text_rows = [{"article": numbers[a.id], "text": a.text} for a in self._new.values()]
        self._connection.execute(texts.insert(), text_rows)


def _fault(article: Article) -> Rejected | None:
    """Why an article can be stored in no database."""
    if len(article.id) > MAX_ID:
        why = f"an id of {len(article.id):,} characters, over {MAX_ID}"
        return Rejected(article.id, _place(article), why, "give it a shorter id")
    for name in ("id", "text", *TEXT_FIELDS):
        if found := unstorable(getattr(article, name)):
            why = f"its {name} holds U+{ord(found[0]):04X}, which is not text"
            return Rejected(article.id, _place(article), why, "mend how the file was made")
    return None


def _conflict(article: Article, replacing: bool) -> Rejected:
    why = "is already stored with another text"
    remedy = "give it another id, or --replace to drop the old text and its spans"
    if replacing:
        why = "is stored with another text, and a reviewer has decided on that"
        remedy = "give the new text another id"
    return Rejected(article.id, _place(article), why, remedy)


def _place(article: Article) -> str:
    """Where an article was read, as far as that is known, and its id."""
    shown = article.id if len(article.id) <= MAX_ID else article.id[:30] + "…"
    return f"{article.where}: article {shown}" if article.where else f"article {shown}"


def _article_row(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "text_hash": article.text_hash,
        "length": len(article.text),
        **{name: getattr(article, name) for name in FIELDS},
        "added_at": now(),
    }


def _same_fields(stored: Any, article: Article) -> bool:
    """True where a row differs from an article in none of the fields beside id and text."""
    same_date = str(stored.date or "") == str(article.date or "")  # SQLite gives dates as text
    others = (name for name in FIELDS if name != "date")
    return same_date and all(getattr(stored, name) == getattr(article, name) for name in others)
