"""Several programs on one store: nobody disturbs the others, and lost connections come back."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import make_article

from ner.article import Span
from ner.errors import NerError
from ner.store import ModelKey, Store, database
from ner.store.schema import run_spans


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "articles.db"
    with Store(f"sqlite:///{path}", create=True) as store:
        list(store.add([make_article(1)]))
    return path


def test_a_reader_that_stays_open_stops_no_writer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 10)
    monkeypatch.setattr(database, "MAX_TRIES", 3)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    with Store(f"sqlite:///{path}") as store:
        assert [added.outcome for added in store.add([make_article(2)])] == ["added"]
        assert store.count() == 2
    assert reader.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    reader.close()


def test_a_writer_waits_longer_than_one_try_for_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 50)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, other.execute, ["ROLLBACK"])
    timer.start()
    with Store(f"sqlite:///{path}") as store:
        assert [added.outcome for added in store.add([make_article(2)])] == ["added"]
    timer.join()
    other.close()


def test_a_writer_that_never_gets_its_turn_says_why(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 10)
    monkeypatch.setattr(database, "MAX_TRIES", 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        Store(f"sqlite:///{path}") as store,
        pytest.raises(NerError, match="database is locked .another program is writing"),
    ):
        list(store.add([make_article(2)]))
    other.close()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_store_goes_on_when_the_server_dropped_its_connections(store_url: str) -> None:
    with Store(store_url, create=True) as store, Store(store_url, create=True) as other:
        list(store.add([make_article(1), make_article(2)]))
        items = store.articles()
        _drop_connections(other)
        assert [item.id for item in items] == ["article-00001", "article-00002"]
        _drop_connections(other)
        assert [added.outcome for added in store.add([make_article(3)])] == ["added"]
        # In the middle of a transaction: all of it is done again.
        tries = []

        def work(connection: sa.Connection) -> int | None:
            tries.append(1)
            if len(tries) == 1:
                _drop_connections(other)
            return connection.scalar(sa.text("SELECT count(*) FROM articles"))

        assert store._write(work) == 3 and len(tries) == 2


def _drop_connections(store: Store) -> None:
    """Have the server end all connections but this one."""
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with store._engine.connect() as connection:
        connection.execute(sa.text(f"{ending} AND datname = current_database()"))


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_two_that_write_the_first_figure_of_a_run_at_once_both_count(store: Store) -> None:
    """The database refuses one of them, which is run again."""
    article = make_article(1, spans=(Span(8, 11, "LOC"),))
    list(store.add([article]))
    run = store.start_run(ModelKey("news", "1.0", "a" * 64))
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with store._engine.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(run_spans.insert().values(run=run.number, label="LOC", spans=1))
        writing = pool.submit(store.write_results, run, [article])
        deadline = time.monotonic() + 60
        while not other.scalar(waits) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert other.scalar(waits), "nobody waits for what is written here"
        other.commit()
        assert writing.result(60) == []
    [figures] = store.runs()
    assert figures.spans == {"LOC": 2}
