"""What the viewer asks of the store: actions that are undone whole, queues handed out once, accounts."""

import datetime
import threading
from dataclasses import replace

import pytest
from conftest import make_article

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.store import (
    RIGHT,
    WRONG,
    Account,
    Action,
    Alike,
    Change,
    Conflict,
    ModelKey,
    Reach,
    ReviewStore,
    Said,
    Undone,
)

MODEL = ModelKey("news", "1.0", "a" * 64)
PLACE = Span(8, 11, "LOC", 0.9)  # 南岸区
OFFICE = Span(8, 13, "ORG", 0.6)  # 南岸区政府
CHEN, LI = Said("陈", "web"), Said("李", "web")


@pytest.fixture
def store(store_url: str) -> ReviewStore:
    """Twelve articles, each with a place; the scores fall from the first to the last."""
    articles = [
        make_article(number, spans=(Span(8, 11, "LOC", 0.99 - number / 100),))
        for number in range(1, 13)
    ]
    with ReviewStore(store_url, create=True) as opened:
        list(opened.add(articles))
        opened.write_results(opened.start_run(MODEL), articles)
        yield opened


def act(
    store: ReviewStore,
    id: str,
    *changes: tuple[Span, str],
    said: Said = CHEN,
    seen: int = 0,
    finish: bool = False,
    number: int = 1,
) -> Rejected | Conflict | None:
    article = make_article(number)
    action = Action(id, [Change(*each) for each in changes], seen, finish)
    return store.act(article.id, article.text_hash, action, said, model=MODEL)


def right(store: ReviewStore) -> dict[str, list[tuple[int, int, str]]]:
    found = {}
    for item in store.reviewed():
        assert isinstance(item, Article)
        found[item.id] = [(span.start, span.end, span.label) for span in item.spans]
    return found


def test_an_action_is_taken_back_whole_and_without_limit(store: ReviewStore) -> None:
    act(store, "first000", (PLACE, RIGHT))
    act(store, "relabel0", (PLACE, WRONG), (OFFICE, RIGHT))
    act(store, "finish00", finish=True)
    act(store, "other000", (PLACE, RIGHT), finish=True, number=2)
    first, second = make_article(1).id, make_article(2).id
    assert right(store) == {first: [(8, 13, "ORG")], second: [(8, 11, "LOC")]}
    assert store.undo_last("u1", CHEN) == Undone(second)
    assert right(store) == {first: [(8, 13, "ORG")]}
    assert store.undo_last("u1", CHEN) == Undone(second)  # the same key, sent again
    assert store.undo_last("u2", CHEN) == Undone(first) and right(store) == {}
    assert store.undo_last("u3", CHEN) == Undone(first)
    standing = [each for each in store.standing(first).decisions if each.stands]
    assert [(each.label, each.verdict) for each in standing] == [("LOC", RIGHT)]
    assert store.undo_last("u4", LI) is None  # everybody's own
    assert store.undo_last("u4", CHEN) == Undone(first)
    assert store.undo_last("u5", CHEN) is None
    assert len(store.standing(first).decisions) == 6  # nothing was deleted


def test_the_same_action_arriving_twice_counts_once(store: ReviewStore) -> None:
    act(store, "first000", (PLACE, RIGHT), finish=True)
    act(store, "second00", (PLACE, WRONG))
    assert act(store, "first000", (PLACE, RIGHT), finish=True) is None
    assert len(store.standing(make_article(1).id).decisions) == 2
    assert [each.reviewer for each in store.standing(make_article(1).id).reviews] == ["陈"]


