"""What people say about spans: kept for ever, the last word counts, and it can be taken back."""

import pytest
import sqlalchemy as sa
from conftest import make_article

from ner.article import Article, Rejected, Span
from ner.store import RIGHT, WRONG, ModelKey, Said, Store
from ner.store.schema import reviews, span_decisions

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)  # 南岸区
OFFICE = Span(8, 13, "ORG")  # 南岸区政府
CHEN = Said("陈", "web")


def decide(store: Store, span: Span, verdict: str = RIGHT, said: Said = CHEN) -> int | Rejected:
    return store.decide_span(make_article(1), span, verdict, said)


def right(store: Store) -> list[list[tuple[int, int, str]]]:
    found = []
    for item in store.reviewed():
        assert isinstance(item, Article)
        found.append([(span.start, span.end, span.label) for span in item.spans])
    return found


@pytest.fixture
def reviewed(store: Store) -> Store:
    """A store with one article, read as a whole by 李, who found one place in it."""
    list(store.add([make_article(1)]))
    store.decide(make_article(1, spans=(PLACE,)), "李", source="doccano july")
    return store


def test_of_what_was_decided_about_a_span_the_last_word_counts(reviewed: Store) -> None:
    decide(reviewed, OFFICE)
    assert right(reviewed) == [[(8, 13, "ORG"), (8, 11, "LOC")]]
    decide(reviewed, PLACE, WRONG)
    assert right(reviewed) == [[(8, 13, "ORG")]]
    decide(reviewed, PLACE, RIGHT, Said("李", "web"))
    assert right(reviewed) == [[(8, 13, "ORG"), (8, 11, "LOC")]]


def test_taking_back_brings_the_decision_before_it(reviewed: Store) -> None:
    first = decide(reviewed, PLACE, WRONG)
    second = decide(reviewed, PLACE, RIGHT)
    assert isinstance(first, int) and isinstance(second, int)
    assert reviewed.undo(second, CHEN) and right(reviewed) == [[]]
    assert not reviewed.undo(second, CHEN)  # once only
    assert reviewed.undo(first, CHEN) and right(reviewed) == [[(8, 11, "LOC")]]
    assert not reviewed.undo(999, CHEN)
    with reviewed._engine.connect() as connection:
        undone = sa.select(span_decisions).where(span_decisions.c.undoes.isnot(None))
        assert [row.undoes for row in connection.execute(undone)] == [second, first]
    assert not any(reviewed.undo(number, CHEN) for number in (first + 2, first + 3))


def test_that_an_article_was_read_as_a_whole_can_be_taken_back(reviewed: Store) -> None:
    assert reviewed.undo_review(1, CHEN) and right(reviewed) == []
    # Said again it counts again: what was taken back is as if it had not been said.
    assert reviewed.decide(make_article(1, spans=(PLACE,)), "李", source="doccano july") == 1
    assert right(reviewed) == [[(8, 11, "LOC")]]


def test_saying_the_same_again_adds_nothing(reviewed: Store) -> None:
    said = Said("陈", "web", "click-7")
    assert decide(reviewed, OFFICE, RIGHT, said) == decide(reviewed, OFFICE, RIGHT, said)
    decide(reviewed, OFFICE, WRONG, Said("李", "web"))
    decide(reviewed, OFFICE, RIGHT, said)  # the same click arrives again, late
    assert right(reviewed) == [[(8, 11, "LOC")]]
    assert decide(reviewed, PLACE, WRONG) == decide(reviewed, PLACE, WRONG)
    # Another source has numbers of its own.
    decide(reviewed, OFFICE, RIGHT, Said("陈", "doccano july", "click-7"))
    assert right(reviewed) == [[(8, 13, "ORG")]]


def test_a_span_that_would_cross_one_that_is_right_is_refused(reviewed: Store) -> None:
    crossing = Span(10, 14, "ORG")
    refused = decide(reviewed, crossing)
    assert "crosses 8:11 LOC, which was decided to be right" in str(refused)
    assert isinstance(decide(reviewed, crossing, WRONG), int)  # that it is wrong may be said
    decide(reviewed, PLACE, WRONG)
    assert isinstance(decide(reviewed, crossing), int)
    assert right(reviewed) == [[(10, 14, "ORG")]]


def test_a_decision_needs_the_text_that_is_stored(reviewed: Store) -> None:
    other = Article("article-00001", "别的一篇文章，而且足够长。")
    refused = reviewed.decide_span(other, PLACE, RIGHT, CHEN)
    assert "stored with another text" in str(refused)
    assert "ends past the text" in str(decide(reviewed, Span(8, 90, "LOC")))
    unknown = reviewed.decide_span(Article("x", "别的"), Span(0, 1, "LOC"), RIGHT, CHEN)
    assert "not in the store" in str(unknown)
    with pytest.raises(ValueError, match="not a verdict"):
        decide(reviewed, PLACE, "maybe")


def test_the_model_whose_span_it_was_is_kept(reviewed: Store) -> None:
    reviewed.start_run(MODEL)
    number = reviewed.decide_span(make_article(1), OFFICE, WRONG, CHEN, model=MODEL)
    with reviewed._engine.connect() as connection:
        query = sa.select(span_decisions.c.model).where(span_decisions.c.number == number)
        assert connection.scalar(query) == 1


@pytest.mark.parametrize("table", [reviews, span_decisions])
@pytest.mark.parametrize("change", ["UPDATE {} SET reviewer = '王'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_was_said(
    reviewed: Store, table: sa.Table, change: str
) -> None:
    with (
        pytest.raises(sa.exc.DBAPIError, match="is append-only"),
        reviewed._engine.begin() as connection,
    ):
        connection.execute(sa.text(change.format(table.name)))
