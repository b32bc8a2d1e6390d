"""How long the register of a store takes to build, and to bring up to date with a few articles.

python -m benchmarks register sqlite:////tmp/register.db --articles 100000
"""

import time

from benchmarks.store import MODEL, begin, generate, timed
from ner.article import Article
from ner.brands import Reader, rows, update
from ner.places import Linker, shipped
from ner.store import Store

NEW = 100  # articles


def measure(url: str, count: int) -> None:
    """Fill a store if it is not there yet, then print a table of what takes how long."""
    begin(url, count)
    reader = Reader(Linker(shipped()))
    with Store(url) as store:

        def bring_up_to_date() -> int:
            *_, (done, _) = [(0, 0), *update(store, reader)]
            return done

        timed("build the register", lambda: _build(store, reader))
        timed("find that nothing changed", bring_up_to_date)
        _tag(store, [article for article in generate(NEW, seed=int(time.time()))])
        timed(f"bring it up to date with {NEW} new articles", bring_up_to_date)
        for kind in ("brand", "organisation"):
            timed(f"first page of {kind}s", lambda kind=kind: len(store.entries(kind, limit=50)))  # type: ignore[misc]
        timed("rising brands", lambda: len(store.entries("brand", trend="rising", limit=50)))
        [entry] = store.entries("brand", limit=1)
        timed(
            "all of the most frequent brand", lambda: len(list(rows(store, reader.linker, [entry])))
        )
        timed("its months and papers", lambda: len(store.months_and_papers("brand", entry.key)))
        timed("its neighbours", lambda: len(store.neighbours("brand", entry.key, "brand")))
        print(f"{store.info().size / 1e9:.2f} GB")


def _build(store: Store, reader: Reader) -> int:
    """Bring the register up to date, with a row a tenth of the articles; how many entries."""
    begun, computed = time.perf_counter(), time.process_time()
    tenths, last, entries = 0, 0, 0
    for done, total in update(store, reader):
        if done < last:  # from now on keys
            tenths = 10
        if tenths < 10 and done * 10 // total > tenths:
            tenths = done * 10 // total
            seconds = time.perf_counter() - begun, time.process_time() - computed
            print(f"| … up to | {done:,} | {seconds[0]:,.3f} | {seconds[1]:,.3f} |", flush=True)
        last, entries = done, total
    return entries


def _tag(store: Store, articles: list[Article]) -> None:
    stamp = time.time_ns()
    new = [
        Article(
            f"new-{stamp}-{number}",
            one.text,
            one.title,
            one.body_start,
            one.paper,
            one.date,
            spans=one.spans,
        )
        for number, one in enumerate(articles)
    ]
    list(store.add(new))
    store.write_results(store.start_run(MODEL), new)
