"""Parts of networks as onnxruntime runs them, for both kinds: norms, products in eight bits, the head.

Weights keep their names, so that the file can be trained on: each part is written here by one function and
read back by another.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, helper, numpy_helper

from ner.tagger.features import MAX_SPAN_LENGTH
from ner.training.network import SpanHead

ZERO_POINT = np.uint8(128)  # of unsigned eight-bit numbers
_BIAS = ("head.bias.within", "head.bias.into_next")  # by start and end of spans, see `head`
OPERATORS = "com.microsoft"  # the domain of onnxruntime's own operators

SHAPE = "shape"  # the file's property that holds the network's shape and notes, as JSON

Array = npt.NDArray[Any]
Tensors = Mapping[str, Array]
"""Constants of a file by name."""


class Graph:
    """An ONNX graph in the making: call it with an operator and inputs, get its output's name.

    Arrays among the inputs become constants.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.notes: dict[str, Any] = {}  # numbers that only `read` needs, by name

    def __call__(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        made = [f"v{len(self.nodes)}.{k}" for k in range(outputs)]
        domain = attributes.pop("domain", "")
        self.nodes.append(helper.make_node(operator, names, made, domain=domain, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: Any, name: str = "") -> str:
        """A constant, named where it is to be read back."""
        array = np.asarray(value)
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def rename(self, value: str, name: str) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))

    def file(self, inputs: Mapping[str, str], shape: Mapping[str, Any]) -> bytes:
        """The file's bytes.

        Args:
            inputs: names of the integer inputs, and what each counts.
            shape: of the network, with its number of ``labels``; kept for `read`.
        """
        ins = [
            helper.make_tensor_value_info(name, TensorProto.INT32, [counted])
            for name, counted in inputs.items()
        ]
        ins.append(helper.make_tensor_value_info("floors", TensorProto.FLOAT, [shape["labels"]]))
        outs = [
            helper.make_tensor_value_info("places", TensorProto.INT64, [3, "found"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["found"]),
        ]
        graph = helper.make_graph(self.nodes, "ner", ins, outs, self.constants)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(OPERATORS, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        helper.set_model_props(model, {SHAPE: json.dumps([dict(shape), self.notes])})
        return bytes(model.SerializeToString())


def read(path: Path) -> tuple[dict[str, Any], Tensors]:
    """The shape of the network in a file that `Graph.file` gave, and its constants and notes by name.

    Raises:
        OSError, ValueError: the file cannot be read, or holds no network that can be trained on.
    """
    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise ValueError(f"no ONNX file: {error}") from None
    kept = [json.loads(prop.value) for prop in model.metadata_props if prop.key == SHAPE]
    if not kept:
        raise ValueError("the network is none of ours, or from before 0.3: it cannot be trained on")
    ((shape, notes),) = kept
    tensors = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return shape, tensors | {name: np.asarray(value) for name, value in notes.items()}


def norm(
    graph: Graph, weights: Mapping[str, Array], name: str, x: str, epsilon: float = 1e-5
) -> str:
    """A layer norm."""
    # Not SkipLayerNormalization, which adds an update too: it takes four times as long (onnxruntime 1.32).
    names = (f"{name}.weight", f"{name}.bias")
    scale, shift = (graph.constant(weights[each], each) for each in names)
    return str(graph("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon))


def norm_weights(tensors: Tensors, name: str) -> dict[str, Array]:
    """The weights that `norm` wrote."""
    return {each: tensors[each] for each in (f"{name}.weight", f"{name}.bias")}


def product(
    graph: Graph,
    name: str,
    x: str,
    scale: float | str,
    matrix: Array,
    bias: Array,
    zero: Any = ZERO_POINT,
) -> str:
    """Eight-bit rows times a matrix ``(in, out)``, in single precision.

    Args:
        name: of the matrix, for `matrix_and_bias`.
        scale: of the rows, a number or a value's name.
        zero: their zero point, likewise.
    """
    scales = np.abs(matrix).max(axis=0) / 127 + 1e-12
    narrow = np.rint(matrix / scales).astype(np.int8)
    return str(
        graph(
            "MatMulIntegerToFloat",
            x,
            graph.constant(narrow, f"{name}.matrix"),
            scale if isinstance(scale, str) else np.float32(scale),
            graph.constant(scales.astype(np.float32), f"{name}.scales"),
            zero,
            np.zeros(len(scales), np.int8),
            graph.constant(bias.astype(np.float32), f"{name}.bias"),
            domain=OPERATORS,
        )
    )


def matrix_and_bias(tensors: Tensors, name: str) -> tuple[Array, Array]:
    """The matrix ``(in, out)`` and the bias that `product` wrote, rounded to eight bits."""
    return tensors[f"{name}.matrix"] * tensors[f"{name}.scales"], tensors[f"{name}.bias"]


def linear_weights(tensors: Tensors, name: str) -> dict[str, Array]:
    """The weights of a linear layer, written by `product` under its name."""
    matrix, bias = matrix_and_bias(tensors, name)
    return {f"{name}.weight": matrix.T, f"{name}.bias": bias}


def head(
    graph: Graph,
    module: SpanHead,
    weights: Mapping[str, Array],
    multiplied: Callable[[str, Array, Array], str],
) -> None:
    """Scores as `network.SpanHead`, those within a block of starts and those into the next apart.

    Args:
        multiplied: gives the product of the characters' vectors with a matrix, plus a bias, under a name.
    """
    labels, width = module.labels, module.head
    bias = weights["head.length_bias"][:, np.clip(module.offset.numpy(), 0, None)]
    bias = bias + weights["head.bias"]
    parts = {}
    for name, factor in _head_factors(width).items():
        matrix, shift = weights[f"head.{name}.weight"].T, weights[f"head.{name}.bias"]
        flat = multiplied(f"head.{name}", matrix * factor, shift * factor)
        blocks = graph("Reshape", flat, [-1, MAX_SPAN_LENGTH, labels, width])
        parts[name] = graph("Transpose", blocks, perm=[0, 2, 1, 3])
    ends = _apply_rotary(graph, module, parts["end"], 0)
    floors = graph("Reshape", "floors", [-1, 1, 1])
    places, logits = [], []
    for following in (0, 1):
        # Turning starts back by a block is turning the ends of the next one on.
        starts = _apply_rotary(graph, module, parts["start"], -following * MAX_SPAN_LENGTH)
        theirs = ends
        if following:
            starts = graph("Slice", starts, [0], [-1], [0])
            theirs = graph("Slice", ends, [1], [2**31], [0])
        scores = graph("FusedMatMul", starts, theirs, transB=1, domain=OPERATORS)
        part = bias[:, :, following * MAX_SPAN_LENGTH : (following + 1) * MAX_SPAN_LENGTH]
        scores = graph("Add", scores, graph.constant(part.astype(np.float32), _BIAS[following]))
        found = graph("NonZero", graph("Greater", scores, floors))
        logits.append(graph("GatherND", scores, graph("Transpose", found, perm=[1, 0])))
        block, label, start, last = graph("Split", found, outputs=4, axis=0)
        block = graph("Mul", block, np.int64(MAX_SPAN_LENGTH))
        first_row = graph("Add", block, start)
        last_row = graph("Add", graph("Add", block, last), np.int64(following * MAX_SPAN_LENGTH))
        places.append(graph("Concat", label, first_row, last_row, axis=0))
    graph.rename(graph("Concat", *places, axis=1), "places")
    graph.rename(graph("Concat", *logits, axis=0), "logits")


def head_weights(tensors: Tensors) -> dict[str, Array]:
    """The weights of a `network.SpanHead` that `head` wrote.

    The file holds the sum of the bias and that by length; here the bias is the mean over the lengths.
    """
    weights = {}
    width = tensors["head.start.matrix"].shape[1] // len(tensors[_BIAS[0]])
    for name, factor in _head_factors(width).items():
        for key, value in linear_weights(tensors, f"head.{name}").items():
            weights[key] = value / factor
    # Of a span that begins at the block's first character, each length in turn.
    bias = np.concatenate([tensors[name][:, 0] for name in _BIAS], axis=1)
    bias = bias[:, : 2 * MAX_SPAN_LENGTH - 1]
    mean = bias.mean(axis=1, keepdims=True)
    weights["head.length_bias"], weights["head.bias"] = bias - mean, mean[:, :, None]
    return weights


def _head_factors(width: int) -> dict[str, float]:
    """What the head's two vectors are multiplied by when the file is written."""
    return {"start": width**-0.5, "end": 1.0}


def _apply_rotary(graph: Graph, module: SpanHead, x: str, by: int) -> str:
    """`network.SpanHead`'s turn by place, every place moved by so many characters."""
    angles = (np.arange(MAX_SPAN_LENGTH)[:, None] + by) * module.frequencies.numpy()
    place = np.array([0], np.int64)  # onnxruntime counts on from it
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return str(graph("RotaryEmbedding", x, place, cos, sin, domain=OPERATORS))
