"""Forms of other tools: what goes out comes back, and what they write is read as they mean it."""

import datetime
import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.article import Article, Rejected, Span, outermost, outside_in, without_crossings
from ner.errors import NerError
from ner.formats import BY_WORDS, EXCHANGE, FORMATS, Item, Source, detect_form, open_source
from ner.formats.save import save
from ner.labels import LABELS
from ner.words import tokens

NASTY = [
    "𠮷",
    "👍🏽",
    "👨‍👩‍👧",
    "\r\n",
    "\n",
    "\r",
    "é",
    "\u202b",
    "\u200f",
    "\ufeff",
    "\u2028",
    "\x85",
]
NASTY += [
    "\\u0020",
    "\\n",
    "\t",
    " ",
    "\u3000",
    "# article = ",
    "“",
    '"',
    "O",
    "\x1c",
    "-DOCSTART-",
    "]",
]
words = st.sampled_from([*NASTY, *"南岸区后堡社区党委"]) | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8).map(
    str.strip
)
places = st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from(LABELS))
makers = st.tuples(
    st.floats(0, 1).map(lambda score: round(score, 4)), st.sampled_from(["news-0.1.0", "lac"])
) | st.just((1.0, ""))


@st.composite
def articles(draw: st.DrawFn) -> Article:
    """Any text with nested spans, a second label on some of them, by people and by models."""
    title = draw(lines)
    body = draw(st.lists(words, min_size=1, max_size=20).map("".join)) + "完"
    start = len(title) + 1 if title else 0
    text = f"{title}\n{body}" if title else body
    drawn = [
        Span(first, min(first + length, len(text)), label, *draw(makers))
        for first, length, label in draw(st.lists(places, max_size=12))
        if first < len(text)
    ]
    spans = without_crossings(drawn)
    if spans and draw(st.booleans()):
        spans.append(Span(spans[0].start, spans[0].end, LABELS[LABELS.index(spans[0].label) - 1]))
    return Article(
        id=draw(lines) or "a",
        text=text,
        title=title,
        body_start=start,
        paper=draw(lines),
        date=draw(st.none() | st.dates(min_value=datetime.date(1900, 1, 1))),
        page=draw(lines),
        section=draw(lines),
        spans=tuple(outside_in(spans)),
    )


def everything(item: Item) -> object:
    """An article with what its equality leaves out: scores and models."""
    assert isinstance(item, Article), str(item)
    return item, sorted((s, s.score, s.model) for s in item.spans)


def round_trip(name: str, given_articles: list[Article], folder: Path) -> list[Item]:
    form = FORMATS[name]
    assert form.write
    if not form.folder:
        data = b"".join(part.data for part in form.write(given_articles))
        return list(form.read(Source("x", data)))
    for part in form.write(given_articles):
        (folder / part.name).write_bytes(part.data)
    names = [part.name for part in form.write(given_articles) if part.name.endswith(".txt")]
    return [
        item
        for name in names
        for item in form.read(Source(str(folder / name), (folder / name).read_bytes()))
    ]


@pytest.mark.parametrize("name", [name for name in EXCHANGE if name not in ("bio", "bmes")])
@given(st.lists(articles(), min_size=1, max_size=3, unique_by=lambda article: article.id))
@settings(max_examples=25, deadline=None)
def test_nothing_is_lost(
    name: str, tmp_path_factory: pytest.TempPathFactory, many: list[Article]
) -> None:
    again = round_trip(name, many, tmp_path_factory.mktemp("out"))
    assert list(map(everything, again)) == list(map(everything, many))


