"""What to label next: the choice follows the features and the budget."""

import datetime
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from ner.annotation.pool import Unit
from ner.annotation.select import UNIT_COST, disagreement, select, split_sentences, units
from ner.annotation.teachers import Teacher
from ner.article import Article, Span


def unit(id: str, text: str, *spans: Span, paper: str = "", day: int = 1) -> Unit:
    date = datetime.date(2025, day, 1)
    return Unit(Article(id=id, text=text, paper=paper, date=date, spans=spans))


def chosen(pool: Sequence[Unit], feature: str, budget: int, **more: object) -> list[str]:
    choices = select(pool, budget, weights={feature: 1.0}, **more)  # type: ignore[arg-type]
    return [choice.article.id for choice in choices]


def place(score: float) -> Span:
    return Span(0, 3, "LOC", score)


def test_the_uncertain_come_first_and_the_certain_last() -> None:
    pool = [
        unit("sure", "南岸区。", place(0.99)),
        unit("even", "西岸区。", place(0.5)),
        unit("none", "下雨了。"),
        unit("likely", "东岸区。", place(0.8)),
    ]
    assert chosen(pool, "uncertainty", 12) == ["even", "likely", "sure"]


def test_the_same_uncertain_name_again_is_worth_less_than_another() -> None:
    pool = [
        unit("first", "南岸区。", place(0.5)),
        unit("again", "南岸区！", place(0.5)),
        unit("other", "西岸区。", place(0.8)),
    ]
    assert chosen(pool, "uncertainty", 8) == ["first", "other"]


def test_what_is_labelled_already_is_worth_nothing() -> None:
    known = [unit("known", "南岸区和“一表通”", place(1.0)).article]
    pool = [
        unit("known name", "南岸区呢", place(0.9)),
        unit("new name", "西岸区呢", place(0.9)),
        unit("new quote", "“二表通”"),
        unit("known quote", "“一表通”"),
    ]
    assert chosen(pool, "names", 4, known=known) == ["new name"]
    assert chosen(pool, "quotes", 5, known=known) == ["new quote"]


def test_nobody_reads_a_text_twice() -> None:
    text = "南岸区下雨。东山到了。"
    known = [unit("labelled", text).article, unit("a sentence", "西岸区下雨。").article]
    pool = [
        unit("same", text),
        unit("new", text + "西岸区下雨。"),
        unit("again", text + "西岸区下雨。"),
        unit("one more", "北岸区下雨。"),
    ]
    dropped: Counter[str] = Counter()
    assert chosen(pool, "words", 99, known=known, dropped=dropped) == ["new", "one more"]
    assert dropped.total() == 2
    parts = [part for one in pool for part in split_sentences(one)]
    assert chosen(parts, "words", 99, known=known) == ["one more:0-6"]


def test_a_choice_spreads_over_papers_and_months_and_topics() -> None:
    pool = [
        *(unit(f"a{n}", f"法院开庭{n}", paper="甲报") for n in range(3)),
        unit("b", "医院门诊8", paper="乙报"),
        unit("c", "学校放假9", paper="甲报", day=7),
    ]
    assert set(chosen(pool, "sources", 15)) >= {"b", "c"}
    assert set(chosen(pool, "words", 15)) >= {"b", "c"}


def test_teachers_disagree_on_what_both_can_give_and_one_does() -> None:
    text = "南岸区人民法院昨天在西岸区开庭，“一表通”"
    court, inner = Span(0, 7, "ORG"), Span(0, 3, "LOC")
    west, brand = Span(10, 13, "LOC"), Span(17, 20, "BRAND")
    ours = Article(id="1", text=text, spans=(court, inner, brand))
    theirs = Article(id="1", text=text, spans=(court, west))
    assert disagreement(ours, theirs, {"ORG", "LOC", "BRAND"}, {"ORG", "LOC"}) == (west,)
    disputed = (
        replace(Unit(a), disputed=(west,)) for a in (ours, replace(theirs, text=text + "。"))
    )
    plain = Unit(replace(theirs, id="2", text=text + "！"))
    assert chosen([plain, *disputed], "disagreement", 2 * len(text) + 1) == ["1", "1"]


