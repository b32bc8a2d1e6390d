"""What decoding makes of a network's candidates: edges, surnames, joined names, parts of quoted strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.article import check_spans
from ner.tagger import decode
from ner.tagger.settings import Settings

LABELS = Settings().labels
ZERO = dict.fromkeys(LABELS, 0.0)


def found(text: str, *candidates: tuple[str, str, float]) -> list[tuple[str, str, float]]:
    """The spans of candidates that are given by their string (its first place), label and logit."""
    places = [
        (text.index(name), text.index(name) + len(name), LABELS.index(label), logit)
        for name, label, logit in candidates
    ]
    spans = decode.spans(text, places, Settings(), ZERO)
    return [(span.text, span.label, logit) for span, logit in spans]


@pytest.mark.parametrize(
    ("text", "name", "label", "edges"),
    [
        ("他说：“渝邻汇”好用", "“渝邻汇”", "BRAND", "渝邻汇"),
        ("去·哈尔滨。", "·哈尔滨。", "LOC", "哈尔滨"),
        ("王强、李敏", "王强、", "PER", "王强"),
        ("（重庆）两地", "（重庆）", "LOC", "重庆"),
        ("读《柏林日报》上", "《柏林日报》", "ORG", "柏林日报"),
        ("找瑞创（重庆）谈", "瑞创（重庆）", "ORG", "瑞创（重庆）"),
        ("找瑞创(重庆)谈", "瑞创(重庆)", "ORG", "瑞创(重庆)"),
        ("找瑞创（重庆）谈", "瑞创（", "ORG", "瑞创"),
        ("找（株）东山谈", "（株）东山", "ORG", "（株）东山"),
        ("“绿蚂蚁”志愿服务队来", "“绿蚂蚁”志愿服务队", "ORG", "绿蚂蚁”志愿服务队"),
        ("推行“1+3+N”模式", "1+3+N", "BRAND", "1+3+N"),
        ("增长5%以上", "5%", "BRAND", "5%"),
        ("记者 李明&nbsp;王强", "李明&", "PER", "李明"),  # what a web page left in the text
        ("B&Q店", "B&Q", "ORG", "B&Q"),
    ],
)
def test_no_name_begins_or_ends_with_a_mark_that_is_not_its_own(
    text: str, name: str, label: str, edges: str
) -> None:
    assert found(text, (name, label, 4.0)) == [(edges, label, 4.0)]


def test_a_name_with_a_mark_counts_only_where_the_network_is_sure_of_it() -> None:
    text = "“渝邻汇”好用，渝邻汇"
    assert found(text, ("“渝邻汇", "BRAND", -1.0)) == []
    sure_elsewhere = (8, 11, LABELS.index("BRAND"), 5.0)
    unsure_here = (0, 4, LABELS.index("BRAND"), -1.0)
    [(span, _)] = decode.spans(text, [unsure_here, sure_elsewhere], Settings(), ZERO)
    assert span.start == 8
    assert found(text, ("“渝邻汇", "BRAND", -1.0), ("渝邻汇", "BRAND", 1.0)) == [
        ("渝邻汇", "BRAND", 1.0)
    ]


@given(
    st.text(st.sampled_from("王强（）()“”、。 \u200b\n重庆"), min_size=1, max_size=12),
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(1, 12), st.integers(0, 3), st.floats(-3, 9))
    ),
)
def test_whatever_is_found_becomes_legal_spans(
    text: str, places: list[tuple[int, int, int, float]]
) -> None:
    inside = [place for place in places if place[0] < place[1] <= len(text)]
    spans = [span for span, _ in decode.spans(text, inside, Settings(), ZERO)]
    check_spans(spans, text)
    for span in spans:
        assert (
            span.text[0] not in "“”、。 \u200b\n）)" and span.text[-1] not in "“”、。 \u200b\n（("
        )
        assert not span.text.startswith("（") or "）" in span.text[1:-1]


def test_no_name_holds_half_a_pair_of_brackets() -> None:
    text = "找瑞创（重庆）投资公司"
    company = ("瑞创（重庆）投资公司", "ORG", 1.0)
    assert found(text, company, ("重庆）投资公司", "ORG", 5.0)) == [company]
    assert found(text, ("瑞创（重庆", "ORG", 5.0)) == []
    assert found("找瑞创(重庆)公司", ("重庆)公司", "ORG", 5.0)) == []


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("陈叔叔", "陈"),
        ("欧阳大姐", "欧阳"),
        ("冉嬢嬢", "冉"),
        ("庞伯", "庞"),
        ("马师傅", "马"),
        ("小李", "小李"),
        ("老伯", "老伯"),
        ("大姐", "大姐"),
        ("李小姐姐", "李小姐姐"),
        ("王强", "王强"),
    ],
)
def test_a_surname_before_a_word_of_kinship_is_the_name(name: str, person: str) -> None:
    assert found(f"{name}说", (name, "PER", 3.0)) == [(person, "PER", 3.0)]
    assert found(f"{name}说", (name, "BRAND", 3.0)) == [(name, "BRAND", 3.0)]


def test_the_rules_are_about_our_labels_a_label_of_another_corpus_may_hold_its_marks() -> None:
    """CLUENER marks 《借命而生》 as a book, with its marks, and a model learns that from it."""
    settings = Settings(labels=("book", "PER"))
    text = "读《借命而生》、《三体》"
    books = [(text.index(b), text.index(b) + len(b)) for b in ("《借命而生》", "《三体》")]
    both = (books[0][0], books[1][1])
    found = [(*edges, 0, 3.0) for edges in (*books, both, (books[0][0], books[0][1] - 1))]
    spans = [
        span.text for span, _ in decode.spans(text, found, settings, {"book": 0.0, "PER": 0.0})
    ]
    assert spans == ["《借命而生》、《三体》", "《借命而生》", "《借命而生", "《三体》"]


def test_two_names_joined_by_a_separator_are_two() -> None:
    text = "重庆轨道集团、中国邮政集团、西南大学来了"
    first, second, third = "重庆轨道集团", "中国邮政集团", "西南大学"
    parts = [(first, "ORG", 1.0), (second, "ORG", 1.0), (third, "ORG", 1.0)]
    assert found(text, *parts, (f"{first}、{second}", "ORG", 9.0)) == parts
    assert found(text, *parts, (f"{first}、{second}、{third}", "ORG", 9.0)) == parts
    # Where one half is no name of that label, the long one may be a name.
    whole = (f"{first}、{second}", "ORG", 9.0)
    assert found(text, parts[0], whole) == [whole, parts[0]]
    assert found(text, parts[0], (second, "BRAND", 1.0), whole)[0] == whole


def test_of_a_name_as_long_as_its_two_neighbours_it_or_its_tail_goes() -> None:
    text = "从首尔冲绳来"
    cities = [("首尔", "LOC", 5.0), ("冲绳", "LOC", 3.0)]
    assert found(text, *cities, ("首尔冲绳", "LOC", 2.0)) == cities
    text = "到广州白云机场"
    airport = ("广州白云机场", "LOC", 4.0)
    assert found(text, airport, ("广州", "LOC", 8.0), ("白云机场", "LOC", 1.0)) == [
        airport,
        ("广州", "LOC", 8.0),
    ]


def test_a_part_of_a_short_quoted_string_needs_more_to_be_a_name() -> None:
    for left, right in ("“”", "「」", '""'):
        text = f"开展{left}渝邻有爱{right}活动"
        assert found(text, ("渝邻", "LOC", 1.0)) == []
        assert found(text, ("渝邻有爱", "ORG", 1.0)) == [("渝邻有爱", "ORG", 1.0)]
        assert found(text, ("渝邻", "BRAND", 1.0)) == [("渝邻", "BRAND", 1.0)]
        assert found(text, ("渝", "LOC", 2.0)) == [("渝", "LOC", 0.5)]
    assert found("“我们在渝邻等你来喝茶”", ("渝邻", "LOC", 1.0)) == [("渝邻", "LOC", 1.0)]
    assert found("“绿蚂蚁”服务队", ("绿蚂蚁”服务队", "ORG", 1.0)) == [("绿蚂蚁”服务队", "ORG", 1.0)]


def test_a_place_that_only_begins_a_longer_one_needs_more_and_no_other_place_helps_it() -> None:
    text = "龙潭水乡在成都"
    resort = ("龙潭水乡", "LOC", 4.0)
    assert found(text, resort, ("龙潭", "LOC", 0.5)) == [resort]
    assert found(text, resort, ("龙潭", "LOC", 3.0)) == [resort, ("龙潭", "LOC", 2.0)]
    # Where it is the surer one nothing is taken from it; nor as an end, nor before another label.
    assert found(text, ("龙潭水乡", "LOC", 1.0), ("龙潭", "LOC", 2.0))[1] == ("龙潭", "LOC", 2.0)
    assert found(text, resort, ("水乡", "LOC", 0.5))[1] == ("水乡", "LOC", 0.5)
    assert found(text, ("龙潭水乡", "ORG", 4.0), ("龙潭", "LOC", 0.5))[1] == ("龙潭", "LOC", 0.5)
    body = ("龙潭", "ORG", 0.5)
    assert found(text, resort, ("龙潭", "LOC", 0.5), body) == [resort, body]

    text, place = "武汉市与武汉", LABELS.index("LOC")
    candidates = [(0, 3, place, 6.0), (0, 2, place, -1.0), (4, 6, place, 5.0)]
    spans = [span for span, _ in decode.spans(text, candidates, Settings(), ZERO)]
    assert [(span.start, span.text) for span in spans] == [(0, "武汉市"), (4, "武汉")]


def test_no_person_is_a_part_of_another() -> None:
    text = "邻居李某钏逃走"
    person = ("李某钏", "PER", 1.0)
    assert found(text, person, ("李某", "PER", 5.0)) == [person]
    assert found(text, ("李某钏", "ORG", 1.0), ("李某", "PER", 5.0))[1] == ("李某", "PER", 5.0)
    text = "王强、李敏来了"
    both = [("王强", "PER", 3.0), ("李敏", "PER", 3.0)]
    assert found(text, ("王强、李敏", "PER", 2.0), *both) == both


def test_a_body_with_its_place_before_it_is_one_name() -> None:
    text = "湖南省新田县人民医院来电"
    place, hospital = ("湖南省", "LOC", 5.0), ("湖南省新田县人民医院", "ORG", 1.0)
    inner = ("新田县人民医院", "ORG", 4.0)
    assert found(text, place, hospital, inner) == [hospital, place]
    # What stands before it is no place: two bodies.
    assert found(text, hospital, inner) == [hospital, inner]
    assert found(text, place, inner) == [place, inner]
