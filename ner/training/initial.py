"""What a config's ``start`` means: files that training starts from, and a network with their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ner import corpus
from ner.tagger.features import Characters
from ner.tagger.pieces import Pieces
from ner.tagger.registry import DEFAULT_MODEL, find_model
from ner.training import e5, transformer
from ner.training.config import (
    E5Encoder,
    HuggingFaceEncoder,
    NewNetwork,
    PretrainedEncoder,
    TrainConfig,
    TrainedModels,
)
from ner.training.export import WEIGHTS
from ner.training.network import Encoder, Network, Shape
from ner.training.pretrained_encoder import (
    EncoderShape,
    PieceNetwork,
    SpanNetwork,
    encoder_weights,
)
from ner.training.weights import reading_weights

_TABLE = "span_tagger/characters.txt"


@dataclass(frozen=True)
class StartFiles:
    """Files that training starts from.

    Args:
        characters: the character table.
        weights: one file of an encoder, or those of the models to be averaged; none for a network with
            random weights, and for a Hugging Face encoder, which is named and not a file. Of the e5 encoder
            its file, and the texts that decide which of its pieces are kept.
    """

    characters: Path
    weights: tuple[Path, ...] = ()


def start_files(config: TrainConfig) -> StartFiles:
    """Find the files that a config starts from; the character table is the model's unless it is named.

    Raises:
        NerError: there is no such model.
    """
    table = DEFAULT_MODEL
    weights: tuple[Path, ...] = ()
    match config.start:
        case TrainedModels(models=models):
            table = models[0]
            weights = tuple(find_model(model) / WEIGHTS for model in models)
        case PretrainedEncoder(encoder=file):
            weights = (file,)
        case E5Encoder(e5=file, texts=texts):
            weights = (file, *texts)
    return StartFiles(config.characters or find_model(table) / _TABLE, weights)


def make_network(
    config: TrainConfig, characters: Characters, weights: Sequence[Path]
) -> SpanNetwork:
    """The network that a config describes, with its starting weights.

    Hashed tables that come with these are frozen: no annotated corpus has as many names as the text they
    were pretrained on.

    Args:
        weights: those of `start_files`.

    Raises:
        NerError: starting weights cannot be read, differ in shape, or belong to another character table.
    """
    torch.manual_seed(config.seed)
    dropout = config.schedule.dropout
    labels = len(config.labels)
    match config.start:
        case HuggingFaceEncoder(transformer=name):
            return transformer.make_network(name, characters, labels, dropout)
        case NewNetwork(network=sizes):
            shape = Shape(len(characters), labels, **sizes.model_dump())
            return Network(shape, dropout=dropout)
        case E5Encoder(e5=file, texts=texts):
            return _e5_network(file, texts, characters, labels, dropout)
    return _average(weights, characters, labels, dropout)


def _e5_network(
    file: Path, texts: Sequence[Path], characters: Characters, labels: int, dropout: float
) -> PieceNetwork:
    read = e5.read(file)
    pieces, rows = e5.cut(read, (article.text for article in corpus.read(texts)))
    positions = len(read.tensors["emb.pos"])
    sizes = (read.width, read.layers, read.heads, read.inner, positions, read.epsilon)
    shape = EncoderShape(len(pieces), *sizes)
    network = PieceNetwork(shape, len(characters), labels, pieces, dropout=dropout)
    network.encoder.load_state_dict(encoder_weights(read.tensors, rows))
    _freeze(network)
    return network


def _freeze(network: SpanNetwork) -> None:
    """Tables that were learnt from far more text than is annotated stay as they are."""
    if isinstance(network, PieceNetwork):
        tables = [network.encoder.piece, network.encoder.position]
    else:
        assert isinstance(network.encoder, Encoder)
        tables = network.encoder.embedding.tables
    for table in tables:
        table.weight.requires_grad_(False)


def _average(
    files: Sequence[Path], characters: Characters, labels: int, dropout: float
) -> SpanNetwork:
    """A network with the mean of the weights in files; the head of an encoder's file is a new one."""
    network: SpanNetwork | None = None
    first: dict[str, Any] = {}
    mean: dict[str, Tensor] = {}
    for file in files:
        with reading_weights(file) as (values, weights):
            if not network:
                first = values
                network = _network_of(values, file, characters, labels, dropout)
            elif values != first:
                raise ValueError("another shape than the model before it, so they have no mean")
            _loaded_part(network, first).load_state_dict(weights)
            for key, value in weights.items():
                mean[key] = mean.get(key, 0) + value.float() / len(files)
    assert network
    _loaded_part(network, first).load_state_dict(mean)
    _freeze(network)
    return network


def _network_of(
    values: dict[str, Any], file: Path, characters: Characters, labels: int, dropout: float
) -> SpanNetwork:
    if "pieces" in values:
        sizes = {key: value for key, value in values.items() if key not in ("characters", "labels")}
        pieces = Pieces.from_bytes((file.parent / "pieces.json").read_bytes())
        encoder = EncoderShape(**sizes)
        return PieceNetwork(encoder, len(characters), labels, pieces, dropout=dropout)
    shape = Shape.from_dict({**values, "labels": labels})
    if shape.characters != len(characters):
        raise ValueError(f"{shape.characters} characters, the table has {len(characters)}")
    return Network(shape, dropout=dropout)


def _loaded_part(network: SpanNetwork, values: dict[str, Any]) -> nn.Module:
    """What a weights file holds: the whole network, or the encoder where its shape names no labels."""
    return network if values["labels"] else network.encoder
