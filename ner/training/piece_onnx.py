"""A network over pieces as onnxruntime runs it: a window at a time, products in eight bits.

Weights are scaled by column. What they multiply is scaled as it comes, a window's numbers together: since
windows run one by one, no character's numbers depend on what else is tagged.
"""

import math

import numpy as np
from onnx import TensorProto

from ner.tagger.features import PAD
from ner.training import onnx_graph
from ner.training.onnx_graph import OPERATORS, ZERO_POINT, Array, Graph, Tensors
from ner.training.pretrained_encoder import CONVOLUTIONS, PieceNetwork

_NEIGHBOURS = 2  # characters to either side that a convolution sees
_REACH = 2 * _NEIGHBOURS + 1


def to_onnx(network: PieceNetwork) -> bytes:
    """The network as an ONNX file's bytes.

    In: of one window what `pieces.PieceRow` holds, and ``floors`` ``(labels,)``. Out: what
    `onnx_export.to_onnx` gives.
    """
    weights = {name: value.numpy() for name, value in network.float().state_dict().items()}
    graph = Graph()
    pieces = _encoder(graph, network, weights)
    x = graph("Gather", pieces, "piece")
    places = graph.constant(weights["place.weight"], "place.weight")
    x = graph("Add", x, graph("Gather", places, "place"))
    x = graph("Add", x, _looked_up(graph, weights, "character", "ids"))
    real = graph("Cast", graph("Not", graph("Equal", "ids", np.int32(PAD))), to=TensorProto.FLOAT)
    real = graph("Unsqueeze", real, [1])
    for number in range(len(network.convolutions)):
        x = _convolution(graph, weights, f"convolutions.{number}", x, real)
    normed = onnx_graph.norm(graph, weights, "norm", x)
    narrow = graph("DynamicQuantizeLinear", normed, outputs=3)
    onnx_graph.head(
        graph,
        network.head,
        weights,
        lambda name, matrix, bias: _product(graph, name, narrow, matrix, bias),
    )
    inputs = {"pieces": "pieces", "ids": "rows", "piece": "rows", "place": "rows"}
    return graph.file(inputs, network.values)


def read_weights(tensors: Tensors, layers: int) -> dict[str, Array]:
    """The weights of a `PieceNetwork` whose ONNX file holds these constants, rounded to eight bits.

    Args:
        layers: of its encoder.
    """
    weights = {
        "place.weight": tensors["place.weight"],
        "encoder.position.weight": tensors["encoder.position.weight"],
        **_table_weights(tensors, "character"),
        **_table_weights(tensors, "encoder.piece"),
        **onnx_graph.norm_weights(tensors, "encoder.norm"),
        **onnx_graph.norm_weights(tensors, "norm"),
        **onnx_graph.head_weights(tensors),
    }
    for number in range(layers):
        name = f"encoder.layers.{number}"
        for part in ("qkv", "out", "widen", "narrow"):
            weights |= onnx_graph.linear_weights(tensors, f"{name}.{part}")
        for part in ("attention_norm", "norm"):
            weights |= onnx_graph.norm_weights(tensors, f"{name}.{part}")
    for number in range(CONVOLUTIONS):
        name = f"convolutions.{number}"
        weights |= onnx_graph.norm_weights(tensors, f"{name}.norm")
        matrix, weights[f"{name}.mix.bias"] = onnx_graph.matrix_and_bias(tensors, f"{name}.mix")
        # (5 in, out) to (out, in, 1, 5)
        mix = matrix.reshape(_REACH, -1, matrix.shape[1]).transpose(2, 1, 0)
        weights[f"{name}.mix.weight"] = mix[:, :, None]
    return weights


def _encoder(graph: Graph, network: PieceNetwork, weights: dict[str, Array]) -> str:
    """Ids of pieces to vectors, as `pretrained_encoder.PieceEncoder`."""
    shape = network.shape
    count = graph("Squeeze", graph("Shape", "pieces"))
    places = graph("Range", np.int64(0), count, np.int64(1))
    places = graph("Min", places, np.int64(shape.positions - 1))
    position = "encoder.position.weight"
    x = graph(
        "Add",
        _looked_up(graph, weights, "encoder.piece", "pieces"),
        graph("Gather", graph.constant(weights[position], position), places),
    )
    x = onnx_graph.norm(graph, weights, "encoder.norm", x, shape.epsilon)
    for number in range(shape.layers):
        name = f"encoder.layers.{number}"
        attended = _attention(graph, weights, name, x, shape.heads, shape.width)
        x = graph("Add", x, attended)
        x = onnx_graph.norm(graph, weights, f"{name}.attention_norm", x, shape.epsilon)
        wide = graph("Gelu", _linear(graph, weights, f"{name}.widen", x), domain=OPERATORS)
        x = graph("Add", x, _linear(graph, weights, f"{name}.narrow", wide))
        x = onnx_graph.norm(graph, weights, f"{name}.norm", x, shape.epsilon)
    return str(x)


