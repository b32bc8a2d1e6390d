"""The network: characters in, a score for every short span and label out. It knows arrays only.

Encoder: character and hashed character-bigram embeddings, then residual blocks of gated dilated
convolutions (gated linear units, Dauphin et al. 2017; dilation, Strubell et al. 2017).
Head: GlobalPointer (Su et al. 2022), which scores a span by its first and last character and so
lets spans nest; kept to a band, since names are short.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.tagger.features import MAX_SPAN_LENGTH, PAD

HASHES = {"bigram": (40503, 7919), "trigram": (92821, 31337, 6967)}
"""The factors of the tables' linear hashes; sums of ids so multiplied stay within 31 bits."""


@dataclass(frozen=True)
class Shape:
    """What must agree between weights and network."""

    characters: int
    labels: int
    width: int = 256
    bigram_buckets: int = 131072
    bigram_width: int = 64
    trigram_buckets: int = 262144
    trigram_width: int = 48
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    head_width: int = 64

    @property
    def reach(self) -> int:
        """Code points to either side of a character that its vector depends on, trigrams included."""
        return sum(self.dilations) + 2

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "dilations": list(self.dilations)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shape":
        return cls(**{**values, "dilations": tuple(values["dilations"])})


class Embedding(nn.Module):
    """Characters, and the two bigrams and three trigrams they stand in.

    The tables of bigrams and trigrams are hashed (Svenstrup et al. 2017, with one hash): a memory of
    words and names that costs a look-up each.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.character = nn.Embedding(shape.characters, shape.width)
        self.bigram = nn.Embedding(shape.bigram_buckets, shape.bigram_width)
        self.trigram = nn.Embedding(shape.trigram_buckets, shape.trigram_width)
        self.mix = nn.Linear(2 * shape.bigram_width + 3 * shape.trigram_width, shape.width)
        nn.init.normal_(self.character.weight, std=0.5)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.1)

    @property
    def tables(self) -> list[nn.Embedding]:
        """The hashed tables: nearly all of the weights, few of which a text touches."""
        return [getattr(self, name) for name in HASHES]

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, length)`` to vectors ``(batch, length, width)``."""
        ids = ids.long()
        # Padding of our own on both sides, so that an end looks the same however long the batch is.
        edged = F.pad(ids, (2, 2), value=PAD)
        bigrams = self._looked_up("bigram", edged[:, 1:-1])
        trigrams = self._looked_up("trigram", edged)
        length = ids.shape[1]
        around = [bigrams[:, k : k + length] for k in (0, 1)]
        around += [trigrams[:, k : k + length] for k in (0, 1, 2)]
        vectors: Tensor = self.character(ids) + self.mix(torch.cat(around, dim=-1))
        return vectors

    def _looked_up(self, name: str, ids: Tensor) -> Tensor:
        table: nn.Embedding = getattr(self, name)
        factors = HASHES[name]
        length = ids.shape[1] + 1 - len(factors)
        products = [ids[:, k : k + length] * factor for k, factor in enumerate(factors)]
        vectors: Tensor = table(torch.stack(products).sum(dim=0) % table.num_embeddings)
        return vectors


class Block(nn.Module):
    """A gated dilated convolution over three characters, with a residual connection."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        # Over an image one row high: `(batch, length, width)` is then its channels-last layout, which
        # PyTorch convolves as it lies, twice as fast on a CPU as Conv1d or as shifting and Linear.
        self.gate = nn.Conv2d(
            width, 2 * width, (1, 3), padding=(0, dilation), dilation=(1, dilation)
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors ``(batch, length, width)``; the mask ``(batch, length, 1)`` is 0 on padding."""
        y = (self.norm(x) * mask).to(_computing_type())
        image = y.transpose(1, 2).unsqueeze(2)
        gated = F.glu(self.gate(image).squeeze(2).transpose(1, 2), dim=-1)
        update: Tensor = self.dropout(gated)
        return x + update


def _computing_type() -> torch.dtype:
    """Half precision under autocast: narrowing once, before the convolution, halves what it moves."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32


class Encoder(nn.Module):
    """Characters to vectors that know their neighbourhood; `Shape.reach` says how far."""

    def __init__(self, shape: Shape, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = Embedding(shape)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(shape.width, d, dropout) for d in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, length)`` to vectors ``(batch, length, width)``."""
        mask = (ids != PAD).unsqueeze(-1).float()
        x = self.dropout(self.embedding(ids))
        for block in self.blocks:
            x = block(x, mask)
        normed: Tensor = self.norm(x)
        return normed


