"""The network: character ids in, a score for every short span and label out.

Encoder: embeddings of characters and of hashed character bigrams and trigrams, then residual blocks of
gated dilated convolutions (gated linear units, Dauphin et al. 2017; dilation, Strubell et al. 2017).
Head: GlobalPointer (Su et al. 2022), which scores a span by its first and last character and so
lets spans nest; limited to short spans, as names are short.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.tagger.features import MAX_SPAN_LENGTH, PAD
from ner.tagger.pieces import Pieces

HASH_FACTORS = {"bigram": (40503, 7919), "trigram": (92821, 31337, 6967)}
"""The factors of the tables' linear hash functions; the weighted sums of ids stay within 31 bits."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a network: what its weights and its code must agree on."""

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
    def receptive_radius(self) -> int:
        """Code points to either side of a character that its vector depends on, trigrams included."""
        return sum(self.dilations) + 2

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a weights file."""
        return {**asdict(self), "dilations": list(self.dilations)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shape":
        """The inverse of `as_dict`."""
        return cls(**{**values, "dilations": tuple(values["dilations"])})


class Embedding(nn.Module):
    """Embeddings of characters and of the two bigrams and three trigrams that contain each.

    The tables of bigrams and trigrams are hashed (Svenstrup et al. 2017, with one hash function).
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
        """The hashed tables: nearly all of the weights, few of which one text uses."""
        return [getattr(self, name) for name in HASH_FACTORS]

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, length)`` to vectors ``(batch, length, width)``."""
        ids = ids.long()
        # Two more PAD on either side, so that a text's end is the same however long the batch is.
        padded = F.pad(ids, (2, 2), value=PAD)
        bigrams = self._lookup("bigram", padded[:, 1:-1])
        trigrams = self._lookup("trigram", padded)
        length = ids.shape[1]
        ngrams = [bigrams[:, k : k + length] for k in (0, 1)]
        ngrams += [trigrams[:, k : k + length] for k in (0, 1, 2)]
        vectors: Tensor = self.character(ids) + self.mix(torch.cat(ngrams, dim=-1))
        return vectors

    def _lookup(self, name: str, ids: Tensor) -> Tensor:
        table: nn.Embedding = getattr(self, name)
        factors = HASH_FACTORS[name]
        length = ids.shape[1] + 1 - len(factors)
        products = [ids[:, k : k + length] * factor for k, factor in enumerate(factors)]
        vectors: Tensor = table(torch.stack(products).sum(dim=0) % table.num_embeddings)
        return vectors


class Block(nn.Module):
    """A gated dilated convolution over three characters, with a residual connection."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        # A 2-d convolution over an image one row high: `(batch, length, width)` is its channels-last layout,
        # which needs no copy; twice as fast on a CPU as Conv1d or as three shifts and Linear.
        self.gate = nn.Conv2d(
            width, 2 * width, (1, 3), padding=(0, dilation), dilation=(1, dilation)
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors ``(batch, length, width)``; the mask ``(batch, length, 1)`` is 0 on padding."""
        y = (self.norm(x) * mask).to(_autocast_type(x.device.type))
        image = y.transpose(1, 2).unsqueeze(2)
        gated = F.glu(self.gate(image).squeeze(2).transpose(1, 2), dim=-1)
        update: Tensor = self.dropout(gated)
        return x + update


def _autocast_type(device: str) -> torch.dtype:
    """Half precision under autocast: converting once, before the convolution, halves the memory traffic."""
    enabled = torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if enabled else torch.float32


class Encoder(nn.Module):
    """Characters to vectors that depend on their context, as far as `Shape.receptive_radius`."""

    def __init__(self, shape: Shape, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = Embedding(shape)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(shape.width, d, dropout) for d in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)

    def drop_blocks(self, numbers: Collection[int]) -> None:
        """Leave blocks out."""
        kept = [number for number in range(len(self.blocks)) if number not in numbers]
        dilations = tuple(self.shape.dilations[number] for number in kept)
        self.shape = replace(self.shape, dilations=dilations)
        self.blocks = nn.ModuleList(self.blocks[number] for number in kept)

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
    ``k * MAX_SPAN_LENGTH + i`` and has its last character at ``k * MAX_SPAN_LENGTH + j``; `span_mask`
    says which elements are valid.

    First and last character are matched by a dot product of two vectors with rotary position embeddings
    (RoPE, Su et al. 2021), so that the score depends on the distance between the two.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.labels, self.head = shape.labels, shape.head_width
        self.start = nn.Linear(shape.width, self.labels * self.head)
        self.end = nn.Linear(shape.width, self.labels * self.head)
        self.length_bias = nn.Parameter(torch.zeros(self.labels, 2 * MAX_SPAN_LENGTH - 1))
        self.bias = nn.Parameter(torch.full((self.labels, 1, 1), -5.0))
        self.offset: Tensor
        self.rotary: Tensor
        offset = torch.arange(2 * MAX_SPAN_LENGTH)[None, :] - torch.arange(MAX_SPAN_LENGTH)[:, None]
        self.register_buffer("offset", offset.clamp(0, 2 * MAX_SPAN_LENGTH - 2), persistent=False)
        # Wavelengths from 6 to some hundred characters, as names are short.
        frequencies = 0.01 ** (torch.arange(self.head // 2) / (self.head // 2))
        self.frequencies: Tensor
        self.register_buffer("frequencies", frequencies, persistent=False)
        angles = torch.arange(2 * MAX_SPAN_LENGTH)[:, None] * frequencies
        rotary = torch.stack((angles.cos(), angles.sin()))[:, :, None]
        self.register_buffer("rotary", rotary, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``(batch, length, width)``, length a multiple of `MAX_SPAN_LENGTH`, to scores."""
        batch, length, _ = x.shape
        blocks = length // MAX_SPAN_LENGTH
        start = self.start(x).view(batch, blocks, MAX_SPAN_LENGTH, self.labels, self.head)
        end = self.end(x).view(batch, blocks, MAX_SPAN_LENGTH, self.labels, self.head)
        following = torch.cat((end[:, 1:], torch.zeros_like(end[:, :1])), dim=1)
        starts = self._apply_rotary(start).permute(0, 1, 3, 2, 4)
        ends = self._apply_rotary(torch.cat((end, following), dim=2)).permute(0, 1, 3, 4, 2)
        scores = starts @ ends * self.head**-0.5
        biased: Tensor = scores + self.length_bias[:, self.offset] + self.bias
        return biased

    def _apply_rotary(self, x: Tensor) -> Tensor:
        cos, sin = self.rotary[:, : x.shape[2]]
        first, second = x.chunk(2, dim=-1)
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Network(nn.Module):
    """Encoder and head; an encoder other than ours must give vectors of the shape's width."""

    def __init__(
        self, shape: Shape, *, dropout: float = 0.0, encoder: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.pieces: Pieces | None = None  # characters are all it takes
        self.encoder = encoder or Encoder(shape, dropout=dropout)
        self.head = SpanHead(shape)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids ``(batch, length)``, length a multiple of `MAX_SPAN_LENGTH`, to the scores of `SpanHead`."""
        scores: Tensor = self.head(self.encoder(ids))
        return scores


def span_mask(ids: Tensor) -> Tensor:
    """True where an element of the scores is a span of 1 to `MAX_SPAN_LENGTH` characters inside the text.

    Shape: ``(batch, blocks, 1, MAX_SPAN_LENGTH, 2 * MAX_SPAN_LENGTH)``.
    """
    batch, length = ids.shape
    inside = (ids != PAD).view(batch, length // MAX_SPAN_LENGTH, MAX_SPAN_LENGTH)
    following = torch.cat((inside[:, 1:], torch.zeros_like(inside[:, :1])), dim=1)
    ends = torch.cat((inside, following), dim=2)
    offset = torch.arange(2 * MAX_SPAN_LENGTH)[None, :] - torch.arange(MAX_SPAN_LENGTH)[:, None]
    short = (offset >= 0) & (offset < MAX_SPAN_LENGTH)
    return (inside[..., :, None] & ends[..., None, :] & short.to(ids.device)).unsqueeze(2)


def span_loss(scores: Tensor, gold: Tensor, mask: Tensor, characters: int) -> Tensor:
    """Binary cross-entropy, summed over the spans whose label is known and divided by the characters.

    Args:
        gold: 0 or 1, or what another network gives, 0 to 1 (Hinton et al. 2015); shaped like the scores.
        mask: True where gold is known, broadcast to the same shape.
        characters: how many the batch has, padding not counted.
    """
    loss = F.binary_cross_entropy_with_logits(scores, gold, weight=mask.float(), reduction="sum")
    return loss / characters


def split_hashed_tables(
    weights: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of a network or encoder: all but the hashed tables, and the hashed tables."""
    tables = {
        name: value
        for name, value in weights.items()
        if any(name.endswith(f"embedding.{table}.weight") for table in HASH_FACTORS)
    }
    return {name: value for name, value in weights.items() if name not in tables}, tables


class Candidates(nn.Module):
    """The network with the output that tagging reads: the spans with logits above their label's floor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, floors: Tensor, *pieces: Tensor) -> tuple[Tensor, Tensor]:
        """Ids ``(batch, length)`` and floors ``(labels,)`` to places ``(4, found)`` and logits ``(found,)``.

        A network over pieces takes their arrays too, see `pretrained_encoder.PieceNetwork`.
        The rows of places: text in the batch, label, first character, last character. Spans that
        `span_mask` excludes are among them; the tagger, which knows the lengths, leaves them out.
        """
        scores = self.network(ids, *pieces).permute(0, 2, 1, 3, 4)
        found = (scores > floors[:, None, None, None]).nonzero()
        text, label, block, start, last = found.unbind(dim=1)
        places = torch.stack(
            (text, label, block * MAX_SPAN_LENGTH + start, block * MAX_SPAN_LENGTH + last)
        )
        return places, scores[text, label, block, start, last]
