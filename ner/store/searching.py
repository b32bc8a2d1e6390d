"""A string in the texts of a store: which articles hold it, where, and what stands around it.

Upper and lower case are alike.

On SQLite the index knows which articles have which three neighbouring characters (FTS5, kept by
triggers); fewer are found by how its terms begin. On PostgreSQL it knows two neighbours (GIN over
`ner_pairs`); for a single character all texts are read. Articles that have all the parts of a
string are then looked at for the whole of it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles

from ner.store.schema import LAST, articles, texts

CONTEXT = 22  # code points shown on either side of what was searched for
PARTS = 30  # of a string that are looked up in the index, at most

_index = sa.table("texts_index", sa.column("rowid", sa.Integer))
_terms = sa.table("texts_terms", sa.column("term", sa.Text), sa.column("doc", sa.Integer))


class _OfDialect(sa.ColumnElement[bool]):
    """A condition that is written differently on each database."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, **conditions: sa.ColumnElement[bool]) -> None:
        self.conditions = conditions

    def self_group(self, against: Any = None) -> Any:
        """In brackets already; and a condition, which is not compared with 1 to become one."""
        return self


@compiles(_OfDialect)
def _compile(element: _OfDialect, compiler: Any, **options: Any) -> str:
    condition = element.conditions[compiler.dialect.name]
    return f"({compiler.process(condition, **options)})"


def holds(string: str) -> sa.ColumnElement[bool]:
    """A condition on `articles`: the text holds a string, which is not empty."""
    of = texts.alias()  # whether or not the query has the texts too
    is_there = of.c.text.icontains(string, autoescape=True)
    # SQLite looks into a text only when its article is wanted, in the order in which they are.
    looked_at = sa.exists().where(of.c.article == articles.c.number, is_there)
    found = sa.select(of.c.article).where(is_there)
    if len(string) > 1:
        found = found.where(_pairs(of.c.text).contains(_pairs(sa.literal(string, sa.Text))))
    return _OfDialect(
        sqlite=sa.and_(articles.c.number.in_(_candidates(string)), looked_at),
        postgresql=articles.c.number.in_(found),
    )


def _candidates(string: str) -> sa.Select[Any]:
    """The articles that have all groups of three characters of a string, or one that begins with it."""
    if len(string) < 3:
        begins = string.lower()
        found = sa.select(_terms.c.doc).where(
            _terms.c.term >= begins, _terms.c.term < begins + LAST
        )
        return found.distinct()
    groups = dict.fromkeys(string[start : start + 3] for start in range(len(string) - 2))
    quoted = (group.replace('"', '""') for group in list(groups)[:PARTS])
    query = " AND ".join(f'"{group}"' for group in quoted)
    return sa.select(_index.c.rowid).where(sa.literal_column("texts_index").op("MATCH")(query))


def _pairs(text: sa.ColumnElement[str]) -> Any:
    return sa.func.ner_pairs(text, type_=postgresql.ARRAY(sa.Text))


def occurrences(text: str, string: str) -> Iterator[tuple[int, int]]:
    """Where a string stands in a text: start and end, in code points."""
    for match in re.finditer(re.escape(string), text, re.IGNORECASE):
        yield match.span()


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and after a part of a text, on the same line: `CONTEXT` code points at most."""
    before = text[max(0, start - CONTEXT) : start].rpartition("\n")[2]
    while before and (unicodedata.combining(before[0]) or before[0] in "\u200d\ufe0f"):
        before = before[1:]  # half of what is shown as one character
    return before, text[end : end + CONTEXT].partition("\n")[0]
