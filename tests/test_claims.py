"""Sharing the work: every article is somebody's once, whatever becomes of who has it in hand."""

import datetime
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa
from conftest import make_article

from ner.article import Article, Rejected, Span
from ner.store import MAX_TRIES, Claim, ModelKey, Run, Store, claims
from ner.store.schema import claims as claim_table

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)


@pytest.fixture
def filled(store: Store) -> Store:
    list(store.add(make_article(number) for number in range(10)))
    return store


def ids(claim: Claim | None) -> list[str]:
    assert claim is not None
    return [item.id for item in claim.articles]


def wanted(*numbers: int) -> list[str]:
    return [f"article-{number:05d}" for number in numbers]


def failing(items: Sequence[Article | Rejected]) -> list[Rejected]:
    return [Rejected(item.id, f"article {item.id}", "no memory") for item in items]


def tag_all(store: Store, run: Run, size: int = 4) -> list[str]:
    tagged = []
    while claim := store.claim(run, size=size):
        tagged += ids(claim)
        assert store.write_results(run, claim.articles, claim=claim) == []
    return tagged


def test_two_taggers_share_the_articles(filled: Store, store_url: str) -> None:
    run = filled.start_run(MODEL)
    with Store(store_url) as other:
        second = other.start_run(MODEL)
        mine, theirs = filled.claim(run, size=4), other.claim(second, size=4)
        assert (ids(mine), ids(theirs)) == (wanted(0, 1, 2, 3), wanted(4, 5, 6, 7))
        assert filled.count_claimed(MODEL) == 2 and filled.count_untagged(MODEL) == 10
        assert mine and theirs
        other.write_results(second, theirs.articles, claim=theirs)
        assert ids(other.claim(second)) == wanted(8, 9)
        assert other.claim(second) is None  # the rest is in somebody's hands
        filled.write_results(run, mine.articles, claim=mine)
        assert filled.count_claimed(MODEL) == 1 and filled.count_untagged(MODEL) == 2


def test_each_model_has_work_of_its_own_and_new_articles_come_last(filled: Store) -> None:
    assert tag_all(filled, filled.start_run(MODEL)) == wanted(*range(10))
    assert tag_all(filled, filled.start_run(MODEL)) == []
    list(filled.add([make_article(10)]))
    list(filled.add([Article("article-00003", "别的")], replace=True))
    assert tag_all(filled, filled.start_run(MODEL)) == wanted(10, 3)
    other = filled.start_run(ModelKey("words", "1.0", "b" * 64))
    assert tag_all(filled, other) == wanted(0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 3)


def test_what_was_tagged_before_is_passed_over(filled: Store) -> None:
    run = filled.start_run(MODEL)
    filled.write_results(run, [make_article(number) for number in (0, 1, 4, 9)])
    assert tag_all(filled, run, size=3) == wanted(2, 3, 5, 6, 7, 8)
    assert filled.count_untagged(MODEL) == 0


def test_a_claim_ends_where_its_texts_are_long(filled: Store) -> None:
    run = filled.start_run(MODEL)
    assert ids(filled.claim(run, characters=40)) == wanted(0, 1)  # 18 code points each
    assert ids(filled.claim(run, characters=1)) == wanted(2)


def test_a_number_is_never_given_twice(filled: Store) -> None:
    run = filled.start_run(MODEL)
    tag_all(filled, run)
    filled.delete("article-00009")
    list(filled.add([make_article(11)]))
    assert tag_all(filled, run) == wanted(11)


