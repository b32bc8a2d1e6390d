"""Our own annotated articles, and what is read and counted of a corpus."""

from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

from ner import corpus
from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.formats import dump, normalise

FILES = {part: ROOT / f"data/annotations/{part}.jsonl" for part in ("train", "dev", "test")}
PARTS = {part: list(corpus.read([path])) for part, path in FILES.items()}
ARTICLES = [article for part in PARTS.values() for article in part]
MARKS = "“”‘’「」『』\"'，。、；：？！,.;:?!()（）《》 \n"


def test_it_is_as_large_as_its_readme_says() -> None:
    readme = (ROOT / "data/annotations/README.md").read_text(encoding="utf-8")
    for part, articles in PARTS.items():
        figures = corpus.statistics(articles)
        row = f"| {part} | {figures.articles} | {figures.characters:,} |"
        counts = " | ".join(str(figures.labels[label]) for label in ("PER", "LOC", "ORG", "BRAND"))
        assert (
            f"{row} {counts} | {figures.nested} | {figures.quoted} | {figures.quoted_brands} |"
            in readme
        )
    whole = corpus.statistics(ARTICLES)
    assert whole.articles >= 60 and whole.characters >= 25_000


def test_no_article_stands_twice() -> None:
    assert [i for i, n in Counter(a.id for a in ARTICLES).items() if n > 1] == []
    assert [a for a, n in Counter(a.text_hash for a in ARTICLES).items() if n > 1] == []
    # Nor any paragraph of length: a test article must not be half in train.
    lines = Counter(line for a in ARTICLES for line in set(a.text.split("\n")) if len(line) > 30)
    assert [line for line, n in lines.items() if n > 1] == []


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_spans_begin_and_end_with_the_name(article: Article) -> None:
    # Offsets, nesting and duplicates were checked when the article was made.
    assert article.title and article.date and article.paper
    assert article.text == normalise(article.text)
    for span in article.spans:
        surface = article.text[span.start : span.end]
        assert surface[0] not in MARKS and surface[-1] not in MARKS, surface


def test_statistics() -> None:
    text = "“一表通”和‘晴雨表’在南岸区法院"
    spans = (Span(1, 4, "BRAND"), Span(11, 16, "ORG"), Span(11, 14, "LOC"))
    figures = corpus.statistics([Article(id="1", text=text, spans=spans)])
    assert (figures.quoted, figures.quoted_brands, figures.nested) == (2, 1, 1)
    assert figures.characters == len(text)
    # Of two labels on the same offsets each is inside the other.
    twice = (Span(0, 5, "LOC"), Span(0, 5, "ORG"), Span(5, 6, "PER"))
    assert corpus.statistics([Article(id="1", text=text, spans=twice)]).nested == 2


def test_quotes_teach_that_their_string_is_a_brand_or_is_none(tmp_path: Path) -> None:
    rows = [
        {"string": "一表通", "class": "BRAND", "contexts": ["他说“一表通”省事。", "没有一表通"]},
        {"string": "连心桥", "class": "OTHER", "contexts": ["成了“连心桥”。"]},
    ]
    (tmp_path / "q.jsonl").write_text("".join(map(dump, rows)), "utf-8")
    brand, other = corpus.read_quotes(tmp_path / "q.jsonl")
    assert (brand.text, brand.spans, brand.known) == (
        "他说“一表通”省事。",
        (Span(3, 6, "BRAND"),),
        (3, 6),
    )
    assert (other.text, other.spans, other.known) == ("成了“连心桥”。", (), (3, 6))


def test_quotes_within_quotes_are_found() -> None:
    text = "“进了‘渝快政’的‘一表通’里”"
    assert [text[start:end] for start, end in corpus.quoted(text)] == [
        text[1:-1],
        "渝快政",
        "一表通",
    ]


def test_a_corpus_line_whose_span_covers_another_string_is_refused(tmp_path: Path) -> None:
    line = '{"id": "1", "text": "渝北区的刘芳说", "spans": [{"start": 4, "end": 5, "label": "PER", '
    (tmp_path / "a.jsonl").write_text(f'{line}"text": "刘芳"}}]}}\n', "utf-8")
    [rejected] = corpus.entries([tmp_path / "a.jsonl"])
    assert "a.jsonl:1: span 4:5 PER should be '刘芳', but '刘' stands there" in str(rejected)


@pytest.mark.parametrize(
    "line",
    [
        '{"string": "一表通", "class": "BRAND"}',
        '{"string": "", "class": "BRAND", "contexts": []}',
        '{"string": "一表通", "class": "BRAND", "contexts": "他说“一表通”"}',
        '{"string": "一表通", "class": "BRAND", "contexts": [3]}',
        '{"string": 7, "class": "BRAND", "contexts": []}',
    ],
)
def test_a_bad_line_of_quotes_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "q.jsonl").write_text(line, "utf-8")
    with pytest.raises(
        NerError, match=r"q\.jsonl:1: is not a quoted string with its class and con"
    ):
        list(corpus.read_quotes(tmp_path / "q.jsonl"))


@pytest.mark.parametrize(
    "more", ['"label": [[0, 2, "PER"]]', '"paper": "江州日报"', '"spans": null']
)
def test_a_line_without_spans_is_not_an_article_without_names(tmp_path: Path, more: str) -> None:
    """Another tool's export would be learnt from and scored as if nothing were there."""
    file = tmp_path / "a.jsonl"
    none = '{"id": "2", "text": "晴。", "spans": []}\n'
    file.write_text(f'{{"id": "1", "text": "刘芳说", {more}}}\n{none}', "utf-8")
    rejected, entry = corpus.entries([file])
    assert isinstance(rejected, Rejected) and rejected.id == "1"
    assert str(rejected).startswith(f"{file}:1: is not annotated: it has no 'spans'")
    assert "ner corpus convert" in rejected.remedy
    assert isinstance(entry, corpus.Entry)
    with pytest.raises(NerError, match="is not annotated"):
        list(corpus.read([file]))
    assert [each.id for each in corpus.read([file], annotated=False)] == ["1", "2"]
