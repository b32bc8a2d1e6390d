"""What to label next: the choice follows what each heading says, and the budget."""

import datetime
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ner.annotation.select import TURNING, Unit, disputed, in_sentences, select, summary
from ner.article import Article, Span


def unit(id: str, text: str, *spans: Span, paper: str = "", day: int = 1) -> Unit:
    date = datetime.date(2025, day, 1)
    return Unit(Article(id=id, text=text, paper=paper, date=date, spans=spans))


def chosen(units: Sequence[Unit], heading: str, budget: int, **more: object) -> list[str]:
    choices = select(units, budget, weights={heading: 1.0}, **more)  # type: ignore[arg-type]
    return [choice.article.id for choice in choices]


def place(score: float) -> Span:
    return Span(0, 3, "LOC", score)


def test_the_doubtful_come_first_and_the_sure_last() -> None:
    pool = [
        unit("sure", "南岸区。", place(0.99)),
        unit("even", "西岸区。", place(0.5)),
        unit("none", "下雨了。"),
        unit("likely", "东岸区。", place(0.8)),
    ]
    assert chosen(pool, "doubt", 12) == ["even", "likely", "sure"]


def test_the_same_doubt_again_is_worth_less_than_another() -> None:
    pool = [
        unit("first", "南岸区。", place(0.5)),
        unit("again", "南岸区！", place(0.5)),
        unit("other", "西岸区。", place(0.8)),
    ]
    assert chosen(pool, "doubt", 8) == ["first", "other"]


def test_what_is_known_is_no_news() -> None:
    known = [unit("known", "南岸区和“一表通”", place(1.0)).article]
    pool = [
        unit("known name", "南岸区呢", place(0.9)),
        unit("new name", "西岸区呢", place(0.9)),
        unit("new quote", "“二表通”"),
        unit("known quote", "“一表通”"),
    ]
    assert chosen(pool, "names", 4, known=known) == ["new name"]
    assert chosen(pool, "quotes", 5, known=known) == ["new quote"]


def test_a_choice_spreads_over_papers_and_months_and_topics() -> None:
    pool = [
        *(unit(f"a{n}", f"法院开庭{n}", paper="甲报") for n in range(3)),
        unit("b", "医院门诊8", paper="乙报"),
        unit("c", "学校放假9", paper="甲报", day=7),
    ]
    assert set(chosen(pool, "spread", 15)) >= {"b", "c"}
    assert set(chosen(pool, "words", 15)) >= {"b", "c"}


def test_teachers_dispute_what_only_one_gives_and_both_can() -> None:
    text = "南岸区人民法院昨天在西岸区开庭，“一表通”"
    court, inner = Span(0, 7, "ORG"), Span(0, 3, "LOC")
    west, brand = Span(10, 13, "LOC"), Span(17, 20, "BRAND")
    ours = Article(id="1", text=text, spans=(court, inner, brand))
    theirs = Article(id="1", text=text, spans=(court, west))
    assert disputed(ours, theirs, {"ORG", "LOC", "BRAND"}, {"ORG", "LOC"}) == (west,)
    one, other = (replace(Unit(a), disputed=(west,)) for a in (ours, theirs))
    assert chosen([Unit(theirs), one, other], "dispute", 2 * len(text)) == ["1", "1"]


def test_sentences_keep_their_spans_and_say_where_they_stand() -> None:
    text = "标题\n　　东山下雨。\n他说：“南岸区！”王东到了。"
    spans = tuple(
        Span(text.index(name), text.index(name) + len(name), label)
        for name, label in (("东山", "LOC"), ("南岸区", "LOC"), ("王东", "PER"))
    )
    article = Article(id="a", text=text, title="标题", body_start=3, paper="报", spans=spans)
    parts = [one.article for one in in_sentences(Unit(article, spans))]
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
    assert summary(everything)["doubt"] == pytest.approx(1.0)
    gains = [sum(c.worth.values()) / (len(c.article.text) + TURNING) for c in everything]
    assert gains == sorted(gains, reverse=True)
    assert "%" in choices[0].why and list(select([], 5)) == []
