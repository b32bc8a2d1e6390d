"""Config and corpus to a model folder; a run that is killed and started again goes on where it was."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ner.tagger.features import Characters
from ner.tagger.pieces import Pieces
from ner.training import curves, run_folder
from ner.training.batches import Batches, make_batches
from ner.training.config import TrainConfig
from ner.training.data import Examples, epoch_examples, read_examples
from ner.training.export import write_model
from ner.training.initial import make_network, start_files
from ner.training.learner import Epoch, Learner, Step

__all__ = ["Epoch", "Step", "train"]


def train(
    config: TrainConfig, run: Path, *, checkpoint_seconds: float = 20.0
) -> Iterator[Step | Epoch]:
    """Train step by step and write ``run/model``; the same call goes on with a run that was killed.

    Args:
        run: the run's folder: config and hashes of the data, checkpoint, metrics, curves, model.
        checkpoint_seconds: how often the run is saved.

    Raises:
        NerError: data or starting weights cannot be read or do not fit together, see `read_examples`; or
            the folder is another run's.
    """
    start = start_files(config)
    examples = read_examples(config)
    data = config.data
    files = (*data.train, *data.dev, *data.quotes, *data.places, *data.silver)
    hashes = run_folder.claim(
        run, config, (*files, start.characters, *start.weights), test=data.test
    )
    characters = Characters.read(start.characters)
    network = make_network(config, characters, start.weights)
    learner = Learner(
        config,
        characters,
        network,
        run / run_folder.CHECKPOINT,
        checkpoint_seconds=checkpoint_seconds,
    )
    drawn = time.monotonic()
    while not learner.is_done:
        yield from learner.steps(
            _epoch_batches(config, examples, characters, network.pieces, learner.epoch)
        )
        epoch = learner.finish_epoch(examples.dev)
        run_folder.write_metrics(run, learner.metrics)
        if time.monotonic() - drawn >= checkpoint_seconds:
            curves.draw(learner.metrics, run / run_folder.CURVES)
            drawn = time.monotonic()
        yield epoch
    run_folder.write_metrics(run, learner.metrics)
    curves.draw(learner.metrics, run / run_folder.CURVES)
    learner.load_best()
    write_model(
        config.name,
        config.version,
        characters,
        network,
        examples.dev,
        run / run_folder.MODEL,
        labels=config.labels,
        data=hashes,
        license=config.license,
    )


def _epoch_batches(
    config: TrainConfig,
    examples: Examples,
    characters: Characters,
    pieces: Pieces | None,
    epoch: int,
) -> Batches:
    """The batches of an epoch (0 for the first), the same in each process."""
    rng = np.random.default_rng((config.seed, epoch))
    return make_batches(
        epoch_examples(examples, config.schedule, epoch, rng),
        characters,
        rng,
        labels=config.labels,
        size=config.schedule.batch_size,
        unknown=config.schedule.unknown,
        pieces=pieces,
    )
