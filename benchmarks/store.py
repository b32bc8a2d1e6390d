"""How long a store of many articles takes to fill, to open, to find what is left, and to look around in.

python -m benchmarks store sqlite:////tmp/big.db --articles 200000
"""

import datetime
import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ner.article import Article, Span
from ner.store import ModelKey, Store

MODEL = ModelKey("generated", "1.0", "0" * 64)
PAPERS = [f"江州{kind}报" for kind in ("日", "晚", "都市", "青年", "法治", "农村", "经济", "教育")]
_SYLLABLES = "江南北川渝云山海安平新和兴永长文大东西华春明光金龙石桥林田家口坪坝溪渡湾岭城关"
_LABELS = ("LOC", "PER", "ORG", "BRAND")
NAMES = 30_000  # different ones; how often each occurs falls off as in a language (Zipf)
BODIES = 2_000  # different ones
BATCH = 200  # articles in a transaction


def generate(count: int, *, seed: int = 1) -> Iterator[Article]:
    """Articles of the lengths of newspapers' (a third under 300 code points, a few over 5,000), with names.

    About one name in forty code points; the dates are those of some years. Bodies repeat, titles do not.
    """
    rng = random.Random(seed)
    bodies = _bodies(rng)
    first = datetime.date(2020, 1, 1)
    for number in range(count):
        body, spans = rng.choice(bodies)
        title = f"第{number:08d}篇"
        yield Article(
            f"generated-{number:08d}",
            f"{title}\n{body}",
            title,
            len(title) + 1,
            rng.choice(PAPERS),
            first + datetime.timedelta(days=number * 2000 // count),
            f"{rng.randint(1, 16):03d}",
            spans=spans,
        )


def _bodies(rng: random.Random) -> list[tuple[str, tuple[Span, ...]]]:
    """Texts with names, and where these are behind a title of 10 code points and a newline."""
    names = [
        "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3, 3, 4, 6)))) for _ in range(NAMES)
    ]
    labels = [rng.choices(_LABELS, (4, 3, 3, 1))[0] for _ in names]
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(NAMES)))
    filler = "".join(rng.choices("的一是在不了有这为上来到时地们以就他", k=50_000))
    found = []
    for _ in range(BODIES):
        length = min(int(rng.lognormvariate(6.2, 0.9)) + 40, 20_000)
        at = 11
        parts: list[str] = []
        spans: list[Span] = []
        for chosen in rng.choices(range(NAMES), cum_weights=weights, k=length // 40):
            begin = rng.randrange(len(filler) - 40)
            parts += (filler[begin : begin + 37], names[chosen])
            at += 37
            spans.append(Span(at, at + len(names[chosen]), labels[chosen], round(rng.random(), 3)))
            at += len(names[chosen])
        found.append(("".join(parts) + "。", tuple(spans)))
    return found


def timed(what: str, work: Callable[[], object]) -> None:
    """Print how long something takes, and how much of that this process computed."""
    begun, computed = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - begun, time.process_time() - computed
    shown = f"{found:,}" if isinstance(found, int) else ""
    print(f"| {what} | {shown} | {wall:,.3f} | {cpu:,.3f} |", flush=True)


def fill(url: str, count: int) -> int:
    """Add articles and their spans as an ingest and a tagger do; how many spans."""
    spans = 0
    batch: list[Article] = []

    def write() -> None:
        list(store.add(batch))
        store.write_results(run, batch)
        batch.clear()

    with Store(url, create=True) as store:
        [*_] = store.add([Article("first", "第一篇")])
        run = store.start_run(MODEL)
        for article in generate(count):
            spans += len(article.spans)
            batch.append(article)
            if len(batch) == BATCH:
                write()
        write()
    return spans


def begin(url: str, count: int) -> None:
    """Print the head of the table; fill the store, if it is not there yet, as its first row."""
    print("| what | found | seconds | of these computing |\n|---|---|---|---|")
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and path.exists():
        print(f"{path} is there already")
    else:
        timed(f"fill with {count:,} articles and their spans", lambda: fill(url, count))


def measure(url: str, count: int) -> None:
    """Fill a store if it is not there yet, then print a table of what takes how long."""
    begin(url, count)
    timed("open", lambda: Store(url).close())
    with Store(url) as store:
        run = store.start_run(MODEL)
        timed("find the first time that nothing is left", lambda: store.claim(run))
        timed("find that nothing is left", lambda: store.claim(run))
        list(
            store.add(generate(count + 100_000))
            if count < 0
            else store.add([Article(f"new-{time.time_ns()}", "新的一篇")])
        )
        timed("find one new article among them", lambda: len(store.claim(run).articles))  # type: ignore[union-attr]
        timed("count what is left", lambda: store.count_untagged(MODEL))
        timed("first page", lambda: len(store.page().articles))
        middle = '["2022-09-27", "江州晚报", 1]'
        timed("a page in the middle", lambda: len(store.page(after=middle).articles))
        timed("first page of a paper", lambda: len(store.page(paper=PAPERS[3]).articles))
        timed(
            "first page with a brand", lambda: len(store.page(label="BRAND", model=MODEL).articles)
        )
        frequent, rare = (
            found[0].text for found in (store.names(limit=1), store.names("坪坝", limit=1))
        )
        timed("first page with a name", lambda: len(store.page(name=rare, model=MODEL).articles))
        timed("articles with that name", lambda: store.count(name=rare, model=MODEL))
        timed("articles with another name", lambda: store.count(name=frequent, model=MODEL))
        timed("names that begin with two characters", lambda: len(store.names("江南", model=MODEL)))
        for string in ("坪坝", "坪坝江", "第00050000篇", "这上来"):
            timed(f"texts that hold {string}", lambda s=string: store.count(text=s))  # type: ignore[misc]
            timed(f"first page of {string}", lambda s=string: len(store.page(text=s).articles))  # type: ignore[misc]
        for by in ("label", "model", "paper", "month"):
            timed(f"counts by {by}", lambda by=by: len(store.counts(by, model=MODEL)))  # type: ignore[misc]
        info = store.info()
        print(f"{info.size / 1e9:.2f} GB, {info.articles:,} articles")