@pytest.mark.parametrize("name", ["bio", "bmes"])
@given(many=st.lists(articles(), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_conll_keeps_the_text_and_the_outermost_and_counts_the_rest(
    name: str, many: list[Article]
) -> None:
    dropped: Counter[str] = Counter()
    write = FORMATS[name].write
    assert write
    data = b"".join(part.data for part in write(many, dropped))
    again = list(FORMATS[name].read(Source("x", data)))
    flat = [outermost(s for s in a.spans if "\n" not in a.text[s.start : s.end]) for a in many]
    assert [a.text for a in again] == [a.text for a in many]
    assert [(a.id, a.title, a.date, a.page) for a in again] == [
        (a.id, a.title, a.date, a.page) for a in many
    ]
    assert [list(a.spans) for a in again] == flat
    left_out = sum(len(a.spans) for a in many) - sum(map(len, flat))
    assert dropped["inner spans"] + dropped["spans over a line end"] == left_out


def read(name: str, data: str | bytes, file: str = "x") -> list[Item]:
    source = Source(file, data.encode() if isinstance(data, str) else data)
    assert file == "x" or detect_form(source) == name
    return list(FORMATS[name].read(source))


def names(item: Item) -> list[tuple[str, str]]:
    assert isinstance(item, Article), str(item)
    return [(item.text[span.start : span.end], span.label) for span in item.spans]


def why(item: Item) -> str:
    assert isinstance(item, Rejected)
    return str(item)


def test_doccano_counts_in_utf16_units() -> None:
    first, second, third = read(
        "doccano",
        '{"id": 12, "text": "👍𠮷林村在重庆", "label": [[2, 6, "LOC"], [7, 9, "LOC"]], "paper": "江州日报",'
        ' "Comments": []}\n'
        '{"id": 13, "text": "👍重庆", "relations": [], "Comments": [{"id": 1, "comment": "疑"}],'
        ' "entities": [{"id": 5, "label": "LOC", "start_offset": 2, "end_offset": 4}]}\n'
        '{"id": 14, "text": "👍重庆", "label": [[1, 4, "LOC"]]}\n',
        "export.jsonl",
    )
    assert names(first) == [("𠮷林村", "LOC"), ("重庆", "LOC")]
    assert isinstance(first, Article) and (first.id, first.paper) == ("12", "江州日报")
    assert names(second) == [("重庆", "LOC")]
    assert "export.jsonl:3: offset 1 is within a character" in why(third)


def test_scores_come_back_from_doccano_to_the_spans_that_nobody_moved() -> None:
    article = Article(id="1", text="南岸区后堡社区", spans=(Span(0, 3, "LOC", 0.5, "news-0.1.0"),))
    [part] = FORMATS["doccano"].write([article])  # type: ignore[misc]
    row = json.loads(part.data)
    row["label"] = [[0, 3, "LOC"], [3, 7, "LOC"]]
    [again] = read("doccano", json.dumps(row))
    assert isinstance(again, Article)
    assert [(s.score, s.model) for s in again.spans] == [(0.5, "news-0.1.0"), (1.0, "")]


TASK = """[{"id": 1, "data": {"text": "👍重庆的法院"}, "annotations": [
 {"id": 9, "was_cancelled": true, "result": []},
 {"id": 10, "completed_by": 1, "was_cancelled": false, "ground_truth": true, "result": [
  {"value": {"start": %d, "end": %d, "text": "重庆", "labels": ["LOC"]}, "id": "gew3t9", "from_name": "label",
   "to_name": "text", "type": "labels", "origin": "manual"},
  {"value": {"choices": ["好"]}, "from_name": "kind", "to_name": "text", "type": "choices"}]},
 {"id": 11, "result": [{"value": {"start": 1, "end": 3, "text": "👍", "labels": ["PER"]},
  "type": "labels"}]}],
 "predictions": [{"model_version": "m-1", "result": []}]}]"""


def test_label_studio_counts_code_points_and_its_old_exports_utf16_units() -> None:
    for start, end in ((1, 3), (2, 4)):
        dropped: Counter[str] = Counter()
        [item] = FORMATS["label-studio"].read(
            Source("x", (TASK % (start, end)).encode()), {}, dropped
        )
        assert names(item) == [("重庆", "LOC")]
        assert +dropped == {
            "skipped annotations": 1,
            "regions of type 'choices'": 1,
            "other annotations of a task": 1,
            "other predictions of a task": 1,
        }
    [wrong] = read("label-studio", TASK % (3, 5))
    assert "x:task 1: span 3:5 should be '重庆'" in why(wrong)
    with pytest.raises(NerError, match="not JSON"):
        read("label-studio", "[{")


def test_brat(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_bytes("渝北区\r\n人民法院，法官陈晓".encode())
    (tmp_path / "a.ann").write_text(
        "T1\tORG 0 3;5 9\t渝北区 人民法院\nT2\tLOC 0 3\t渝北区\nT3\tPER 12 14\t陈晓\n"
        "R1\tWorksAt Arg1:T3 Arg2:T1\nA1\tSure T3\n#1\tAnnotatorNotes T3\t是不是法官？\n",
        encoding="utf-8",
    )
    dropped: Counter[str] = Counter()
    source = open_source(text)
    assert detect_form(source) == "brat"
    [item] = FORMATS["brat"].read(source, {}, dropped)
    assert names(item) == [("渝北区\r\n人民法院", "ORG"), ("渝北区", "LOC"), ("陈晓", "PER")]
    assert +dropped == {"relations": 1, "attributes": 1, "notes": 1}

    for line, said in [
        ("T1\tORG 0 3;7 9\t渝北区 法院", "a.ann:2: discontinuous span 0 3;7 9"),
        ("T1\tLOC 1 4\t渝北区", "a.ann:2: '渝北区' is not what stands there"),
        ("T1 LOC 0 3", "is not a text-bound annotation"),
    ]:
        (tmp_path / "a.ann").write_text(f"T9\tLOC 0 3\t渝北区\n{line}\n", encoding="utf-8")
        assert said in why(next(iter(FORMATS["brat"].read(source))))


def test_brat_takes_an_article_once() -> None:
    article = Article(id="1", text="文")
    with pytest.raises(NerError, match="comes twice"):
        list(FORMATS["brat"].write([article, article]))  # type: ignore[misc]


def test_conll_of_others_is_read_by_sentence_or_by_document() -> None:
    bio = "重 B-LOC\n庆 I-LOC\n人 O\n\n陈\tB-PER\n林\tB-PER\n\n坏的一行\n好 O\n"
    first, second, third = read("bio", bio, "msra.bio")
    assert names(first) == [("重庆", "LOC")]
    assert names(second) == [("陈", "PER"), ("林", "PER")]
    assert why(third).startswith("msra.bio:8: '坏的一行' is not a token with a tag")
    bmes = "-DOCSTART- -X- O O\n\n渝 NR B-ORG\n北 NR M-ORG\n院 NN E-ORG\n\n陈 NR S-PER\n"
    [whole] = read("bio", bmes)
    assert names(whole) == [("渝北院", "ORG"), ("陈", "PER")]
    assert isinstance(whole, Article) and whole.text == "渝北院\n陈"


def test_a_docbin_of_anybody(tmp_path: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    doc = spacy.blank("en")("Chongqing 重庆 is a city")
    doc.ents = [doc.char_span(10, 12, "LOC")]
    DocBin(docs=[doc]).to_disk(tmp_path / "a.spacy")
    [item] = read("docbin", (tmp_path / "a.spacy").read_bytes(), "a.spacy")
    assert names(item) == [("重庆", "LOC")]
    with pytest.raises(NerError, match=r"a\.spacy: is no DocBin"):
        read("docbin", b"no", "a.spacy")


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        ([{"type": "TextPositionSelector", "start": 4, "end": 6}], "重庆"),
        ([{"type": "TextPositionSelector", "start": 5, "end": 7}, "quote"], "重庆"),  # UTF-16
        ([{"type": "TextPositionSelector", "start": 90, "end": 92}, "quote"], "重庆"),
        (["quote"], "重庆"),
    ],
)
def test_a_web_annotation_is_found_by_position_or_by_quote(
    selectors: list[object], found: str
) -> None:
    quote = {"type": "TextQuoteSelector", "exact": "重庆", "prefix": "👍", "suffix": "好"}
    page = {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "AnnotationPage",
        "ner:source": {"value": "重庆的👍重庆好"},
        "items": [
            {
                "type": "Annotation",
                "motivation": "tagging",
                "body": {"type": "TextualBody", "value": "LOC"},
                "target": {"selector": [quote if one == "quote" else one for one in selectors]},
            },
            {"type": "Annotation", "body": {"type": "TextualBody", "value": "好文"}},
        ],
    }
    dropped: Counter[str] = Counter()
    data = json.dumps(page, indent=1).encode()
    assert detect_form(Source("x", data)) == "web-annotation"
    [item] = FORMATS["web-annotation"].read(Source("x", data), {}, dropped)
    assert names(item) == [(found, "LOC")] and isinstance(item, Article)
    assert item.spans[0].start == 4
    assert dropped["annotations without a label"] == 1


def test_a_quote_that_stands_twice_is_refused() -> None:
    quote = {"type": "TextQuoteSelector", "exact": "重庆"}
    note = {"body": {"purpose": "tagging", "value": "LOC"}, "target": {"selector": quote}}
    page = {"@context": "x", "ner:source": {"value": "重庆重庆"}, "items": [note]}
    [item] = read("web-annotation", json.dumps(page))
    assert "the quote '重庆' stands more than once" in why(item)


@pytest.mark.parametrize("name", ["jsonl", "doccano", "web-annotation"])
def test_a_bad_line_costs_one_article(name: str) -> None:
    good = b"".join(part.data for part in FORMATS[name].write([Article(id="1", text="文")]))  # type: ignore[misc]
    first, bad, last = read(name, good + b'{"id": "2", "spans": 4}\n' + good, "x.jsonl")
    assert isinstance(first, Article) and isinstance(last, Article)
    assert why(bad).startswith("x.jsonl:2: ")


def cut(text: str) -> list[tuple[int, int]]:
    """Words for a test: runs of up to three characters that are no white space."""
    return [match.span() for match in re.finditer(r"\S{1,3}", text)]


@settings(max_examples=40)
@given(articles(), st.sampled_from(BY_WORDS))
def test_forms_by_words_give_the_text_back_and_keep_names_that_fit_no_word(
    article: Article, form: str
) -> None:
    write = FORMATS[form].write
    assert write
    data = b"".join(part.data for part in write([article], Counter(), cut))
    [back] = FORMATS[form].read(Source(f"x.{form}", data))
    assert isinstance(back, Article), back
    assert back.text == article.text
    edges = {edge for word in tokens(article.text, cut) for edge in word}
    fit = [s for s in article.spans if {s.start, s.end} <= edges]
    kept = {(s.start, s.end, s.label) for s in back.spans}
    in_line = [s for s in article.spans if "\n" not in article.text[s.start : s.end]]
    whole = article.spans if form == "docbin" else [s for s in in_line if s not in fit]
    assert {(s.start, s.end, s.label) for s in whole} <= kept
    assert kept <= {(s.start, s.end, s.label) for s in article.spans}


def test_words_are_the_tokens_of_a_doc() -> None:
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    article = Article(
        id="1", text="南岸区人民法院 来人", spans=(Span(0, 3, "LOC"), Span(4, 7, "ORG"))
    )
    write = FORMATS["docbin"].write
    assert write
    [part] = write([article], Counter(), cut)
    [doc] = DocBin().from_bytes(part.data).get_docs(Vocab())
    assert [token.text for token in doc] == ["南岸区", "人民法", "院", " ", "来人"]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("南岸区", "LOC")]
    assert doc.user_data["misaligned"] == ((4, 7, "ORG", 1.0, ""),)


@pytest.mark.parametrize("form", EXCHANGE)
def test_a_long_article_is_written_in_time_that_grows_with_its_length(
    form: str, tmp_path: Path
) -> None:
    """A supplement of 200,000 characters; 20,000 spans squared would take minutes."""
    text = "重庆市南岸区的陈晓说好。" * 20_000
    starts = range(0, 12 * 10_000, 12)
    spans = [Span(start, start + length, "LOC") for start in starts for length in (3, 6)]
    article = Article("a", text[:200_000], spans=tuple(spans))
    started = time.process_time()
    save(form, [article], tmp_path / form)
    assert time.process_time() - started < 15
