"""Raw text to an encoder, pretrained before it learns from annotated articles.

Two tasks at once: predict masked characters (Devlin et al. 2019; masks of one to three characters,
since Chinese words are short), and predict a teacher's tags, word edges and parts of speech.
"""

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.errors import NerError
from ner.tagger.features import MASK, SPECIAL_IDS, Characters
from ner.training import run_folder
from ner.training.config import PretrainConfig
from ner.training.network import Encoder, Shape, split_hashed_tables
from ner.training.pretrain_texts import NO_TAG, TAGS, TextsRead, load_rows, read_texts
from ner.training.weights import reading_checkpoint, save_checkpoint, save_weights

__all__ = ["PretrainStep", "TextsRead", "pretrain"]

_WARM_UP = 500  # steps at most over which the learning rate rises; a tenth of all if that is less


@dataclass(frozen=True)
class PretrainStep:
    """One step done. The losses are means of the last hundred steps, in nats per character.

    Args:
        number: 1 for the first.
        steps: how many there are.
        seconds_left: until the last one is done.
    """

    number: int
    steps: int
    masked_loss: float
    tag_loss: float
    characters_per_second: float
    seconds_left: float


class PretrainNetwork(nn.Module):
    """An encoder with a head for each task."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.encoder = Encoder(shape)
        self.character_head = nn.Sequential(
            nn.Linear(width, width),
            nn.GELU(),
            nn.LayerNorm(width),
            nn.Linear(width, shape.characters),
        )
        self.tag_head = nn.Linear(width, TAGS)

    def forward(self, ids: Tensor, masked: Tensor, tags: Tensor, hidden: Tensor) -> Tensor:
        """Both losses, shape ``(2,)``.

        Args:
            ids: ``(rows, length)``, the characters to be predicted.
            masked: the same after `mask`.
            tags: the same shape, `NO_TAG` where there is none.
            hidden: True where a character is to be predicted.
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


def pretrain(
    config: PretrainConfig, run: Path, *, checkpoint_seconds: float = 30.0
) -> Iterator[TextsRead | PretrainStep]:
    """Pretrain an encoder and write ``run/encoder.pt``; the same call goes on with a run that was killed.

    Args:
        checkpoint_seconds: how often the run is saved.

    Raises:
        NerError: a text file cannot be read, the folder is another run's, or CUDA is not there.
    """
    device = choose_device(config.device)
    run_folder.claim(run, config, (*config.texts, config.characters))
    characters = Characters.read(config.characters)
    yield from read_texts(config, characters, run, checkpoint_seconds=checkpoint_seconds)
    ids, tags = load_rows(run)
    torch.manual_seed(config.seed)
    shape = Shape(len(characters), 0, **config.network.model_dump())
    network = PretrainNetwork(shape).to(device)
    optimizers = _optimizers(network)
    checkpoint = run / run_folder.CHECKPOINT
    step = _restore(checkpoint, network, optimizers) if checkpoint.exists() else 0
    losses: deque[list[float]] = deque(maxlen=100)
    saved = started = time.monotonic()
    first = step
    while step < config.steps:
        _set_learning_rate(optimizers, config, step)
        # Of step and seed only, so that a restored run gives the same weights.
        rows = np.random.default_rng((config.seed, step)).integers(0, len(ids), config.batch_size)
        torch.manual_seed(config.seed + step)
        batch = torch.from_numpy(ids[rows]).long()
        masked, hidden = mask(batch, characters=len(characters))
        inputs = (batch, masked, torch.from_numpy(tags[rows]).long(), hidden)
        losses.append(_learn(network, optimizers, [each.to(device) for each in inputs]))
        step += 1
        if time.monotonic() - saved >= checkpoint_seconds or step == config.steps:
            _save(checkpoint, network, optimizers, step)
            saved = time.monotonic()
        seconds = (time.monotonic() - started) / (step - first)
        masked_loss, tag_loss = np.mean(losses, axis=0).tolist()
        left = (config.steps - step) * seconds
        yield PretrainStep(step, config.steps, masked_loss, tag_loss, batch.numel() / seconds, left)
    weights = {name: value.cpu() for name, value in network.encoder.state_dict().items()}
    save_weights(run / "encoder.pt", shape.as_dict(), *split_hashed_tables(weights))


def choose_device(name: str) -> torch.device:
    """The torch device of a config's ``device``: for ``auto`` CUDA where torch finds it, else the CPU.

    Raises:
        NerError: CUDA is named and torch does not find it.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise NerError(
            f"torch finds no CUDA for device = {name!r}",
            remedy='install torch with CUDA, or set device = "cpu" in the config',
        )
    return torch.device(name)


def _learn(
    network: PretrainNetwork,
    optimizers: Sequence[torch.optim.Optimizer],
    inputs: Sequence[Tensor],
) -> list[float]:
    """One step; its losses of masked characters and of tags."""
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        both = network(*inputs)
    network.zero_grad()
    both.sum().backward()
    torch.nn.utils.clip_grad_norm_(optimizers[0].param_groups[0]["params"], 1.0)
    for optimizer in optimizers:
        optimizer.step()
    values: list[float] = both.detach().tolist()
    return values


def _set_learning_rate(
    optimizers: Sequence[torch.optim.Optimizer], config: PretrainConfig, step: int
) -> None:
    cosine = (1 + math.cos(math.pi * step / config.steps)) / 2
    warm_up = min(1.0, (step + 1) / min(_WARM_UP, config.steps / 10))
    for group in (group for each in optimizers for group in each.param_groups):
        group["lr"] = config.learning_rate * warm_up * cosine


def _optimizers(
    network: PretrainNetwork,
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """One for the weights that every step uses, one for the hashed tables, of which it uses few rows."""
    tables = network.encoder.embedding.tables
    for table in tables:
        table.sparse = True
    sparse = [table.weight for table in tables]
    dense = [
        weight for weight in network.parameters() if not any(weight is other for other in sparse)
    ]
    return (
        torch.optim.AdamW(dense, betas=(0.9, 0.98), weight_decay=0.01),
        torch.optim.SparseAdam(sparse, betas=(0.9, 0.98)),
    )


def mask(ids: Tensor, *, characters: int) -> tuple[Tensor, Tensor]:
    """Hide about 15 % of the characters, in stretches of one to three.

    Of those hidden, 85 % are masked, 5 % are another character and the rest are left as they are.

    Returns:
        The ids with characters hidden, and where, both shaped like `ids`.
    """
    first = torch.rand(ids.shape) < 0.075
    second = first & (torch.rand(ids.shape) < 0.6)
    third = second & (torch.rand(ids.shape) < 0.5)
    hidden = first.clone()
    hidden[:, 1:] |= second[:, :-1]
    hidden[:, 2:] |= third[:, :-2]
    random = torch.rand(ids.shape)
    masked = torch.where(hidden & (random < 0.85), MASK, ids)
    others = torch.randint(SPECIAL_IDS, characters, ids.shape)
    return torch.where(hidden & (random > 0.95), others, masked), hidden


def _save(
    path: Path, network: nn.Module, optimizers: Sequence[torch.optim.Optimizer], step: int
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
    }
    save_checkpoint(path, state)


def _restore(path: Path, network: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> int:
    """The steps done."""
    with reading_checkpoint(path) as saved:
        network.load_state_dict(saved["network"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        return int(saved["step"])
