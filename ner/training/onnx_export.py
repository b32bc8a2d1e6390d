"""The network as onnxruntime runs it: windows packed end to end, products in eight bits.

Weights are scaled by column, what they multiply by one number a layer, fixed when the file is written:
so no character's numbers depend on what else is in the batch.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor, nn

from ner.tagger.features import PAD, Ids, pad
from ner.training.network import HASH_FACTORS, Network
from ner.training.onnx_graph import (
    ZERO_POINT,
    Array,
    Graph,
    Tensors,
    head,
    head_weights,
    matrix_and_bias,
    norm,
    norm_weights,
    product,
)
from ner.training.weights import dequantize_table, quantize_table


def to_onnx(network: Network, texts: Iterable[Ids]) -> bytes:
    """The network as an ONNX file's bytes.

    In: what `features.pack` gives, and ``floors`` ``(labels,)``. Out: ``places`` ``(3, found)``, rows
    label, first and last row; and ``logits`` ``(found,)`` of the spans above their label's floor.
    Spans that run over a window's end are
    among them; the tagger leaves them out.

    Args:
        texts: ids of texts like those to come, from which the scales of activations are taken.
    """
    graph = Graph()
    shape = network.shape
    weights = {name: value.numpy() for name, value in network.float().state_dict().items()}
    scales = _scales(network, texts)
    neighbours = _Neighbours(graph)
    x = _embedding(graph, weights, neighbours)
    update = None
    for number, dilation in enumerate(shape.dilations):
        name = f"encoder.blocks.{number}"
        x = graph("Add", x, update) if update else x
        normed = norm(graph, weights, f"{name}.norm", x)
        quantized = _quantize(graph, normed, scales[number])
        padded = graph("Concat", quantized, np.full((1, shape.width), ZERO_POINT), axis=0)
        index = graph("Concat", *(neighbours.column(k * dilation) for k in (-1, 0, 1)), axis=1)
        three = graph("Reshape", graph("Gather", padded, index, axis=0), [-1, 3 * shape.width])
        # (out, in, 1, 3) to (3 in, out)
        matrix = weights[f"{name}.gate.weight"][:, :, 0].transpose(2, 1, 0)
        matrix = matrix.reshape(3 * shape.width, -1)
        value, gate = (
            product(graph, part, three, scales[number], half, bias)
            for part, half, bias in zip(
                _gate_parts(name),
                np.split(matrix, 2, axis=1),
                np.split(weights[f"{name}.gate.bias"], 2),
            )
        )
        update = graph("Mul", value, graph("Sigmoid", gate))
    normed = norm(graph, weights, "encoder.norm", graph("Add", x, update))
    quantized = _quantize(graph, normed, scales[-1])
    head(
        graph,
        network.head,
        weights,
        lambda name, matrix, bias: product(graph, name, quantized, scales[-1], matrix, bias),
    )
    return graph.file(dict.fromkeys(("ids", "first", "end"), "rows"), shape.as_dict())


def read_weights(tensors: Tensors, blocks: int) -> dict[str, Array]:
    """The weights of a `Network` whose ONNX file holds these constants, rounded to eight bits.

    Args:
        blocks: how many it has.
    """
    weights = {**norm_weights(tensors, "encoder.norm"), **head_weights(tensors)}
    for number in range(blocks):
        name = f"encoder.blocks.{number}"
        weights |= norm_weights(tensors, f"{name}.norm")
        parts = [matrix_and_bias(tensors, part) for part in _gate_parts(name)]
        matrix, bias = (np.concatenate(each, axis=-1) for each in zip(*parts))
        # (3 in, out) to (out, in, 1, 3)
        gate = matrix.reshape(3, -1, matrix.shape[1]).transpose(2, 1, 0)
        weights[f"{name}.gate.weight"], weights[f"{name}.gate.bias"] = gate[:, :, None], bias
    scales = []
    for name, hashed in HASH_FACTORS.items():
        part = f"encoder.embedding.{name}"
        table = torch.from_numpy(tensors[f"{part}.table"].copy())
        scale = tensors[f"{part}.scale"].item()
        weights[f"{part}.weight"] = dequantize_table(table, torch.tensor(scale)).numpy()
        scales += [np.full(table.shape[1], scale)] * len(hashed)
    part = "encoder.embedding"
    matrix, weights[f"{part}.mix.bias"] = matrix_and_bias(tensors, f"{part}.mix")
    weights[f"{part}.mix.weight"] = (matrix / np.concatenate(scales)[:, None]).T
    weights[f"{part}.character.weight"] = tensors[f"{part}.character.weight"].astype(np.float32)
    return weights


def _gate_parts(block: str) -> tuple[str, str]:
    """The names under which the two halves of a block's matrix are written."""
    return f"{block}.value", f"{block}.gate"


