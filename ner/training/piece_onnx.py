"""A network over pieces as onnxruntime runs it: a window at a time, products in eight bits.

Weights are scaled by column. What they multiply is scaled as it comes, a window's numbers together: since
windows run one by one, no character's numbers depend on what else is tagged.
"""

import math

import numpy as np
from onnx import TensorProto

from ner.tagger.features import PAD
from ner.training import onnx_graph
from ner.training.onnx_graph import OPERATORS, Array, Graph
from ner.training.pretrained_encoder import PieceNetwork

_NEIGHBOURS = 2  # characters to either side that a convolution sees


def to_onnx(network: PieceNetwork) -> bytes:
    """The network as an ONNX file's bytes.

    In: of one window what `pieces.PieceRow` holds, and ``floors`` ``(labels,)``. Out: what
    `onnx_export.to_onnx` gives.
    """
    weights = {name: value.numpy() for name, value in network.float().state_dict().items()}
    graph = Graph()
    pieces = _encoder(graph, network, weights)
    x = graph("Gather", pieces, "piece")
    x = graph("Add", x, graph("Gather", weights["place.weight"], "place"))
    x = graph("Add", x, _looked_up(graph, weights["character.weight"], "ids"))
    real = graph("Cast", graph("Not", graph("Equal", "ids", np.int32(PAD))), to=TensorProto.FLOAT)
    real = graph("Unsqueeze", real, [1])
    for number in range(len(network.convolutions)):
        x = _convolution(graph, weights, f"convolutions.{number}", x, real)
    normed = onnx_graph.norm(graph, weights, "norm", x)
    narrow = graph("DynamicQuantizeLinear", normed, outputs=3)
    onnx_graph.head(
        graph, network.head, weights, lambda matrix, bias: _product(graph, narrow, matrix, bias)
    )
    inputs = {"pieces": "pieces", "ids": "rows", "piece": "rows", "place": "rows"}
    return graph.file(inputs, network.head.labels)


def _encoder(graph: Graph, network: PieceNetwork, weights: dict[str, Array]) -> str:
    """Ids of pieces to vectors, as `pretrained_encoder.PieceEncoder`."""
    shape = network.shape
    count = graph("Squeeze", graph("Shape", "pieces"))
    places = graph("Range", np.int64(0), count, np.int64(1))
    places = graph("Min", places, np.int64(shape.positions - 1))
    x = graph(
        "Add",
        _looked_up(graph, weights["encoder.piece.weight"], "pieces"),
        graph("Gather", weights["encoder.position.weight"], places),
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
    mixed = _product(graph, (beside, scale, zero), matrix, weights[f"{name}.mix.bias"])
    return str(graph("Add", x, graph("Gelu", mixed, domain=OPERATORS)))


def _linear(graph: Graph, weights: dict[str, Array], name: str, x: str) -> str:
    narrow = graph("DynamicQuantizeLinear", x, outputs=3)
    return _product(graph, narrow, weights[f"{name}.weight"].T, weights[f"{name}.bias"])


def _product(graph: Graph, narrow: tuple[str, str, str], matrix: Array, bias: Array) -> str:
    """Rows in eight bits, with their scale and zero point, times a matrix ``(in, out)``."""
    x, scale, zero = narrow
    return onnx_graph.product(graph, x, scale, matrix, bias, zero)


def _looked_up(graph: Graph, table: Array, index: str) -> str:
    """Rows of a table that is kept in eight bits, each row with a scale."""
    scales = np.abs(table).max(axis=1, keepdims=True) / 127 + 1e-12
    narrow = (np.rint(table / scales) + 128).astype(np.uint8)
    # Not DequantizeLinear, whose optimised form goes on in eight bits (onnxruntime 1.32).
    rows = graph("Cast", graph("Gather", graph.constant(narrow), index), to=TensorProto.FLOAT)
    rows = graph("Sub", rows, np.float32(128))
    return str(graph("Mul", rows, graph("Gather", scales.astype(np.float32), index)))
