"""The engine of many machines: an actor a core, each with a tagger and its own ends, on Ray Data.

Only turns go to the actors, and only what became of articles comes back: each reads and writes by itself.
A turn that is lost with its actor or its machine is given to another; what is written already stays.
"""

import logging
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Event
from typing import Any, Protocol

from ner.article import Article, Rejected
from ner.batch.ends import Part, Progress, Sink, Source, StoreEnds
from ner.batch.folders import FolderEnds
from ner.batch.local import run
from ner.batch.tagging import BATCH
from ner.batch.workers import processes
from ner.errors import NerError, missing_extra
from ner.store import ENDED, ModelKey, Run, Store
from ner.store.foreign import ForeignConfig, ForeignEnds, ForeignStore
from ner.tagger.loading import Tagger

CLAIMS_IN_TURN = 8
ROWS_IN_TURN = 1_000  # of a table that others own
TURNS = 10_000  # of such a table, at most: Ray holds them all
Turn = Sequence[Part] | None
"""Parts for one actor at a time; None: the next `CLAIMS_IN_TURN` that its source gives."""


class Ends(Source, Sink, Protocol):
    """A source and a sink in one."""


@dataclass(frozen=True, slots=True)
class Actors:
    """Who tags.

    Args:
        load: gives each its tagger; it can be pickled.
        address: of a running Ray cluster; empty for one on this machine, for as long as this takes.
        most: how many at most; 0 for one a core of the cluster.
        stop: ends the run when it is set; turns that have begun are dropped.
    """

    load: Callable[[], Tagger]
    address: str = ""
    most: int = 0
    stop: Event | None = None


def tag_store_on_ray(store: Store, url: str, model: ModelKey, actors: Actors) -> Iterator[Progress]:
    """Tag what a model has not tagged of a store, which every machine reaches by `url`.

    What actors that died had in hand is tagged by a process of this machine at the end.

    Raises:
        NerError: Ray is not installed or not reached, or the store fails an actor.
    """
    to_do = store.count_untagged(model)
    if not to_do:
        return
    mine = store.start_run(model)
    try:
        turns = [None] * (-(-to_do // (CLAIMS_IN_TURN * BATCH)) + 1)
        yield from run_on_ray(partial(_open_store, url, model, mine), turns, str(model), actors)
    finally:
        store.release_all(mine)
    lost = [
        item.id
        for item in store.quarantined(model)
        if item.run == mine.number and item.why == ENDED
    ]
    stop = actors.stop
    if lost and not (stop and stop.is_set()):
        ends = StoreEnds(store, model, lost, run=mine)
        yield from run(ends, ends, processes(actors.load, 1), model=str(model), stop=stop)
    store.finish_run(mine)


def _open_store(url: str, model: ModelKey, mine: Run) -> StoreEnds:
    return StoreEnds(Store(url), model, run=mine)


def tag_table_on_ray(store: ForeignStore, model: ModelKey, actors: Actors) -> Iterator[Progress]:
    """Tag what a model has not tagged of a table that others own; every machine reaches its databases.

    Raises:
        NerError: Ray is not installed or not reached, or a database fails an actor.
    """
    ends = ForeignEnds(store, model, size=max(ROWS_IN_TURN, -(-store.count() // TURNS)))
    if not any(True for part in ends.parts() for _ in ends.read(part)):
        return  # a night without news leaves no trace
    mine = store.start_run(model)
    open_ends = partial(_open_table, store.config, model, mine)
    try:
        turns = [[part] for part in ends.parts()]
        yield from run_on_ray(open_ends, turns, str(model), actors)
    except NerError:
        store.drop_run(mine)
        raise
    store.finish_run(mine)


def _open_table(config: ForeignConfig, model: ModelKey, mine: Run) -> ForeignEnds:
    return ForeignEnds(ForeignStore(config), model, run=mine)


def tag_folder_on_ray(ends: FolderEnds, actors: Actors) -> Iterator[Progress]:
    """Tag the files of a folder that every machine reaches, a file at a time.

    Raises:
        NerError: Ray is not installed or not reached, or a file cannot be written.
    """
    if turns := [[part] for part in ends.parts()]:
        # Each actor has files of its own.
        yield from run_on_ray(partial(copy, ends), turns, ends.model, actors)


def run_on_ray(
    open_ends: Callable[[], Ends], turns: Iterable[Turn], model: str, actors: Actors
) -> Iterator[Progress]:
    """Have actors take turns; what became of the articles of each, as turns end.

    Args:
        open_ends: gives an actor its source and sink; it can be pickled.
        model: what spans say of who made them.

    Raises:
        NerError: Ray is not installed or not reached, or what an actor's ends raised.
    """
    ray = _start(actors.address)
    try:
        count = actors.most or int(ray.cluster_resources().get("CPU", 1))
        items = [pickle.dumps(turn) for turn in turns]
        steps = ray.data.from_items(items, override_num_blocks=len(items)).map(
            _Actor,
            fn_constructor_args=(open_ends, actors.load, model),
            concurrency=(1, count),
            num_cpus=1,
        )
        for row in steps.iter_rows():
            yield from pickle.loads(row["steps"])
            if actors.stop and actors.stop.is_set():
                return
    except ray.exceptions.RayError as error:
        raise _cause(error) from None
    finally:
        ray.shutdown()


def _start(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise missing_extra(error.name, "ray") from None
    if not ray.is_initialized():
        try:
            ray.init(address or None, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            why = str(error).strip().partition("\n")[0]
            raise NerError(
                f"no Ray cluster answers: {why}",
                where=address,
                remedy="start one with `ray start --head`, or leave --address out",
            ) from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return ray


def _cause(error: BaseException) -> NerError:
    """Our own error in what Ray raised, or all of it as one line."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, NerError):
            return NerError(found.message, where=found.where, remedy=found.remedy)
        found = getattr(found, "cause", None) or found.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return NerError(f"Ray: {lines[-1]}", remedy="its logs are in /tmp/ray/session_latest/logs")


@dataclass(frozen=True, slots=True)
class _OfTurn:
    """The parts of a source that are one turn's."""

    source: Source
    turn: Turn

    def parts(self) -> Iterator[Part]:
        if self.turn is None:
            return islice(self.source.parts(), CLAIMS_IN_TURN)
        return iter(self.turn)

    def read(self, part: Part) -> Iterator[Article | Rejected]:
        return self.source.read(part)


class _Actor:
    """Tags turn by turn, on one core.

    In a process of its own, so that a text that ends the process costs only itself: an actor that ended
    would be started again with the same text, for ever.
    """

    def __init__(
        self, open_ends: Callable[[], Ends], load: Callable[[], Tagger], model: str
    ) -> None:
        self.ends = open_ends()
        self.model = model
        self.process = ExitStack()  # which ends with this one
        self.workers = self.process.enter_context(processes(load, 1))

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        source = _OfTurn(self.ends, pickle.loads(row["item"]))
        engine = nullcontext(self.workers)
        return {"steps": pickle.dumps(list(run(source, self.ends, engine, model=self.model)))}
