"""Annotated files as data: read, count, check, split and merge."""

from ner.corpus.boundaries import snap_rows
from ner.corpus.check import FINDING_KINDS, Finding, check
from ner.corpus.parts import merge, part_of, split
from ner.corpus.read import Entry, Example, entries, examples, read, read_quotes, sentences, strict
from ner.corpus.standoff import attach, attach_quotes, detach, holds_quotes
from ner.corpus.statistics import Statistics, grouped, quoted, statistics

__all__ = [
    "FINDING_KINDS",
    "Entry",
    "Example",
    "Finding",
    "Statistics",
    "attach",
    "attach_quotes",
    "check",
    "detach",
    "entries",
    "examples",
    "grouped",
    "holds_quotes",
    "merge",
    "part_of",
    "quoted",
    "read",
    "read_quotes",
    "sentences",
    "snap_rows",
    "split",
    "statistics",
    "strict",
]
