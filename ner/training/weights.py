"""Weights on disk: checkpoints, replaced whole, and small weights files that later training starts from."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
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
def reading_checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    """What `save_checkpoint` wrote, to be loaded inside the block.

    Raises:
        NerError: the file is damaged, or what is loaded in the block does not fit.
    """
    with _reading(path, "delete the run's folder, or name another with --run"):
        yield torch.load(path, map_location="cpu", weights_only=True)


def save_weights(
    path: Path,
    shape: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    tables: Mapping[str, Tensor],
) -> None:
    """Write the shape of a network, its weights in half precision, and its hashed tables in eight bits."""
    stored: dict[str, Tensor] = {name: value.half() for name, value in weights.items()}
    for name, table in tables.items():
        stored[name], stored[name + _SCALE] = quantize_table(table)
    torch.save({"shape": dict(shape), "weights": stored}, path)


@contextmanager
def reading_weights(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
    """What `save_weights` wrote, shape and weights in single precision, to be loaded inside the block.

    Raises:
        NerError: as `reading_checkpoint`.
    """
    with fitting(path):
        read = torch.load(path, map_location="cpu", weights_only=True)
        stored = read["weights"]
        yield (
            read["shape"],
            {
                name: value.float()
                if value.dtype == torch.half
                else dequantize_table(value, stored[name + _SCALE])
                for name, value in stored.items()
                if not name.endswith(_SCALE)
            },
        )


def fitting(path: Path) -> AbstractContextManager[None]:
    """What does not fit in the block, or cannot be read, is told as an error of the weights in a file."""
    return _reading(path, "check start in the config")


def quantize_table(table: Tensor) -> tuple[Tensor, Tensor]:
    """A table in eight bits with the zero point 128, and its scale."""
    scale = table.abs().max().clamp(min=1e-12) / 127
    return (table / scale).round().add(128).to(torch.uint8), scale


def dequantize_table(table: Tensor, scale: Tensor) -> Tensor:
    """The inverse of `quantize_table`, rounding apart."""
    return (table.float() - 128) * scale


@contextmanager
def _reading(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, RuntimeError, KeyError, ValueError, UnpicklingError) as error:
        # torch names what does not fit in the second line of its message.
        why = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise NerError(f"weights do not fit: {why}", where=str(path), remedy=remedy) from None
