"""The labels: their names in Chinese and English, colours and keys, once for all who show them.

A model may bring labels of its own: these have no style and come after ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Style:
    """How one label is shown.

    Args:
        chinese: its name for Chinese readers.
        english: its name for others.
        color: the background of a mark in doccano, white text on it, and of lines under names on pages:
            the hue of `light`; ``#rrggbb``.
        light: the background of a mark in a terminal, black text on it; ``#rrggbb``. Told apart by the
            colour-blind too: at least 40 between any two in CIELAB, for each kind (Machado et al. 2009).
        ansi: the same in a terminal of 16 colours, as rich writes a style.
        key: what an annotator presses for it.
    """

    chinese: str
    english: str
    color: str
    light: str
    ansi: str
    key: str


STYLES = {
    "PER": Style("人名", "person", "#8a6d00", "#fae14b", "black on yellow", "p"),
    "LOC": Style("地名", "place", "#0b6e7f", "#7ee8fa", "black on cyan", "l"),
    "ORG": Style("机构", "organisation", "#5b34b5", "#a070ff", "white on blue", "o"),
    "BRAND": Style("品牌", "brand", "#b3263a", "#ff6070", "black on magenta", "b"),
}
LABELS = tuple(STYLES)

_UNKNOWN = Style("", "", "#5f6368", "#c8c8c8", "black on white", "")


def style(label: str) -> Style:
    """How a label is shown; grey and by its own name where it is not one of `LABELS`."""
    return STYLES.get(label) or replace(_UNKNOWN, chinese=label, english=label)


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """What rows a table by label has: all of `LABELS`, then others, unless only others occur."""
    found = set(labels)
    ours = LABELS if found & set(LABELS) or not found else ()
    return (*ours, *sorted(found - set(LABELS)))
