"""What a config's ``start`` means: files that training starts from, and a network with their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ner import corpus
from ner.errors import NerError
from ner.tagger.features import Characters
from ner.tagger.pieces import Pieces
from ner.tagger.registry import DEFAULT_MODEL, find_model
from ner.tagger.settings import Settings
from ner.training import e5, onnx_export, onnx_graph, piece_onnx, transformer
from ner.training.config import (
    E5Encoder,
    HuggingFaceEncoder,
    NewNetwork,
    PretrainedEncoder,
    TrainConfig,
    TrainedModels,
)
from ner.training.network import Encoder, Network, Shape
from ner.training.pretrained_encoder import (
    EncoderShape,
    PieceNetwork,
    SpanNetwork,
    e5_shape,
    e5_weights,
)
from ner.training.weights import fitting, reading_weights

_TABLE = "span_tagger/characters.txt"
_NETWORK = "span_tagger/network.onnx"
PIECES = "pieces.json"  # beside the weights of an encoder over pieces


@dataclass(frozen=True)
class StartFiles:
    """Files that training starts from.

    Args:
        characters: the character table.
        weights: one file of an encoder, or the networks of the models to be averaged; none for a network
            with random weights, and for a Hugging Face encoder, which is named and not a file. Of the e5
            encoder its file, and the texts that decide which of its pieces are kept.
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
            weights = tuple(find_model(model) / _NETWORK for model in models)
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
    network: SpanNetwork
    match config.start:
        case HuggingFaceEncoder(transformer=name):
            return transformer.make_network(name, characters, labels, dropout)
        case NewNetwork(network=sizes):
            shape = Shape(len(characters), labels, **sizes.model_dump())
            return Network(shape, dropout=dropout)
        case E5Encoder(e5=file, texts=texts):
            return _e5_network(file, texts, characters, labels, dropout)
        case PretrainedEncoder(encoder=encoder, drop_blocks=dropped):
            network = _with_encoder(encoder, characters, labels, dropout)
        case TrainedModels(drop_blocks=dropped):
            network = _average(weights, characters, config.labels, dropout)
    _drop_blocks(network, dropped)
    return network


def _drop_blocks(network: SpanNetwork, dropped: Sequence[int]) -> None:
    if not dropped:
        return
    if not isinstance(network, Network) or not isinstance(network.encoder, Encoder):
        raise NerError("drop_blocks is for networks of our own encoder", remedy="leave it out")
    blocks = len(network.encoder.blocks)
    if max(dropped) >= blocks:
        raise NerError(
            f"drop_blocks names block {max(dropped)}; the network has {blocks}",
            remedy=f"blocks are counted from 0 to {blocks - 1}",
        )
    network.encoder.drop_blocks(dropped)
    network.shape = network.encoder.shape


def _e5_network(
    file: Path, texts: Sequence[Path], characters: Characters, labels: int, dropout: float
) -> PieceNetwork:
    read = e5.read(file)
    pieces = e5.cut(read, (article.text for article in corpus.read(texts, annotated=False)))
    shape = e5_shape(read, pieces)
    network = PieceNetwork(shape, len(characters), labels, pieces, dropout=dropout)
    network.encoder.load_state_dict(e5_weights(read, pieces))
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


def _with_encoder(file: Path, characters: Characters, labels: int, dropout: float) -> SpanNetwork:
    """A network with a pretrained encoder and a new head."""
    network: SpanNetwork
    with reading_weights(file) as (values, weights):
        if "pieces" in values:
            network = _piece_network(values, file, characters, labels, dropout)
        else:
            network = _network_of(values, characters, labels, dropout)
        network.encoder.load_state_dict(weights)
    _freeze(network)
    return network


def _average(
    files: Sequence[Path], characters: Characters, labels: Sequence[str], dropout: float
) -> SpanNetwork:
    """A network with the mean of the weights that models run with; a label they do not know starts anew."""
    network: SpanNetwork | None = None
    first: dict[str, Any] = {}
    fresh: dict[str, Tensor] = {}
    mean: dict[str, Tensor] = {}
    for file in files:
        with fitting(file):
            values, tensors = onnx_graph.read(file)
            if values != (first := first or values):
                raise ValueError("another shape than the model before it, so they have no mean")
            if "pieces" in values:
                network = network or _piece_network(values, file, characters, len(labels), dropout)
                read = piece_onnx.read_weights(tensors, values["layers"])
            else:
                network = network or _network_of(values, characters, len(labels), dropout)
                read = onnx_export.read_weights(tensors, len(values["dilations"]))
            fresh = fresh or _head(network)
            known = Settings.from_json((file.parent / "settings.json").read_bytes()).labels
            for key, value in read.items():
                weight = torch.from_numpy(np.array(value, np.float32))
                if key in fresh:
                    weight = _with_labels(weight, known, labels, fresh[key])
                part = weight / len(files)
                mean[key] = mean[key] + part if key in mean else part
            network.load_state_dict(mean)  # so that a shape that does not fit is this file's
    assert network
    _freeze(network)
    return network


def _head(network: SpanNetwork) -> dict[str, Tensor]:
    """A copy of the head's weights, which have rows for each label."""
    weights = network.state_dict()
    return {key: value.clone() for key, value in weights.items() if key.startswith("head.")}


def _with_labels(
    weight: Tensor, known: Sequence[str], labels: Sequence[str], fresh: Tensor
) -> Tensor:
    """A weight of the head with the rows of other labels than the model's; of a new one the fresh row."""
    rows, old = fresh.clone().reshape(len(labels), -1), weight.reshape(len(known), -1)
    for number, label in enumerate(labels):
        if label in known:
            rows[number] = old[known.index(label)]
    return rows.reshape(fresh.shape)


def _piece_network(
    values: dict[str, Any], file: Path, characters: Characters, labels: int, dropout: float
) -> PieceNetwork:
    sizes = {key: value for key, value in values.items() if key not in ("characters", "labels")}
    pieces = Pieces.from_bytes((file.parent / PIECES).read_bytes())
    return PieceNetwork(EncoderShape(**sizes), len(characters), labels, pieces, dropout=dropout)


def _network_of(
    values: dict[str, Any], characters: Characters, labels: int, dropout: float
) -> Network:
    shape = Shape.from_dict({**values, "labels": labels})
    if shape.characters != len(characters):
        raise ValueError(f"{shape.characters} characters, the table has {len(characters)}")
    return Network(shape, dropout=dropout)
