"""Training and pretraining configs: TOML files checked by pydantic.

A path in a config is relative to the folder of the config's file, and ``$NAME`` in it is an environment
variable. Built in Python without a file, a path is relative to the working directory as usual.
"""

import difflib
import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from ner.errors import NerError, at
from ner.labels import LABELS
from ner.tagger.registry import DEFAULT_MODEL

Config = TypeVar("Config", "TrainConfig", "PretrainConfig")


def _resolve(value: Any, info: ValidationInfo) -> Path:
    """A path of a config file as an absolute one, its environment variables filled in."""
    if not isinstance(value, str | Path) or not str(value):
        raise PydanticCustomError("path", "is not a path in quotation marks")
    path = os.path.expanduser(os.path.expandvars(value))
    if "$" in path:
        name = path[path.index("$") :].split("/")[0]
        raise PydanticCustomError(
            "environment", "{name} is not set in the environment", {"name": name}
        )
    if not info.context:
        return Path(path)
    return Path(os.path.normpath(info.context["folder"] / path))


def _resolve_model(value: Any, info: ValidationInfo) -> Any:
    """A model's name as it is, its folder (there is a slash in it) as a path."""
    is_path = isinstance(value, str) and ("/" in value or value.startswith("$"))
    return str(_resolve(value, info)) if is_path else value


def _resolve_transformer(value: Any, info: ValidationInfo) -> Any:
    """A name of the Hugging Face hub (``owner/name``) as it is, a folder as a path."""
    is_path = isinstance(value, str) and value.startswith((".", "/", "~", "$"))
    return str(_resolve(value, info)) if is_path else value


FilePath = Annotated[Path, BeforeValidator(_resolve)]
Files = Annotated[tuple[FilePath, ...], Strict(False)]  # TOML's lists become tuples
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkConfig(_Table):
    """Sizes of a new network, see `network.Shape`."""

    width: Count = 256
    bigram_buckets: Count = 131072
    bigram_width: Count = 64
    trigram_buckets: Count = 262144
    trigram_width: Count = 48
    dilations: Annotated[tuple[Count, ...], Strict(False), Field(min_length=1)] = (
        *(1, 2, 4, 8),
        *(1, 2, 4, 8),
    )
    head_width: Annotated[int, Field(ge=2, multiple_of=2)] = 64


class NewNetwork(_Table):
    """Start with random weights."""

    network: NetworkConfig = NetworkConfig()


class TrainedModels(_Table):
    """Start from the weights of a model, given by its name or folder.

    Of several models the mean of their weights is taken, which is better than each where they come from one
    encoder (model soups, Wortsman et al. 2022).
    """

    models: Annotated[
        tuple[Annotated[str, BeforeValidator(_resolve_model), Field(min_length=1)], ...],
        Strict(False),
        Field(min_length=1),
    ]


class PretrainedEncoder(_Table):
    """Start from the encoder that `ner pretrain` wrote, with a new head."""

    encoder: FilePath


class HuggingFaceEncoder(_Table):
    """Start from a Hugging Face encoder in place of ours: a name on the hub or a folder."""

    transformer: Annotated[str, BeforeValidator(_resolve_transformer), Field(min_length=1)]


_STARTS = {
    "models": TrainedModels,
    "encoder": PretrainedEncoder,
    "transformer": HuggingFaceEncoder,
    "network": NewNetwork,
}


def _kind_of_start(value: Any) -> str | None:
    """The key of `_STARTS` that a ``start`` has; None where it has none or several."""
    if isinstance(value, BaseModel):
        return next((key for key, kind in _STARTS.items() if isinstance(value, kind)), None)
    keys = [key for key in _STARTS if isinstance(value, dict) and key in value]
    return keys[0] if len(keys) == 1 else None


Start = Annotated[
    Annotated[TrainedModels, Tag("models")]
    | Annotated[PretrainedEncoder, Tag("encoder")]
    | Annotated[HuggingFaceEncoder, Tag("transformer")]
    | Annotated[NewNetwork, Tag("network")],
    Discriminator(
        _kind_of_start,
        custom_error_type="start",
        custom_error_message="is not a table with one of models, encoder, transformer and network",
    ),
]
"""What training starts from."""


class DataConfig(_Table):
    """Files to learn from and to be scored on.

    Args:
        train: annotated JSONL; may be empty where `with_training_file` adds what people reviewed.
        dev: annotated JSONL, on which the best epoch, thresholds and calibration are chosen.
        test: annotated JSONL on which the new model is compared with the one it started from; training never
            reads its spans.
        quotes: quoted strings with their class, see `corpus.read_quotes`.
        silver: annotated JSONL whose spans a model found, not a person.
        places: CSV files of place names, see `augment.collect_names`.
    """

    train: Files
    dev: Annotated[Files, Field(min_length=1)]
    test: Files = ()
    quotes: Files = ()
    silver: Files = ()
    places: Files = ()


