"""A run that is killed again and again, and what it leaves, beside that of an undisturbed one.

python -m benchmarks kills sqlite:////tmp/killed.db --kills 200
"""

import os
import random
import signal
import time
from dataclasses import dataclass

from benchmarks.store import generate
from ner.article import Article
from ner.batch.ends import model_key
from ner.batch.local import tag_store
from ner.store import Store
from ner.tagger.loading import Tagger

Row = tuple[str, str, tuple[tuple[int, int, str, float], ...]]
"""An article's id, the hash of its text, and its spans with their scores."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it.

    Args:
        kills: processes ended by SIGKILL while they tagged.
        rounds: how often all of the store was tagged.
        lost: articles without the spans that they should have.
        wrong: articles with others.
        claims: left open.
        quarantined: articles left there.
        miscounted: articles that the figures of the runs have too many or too few.
    """

    kills: int
    rounds: int
    lost: int
    wrong: int
    claims: int
    quarantined: int
    miscounted: int


def kill_often(url: str, tagger: Tagger, *, kills: int, articles: int, seed: int = 1) -> Killed:
    """Fill a new store, kill its taggers at random moments, let the last one finish, and compare.

    The longest wait before a kill is a quarter of what tagging all takes undisturbed.
    """
    rng, key = random.Random(seed), model_key(tagger)
    done, rounds = 0, 1
    with Store(url, create=True) as store:
        items = list(generate(articles))
        list(store.add(items))
        begun = time.monotonic()
        expected = _undisturbed(items, tagger)
        longest = (time.monotonic() - begun) / 4
        while done < kills:
            if _kill_one(url, tagger, rng.uniform(0, longest)):
                done += 1
            elif not store.count_untagged(key):
                rounds += 1
                store.tag_again(key)
            else:  # all that is left was killed too often, where each was tried alone
                store.retry_failed(key)
        store.retry_failed(key)
        while any(not step.failure for step in tag_store(store, tagger)):
            store.retry_failed(key)
        found = _rows(store)
        lost = sum(not spans and bool(expected[id][1]) for id, _, spans in found)
        wrong = sum(expected[id] != (hash, spans) for id, hash, spans in found)
        assert len(found) == articles
        counted = sum(run.articles for run in store.runs())
        return Killed(
            done,
            rounds,
            lost,
            wrong,
            store.count_claimed(key),
            len(store.quarantined(key)),
            abs(counted - rounds * articles),
        )


def _undisturbed(items: list[Article], tagger: Tagger) -> dict[str, tuple[str, object]]:
    found = tagger.tag(item.text for item in items)
    return {item.id: (item.text_hash, _spans(spans)) for item, spans in zip(items, found)}


def _rows(store: Store) -> list[Row]:
    """All that the store says of articles and spans; the span of one that is damaged is a failure here."""
    found = []
    for item in store.articles():
        assert isinstance(item, Article), item
        found.append((item.id, item.text_hash, _spans(item.spans)))
    return found


def _spans(spans: object) -> tuple[tuple[int, int, str, float], ...]:
    each = (span for span in spans)  # type: ignore[attr-defined]
    return tuple((span.start, span.end, span.label, span.score) for span in each)


def _kill_one(url: str, tagger: Tagger, seconds: float) -> bool:
    """Tag in a process of its own, killed after a while; False where it was done before."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            with Store(url) as store:
                os.write(write, b"!")
                list(tag_store(store, tagger))
        finally:
            os._exit(0)
    os.read(read, 1)
    os.close(read)
    os.close(write)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
