"""Config and corpus to a model folder, in steps that can be killed and resumed.

`steps` is a generator of what happened, epoch by epoch; the log and the progress bar are its
readers. Everything of a run lies in its folder: config, data hashes, checkpoint, metrics,
model.
"""

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from ner import checksums, corpus
from ner.article import LABELS, Span
from ner.corpus import Example
from ner.errors import NerError
from ner.features import BAND, SPECIAL_IDS, UNKNOWN, Characters, pad, round_up, windows
from ner.network import Candidates, Network, Shape, band_mask, from_onnx, span_loss, to_onnx
from ner.score import Counts, best_threshold, calibrate, table
from ner.tagger import Settings, SpanTagger, find_model, make_pipeline


@dataclass(frozen=True)
class Data:
    """Files: annotated JSONL, and quoted strings with their class (see `corpus.read_quotes`)."""

    train: tuple[str, ...]
    dev: tuple[str, ...]
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        epochs: passes over the data at most.
        patience: stop after so many epochs without a better dev F1.
        batch: code points a step, about.
        rate: highest learning rate; it warms up over a tenth and falls as a cosine.
        quotes: share of the quoted contexts seen each epoch.
        unknown: share of characters shown as unknown, so that rare ones do no harm.
    """

    epochs: int = 30
    patience: int = 8
    batch: int = 8192
    rate: float = 1e-3
    dropout: float = 0.2
    quotes: float = 0.5
    unknown: float = 0.02


@dataclass(frozen=True)
class Config:
    """A training config; `config.read` reads it from TOML.

    Args:
        characters: the character table's file; that of `start` or of the shipped model if empty.
        start: what to start from: a model folder, or a pretrained encoder's file.
    """

    name: str
    version: str
    data: Data
    characters: str = ""
    start: str = ""
    seed: int = 1
    network: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)


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
        NerError: data or starting weights cannot be read, or the folder is another run's.
    """
    training = corpus.examples(corpus.read(config.data.train))
    dev = corpus.examples(corpus.read(config.data.dev))
    quotes = [example for path in config.data.quotes for example in corpus.read_quotes(path)]
    if not training or not dev:
        raise NerError("no articles to train or to test on", remedy="name files under [data]")
    _claim(run, config)
    characters = Characters.read(_characters_file(config))
    network = make_network(config, characters)
    learner = _Learner(config, characters, network, run / "checkpoint.pt")
    for epoch in learner.epochs(training, quotes, dev):
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(_metrics(epoch)) + "\n")
        yield epoch
    network.load_state_dict(learner.best)
    write_model(config, characters, network, dev, run / "model")


def make_network(config: Config, characters: Characters) -> Network:
    """The network a config describes, with its starting weights."""
    torch.manual_seed(config.seed)
    shape = Shape(len(characters), len(LABELS), **config.network)
    network = Network(shape, dropout=config.schedule.dropout)
    if config.start:
        start(network, Path(config.start))
    return network


def _characters_file(config: Config) -> Path:
    if config.characters:
        return Path(config.characters)
    model = Path(config.start) if Path(config.start).is_dir() and config.start else find_model()
    return model / "span_tagger/characters.txt"


def start(network: Network, path: Path) -> None:
    """Give a network the weights of a model folder, or its encoder those of a pretrained one.

    Raises:
        NerError: they cannot be read, or belong to another shape.
    """
    with _reading_weights(str(path)):
        if path.is_dir():
            network.load_state_dict(from_onnx((path / "span_tagger/network.onnx").read_bytes()))
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            network.encoder.load_state_dict({k: v.float() for k, v in weights.items()})


def write_model(
    config: Config,
    characters: Characters,
    network: Network,
    dev: Sequence[Example],
    folder: Path,
) -> None:
    """Write a model folder, its scores calibrated on dev; the folder appears whole or not at all."""
    component = SpanTagger()
    network = network.eval()
    _centre(network, characters, dev)
    onnx = to_onnx(network)
    settings = Settings(context=max(64, round_up(network.shape.reach + BAND, 32)))
    component.fill(settings, characters, onnx)
    settings = dataclasses.replace(settings, calibration=_calibration(component, dev))
    component.fill(settings, characters, onnx)
    nlp = make_pipeline(config.name, config.version, component)
    beside, before = (folder.with_name(folder.name + end) for end in (".new", ".old"))
    for rest in (beside, before):  # of a run that was killed just here
        shutil.rmtree(rest, ignore_errors=True)
    nlp.to_disk(beside)
    checksums.write(beside)
    if folder.exists():
        folder.replace(before)
    beside.replace(folder)
    shutil.rmtree(before, ignore_errors=True)


