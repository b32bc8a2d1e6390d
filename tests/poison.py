"""A model that a text kills, with the process that tags it; for the tests of engines with processes."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ner.article import Span
from ner.tagger.loading import Tagger, load

POISON = "第00013篇"


def load_poisoned(folder: Path) -> Tagger:
    """The model of a folder, which ends its process at a text that holds `POISON`."""
    tagger = load(folder, threads=1)
    stream = tagger.component.stream

    def poisoned(texts: Iterable[str]) -> Iterator[list[Span]]:
        return stream(os._exit(1) if POISON in text else text for text in texts)

    tagger.component.stream = poisoned  # type: ignore[method-assign]
    return tagger