class _Neighbours:
    """The row of the character k further on in the same text; one past all rows where there is none."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.rows = graph("Squeeze", graph("Cast", graph("Shape", "ids"), to=TensorProto.INT32))
        self.row = graph("Range", np.int32(0), self.rows, np.int32(1))
        self._at: dict[int, str] = {0: self.row}
        self._columns: dict[int, str] = {}

    def at(self, k: int) -> str:
        if k not in self._at:
            graph, there = self.graph, self.graph("Add", self.row, np.int32(k))
            inside = (
                graph("GreaterOrEqual", there, "first") if k < 0 else graph("Less", there, "end")
            )
            self._at[k] = graph("Where", inside, there, self.rows)
        return self._at[k]

    def column(self, k: int) -> str:
        if k not in self._columns:
            self._columns[k] = self.graph("Unsqueeze", self.at(k), [1])
        return self._columns[k]


def _embedding(graph: Graph, weights: dict[str, Array], neighbours: _Neighbours) -> str:
    """Ids to vectors, as `network.Embedding`."""
    padded = graph("Concat", "ids", np.array([PAD], np.int32), axis=0)
    ids = {k: graph("Gather", padded, neighbours.at(k)) if k else "ids" for k in range(-2, 3)}
    parts, scales = [], []
    for name, hashed in HASH_FACTORS.items():
        table = weights[f"encoder.embedding.{name}.weight"]
        quantized, scale = quantize_table(torch.from_numpy(table))
        kept = graph.constant(quantized.numpy(), f"encoder.embedding.{name}.table")
        graph.notes[f"encoder.embedding.{name}.scale"] = scale.item()
        for last in range(len(hashed)):
            products = [
                graph("Mul", ids[last + k + 1 - len(hashed)], np.int32(factor))
                for k, factor in enumerate(hashed)
            ]
            total = products[0]
            for each in products[1:]:
                total = graph("Add", total, each)
            bucket = graph("Mod", total, np.int32(len(table)))
            parts.append(graph("Gather", kept, bucket))
            scales.append(np.full(table.shape[1], scale.item()))
    pairs = graph("Concat", *parts, axis=1)
    matrix = weights["encoder.embedding.mix.weight"].T * np.concatenate(scales)[:, None]
    bias = weights["encoder.embedding.mix.bias"]
    mixed = product(graph, "encoder.embedding.mix", pairs, 1.0, matrix, bias)
    name = "encoder.embedding.character.weight"
    characters = graph.constant(weights[name].astype(np.float16), name)
    looked_up = graph("Cast", graph("Gather", characters, "ids"), to=TensorProto.FLOAT)
    return str(graph("Add", looked_up, mixed))


def _quantize(graph: Graph, x: str, scale: float) -> str:
    return str(graph("QuantizeLinear", x, np.float32(scale), ZERO_POINT))


def _scales(network: Network, texts: Iterable[Ids]) -> list[float]:
    """For each norm of the encoder, the largest number it gives, by 127."""
    norms: Sequence[nn.Module] = [
        module for module in network.encoder.modules() if isinstance(module, nn.LayerNorm)
    ]
    highest = [0.0] * len(norms)

    def note(number: int) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            highest[number] = max(highest[number], float(output.abs().max()))

        return hook

    hooks = [norm.register_forward_hook(note(number)) for number, norm in enumerate(norms)]
    network.eval()
    with torch.no_grad():
        for ids in texts:
            network.encoder(torch.from_numpy(pad([ids], len(ids))))
    for hook in hooks:
        hook.remove()
    return [each / 127 or 1.0 for each in highest]
