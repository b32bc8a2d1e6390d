"""Weights on disk: checkpoints that a kill cannot tear, and narrow files that others start from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from ner.errors import NerError
from ner.files import replacing

_SCALE = ".scale"


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Replace a checkpoint."""
    with replacing(path) as written:
        torch.save(dict(state), written)


@contextmanager
def checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    """What `save_checkpoint` wrote; what does not fit inside the block is told in one line.

    Raises:
        NerError: the file is damaged, or another run's.
    """
    with _reading(path, "delete the run's folder, or name another with --run"):
        yield torch.load(path, map_location="cpu", weights_only=True)


def save_narrow(
    path: Path,
    shape: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    tables: Mapping[str, Tensor],
) -> None:
    """The shape of a network, its weights in half precision, and tables in eight bits with a scale."""
    narrow: dict[str, Tensor] = {name: value.half() for name, value in weights.items()}
    for name, table in tables.items():
        narrow[name], narrow[name + _SCALE] = narrow_table(table)
    torch.save({"shape": dict(shape), "weights": narrow}, path)


@contextmanager
def narrow(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
    """What `save_narrow` wrote: shape, and weights in single precision; errors as with `checkpoint`."""
    with _reading(path, "check start in the config"):
        read = torch.load(path, map_location="cpu", weights_only=True)
        kept = read["weights"]
        yield (
            read["shape"],
            {
                name: value.float()
                if value.dtype == torch.half
                else widen(value, kept[name + _SCALE])
                for name, value in kept.items()
                if not name.endswith(_SCALE)
            },
        )


def narrow_table(table: Tensor) -> tuple[Tensor, Tensor]:
    """A table in eight bits around 128, and the scale that gives its numbers back."""
    scale = table.abs().max().clamp(min=1e-12) / 127
    return (table / scale).round().add(128).to(torch.uint8), scale


def widen(table: Tensor, scale: Tensor) -> Tensor:
    """The inverse of `narrow_table`."""
    return (table.float() - 128) * scale


@contextmanager
def _reading(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, RuntimeError, KeyError, ValueError, UnpicklingError) as error:
        # torch says what does not fit in its second line.
        why = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise NerError(f"weights do not fit: {why}", where=str(path), remedy=remedy) from None
