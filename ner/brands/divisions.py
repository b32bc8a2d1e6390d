"""Which divisions something is in: those of the next level below one, with how often they are named."""

from collections.abc import Iterator
from dataclasses import dataclass

from ner.places.lexicon import CODE_LENGTHS, Lexicon, is_filler, parents
from ner.store import Store


@dataclass(frozen=True, slots=True)
class Part:
    """A division that is named, or in which one is.

    Args:
        stem: its name without what says of which kind it is: 新疆.
        count: mentions, its own and those of the divisions in it; of an entry its articles with one.
        is_leaf: nothing in it is named.
    """

    code: str
    name: str
    stem: str
    count: int
    is_leaf: bool


def parts(
    store: Store, lexicon: Lexicon, code: str = "", of: tuple[str, str] | None = None
) -> list[Part]:
    """The divisions directly in one that articles name, the most frequent first.

    Levels that are nobody's (市辖区) or that no article names are skipped.

    Args:
        code: of the one that holds them; China if empty.
        of: kind and key of an entry: only its articles count.
    """
    for length in CODE_LENGTHS:
        if length > len(code) and (found := list(_at(store, lexicon, code, length, of))):
            return sorted(found, key=lambda part: (-part.count, part.code))
    return []


def _at(
    store: Store, lexicon: Lexicon, code: str, length: int, of: tuple[str, str] | None
) -> Iterator[Part]:
    for part, (count, deepest) in store.divisions(code, length, of).items():
        division = lexicon.upper(part)
        if division and is_filler(division):
            yield from parts(store, lexicon, part, of)
        elif division:
            yield Part(part, division.name, division.stem, count, deepest == length)


def path(lexicon: Lexicon, code: str) -> list[tuple[str, str]]:
    """Code and name of a division and of those that hold it, the province first, without 市辖区."""
    found = [lexicon.upper(each) for each in (*parents(code), code)]
    return [(each.code, each.name) for each in found if each and not is_filler(each)]