def claim_and_die(url: str) -> None:
    """Another process takes four articles in hand and is killed."""
    code = (
        "import os, signal, sys\nfrom ner.store import ModelKey, Store\n"
        "store = Store(sys.argv[1]); run = store.start_run(ModelKey('news', '1.0', 'a' * 64))\n"
        "assert store.claim(run, size=4)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.run([sys.executable, "-c", code, url], capture_output=True)
    assert process.returncode == -9, process.stderr


def test_what_a_killed_process_had_in_hand_is_tagged_by_the_next_one_by_one(
    filled: Store, store_url: str
) -> None:
    claim_and_die(store_url)
    assert filled.count_untagged(MODEL) == 10
    run = filled.start_run(MODEL)
    assert ids(filled.claim(run)) == wanted(4, 5, 6, 7, 8, 9)
    assert [each.why for each in filled.quarantined()] == ["the process that tagged it ended"] * 4
    assert filled.count_untagged(MODEL) == 10
    assert tag_all(filled, run) == wanted(0, 1, 2, 3)
    assert filled.quarantined() == [] and filled.count_untagged(MODEL) == 6


def test_an_article_that_ends_every_process_is_given_up(filled: Store, store_url: str) -> None:
    tag_all(filled, filled.start_run(MODEL))
    list(filled.add([make_article(10)]))
    for _ in range(MAX_TRIES):
        claim_and_die(store_url)
    run = filled.start_run(MODEL)
    assert tag_all(filled, run) == []
    [given_up] = filled.quarantined(MODEL)
    assert (given_up.id, given_up.tries) == ("article-00010", MAX_TRIES)
    assert filled.retry_failed(MODEL) == 1
    assert tag_all(filled, run) == wanted(10)


def test_a_claim_of_another_machine_is_waited_for_until_its_time_is_over(filled: Store) -> None:
    run = filled.start_run(MODEL)
    filled.claim(run, size=10)
    change = claim_table.update().values(holder="elsewhere 1")
    with filled._engine.begin() as connection:
        connection.execute(change)
    assert filled.claim(filled.start_run(MODEL)) is None
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    with filled._engine.begin() as connection:
        connection.execute(change.values(until=past))
    assert tag_all(filled, filled.start_run(MODEL)) == wanted(*range(10))


def test_a_claim_that_is_given_back_counts_as_no_try(filled: Store) -> None:
    run = filled.start_run(MODEL)
    claim = filled.claim(run, size=4)
    assert claim
    filled.release(claim)
    filled.release(claim)
    assert filled.quarantined() == [] and filled.failures() == []
    assert tag_all(filled, run) == wanted(4, 5, 6, 7, 8, 9, 0, 1, 2, 3)


def test_a_try_that_is_given_back_is_one_left(filled: Store) -> None:
    """Also of an article that has failed before: ten interruptions do not use up its tries."""
    first = filled.start_run(MODEL)
    claim = filled.claim(first)
    assert claim
    results = [*failing(claim.articles[:1]), *claim.articles[1:]]
    filled.write_results(first, results, claim=claim)
    run = filled.start_run(MODEL)
    tried = filled.claim(run)
    assert tried and ids(tried) == wanted(0)
    filled.release(tried)
    [failed] = filled.quarantined()
    assert failed.tries == 1
    assert ids(filled.claim(run)) == wanted(0), "the same run may try it after all"


def test_what_fails_is_tried_once_a_run_and_not_for_ever(filled: Store) -> None:
    tries = 0
    for _ in range(MAX_TRIES + 3):
        run = filled.start_run(MODEL)
        while claim := filled.claim(run):
            bad = [item for item in claim.articles if item.id == "article-00003"]
            good = [item for item in claim.articles if item not in bad]
            tries += len(bad)
            filled.write_results(run, [*good, *failing(bad)], claim=claim)
    assert tries == MAX_TRIES
    [failed] = filled.quarantined()
    assert (failed.id, failed.model, failed.why) == ("article-00003", MODEL, "no memory")
    assert failed.at.tzinfo is not None and failed.run == MAX_TRIES
    assert [str(failure) for failure in filled.failures()] == ["article article-00003: no memory"]
    # Mended and stored again, it is tried again.
    with filled._engine.begin() as connection:
        connection.execute(sa.text("UPDATE texts SET text = 'x' WHERE article = 4"))
    list(filled.add([make_article(3)], replace=True))
    assert tag_all(filled, filled.start_run(MODEL)) == wanted(3)


def test_only_what_was_mended_or_asked_for_is_tried_anew(filled: Store) -> None:
    other = ModelKey("news", "2.0", "b" * 64)
    for model in (MODEL, other):
        filled.write_results(filled.start_run(model), failing([make_article(3), make_article(4)]))

    def tried() -> set[tuple[str, str]]:
        return {(each.id[-1], each.model.version) for each in filled.quarantined() if each.tries}

    assert tried() == {("3", "1.0"), ("3", "2.0"), ("4", "1.0"), ("4", "2.0")}
    with filled._engine.begin() as connection:
        connection.execute(sa.text("UPDATE texts SET text = 'x' WHERE article = 4"))
    list(filled.add([make_article(3)], replace=True))
    assert tried() == {("4", "1.0"), ("4", "2.0")}
    assert filled.retry_failed(MODEL) == 2
    assert tried() == {("4", "2.0")}


def test_an_article_that_got_no_result_is_not_lost(filled: Store) -> None:
    run = filled.start_run(MODEL)
    claim = filled.claim(run)
    assert claim
    filled.write_results(run, claim.articles[:8], claim=claim)
    assert [each.id for each in filled.quarantined()] == wanted(8, 9)
    assert tag_all(filled, filled.start_run(MODEL)) == wanted(8, 9)


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5])
def test_a_score_that_is_none_costs_only_its_article(filled: Store, score: float) -> None:
    run = filled.start_run(MODEL)
    claim = filled.claim(run)
    assert claim
    found: list[Article | Rejected] = [
        make_article(n, spans=(Span(8, 11, "LOC", score if n == 2 else 0.5),)) for n in range(10)
    ]
    [refused] = filled.write_results(run, found, claim=claim)
    assert f"has a span 8:11 with the score {score}" in str(refused)
    assert [each.id for each in filled.quarantined()] == wanted(2)
    assert filled.count_untagged(MODEL) == 1


