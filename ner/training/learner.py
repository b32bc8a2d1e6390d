"""A network in training with all of its state, which is saved within epochs and restored exactly."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ner.corpus import Example
from ner.evaluation.score import Counts, table
from ner.tagger.component import SpanTagger
from ner.tagger.features import Characters
from ner.training.batches import Batch
from ner.training.config import TrainConfig
from ner.training.export import candidates, run_settings
from ner.training.network import span_loss
from ner.training.pretrained_encoder import SpanNetwork
from ner.training.weights import reading_checkpoint, save_checkpoint

WARM_UP = 0.1  # fraction of training in which the learning rate rises
# Of the highest learning rate, at the end of the cosine (Loshchilov and Hutter 2017).
FINAL_RATE = 0.01
WEIGHT_DECAY = 0.02
MAX_GRADIENT_NORM = 1.0
AVERAGE_DECAY = 0.998  # of the running average, per step


@dataclass(frozen=True)
class Step:
    """One step done: how far training is.

    Args:
        epoch: 1 for the first.
        number: of the step in its epoch, 1 for the first.
        steps: how many the epoch has.
        loss: mean of the epoch's steps until now, per character.
        seconds_left: until the last epoch is done, if training does not stop before.
    """

    epoch: int
    number: int
    steps: int
    loss: float
    seconds_left: float


@dataclass(frozen=True)
class Epoch:
    """One epoch done: the mean loss of its steps, and the rows of `score.table` on dev.

    ``is_best`` where the F1 of the row ``all`` is higher than in every epoch before.
    """

    number: int
    loss: float
    dev: dict[str, Counts]
    is_best: bool


class Learner:
    """Network, running average of its weights, optimiser and position in the schedule.

    All of it is in the checkpoint, written every `checkpoint_seconds` and after the last epoch. The random
    numbers of a step depend on seed, epoch and step only, so that a restored run gives the same weights.

    Args:
        checkpoint: the file of it; where it is there, training goes on from it.
        checkpoint_seconds: between two writings of it.

    Raises:
        NerError: the checkpoint cannot be read, or is of another network.
    """

    def __init__(
        self,
        config: TrainConfig,
        characters: Characters,
        network: SpanNetwork,
        checkpoint: Path,
        *,
        checkpoint_seconds: float,
    ) -> None:
        self.config = config
        self.characters = characters
        self.network = network
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.trained = {
            name: weight for name, weight in network.named_parameters() if weight.requires_grad
        }
        # The average of the weights over the steps is scored and kept (Polyak and Juditsky 1992).
        self.average = {name: weight.detach().clone() for name, weight in self.trained.items()}
        self.optimizer = torch.optim.AdamW(
            self._groups(),
            lr=config.schedule.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=WEIGHT_DECAY,
        )
        self.epoch = 0  # epochs done
        self.step = 0  # steps done, in all epochs
        self.losses: list[float] = []  # of the steps done in the epoch under way
        self.metrics: list[dict[str, Any]] = []
        self.best_f1 = -1.0
        self.best_epoch = 0
        self.best: dict[str, Tensor] = {}
        if checkpoint.exists():
            self._restore()
        self._saved = time.monotonic()
        self._timed_steps = 0  # steps that this process has done
        self._timed_seconds = 0.0  # seconds that they took

    def _groups(self) -> list[dict[str, Any]]:
        """The weights by learning rate: the encoder's may be another than the rest's."""
        schedule = self.config.schedule
        encoder = {name for name in self.trained if name.startswith("encoder.")}
        rates = (
            (schedule.encoder_learning_rate or schedule.learning_rate, encoder),
            (schedule.learning_rate, self.trained.keys() - encoder),
        )
        return [
            {
                "params": [weight for name, weight in self.trained.items() if name in names],
                "peak_rate": rate,
            }
            for rate, names in rates
        ]

    @property
    def is_done(self) -> bool:
        """All epochs are done, or none was better for as long as the schedule has patience."""
        schedule = self.config.schedule
        return self.epoch >= schedule.epochs or self.epoch - self.best_epoch >= schedule.patience

    def steps(self, batches: Sequence[Batch]) -> Iterator[Step]:
        """Learn from those batches of an epoch that are still to come."""
        while len(self.losses) < len(batches):
            started = time.monotonic()
            number = len(self.losses)
            fraction_done = (self.epoch + number / len(batches)) / self.config.schedule.epochs
            seed = np.random.SeedSequence((self.config.seed, self.epoch, number))
            torch.manual_seed(int(seed.generate_state(1)[0]))
            self.losses.append(self._train_step(batches[number], fraction_done))
            self._timed_seconds += time.monotonic() - started
            self._timed_steps += 1
            self._save_if_due()
            left = (self.config.schedule.epochs - self.epoch) * len(batches) - number - 1
            yield Step(
                self.epoch + 1,
                number + 1,
                len(batches),
                float(np.mean(self.losses)),
                left * self._timed_seconds / self._timed_steps,
            )

    def _train_step(self, batch: Batch, fraction_done: float) -> float:
        """Update the weights by one batch; its loss per character."""
        cosine = FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * fraction_done)) / 2
        rate_factor = min(fraction_done / WARM_UP, cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_rate"] * rate_factor
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            scores = self.network(batch.ids, *batch.pieces)
        loss = span_loss(scores.float(), batch.gold, batch.mask, batch.characters)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.trained.values(), MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.step += 1
        # A short average at first, else a run of some hundred steps would average in its first ones.
        new_share = 1 - min(AVERAGE_DECAY, self.step / (9 + self.step))
        weights = [weight.detach() for weight in self.trained.values()]
        torch._foreach_lerp_(list(self.average.values()), weights, new_share)
        return loss.item()

    def finish_epoch(self, dev: Sequence[Example]) -> Epoch:
        """Score the averaged weights on dev and keep them if they are the best."""
        self._save_if_due(early=True)  # scoring may take a while
        rows = self.score(dev)
        loss = float(np.mean(self.losses)) if self.losses else math.nan
        self.epoch += 1
        self.losses = []
        is_best = rows["all"].f1 > self.best_f1
        if is_best:
            self.best_f1, self.best_epoch = rows["all"].f1, self.epoch
            self.best = {name: value.clone() for name, value in self.average.items()}
        dev_f1 = {name: round(counts.f1, 4) for name, counts in rows.items()}
        self.metrics.append({"epoch": self.epoch, "loss": round(loss, 5), "dev_f1": dev_f1})
        if self.is_done:
            self._save()
        else:
            self._save_if_due()
        return Epoch(self.epoch, loss, rows, is_best)

    def score(self, dev: Sequence[Example]) -> dict[str, Counts]:
        """The rows of `score.table` for what the averaged weights find in dev."""
        tagger = SpanTagger()
        with self._averaged_weights():
            settings = run_settings(self.network, self.config.labels)
            find = candidates(self.network)
            tagger.set_network(settings, self.characters, find, self.network.pieces)
            found = tagger.predict([example.text for example in dev])
        return table([example.spans for example in dev], found)

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """The network has the averaged weights inside the block."""
        last = {name: weight.detach().clone() for name, weight in self.trained.items()}
        self._set_weights(self.average)
        try:
            yield
        finally:
            self._set_weights(last)

    def _set_weights(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in weights.items():
                self.trained[name].copy_(value)

    def load_best(self) -> None:
        """Give the network the averaged weights of the best epoch; without an epoch it stays as it is."""
        self._set_weights(self.best)

    def _save_if_due(self, *, early: bool = False) -> None:
        """Save after `checkpoint_seconds`; a quarter of that if `early`, before work that cannot save."""
        seconds = self.checkpoint_seconds / 4 if early else self.checkpoint_seconds
        if time.monotonic() - self._saved >= seconds:
            self._save()

    def _save(self) -> None:
        state = {
            "network": {name: weight.detach() for name, weight in self.trained.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "best_f1": self.best_f1,
            "best_epoch": self.best_epoch,
            "epoch": self.epoch,
            "step": self.step,
            "losses": self.losses,
            "metrics": self.metrics,
        }
        save_checkpoint(self.checkpoint, state)
        self._saved = time.monotonic()

    def _restore(self) -> None:
        with reading_checkpoint(self.checkpoint) as saved:
            self._set_weights(saved["network"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.average = {name: saved["average"][name] for name in self.trained}
            self.best = saved["best"]
            self.best_f1, self.best_epoch = saved["best_f1"], saved["best_epoch"]
            self.epoch, self.step = saved["epoch"], saved["step"]
            self.losses, self.metrics = saved["losses"], saved["metrics"]
