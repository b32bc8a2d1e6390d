"""The part of `ForeignStore` for what people decide about articles and spans."""

import sqlalchemy as sa

from ner.article import Article, Rejected, Span
from ner.store.decisions import Said, check_verdict, undo
from ner.store.foreign import decisions
from ner.store.foreign.opened import Opened
from ner.store.foreign.rows import ForeignRow
from ner.store.runs import ModelKey


class Deciding(Opened):
    """As in a store of ours: decisions are only added, and of those on a span the last one counts."""

    def decide(self, article: Article, reviewer: str, *, source: str = "") -> int | Rejected:
        """Add what a person decided about a whole article: see `ner.store.decisions.decide`.

        Returns:
            How many decisions were added, or why none could be.
        """
        row = self._row(article)
        if isinstance(row, Rejected):
            return row
        key = (row, article, Said(reviewer, source))
        return self._write(lambda connection: decisions.decide(connection, self._tables, *key))

    def decide_span(
        self,
        article: Article,
        span: Span,
        verdict: str,
        said: Said,
        *,
        model: ModelKey | None = None,
    ) -> int | Rejected:
        """Add what a person decided about one span of an article as it is in the table.

        Args:
            verdict: ``right`` or ``wrong``.
            model: whose span it was; None where a person drew it.

        Returns:
            The number of the decision, for `undo`; or why it was not added.

        Raises:
            ValueError: the verdict is none.
        """
        check_verdict(verdict)
        row = self._row(article)
        if isinstance(row, Rejected):
            return row
        key = (row, span, verdict, said, model)
        return self._write(lambda connection: decisions.decide_span(connection, self._tables, *key))

    def undo(self, decision: int, said: Said) -> bool:
        """Take back a decision on a span, so that the one before it counts again.

        Nothing is deleted: that it was taken back is a decision too.

        Returns:
            False where there is none of that number, or it was taken back before.
        """
        return self._undo(self._tables.decisions, decision, said)

    def undo_review(self, review: int, said: Said) -> bool:
        """Take back that an article was read as a whole; as `undo`."""
        return self._undo(self._tables.reviews, review, said)

    def _undo(self, table: sa.Table, number: int, said: Said) -> bool:
        if not self._has_tables:
            return False
        return self._write(lambda connection: undo(connection, table, number, said))

    def _row(self, article: Article) -> ForeignRow | Rejected:
        """The row of an article, or why it cannot be decided on."""
        row = self.table.by_id_text([article.id]).get(article.id)
        if row and row.hash == article.text_hash:
            return row
        why, remedy = "is not in the table", "check the id"
        if row:
            why = "has another text in the table, to which these spans do not apply"
            remedy = f"tag it again: ner tag --article {row.id}"
        return Rejected(article.id, f"article {article.id}", why, remedy)
