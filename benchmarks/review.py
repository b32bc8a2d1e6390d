"""How quickly the viewer answers many reviewers at once, over HTTP, on a store of many articles.

python -m benchmarks review sqlite:////tmp/review.db --articles 20000

Each reviewer is logged in, takes articles of one queue, decides on names one by one, and finishes the
article, with a pause between. Server and reviewers are processes of their own on this machine, the server
on a core of its own. Before that every page is asked for once.
"""

import http.client
import json
import multiprocessing
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Barrier, Thread
from typing import Any
from urllib.parse import quote

from benchmarks import store as stores
from benchmarks.processes import computed
from ner.review.access import hash_password
from ner.store import Account, Name, ReviewStore

KINDS = ("next", "article", "decision")
PASSWORD = "benchmark-password"
DECISIONS = 5  # on single names, before an article is finished
ALONE = 200  # requests of each kind by which the server's computing is measured
QUEUE = 5_000  # articles

Times = dict[str, list[float]]


class Client:
    """One reviewer's browser: a connection that stays open, and a session."""

    def __init__(self, port: int, name: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        self.times: Times = defaultdict(list)
        self._send("POST", "/api/login", {"name": name, "password": PASSWORD})
        self._headers["x-csrf-token"] = self._send("GET", "/api/me")["csrf"]

    def timed(self, kind: str, method: str, path: str, body: object = None) -> Any:
        """The answer; notes how long it took, in seconds."""
        begun = time.perf_counter()
        answer = self._send(method, path, body)
        self.times[kind].append(time.perf_counter() - begun)
        return answer

    def seconds(self, method: str, path: str, body: object = None) -> float:
        """How long an answer of any kind takes."""
        begun = time.perf_counter()
        self.send(method, path, body)
        return time.perf_counter() - begun

    def _send(self, method: str, path: str, body: object = None) -> Any:
        return json.loads(self.send(method, path, body))

    def send(self, method: str, path: str, body: object = None) -> bytes:
        """The body of an answer."""
        data = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, data, self._headers)
            answer = self._connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            self._connection.close()  # idle for long, so that the server closed it: as a browser does
            self._connection.request(method, path, data, self._headers)
            answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        if cookie := answer.getheader("set-cookie"):
            self._headers["cookie"] = cookie.partition(";")[0]
        return text

    def next(self, queue: int, after: str) -> str | None:
        found = self.timed("next", "POST", "/api/next", {"queue": queue, "after": after})["id"]
        return str(found) if found else None

    def article(self, id: str) -> Any:
        return self.timed("article", "GET", f"/api/article?id={quote(id)}")

    def act(self, article: Any, changes: list[Any], *, finish: bool = False) -> Any:
        body = {
            "id": f"{random.getrandbits(128):032x}",
            "article": article["id"],
            "text_hash": article["text_hash"],
            "seen": article["seen"],
            "changes": changes,
            "finish": finish,
        }
        return self.timed("decision", "POST", "/api/act", body)


def prepare(url: str, articles: int, reviewers: int) -> int:
    """A filled store with accounts and a queue that nobody has worked on; the queue's number."""
    if not (url.startswith("sqlite") and Path(url.removeprefix("sqlite:///")).exists()):
        stores.timed(f"fill with {articles:,} articles", lambda: stores.fill(url, articles))
    with ReviewStore(url) as store:
        password = hash_password(PASSWORD)
        for number in range(reviewers):
            store.put_account(Account(f"reviewer-{number}", "reviewer", password))
        store.put_account(Account("chief", "admin", password))
        drawn: list[int] = []
        seed = int(time.time())
        options = {"size": min(QUEUE, articles), "seed": seed, "made_by": "benchmark"}
        stores.timed(
            f"draw a random sample of {options['size']:,}",
            lambda: drawn.append(store.make_queue("load", "random", {}, **options)),  # type: ignore[arg-type]
        )
        return drawn[0]


@contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """A viewer's port and process."""
    command = [sys.executable, "-m", "ner", "review", "--store", url, "--no-open", "--login"]
    server = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr
        line = server.stderr.readline()
        os.sched_setaffinity(server.pid, _cores()[:1])
        address = re.match(r"http://127.0.0.1:(\d+)/", line)
        if not address:
            raise RuntimeError(line + server.stderr.read())
        yield int(address[1]), server.pid
    finally:
        server.terminate()
        server.wait(120)


def _cores() -> list[int]:
    """The server has the first of these for itself, the reviewers the others."""
    return sorted(os.sched_getaffinity(0))


def work(client: Client, queue: int, seconds: float, pause: float) -> None:
    """Review articles as a person does, for so long."""
    end = time.monotonic() + seconds
    rng = random.Random()
    id = client.next(queue, "")
    while id and time.monotonic() < end:
        article = client.article(id)
        spans = [{key: span[key] for key in ("start", "end", "label")} for span in article["spans"]]
        for span in spans[:DECISIONS]:
            time.sleep(rng.uniform(0, 2 * pause))
            article |= client.act(article, [{**span, "verdict": rng.choice(("right", "wrong"))}])
        rest = [{**span, "verdict": "right"} for span in spans[DECISIONS:]]
        client.act(article, rest, finish=True)
        id = client.next(queue, id)


