"""Reading, tagging and writing side by side, and what becomes of a run that is disturbed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import PATIENCE, make_article, wait_until

from ner.article import Article
from ner.batch.ahead import ahead
from ner.batch.ends import StoreEnds, model_key
from ner.batch.local import run, tag_store
from ner.batch.workers import processes
from ner.store import Store
from ner.tagger.loading import Tagger, load


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The fast model: what is tested is not what it finds."""
    return load("news-fast")


def test_items_are_taken_ahead_but_no_further_than_asked() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with ahead(items(), 3) as waiting:
        assert next(waiting) == 0
        deadline = time.monotonic() + PATIENCE
        while len(taken) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        assert 4 <= len(taken) <= 5
    assert not [each for each in threading.enumerate() if each.name == "ahead"]


def test_an_error_of_the_source_is_raised_where_its_items_are_taken() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the disk is gone")

    with ahead(items(), 3) as waiting:
        assert next(waiting) == 1
        with pytest.raises(ValueError, match="the disk is gone"):
            next(waiting)


def load_poisoned(parent: int) -> Tagger:
    """A tagger that takes its whole process down at one article, as too little memory would."""
    tagger = load("news-fast")
    found = tagger.component.stream

    def stream(texts: Iterator[str]) -> object:
        texts = list(texts)
        if os.getpid() != parent and any("00150" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return found(texts)

    tagger.component.stream = stream  # type: ignore[method-assign, assignment]
    return tagger


@pytest.mark.slow
def test_an_article_that_kills_workers_costs_only_itself(tmp_path: Path, tagger: Tagger) -> None:
    articles = [make_article(number) for number in range(200)]
    key = model_key(tagger)
    with Store(f"sqlite:///{tmp_path}/articles.db", create=True) as store:
        list(store.add(articles))
        engine = processes(partial(load_poisoned, os.getpid()), 2)
        ends = StoreEnds(store, key)
        steps = run(ends, ends, engine, model=str(tagger))
        assert [step.id for step in steps if step.failure] == ["article-00150"]
        assert "died, twice" in store.failures()[0].why
        expected = dict(zip((a.id for a in articles), tagger.tag(a.text for a in articles)))
        expected["article-00150"] = []
        stored = {
            item.id: list(item.spans) for item in store.articles() if isinstance(item, Article)
        }
    assert stored == expected


def test_a_worker_imports_no_more_than_a_tagger_needs() -> None:
    """It takes as long as tagging a hundred articles, in every worker, before the first is tagged."""
    heavy = (
        "[name for name in ('spacy', 'torch', 'sqlalchemy') if name in __import__('sys').modules]"
    )
    with processes(partial(load, "news-fast", threads=1), 1) as workers:
        assert workers._pool.submit(eval, heavy).result() == ["spacy"]  # type: ignore[attr-defined]


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from ner.batch.workers import processes\n"
        "from ner.tagger.loading import load\n"
        "if __name__ == '__main__':\n"
        "    with processes(load, 1) as workers:\n"
        "        workers.submit(['南岸区']).result()\n"
        "        print(*workers._pool._processes, flush=True)\n"
        "        time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        os.kill(worker, signal.SIGTERM)  # systemd sends it to all: the parent says when to end
        os.kill(worker, 0)
        parent.kill()
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_what_is_being_tagged(
    store_url: str, tagger: Tagger, tmp_path: Path, number: signal.Signals
) -> None:
    key, metrics = model_key(tagger), tmp_path / "ner.prom"
    with Store(store_url, create=True) as store:
        list(store.add(make_article(number) for number in range(3000)))
        command = [
            sys.executable,
            "-m",
            "ner",
            "--log-format",
            "json",
            "tag",
            "--model",
            "news-fast",
        ]
        command += ["--store", store_url, "--metrics", str(metrics)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        wait_until(lambda: store.count_untagged(key) < 3000, process)
        process.send_signal(number)
        lines = [json.loads(line) for line in process.communicate(timeout=PATIENCE)[1].splitlines()]
        assert process.returncode == 128 + number
        tagged = 3000 - store.count_untagged(key)
        assert 0 < tagged < 3000
        [ended] = [line for line in lines if line["message"].startswith("ended")]
        assert (ended["articles"], ended["left"]) == (tagged, 3000 - tagged)
        assert any("the same command goes on" in line["message"] for line in lines)
        written = metrics.read_text()
        assert f'ner_tag_articles_tagged{{model="{tagger}"}} {tagged}\n' in written
        assert f'ner_tag_running{{model="{tagger}"}} 0\n' in written
        assert f'ner_tag_spans{{model="{tagger}",label="LOC"}} {ended["spans"]["LOC"]}\n' in written
        assert len(list(tag_store(store, tagger))) == 3000 - tagged