def test_an_article_replaced_or_deleted_while_it_was_tagged(filled: Store) -> None:
    run = filled.start_run(MODEL)
    claim = filled.claim(run)
    assert claim
    list(filled.add([Article("article-00001", "别的")], replace=True))
    filled.delete("article-00002")
    refused = filled.write_results(run, claim.articles, claim=claim)
    assert [str(each) for each in refused] == [
        "article article-00001: was replaced while it was tagged",
        "article article-00002: was deleted while it was tagged",
    ]
    assert filled.quarantined() == []
    filled.write_results(run, failing([make_article(2)]))
    assert [str(each) for each in filled.failures()] == ["article article-00002: no memory"]
    assert tag_all(filled, run) == wanted(1)


def test_a_claim_is_found_without_looking_at_what_was_tagged(store: Store) -> None:
    """By the plans of the databases: the articles after a number, by their key."""
    list(store.add(make_article(number) for number in range(300)))
    run = store.start_run(MODEL)
    tag_all(store, run, size=300)
    plans: list[str] = []
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[
        store._engine.dialect.name
    ]

    def note(
        connection: sa.Connection, _: object, statement: str, values: object, *__: object
    ) -> None:
        if statement.startswith("SELECT articles.number, articles.length"):
            cursor = connection.connection.cursor()
            cursor.execute(explain + statement, values)  # type: ignore[arg-type]
            plans.extend(" ".join(map(str, row)) for row in cursor.fetchall())

    with store._engine.begin() as connection:
        connection.execute(sa.text("ANALYZE"))
    sa.event.listen(store._engine, "before_cursor_execute", note)
    assert store.claim(run) is None
    plan = "\n".join(plans)
    assert "USING INTEGER PRIMARY KEY (rowid>?)" in plan or "pk_articles" in plan, plan


def count_work(store: Store, work: Callable[[], object]) -> int:
    """Steps of SQLite's machine, or rows and entries of indexes that PostgreSQL reads."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    def look(handler: Callable[[], None] | None) -> int:
        with store._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.connection.dbapi_connection.set_progress_handler(handler, 1)  # type: ignore[union-attr]
                return steps
            connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
        with store._engine.connect() as connection:
            rows = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
            entries = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
            return int(connection.scalar(sa.text(f"SELECT ({rows}) + ({entries})")))

    before = look(step)
    work()
    return look(None) - before


def test_a_batch_costs_no_more_when_much_is_tagged(store: Store) -> None:
    # Of fewer PostgreSQL reads the whole table, which costs it nothing.
    list(store.add(make_article(number) for number in range(3000)))
    run = store.start_run(MODEL)

    def tag(count: int) -> None:
        claim = store.claim(run, size=count)
        assert claim and len(claim.articles) == count
        found = [make_article(number, spans=(PLACE,)) for number in map(number_of, claim.articles)]
        assert store.write_results(run, found, claim=claim) == []

    def cost() -> int:
        # What PostgreSQL knows of the tables is renewed every minute: not between the two measurements.
        with store._engine.begin() as connection:
            connection.execute(sa.text("ANALYZE"))
        # The least of a few: it counts what another connection did before when that one tells it.
        return min(count_work(store, lambda: tag(10)) for _ in range(3))

    tag(50)
    early = cost()
    tag(2000)
    late = cost()
    assert 0 < late < 1.5 * early, (early, late)


def number_of(item: Article | Rejected) -> int:
    return int(item.id.removeprefix("article-"))


def test_a_batch_is_written_by_few_statements_however_many_articles(store: Store) -> None:
    statements: list[str] = []
    many = [make_article(number, spans=(PLACE,)) for number in range(64)]
    list(store.add(make_article(999) for _ in range(1)))
    run = store.start_run(MODEL)
    sa.event.listen(
        store._engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    list(store.add(many))
    assert len([each for each in statements if "articles" in each or "texts" in each]) <= 4
    claim = store.claim(run, size=65)
    statements.clear()
    assert claim and len(claim.articles) == 65
    store.write_results(run, many, claim=claim)
    assert len(statements) <= 14, statements


def test_who_has_ended_is_known_on_the_same_machine_only() -> None:
    import socket

    here = socket.gethostname()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert claims._has_ended(f"{here} {process.pid}")
    assert not claims._has_ended(f"{here} {os.getpid()}")
    assert not claims._has_ended(f"elsewhere {process.pid}")


def test_what_others_have_in_hand_stays_theirs(filled: Store) -> None:
    mine, theirs = filled.start_run(MODEL), filled.start_run(MODEL)
    assert filled.claim(mine, size=1) and filled.claim(theirs, size=1)
    assert filled.release_all(mine) == 1 and filled.count_claimed(MODEL) == 1


def test_what_failed_before_it_was_handed_out_is_left_once(store: Store) -> None:
    """As with `ner tag --article`; and `--again` forgets that it failed."""
    list(store.add(make_article(number) for number in range(3)))
    for _ in range(MAX_TRIES):
        run = store.start_run(MODEL)
        store.write_results(run, [Rejected("article-00001", "article-00001", "too odd")])
    assert store.count_untagged(MODEL) == 3
    store.tag_again(MODEL)
    assert store.count_untagged(MODEL) == 3 and store.quarantined(MODEL) == []
