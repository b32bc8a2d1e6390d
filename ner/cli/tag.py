"""`ner tag`: the articles of a store, or a file as it is read."""

import contextlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ner.cli.app import (
    DEFAULT_STORE,
    Least,
    ModelName,
    StoreUrl,
    app,
    thresholds,
)
from ner.cli.terminal import (
    count,
    interruption,
    progress,
    say,
    say_error,
    say_skipped,
    writing,
)
from ner.errors import NerError
from ner.files import is_stream
from ner.tagger.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ner.batch.ends import Progress
    from ner.batch.ray_engine import Actors
    from ner.batch.totals import Totals
    from ner.store import ModelKey
    from ner.store.foreign import AnyStore
    from ner.tagger.loading import Tagger

ENGINES = ("local", "ray")
_LISTED = 20  # files in which an earlier run could not tag something, at most


@app.command()
def tag(
    input: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            help="JSONL of {id, text}, a file of `ner ingest`, a folder of such, or -; the store if omitted.",
        ),
    ] = "",
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="JSONL of {id, spans}, or -; FOLDER/ for a file of articles for each of a folder.",
        ),
    ] = "-",
    store: StoreUrl = DEFAULT_STORE,
    article: Annotated[
        list[str] | None, typer.Option(help="Only this article of the store; repeatable.")
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    least: Least = None,
    names: Annotated[
        str, typer.Option(metavar="FILE", help="Names to find: name, tab, label, aliases.")
    ] = "",
    never: Annotated[
        str, typer.Option(metavar="FILE", help="Strings that are never marked, one a line.")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also what the model has tagged: all of the store.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also what was tried too often, from the first.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            help="Processes that tag the store, each with a model; 0: this one, with Ray one a core.",
        ),
    ] = 0,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads of each; 0: the processors, shared out among them.")
    ] = 0,
    engine: Annotated[
        str, typer.Option(help="local: this machine; ray: an actor a core of a Ray cluster.")
    ] = "local",
    address: Annotated[
        str, typer.Option(help="Of a Ray cluster that runs; without it one on this machine.")
    ] = "",
    metrics: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="Keep figures of the run in a file, in Prometheus' text format."
        ),
    ] = "",
) -> None:
    """Tag the articles of the store that the model has not tagged yet, or a file as it is read.

    A line of JSONL gives a line of {id, spans}; an article of another form also has its text there. What
    --least leaves out of the store is found again only with --again; `ner show --least` and
    `ner export --least` leave the store as it is.

    A folder as --input and FOLDER/ as --output give a file for each file, Parquet of Parquet and JSONL of
    all else, with articles as `ner export` writes them. Started again, it tags the files that are new or
    have changed.

    Word lists (--names, --never) count for what is tagged now: after a change, --again.

    Exit status 1 where an article could not be tagged, 130 or 143 where Ctrl-C or SIGTERM ended it: what
    was being tagged is stored first, and the same command goes on.

    Example: `ner tag --store sqlite:///articles.db`

    Example: `ner tag --store postgresql://me@host/news --workers 8 --metrics /var/lib/ner/tag.prom`

    Example: `ner tag --input articles.jsonl --output spans.jsonl`

    Example: `ner tag --input lake --output tagged/ --workers 8`

    Example: `ner tag --names brands.tsv --never never.txt --again`
    """
    from ner.tagger.light import without_torch

    with without_torch():
        from ner.tagger.loading import load
        from ner.tagger.runtime import processors

    if engine not in ENGINES:
        raise NerError(f"unknown engine {engine!r}", remedy=f"one of {', '.join(ENGINES)}")
    if input and (article or again or retry_failed):
        raise NerError(
            "--article, --again and --retry-failed go with a store",
            remedy="without --input the store is tagged",
        )
    if engine == "ray" and article:
        raise NerError("--engine ray tags all that is left", remedy="leave out --article")
    is_lake = bool(input) and _is_lake(input, output, engine)
    if input and workers and not is_lake:
        raise NerError(
            "--workers goes with a store, or with folders", remedy="--threads speeds up --input"
        )
    threshold = thresholds(least)
    shared = 1 if engine == "ray" else max(1, processors() // workers) if workers else 0
    lists = {"names": names or None, "never": never or None}
    tagger = load(model, threshold=threshold, threads=threads or shared, **lists)
    if input and not is_lake:
        _tag_lines(input, output, tagger)
        return
    from ner.batch.ends import model_key
    from ner.batch.local import run
    from ner.batch.ray_engine import Actors
    from ner.batch.totals import Totals
    from ner.batch.workers import processes, this_process
    from ner.cli.watch import stopping, watch
    from ner.store.foreign import open_store

    copy = partial(load, tagger.folder, threshold=threshold, threads=threads or shared, **lists)
    kept = "files that are whole stay" if is_lake else "what was tagged is stored"
    kept += ", and the same command goes on"
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruption(kept))
        opened: AnyStore | None = None if is_lake else open_store(store)
        if opened is None:
            work = _work_on_folder(input, output, tagger)
            stack.callback(say_skipped, work.ends.skipped)
        else:
            stack.enter_context(opened)
            if again:
                opened.tag_again(model_key(tagger))
            if retry_failed:
                opened.retry_failed(model_key(tagger))
            work = _work_on_store(opened, store, model_key(tagger), article or [])
        totals = Totals(str(tagger), work.to_do)
        stop = stack.enter_context(stopping())
        if engine == "ray":
            steps = work.on_ray(Actors(copy, address, workers, stop.event))
        else:
            taggers = processes(copy, workers) if workers > 1 else this_process(tagger)
            steps = run(work.ends, work.ends, taggers, model=str(tagger), stop=stop.event)
        watch(steps, totals, Path(metrics) if metrics else None)
        failed_before = {} if opened else work.ends.failed_before
        _say_done(totals, opened, model_key(tagger), failed_before)
    if stop.number:
        say_error(f"interrupted; {kept}")
        raise typer.Exit(128 + stop.number)
    if totals.failed or failed_before:
        raise typer.Exit(1)


