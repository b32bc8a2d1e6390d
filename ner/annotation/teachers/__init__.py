"""Teachers: other taggers, each with its spans in our labels and offsets, and their agreement.

A teacher is named ``NAME`` or ``NAME:ARGUMENT``, as in ``lac`` or ``hanlp:models/msra``. Foreign label
schemes, words in place of characters and the length of sentences are dealt with here and nowhere else.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ner.annotation.teachers.dictionary import dictionary
from ner.annotation.teachers.hanlp import hanlp
from ner.annotation.teachers.lac import lac, lac_words
from ner.annotation.teachers.model import model
from ner.annotation.teachers.spacy import spacy
from ner.annotation.teachers.teacher import (
    BATCH_ARTICLES,
    BATCH_CHARACTERS,
    Teacher,
    Word,
)
from ner.article import Article, Span, batches, without_crossings
from ner.errors import NerError

TEACHERS: dict[str, Callable[[str], Teacher]] = {
    "model": model,
    "lac": lac,
    "hanlp": hanlp,
    "spacy": spacy,
    "dictionary": dictionary,
}
"""Teachers by name; a function is given what follows the colon and returns a loaded `Teacher`."""
_NEED_ARGUMENT = ("hanlp", "spacy", "dictionary")


def load(name: str) -> Teacher:
    """The teacher of that name, loaded.

    Raises:
        NerError: there is none, its library is not installed, or its model cannot be loaded.
    """
    kind, _, argument = name.partition(":")
    if kind not in TEACHERS:
        raise NerError(f"no teacher {kind!r}", remedy=f"one of {', '.join(TEACHERS)}")
    if not argument and kind in _NEED_ARGUMENT:
        raise NerError(f"the teacher {kind} needs a name or a path", remedy=f"{kind}:PATH")
    return TEACHERS[kind](argument)


def suggest(
    articles: Iterable[Article], teachers: Sequence[Teacher], *, least: float = 0.0
) -> Iterator[Article]:
    """Articles with the spans that the teachers agree on, in place of those they had; see `agree`.

    Articles are read a batch at a time.

    Args:
        least: spans with a lower score are left out.
    """
    for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
        answers = [teacher.pipe(batch) for teacher in teachers]
        for article, *answered in zip(batch, *answers, strict=True):
            given = [(t.labels, a.spans) for t, a in zip(teachers, answered)]
            agreed = (span for span in agree(given) if span.score >= least)
            yield replace(article, spans=tuple(agreed))


def agree(answers: Iterable[tuple[Iterable[str], Iterable[Span]]]) -> list[Span]:
    """One set of spans from several, scored by agreement.

    A span's score is the mean, over the teachers that can give its label, of the score each gives
    exactly this span: 1 from one that gives no scores, its calibrated probability from our model, 0
    from one that does not find it. Of two that cross, the one with the higher score is kept.

    Args:
        answers: of each teacher, the labels it can give and the spans it gives.
    """
    voters: dict[str, int] = defaultdict(int)
    votes: dict[Span, list[Span]] = defaultdict(list)
    for labels, spans in answers:
        spans = list(spans)
        # A teacher may give a label that it did not declare.
        for label in {*labels, *(span.label for span in spans)}:
            voters[label] += 1
        for span in spans:
            votes[span].append(span)
    return without_crossings(
        replace(
            span,
            score=sum(vote.score for vote in given) / voters[span.label],
            model="+".join(vote.model for vote in given),
        )
        for span, given in votes.items()
    )


__all__ = [
    "BATCH_ARTICLES",
    "BATCH_CHARACTERS",
    "Teacher",
    "Word",
    "agree",
    "lac_words",
    "load",
    "suggest",
]
