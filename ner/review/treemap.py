"""A tree map: rectangles side by side, each as large as what it stands for, with its name where that fits."""

from collections.abc import Sequence
from dataclasses import dataclass

from ner.brands.divisions import Part

Box = tuple[float, float, float, float]
"""Left, top, width, height."""
LEAST = 0.006  # of the whole: what is smaller cannot be hit, and is drawn together
RATIO = 2.0  # of width and height, for which it is laid out; it is stretched to what the window has
# In pixels: what it is at least on a telephone and beside it, how high, and what a label needs.
_NARROW, _WIDE, _HIGH = 320, 680, 320
_CHARACTER, _LINE, _MARGIN = 14, 20, 9


@dataclass(frozen=True, slots=True)
class Cell:
    """One rectangle; the place in it in per cent of the whole.

    Args:
        part: None for those that are too small, together.
        share: of the whole, 0 to 1.
        wide: its name, or the stem of it, as it fits in a window; empty where neither does.
        narrow: the same on a telephone.
        has_count: the count fits below the name.
    """

    part: Part | None
    count: int
    share: float
    box: Box
    wide: str
    narrow: str
    has_count: bool


def treemap(parts: Sequence[Part]) -> list[Cell]:
    """The cells of parts, which are the largest first."""
    total = sum(part.count for part in parts)
    drawn: list[tuple[Part | None, int]] = [
        (part, part.count) for part in parts if part.count >= LEAST * total
    ]
    if rest := total - sum(count for _, count in drawn):
        drawn.append((None, rest))
    boxes = squarified([count for _, count in drawn], 100, 100 / RATIO)
    return [
        _cell(part, count, count / total, (left, top * RATIO, width, height * RATIO))
        for (part, count), (left, top, width, height) in zip(drawn, boxes)
    ]


def _cell(part: Part | None, count: int, share: float, box: Box) -> Cell:
    lines = (box[3] / 100 * _HIGH - _MARGIN) // _LINE

    def fitting(pixels: int) -> str:
        room = (box[2] / 100 * pixels - 2 * _MARGIN) / _CHARACTER
        names = (part.name, part.stem) if part and lines else ()
        return next((name for name in names if len(name) <= room), "")

    return Cell(part, count, share, box, fitting(_WIDE), fitting(_NARROW), lines > 1)


def squarified(weights: Sequence[float], width: float, height: float) -> list[Box]:
    """Where rectangles of these weights stand, each nearly a square (Bruls, Huizing and van Wijk, 2000).

    Args:
        weights: positive, the largest first.
    """
    scale = width * height / sum(weights)
    areas = [weight * scale for weight in weights]
    boxes: list[Box] = []
    left = top = 0.0
    while areas:
        is_wide = width >= height
        side = height if is_wide else width
        count = 1
        while count < len(areas) and _longest(areas[: count + 1], side) <= _longest(
            areas[:count], side
        ):
            count += 1
        row, areas = areas[:count], areas[count:]
        depth = sum(row) / side
        along = 0.0
        for area in row:
            length = area / depth
            boxes.append(
                (left, top + along, depth, length)
                if is_wide
                else (left + along, top, length, depth)
            )
            along += length
        if is_wide:
            left, width = left + depth, width - depth
        else:
            top, height = top + depth, height - depth
    return boxes


def _longest(areas: Sequence[float], side: float) -> float:
    """The most that a side of one of the rectangles of a row is longer than its other."""
    depth = sum(areas) / side
    return max(max(depth * depth / area, area / (depth * depth)) for area in areas)
