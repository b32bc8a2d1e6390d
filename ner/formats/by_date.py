"""Folders of a data lake: a folder a day, named ``date=2025-03-18`` as Hive, Spark and DuckDB expect."""

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from ner.article import Article
from ner.errors import NerError
from ner.formats.fields import UNCOUNTED, Dropped, parse_date
from ner.formats.jsonl import write_jsonl
from ner.formats.parquet import write_parquet
from ner.formats.source import Part

HELD = 20_000  # articles kept in memory until the largest day's are written
HELD_CHARACTERS = 30_000_000  # code points of their texts
NO_DATE = "__HIVE_DEFAULT_PARTITION__"

# A column beside a folder of the same name would be read twice, with two types.
_WRITERS: dict[str, Callable[..., Iterator[Part]]] = {
    "jsonl": write_jsonl,
    "parquet": partial(write_parquet, has_date=False),
}
FORMS = tuple(_WRITERS)

_FOLDER = re.compile(r"([A-Za-z_]+)=([^=]+)")
_DAYS = ("date", "dt", "ds", "pt", "day")


def write_by_date(
    form: str, articles: Iterable[Article], dropped: Dropped = UNCOUNTED
) -> Iterator[Part]:
    """Files named ``date=2025-03-18/part-00000.parquet``; articles without a date under `NO_DATE`.

    Args:
        form: one of `FORMS`.

    Raises:
        NerError: it is another.
    """
    if form not in _WRITERS:
        raise NerError(f"{form} is not written by date", remedy=f"--format {' or '.join(_WRITERS)}")
    days: dict[str, list[Article]] = {}
    parts: dict[str, int] = {}
    held = characters = 0

    def taken(day: str) -> Part:
        number = parts[day] = parts.get(day, -1) + 1
        data = b"".join(part.data for part in _WRITERS[form](days.pop(day), dropped))
        return Part(data, f"date={day}/part-{number:05d}.{form}")

    for article in articles:
        days.setdefault(str(article.date or NO_DATE), []).append(article)
        held += 1
        characters += len(article.text)
        if held >= HELD or characters >= HELD_CHARACTERS:
            largest = max(days, key=lambda day: len(days[day]))
            held -= len(days[largest])
            characters -= sum(len(article.text) for article in days[largest])
            yield taken(largest)
    yield from map(taken, sorted(days))


def date_of_folders(path: str) -> datetime.date | None:
    """The date that folders name: ``date=2025-03-18``, ``dt=20250318``, ``year=2025/month=3/day=18``.

    None where they name none.
    """
    found = map(_FOLDER.fullmatch, path.split("/")[:-1])
    named = {match[1]: match[2] for match in found if match}
    values = [named[name] for name in _DAYS if name in named]
    if all(name in named for name in ("year", "month", "day")):
        values.append("-".join(named[name] for name in ("year", "month", "day")))
    for value in values:
        with suppress(NerError):
            return parse_date(value)
    return None
