"""Texts cut at nested spans, in Python and in the browser."""

import random
import time
from typing import Any

import pytest

from ner.article import Article, Span, without_crossings
from ner.segments import paragraphs, segments


def some(seed: int, length: int = 30) -> list[Span]:
    """Nested spans at random, some with equal offsets."""
    rng = random.Random(seed)
    drawn = [
        Span(start, rng.randint(start + 1, length), rng.choice(("LOC", "ORG")), rng.random())
        for start in (rng.randrange(length) for _ in range(25))
    ]
    kept = without_crossings(drawn)
    same = [Span(span.start, span.end, "PER") for span in kept if rng.random() < 0.2]
    return rng.sample(kept + same, len(kept + same))


def depth_below(span: Span, spans: list[Span]) -> int:
    def holds(a: Span, b: Span) -> bool:
        return (b.start, -b.end, b.label) > (a.start, -a.end, a.label) and a.holds(b)

    return max((depth_below(each, spans) + 1 for each in spans if holds(span, each)), default=0)


@pytest.mark.parametrize("seed", range(40))
def test_a_text_is_cut_at_its_spans(seed: int) -> None:
    spans = some(seed)
    start, end = sorted(random.Random(seed).sample(range(31), 2))
    here = [span for span in spans if span.start < end and start < span.end]
    opened: list[Span] = []
    began, at = [], start
    for segment in segments(spans, start, end):
        assert segment.start == at
        at = segment.end
        if segment.step > 0:
            assert segment.span
            opened.append(segment.span)
            began.append(segment.span)
            assert segment.start == max(segment.span.start, start)
            assert segment.levels == depth_below(segment.span, here)
        assert segment.depth == len(opened)
        if segment.step < 0:
            assert segment.span is opened.pop() and segment.end == min(segment.span.end, end)
        elif segment.step == 0:
            around = {
                id(span) for span in here if span.start < segment.end and segment.start < span.end
            }
            assert segment.end > segment.start and around == {id(span) for span in opened}
            assert segment.span is (opened[-1] if opened else None)
    assert at == end and not opened
    assert sorted(began) == sorted(here)


def test_deep_nesting_takes_no_longer() -> None:
    def seconds(depth: int) -> float:
        spans = [Span(n, 2 * depth - n, "LOC") for n in range(depth)]
        begun = time.process_time()
        assert sum(1 for _ in segments(spans, 0, 2 * depth)) == 4 * depth - 1
        return time.process_time() - begun

    # The least of a few: Python clears up what earlier tests left whenever it likes.
    deep = min(seconds(40_000) for _ in range(3))
    assert deep < 20 * max(seconds(4_000), 0.01)


def test_paragraphs_have_the_spans_that_reach_into_them() -> None:
    text = "题目\n\n南岸区\n的区政府\n好"
    across, inner, last = Span(4, 12, "ORG"), Span(4, 7, "LOC"), Span(13, 14, "PER")
    article = Article("1", text, "题目", 3, spans=(last, inner, across))
    assert list(paragraphs(article)) == [
        (0, 2, []),
        (4, 7, [across, inner]),
        (8, 12, [across]),
        (13, 14, [last]),
    ]


def as_json(found: Any) -> list[list[Any]]:
    return [
        [s.start, s.end, s.span and [s.span.start, s.span.end, s.span.label], *s[3:]] for s in found
    ]


IN_BROWSER = """
async ([spans, start, end]) => {
  const {segments} = await import('/static/segments.js')
  return segments(spans, start, end).map((s) => [
    s.start, s.end, s.span && [s.span.start, s.span.end, s.span.label], s.step, s.depth, s.levels,
  ])
}
"""


@pytest.mark.slow
def test_the_browser_cuts_the_same(tmp_path: Any) -> None:
    from viewer import chromium, serving

    from ner.store import Store

    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        list(store.add([Article("1", "雨")]))
    with serving(url) as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}queues")
        for seed in range(20):
            spans = some(seed)
            start, end = sorted(random.Random(seed).sample(range(31), 2))
            given = [{"start": s.start, "end": s.end, "label": s.label} for s in spans]
            assert page.evaluate(IN_BROWSER, [given, start, end]) == as_json(
                segments(spans, start, end)
            )
