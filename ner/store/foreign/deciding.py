"""The part of `ForeignStore` for what people decide about articles and spans."""

from ner.article import Article, Rejected, Span
from ner.store.decisions import Said, check_verdict, undo
from ner.store.foreign import decisions
from ner.store.foreign.opened import Opened, writes
from ner.store.foreign.rows import ForeignRow
from ner.store.runs import ModelKey


class Deciding(Opened):
    """As in a store of ours: decisions are only added, and of those on a span the last one counts."""

    _decide = writes(decisions.decide)
    _decide_span = writes(decisions.decide_span)

    def decide(self, article: Article, reviewer: str, *, source: str = "") -> int | Rejected:
        """Add what a person decided about a whole article: see `ner.store.decisions.decide`."""
        row = self._row(article)
        if isinstance(row, Rejected):
            return row
        return self._decide(row, article, Said(reviewer, source))

    def decide_span(
        self,
        article: Article,
        span: Span,
        verdict: str,
        said: Said,
        *,
        model: ModelKey | None = None,
    ) -> int | Rejected:
        """Add what a person decided about one span: see `ner.store.decisions.decide_span`."""
        check_verdict(verdict)
        row = self._row(article)
        if isinstance(row, Rejected):
            return row
        return self._decide_span(row, span, verdict, said, model)

    def undo(self, decision: int, said: Said) -> bool:
        """Take back a decision on a span: as `ner.store.Store.undo`."""
        return self._has_tables and self._write(
            lambda connection: undo(connection, self._tables.decisions, decision, said)
        )

    def undo_review(self, review: int, said: Said) -> bool:
        """Take back that an article was read as a whole; as `undo`."""
        return self._has_tables and self._write(
            lambda connection: undo(connection, self._tables.reviews, review, said)
        )

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