class _Learner:
    """Network, its running average, optimiser and place in the schedule: what a checkpoint holds."""

    def __init__(
        self, config: Config, characters: Characters, network: Network, checkpoint: Path
    ) -> None:
        self.config = config
        self.characters = characters
        self.network = network
        self.checkpoint = checkpoint
        # The average of the weights, not the last of them, is what is tested and kept.
        self.average = AveragedModel(network, avg_fn=_moving_average)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.schedule.rate, betas=(0.9, 0.98), weight_decay=0.02
        )
        self.epoch = 0
        self.step = 0
        self.best_f1 = -1.0
        self.best_epoch = 0
        self.best: dict[str, Tensor] = {}
        if checkpoint.exists():
            self._load()

    def epochs(
        self, training: Sequence[Example], quotes: Sequence[Example], dev: Sequence[Example]
    ) -> Iterator[Epoch]:
        schedule = self.config.schedule
        tester = SpanTagger()
        while self.epoch < schedule.epochs and self.epoch - self.best_epoch < schedule.patience:
            rng = np.random.default_rng((self.config.seed, self.epoch))
            torch.manual_seed(self.config.seed * 1000 + self.epoch)
            share = int(len(quotes) * schedule.quotes)
            chosen = [quotes[k] for k in rng.permutation(len(quotes))[:share]]
            batches = make_batches([*training, *chosen], self.characters, schedule, rng)
            loss = float(np.mean([self._learn(batch, len(batches)) for batch in batches]))
            tester.fill_with(Settings(), self.characters, _candidates(self._averaged()))
            found = tester.predict([example.text for example in dev])
            rows = table([example.spans for example in dev], found)
            self.epoch += 1
            is_best = rows["all"].f1 > self.best_f1
            if is_best:
                self.best_f1, self.best_epoch = rows["all"].f1, self.epoch
                weights = self._averaged().state_dict()
                self.best = {name: value.clone() for name, value in weights.items()}
            self._save()
            yield Epoch(self.epoch, loss, rows, is_best)

    def _learn(self, batch: "Batch", steps_an_epoch: int) -> float:
        schedule = self.config.schedule
        done = self.step / (schedule.epochs * steps_an_epoch)
        rate = schedule.rate * min(done / 0.1, 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            scores = self.network(batch.ids)
        loss = span_loss(scores.float(), batch.gold, batch.known, batch.characters)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return loss.item()

    def _averaged(self) -> Network:
        return cast(Network, self.average.module)

    def _save(self) -> None:
        beside = self.checkpoint.with_suffix(".new")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                "place": [self.epoch, self.step, self.best_epoch, self.best_f1],
            },
            beside,
        )
        beside.replace(self.checkpoint)

    def _load(self) -> None:
        with _reading_weights(str(self.checkpoint)):
            saved = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.average.load_state_dict(saved["average"])
            self.optimizer.load_state_dict(saved["optimizer"])
        self.best = saved["best"]
        self.epoch, self.step, self.best_epoch, self.best_f1 = saved["place"]