def _attention(
    graph: Graph, weights: dict[str, Array], name: str, x: str, heads: int, width: int
) -> str:
    qkv = graph("Unsqueeze", _linear(graph, weights, f"{name}.qkv", x), [0])
    parts = graph("Split", qkv, [width] * 3, outputs=3, axis=2)
    attended = graph(
        "MultiHeadAttention",
        *parts,
        domain=OPERATORS,
        num_heads=heads,
        scale=1 / math.sqrt(width // heads),
    )
    return _linear(graph, weights, f"{name}.out", graph("Squeeze", attended, [0]))


def _convolution(graph: Graph, weights: dict[str, Array], name: str, x: str, real: str) -> str:
    """`pretrained_encoder.Convolution`: the rows of five characters beside each other, and one product."""
    normed = graph("Mul", onnx_graph.norm(graph, weights, f"{name}.norm", x), real)
    # (out, in, 1, 5) to (5 in, out)
    matrix = weights[f"{name}.mix.weight"][:, :, 0].transpose(2, 1, 0)
    edge = np.zeros((_NEIGHBOURS, matrix.shape[1]), np.float32)
    narrow, scale, zero = graph(
        "DynamicQuantizeLinear", graph("Concat", edge, normed, edge, axis=0), outputs=3
    )
    ends = [[k - 2 * _NEIGHBOURS] if k < 2 * _NEIGHBOURS else [2**31] for k in range(len(matrix))]
    around = [graph("Slice", narrow, [k], end, [0]) for k, end in enumerate(ends)]
    beside = graph("Concat", *around, axis=1)
    matrix = matrix.reshape(-1, matrix.shape[-1])
    bias = weights[f"{name}.mix.bias"]
    mixed = _product(graph, f"{name}.mix", (beside, scale, zero), matrix, bias)
    return str(graph("Add", x, graph("Gelu", mixed, domain=OPERATORS)))


def _linear(graph: Graph, weights: dict[str, Array], name: str, x: str) -> str:
    narrow = graph("DynamicQuantizeLinear", x, outputs=3)
    return _product(graph, name, narrow, weights[f"{name}.weight"].T, weights[f"{name}.bias"])


def _product(
    graph: Graph, name: str, narrow: tuple[str, str, str], matrix: Array, bias: Array
) -> str:
    """Rows in eight bits, with their scale and zero point, times a matrix ``(in, out)``."""
    x, scale, zero = narrow
    return onnx_graph.product(graph, name, x, scale, matrix, bias, zero)


def _looked_up(graph: Graph, weights: dict[str, Array], name: str, index: str) -> str:
    """Rows of a table that is kept in eight bits, each row with a scale."""
    table = weights[f"{name}.weight"]
    scales = np.abs(table).max(axis=1, keepdims=True) / 127 + 1e-12
    narrow = (np.rint(table / scales) + ZERO_POINT).astype(np.uint8)
    # Not DequantizeLinear, whose optimised form goes on in eight bits (onnxruntime 1.32).
    kept = graph.constant(narrow, f"{name}.table")
    rows = graph("Cast", graph("Gather", kept, index), to=TensorProto.FLOAT)
    rows = graph("Sub", rows, np.float32(ZERO_POINT))
    scale = graph.constant(scales.astype(np.float32), f"{name}.scales")
    return str(graph("Mul", rows, graph("Gather", scale, index)))


def _table_weights(tensors: Tensors, name: str) -> dict[str, Array]:
    """The table that `_looked_up` wrote."""
    rows = tensors[f"{name}.table"].astype(np.float32) - np.float32(ZERO_POINT)
    return {f"{name}.weight": rows * tensors[f"{name}.scales"]}
