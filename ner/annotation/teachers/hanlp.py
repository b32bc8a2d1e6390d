"""HanLP 2.1 models as teachers."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ner.annotation.teachers.teacher import (
    Teacher,
    Word,
    known_labels,
    known_spans,
    short_sentences,
)
from ner.article import Span
from ner.errors import NerError, missing_extra

_BATCH_SENTENCES = 64


def hanlp(argument: str) -> Teacher:
    """A HanLP model (2.1, PyTorch), by its name in ``hanlp.pretrained`` or by its folder.

    A single-task recogniser is given characters; a multi-task model segments words itself, and the
    first of its ``ner`` tasks is run.

    Raises:
        NerError: HanLP is not installed, or the model cannot be loaded or downloaded.
    """
    try:
        import hanlp as library
    except ImportError as error:
        raise missing_extra(error.name, "hanlp") from None
    try:
        component: Any = library.load(argument, verbose=False)
    except Exception as error:  # HanLP lets through whatever its many loaders raise
        reason = (str(error).splitlines() or [""])[0][:200]
        raise NerError(
            f"HanLP cannot load it: {type(error).__name__}: {reason}",
            where=argument,
            remedy="names are downloaded; without a network give the folder of an unpacked model",
        ) from None
    tasks = [name for name in getattr(component, "tasks", ()) if name.startswith("ner")]
    task = tasks[0] if tasks else ""
    vocabulary = (component.tasks[task] if task else component).vocabs
    tags = vocabulary["tag" if "tag" in vocabulary else "label"].idx_to_token
    labels = known_labels({str(tag).split("-", 1)[-1] for tag in tags}, argument)

    def find(texts: Sequence[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        pieces = ((n, *piece) for n, text in enumerate(texts) for piece in short_sentences(text))
        while group := list(itertools.islice(pieces, _BATCH_SENTENCES)):
            strings = [texts[n][start:end] for n, start, end in group]
            answers = _multi_task(component, task, strings) if task else _single(component, strings)
            for (n, first, _), words in zip(group, answers, strict=True):
                found[n] += known_spans((first + a, first + b, tag) for a, b, tag in words)
        return found

    return Teacher(f"hanlp:{Path(argument).name}", labels, find)


def _single(component: Any, strings: Sequence[str]) -> Iterator[list[Word]]:
    for entities in component([list(string) for string in strings]):
        yield [(start, end, label) for _, label, start, end in entities]


def _multi_task(component: Any, task: str, strings: Sequence[str]) -> Iterator[list[Word]]:
    document = component(list(strings), tasks=[task])
    [words] = [value for name, value in document.items() if name.startswith("tok")]
    for string, tokens, entities in zip(strings, words, document[task], strict=True):
        offsets, place = [], 0
        for token in tokens:  # HanLP drops white space between them
            start = max(string.find(token, place), place)
            place = start + len(token)
            offsets.append((start, place))
        yield [(offsets[a][0], offsets[b - 1][1], label) for _, label, a, b in entities]
