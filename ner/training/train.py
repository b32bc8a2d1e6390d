"""Config and corpus to a model folder, in steps that can be killed and resumed.

`steps` is a generator of what happened, epoch by epoch; the log and the progress bar are its
readers. Everything of a run lies in its folder: config, data hashes, checkpoint, metrics,
model.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ner import corpus
from ner.corpus import Example
from ner.errors import NerError
from ner.evaluation.score import Counts, table
from ner.files import sha256, write_text
from ner.labels import LABELS
from ner.tagger.component import SpanTagger
from ner.tagger.features import Characters
from ner.tagger.registry import DEFAULT_MODEL, find_model
from ner.tagger.settings import Settings
from ner.training import augment, batches, curves, transformer
from ner.training.batches import Batch, make_batches
from ner.training.export import WEIGHTS, candidates, write_model
from ner.training.network import Encoder, Network, Shape, span_loss
from ner.training.weights import checkpoint, narrow, save_checkpoint


@dataclass(frozen=True)
class Data:
    """Files: annotated JSONL, quoted strings with their class (see `corpus.read_quotes`), and lists
    of places (see `augment.collect`). ``silver`` is annotated JSONL too, but by a model, not a person.
    ``test`` is what the model is set beside the one it starts from on; training never sees it."""

    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    silver: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        epochs: passes over the data at most.
        patience: stop after so many epochs without a better dev F1.
        batch: code points a step, about.
        rate: highest learning rate; it warms up over a tenth and falls as a cosine.
        quotes: share of the quoted contexts seen each epoch.
        silver: share of the silver articles seen in the first epoch; it falls in a line to none after the
            last, so that people have the last word.
        unknown: share of characters shown as unknown, so that rare ones do no harm.
        swaps: share of the names of streets, towns and villages that each epoch changes for others.
        cut: share of articles of which each epoch shows some sentences in a row only.
        blemished: share of articles that get stray spaces each epoch, and of those that get straight
            quotation marks.
    """

    epochs: int = 30
    patience: int = 8
    batch: int = 8192
    rate: float = 1e-3
    dropout: float = 0.2
    quotes: float = 0.5
    silver: float = 0.5
    unknown: float = 0.02
    swaps: float = 0.0
    cut: float = 0.0
    blemished: float = 0.0


@dataclass(frozen=True)
class Config:
    """A training config; `config.read` reads it from TOML.

    Args:
        characters: the character table's file; that of the model it starts from if empty.
        start: what to start from: a model's name or folder, a pretrained encoder's file, or nothing
            if empty. Of several the mean of their weights, which is better than each where they come
            from one encoder (Wortsman et al. 2022, model soups).
        encoder: a Hugging Face encoder's name or folder, to be used instead of ours.
        labels: what the model marks.
        network: what differs from the defaults of `network.Shape`, where it starts from nothing.
    """

    name: str
    version: str
    data: Data
    characters: str = ""
    start: str | tuple[str, ...] = DEFAULT_MODEL
    encoder: str = ""
    labels: tuple[str, ...] = LABELS
    seed: int = 1
    network: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def base(self) -> str:
        """The one model it starts from, if it is one: what the new model may be set beside."""
        one = "" if self.encoder or not isinstance(self.start, str) else self.start
        return "" if Path(one).is_file() else one


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to. ``dev`` has the rows of `score.table`; ``is_best`` by its row all."""

    number: int
    loss: float
    dev: dict[str, Counts]
    is_best: bool


def fit(config: Config, run: Path) -> Iterator[Epoch]:
    """Train, epoch by epoch, and write ``run/model``. Killed and called again, it goes on.

    Args:
        run: the run's folder; one begun with another config or other data is refused.

    Raises:
        NerError: data or starting weights cannot be read, test articles are among those to learn from,
            or the folder is another run's.
    """
    training = corpus.examples(corpus.read(config.data.train))
    dev = corpus.examples(corpus.read(config.data.dev))
    silver = corpus.examples(corpus.read(config.data.silver))
    quotes = [example for path in config.data.quotes for example in corpus.read_quotes(path)]
    if not training or not dev:
        raise NerError("no articles to train or to test on", remedy="name files under [data]")
    _keep_apart(config.data)
    _check_labels(config, (*training, *dev, *silver, *quotes))
    hashes = _claim(run, config)
    characters = Characters.read(_characters_file(config))
    network = make_network(config, characters)
    learner = _Learner(config, characters, network, run / "checkpoint.pt")
    for epoch in learner.epochs(training, quotes, silver, dev):
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(_metrics(epoch)) + "\n")
        curves.draw(run / "metrics.jsonl", run / "curves.png")
        yield epoch
    learner.take_best()
    folder = run / "model"
    write_model(
        config.name,
        config.version,
        characters,
        network,
        dev,
        folder,
        labels=config.labels,
        data=hashes,
    )


def make_network(config: Config, characters: Characters) -> Network:
    """The network a config describes, with its starting weights.

    Hashed tables that come with these are then left as they are: they know more names than any
    annotated corpus.

    Raises:
        NerError: starting weights cannot be read, or belong to another character table.
    """
    torch.manual_seed(config.seed)
    dropout = config.schedule.dropout
    if config.encoder:
        return transformer.make_network(config.encoder, characters, len(config.labels), dropout)
    if config.start == "":
        return Network(
            Shape(len(characters), len(config.labels), **config.network), dropout=dropout
        )
    first: dict[str, Any] = {}
    mean: dict[str, Tensor] = {}
    files = _weights_files(config)
    for file in files:
        with narrow(file) as (values, weights):
            first = first or values
            shape = Shape.from_dict({**values, "labels": len(config.labels)})
            if shape.characters != len(characters):
                raise ValueError(f"{shape.characters} characters, the table has {len(characters)}")
            if values != first:
                raise ValueError("another shape than the one before it, so they have no mean")
            if not mean:
                encoder = Encoder(shape, dropout=dropout)
                network = Network(shape, encoder=encoder)
                part = network if values["labels"] else encoder
            part.load_state_dict(weights)
            for key, one in weights.items():
                mean[key] = mean.get(key, 0) + one.float() / len(files)
    part.load_state_dict(mean)
    for hashed in encoder.embedding.tables:
        hashed.weight.requires_grad_(False)
    return network


def _starts(config: Config) -> tuple[str, ...]:
    if not config.start and not isinstance(config.start, str):
        raise NerError("start names nothing", remedy='for a start from nothing say start = ""')
    return (config.start,) if isinstance(config.start, str) else config.start


def _weights_files(config: Config) -> list[Path]:
    """Of what a config starts from: a pretrained encoder's file, or those in model folders."""
    return [
        Path(name) if Path(name).is_file() else find_model(name) / WEIGHTS
        for name in filter(None, _starts(config))
    ]


