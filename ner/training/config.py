"""Configs: TOML files that become frozen dataclasses, with the environment's folders filled in."""

import os
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from ner.errors import NerError, at

Config = TypeVar("Config")


def read(path: Path, kind: type[Config]) -> Config:
    """Read a config; ``$NAME`` in its strings is taken from the environment.

    Args:
        kind: a dataclass; a field that is one itself is a table of the file.

    Raises:
        NerError: it is missing, is not TOML, or has a field that means nothing.
    """
    with at(str(path)):
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise NerError(f"cannot be read: {error.strerror}", remedy="see configs/") from None
        except ValueError as error:
            raise NerError(f"not TOML: {error}", remedy="see https://toml.io") from None
        return _build(kind, values)


def _build(kind: type[Config], values: dict[str, Any]) -> Config:
    tables = {f.name: f.type for f in fields(kind) if is_dataclass(f.type)}  # type: ignore[arg-type]
    filled = {
        name: _build(tables[name], value) if name in tables else _fill(value)  # type: ignore[arg-type]
        for name, value in values.items()
    }
    try:
        return kind(**filled)
    except TypeError as error:
        reason = str(error).replace(f"{kind.__name__}.__init__() ", "")
        raise NerError(f"not a {kind.__name__} table: {reason}", remedy="see configs/") from None


def _fill(value: Any) -> Any:
    """Lists as tuples, and ``$NAME`` in strings filled in."""
    if isinstance(value, list):
        return tuple(map(_fill, value))
    if isinstance(value, dict):
        return {name: _fill(inner) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    filled = os.path.expandvars(value)
    if "$" in filled:
        raise NerError(f"{value} names a folder that is not set", remedy="export NER_DATA=FOLDER")
    return filled
