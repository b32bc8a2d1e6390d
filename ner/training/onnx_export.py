"""The network as onnxruntime runs it: windows packed end to end, products in eight bits.

Weights are scaled by column, what they multiply by one number a layer, fixed when the file is written:
so no character's numbers depend on what else is in the batch.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ner.tagger.features import MAX_SPAN_LENGTH, PAD, Ids, pad
from ner.training.network import HASH_FACTORS, Network
from ner.training.weights import quantize_table

_ZERO = np.uint8(128)  # the zero point of unsigned eight-bit numbers
_OURS = "com.microsoft"  # onnxruntime's own operators

Array = npt.NDArray[Any]


def to_onnx(network: Network, texts: Iterable[Ids]) -> bytes:
    """The network as an ONNX file's bytes.

    In: what `features.pack` gives, and ``floors`` ``(labels,)``. Out: ``places`` ``(3, found)``, rows
    label, first and last row; and ``logits`` ``(found,)`` of the spans above their label's floor.
    Spans that run over a window's end are
    among them; the tagger leaves them out.

    Args:
        texts: ids of texts like those to come, from which the scales of activations are taken.
    """
    graph = _Graph()
    shape = network.shape
    weights = {name: value.numpy() for name, value in network.float().state_dict().items()}
    scales = _scales(network, texts)
    around = _Neighbours(graph, max(2, *shape.dilations))
    x = _embedding(graph, weights, around)
    update = None
    for number, dilation in enumerate(shape.dilations):
        name = f"encoder.blocks.{number}"
        x, normed = _norm(graph, weights, f"{name}.norm", x, update)
        narrow = _quantize(graph, normed, scales[number])
        edged = graph("Concat", narrow, np.full((1, shape.width), _ZERO), axis=0)
        index = graph("Concat", *(around.column(k * dilation) for k in (-1, 0, 1)), axis=1)
        three = graph("Reshape", graph("Gather", edged, index, axis=0), [-1, 3 * shape.width])
        # (out, in, 1, 3) to (3 in, out)
        matrix = weights[f"{name}.gate.weight"][:, :, 0].transpose(2, 1, 0)
        matrix = matrix.reshape(3 * shape.width, -1)
        value, gate = (
            _product(graph, three, scales[number], part, bias)
            for part, bias in zip(
                np.split(matrix, 2, axis=1), np.split(weights[f"{name}.gate.bias"], 2)
            )
        )
        update = graph("Mul", value, graph("Sigmoid", gate))
    _, normed = _norm(graph, weights, "encoder.norm", x, update)
    _head(graph, network, weights, _quantize(graph, normed, scales[-1]), scales[-1])
    return graph.file(shape.labels)


class _Graph:
    """An ONNX graph in the making: call it with an operator and inputs, get its output's name.

    Arrays among the inputs become constants.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        made = [f"v{len(self.nodes)}.{k}" for k in range(outputs)]
        domain = attributes.pop("domain", "")
        self.nodes.append(helper.make_node(operator, names, made, domain=domain, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: Any) -> str:
        array = np.asarray(value)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def rename(self, value: str, name: str) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))

    def file(self, labels: int) -> bytes:
        ins = [
            helper.make_tensor_value_info(name, TensorProto.INT32, ["rows"])
            for name in ("ids", "first", "end")
        ]
        ins.append(helper.make_tensor_value_info("floors", TensorProto.FLOAT, [labels]))
        outs = [
            helper.make_tensor_value_info("places", TensorProto.INT64, [3, "found"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["found"]),
        ]
        graph = helper.make_graph(self.nodes, "ner", ins, outs, self.constants)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(_OURS, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        return bytes(model.SerializeToString())


class _Neighbours:
    """Where a row's neighbour k characters on stands; one past all rows where there is none."""

    def __init__(self, graph: _Graph, furthest: int) -> None:
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


def _embedding(graph: _Graph, weights: dict[str, Array], around: _Neighbours) -> str:
    """Ids to vectors, as `network.Embedding`."""
    edged = graph("Concat", "ids", np.array([PAD], np.int32), axis=0)
    ids = {k: graph("Gather", edged, around.at(k)) if k else "ids" for k in range(-2, 3)}
    parts, scales = [], []
    for name, hashed in HASH_FACTORS.items():
        table = weights[f"encoder.embedding.{name}.weight"]
        narrow, scale = quantize_table(torch.from_numpy(table))
        kept = graph.constant(narrow.numpy())
        for last in range(len(hashed)):
            products = [
                graph("Mul", ids[last + k + 1 - len(hashed)], np.int32(factor))
                for k, factor in enumerate(hashed)
            ]
            total = products[0]
            for product in products[1:]:
                total = graph("Add", total, product)
            bucket = graph("Mod", total, np.int32(len(table)))
            parts.append(graph("Gather", kept, bucket))
            scales.append(np.full(table.shape[1], scale.item()))
    pairs = graph("Concat", *parts, axis=1)
    matrix = weights["encoder.embedding.mix.weight"].T * np.concatenate(scales)[:, None]
    mixed = _product(graph, pairs, 1.0, matrix, weights["encoder.embedding.mix.bias"])
    characters = weights["encoder.embedding.character.weight"].astype(np.float16)
    looked_up = graph("Cast", graph("Gather", characters, "ids"), to=TensorProto.FLOAT)
    return str(graph("Add", looked_up, mixed))


def _norm(
    graph: _Graph, weights: dict[str, Array], name: str, x: str, update: str | None
) -> tuple[str, str]:
    """The residual sum, and the sum normed."""
    # Not SkipLayerNormalization, which does both: it takes four times as long (onnxruntime 1.32).
    total = graph("Add", x, update) if update else x
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return total, graph("LayerNormalization", total, scale, shift, axis=-1, epsilon=1e-5)


def _quantize(graph: _Graph, x: str, scale: float) -> str:
    return str(graph("QuantizeLinear", x, np.float32(scale), _ZERO))


def _product(graph: _Graph, x: str, scale: float, matrix: Array, bias: Array) -> str:
    """Eight-bit rows times a matrix ``(in, out)``, in single precision."""
    scales = np.abs(matrix).max(axis=0) / 127 + 1e-12
    narrow = np.rint(matrix / scales).astype(np.int8)
    return str(
        graph(
            "MatMulIntegerToFloat",
            x,
            narrow,
            np.float32(scale),
            scales.astype(np.float32),
            _ZERO,
            np.zeros(len(scales), np.int8),
            bias.astype(np.float32),
            domain=_OURS,
        )
    )


def _head(
    graph: _Graph,
    network: Network,
    weights: dict[str, Array],
    x: str,
    scale: float,
) -> None:
    """Scores as `network.SpanHead`, those within a block of starts and those into the next apart."""
    labels, width = network.head.labels, network.head.head
    bias = weights["head.length_bias"][:, np.clip(network.head.offset.numpy(), 0, None)]
    bias = bias + weights["head.bias"]
    parts = {}
    for name, factor in (("start", width**-0.5), ("end", 1.0)):
        matrix, shift = weights[f"head.{name}.weight"].T, weights[f"head.{name}.bias"]
        flat = _product(graph, x, scale, matrix * factor, shift * factor)
        blocks = graph("Reshape", flat, [-1, MAX_SPAN_LENGTH, labels, width])
        parts[name] = graph("Transpose", blocks, perm=[0, 2, 1, 3])
    ends = _apply_rotary(graph, network, parts["end"], 0)
    floors = graph("Reshape", "floors", [-1, 1, 1])
    places, logits = [], []
    for following in (0, 1):
        # Turning starts back by a block is turning the ends of the next one on.
        starts = _apply_rotary(graph, network, parts["start"], -following * MAX_SPAN_LENGTH)
        theirs = ends
        if following:
            starts = graph("Slice", starts, [0], [-1], [0])
            theirs = graph("Slice", ends, [1], [2**31], [0])
        scores = graph("FusedMatMul", starts, theirs, transB=1, domain=_OURS)
        part = bias[:, :, following * MAX_SPAN_LENGTH : (following + 1) * MAX_SPAN_LENGTH]
        scores = graph("Add", scores, part.astype(np.float32))
        found = graph("NonZero", graph("Greater", scores, floors))
        logits.append(graph("GatherND", scores, graph("Transpose", found, perm=[1, 0])))
        block, label, start, last = graph("Split", found, outputs=4, axis=0)
        block = graph("Mul", block, np.int64(MAX_SPAN_LENGTH))
        first_row = graph("Add", block, start)
        last_row = graph("Add", graph("Add", block, last), np.int64(following * MAX_SPAN_LENGTH))
        places.append(graph("Concat", label, first_row, last_row, axis=0))
    graph.rename(graph("Concat", *places, axis=1), "places")
    graph.rename(graph("Concat", *logits, axis=0), "logits")


def _apply_rotary(graph: _Graph, network: Network, x: str, by: int) -> str:
    """`network.SpanHead`'s turn by place, every place moved by so many characters."""
    angles = (np.arange(MAX_SPAN_LENGTH)[:, None] + by) * network.head.frequencies.numpy()
    place = np.array([0], np.int64)  # onnxruntime counts on from it
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return str(graph("RotaryEmbedding", x, place, cos, sin, domain=_OURS))


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
