"""Looking after a store: upgraded, described, checked, made small; new migrations."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import ROOT, make_article
from test_cli import ner, one_line_error

from ner.article import Span
from ner.store import ModelKey, Store, upgrade
from ner.store.versions import HEAD

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)


@pytest.fixture
def filled(store: Store) -> Store:
    many = [make_article(number, spans=(PLACE,)) for number in range(3)]
    list(store.add(many))
    store.write_results(store.start_run(MODEL), many)
    store.decide(many[0], "陈")
    return store


def test_what_a_store_holds(filled: Store, store_url: str) -> None:
    info = filled.info()
    assert (info.schema, info.articles, info.reviews, info.decisions) == (HEAD, 3, 1, 1)
    assert [(use.key, use.articles) for use in info.models] == [(MODEL, 3)]
    assert info.size > 10_000 and info.quarantined == 0
    shown = ner("store", "info", "--store", store_url).stdout
    assert "3 articles\n  3 articles tagged by news-1.0" in shown
    assert "1 review of whole articles, 1 decision on spans" in shown


def test_a_check_finds_what_was_damaged(filled: Store, store_url: str) -> None:
    assert list(filled.check()) == []
    assert ner("store", "check", "--store", store_url).exit_code == 0
    damages = (
        "UPDATE texts SET text = text || '。' WHERE article = 1",
        'UPDATE spans SET "end" = 70 WHERE article = 2',
        "DELETE FROM texts WHERE article = 3",
    )
    with filled._engine.begin() as connection:
        for damage in damages:
            connection.execute(sa.text(damage))
    found = "\n".join(map(str, filled.check()))
    assert "article-00000: its text was changed in the store" in found
    assert "article-00001: its stored spans are damaged" in found
    assert "article article-00002 has no text" in found
    assert ner("store", "check", "--store", store_url).exit_code == 1


def test_vacuum_gives_space_back(store: Store, store_url: str) -> None:
    list(store.add(make_article(number) for number in range(2000)))
    for number in range(1, 2000):
        store.delete(f"article-{number:05d}")
    store.close()
    said = ner("store", "vacuum", "--store", store_url)
    assert said.exit_code == 0 and "MB before" in said.stderr
    before, after = store.vacuum()
    assert after <= before
    if store_url.startswith("sqlite"):
        assert after < 300_000
    assert store.count() == 1


def test_upgrading_keeps_a_copy_and_happens_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        list(store.add([make_article(1)]))
    said = ner("store", "upgrade", "--store", url)
    assert said.stderr == f"nothing to do: the schema is {HEAD}\n"
    assert upgrade(url).backup is None and len(list(tmp_path.glob("*.backup"))) == 0


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from ner.store.database import open_engine

    url = f"sqlite:///{tmp_path}/a.db"
    engine = open_engine(url, create=True)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "ner/store/migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        # Something that the upgrade does not expect, late in it.
        connection.execute(sa.text("CREATE TABLE quarantine (number INTEGER)"))
    engine.dispose()
    error = one_line_error(ner("show", "--store", url))
    assert "earlier version of ner (schema 0003" in error and "ner store upgrade" in error
    failed = ner("store", "upgrade", "--store", url)
    assert failed.exit_code == 1 and "table quarantine already exists" in failed.stderr
    [copy] = tmp_path.glob("a.db.0003-*.backup")
    for path in (copy, tmp_path / "a.db"):
        with sqlite3.connect(path) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            assert "decisions" in tables and not {"reviews", "texts", "claims"} & tables
        connection.close()


def test_alembic_writes_a_migration_in_batch_mode(tmp_path: Path) -> None:
    """As a developer does, with a column that the code does not have."""
    shutil.copytree(ROOT / "ner/store/migrations", tmp_path / "migrations")
    environment = {
        **os.environ,
        "NER_STORE": f"sqlite:///{tmp_path}/new.db",
        "PYTHONPATH": str(ROOT),
    }

    def alembic(*arguments: str) -> None:
        command = [sys.executable, "-m", "alembic", "-c", str(tmp_path / "migrations/alembic.ini")]
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    alembic("upgrade", "head")
    with sqlite3.connect(tmp_path / "new.db") as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN extra TEXT")
    connection.close()
    alembic("revision", "--autogenerate", "-m", "No extra")
    number = f"{int(HEAD) + 1:04d}"
    text = (tmp_path / f"migrations/versions/{number}_no_extra.py").read_text()
    assert f"revision = '{number}'" in text and f"down_revision = '{HEAD}'" in text
    assert "op.batch_alter_table('runs'" in text and "batch_op.drop_column('extra')" in text
    assert text.count("batch_alter_table") == 1  # nothing else differs
    alembic("upgrade", "head")