def test_of_an_action_all_is_stored_or_nothing(store: ReviewStore) -> None:
    act(store, "first000", (PLACE, RIGHT))
    past = Span(10, len(make_article(1).text) + 1, "ORG")
    refused = act(store, "second00", (PLACE, WRONG), (past, RIGHT), finish=True)
    assert "ends past the text" in str(refused)
    refused = act(store, "third000", (OFFICE, RIGHT), (Span(10, 14, "ORG"), RIGHT))
    assert "crosses 10:14 ORG, which was decided to be right" in str(refused)
    assert len(store.standing(make_article(1).id).decisions) == 1
    # What is made wrong in the same action is in nobody's way.
    assert act(store, "fourth00", (PLACE, WRONG), (Span(10, 14, "ORG"), RIGHT)) is None


def test_what_somebody_else_decided_meanwhile_is_shown_not_overwritten(store: ReviewStore) -> None:
    act(store, "theirs00", (PLACE, WRONG), said=LI)
    conflict = act(store, "mine0000", (PLACE, RIGHT))
    assert isinstance(conflict, Conflict)
    assert [(each.reviewer, each.verdict) for each in conflict.decisions] == [("李", WRONG)]
    assert act(store, "agreed00", (PLACE, WRONG)) is None  # the same is no conflict
    seen = store.standing(make_article(1).id).decisions[-1].number
    assert act(store, "again000", (PLACE, RIGHT), seen=seen) is None
    assert [each.verdict for each in store.standing(make_article(1).id).decisions][-1] == RIGHT


def make(store: ReviewStore, kind: str, size: int = 12, seed: int = 1, **filters: object) -> int:
    return store.make_queue("任务", kind, filters, size=size, seed=seed, made_by="陈")  # type: ignore[arg-type]


def order(store: ReviewStore, queue: int) -> list[str]:
    """What one reviewer is given who skips every article."""
    found, after = [], ""
    while (id := store.take_next(queue, "陈", after)) and id not in found:
        found.append(id)
        after = id
    return found


def test_a_random_sample_can_be_drawn_again(store: ReviewStore) -> None:
    samples = [order(store, make(store, "random", 5, seed)) for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2] and len(set(samples[0])) == 5


def test_the_least_certain_come_first(store: ReviewStore) -> None:
    act(store, "first000", (PLACE, RIGHT), finish=True, number=12)
    expected = [make_article(number).id for number in (11, 10, 9)]
    assert order(store, make(store, "uncertain", 3)) == expected
    with pytest.raises(NerError, match="no article matches"):
        make(store, "uncertain", label="PER")


def test_each_new_brand_comes_once(store: ReviewStore) -> None:
    articles = [
        Article(f"brand-{number}", text, spans=(Span(0, 3, "BRAND", 0.8),))
        for number, text in enumerate(["渝快码来了", "渝快码很好", "暖心桌来了"])
    ]
    list(store.add(articles))
    store.write_results(store.start_run(MODEL), articles)
    assert order(store, make(store, "brands")) == ["brand-0", "brand-2"]
    action = Action("known000", [Change(Span(0, 3, "BRAND"), RIGHT)])
    store.act("brand-1", articles[1].text_hash, action, CHEN)
    assert order(store, make(store, "brands")) == ["brand-2"]


def tag_again(store: ReviewStore, *moved: int) -> ModelKey:
    """Another model, which finds an office too in some of the articles."""
    model = ModelKey("news", "2.0", "b" * 64)
    spans = {number: (PLACE, OFFICE) if number in moved else (PLACE,) for number in range(1, 13)}
    found = [make_article(number, spans=each) for number, each in spans.items()]
    store.write_results(store.start_run(model), found)
    return model


def test_what_tagging_again_changed_comes_by_how_much(store: ReviewStore) -> None:
    with pytest.raises(NerError, match="only one model has tagged this store"):
        make(store, "retagged")
    tag_again(store, 3, 7, 9)
    more = make_article(7, spans=(PLACE, OFFICE, Span(13, 15, "PER", 0.5)))
    store.write_results(store.start_run(ModelKey("news", "2.0", "b" * 64)), [more])
    act(store, "read0003", finish=True, number=3)
    expected = [make_article(number).id for number in (7, 9)]
    assert order(store, make(store, "retagged")) == expected
    assert order(store, make(store, "retagged", label="PER")) == expected[:1]
    with pytest.raises(NerError, match="no article matches"):
        make(store, "retagged", paper="江州日报")


