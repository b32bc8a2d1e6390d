"""Raw text to an encoder, pretrained before it learns from annotated articles.

An encoder of our own learns two tasks at once: predict masked characters (Devlin et al. 2019; masks of one to
three characters, since Chinese words are short), and predict a teacher's tags, word edges and parts of
speech. The encoder multilingual-e5-small learns on, from text of the kind that is to be tagged (Gururangan et
al. 2020): it predicts masked pieces.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ner.errors import NerError
from ner.files import write_text
from ner.tagger.features import Characters
from ner.tagger.pieces import Pieces
from ner.training import e5, run_folder
from ner.training.config import PretrainConfig
from ner.training.initial import PIECES
from ner.training.network import Shape, split_hashed_tables
from ner.training.pretrain_networks import OverCharacters, OverPieces
from ner.training.pretrain_texts import TextsRead, items, load_rows, read_texts
from ner.training.pretrained_encoder import e5_shape, e5_weights
from ner.training.weights import reading_checkpoint, save_checkpoint, save_weights

__all__ = ["PretrainStep", "TextsRead", "pretrain"]

_WARM_UP = 500  # steps at most over which the learning rate rises; a tenth of all if that is less


@dataclass(frozen=True)
class PretrainStep:
    """One step done. The losses are means of the last hundred steps, in nats per character or piece.

    Args:
        number: 1 for the first.
        steps: how many there are.
        tag_loss: None for an encoder over pieces, which learns no tags.
        per_second: characters, or pieces, read.
        seconds_left: until the last one is done.
    """

    number: int
    steps: int
    masked_loss: float
    tag_loss: float | None
    per_second: float
    seconds_left: float


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
    start = (config.e5,) if config.e5 else ()
    run_folder.claim(run, config, (*config.texts, config.characters, *start))
    torch.manual_seed(config.seed)
    network: OverCharacters | OverPieces
    network, encode = (
        _over_pieces(config.e5, config, run) if config.e5 else _over_characters(config)
    )
    yield from read_texts(config, encode, run, checkpoint_seconds=checkpoint_seconds)
    ids, tags = load_rows(run)
    network.to(device)
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
        inputs = (batch, *network.hide(batch), torch.from_numpy(tags[rows]).long())
        losses.append(_learn(network, optimizers, [each.to(device) for each in inputs]))
        step += 1
        if time.monotonic() - saved >= checkpoint_seconds or step == config.steps:
            _save(checkpoint, network, optimizers, step)
            saved = time.monotonic()
        seconds = (time.monotonic() - started) / (step - first)
        masked_loss, *tag_losses = np.mean(losses, axis=0).tolist()
        tag_loss = tag_losses[0] if tag_losses else None
        left = (config.steps - step) * seconds
        yield PretrainStep(step, config.steps, masked_loss, tag_loss, batch.numel() / seconds, left)
    weights = {name: value.cpu() for name, value in network.encoder.state_dict().items()}
    save_weights(run / "encoder.pt", network.shape.as_dict(), *split_hashed_tables(weights))


Encode = Callable[[str], npt.NDArray[np.integer]]


def _over_characters(config: PretrainConfig) -> tuple[OverCharacters, Encode]:
    """An encoder of our own, and what gives it the ids of a text."""
    characters = Characters.read(config.characters)
    shape = Shape(len(characters), 0, **config.network.model_dump())
    return OverCharacters(shape), characters.encode


def _over_pieces(file: Path, config: PretrainConfig, run: Path) -> tuple[OverPieces, Encode]:
    """The pretrained encoder, and what gives it the ids of a text; ``run/pieces.json`` is its vocabulary."""
    read = e5.read(file)
    if (run / PIECES).exists():
        pieces = Pieces.from_bytes((run / PIECES).read_bytes())
    else:
        pieces = e5.cut(read, (item.text for _, item in items(config) if item))
        if len(pieces) > np.iinfo(np.int16).max:
            raise NerError(
                f"the texts have {len(pieces):,} different pieces, more than {np.iinfo(np.int16).max:,}",
                where=", ".join(map(str, config.texts)),
                remedy="name texts of one language",
            )
        write_text(run / PIECES, pieces.to_bytes().decode())
    network = OverPieces(e5_shape(read, pieces))
    network.encoder.load_state_dict(e5_weights(read, pieces))
    return network, lambda text: pieces.encode(text).ids


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
    network: OverCharacters | OverPieces,
    optimizers: Sequence[torch.optim.Optimizer],
    inputs: Sequence[Tensor],
) -> list[float]:
    """One step; its losses of what is masked and, where it learns them, of tags."""
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        each = network(*inputs)
    network.zero_grad()
    each.sum().backward()
    torch.nn.utils.clip_grad_norm_(optimizers[0].param_groups[0]["params"], 1.0)
    for optimizer in optimizers:
        optimizer.step()
    values: list[float] = each.detach().tolist()
    return values


def _set_learning_rate(
    optimizers: Sequence[torch.optim.Optimizer], config: PretrainConfig, step: int
) -> None:
    cosine = (1 + math.cos(math.pi * step / config.steps)) / 2
    warm_up = min(1.0, (step + 1) / min(_WARM_UP, config.steps / 10))
    for group in (group for each in optimizers for group in each.param_groups):
        group["lr"] = config.learning_rate * warm_up * cosine


def _optimizers(network: OverCharacters | OverPieces) -> list[torch.optim.Optimizer]:
    """One for the weights that every step uses, one for the hashed tables, of which it uses few rows."""
    for table in network.tables:
        table.sparse = True
    sparse = [table.weight for table in network.tables]
    dense = [
        weight
        for weight in network.parameters()
        if weight.requires_grad and not any(weight is other for other in sparse)
    ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(dense, betas=(0.9, 0.98), weight_decay=0.01)
    ]
    if sparse:
        optimizers.append(torch.optim.SparseAdam(sparse, betas=(0.9, 0.98)))
    return optimizers


def _save(
    path: Path,
    network: OverCharacters | OverPieces,
    optimizers: Sequence[torch.optim.Optimizer],
    step: int,
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
    }
    save_checkpoint(path, state)


def _restore(
    path: Path, network: OverCharacters | OverPieces, optimizers: Sequence[torch.optim.Optimizer]
) -> int:
    """The steps done."""
    with reading_checkpoint(path) as saved:
        network.load_state_dict(saved["network"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        return int(saved["step"])
