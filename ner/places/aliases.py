"""What divisions are called besides their names: 渝, 津城, 襄樊; and 澳門 for 澳门."""

import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

ALIASES = Path(__file__).with_name("aliases.toml")
# Rows of our models' character tables: the character that is in names of divisions, then others that no name
# has, or three at most (one has 東, 11,797 have 东).
TRADITIONAL = Path(__file__).with_name("traditional.txt")


@cache
def aliases() -> dict[str, tuple[tuple[str, str], ...]]:
    """Name to the codes that it may stand for, each with ``short``, ``nickname`` or ``former``."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for sort, codes in tomllib.loads(ALIASES.read_text(encoding="utf-8")).items():
        for code, names in codes.items():
            for name in names:
                found[name].append((code, sort))
    return {name: tuple(codes) for name, codes in found.items()}


def simplified(text: str) -> str:
    """A name as the lexicon writes it: 澳门 for 澳門."""
    return text.translate(_traditional())


@cache
def _traditional() -> dict[int, str]:
    rows = TRADITIONAL.read_text(encoding="utf-8").split()
    return {ord(other): row[0] for row in rows for other in row[1:]}