def test_where_two_models_differ_is_asked_of_those_two(store: ReviewStore) -> None:
    second = tag_again(store, 3)
    third = ModelKey("fast", "1.0", "c" * 64)
    store.write_results(store.start_run(third), [make_article(5), make_article(6, spans=(PLACE,))])
    queue = store.make_queue(
        "分歧", "differ", {}, size=9, seed=1, made_by="陈", models=(MODEL, second)
    )
    assert order(store, queue) == [make_article(3).id]
    found = store.queue(queue)
    assert found and found.filters == {"models": "news-1.0 / news-2.0"}
    # Only what both tagged is compared.
    queue = store.make_queue(
        "分歧", "differ", {}, size=9, seed=1, made_by="陈", models=(second, third)
    )
    assert order(store, queue) == [make_article(5).id]


def test_an_article_with_many_unsure_names_takes_no_other_ones_place(store: ReviewStore) -> None:
    many = tuple(Span(at, at + 1, "PER", 0.001 * at) for at in range(8, 17))
    store.write_results(store.start_run(MODEL), [make_article(1, spans=many)])
    expected = [make_article(number).id for number in (1, 12)]
    assert order(store, make(store, "uncertain", 2)) == expected
    assert order(store, make(store, "uncertain", 2, label="PER")) == expected[:1]
    assert order(store, make(store, "uncertain", 2, label="LOC", name="南岸区"))[0] == expected[1]
    # What another model found later counts, not what this one had.
    later = make_article(12, spans=(Span(8, 11, "LOC", 0.99),))
    store.write_results(store.start_run(ModelKey("news", "2.0", "b" * 64)), [later])
    assert order(store, make(store, "uncertain", 2)) == [expected[0], make_article(11).id]


def test_the_newest_come_first_and_the_undated_last(store: ReviewStore) -> None:
    days = {3: "2025-03-01", 7: "2025-03-02", 9: "2025-03-02"}
    dated = [
        replace(make_article(number), date=datetime.date.fromisoformat(day))
        for number, day in days.items()
    ]
    list(store.add(dated, replace=True))
    expected = [make_article(number).id for number in (7, 9, 3, 1)]
    assert order(store, make(store, "newest", 4)) == expected