def test_sentences_keep_their_spans_and_their_ids_hold_their_offsets() -> None:
    text = "标题\n　　东山下雨。\n他说：“南岸区！”王东到了。"
    spans = tuple(
        Span(text.index(name), text.index(name) + len(name), label)
        for name, label in (("东山", "LOC"), ("南岸区", "LOC"), ("王东", "PER"))
    )
    article = Article(id="a", text=text, title="标题", body_start=3, paper="报", spans=spans)
    parts = [one.article for one in split_sentences(Unit(article, spans))]
    assert [p.text for p in parts] == ["标题", "东山下雨。", "他说：“南岸区！”", "王东到了。"]
    for part in parts:
        start, end = map(int, part.id.removeprefix("a:").split("-"))
        assert text[start:end] == part.text
    found = [[part.text[s.start : s.end] for s in part.spans] for part in parts]
    assert found == [[], ["东山"], ["南岸区"], ["王东"]]
    assert {part.paper for part in parts} == {"报"}


def test_the_budget_is_kept_and_the_order_of_the_pool_does_not_matter() -> None:
    pool = [
        unit(str(n), "东西南北中"[n % 5] * (n % 7 + 1) + f"山{n}。", Span(0, 1, "LOC", n / 40))
        for n in range(40)
    ]
    choices = list(select(pool, 60))
    ids = [choice.article.id for choice in choices]
    assert sum(len(choice.article.text) for choice in choices) <= 60
    assert len(ids) == len(set(ids)) > 5
    assert {c.article.id for c in select(pool[::-1], 60)} == set(ids)
    everything = list(select(pool, 10**6))
    assert len(everything) == 40
    for feature in ("uncertainty", "names", "words"):
        assert sum(choice.shares[feature] for choice in everything) == pytest.approx(1.0)
    gains = [sum(c.gains.values()) / (len(c.article.text) + UNIT_COST) for c in everything]
    assert gains == sorted(gains, reverse=True)
    assert "%" in choices[0].reason and list(select([], 5)) == []


def test_a_pool_costs_memory_for_its_features_only() -> None:
    """Texts and spans are not kept: twenty thousand articles would not fit."""

    def pool() -> Iterator[Unit]:
        for number in range(200):
            spans = tuple(Span(n, n + 3, "LOC", 0.5) for n in range(0, 3000, 4))
            yield unit(str(number), "南岸区。" * 1000, *spans)

    next(select(pool(), 10**6))
    tracemalloc.start()
    choices = select(pool(), 10**7)
    assert len(next(choices).article.text) == 4000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000  # the spans alone are 14 MB


def test_units_are_read_a_batch_at_a_time_and_carry_what_two_teachers_dispute() -> None:
    read = []

    def articles() -> Iterator[Article]:
        for number in range(100):
            read.append(number)
            yield Article(id=str(number), text="南岸区的王东。西岸区。")

    def teacher(name: str, *spans: Span) -> Teacher:
        return Teacher(name, frozenset(("LOC",)), lambda texts: [spans for _ in texts])

    south, west = Span(0, 3, "LOC"), Span(7, 10, "LOC")
    both = teacher("a", south, west), teacher("b", south)
    first = next(units(articles(), *both))
    assert (first.article.id, first.article.spans, first.disputed) == ("0", (south, west), (west,))
    assert len(read) < 20
    found = list(units(articles(), *both, in_sentences=True))
    assert len(found) == 200
    assert [(u.article.id, u.disputed) for u in found[-2:]] == [
        ("99:0-7", ()),
        ("99:7-11", (Span(0, 3, "LOC"),)),
    ]
    assert next(u.disputed for u in units(articles(), both[0])) == ()
