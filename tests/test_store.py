import dataclasses
import datetime
import re
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import ROOT, make_article

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.store import ModelKey, Store
from ner.store.database import HEAD, writing
from ner.store.schema import decisions, metadata, spans

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)


def outcomes(store: Store, *items: Article | Rejected, replace: bool = False) -> list[str]:
    return [added.outcome for added in store.add(items, replace=replace)]


def tag(store: Store, *articles: Article, model: ModelKey = MODEL) -> None:
    store.write(store.start_run(model), articles)


def rows(store: Store, table: sa.Table) -> int:
    with store._engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_an_article_comes_back_as_it_went_in(store: Store) -> None:
    article = Article(
        id="渝-1",
        text="标题\n南岸区👍🏽后堡社区\n又一段",
        title="标题",
        body_start=3,
        paper="江州日报",
        date=datetime.date(2024, 12, 5),
        page="002",
        section="要闻",
    )
    assert outcomes(store, article) == ["added"]
    assert list(store.articles()) == [article]


def test_adding_again_changes_nothing_and_another_text_is_refused(store: Store) -> None:
    article = make_article(1)
    assert outcomes(store, article, article) == ["added", "unchanged"]
    other = Article(id=article.id, text="别的")
    assert outcomes(store, other) == ["failed"]
    assert list(store.articles()) == [article]
    [failure] = store.failures()
    assert failure.why == "is already stored with another text"
    assert "--replace" in failure.remedy


