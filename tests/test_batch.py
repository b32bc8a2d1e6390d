"""Tagging a store: nothing lost, nothing twice, whatever happens."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import make_article

from ner.article import Article, Span
from ner.batch.local import model_key, run
from ner.store import Store
from ner.store.schema import runs, spans
from ner.tagger.loading import Tagger


def test_a_run_tags_what_is_left_and_says_so(store: Store, tagger: Tagger) -> None:
    list(store.add(make_article(number) for number in range(5)))
    steps = list(run(store, tagger, ids=["article-00003"]))
    assert [step.id for step in steps] == ["article-00003"]
    assert [step.id for step in run(store, tagger)] == [f"article-{n:05d}" for n in (0, 1, 2, 4)]
    assert list(run(store, tagger)) == []
    for article in store.articles():
        assert isinstance(article, Article)
        assert Span(8, 11, "LOC") in [Span(s.start, s.end, s.label) for s in article.spans]


def test_runs_with_nothing_to_do_leave_no_trace(store: Store, tagger: Tagger) -> None:
    list(store.add([make_article(1)]))
    for _ in range(3):
        list(run(store, tagger))
    with store._engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(runs)) == 1


class Poisoned:
    """The shipped tagger's component, but one article makes it fail, as a bug would."""

    def __init__(self, component: object) -> None:
        self.component = component

    def stream(self, texts: Iterable[str]) -> object:
        texts = list(texts)
        if any("00002" in text for text in texts):
            raise RuntimeError("no memory")
        return self.component.stream(texts)  # type: ignore[attr-defined]


def test_an_article_that_cannot_be_tagged_is_set_aside_and_the_rest_goes_on(store: Store) -> None:
    from ner.tagger.loading import load

    tagger = load()
    tagger.component = Poisoned(tagger.component)  # type: ignore[assignment]
    list(store.add(make_article(number) for number in range(5)))
    failed = [step.id for step in run(store, tagger) if step.failure]
    assert failed == ["article-00002"]
    assert [article.id for article in store.untagged(model_key(tagger))] == failed
    assert "no memory" in store.failures()[0].why


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost_and_nothing_is_twice(
    store_url: str, tagger: Tagger, tmp_path: Path
) -> None:
    articles = [make_article(number) for number in range(1500)]
    with Store(store_url, create=True) as store:
        list(store.add(articles))
    command = [sys.executable, "-m", "ner", "tag", "--store", store_url]
    kills = 0
    rng = random.Random(1)
    for _ in range(10):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        with Store(store_url) as store:
            before = store.count(untagged_by=model_key(tagger))
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                if store.count(untagged_by=model_key(tagger)) < before:
                    break  # it is at work: now
                time.sleep(0.01)
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        if kills >= 4:
            break
    assert kills >= 1, "never killed while at work"
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    expected = list(tagger.tag(article.text for article in articles))
    with Store(store_url) as store:
        stored = [item for item in store.articles() if isinstance(item, Article)]
        assert [item.id for item in stored] == [article.id for article in articles]
        assert [list(item.spans) for item in stored] == expected
        with store._engine.connect() as connection:
            rows = connection.scalar(sa.select(sa.func.count()).select_from(spans))
    assert rows == sum(map(len, expected))
