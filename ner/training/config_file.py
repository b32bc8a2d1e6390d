"""A config from its TOML file; what is wrong in it is named in one line with file, table, field and value."""

import difflib
import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ner.errors import NerError, at
from ner.files import read_toml
from ner.training.config import (
    STARTS,
    DataConfig,
    NetworkConfig,
    Schedule,
    TrainConfig,
)

Config = TypeVar("Config", bound=BaseModel)


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a config from its TOML file.

    Raises:
        NerError: the file cannot be read or is not TOML; or a field is unknown, missing, or has a value
            that it cannot have, named with its table and value.
    """
    with at(str(path)):
        values = read_toml(path, "configs/ has examples")
        try:
            return kind.model_validate(values, context={"folder": path.resolve().parent})
        except ValidationError as error:
            raise _first_error(error, kind) from None


_MESSAGES = {
    "int_type": ("is not a whole number", "write digits without quotation marks"),
    "int_from_float": ("is not a whole number", "write digits only"),
    "float_type": ("is not a number", "write digits without quotation marks"),
    "finite_number": ("is not a finite number", ""),
    "string_type": ("is not text", "write it in quotation marks"),
    "tuple_type": ("is not a list", "write it in square brackets: [...]"),
    "model_type": ("is not a table", "write its fields under [{table}]"),
    "model_attributes_type": ("is not a table", "write its fields under [{table}]"),
    "missing": ("is missing", "configs/ has examples"),
    "too_short": ("is empty", "name at least one"),
    "string_too_short": ("is empty", "name one"),
    "string_pattern_mismatch": ("cannot be used here", "pattern: {pattern}"),
    "name": ("cannot be used here", "letters, digits, - _ . after a letter or digit"),
    "label": ("is not a label", "up to 16 letters, digits, - _ . after a letter, for example PER"),
    "path": ("is not a path", "write a path in quotation marks"),
    "start": (
        "is not a table with exactly one of models, encoder, transformer, network and e5",
        'for example start = {{ models = ["news"] }}',
    ),
    "environment": ("{name} is not set in the environment", "export {variable}=..."),
}


def _first_error(error: ValidationError, kind: type[BaseModel]) -> NerError:
    """The first thing that pydantic found, in one line for the writer of the config."""
    first, *rest = error.errors(include_url=False)
    # A list with a wrong item is said to be too short as well.
    others = [each for each in rest if first["loc"][: len(each["loc"])] != each["loc"]]
    place = _place(first["loc"])
    table, field = ".".join(map(str, place[:-1])), place[-1] if place else ""
    context = {**first.get("ctx", {}), "table": ".".join(map(str, place))}
    if first["type"] == "extra_forbidden":
        message, remedy = "unknown field", _known_fields(str(field), table, kind)
    elif first["type"] in _MESSAGES:
        message, remedy = _MESSAGES[first["type"]]
        context["variable"] = str(context.get("name", "")).strip("${}")
        message, remedy = message.format(**context), remedy.format(**context)
    else:
        message = first["msg"].replace("Input should be", "is not")
        remedy = "give another value" if place else "correct the config"
    start = f"[{table}] " if table else ""
    shown = f"{field}{_shown(first)} " if place else ""
    more = f"; {len(others)} more errors" if len(others) > 1 else "; 1 more error" if others else ""
    return NerError(f"{start}{shown}{message}{more}", remedy=remedy)


def _place(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Names of tables and field; the number of a list's item as part of the field's name."""
    names = list(location)
    if names[:1] == ["start"] and len(names) > 1:
        del names[1]  # pydantic names the kind of start before the field
    if names and isinstance(names[-1], int):
        number = names.pop()
        names[-1] = f"{names[-1]}[{number}]"
    return tuple(names)


def _shown(error: ErrorDetails) -> str:
    """The value that was met, as TOML has it, shortened."""
    if error["type"] == "missing":
        return ""
    value = json.dumps(error["input"], ensure_ascii=False, default=str)
    return f" = {value if len(value) <= 60 else value[:59] + '…'}:"


def _known_fields(field: str, table: str, kind: type[BaseModel]) -> str:
    """Where a field that is unknown in its table may belong."""
    network = "start.network" if kind is TrainConfig else "network"
    tables = {"": list(kind.model_fields), network: list(NetworkConfig.model_fields)}
    if kind is TrainConfig:
        tables["data"] = list(DataConfig.model_fields)
        tables["schedule"] = list(Schedule.model_fields)
        tables["start"] = list(STARTS)
    known = tables.get(table, [])
    if close := difflib.get_close_matches(field, known, n=1):
        return f"did you mean {close[0]}?"
    for name, fields in tables.items():
        if field in fields:
            return f"it belongs under [{name}]" if name else "it belongs above the first [table]"
    return f"known: {', '.join(known)}"
