"""What the viewer asks for while somebody waits is found by indexes, however much has been decided."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from conftest import make_article

from ner.article import Span
from ner.brands import Reader, update
from ner.places import Linker, shipped
from ner.store import Action, Change, ModelKey, ReviewStore, Said

SPAN = Span(8, 11, "LOC", 0.9)


def plans(store: ReviewStore, work: Any) -> list[str]:
    """How SQLite runs the queries of some work, a line a table."""
    found: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "DELETE")):
            asked = connection.connection.dbapi_connection.cursor()
            asked.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(row[3] for row in asked.fetchall())

    sa.event.listen(store._engine, "before_cursor_execute", explain)
    try:
        work()
    finally:
        sa.event.remove(store._engine, "before_cursor_execute", explain)
    return found


def test_no_table_that_grows_is_read_as_a_whole(tmp_path: Path) -> None:
    articles = [make_article(number, spans=(SPAN,)) for number in range(5)]
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), articles)
        queue = store.make_queue("抽样", "random", {}, size=5, seed=1, made_by="陈静")
        id = store.take_next(queue, "陈静")
        assert id
        [article] = [each for each in articles if each.id == id]
        action = Action("action-1", [Change(SPAN, "right")], finish=True)

        def review() -> None:
            assert store.act(id, article.text_hash, action, Said("陈静", "web")) is None
            store.take_next(queue, "陈静", id)
            store.queue(queue)
            store.standing(id, queue, "陈静")
            store.new_names("LOC")
            list(store.reviewed())

        found = plans(store, review)
    assert len(found) > 20
    # Nearly all rows have no `undoes`: by that index all of them would be read.
    by_undoes = [line for line in found if "undoes=?" in line and "COVERING" not in line]
    assert by_undoes == []
    growing = ("SCAN spans", "SCAN reviews", "SCAN span_", "SCAN articles", "SCAN queue_articles")
    whole = {line for line in found if line.startswith(growing)}
    # All that were reviewed are asked for at the end.
    assert whole == {"SCAN reviews USING INDEX ix_reviews_article"}


def test_the_register_is_kept_up_without_reading_all_mentions(tmp_path: Path) -> None:
    reader = Reader(Linker(shipped()))
    brand = Span(8, 11, "BRAND", 0.9)
    articles = [make_article(number, spans=(brand,)) for number in range(5)]
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(articles))
        run = store.start_run(ModelKey("news", "1.0", "a" * 64))
        store.write_results(run, articles[:4])
        [*_] = update(store, reader)
        store.write_results(run, articles[4:])
        found = plans(store, lambda: list(update(store, reader)))
    mentions = [line for line in found if "register_mentions" in line]
    assert mentions
    assert [line for line in mentions if line.startswith("SCAN") or line.endswith("(kind=?)")] == []
