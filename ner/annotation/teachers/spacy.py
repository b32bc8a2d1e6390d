"""spaCy pipelines as teachers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ner.annotation.teachers.teacher import BATCH_ARTICLES, Teacher, known_labels, known_spans
from ner.article import Span
from ner.errors import NerError, first_line
from ner.labels import LABELS


def spacy(argument: str) -> Teacher:
    """A spaCy pipeline, by name or path: its entities, and the spans of its groups.

    Raises:
        NerError: it cannot be loaded.
    """
    import spacy as library

    try:
        nlp = library.load(argument)
    except (OSError, ValueError) as error:
        raise NerError(
            f"spaCy cannot load it: {first_line(error)[:200]}",
            where=argument,
            remedy="give a pipeline's folder, or install its package",
        ) from None
    declared = {label for labels in nlp.pipe_labels.values() for label in labels}
    labels = known_labels(declared or LABELS, argument)  # some components declare none

    def find(texts: Sequence[str]) -> list[list[Span]]:
        return [list(_doc_spans(doc)) for doc in nlp.pipe(texts, batch_size=BATCH_ARTICLES)]

    return Teacher(f"spacy:{nlp.meta['name']}", labels, find)


def _doc_spans(doc: Any) -> Iterator[Span]:
    yield from known_spans((e.start_char, e.end_char, e.label_) for e in doc.ents)
    for group in doc.spans.values():
        scores = group.attrs.get("scores", itertools.repeat(1.0))
        for span, score in zip(group, scores):
            for ours in known_spans([(span.start_char, span.end_char, span.label_)]):
                yield replace(ours, score=float(score))
