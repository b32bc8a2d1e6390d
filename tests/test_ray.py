"""Tagging on several machines: a Ray cluster of several nodes on this one, some of which are killed."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import make_article
from typer.testing import CliRunner

from ner.article import Article
from ner.batch import ray_engine
from ner.batch.ends import model_key
from ner.batch.ray_engine import tag_store_on_ray
from ner.cli import app
from ner.store import Store
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
        steps = tag_store_on_ray(
            store,
            url,
            model_key(tagger),
            partial(load, tagger.folder, threads=1),
            address=cluster.address,  # type: ignore[attr-defined]
        )
        seen = [next(steps)]
        os.kill(_an_actor(), signal.SIGKILL)
        seen += [next(steps) for _ in range(100)]
        cluster.remove_node(second, allow_graceful=False)  # type: ignore[attr-defined]
        seen += steps
        assert not [step for step in seen if step.failure]
        stored = [item for item in store.articles() if isinstance(item, Article)]
        [run] = store.runs()
    expected = list(tagger.tag(article.text for article in articles))
    assert [(item.id, list(item.spans)) for item in stored] == [
        (article.id, spans) for article, spans in zip(articles, expected, strict=True)
    ]
    scores = [[span.score for span in item.spans] for item in stored]
    assert scores == [[span.score for span in spans] for spans in expected]  # bit for bit
    assert (run.articles, run.failed) == (700, 0) and run.finished_at


def _an_actor() -> int:
    """The process of one of the actors that tag."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and b"MapWorker" in (process / "cmdline").read_bytes():
            return int(process.name)
    raise AssertionError("no actor runs")


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
    assert result.exit_code == 1 and "leave out --input and --article" in result.output
    result = CliRunner().invoke(app, ["tag", "--engine", "spark"])
    assert result.exit_code == 1 and "one of local, ray" in result.output
