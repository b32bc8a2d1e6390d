import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Article, Span, check_spans, outermost, without_crossings
from ner.errors import NerError
from ner.labels import LABELS

TEXT = "重庆市渝北区人民法院的法官"
spans = st.builds(
    lambda start, length, label, score: Span(start, start + length, label, score),
    st.integers(0, 30),
    st.integers(1, 12),
    st.sampled_from(LABELS),
    st.floats(0, 1),
)


def test_a_nested_name_is_legal_and_a_crossing_one_is_named_in_the_error() -> None:
    check_spans([Span(0, 10, "ORG"), Span(0, 3, "LOC"), Span(3, 6, "LOC")], TEXT)
    with pytest.raises(
        NerError, match="span 3:11 ORG '渝北区人民法院的' crosses 0:6 LOC '重庆市渝北区'"
    ):
        check_spans([Span(0, 6, "LOC"), Span(3, 11, "ORG")], TEXT)


def test_crossing_is_found_behind_a_nested_span() -> None:
    with pytest.raises(NerError, match="crosses 0:6"):
        check_spans([Span(0, 6, "ORG"), Span(0, 3, "LOC"), Span(5, 8, "LOC")], TEXT)


@pytest.mark.parametrize(
    ("start", "end", "label", "said"),
    [
        (3, 3, "LOC", "empty"),
        (4, 2, "LOC", "backwards"),
        (-1, 2, "LOC", "empty"),
        (0, 1, "not a label", "for example PER"),
        (0, 1, "", "for example PER"),
    ],
)
def test_a_span_that_is_none_is_refused(start: int, end: int, label: str, said: str) -> None:
    with pytest.raises(NerError, match=said):
        Span(start, end, label)


def test_a_span_past_the_text_is_refused_with_the_remedy() -> None:
    with pytest.raises(NerError, match="ends past the text .13 code points.*not bytes"):
        Article(id="a", text=TEXT, spans=(Span(10, 14, "LOC"),))


def test_offsets_are_code_points_beyond_the_basic_plane() -> None:
    article = Article(id="a", text="𠮷林村👍🏽重庆", spans=(Span(0, 3, "LOC"), Span(5, 7, "LOC")))
    assert [article.text[s.start : s.end] for s in article.spans] == ["𠮷林村", "重庆"]


def test_a_span_that_claims_another_string_is_refused() -> None:
    with pytest.raises(NerError, match="LOC should be '江北区', but '渝北区' stands there"):
        Article(id="a", text="重庆渝北区", spans=(Span(2, 5, "LOC", text="江北区"),))
    assert Article(id="a", text="重庆渝北区", spans=(Span(2, 5, "LOC", text="渝北区"),)).spans


def test_the_text_must_begin_with_its_title() -> None:
    with pytest.raises(NerError, match="does not begin with the title"):
        Article(id="a", text="正文", title="题", body_start=2)


def test_outermost_keeps_the_surer_of_two_labels_on_the_same_offsets() -> None:
    found = outermost([Span(0, 3, "LOC", 0.4), Span(0, 3, "ORG", 0.9), Span(1, 2, "PER", 1.0)])
    assert [(s.start, s.end, s.label) for s in found] == [(0, 3, "ORG")]


@given(st.lists(spans, max_size=25))
def test_what_is_left_without_crossings_is_legal_and_maximal(given_spans: list[Span]) -> None:
    kept = without_crossings(given_spans)
    check_spans(kept, "字" * 50)
    offsets = {(s.start, s.end) for s in kept}
    for span in given_spans:
        assert (span.start, span.end) in offsets or any(span.crosses(other) for other in kept)


@given(st.lists(spans, max_size=25))
def test_outermost_is_flat_and_holds_everything(given_spans: list[Span]) -> None:
    legal = without_crossings(given_spans)
    flat = outermost(legal)
    assert all(a.end <= b.start for a, b in itertools.pairwise(flat))
    assert all(any(outer.holds(span) for outer in flat) for span in legal)


@pytest.mark.parametrize(
    ("page", "number"),
    [("003", 3), ("A02", 2), ("第12版", 12), ("十一", 11), ("二十", 20), ("四", 4), ("头", None)],
)
def test_a_page_as_a_number(page: str, number: int | None) -> None:
    assert Article(id="1", text="文", page=page).page_number == number
