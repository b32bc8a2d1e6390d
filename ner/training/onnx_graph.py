"""Parts of networks as onnxruntime runs them, for both kinds: norms, products in eight bits, the head."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ner.tagger.features import MAX_SPAN_LENGTH
from ner.training.network import SpanHead

ZERO_POINT = np.uint8(128)  # of unsigned eight-bit numbers
OPERATORS = "com.microsoft"  # the domain of onnxruntime's own operators

Array = npt.NDArray[Any]


class Graph:
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

    def file(self, inputs: Mapping[str, str], labels: int) -> bytes:
        """The file's bytes.

        Args:
            inputs: names of the integer inputs, and what each counts.
            labels: how many floors there are.
        """
        ins = [
            helper.make_tensor_value_info(name, TensorProto.INT32, [counted])
            for name, counted in inputs.items()
        ]
        ins.append(helper.make_tensor_value_info("floors", TensorProto.FLOAT, [labels]))
        outs = [
            helper.make_tensor_value_info("places", TensorProto.INT64, [3, "found"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["found"]),
        ]
        graph = helper.make_graph(self.nodes, "ner", ins, outs, self.constants)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(OPERATORS, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        return bytes(model.SerializeToString())


def norm(
    graph: Graph, weights: Mapping[str, Array], name: str, x: str, epsilon: float = 1e-5
) -> str:
    """A layer norm."""
    # Not SkipLayerNormalization, which adds an update too: it takes four times as long (onnxruntime 1.32).
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return str(graph("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon))


def product(
    graph: Graph, x: str, scale: float | str, matrix: Array, bias: Array, zero: Any = ZERO_POINT
) -> str:
    """Eight-bit rows times a matrix ``(in, out)``, in single precision.

    Args:
        scale: of the rows, a number or a value's name.
        zero: their zero point, likewise.
    """
    scales = np.abs(matrix).max(axis=0) / 127 + 1e-12
    narrow = np.rint(matrix / scales).astype(np.int8)
    return str(
        graph(
            "MatMulIntegerToFloat",
            x,
            narrow,
            scale if isinstance(scale, str) else np.float32(scale),
            scales.astype(np.float32),
            zero,
            np.zeros(len(scales), np.int8),
            bias.astype(np.float32),
            domain=OPERATORS,
        )
    )


def head(
    graph: Graph,
    module: SpanHead,
    weights: Mapping[str, Array],
    multiplied: Callable[[Array, Array], str],
) -> None:
    """Scores as `network.SpanHead`, those within a block of starts and those into the next apart.

    Args:
        multiplied: gives the product of the characters' vectors with a matrix, plus a bias.
    """
    labels, width = module.labels, module.head
    bias = weights["head.length_bias"][:, np.clip(module.offset.numpy(), 0, None)]
    bias = bias + weights["head.bias"]
    parts = {}
    for name, factor in (("start", width**-0.5), ("end", 1.0)):
        matrix, shift = weights[f"head.{name}.weight"].T, weights[f"head.{name}.bias"]
        flat = multiplied(matrix * factor, shift * factor)
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


def _apply_rotary(graph: Graph, module: SpanHead, x: str, by: int) -> str:
    """`network.SpanHead`'s turn by place, every place moved by so many characters."""
    angles = (np.arange(MAX_SPAN_LENGTH)[:, None] + by) * module.frequencies.numpy()
    place = np.array([0], np.int64)  # onnxruntime counts on from it
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return str(graph("RotaryEmbedding", x, place, cos, sin, domain=OPERATORS))