class Schedule(_Table):
    """How long and how fast to train, and how the articles are varied.

    Args:
        epochs: passes over the data at most; 0 writes the model that training starts from.
        patience: stop after so many epochs without a better dev F1.
        batch_size: code points per step, about.
        learning_rate: the highest; it warms up over the first tenth and falls as a cosine.
        quotes: fraction of the quoted contexts in each epoch.
        silver: fraction of the silver articles in the first epoch; it falls linearly and would be 0 after the
            last epoch, so that training ends on what people annotated.
        unknown: fraction of characters shown as unknown, so that rare ones do no harm.
        swap_names: fraction of the names of streets, towns and villages replaced by others in each epoch.
        crop: fraction of the articles of which an epoch shows only some consecutive sentences.
        noise: fraction of the articles that get stray spaces in an epoch, and of those that get straight
            quotation marks.
    """

    epochs: Annotated[int, Field(ge=0)] = 30
    patience: Count = 8
    batch_size: Count = 8192
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    quotes: Fraction = 0.5
    silver: Fraction = 0.5
    unknown: Fraction = 0.02
    swap_names: Fraction = 0.0
    crop: Fraction = 0.0
    noise: Fraction = 0.0


Name = Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=100)]


class TrainConfig(_Table):
    """A training config.

    Args:
        name: the new model's name; with the version that of its folder when promoted.
        labels: what the model finds, its own labels included.
        start: what training starts from; the model in use if omitted.
        characters: the character table; that of the model training starts from if omitted.
    """

    name: Name
    version: Name
    data: DataConfig
    start: Start = TrainedModels(models=(DEFAULT_MODEL,))
    characters: FilePath | None = None
    labels: Annotated[tuple[Name, ...], Strict(False), Field(min_length=1)] = LABELS
    seed: Annotated[int, Field(ge=0)] = 1
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if len(set(self.labels)) < len(self.labels):
            raise PydanticCustomError("labels", "labels names one label twice")
        if self.data.quotes and "BRAND" not in self.labels:
            raise PydanticCustomError("labels", "quotes teach BRAND, which labels does not name")
        return self

    @property
    def base(self) -> str | None:
        """The one model that training starts from, with which the new one can be compared."""
        if isinstance(self.start, TrainedModels) and len(self.start.models) == 1:
            return self.start.models[0]
        return None

    def with_training_file(self, path: Path) -> "TrainConfig":
        """The config with one more file to train on."""
        data = self.data.model_copy(update={"train": (*self.data.train, path)})
        return self.model_copy(update={"data": data})


class PretrainConfig(_Table):
    """A pretraining config.

    Args:
        texts: JSONL files, plain or gzipped, with a field ``text`` and perhaps ``title``.
        tagged: those of them that the teacher tags.
        teacher: who tags words and parts of speech; see `pretrain.TEACHERS`.
        characters: the character table.
        steps: how many; the learning rate falls to zero over them.
        block_length: code points per row of a batch.
        batch_size: rows per step.
        learning_rate: the highest.
        device: ``cpu``, ``cuda``, ``cuda:1`` …, or ``auto``: CUDA where torch finds it, else the CPU.
    """

    texts: Annotated[Files, Field(min_length=1)]
    tagged: Files = ()
    teacher: Literal["lac"] = "lac"
    characters: FilePath
    steps: Annotated[int, Field(ge=1)] = 10_000
    block_length: Count = 256
    batch_size: Count = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    seed: Annotated[int, Field(ge=0)] = 0
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    network: NetworkConfig = NetworkConfig()

    @model_validator(mode="after")
    def _check(self) -> "PretrainConfig":
        if others := [str(path) for path in self.tagged if path not in self.texts]:
            raise PydanticCustomError(
                "tagged", "tagged names {path}, which texts does not name", {"path": others[0]}
            )
        return self


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a config from its TOML file.

    Raises:
        NerError: the file cannot be read or is not TOML; or a field is unknown, missing, or has a value
            that it cannot have, named with its table and value.
    """
    with at(str(path)):
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise NerError(
                f"cannot be read: {error.strerror}", remedy="configs/ has examples"
            ) from None
        except ValueError as error:
            raise NerError(f"not TOML: {error}", remedy="see https://toml.io") from None
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
    "path": ("is not a path", "write a path in quotation marks"),
    "start": (
        "is not a table with exactly one of models, encoder, transformer and network",
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
        tables["start"] = list(_STARTS)
    known = tables.get(table, [])
    if close := difflib.get_close_matches(field, known, n=1):
        return f"did you mean {close[0]}?"
    for name, fields in tables.items():
        if field in fields:
            return f"it belongs under [{name}]" if name else "it belongs above the first [table]"
    return f"known: {', '.join(known)}"