def _reviewers(
    port: int, queue: int, names: list[str], seconds: float, pause: float, told: Any
) -> None:
    """A process of reviewers, each in a thread; puts what they measured into a queue."""
    os.sched_setaffinity(0, _cores()[1:] or _cores())
    measured: Queue[Times | str] = Queue()
    all_here = Barrier(len(names))  # checking a password takes the server as long as many requests

    def one(name: str) -> None:
        try:
            client = Client(port, name)
            all_here.wait(120)
            time.sleep(random.uniform(0, 2 * pause))
            work(client, queue, seconds, pause)
            measured.put(dict(client.times))
        except Exception as error:
            measured.put(f"{name}: {error}")

    threads = [Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put([measured.get() for _ in names])


def together(port: int, queue: int, reviewers: int, seconds: float, pause: float) -> Times:
    """What so many reviewers at once waited.

    Raises:
        RuntimeError: one of them was refused.
    """
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    names = [f"reviewer-{number}" for number in range(reviewers)]
    process = context.Process(target=_reviewers, args=(port, queue, names, seconds, pause, told))
    process.start()
    found: list[Times | str] = told.get(timeout=seconds + 300)
    process.join()
    times: Times = defaultdict(list)
    for each in found:
        if isinstance(each, str):
            raise RuntimeError(each)
        for kind, values in each.items():
            times[kind] += values
    return times


def computing(port: int, pid: int, queue: int) -> dict[str, float]:
    """Milliseconds that the server computes for a request of each kind, one at a time."""
    client = Client(port, "reviewer-0")
    ids = [client.next(queue, "") or ""]
    found = {}
    begun = computed(pid).seconds
    for _ in range(ALONE):
        ids.append(client.next(queue, ids[-1]) or "")
    found["next"] = computed(pid).seconds - begun
    begun = computed(pid).seconds
    articles = [client.article(id) for id in ids[:ALONE]]
    found["article"] = computed(pid).seconds - begun
    begun = computed(pid).seconds
    for article in articles:
        span = {key: article["spans"][0][key] for key in ("start", "end", "label")}
        client.act(article, [{**span, "verdict": "right"}])
    found["decision"] = computed(pid).seconds - begun
    return {kind: 1000 * seconds / ALONE for kind, seconds in found.items()}


def each_page(port: int, names: list[Name], models: list[str]) -> list[str]:
    """How long each page takes, and making each kind of queue, asked for once by one person.

    Args:
        names: some of the store's, of which the most frequent and the rarest are asked for.
        models: names of the models that have tagged the store.
    """
    client = Client(port, "chief")
    paths = {"first page": "/", "queues": "/queues", "figures": "/figures", "improve": "/improve"}
    rarest, *_, most = sorted(names, key=lambda name: name.spans)
    for name in (most, rarest):
        paths[f"a name that is marked {name.spans:,} times"] = f"/names?name={quote(name.text)}"
    paths |= {"names that begin with a character": f"/names?name={quote(most.text[0])}"}
    paths |= {"all names": "/names", "register": "/register"}
    found = {what: client.seconds("GET", path) for what, path in paths.items()}
    id = f"{time.time_ns():032}"
    name = max((name for name in names if name.spans < 10_000), key=lambda name: name.spans)
    alike = {"surface": name.text, "label": name.label, "becomes": name.label, "id": id}
    what = f"what deciding on a name everywhere would be about, {name.spans:,} places"
    found[what] = client.seconds("POST", "/api/reach", alike)
    found["undo where nothing is left"] = client.seconds("POST", "/api/undo", {"id": id})
    for what, fields in _queues(rarest.text, models).items():
        body = {"name": what, "size": 200, **fields}
        begun = time.perf_counter()
        client.seconds("POST", "/api/queues", body)
        while json.loads(client.send("GET", "/api/queues/drawing"))["running"]:
            time.sleep(0.05)
        found[f"draw a queue: {what}"] = time.perf_counter() - begun
    return [f"| {what} | {1000 * seconds:,.0f} |" for what, seconds in found.items()]


def _queues(name: str, models: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {
        "random": {"kind": "random"},
        "random, of a label": {"kind": "random", "label": "BRAND"},
        "random, of a paper": {"kind": "random", "paper": stores.PAPERS[3]},
        "random, of a month": {"kind": "random", "date": "2022-09"},
        "random, with a name": {"kind": "random", "surface": name},
        "least certain": {"kind": "uncertain"},
        "least certain, of a label": {"kind": "uncertain", "label": "BRAND"},
        "least certain, of a month": {"kind": "uncertain", "date": "2022-09"},
        "new brands": {"kind": "brands"},
        "newest": {"kind": "newest"},
    }
    if len(models) > 1:
        found["tagged again"] = {"kind": "retagged"}
        found["two models"] = {"kind": "differ", "models": models[:2]}
    return found


def measure(url: str, articles: int, reviewers: int, seconds: float, pause: float) -> list[str]:
    """The figures as lines of Markdown."""
    queue = prepare(url, articles, reviewers)
    with ReviewStore(url) as store:
        names = store.names(limit=2000)
        models = list(map(str, store.latest_models()))
    with serving(url) as (port, pid):
        pages = each_page(port, names, models)
        alone = computing(port, pid, queue)
        load = os.getloadavg()[0]
        begun, before = time.monotonic(), computed(pid).seconds
        times = together(port, queue, reviewers, seconds, pause)
        wall, used = time.monotonic() - begun, computed(pid).seconds - before
    with ReviewStore(url) as store:
        info = store.info()
    requests = sum(map(len, times.values()))
    lines = [
        f"{info.articles:,} articles, {info.size / 1e9:.2f} GB, {reviewers} reviewers at once, each with"
        f" {pause:g} s between two decisions on average; {requests:,} requests in {wall:.0f} s, for which the"
        f" server computed {used:.1f} s. Load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.",
        "",
        "| request | number | p50 ms | p95 ms | most ms | computing ms |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        values = sorted(1000 * value for value in times[kind])
        at = [statistics.quantiles(values, n=100)[place - 1] for place in (50, 95)]
        figures = " | ".join(f"{value:.1f}" for value in (*at, values[-1], alone[kind]))
        lines.append(f"| {kind} | {len(values):,} | {figures} |")
    return [*lines, "", "| asked for once, by one person | ms |", "|---|---|", *pages]
