"""Texts through the tagger such that one that cannot be tagged costs only itself."""

import json
import traceback
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from ner.article import Span
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.tagger.loading import Tagger

BATCH = 32  # articles of a store in one transaction, at most
BATCH_CHARACTERS = 200_000
"""Code points tagged together, at most (a longer text alone): they bound the memory that tagging takes."""


def settings_key(tagger: "Tagger") -> str:
    """SHA-256 of all that decides what a tagger finds in a text: model, thresholds, word lists."""
    house = tagger.component.house
    words = [sorted((n, sorted(ls)) for n, ls in house.names.items()), sorted(house.never)]
    decides = [tagger.hash, words, tagger.component.threshold]
    return sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def tag_each(tagger: "Tagger", texts: Sequence[str]) -> list[list[Span] | NerError]:
    """The spans of each text, or why it could not be tagged."""
    try:
        return list(tagger.tag(texts))
    except Exception:  # a fault of one text must not cost the others theirs: find it
        if len(texts) > 1:
            middle = len(texts) // 2
            return tag_each(tagger, texts[:middle]) + tag_each(tagger, texts[middle:])
        reason = traceback.format_exc(limit=-1).strip().splitlines()[-1]
        return [NerError(f"could not be tagged: {reason}", remedy="report it")]
