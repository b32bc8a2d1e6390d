"""Made-up passages with their spans, from a grammar: sentences of kinds that annotated articles rarely have.

A grammar is a TOML file. Under ``[rules]`` each name has its alternatives, one a line; under ``[words]``
they stand between blanks; under ``[lists.NAME]`` they come from a file. In an alternative ``{name}`` is
replaced by one of that name's alternatives at random, ``{name#1}`` by the same one wherever it stands in the
passage, ``{3-40}`` by a number, ``⏎`` by a line end, and ``<PER …>`` marks a span; spans nest.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from ner.article import Span
from ner.corpus import Example
from ner.errors import NerError, at
from ner.formats import Source, open_source, source_lines
from ner.training.config import FilePath, Table
from ner.training.config_file import read_config

LINE_END = "⏎"
_SLOT = re.compile(r"\{(?:(\d+)-(\d+)|([^\W\d]\w*))(?:#(\w+))?\}")
_MARK = re.compile(r"<([^\W\d_][\w.-]*) |>")


class NameList(Table):
    """Names from a file.

    Args:
        file: CSV with a line of column names, or JSONL; plain or gzipped.
        field: the column or field that holds the name.
        part: in JSONL take the text under the spans of this label instead.
        match: a pattern that the whole value must match; others are left out.
        name: what the name is, with the groups of ``match``.
    """

    file: FilePath
    field: str = "text"
    part: str = ""
    match: str = "(.+)"
    name: str = r"\1"


class GrammarFile(Table):
    """A grammar as its file has it."""

    rules: Mapping[str, str]
    words: Mapping[str, str] = {}
    lists: Mapping[str, NameList] = {}


@dataclass(frozen=True)
class Grammar:
    """The alternatives of each name."""

    alternatives: Mapping[str, Sequence[str]]

    def make(self, name: str, rng: np.random.Generator) -> Example:
        """One of the texts that a name stands for, with its spans."""
        same: dict[str, str] = {}

        def fill(slot: re.Match[str]) -> str:
            if slot[4] and slot[0] in same:
                return same[slot[0]]
            low, high, inner = slot[1], slot[2], slot[3]
            filled = str(rng.integers(int(low), int(high) + 1)) if low else expand(inner)
            same[slot[0]] = filled
            return filled

        def expand(name: str) -> str:
            among = self.alternatives[name]
            return _SLOT.sub(fill, among[int(rng.integers(len(among)))])

        return parse_marked(expand(name).replace(LINE_END, "\n"))


def parse_marked(marked: str) -> Example:
    """A text with marks like ``<ORG <LOC 重庆>日报>`` as the text and its spans, outer ones first.

    Raises:
        NerError: a mark is not closed, or closed without being opened.
    """
    parts: list[str] = []
    spans, opened = [], []
    length = position = 0
    for mark in _MARK.finditer(marked):
        parts.append(marked[position : mark.start()])
        length += len(parts[-1])
        position = mark.end()
        if mark[1]:
            opened.append((length, mark[1]))
        elif opened:
            start, label = opened.pop()
            spans.append(Span(start, length, label))
        else:
            opened = [(0, "")]
            break
    if opened:
        raise NerError(f"marks do not close: {marked:.60}", remedy="write <PER 王强>")
    text = "".join([*parts, marked[position:]])
    return Example(text, tuple(sorted(spans, key=lambda span: (span.start, -span.end))))


def read_grammar(path: Path) -> Grammar:
    """Read a grammar and the files that it names.

    Raises:
        NerError: a file cannot be read; a mark does not close; a name stands for nothing, for two things,
            or for itself.
    """
    file = read_config(path, GrammarFile)
    rules = {name: lines.strip("\n").split("\n") for name, lines in file.rules.items()}
    words = {name: line.split() for name, line in file.words.items()}
    with at(str(path)):
        lists = {name: sorted(set(_names(names))) for name, names in file.lists.items()}
        alternatives = {**words, **lists, **rules}
        if len(alternatives) < len(rules) + len(words) + len(lists):
            raise NerError("a name stands in two tables", remedy="rename one of them")
        _check(alternatives)
    return Grammar(alternatives)


def _check(alternatives: Mapping[str, Sequence[str]]) -> None:
    uses: dict[str, set[str]] = {}
    for name, among in alternatives.items():
        if not among:
            raise NerError(f"{name} has no alternative", remedy="give one, or a wider match")
        uses[name] = {slot[3] for each in among for slot in _SLOT.finditer(each) if slot[3]}
        if unknown := uses[name] - set(alternatives):
            raise NerError(
                f"{name} uses {{{min(unknown)}}}, which stands for nothing",
                remedy="name it under [rules], [words] or [lists]",
            )
        for each in among:
            if "{" in _SLOT.sub("", each):
                raise NerError(f"{name} has a brace that is no slot: {each:.60}")
            parse_marked(each)
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        raise NerError(f"{error.args[1][0]} stands for itself", remedy="take it out") from None


def _names(names: NameList) -> Iterator[str]:
    try:
        pattern = re.compile(names.match)
        for value in _values(names):
            if match := pattern.fullmatch(value):
                yield match.expand(names.name)
    except re.error as error:
        raise NerError(
            f"match {names.match!r} or name {names.name!r} cannot be used: {error}",
            remedy="see https://docs.python.org/3/library/re.html",
        ) from None


def _values(names: NameList) -> Iterator[str]:
    with open_source(names.file) as source:
        rows: Iterable[Mapping[str, Any]] = (
            csv.DictReader(source.text.splitlines())
            if source.suffix == ".csv"
            else _json_rows(source)
        )
        try:
            for row in rows:
                if not names.part:
                    yield row[names.field]
                    continue
                for start, end, label in row["spans"]:
                    if label == names.part:
                        yield row["text"][start:end]
        except (KeyError, TypeError, ValueError) as error:
            raise NerError(
                f"has rows of another form: {error}",
                where=str(names.file),
                remedy="name its field or part",
            ) from None


def _json_rows(source: Source) -> Iterator[Mapping[str, Any]]:
    for where, row in source_lines(source):
        if isinstance(row, NerError):
            raise NerError(row.message, where=where, remedy=row.remedy)
        yield row
