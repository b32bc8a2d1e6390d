"""A pretrained encoder over pieces under our head over characters.

The encoder is BERT's (Devlin et al. 2019: post-norm Transformer, erf-GELU). A character gets the vector of
the piece it falls into, one for its place in the piece, and one of its own; two convolutions let
it see its neighbours, and `SpanHead` scores spans of characters as ever.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.tagger.features import PAD
from ner.tagger.pieces import MAX_PLACE, PIECE_PAD, Pieces
from ner.training.e5 import Pretrained, rows
from ner.training.network import Network, Shape, SpanHead

CONVOLUTIONS = 2  # over characters, behind the encoder
_NEVER = -1e4  # added to the scores of attention on padding


@dataclass(frozen=True)
class EncoderShape:
    """What must agree between a pretrained encoder's weights and its network.

    Args:
        pieces: how many the vocabulary has.
        inner: the width of the feed-forward layers.
        epsilon: of the layer norms.
    """

    pieces: int
    width: int = 384
    layers: int = 12
    heads: int = 12
    inner: int = 1536
    positions: int = 512
    epsilon: float = 1e-12

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Layer(nn.Module):
    """Self-attention and a feed-forward layer, each with a residual connection normed afterwards."""

    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.attention_norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, penalty: Tensor) -> Tensor:
        """Vectors ``(batch, pieces, width)``; the penalty ``(batch, 1, 1, pieces)`` is 0 but on padding."""
        batch, length, width = x.shape
        # Two plain products: on a CPU in half precision twice as fast as scaled_dot_product_attention.
        qkv = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = (
            part.reshape(batch * self.heads, length, -1)
            for part in qkv.permute(2, 0, 3, 1, 4).unbind()
        )
        scale = (width // self.heads) ** -0.5
        scores = torch.bmm(query * scale, key.transpose(1, 2)).view(batch, -1, length, length)
        shares = (scores + penalty).softmax(dim=-1).view(-1, length, length)
        attended = torch.bmm(shares.to(value.dtype), value).view(batch, self.heads, length, -1)
        attended = attended.transpose(1, 2).reshape(batch, length, width)
        x = self.attention_norm(x + self.out(attended))
        update = self.narrow(F.gelu(self.widen(x)))
        normed: Tensor = self.norm(x + self.dropout(update))
        return normed


class PieceEncoder(nn.Module):
    """BERT over the ids of pieces."""

    def __init__(self, shape: EncoderShape, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.piece = nn.Embedding(shape.pieces, shape.width)
        # BERT's table of positions, to each of which its vector for the first text's type is added.
        self.position = nn.Embedding(shape.positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(shape, dropout) for _ in range(shape.layers))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, pieces)``, special ones included, to vectors ``(batch, pieces, width)``."""
        places = torch.arange(ids.shape[1], device=ids.device)
        places = places.clamp(max=self.shape.positions - 1)
        x: Tensor = self.dropout(self.norm(self.piece(ids.long()) + self.position(places)))
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        penalty = ((ids == PIECE_PAD) * _NEVER)[:, None, None, :].to(x.dtype)
        for layer in self.layers:
            x = layer(x, penalty)
        return x


class Convolution(nn.Module):
    """A convolution over five characters with a residual connection, normed beforehand."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        # As an image one row high, which PyTorch convolves fastest; see `network.Block`.
        self.mix = nn.Conv2d(width, width, (1, 5), padding=(0, 2)).to(
            memory_format=torch.channels_last  # type: ignore[call-overload]
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors ``(batch, length, width)``; the mask ``(batch, length, 1)`` is 0 on padding."""
        image = (self.norm(x) * mask).transpose(1, 2).unsqueeze(2)
        mixed = F.gelu(self.mix(image).squeeze(2).transpose(1, 2))
        update: Tensor = self.dropout(mixed)
        return x + update


class PieceNetwork(nn.Module):
    """Encoder over pieces, vectors of characters, and head.

    Args:
        shape: of the encoder.
        characters: how many the character table has.
        labels: how many there are.
        pieces: the vocabulary that the encoder's ids are from.
    """

    def __init__(
        self,
        shape: EncoderShape,
        characters: int,
        labels: int,
        pieces: Pieces,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.pieces = pieces
        self.encoder = PieceEncoder(shape, dropout=dropout)
        self.character = nn.Embedding(characters, shape.width)
        self.place = nn.Embedding(MAX_PLACE + 1, shape.width)
        self.convolutions = nn.ModuleList(
            Convolution(shape.width, dropout) for _ in range(CONVOLUTIONS)
        )
        self.norm = nn.LayerNorm(shape.width)
        self.head = SpanHead(Shape(characters, labels, width=shape.width))
        self.values = {**shape.as_dict(), "characters": characters, "labels": labels}
        nn.init.normal_(self.character.weight, std=0.02)
        nn.init.normal_(self.place.weight, std=0.02)

    def forward(self, ids: Tensor, pieces: Tensor, piece: Tensor, place: Tensor) -> Tensor:
        """Scores of `SpanHead`.

        Args:
            ids: of the characters, a multiple of `MAX_SPAN_LENGTH`. Shape: ``(batch, length)``.
            pieces: ids of the pieces, special ones before and behind. Shape: ``(batch, pieces)``.
            piece: for each character where its piece stands in `pieces`. Shape: ``(batch, length)``.
            place: its place in the piece. Shape: ``(batch, length)``.
        """
        vectors = self.encoder(pieces)
        index = piece.long().unsqueeze(-1).expand(-1, -1, vectors.shape[-1])
        x = vectors.gather(1, index) + self.place(place.long()) + self.character(ids.long())
        mask = (ids != PAD).unsqueeze(-1).to(x.dtype)
        for convolution in self.convolutions:
            x = convolution(x, mask)
        scores: Tensor = self.head(self.norm(x))
        return scores


SpanNetwork = Network | PieceNetwork
"""Either kind of network that scores spans; of a `Network` ``pieces`` is None."""


def e5_shape(pretrained: Pretrained, pieces: Pieces) -> EncoderShape:
    """The shape of a `PieceEncoder` over some of the pieces of `e5.read`."""
    return EncoderShape(
        len(pieces),
        pretrained.width,
        pretrained.layers,
        pretrained.heads,
        pretrained.inner,
        len(pretrained.tensors["emb.pos"]),
        pretrained.epsilon,
    )


def e5_weights(pretrained: Pretrained, pieces: Pieces) -> dict[str, Tensor]:
    """Its weights."""
    read = {name: torch.from_numpy(values) for name, values in pretrained.tensors.items()}
    weights = {
        "piece.weight": read["emb.word"][torch.tensor(rows(pretrained, pieces))],
        "position.weight": read["emb.pos"] + read["emb.type"][0],
        "norm.weight": read["emb.ln.w"],
        "norm.bias": read["emb.ln.b"],
    }
    parts = {
        "out": "ao", "attention_norm": "aln", "widen": "fi", "narrow": "fo", "norm": "oln",
    }  # fmt: skip
    for number in range(sum(name.endswith(".q.w") for name in read)):
        for ours, theirs in (("weight", "w"), ("bias", "b")):
            joined = [read[f"l{number}.{part}.{theirs}"] for part in "qkv"]
            weights[f"layers.{number}.qkv.{ours}"] = torch.cat(joined)
            for part, name in parts.items():
                weights[f"layers.{number}.{part}.{ours}"] = read[f"l{number}.{name}.{theirs}"]
    return weights
