"""Encoders with what they learn in pretraining on top: to predict what is hidden, and a teacher's tags."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.tagger.features import MASK, SPECIAL_IDS
from ner.tagger.pieces import PIECE_FIRST, PIECE_LAST, PIECE_SPECIAL_IDS, PIECE_UNKNOWN
from ner.training.network import Encoder, Shape
from ner.training.pretrain_texts import NO_TAG, TAGS
from ner.training.pretrained_encoder import EncoderShape, PieceEncoder

DROPOUT = 0.1


class OverCharacters(nn.Module):
    """Our own encoder with a head for each task."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.encoder = Encoder(shape)
        self.character_head = nn.Sequential(*_head(width), nn.Linear(width, shape.characters))
        self.tag_head = nn.Linear(width, TAGS)

    @property
    def tables(self) -> Sequence[nn.Embedding]:
        """Hashed tables, of which a step uses few rows."""
        return self.encoder.embedding.tables

    def hide(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """See `mask`."""
        return mask(ids, size=self.shape.characters, hidden_as=MASK, special=SPECIAL_IDS)

    def forward(self, ids: Tensor, masked: Tensor, hidden: Tensor, tags: Tensor) -> Tensor:
        """Both losses, shape ``(2,)``.

        Args:
            ids: ``(rows, length)``, the characters to be predicted.
            masked: the same after `hide`.
            hidden: True where a character is to be predicted.
            tags: the same shape, `NO_TAG` where there is none.
        """
        x = self.encoder(masked)
        characters = F.cross_entropy(self.character_head(x[hidden]).float(), ids[hidden])
        tagged = F.cross_entropy(
            self.tag_head(x).float().flatten(0, 1),
            tags.flatten(),
            ignore_index=NO_TAG,
            reduction="sum",
        ) / (tags != NO_TAG).sum().clamp(min=1)
        return torch.stack((characters, tagged))


class OverPieces(nn.Module):
    """A pretrained encoder over pieces that learns on; its table of pieces is the head's last layer too.

    That table and the one of positions stay as they are: they were learnt from far more text.
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = PieceEncoder(shape, dropout=DROPOUT)
        self.head = _head(shape.width)
        self.bias = nn.Parameter(torch.zeros(shape.pieces))
        for table in (self.encoder.piece, self.encoder.position):
            table.weight.requires_grad_(False)

    @property
    def tables(self) -> Sequence[nn.Embedding]:
        """It has no hashed tables."""
        return ()

    def hide(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """See `mask`; what is hidden is the unknown piece, as an unknown one is in fine-tuning."""
        size, special = self.shape.pieces, PIECE_SPECIAL_IDS
        return mask(ids, size=size, hidden_as=PIECE_UNKNOWN, special=special)

    def forward(self, ids: Tensor, masked: Tensor, hidden: Tensor, tags: Tensor) -> Tensor:
        """The loss, shape ``(1,)``; the arguments are those of `OverCharacters`, the tags without use."""
        inputs = F.pad(F.pad(masked, (1, 0), value=PIECE_FIRST), (0, 1), value=PIECE_LAST)
        x = self.head(self.encoder(inputs)[:, 1:-1][hidden])
        scores = F.linear(x, self.encoder.piece.weight.to(x.dtype), self.bias.to(x.dtype))
        return F.cross_entropy(scores.float(), ids[hidden]).unsqueeze(0)


def mask(ids: Tensor, *, size: int, hidden_as: int, special: int) -> tuple[Tensor, Tensor]:
    """Hide about 15 % of the characters or pieces, in stretches of one to three.

    Of those hidden, 85 % are masked, 5 % are another one and the rest are left as they are.

    Args:
        size: how many ids there are.
        hidden_as: the id of what is masked.
        special: how many of the first ids are none of a character or piece.

    Returns:
        The ids with some hidden, and where, both shaped like `ids`.
    """
    first = torch.rand(ids.shape) < 0.075
    second = first & (torch.rand(ids.shape) < 0.6)
    third = second & (torch.rand(ids.shape) < 0.5)
    hidden = first.clone()
    hidden[:, 1:] |= second[:, :-1]
    hidden[:, 2:] |= third[:, :-2]
    random = torch.rand(ids.shape)
    masked = torch.where(hidden & (random < 0.85), hidden_as, ids)
    others = torch.randint(special, size, ids.shape)
    return torch.where(hidden & (random > 0.95), others, masked), hidden


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
