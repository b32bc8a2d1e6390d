"""A list of names as a teacher."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ner.annotation.teachers.teacher import FOREIGN_LABELS, Teacher
from ner.article import Span
from ner.errors import NerError, at
from ner.formats import open_source


def dictionary(argument: str) -> Teacher:
    """A file of names, a line ``NAME<TAB>LABEL``: the longest name at each place, left to right.

    A label is one of ours, another scheme's for one of ours (see `FOREIGN_LABELS`), or any other.

    Raises:
        NerError: the file cannot be read, or a line has another form.
    """
    labels, lengths = _read_names(Path(argument))

    def names(text: str) -> Iterator[Span]:
        place = 0
        while place < len(text):
            for length in lengths.get(text[place], ()):
                if label := labels.get(text[place : place + length]):
                    yield Span(place, place + length, label)
                    place += length
                    break
            else:
                place += 1

    return Teacher(
        f"dictionary:{Path(argument).name}",
        frozenset(labels.values()),
        lambda texts: [list(names(text)) for text in texts],
    )


def _read_names(path: Path) -> tuple[dict[str, str], dict[str, list[int]]]:
    """The label of each name, and by first character the lengths of names, longest first.

    Not pyahocorasick's ``iter_long``, which is made for this: 2.3.1 misses names at a text's end.
    """
    labels: dict[str, str] = {}
    lengths: dict[str, set[int]] = defaultdict(set)
    with at(str(path)), open_source(path) as source:
        lines = source.text.splitlines()
    for number, line in enumerate(lines, 1):
        name, tab, label = (part.strip(" ") for part in line.partition("\t"))
        if not line.strip():
            continue
        with at(f"{path}:{number}"):
            if not tab or not name or not label:
                raise NerError(
                    f"{line[:60]!r} is not a name and a label",
                    remedy="write NAME<TAB>LABEL, for example 南岸区<TAB>LOC",
                )
            labels[name] = Span(0, len(name), FOREIGN_LABELS.get(label, label)).label
        lengths[name[0]].add(len(name))
    return labels, {first: sorted(found, reverse=True) for first, found in lengths.items()}
