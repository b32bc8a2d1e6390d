"""Split a corpus into parts, and merge files into one. Lines stay as they are."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ner.corpus.read import Entry
from ner.errors import NerError
from ner.formats import article_row


def part_of(article_id: str, shares: Mapping[str, float], seed: int = 0) -> str:
    """The part that an article belongs to, by a hash of seed and id: a growing corpus moves no article.

    Args:
        shares: parts and their weights, in order; only their proportions count.

    Raises:
        NerError: a share is negative, or all are 0.
    """
    total = sum(shares.values())
    if min(shares.values()) < 0 or total <= 0:
        raise NerError(
            f"shares {dict(shares)} are negative or all 0", remedy="for example 0.8, 0.1 and 0.1"
        )
    digest = hashlib.sha256(f"{seed}:{article_id}".encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64 * total
    part = ""
    for part, share in shares.items():
        if point < share:
            return part
        point -= share
    return part


def split(
    entries: Iterable[Entry], shares: Mapping[str, float], seed: int = 0
) -> dict[str, list[Entry]]:
    """The entries of each part, in order; see `part_of`."""
    parts: dict[str, list[Entry]] = {name: [] for name in shares}
    for entry in entries:
        parts[part_of(entry.article.id, shares, seed)].append(entry)
    return parts


def merge(entries: Iterable[Entry], *, prefer: str = "") -> list[Entry]:
    """One entry per article, in order of first appearance.

    Args:
        prefer: ``first`` or ``last``: which of two entries that differ is kept.

    Raises:
        NerError: two entries of one article differ, and `prefer` is empty.
    """
    merged: dict[str, Entry] = {}
    for entry in entries:
        known = merged.setdefault(entry.article.id, entry)
        if known is entry or _content(known) == _content(entry):
            continue
        if not prefer:
            raise NerError(
                f"article {entry.article.id} differs from that at {known.where}",
                where=entry.where,
                remedy="--prefer first or last; ner corpus diff shows how they differ",
            )
        if prefer == "last":
            merged[entry.article.id] = entry
    return list(merged.values())


def _content(entry: Entry) -> dict[str, Any]:
    row = article_row(entry.article)
    spans = sorted(row["spans"], key=lambda span: (span["start"], span["end"], span["label"]))
    return {**entry.row, **row, "spans": spans}
