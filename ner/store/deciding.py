"""The part of `Store` for what people decide about articles and spans."""

from ner.article import Article, Rejected, Span
from ner.store import decisions
from ner.store.decisions import Said
from ner.store.opened import Opened
from ner.store.runs import ModelKey
from ner.store.schema import reviews, span_decisions


class Deciding(Opened):
    """Decisions are only added; of those on a span the last one counts."""

    def decide(self, article: Article, reviewer: str, *, source: str = "") -> int | Rejected:
        """Add what a person decided about a whole article: see `ner.store.decisions.decide`.

        Returns:
            How many decisions were added, or why none could be.
        """
        said = Said(reviewer, source)
        return self._write(lambda connection: decisions.decide(connection, article, said))

    def decide_span(
        self,
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
            The number of the decision, for `undo`; or why it was not added, for example since the span
            would cross another that was decided to be right.
        """
        key = (article.id, article.text_hash, span, verdict, said, model)
        return self._write(lambda connection: decisions.decide_span(connection, *key))

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