def _characters_file(config: Config) -> Path:
    if config.characters:
        return Path(config.characters)
    return find_model(_starts(config)[0] or DEFAULT_MODEL) / "span_tagger/characters.txt"


class _Learner:
    """Network, its running average, optimiser and place in the schedule: what a checkpoint holds."""

    def __init__(
        self, config: Config, characters: Characters, network: Network, checkpoint: Path
    ) -> None:
        self.config = config
        self.characters = characters
        self.network = network
        self.checkpoint = checkpoint
        self.trained = {
            name: weight for name, weight in network.named_parameters() if weight.requires_grad
        }
        # The average of the weights, not the last of them, is what is tested and kept.
        self.average = {name: weight.detach().clone() for name, weight in self.trained.items()}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=config.schedule.rate, betas=(0.9, 0.98), weight_decay=0.02
        )
        self.epoch = 0
        self.step = 0
        self.best_f1 = -1.0
        self.best_epoch = 0
        self.best: dict[str, Tensor] = {}
        if checkpoint.exists():
            self._load()

    def epochs(
        self,
        training: Sequence[Example],
        quotes: Sequence[Example],
        silver: Sequence[Example],
        dev: Sequence[Example],
    ) -> Iterator[Epoch]:
        schedule = self.config.schedule
        names = augment.collect(training, self.config.data.places)
        tester = SpanTagger()
        while self.epoch < schedule.epochs and self.epoch - self.best_epoch < schedule.patience:
            rng = np.random.default_rng((self.config.seed, self.epoch))
            torch.manual_seed(self.config.seed * 1000 + self.epoch)
            seen = [
                *batches.varied(
                    training,
                    names,
                    rng,
                    swaps=schedule.swaps,
                    cut=schedule.cut,
                    blemished=schedule.blemished,
                ),
                *batches.share(quotes, schedule.quotes, rng),
                *batches.share(silver, schedule.silver * (1 - self.epoch / schedule.epochs), rng),
            ]
            steps = make_batches(
                seen,
                self.characters,
                rng,
                labels=self.config.labels,
                size=schedule.batch,
                unknown=schedule.unknown,
            )
            share = 1 / (len(steps) * schedule.epochs)
            begun = self.epoch / schedule.epochs
            losses = [self._learn(batch, begun + n * share) for n, batch in enumerate(steps)]
            loss = float(np.mean(losses))
            with self._averaged():
                settings = Settings(labels=self.config.labels)
                tester.set_network(settings, self.characters, candidates(self.network))
                found = tester.predict([example.text for example in dev])
            rows = table([example.spans for example in dev], found)
            self.epoch += 1
            is_best = rows["all"].f1 > self.best_f1
            if is_best:
                self.best_f1, self.best_epoch = rows["all"].f1, self.epoch
                self.best = {name: value.clone() for name, value in self.average.items()}
            self._save()
            yield Epoch(self.epoch, loss, rows, is_best)

    def _learn(self, batch: "Batch", done: float) -> float:
        """One step, ``done`` (0 to 1) of the training before it; its loss."""
        rate = self.config.schedule.rate * min(
            done / 0.1, 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            scores = self.network(batch.ids)
        loss = span_loss(scores.float(), batch.gold, batch.known, batch.characters)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.optimizer.step()
        self.step += 1
        # Short at first, else a run of some hundred steps would average its own beginning.
        new = 1 - min(0.998, self.step / (9 + self.step))
        weights = [weight.detach() for weight in self.trained.values()]
        torch._foreach_lerp_(list(self.average.values()), weights, new)
        return loss.item()

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network with the average for weights, for as long as the block lasts."""
        last = {name: weight.detach().clone() for name, weight in self.trained.items()}
        self._set(self.average)
        yield
        self._set(last)

    def _set(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in weights.items():
                self.trained[name].copy_(value)

    def take_best(self) -> None:
        """Give the network the weights of the best epoch."""
        self._set(self.best)

    def _save(self) -> None:
        state = {
            "network": {name: weight.detach() for name, weight in self.trained.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "place": [self.epoch, self.step, self.best_epoch, self.best_f1],
        }
        save_checkpoint(self.checkpoint, state)

    def _load(self) -> None:
        with checkpoint(self.checkpoint) as saved:
            self._set(saved["network"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.average = {name: saved["average"][name] for name in self.trained}
            self.best = saved["best"]
            self.epoch, self.step, self.best_epoch, self.best_f1 = saved["place"]


def _check_labels(config: Config, examples: Iterable[Example]) -> None:
    """See that what is learnt from has no labels but the config's."""
    others = {span.label for example in examples for span in example.spans} - set(config.labels)
    if others:
        raise NerError(
            f"the data has labels {', '.join(sorted(others))} beside {', '.join(config.labels)}",
            remedy="correct them, or name them all in the config: labels = [...]",
        )


def _keep_apart(data: Data) -> None:
    """See that nothing to be tested on is learnt from."""
    kept = {article.text for article in corpus.read(data.test)}
    for path in (*data.train, *data.dev, *data.silver) if kept else ():
        shared = [article.id for article in corpus.read([path]) if article.text in kept]
        if shared:
            raise NerError(
                f"{len(shared)} articles are test articles too, {shared[0]} for one",
                where=path,
                remedy="take them out of one of the two",
            )


def _claim(run: Path, config: Config) -> dict[str, str]:
    """Make the run folder, or see that it is this run's; the SHA-256 of the files it learns from."""
    run.mkdir(parents=True, exist_ok=True)
    files = [
        *config.data.train,
        *config.data.dev,
        *config.data.quotes,
        *config.data.places,
        *config.data.silver,
        str(_characters_file(config)),
    ]
    if not config.encoder:
        files += map(str, _weights_files(config))
    hashes = {name: sha256(Path(name)) for name in files}
    test = {name: sha256(Path(name)) for name in config.data.test}
    record = {"config": asdict(config), "sha256": hashes, **({"test": test} if test else {})}
    written = json.dumps(record, ensure_ascii=False, indent=1)
    path = run / "config.json"
    if not path.exists():
        write_text(path, written)
    elif path.read_text(encoding="utf-8") != written:
        raise NerError(
            "the folder holds a run with another config or other data",
            where=str(run),
            remedy="delete it, or name another with --run",
        )
    return {_short(name, hashes): digest for name, digest in hashes.items()}


def _short(name: str, names: Iterable[str]) -> str:
    """The end of a path that tells it from the others: models go to other machines, our folders do not."""
    parts = Path(name).parts
    others = [Path(other).parts for other in names if other != name]
    enough = (n for n in range(2, len(parts)) if all(p[-n:] != parts[-n:] for p in others))
    return "/".join(parts[-next(enough, len(parts)) :])


def _metrics(epoch: Epoch) -> dict[str, Any]:
    dev = {name: round(counts.f1, 4) for name, counts in epoch.dev.items()}
    return {"epoch": epoch.number, "loss": round(epoch.loss, 5), "dev_f1": dev}