class SpanHead(nn.Module):
    """Scores ``(batch, blocks, labels, MAX_SPAN_LENGTH, 2 * MAX_SPAN_LENGTH)``.

    Element ``[b, k, l, i, j]`` is the logit that a span of label ``l`` starts at
    ``k * MAX_SPAN_LENGTH + i`` and has its last character at ``k * MAX_SPAN_LENGTH + j``;
    `band_mask` says which elements mean something.

    First and last character are matched by a product of two vectors, turned by their places (RoPE,
    Su et al. 2021): so a first character can ask for a last one three further on.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.labels, self.head = shape.labels, shape.head_width
        self.start = nn.Linear(shape.width, self.labels * self.head)
        self.end = nn.Linear(shape.width, self.labels * self.head)
        self.length_bias = nn.Parameter(torch.zeros(self.labels, 2 * MAX_SPAN_LENGTH - 1))
        self.bias = nn.Parameter(torch.full((self.labels, 1, 1), -5.0))
        self.offset: Tensor
        self.turn: Tensor
        offset = torch.arange(2 * MAX_SPAN_LENGTH)[None, :] - torch.arange(MAX_SPAN_LENGTH)[:, None]
        self.register_buffer("offset", offset.clamp(0, 2 * MAX_SPAN_LENGTH - 2), persistent=False)
        # Wavelengths from 6 characters to some hundred: names are short.
        frequencies = 0.01 ** (torch.arange(self.head // 2) / (self.head // 2))
        self.frequencies: Tensor
        self.register_buffer("frequencies", frequencies, persistent=False)
        angles = torch.arange(2 * MAX_SPAN_LENGTH)[:, None] * frequencies
        turn = torch.stack((angles.cos(), angles.sin()))[:, :, None]
        self.register_buffer("turn", turn, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``(batch, length, width)``, length a multiple of `MAX_SPAN_LENGTH`, to scores."""
        batch, length, _ = x.shape
        blocks = length // MAX_SPAN_LENGTH
        start = self.start(x).view(batch, blocks, MAX_SPAN_LENGTH, self.labels, self.head)
        end = self.end(x).view(batch, blocks, MAX_SPAN_LENGTH, self.labels, self.head)
        following = torch.cat((end[:, 1:], torch.zeros_like(end[:, :1])), dim=1)
        starts = self._turned(start).permute(0, 1, 3, 2, 4)
        ends = self._turned(torch.cat((end, following), dim=2)).permute(0, 1, 3, 4, 2)
        scores = starts @ ends * self.head**-0.5
        banded: Tensor = scores + self.length_bias[:, self.offset] + self.bias
        return banded

    def _turned(self, x: Tensor) -> Tensor:
        cos, sin = self.turn[:, : x.shape[2]]
        one, other = x.chunk(2, dim=-1)
        return torch.cat((one * cos - other * sin, one * sin + other * cos), dim=-1)


class Network(nn.Module):
    """Encoder and head; another encoder than ours must give vectors of the shape's width."""

    def __init__(
        self, shape: Shape, *, dropout: float = 0.0, encoder: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = encoder or Encoder(shape, dropout=dropout)
        self.head = SpanHead(shape)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, length)``, length a multiple of `MAX_SPAN_LENGTH`, to the scores of `SpanHead`."""
        scores: Tensor = self.head(self.encoder(ids))
        return scores


def band_mask(ids: Tensor) -> Tensor:
    """True where an element of the scores is a span of 1 to `MAX_SPAN_LENGTH` characters inside the text.

    Shape: ``(batch, blocks, 1, MAX_SPAN_LENGTH, 2 * MAX_SPAN_LENGTH)``.
    """
    batch, length = ids.shape
    real = (ids != PAD).view(batch, length // MAX_SPAN_LENGTH, MAX_SPAN_LENGTH)
    following = torch.cat((real[:, 1:], torch.zeros_like(real[:, :1])), dim=1)
    ends = torch.cat((real, following), dim=2)
    offset = torch.arange(2 * MAX_SPAN_LENGTH)[None, :] - torch.arange(MAX_SPAN_LENGTH)[:, None]
    short = (offset >= 0) & (offset < MAX_SPAN_LENGTH)
    return (real[..., :, None] & ends[..., None, :] & short.to(ids.device)).unsqueeze(2)


def span_loss(scores: Tensor, gold: Tensor, known: Tensor, characters: int) -> Tensor:
    """Binary cross-entropy over the spans of which `known` says that gold is known, per character.

    Args:
        gold: 0 or 1, shaped like the scores.
        known: True where gold is known, broadcast to the same shape.
        characters: how many the batch has, padding not counted.
    """
    loss = F.binary_cross_entropy_with_logits(scores, gold, weight=known.float(), reduction="sum")
    return loss / characters


def split_tables(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights of a network or encoder, and apart from them the hashed tables among them."""
    tables = {
        name: value
        for name, value in weights.items()
        if any(name.endswith(f"embedding.{table}.weight") for table in HASHES)
    }
    return {name: value for name, value in weights.items() if name not in tables}, tables


class Candidates(nn.Module):
    """What tagging needs of a network: where the logits above a floor are, and what they are."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, floors: Tensor) -> tuple[Tensor, Tensor]:
        """Ids ``(batch, length)`` and floors ``(labels,)`` to places ``(4, found)`` and logits ``(found,)``.

        The rows of places: text in the batch, label, first character, last character. Spans that
        `band_mask` would leave out are among them; the tagger, which knows the lengths, does.
        """
        scores = self.network(ids).permute(0, 2, 1, 3, 4)
        found = (scores > floors[:, None, None, None]).nonzero()
        text, label, block, start, last = found.unbind(dim=1)
        places = torch.stack(
            (text, label, block * MAX_SPAN_LENGTH + start, block * MAX_SPAN_LENGTH + last)
        )
        return places, scores[text, label, block, start, last]
