"""Two people read an article independently: what each said, and how it is settled where they differ."""

import pytest
from conftest import make_article

from ner.article import Article, Rejected, Span
from ner.store import RIGHT, WRONG, Action, Change, ModelKey, ReviewStore, Said, Undone

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)  # 南岸区
OFFICE = Span(8, 13, "ORG", 0.6)  # 南岸区政府
CHEN, LI, WANG = Said("陈", "web"), Said("李", "web"), Said("王", "web")
FIRST = make_article(1)


@pytest.fixture
def store(store_url: str) -> ReviewStore:
    articles = [make_article(number, spans=(PLACE,)) for number in range(1, 4)]
    with ReviewStore(store_url, create=True) as opened:
        list(opened.add(articles))
        opened.write_results(opened.start_run(MODEL), articles)
        yield opened


@pytest.fixture
def queue(store: ReviewStore) -> int:
    """All three articles, by number, for two readers each."""
    return store.make_queue("双审", "newest", {}, size=3, seed=1, made_by="陈", readers=2)


def act(
    store: ReviewStore,
    queue: int | None,
    said: Said,
    id: str,
    *changes: tuple[Span, str],
    finish: bool = True,
    article: Article = FIRST,
) -> object:
    action = Action(id, [Change(*each) for each in changes], finish=finish)
    return store.act(article.id, article.text_hash, action, said, queue=queue)


def right(store: ReviewStore) -> dict[str, list[str]]:
    """What counts: the labels of the right spans, of articles that were read."""
    found = [item for item in store.reviewed() if isinstance(item, Article)]
    return {item.id: [span.label for span in item.spans] for item in found}


def test_each_article_goes_to_two_people_and_neither_sees_the_other(
    store: ReviewStore, queue: int
) -> None:
    assert store.take_next(queue, "陈") == FIRST.id
    assert store.take_next(queue, "李") == make_article(2).id  # one at a time
    act(store, queue, CHEN, "chen0001", (PLACE, RIGHT))
    store.take_next(queue, "陈", FIRST.id)
    assert store.take_next(queue, "李", make_article(3).id) == FIRST.id
    assert store.standing(FIRST.id, queue, "李").decisions == []
    assert store.standing(FIRST.id).decisions == [] == store.standing(FIRST.id, queue, "李").reviews
    assert [each.stands for each in store.standing(FIRST.id, queue, "陈").decisions] == [True]
    assert act(store, queue, LI, "li000001", (PLACE, WRONG)) is None  # no conflict
    # Two have read it: it is for nobody else, and nothing counts yet.
    left = [store.take_next(queue, "王", after) for after in ("", make_article(2).id)]
    assert FIRST.id not in left and right(store) == {}
    assert store.count_finished(queue, "陈") == 1
    found = store.queue(queue)
    assert found and (found.readers, found.reviewed, found.disputed) == (2, 0, 1)


def test_what_both_say_counts_at_once_and_no_longer_when_one_takes_it_back(
    store: ReviewStore, queue: int
) -> None:
    act(store, queue, CHEN, "chen0001", (PLACE, WRONG), (OFFICE, RIGHT))
    act(store, queue, LI, "li000001", (OFFICE, RIGHT), (PLACE, WRONG))
    assert right(store) == {FIRST.id: ["ORG"]}
    assert [each.reviewer for each in store.standing(FIRST.id).reviews] == ["李"]
    # Once settled, all that was said is on record, and what counts is told from it.
    said = [(each.reviewer, each.stands) for each in store.standing(FIRST.id).decisions]
    assert said == [("陈", False)] * 2 + [("李", False)] * 2 + [("李", True)] * 2
    assert store.undo_last("undo0001", LI) == Undone(FIRST.id, queue)
    assert right(store) == {}
    found = store.queue(queue)
    assert found and (found.reviewed, found.disputed) == (0, 0)
    act(store, queue, LI, "li000002", (OFFICE, RIGHT))
    assert right(store) == {FIRST.id: ["ORG"]}  # what was not said is as wrong as what was


def test_a_third_person_settles_where_two_differ(store: ReviewStore, queue: int) -> None:
    act(store, queue, CHEN, "chen0001", (PLACE, RIGHT), (OFFICE, RIGHT))
    assert store.versions(queue, FIRST.id) is None
    act(store, queue, LI, "li000001", (PLACE, RIGHT))
    versions = store.versions(queue, FIRST.id)
    assert versions and versions.names == ("陈", "李")
    assert versions.differing == {(8, 13, "ORG")} and versions.right(1) == {(8, 11, "LOC")}
    for own, name, expected in (
        (False, "陈", None),
        (True, "陈", FIRST.id),  # an admin may
        (False, "王", None),  # who has it in hand now
    ):
        assert store.take_disputed(queue, name, own=own) == expected
    store.take_next(queue, "陈")
    assert store.take_disputed(queue, "王") == FIRST.id
    key = (FIRST.id, FIRST.text_hash, queue)
    refused = store.settle(*key, "settle00", WANG)
    assert isinstance(refused, Rejected) and "differ on 1 spans that nobody" in str(refused)
    act(store, None, WANG, "wang0001", (OFFICE, WRONG), finish=False)
    assert store.settle(*key, "settle00", WANG) is None
    assert store.settle(*key, "settle00", WANG) is None  # arrives twice
    assert right(store) == {FIRST.id: ["LOC"]}
    assert [each.reviewer for each in store.standing(FIRST.id).reviews] == ["王"]
    standing = [each for each in store.standing(FIRST.id).decisions if each.stands]
    assert [(each.reviewer, each.label, each.verdict) for each in standing] == [
        ("王", "ORG", WRONG),
        ("王", "LOC", RIGHT),
    ]
    assert store.undo_last("undo0001", WANG) == Undone(FIRST.id)
    assert right(store) == {} and store.take_disputed(queue, "王") == FIRST.id
    assert store.settle(*key, "settle01", WANG) is None
    assert right(store) == {FIRST.id: ["LOC"]}


def test_what_was_decided_before_gives_way_to_what_two_agree_on(
    store: ReviewStore, queue: int
) -> None:
    act(store, None, WANG, "wang0001", (OFFICE, RIGHT), finish=False)
    act(store, queue, CHEN, "chen0001", (PLACE, RIGHT))
    act(store, queue, LI, "li000001", (PLACE, RIGHT))
    assert right(store) == {FIRST.id: ["LOC"]}


def test_names_that_would_cross_are_not_settled(store: ReviewStore, queue: int) -> None:
    crossing = Span(10, 14, "ORG")
    act(store, queue, CHEN, "chen0001", (OFFICE, RIGHT))
    act(store, queue, LI, "li000001", (OFFICE, RIGHT), (PLACE, RIGHT))
    act(store, None, WANG, "wang0001", (PLACE, WRONG), (crossing, RIGHT), finish=False)
    refused = store.settle(FIRST.id, FIRST.text_hash, queue, "settle00", WANG)
    assert isinstance(refused, Rejected) and "crosses" in str(refused)
    assert right(store) == {}