@pytest.mark.parametrize("kind", ["random", "brands", "differ"])
def test_drawing_keeps_nobody_waiting_and_says_how_far_it_is(
    store: ReviewStore, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = (PLACE, Span(8, 10, "BRAND", 0.5))
    brands = [make_article(number, spans=spans) for number in (5, 8)]
    second = ModelKey("news", "2.0", "b" * 64)
    store.write_results(store.start_run(second), brands)
    models = (MODEL, second) if kind == "differ" else None
    options = {"size": 2, "seed": 1, "made_by": "陈", "models": models}
    whole = order(store, store.make_queue("全", kind, {}, **options))  # type: ignore[arg-type]
    assert len(whole) == (1 if kind == "brands" else 2)
    monkeypatch.setattr("ner.store.drawing.STRETCH", 3)
    told: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        told.append((done, total))
        store.start_session("nobody", f"{done}", datetime.datetime.now(datetime.UTC))  # writes

    store.put_account(Account("nobody", "reader", "x"))
    queue = store.make_queue("全", kind, {}, watch=watch, **options)  # type: ignore[arg-type]
    assert order(store, queue) == whole
    assert told == [(0, 12), (3, 12), (6, 12), (9, 12), (12, 12)]


def verdicts(store: ReviewStore, number: int) -> list[tuple[str, str]]:
    """Label and verdict of what stands."""
    decisions = store.standing(make_article(number).id).decisions
    return [(each.label, each.verdict) for each in decisions if each.stands]


def test_a_string_is_decided_on_wherever_it_is_marked_and_taken_back_whole(
    store: ReviewStore,
) -> None:
    act(store, "before00", (PLACE, WRONG), said=LI)
    act(store, "crossing", (Span(10, 14, "ORG"), RIGHT), said=LI, number=2)
    alike = Alike("南岸区", "LOC", "LOC")
    assert store.reach(alike) == (reach := Reach(articles=10, spans=10, left=2))
    assert verdicts(store, 3) == []  # nothing is written by asking
    assert store.decide_alike(alike, "all00000", CHEN, model=MODEL) == reach
    assert store.decide_alike(alike, "all00000", CHEN) == Reach(0, 0, 0)  # arrives twice
    assert verdicts(store, 3) == [("LOC", RIGHT)] and verdicts(store, 1) == [("LOC", WRONG)]
    assert verdicts(store, 2) == [("ORG", RIGHT)]
    assert store.reach(alike) == Reach(0, 0, 12)
    undone = store.undo_last("undoall0", CHEN)
    assert undone and undone.articles == 10
    assert all(verdicts(store, number) == [] for number in range(3, 13))
    assert verdicts(store, 1) == [("LOC", WRONG)]
    assert len(store.standing(make_article(3).id).decisions) == 2  # and it is all on record


def test_a_string_is_relabelled_in_one_queue_only(store: ReviewStore) -> None:
    queue = make(store, "random", 4)
    alike = Alike("南岸区", "LOC", "ORG", queue)
    assert store.decide_alike(alike, "all00000", CHEN) == Reach(4, 4, 0)
    changed = [number for number in range(1, 13) if verdicts(store, number)]
    assert len(changed) == 4
    assert verdicts(store, changed[0]) == [("LOC", WRONG), ("ORG", RIGHT)]
    assert store.reach(Alike("南岸", "LOC", "")) == Reach(0, 0, 0)
    assert store.decide_alike(Alike("南岸区", "LOC", ""), "all00001", CHEN) == Reach(8, 8, 4)


def test_no_two_reviewers_get_the_same_article(store: ReviewStore) -> None:
    queue = make(store, "newest")
    given: list[str | None] = []

    def take(name: str) -> None:
        given.append(store.take_next(queue, name))

    people = [threading.Thread(target=take, args=(f"审{number}",)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert None not in given and len(set(given)) == 8
    mine = store.take_next(queue, "审0", "")
    assert mine and store.standing(mine).holder == "审0"


def test_what_was_read_is_not_given_again_and_is_counted(store: ReviewStore) -> None:
    queue = make(store, "newest")
    first = store.take_next(queue, "陈")
    assert first == make_article(1).id
    act(store, "first000", (PLACE, RIGHT), finish=True)
    assert store.take_next(queue, "李") == make_article(2).id
    found = store.queue(queue)
    assert found and (found.size, found.reviewed) == (12, 1)
    [(tagged, decided)] = store.reviewed_in(queue)
    assert tagged.spans == decided.spans == (PLACE,)
    assert tagged.spans[0].score == pytest.approx(0.98)


def test_a_session_ends_with_its_time_its_logout_and_a_new_password(store: ReviewStore) -> None:
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    store.put_account(Account("陈", "reviewer", "x"))
    for token, until in (("a", now + hour), ("b", now - hour), ("c", now + hour)):
        store.start_session("陈", token, until)
    assert [bool(store.account_of(token)) for token in "abc"] == [True, False, True]
    store.end_session("a")
    assert store.account_of("a") is None
    store.put_account(Account("陈", "reader", "y"))
    assert store.account_of("c") is None
    assert [(each.name, each.role) for each in store.accounts()] == [("陈", "reader")]
    with pytest.raises(NerError, match="no role 'boss'"):
        store.put_account(Account("李", "boss", "y"))
    assert store.remove_account("陈") and not store.remove_account("陈")
