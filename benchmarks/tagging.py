"""A store tagged from end to end: how fast beside the tagger alone, and how much memory, as it goes on.

python -m benchmarks tagging sqlite:////tmp/tagged.db --articles 100000 --characters 60
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from benchmarks.processes import computed
from benchmarks.store import generate
from ner.article import Article, batches
from ner.batch.local import tag_store
from ner.batch.tagging import BATCH, BATCH_CHARACTERS
from ner.store import Store
from ner.tagger.loading import Tagger

SAMPLE = 500  # articles from one sample to the next
ALONE = 1500  # articles that the tagger tags alone, for comparison


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a run was.

    Args:
        seconds: since it began.
        computed: seconds of processor time of this process since then.
        server: those of PostgreSQL servers on this machine.
        memory: bytes in use (RSS).
    """

    articles: int
    characters: int
    seconds: float
    computed: float
    server: float
    memory: int


def fill(url: str, count: int, characters: int) -> None:
    """A store of generated articles, each cut to so many code points; all if 0."""
    with Store(url, create=True) as store:
        for _ in store.add(_cut(generate(count), characters)):
            pass


def _cut(items: Iterator[Article], characters: int) -> Iterator[Article]:
    for item in items:
        text = item.text[: characters or None]
        yield Article(item.id, text, item.title, item.body_start, item.paper, item.date, item.page)


def alone(store: Store, tagger: Tagger) -> tuple[float, float]:
    """What the tagger itself tags in batches of a run: code points a second, and of processor time."""
    texts = [item.text for item in store.articles(limit=ALONE) if isinstance(item, Article)]
    list(tagger.tag(texts[:BATCH]))
    begun, computed = time.perf_counter(), time.process_time()
    for batch in batches(
        [Article(str(n), t) for n, t in enumerate(texts)], BATCH, BATCH_CHARACTERS
    ):
        list(tagger.tag([item.text for item in batch]))
    total = sum(map(len, texts))
    return (
        total / (time.perf_counter() - begun),
        total / (time.process_time() - computed),
    )


def run(store: Store, tagger: Tagger, seconds: float) -> Iterator[Sample]:
    """Tag a store; a sample now and then, one more at the end. Ended after so many seconds."""
    begun, computed, served = time.perf_counter(), time.process_time(), _server()
    done = characters = 0

    def sample() -> Sample:
        now, cpu = time.perf_counter() - begun, time.process_time() - computed
        return Sample(done, characters, now, cpu, _server() - served, _memory())

    for step in tag_store(store, tagger):
        done, characters = done + 1, characters + step.characters
        if done % SAMPLE == 0:
            yield (last := sample())
            if last.seconds > seconds:
                return
    if done % SAMPLE:
        yield sample()


def _server() -> float:
    """Seconds that PostgreSQL has computed."""
    seconds = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            each = computed(int(path.name))
            seconds += each.seconds + each.ended if each.name == "postgres" else 0
    return seconds


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure(
    url: str, tagger: Tagger, count: int, characters: int, seconds: float, plot: Path | None
) -> None:
    """Fill a store, tag it, and print what that took."""
    fill(url, count, characters)
    with Store(url) as store:
        wall, cpu = alone(store, tagger)
        samples = list(run(store, tagger, seconds))
    last = samples[-1]
    print(f"{tagger}, {last.articles:,} articles, {last.characters:,} code points")
    print("| code points a second | tagger alone | store to store | share |\n|---|---|---|---|")
    for what, one, other in (
        ("waited for", wall, last.characters / last.seconds),
        ("of processor time", cpu, last.characters / last.computed),
    ):
        print(f"| {what} | {one:,.0f} | {other:,.0f} | {100 * other / one:.0f} % |")
    if url.startswith("postgresql") and last.server:
        print(
            f"the database's server computed {1000 * last.server / last.articles:.2f} ms an article: "
            f"a core of it for {last.computed / last.server:.0f} of the tagger"
        )
    for some in (1000, 5000, 100_000):
        for each in islice((s for s in samples if s.articles >= some), 1):
            print(f"memory after {each.articles:,} articles: {each.memory / 1e6:.0f} MB")
    print(f"memory at the end, most: {max(s.memory for s in samples) / 1e6:.0f} MB")
    if plot:
        _draw(samples, plot)


def _draw(samples: list[Sample], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (speed, memory) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 5))
    done = [each.articles for each in samples[1:]]
    steps = list(pairwise(samples))
    for name, label in (("computed", "of processor time"), ("seconds", "waited for")):
        rates = [
            (new.characters - old.characters) / (getattr(new, name) - getattr(old, name))
            for old, new in steps
        ]
        speed.plot(done, rates, label=label)
    speed.set_ylabel("code points a second")
    speed.set_ylim(bottom=0)
    speed.legend()
    memory.plot(done, [each.memory / 1e6 for each in samples[1:]], color="black")
    memory.set_ylabel("memory, MB")
    memory.set_ylim(0, 1.2 * max(each.memory for each in samples) / 1e6)
    memory.set_xlabel("articles tagged")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
