"""Articles with spans as data: read, count, check, split and merge."""

from ner.corpus.check import KINDS, Finding, check
from ner.corpus.parts import merge, part_of
from ner.corpus.read import Entry, Example, entries, examples, read, read_quotes, sentences, whole
from ner.corpus.statistics import QUOTED, Statistics, grouped, quoted, statistics

__all__ = [
    "KINDS",
    "QUOTED",
    "Entry",
    "Example",
    "Finding",
    "Statistics",
    "check",
    "entries",
    "examples",
    "grouped",
    "merge",
    "part_of",
    "quoted",
    "read",
    "read_quotes",
    "sentences",
    "statistics",
    "whole",
]