def _is_lake(input: str, output: str, engine: str) -> bool:
    """Whether a folder is to be tagged into a folder, a file for each.

    Raises:
        NerError: there is no such input, or Ray is to do what it cannot.
    """
    into_folder = output.endswith("/") or (output != "-" and Path(output).is_dir())
    if input != "-" and not Path(input).exists():
        raise NerError(
            "cannot be read: No such file or directory", where=input, remedy="check the path"
        )
    if engine == "ray" and (output == "-" or not Path(input).is_dir()):
        raise NerError(
            "--engine ray tags a store, or a folder into a folder",
            remedy="--input FOLDER --output FOLDER",
        )
    if into_folder and not Path(input).is_dir():
        raise NerError("is a folder", where=output, remedy="name a file, or a folder as --input")
    return into_folder or engine == "ray"


class _Work(NamedTuple):
    """What there is to do.

    Args:
        ends: where articles come from and spans go, for the engine of this machine.
        to_do: how many articles there are; None where that is not known.
        on_ray: the same on Ray, see `ner.batch.ray_engine`.
    """

    ends: Any
    to_do: int | None
    on_ray: "Callable[[Actors], Iterator[Progress]]"


def _work_on_store(store: "AnyStore", url: str, key: "ModelKey", ids: list[str]) -> _Work:
    from ner.batch.ends import StoreEnds
    from ner.batch.ray_engine import tag_store_on_ray, tag_table_on_ray
    from ner.store import Store
    from ner.store.foreign import ForeignEnds

    if isinstance(store, Store):
        to_do = len(ids) or store.count_untagged(key)
        return _Work(StoreEnds(store, key, ids), to_do, partial(tag_store_on_ray, store, url, key))
    ends = ForeignEnds(store, key, ids)
    return _Work(ends, len(ids) or None, partial(tag_table_on_ray, store, key))


def _work_on_folder(input: str, output: str, tagger: "Tagger") -> _Work:
    from ner.batch.folders import FolderEnds
    from ner.batch.ray_engine import tag_folder_on_ray
    from ner.batch.tagging import settings_key

    ends = FolderEnds(Path(input), Path(output), str(tagger), settings_key(tagger))
    return _Work(ends, None, partial(tag_folder_on_ray, ends))


def _tag_lines(input: str, output: str, tagger: "Tagger") -> None:
    from ner.batch.jsonl import tag_file
    from ner.batch.resume import partial_file, tag_to_file

    path, target = None if input == "-" else Path(input), Path(output)
    skipped = Counter[str]()
    with contextlib.ExitStack() as stack:
        stack.callback(say_skipped, skipped)
        if output == "-" or is_stream(target):
            sink = stack.enter_context(writing(output))
            lines = tag_file(tagger, path, skipped=skipped)
        else:
            partial = partial_file(tagger, path, target)
            goes_on = "; the same command goes on" if path and path.is_file() else ""
            stack.enter_context(interruption(f"what was tagged is in {partial}{goes_on}"))
            sink, lines = None, tag_to_file(tagger, path, target, skipped=skipped)
        failed = 0
        for line in progress(lines, "tagging"):
            if sink:
                sink.write(line.json)
                sink.flush()
            if line.error:
                failed += 1
                if not line.is_old:
                    say_error(str(line.error))
    if failed:
        raise typer.Exit(1)


def _say_done(
    totals: "Totals",
    store: "AnyStore | None",
    model: "ModelKey",
    failed_before: "Mapping[str, int]",
) -> None:
    """What was done, and what was left to others or left out."""
    from ner.store import MAX_TRIES, Store

    held = store.count_claimed(model) if isinstance(store, Store) else 0
    kept_out = store.count_tried_enough(model) if store else 0
    if totals.articles or totals.failed or held or kept_out:
        spans = count(totals.spans.total(), "span")
        say(f"{count(totals.articles, 'article')} tagged by {totals.model}, {spans}")
    elif failed_before:
        say("nothing new to tag")
    else:
        say(f"nothing left to tag: {totals.model} has tagged every article")
    if failed_before:
        _say_failed_before(failed_before)
    if held:
        say(f"{count(held, 'batch')} in the hands of other taggers")
    if kept_out:
        say(
            f"{count(kept_out, 'article')} tried {MAX_TRIES} times and left out: `ner show --failures`"
            " says why, --retry-failed tries again"
        )


def _say_failed_before(failed: "Mapping[str, int]") -> None:
    """What of a folder an earlier run could not tag, by file, and is as it was."""
    for name, number in list(failed.items())[:_LISTED]:
        say_error(f"{name}: {count(number, 'article')} could not be tagged")
    if len(failed) > _LISTED:
        say(f"and in {count(len(failed) - _LISTED, 'more file')}")
    say(
        f"{count(sum(failed.values()), 'article')} in {count(len(failed), 'file')} could not be tagged:"
        " _NAME.failed beside the file out says why; a file that is changed is tagged again"
    )