def test_replacing_drops_the_old_spans_and_tags_anew(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    assert outcomes(store, Article(id="article-00001", text="别的"), replace=True) == ["replaced"]
    assert rows(store, spans) == 0
    assert store.count(untagged_by=MODEL) == 1


def test_deleting_leaves_no_orphans(store: Store) -> None:
    outcomes(store, make_article(1), make_article(2))
    tag(store, make_article(1, spans=(PLACE,)), make_article(2, spans=(PLACE,)))
    store.delete("article-00001")
    assert rows(store, spans) == 1
    assert store.count() == 1
    with pytest.raises(NerError, match="article article-00001: not in the store"):
        store.delete("article-00001")


def test_a_reviewed_article_is_neither_deleted_nor_replaced(store: Store) -> None:
    outcomes(store, make_article(1))
    store.decide(make_article(1, spans=(PLACE,)), "陈")
    with pytest.raises(NerError, match="a reviewer has decided"):
        store.delete("article-00001")
    other = Article(id="article-00001", text="别的")
    assert outcomes(store, other, replace=True) == ["failed"]
    assert list(store.articles()) == [make_article(1)]


def places(item: Article | Rejected) -> list[tuple[int, int, str]]:
    assert isinstance(item, Article)
    return [(span.start, span.end, span.label) for span in item.spans]


def test_what_a_person_says_corrects_the_model_and_saying_it_again_adds_nothing(
    store: Store,
) -> None:
    outcomes(store, make_article(1), make_article(2))
    tag(store, make_article(1, spans=(PLACE, Span(14, 16, "PER", 0.7))))
    said = make_article(1, spans=(Span(8, 13, "ORG"), PLACE))
    # Two spans right, one wrong, and the article read as a whole.
    assert store.decide(said, "陈", note="doccano july") == 4
    assert store.decide(said, "李", note="doccano july") == 0
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG"), (8, 11, "LOC")]]
    # What a later model finds there is not a name, or a person would have said so.
    later = (Span(0, 2, "BRAND", 0.9), Span(14, 16, "PER", 0.9), Span(10, 14, "LOC", 0.99))
    tag(store, make_article(1, spans=later), model=ModelKey("news", "2.0", "b" * 64))
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG"), (8, 11, "LOC")]]


def test_of_two_who_read_an_article_the_last_word_counts_and_repeating_is_none(
    store: Store,
) -> None:
    outcomes(store, make_article(1))
    july = make_article(1, spans=(PLACE, Span(8, 11, "ORG")))
    august = make_article(1, spans=(Span(8, 13, "ORG"),))
    for article, note in ((july, "july"), (august, "august")):
        store.decide(article, "陈", note=note)
    kept = rows(store, decisions)
    for _ in range(2):  # both projects pulled again, unchanged
        assert store.decide(july, "陈", note="july") == 0
        assert store.decide(august, "陈", note="august") == 0
    assert [places(item) for item in store.reviewed()] == [[(8, 13, "ORG")]]
    assert store.decide(make_article(1, spans=(PLACE,)), "陈", note="july") > 0
    assert [places(item) for item in store.reviewed()] == [[(8, 11, "LOC")]]
    assert rows(store, decisions) > kept  # what was said before stays on record


def test_an_article_without_names_is_reviewed_too(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    store.decide(make_article(1), "陈")
    assert [places(item) for item in store.reviewed()] == [[]]


def test_a_label_a_person_gave_twice_to_the_same_words_stays(store: Store) -> None:
    outcomes(store, make_article(1))
    store.decide(make_article(1, spans=(PLACE, Span(8, 11, "ORG"))), "陈")
    assert [places(item) for item in store.reviewed()] == [[(8, 11, "LOC"), (8, 11, "ORG")]]


def test_a_decision_on_another_text_is_refused(store: Store) -> None:
    outcomes(store, make_article(1))
    refused = store.decide(Article(id="article-00001", text="别的"), "陈")
    assert re.search("stored with another text.*push the stored article again", str(refused))
    assert "article 9: is not in the store" in str(store.decide(Article(id="9", text="别的"), "陈"))
    assert list(store.reviewed()) == []


def test_tagging_twice_gives_the_spans_once(store: Store) -> None:
    outcomes(store, make_article(1))
    tagged = make_article(1, spans=(Span(8, 11, "LOC", 0.9), Span(8, 13, "ORG", 0.8)))
    tag(store, tagged)
    tag(store, tagged)
    [article] = store.articles()
    assert isinstance(article, Article)
    assert [(s.start, s.end, s.label, s.model) for s in article.spans] == [
        (8, 13, "ORG", "news-1.0"),
        (8, 11, "LOC", "news-1.0"),
    ]
    assert rows(store, spans) == 2


def test_each_model_has_its_own_ledger_and_the_last_one_shows(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1, spans=(PLACE,)))
    newer = ModelKey("news", "1.0", "b" * 64)
    assert store.count(untagged_by=MODEL) == 0
    assert [a.id for a in store.articles(untagged_by=newer)] == ["article-00001"]
    tag(store, make_article(1, spans=()), model=newer)
    [article] = store.articles()
    assert isinstance(article, Article) and article.spans == ()
    assert rows(store, spans) == 1


def test_an_article_without_spans_is_tagged_all_the_same(store: Store) -> None:
    outcomes(store, make_article(1))
    tag(store, make_article(1))
    assert list(store.articles(untagged_by=MODEL)) == []


def test_many_articles_come_in_order_whatever_the_batch(store: Store) -> None:
    many = [make_article(number) for number in range(450)]
    assert set(outcomes(store, *many)) == {"added"}
    tag(store, *many[100:300])
    left = [a.id for a in store.articles(untagged_by=MODEL)]
    assert left == [a.id for a in many[:100] + many[300:]]
    assert store.count() == 450 and store.count(untagged_by=MODEL) == 250


def test_asking_for_an_article_that_is_not_there(store: Store) -> None:
    outcomes(store, make_article(1))
    assert [a.id for a in store.articles(ids=["article-00001"])] == ["article-00001"]
    with pytest.raises(NerError, match="article nobody: not in the store"):
        list(store.articles(ids=["article-00001", "nobody"]))


def test_a_text_changed_from_outside_is_noticed(store: Store) -> None:
    outcomes(store, make_article(1))
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE articles SET text = text || '。'"))
    [item] = store.articles()
    assert isinstance(item, Rejected) and "changed in the store" in item.why


def test_a_failure_is_kept_once(store: Store) -> None:
    failure = Rejected("", "a.jsonl:3", "not JSON", "one object a line")
    assert outcomes(store, failure, failure) == ["failed", "failed"]
    assert store.failures() == [failure]


def test_a_batch_is_written_whole_or_not_at_all(store: Store) -> None:
    outcomes(store, make_article(1), make_article(2))
    run = store.start_run(MODEL)

    def interrupted() -> object:
        yield make_article(1, spans=(PLACE,))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(run, interrupted())  # type: ignore[arg-type]
    assert rows(store, spans) == 0
    assert store.count(untagged_by=MODEL) == 2


def test_two_writers_take_turns(store_url: str) -> None:
    Store(store_url, create=True).close()
    errors: list[Exception] = []

    def write(first: int) -> None:
        try:
            with Store(store_url) as store:
                for number in range(first, first + 30):
                    outcomes(store, make_article(number))
                    tag(store, make_article(number, spans=(PLACE,)))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 30, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store(store_url) as store:
        assert store.count() == 60
        assert rows(store, spans) == 60


def test_the_migrations_make_the_tables_that_the_code_expects(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []


def test_opening_again_needs_no_create(store: Store, store_url: str) -> None:
    outcomes(store, make_article(1))
    with Store(store_url) as again:
        assert again.count() == 1


def test_a_store_from_a_newer_version_is_refused(store: Store, store_url: str) -> None:
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NerError, match="newer version of ner .schema 9999.*upgrade ner"):
        Store(store_url)


def test_an_empty_database_is_not_silently_filled(store_url: str, tmp_path: Path) -> None:
    if store_url.startswith("sqlite"):
        (tmp_path / "articles.db").touch()
    with pytest.raises(NerError, match="holds no articles.*ner ingest"):
        Store(store_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{tmp}/none.db", "no such store .make it with ner ingest"),
        ("sqlite:///{tmp}", "is not a file"),
        ("sqlite:///{tmp}/text.db", "file is not a database .name a store"),
        ("mysql://localhost/x", "is not a store .write sqlite:///"),
        ("articles.db", "is not a store"),
        ("postgresql://nobody@127.0.0.1:1/x", "is PostgreSQL running"),
    ],
)
def test_what_cannot_be_opened_says_why_and_what_to_do(url: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 100)
    with pytest.raises(NerError, match=said):
        Store(url.format(tmp=tmp_path))


def test_a_store_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="unable to open database file .check that its folder"):
        Store(f"sqlite:///{tmp_path}/none/a.db", create=True)


def test_a_store_that_can_only_be_read_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(f"sqlite:///{path}", create=True) as store:
        outcomes(store, make_article(1))
    with Store(f"sqlite:///file:{path}?mode=ro&uri=true") as store:
        assert list(store.articles()) == [make_article(1)]
        with pytest.raises(
            NerError, match="readonly database .it can only be read: check the rights"
        ):
            outcomes(store, make_article(2))


def test_a_store_of_the_first_schema_gets_the_fields_of_a_byline(
    store: Store, store_url: str
) -> None:
    from alembic import command
    from alembic.config import Config

    list(store.add([make_article(1)]))
    config = Config()
    config.set_main_option("script_location", str(ROOT / "ner/store/migrations"))
    with writing(store._engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    signed = dataclasses.replace(
        make_article(2), overtitle="引题", author="甲、乙", editor="丙", continued_from="1"
    )
    with Store(store_url, create=True) as opened:
        list(opened.add([signed]))
        old, new = opened.articles()
    assert isinstance(old, Article) and old == make_article(1)
    assert new == signed
