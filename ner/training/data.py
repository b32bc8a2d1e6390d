"""What a run learns from and is scored on, and which of it each epoch shows."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ner import corpus
from ner.corpus import Example
from ner.errors import NerError
from ner.training import augment
from ner.training.config import DataConfig, Schedule, TrainConfig
from ner.training.passages import Grammar, read_grammar

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """The examples of a run by their use, see `DataConfig`; ``names`` and ``grammar`` are for `augment`."""

    train: Sequence[Example]
    dev: Sequence[Example]
    quotes: Sequence[Example]
    silver: Sequence[Example]
    names: augment.Names
    grammar: Grammar | None = None


def read_examples(config: TrainConfig) -> Examples:
    """Read all files of a config and check that they fit together.

    Raises:
        NerError: no file to train on is named, a line cannot be read, a test article is among those to
            learn from, or a span has a label that the config does not name.
    """
    data = config.data
    if not data.train:
        raise NerError(
            "there is nothing to train on: the config has train = []",
            remedy="name annotated files under [data], or give --from-store",
        )
    train, dev = (corpus.examples(corpus.read(files)) for files in (data.train, data.dev))
    silver = [Example(each.text, each.spans) for each in corpus.read(data.silver)]
    quotes = [example for path in data.quotes for example in corpus.read_quotes(path)]
    _check_test_apart(data)
    learnt = {example.text for example in (*train, *silver)}
    if shared := sum(example.text in learnt for example in dev):
        _LOG.warning(
            "%d of %d dev articles are among those to learn from: F1 on dev will be too high",
            *(shared, len(dev)),
        )
    _check_labels(config, (*train, *dev, *silver, *quotes))
    grammar = read_grammar(data.passages) if data.passages else None
    names = augment.collect_names(train, data.places)
    return Examples(train, dev, quotes, silver, names, grammar)


def epoch_examples(
    examples: Examples, schedule: Schedule, epoch: int, rng: np.random.Generator
) -> list[Example]:
    """What one epoch learns from: augmented training articles, and samples of quotes and silver.

    Args:
        epoch: 0 for the first.
    """
    silver = schedule.silver * (1 - epoch / schedule.epochs)
    return [
        *augment.augment(examples.train, examples.names, schedule, rng, examples.grammar),
        *sample(examples.quotes, schedule.quotes, rng),
        *sample(examples.silver, silver, rng),
    ]


def sample(examples: Sequence[Example], fraction: float, rng: np.random.Generator) -> list[Example]:
    """A random fraction of the examples, rounded down, none twice."""
    chosen = rng.permutation(len(examples))[: int(len(examples) * fraction)]
    return [examples[k] for k in chosen]


def _check_labels(config: TrainConfig, examples: Iterable[Example]) -> None:
    others = {span.label for example in examples for span in example.spans} - set(config.labels)
    if others:
        data = config.data
        entries = corpus.strict(corpus.entries((*data.train, *data.dev, *data.silver)))
        having = (
            entry.where
            for entry in entries
            if any(span.label in others for span in entry.article.spans)
        )
        raise NerError(
            f"the data has labels {', '.join(sorted(others))} beside {', '.join(config.labels)}",
            where=next(having, ""),
            remedy="correct them, or name them all in the config: labels = [...]",
        )


def _check_test_apart(data: DataConfig) -> None:
    """Check that no test article is among those that training reads."""
    test = {article.text for article in corpus.read(data.test)}
    for path in (*data.train, *data.dev, *data.silver) if test else ():
        shared = [article.id for article in corpus.read([path]) if article.text in test]
        if shared:
            raise NerError(
                f"{len(shared)} articles are test articles too, {shared[0]} for one",
                where=str(path),
                remedy="take them out of one of the two",
            )