def _moving_average(average: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
    # Short at first, else a run of some hundred steps would average its own beginning.
    kept = min(0.998, (1 + int(steps)) / (10 + int(steps)))
    return average * kept + new * (1 - kept)


@dataclass(frozen=True)
class Batch:
    """Arrays of one step.

    Args:
        ids: ``(batch, length)``.
        gold: 0 or 1, shaped like the network's scores.
        known: True where gold is known, shaped the same.
        characters: how many, padding not counted.
    """

    ids: Tensor
    gold: Tensor
    known: Tensor
    characters: int


@dataclass(frozen=True)
class _Piece:
    """A window of an example: its ids, its spans, and where what is known of it begins and ends."""

    ids: Any
    spans: tuple[Span, ...]
    core: tuple[int, int]
    known: tuple[int, int] | None


def make_batches(
    examples: Sequence[Example],
    characters: Characters,
    schedule: Schedule,
    rng: np.random.Generator,
) -> list[Batch]:
    """Windows of the examples in batches of like length, in random order."""
    pieces = [piece for example in examples for piece in _pieces(example, characters)]
    pieces = [pieces[k] for k in rng.permutation(len(pieces))]
    pieces.sort(key=lambda piece: round_up(len(piece.ids), BAND))  # stable: random within a length
    batches, first = [], 0
    while first < len(pieces):
        end = first + 1
        # Its longest piece, the last to come in, decides how much padding a batch has.
        while end < len(pieces) and (
            (end + 1 - first) * round_up(len(pieces[end].ids), BAND) <= schedule.batch
        ):
            end += 1
        batches.append(_batch(pieces[first:end], schedule, rng))
        first = end
    return [batches[k] for k in rng.permutation(len(batches))]


def _pieces(example: Example, characters: Characters) -> Iterator[_Piece]:
    ids = characters.encode(example.text)
    for w in windows(example.text, core=256, context=64):
        spans = tuple(
            Span(s.start - w.start, s.end - w.start, s.label)
            for s in example.spans
            if w.core_start <= s.start < w.core_end and s.end <= w.end and s.end - s.start <= BAND
        )
        core = (w.core_start - w.start, w.core_end - w.start)
        known = example.known and (example.known[0] - w.start, example.known[1] - w.start)
        yield _Piece(ids[w.start : w.end], spans, core, known)


def _batch(pieces: Sequence[_Piece], schedule: Schedule, rng: np.random.Generator) -> Batch:
    length = round_up(max(len(piece.ids) for piece in pieces), BAND)
    ids = pad([piece.ids for piece in pieces], length)
    mask = band_mask(torch.from_numpy(ids))
    hidden = (rng.random(ids.shape) < schedule.unknown) & (ids >= SPECIAL_IDS)
    gold = np.zeros((len(pieces), length // BAND, len(LABELS), BAND, 2 * BAND), np.float32)
    known = np.zeros(gold.shape, bool)
    places = np.arange(length).reshape(-1, BAND)
    firsts = places[:, :, None]
    lasts = places[:, :1, None] + np.arange(2 * BAND)[None, None, :]
    for row, piece in enumerate(pieces):
        for span in piece.spans:
            block, start = divmod(span.start, BAND)
            gold[row, block, LABELS.index(span.label), start, span.end - 1 - block * BAND] = 1
        low, high = piece.core
        if piece.known is None:
            known[row] = ((firsts >= low) & (firsts < high))[:, None]
        else:
            low, high = piece.known
            known[row, :, LABELS.index("BRAND")] = (firsts < high) & (lasts >= low)
    ids[hidden] = UNKNOWN
    characters = sum(len(piece.ids) for piece in pieces)
    known_spans = torch.from_numpy(known) & mask
    return Batch(torch.from_numpy(ids), torch.from_numpy(gold), known_spans, characters)


def _candidates(network: Network) -> Any:
    """A network as `SpanTagger` runs one."""
    candidates = Candidates(network).eval()

    def run(ids: Any) -> tuple[Any, Any]:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            places, logits = candidates(torch.from_numpy(ids))
        return places.numpy(), logits.float().numpy()

    return run


_LOOK_BELOW = 4.0  # how far under zero `_centre` looks for spans that were better taken


def _centre(network: Network, characters: Characters, dev: Sequence[Example]) -> None:
    """Move each label's zero, which decides what is found, to its `best_threshold` on dev."""
    bias = network.head.bias.data
    bias += _LOOK_BELOW
    component = SpanTagger()
    component.fill_with(Settings(), characters, _candidates(network))
    for number, (label, pairs) in enumerate(_found(component, dev).items()):
        gold = sum(span.label == label for example in dev for span in example.spans)
        bias[number] -= best_threshold(*_columns(pairs), gold) if pairs else _LOOK_BELOW


def _calibration(component: SpanTagger, dev: Sequence[Example]) -> dict[str, tuple[float, float]]:
    """Fit each label's calibration on what the uncalibrated component finds in dev."""
    found = _found(component, dev)
    everything = [pair for pairs in found.values() for pair in pairs]
    return {
        label: calibrate(*_columns(pairs if len(pairs) >= 50 else everything))
        for label, pairs in found.items()
        if everything
    }


def _found(component: SpanTagger, dev: Sequence[Example]) -> dict[str, list[tuple[float, bool]]]:
    """By label: the logit of every span that an uncalibrated component finds, and is it right."""
    pairs: dict[str, list[tuple[float, bool]]] = {label: [] for label in LABELS}
    for example, spans in zip(dev, component.predict([example.text for example in dev])):
        gold = set(example.spans)
        for span in spans:
            score = min(span.score, 1 - 1e-7)
            pairs[span.label].append((math.log(score / (1 - score)), span in gold))
    return pairs


def _columns(pairs: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [logit for logit, _ in pairs], [right for _, right in pairs]


def _claim(run: Path, config: Config) -> None:
    """Make the run folder, or see that it is this run's."""
    run.mkdir(parents=True, exist_ok=True)
    files = [
        *config.data.train,
        *config.data.dev,
        *config.data.quotes,
        str(_characters_file(config)),
    ]
    if config.start:
        start = Path(config.start)
        files.append(str(start / "span_tagger/network.onnx" if start.is_dir() else start))
    try:
        hashes = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in files}
    except OSError as error:
        raise NerError(f"cannot be read: {error.strerror}", where=error.filename) from None
    record = json.dumps({"config": asdict(config), "sha256": hashes}, ensure_ascii=False, indent=1)
    path = run / "config.json"
    if path.exists() and path.read_text(encoding="utf-8") != record:
        raise NerError(
            "the folder holds a run with another config or other data",
            where=str(run),
            remedy="delete it, or name another with --run",
        )
    path.write_text(record, encoding="utf-8")


def _metrics(epoch: Epoch) -> dict[str, Any]:
    dev = {name: round(counts.f1, 4) for name, counts in epoch.dev.items()}
    return {"epoch": epoch.number, "loss": round(epoch.loss, 5), "dev_f1": dev}


@contextmanager
def _reading_weights(path: str) -> Iterator[None]:
    """Turn what torch says of weights that do not fit into one line with a remedy."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise NerError(
            f"weights do not fit: {str(error).splitlines()[0]}",
            where=path,
            remedy="check start and [network] in the config",
        ) from None
