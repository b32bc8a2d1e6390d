"""Spans in spaCy's Docs: aligned to tokens, beside the entities that are there, and scored."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.training import Example
from spacy.util import registry

from ner.article import Span

ALIGNMENTS = ("strict", "contract", "expand")


def align(doc: Doc, spans: Sequence[Span], mode: str) -> dict[Span, DocSpan]:
    """Each span as one of the Doc's.

    Args:
        mode: what becomes of a span that begins or ends inside a token: ``strict`` leaves it out with a
            warning, ``contract`` and ``expand`` move it to the token's edge, as in ``Doc.char_span``.
    """
    aligned = {}
    for span in spans:
        each = doc.char_span(span.start, span.end, label=span.label, alignment_mode=mode)
        if each is not None:
            aligned[span] = each
    if missing := len(spans) - len(aligned):
        warnings.warn(
            f"{missing} of {len(spans)} names begin or end inside a token and are left out: use the"
            " tokenizer ner.characters.v1, or the component's alignment_mode 'expand'",
            stacklevel=2,
        )
    return aligned


def add_ents(doc: Doc, spans: Iterable[DocSpan]) -> None:
    """Add to ``doc.ents`` the spans that overlap none that is there."""
    ents = list(doc.ents)
    taken = {token.i for ent in ents for token in ent}
    for span in spans:
        if taken.isdisjoint(range(span.start, span.end)):
            ents.append(span)
            taken.update(range(span.start, span.end))
    doc.set_ents(ents)


def score(examples: Iterable[Example], *, spans_key: str, **others: Any) -> dict[str, Any]:
    """Strict scores of ``doc.spans[spans_key]`` (``spans_ner_f`` …) and of ``doc.ents`` (``ents_f`` …)."""
    examples = list(examples)
    spans = Scorer.score_spans(
        examples,
        attr=f"spans_{spans_key}",
        getter=lambda doc, _: doc.spans.get(spans_key, []),
        has_annotation=lambda doc: spans_key in doc.spans,
        allow_overlap=True,
    )
    return {**spans, **get_ner_prf(examples)}


@registry.scorers("ner.spans_and_ents.v1")  # type: ignore[untyped-decorator]
def make_scorer() -> Any:
    """What spaCy's config names the scorer by."""
    return score
