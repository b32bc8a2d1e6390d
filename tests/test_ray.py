"""Tagging on several machines: a Ray cluster of several nodes on this one, some of which are killed."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cms import config, execute, make_cms, tables
from conftest import make_article
from poison import load_poisoned
from typer.testing import CliRunner

from ner.article import Article
from ner.batch import ray_engine
from ner.batch.ends import model_key
from ner.batch.folders import FolderEnds
from ner.batch.local import run
from ner.batch.ray_engine import Actors, tag_folder_on_ray, tag_store_on_ray, tag_table_on_ray
from ner.batch.tagging import settings_key
from ner.batch.workers import this_process
from ner.cli import app
from ner.errors import NerError
from ner.formats.save import save
from ner.store import Store
from ner.store.foreign import ForeignEnds, ForeignStore
from ner.tagger.loading import Tagger, load

pytestmark = [
    pytest.mark.slow,
    # Ray's own: sockets and files that it leaves to the collector, calls that are about to go.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The fast model: what is tested is not what it finds."""
    return load("news-fast")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Two nodes with a core each."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    paths = filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))  # where actors find `poison`
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # where the machine is busy
    from ray.cluster_utils import Cluster

    each = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=each)
    yield started
    started.shutdown()


def test_a_killed_actor_and_a_killed_node_cost_nothing(
    cluster: object, tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "CLAIMS_IN_TURN", 1)  # many turns
    each = {"num_cpus": 1, "object_store_memory": 100_000_000}
    second = cluster.add_node(**each)  # type: ignore[attr-defined]
    articles = [make_article(number) for number in range(700)]
    url = f"sqlite:///{tmp_path}/articles.db"
    with Store(url, create=True) as store:
        list(store.add(articles))
        actors = Actors(partial(load, tagger.folder, threads=1), cluster.address)  # type: ignore[attr-defined]
        steps = tag_store_on_ray(store, url, model_key(tagger), actors)
        seen = [next(steps)]
        os.kill(_an_actor(), signal.SIGKILL)
        seen += [next(steps) for _ in range(100)]
        cluster.remove_node(second, allow_graceful=False)  # type: ignore[attr-defined]
        seen += steps
        assert not [step for step in seen if step.failure]
        stored = [item for item in store.articles() if isinstance(item, Article)]
        [done] = store.runs()
    expected = list(tagger.tag(article.text for article in articles))
    assert [(item.id, list(item.spans)) for item in stored] == [
        (article.id, spans) for article, spans in zip(articles, expected, strict=True)
    ]
    scores = [[span.score for span in item.spans] for item in stored]
    assert scores == [[span.score for span in spans] for spans in expected]  # bit for bit
    assert (done.articles, done.failed) == (700, 0) and done.finished_at


