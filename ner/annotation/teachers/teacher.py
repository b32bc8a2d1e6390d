"""What all teachers share: foreign labels in ours, batches, and sentences of bounded length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ner.article import Article, Span, batches, without_crossings
from ner.corpus import sentences
from ner.errors import NerError
from ner.labels import LABELS
from ner.tagger.features import windows

Word = tuple[int, int, str]
"""Start, end (code points, half-open) and tag: a part of speech, or a label of the teacher's scheme."""

FOREIGN_LABELS = {
    **{label: label for label in LABELS},  # LAC has three of them
    **{"NR": "PER", "NS": "LOC", "NT": "ORG"},  # MSRA
    **{"nr": "PER", "ns": "LOC", "nt": "ORG"},  # PKU
    **{"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"},  # MSRA as HanLP writes it
    **{"GPE": "LOC", "FAC": "LOC"},  # OntoNotes; NORP, EVENT, WORK_OF_ART … have no label of ours
}
"""Labels of other annotation schemes, and ours for each; spans with any other label are left out."""

BATCH_ARTICLES = 16
BATCH_CHARACTERS = 100_000
_MAX_SENTENCE = 150  # code points; a longer sentence is cut at a comma, so that memory is bounded


@dataclass(frozen=True, slots=True)
class Teacher:
    """A tagger whose spans serve as suggestions.

    Args:
        name: what its spans carry as their model.
        labels: the labels that it can give.
        find: texts to the spans of each; they may cross and need no score.
    """

    name: str
    labels: frozenset[str]
    find: Callable[[Sequence[str]], Sequence[Iterable[Span]]]

    def pipe(self, articles: Iterable[Article]) -> Iterator[Article]:
        """Articles with this teacher's spans, none crossing, in place of what they had."""
        for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
            for article, found in zip(batch, self.find([a.text for a in batch]), strict=True):
                spans = (replace(span, model=self.name) for span in found)
                yield replace(article, spans=tuple(without_crossings(spans)))


def known_labels(labels: Iterable[str], name: str) -> frozenset[str]:
    """Our labels for those of a teacher; labels that have none are left out.

    Args:
        name: the teacher's model, for the error.

    Raises:
        NerError: none of its labels has one of ours.
    """
    labels = sorted(labels)
    ours = frozenset(FOREIGN_LABELS[label] for label in labels if label in FOREIGN_LABELS)
    if not ours:
        raise NerError(
            f"none of its labels is known here: {', '.join(labels[:12]) or 'it has none'}",
            where=name,
            remedy=f"use a named-entity model; known labels: {', '.join(FOREIGN_LABELS)}",
        )
    return ours


def known_spans(words: Iterable[Word]) -> Iterator[Span]:
    """Spans for the words whose tag is one of `FOREIGN_LABELS`."""
    for start, end, tag in words:
        if tag in FOREIGN_LABELS:
            yield Span(start, end, FOREIGN_LABELS[tag])


def short_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the sentences of a text; of long ones, offsets of their parts."""
    for start, end in sentences(text):
        for window in windows(text[start:end], core=_MAX_SENTENCE, context=0):
            yield start + window.start, start + window.end
