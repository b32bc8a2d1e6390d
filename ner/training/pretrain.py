"""Raw text to an encoder: what it learns of the language before it sees a single annotated name.

Two tasks at once: guess masked characters (Devlin et al. 2019; masks of one to three characters,
since Chinese words are short), and tag every character as a teacher does, word edges and parts of
speech. Killed and called again, it goes on.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ner.annotation.teachers import Word, lac_words
from ner.article import Rejected
from ner.files import replacing
from ner.formats import open_source, read_jsonl
from ner.tagger.features import MASK, SPECIAL_IDS, Characters
from ner.training.network import Encoder, Shape, split_tables
from ner.training.weights import checkpoint, save_checkpoint, save_narrow

TEACHERS: dict[str, Callable[[str], Iterator[Word]]] = {"lac": lac_words}
UNTAUGHT = -100  # the tag of a character that the teacher says nothing of
_TAGS = 64  # room for two tags (first character, later ones) of every word class

Blocks = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Config:
    """A pretraining config; `config.read` reads it from TOML.

    Args:
        texts: JSONL files, plain or gzipped, with a field ``text`` and perhaps ``title``.
        taught: those of them that the teacher tags.
        steps: how many; the learning rate falls to nothing over them.
        block: code points a row of a batch.
        batch: rows a step.
    """

    texts: tuple[str, ...]
    taught: tuple[str, ...] = ()
    teacher: str = "lac"
    characters: str = "configs/characters.txt"
    steps: int = 10_000
    block: int = 256
    batch: int = 64
    rate: float = 1e-3
    seed: int = 0
    network: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """Where pretraining is. Losses are means since the last report, in nats a character."""

    step: int
    share: float
    masked: float
    tags: float
    characters_a_second: float


class Pretraining(nn.Module):
    """An encoder with a head for each task."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.encoder = Encoder(shape)
        self.guess = nn.Sequential(
            nn.Linear(width, width),
            nn.GELU(),
            nn.LayerNorm(width),
            nn.Linear(width, shape.characters),
        )
        self.tag = nn.Linear(width, _TAGS)

    def forward(self, ids: Tensor, masked: Tensor, tags: Tensor, hidden: Tensor) -> Tensor:
        """Both losses, shape ``(2,)``.

        Args:
            ids: ``(rows, length)`` as they are.
            masked: the same with characters hidden.
            tags: the same shape, `UNTAUGHT` where unknown.
            hidden: True where a character is to be guessed.
        """
        x = self.encoder(masked)
        guessed = F.cross_entropy(self.guess(x[hidden]).float(), ids[hidden])
        tagged = F.cross_entropy(
            self.tag(x).float().flatten(0, 1), tags.flatten(), ignore_index=UNTAUGHT
        )
        return torch.stack((guessed, tagged))


def pretrain(config: Config, run: Path) -> Iterator[Progress]:
    """Pretrain an encoder and write ``run/encoder.pt``, its weights in half precision.

    Raises:
        NerError: a text file cannot be read.
    """
    run.mkdir(parents=True, exist_ok=True)
    characters = Characters.read(Path(config.characters))
    ids, tags = _blocks(config, characters, run / "blocks.npz")
    torch.manual_seed(config.seed)
    network = Pretraining(Shape(len(characters), 0, **config.network))
    optimizers = _optimizers(network)
    step = 0
    if (run / "checkpoint.pt").exists():
        with checkpoint(run / "checkpoint.pt") as saved:
            network.load_state_dict(saved["network"])
            for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            step = saved["step"]
    rng = np.random.default_rng((config.seed, step))
    losses, reported = [], time.monotonic()
    while step < config.steps:
        falling = (1 + math.cos(math.pi * step / config.steps)) / 2
        for group in (group for each in optimizers for group in each.param_groups):
            group["lr"] = config.rate * min(1.0, (step + 1) / 500) * falling
        rows = rng.integers(0, len(ids), config.batch)
        batch = torch.from_numpy(ids[rows]).long()
        masked, hidden = mask(batch, characters=len(characters))
        with torch.autocast("cpu", torch.bfloat16):
            both = network(batch, masked, torch.from_numpy(tags[rows]).long(), hidden)
        network.zero_grad()
        both.sum().backward()
        torch.nn.utils.clip_grad_norm_(optimizers[0].param_groups[0]["params"], 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        losses.append(both.detach())
        if step % 100 == 0:
            now = time.monotonic()
            speed = len(losses) * batch.numel() / (now - reported)
            guessed, tagged = torch.stack(losses).mean(dim=0).tolist()
            losses, reported = [], now
            _save(run, network, optimizers, step)
            yield Progress(step, step / config.steps, guessed, tagged, speed)
    _save(run, network, optimizers, step)
    parts = split_tables(network.encoder.state_dict())
    save_narrow(run / "encoder.pt", network.encoder.shape.as_dict(), *parts)


def _optimizers(network: Pretraining) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """One for the weights that every step touches, one for the hashed tables, of which it touches few."""
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
    fate = torch.rand(ids.shape)
    masked = torch.where(hidden & (fate < 0.85), MASK, ids)
    others = torch.randint(SPECIAL_IDS, characters, ids.shape)
    return torch.where(hidden & (fate > 0.95), others, masked), hidden


def _blocks(config: Config, characters: Characters, cache: Path) -> tuple[Blocks, Blocks]:
    """All texts, shuffled, as rows of ids and rows of tags; made once a run."""
    if not cache.exists():
        ids, tags = [], []
        names: dict[str, int] = {}
        for path in config.texts:
            teacher = TEACHERS[config.teacher] if path in config.taught else None
            with open_source(Path(path)) as source:
                for item in read_jsonl(source):
                    if isinstance(item, Rejected):  # an empty text teaches nothing
                        continue
                    ids.append(characters.encode(item.text + "\n").astype(np.int16))
                    tags.append(_tag(item.text + "\n", teacher, names))
        order = np.random.default_rng(config.seed).permutation(len(ids))
        rows = [np.concatenate([column[k] for k in order]) for column in (ids, tags)]
        whole = len(rows[0]) // config.block * config.block
        blocks = [row[:whole].reshape(-1, config.block) for row in rows]
        with replacing(cache) as written:
            np.savez(written, ids=blocks[0], tags=blocks[1])
    with np.load(cache) as arrays:
        return arrays["ids"], arrays["tags"]


def _tag(
    text: str, teacher: Callable[[str], Iterator[Word]] | None, names: dict[str, int]
) -> npt.NDArray[np.int16]:
    """A tag a character: one number for a word's first, another for the rest of it, by word class."""
    tags = np.full(len(text), UNTAUGHT, np.int16)
    for start, end, name in teacher(text) if teacher else ():
        number = 2 * names.setdefault(name, len(names))
        tags[start:end] = number + 1
        tags[start] = number
    return tags


def _save(
    run: Path, network: nn.Module, optimizers: Sequence[torch.optim.Optimizer], step: int
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
    }
    save_checkpoint(run / "checkpoint.pt", state)