def _an_actor() -> int:
    """The process of one of the actors that tag."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and b"MapWorker" in (process / "cmdline").read_bytes():
            return int(process.name)
    raise AssertionError("no actor runs")


def test_a_folder_is_tagged_as_this_machine_tags_it(
    cluster: object, tmp_path: Path, tagger: Tagger
) -> None:
    """Byte for byte, though an actor is killed: JSONL and Parquet, a file at a time."""
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    lake = tmp_path / "lake"
    for number in range(12):
        day = lake / f"date=2025-03-{number + 1:02d}"
        day.mkdir(parents=True)
        form = "parquet" if number % 2 else "jsonl"
        some = map(make_article, range(40 * number, 40 * number + 40))
        save(form, some, day / f"a.{form}")
    here, there = (
        FolderEnds(lake, tmp_path / name, str(tagger), settings_key(tagger)) for name in "ab"
    )
    expected = list(run(here, here, this_process(tagger), model=str(tagger)))
    actors = Actors(partial(load, tagger.folder, threads=1), cluster.address)  # type: ignore[attr-defined]
    steps = tag_folder_on_ray(there, actors)
    seen = [next(steps)]
    os.kill(_an_actor(), signal.SIGKILL)
    seen += steps
    assert sorted(step.id for step in seen) == sorted(step.id for step in expected)
    assert contents(tmp_path / "b") == contents(tmp_path / "a") and len(contents(here.output)) == 13
    nothing_left = tag_folder_on_ray(there, Actors(lambda: tagger))
    assert list(nothing_left) == []  # no cluster starts


def test_a_text_that_kills_its_process_costs_only_itself(
    cluster: object, tmp_path: Path, tagger: Tagger
) -> None:
    """Not its file, and not one process after the other for ever."""
    lake = tmp_path / "lake"
    lake.mkdir()
    save("jsonl", map(make_article, range(40)), lake / "a.jsonl")
    ends = FolderEnds(lake, tmp_path / "out", str(tagger), settings_key(tagger))
    actors = Actors(partial(load_poisoned, tagger.folder), cluster.address)  # type: ignore[attr-defined]
    steps = tag_folder_on_ray(ends, actors)
    failed = [step for step in steps if step.failure]
    assert [step.id for step in failed] == ["article-00013"]
    assert "the process that tagged it died, twice" in str(failed[0].failure)
    assert len((ends.output / "a.jsonl").read_text().splitlines()) == 39
    assert "died, twice" in (ends.output / "_a.jsonl.failed").read_text()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_table_of_others_is_tagged_as_this_machine_tags_it(
    cluster: object, tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an actor is killed."""
    monkeypatch.setattr(ray_engine, "ROWS_IN_TURN", 50)
    url = f"sqlite:///{tmp_path}/cms.db"
    make_cms(url, 700)
    with ForeignStore.open(config(tmp_path, url)) as store:
        key = model_key(tagger)
        ends = ForeignEnds(store, key)
        list(run(ends, ends, this_process(tagger), model=str(tagger)))
        expected = execute(url, FOUND)
        assert len(expected) > 1000
        for table in ("spans", "tagged", "runs", "run_spans"):
            execute(url, f"DELETE FROM ner_{table}")
        actors = Actors(partial(load, tagger.folder, threads=1), cluster.address)  # type: ignore[attr-defined]
        steps = tag_table_on_ray(store, key, actors)
        seen = [next(steps)]
        os.kill(_an_actor(), signal.SIGKILL)
        seen += steps
        assert len({step.id for step in seen}) == 701 and not [s for s in seen if s.failure]
        assert execute(url, FOUND) == expected  # scores too: bit for bit
        [run_of_all] = store.runs()
        assert run_of_all.finished_at and run_of_all.articles == 701
        nothing_left = tag_table_on_ray(store, key, Actors(actors.load))
        assert list(nothing_left) == [] and len(store.runs()) == 1  # no cluster starts


def test_a_table_that_cannot_be_tagged_is_left_without_ours(
    cluster: object, tmp_path: Path, tagger: Tagger
) -> None:
    """What is wrong with it is met on another machine, where our tables had to be made already."""
    url = f"sqlite:///{tmp_path}/cms.db"
    make_cms(url)
    with ForeignStore.open(config(tmp_path, url)) as store:
        actors = Actors(partial(load, tmp_path / "gone"), cluster.address)  # type: ignore[attr-defined]
        with pytest.raises(NerError, match="processes that tag cannot be started|Ray: "):
            list(tag_table_on_ray(store, model_key(tagger), actors))
        assert tables(url) == {"cms_article"}


FOUND = (
    "SELECT article, field, start_char, end_char, label, name, score FROM ner_spans"
    " ORDER BY 1, 2, 3, 4, 5"
)


def test_what_ray_cannot_do_is_said(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/articles.db", create=True) as store:
        list(store.add([make_article(1)]))
    command = [
        "tag",
        "--engine",
        "ray",
        "--model",
        "news-fast",
        "--store",
        f"sqlite:///{tmp_path}/articles.db",
    ]
    result = CliRunner().invoke(app, [*command, "--article", "article-00001"])
    assert result.exit_code == 1 and "leave out --article" in result.output
    result = CliRunner().invoke(app, ["tag", "--engine", "spark"])
    assert result.exit_code == 1 and "one of local, ray" in result.output
