"""Words: the shipped model, one trained here, and what words say of spans."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ner import corpus
from ner.article import Span, check_spans, without_crossings
from ner.cli import app
from ner.errors import NerError
from ner.labels import LABELS
from ner.training.words import (
    Segmented,
    evaluate,
    read_segmented,
    train_word_model,
    with_names,
)
from ner.words import Word, load, snap, word_tokens

SEGMENT = load()
TEXT = "昨天，重庆市南岸区的居民 在小广场看了电影。\n“邻里汇”开了三天！"
SENTENCE = "昨天|南岸区|的|居民|在|小广场|看|电影|。"
WORDS = [(0, 2), (2, 5), (5, 6), (6, 8), (8, 9), (9, 12), (12, 13), (13, 15), (15, 16)]
SURFACE = SENTENCE.replace("|", "")


def surfaces(text: str, words: Sequence[Word]) -> list[str]:
    return [text[start:end] for start, end in words]


def test_the_shipped_model_cuts_news_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    segment = load()
    words = surfaces(TEXT, segment(TEXT))
    assert {"昨天", "的", "居民", "在", "电影"} <= set(words)
    assert "".join(words) == "".join(TEXT.split())
    assert segment("") == segment(" \n") == []
    assert capfd.readouterr() == ("", "")


def test_the_shipped_model_knows_the_words_of_held_out_articles() -> None:
    """Its card says how well; a name of our dev articles seldom ends inside one of its words."""
    articles = list(corpus.read([ROOT / "data/annotations/dev.jsonl"]))[:10]
    spans = sum(len(article.spans) for article in articles)
    found = sum(len(word_tokens(a.spans, SEGMENT(a.text)).misaligned) for a in articles)
    assert 0 < found < 0.25 * spans


@given(st.text(alphabet="重庆市的在看了。！” \u3000\n\t\x1c𠮷é\u0301🙂a1/*|,", max_size=60))
def test_words_cover_all_but_white_space_in_order(text: str) -> None:
    words = SEGMENT(text)
    assert "".join(surfaces(text, words)) == "".join(text.split())
    assert words == sorted(words) and all(start < end for start, end in words)


def test_what_stands_around_a_sentence_changes_nothing() -> None:
    assert surfaces(f"{TEXT}\n{TEXT}", SEGMENT(f"{TEXT}\n{TEXT}")) == 2 * surfaces(
        TEXT, SEGMENT(TEXT)
    )


@pytest.mark.parametrize(
    ("drawn", "suggested"),
    [
        ((2, 4), (2, 5)),  # 南岸 → 南岸区
        ((1, 5), (0, 5)),  # half a word: outwards
        ((4, 8), (5, 8)),  # a third of a word: inwards
        ((10, 11), (9, 12)),  # within one word: inwards would leave nothing
        ((2, 5), None),
        ((2, 8), None),
    ],
)
def test_a_boundary_inside_a_word_moves_to_its_edge(drawn: Word, suggested: Word | None) -> None:
    found = snap([Span(*drawn, "LOC")], WORDS)
    assert [(s.suggested.start, s.suggested.end) for s in found] == (
        [suggested] if suggested else []
    )


def test_no_suggestion_crosses_or_repeats_another_span() -> None:
    outer, inner = Span(2, 5, "ORG"), Span(2, 4, "LOC")
    assert snap([outer, inner], WORDS) == []  # 南岸 would become 南岸区, which is there


words_of_thirty = st.sets(st.integers(1, 29)).map(
    lambda cuts: list(zip([0, *sorted(cuts)], [*sorted(cuts), 30]))
)
some_spans = st.lists(
    st.builds(
        lambda start, length, label: Span(start, min(30, start + length), label),
        st.integers(0, 29),
        st.integers(1, 9),
        st.sampled_from(LABELS),
    ),
    max_size=8,
).map(without_crossings)


@given(some_spans, words_of_thirty, st.data())
def test_any_part_of_the_suggestions_may_be_accepted(
    spans: list[Span], words: list[Word], data: st.DataObject
) -> None:
    snaps = snap(spans, words)
    accepted = {s.span: s.suggested for s in snaps if data.draw(st.booleans())}
    check_spans([accepted.get(span, span) for span in spans], "字" * 30)


@given(some_spans, words_of_thirty, st.sampled_from(["bio", "bmes"]))
def test_every_span_is_tagged_inner_or_listed(
    spans: list[Span], words: list[Word], scheme: str
) -> None:
    made = word_tokens(spans, words, scheme)  # type: ignore[arg-type]
    assert sorted([*made.tagged, *made.inner, *made.misaligned]) == sorted(spans)
    assert [(token.start, token.end) for token in made.tokens] == words
    edges = {0, *(end for _, end in words)}
    assert all({span.start, span.end} <= edges for span in (*made.tagged, *made.inner))
    assert not any({span.start, span.end} <= edges for span in made.misaligned)
    begins = [token.start for token in made.tokens if token.tag[:2] in ("B-", "S-")]
    assert begins == [span.start for span in made.tagged]


def test_word_tokens_in_both_schemes() -> None:
    spans = [Span(2, 5, "LOC"), Span(8, 13, "ORG"), Span(9, 12, "LOC"), Span(13, 14, "PER")]
    bio, bmes = (word_tokens(spans, WORDS, scheme) for scheme in ("bio", "bmes"))
    assert " ".join(t.tag for t in bio.tokens) == "O B-LOC O O B-ORG I-ORG I-ORG O O"
    assert " ".join(t.tag for t in bmes.tokens) == "O S-LOC O O B-ORG M-ORG E-ORG O O"
    assert bio.inner == (Span(9, 12, "LOC"),) and bio.misaligned == (Span(13, 14, "PER"),)


@pytest.fixture
def segmented(tmp_path: Path) -> Path:
    path = tmp_path / "words.jsonl"
    people, acts = ("居民", "老师", "医生", "工人"), ("看", "说起", "带来", "修好")
    lines = []
    for number in range(160):
        surface = [SURFACE[:5], "的", people[number % 4], acts[number // 4 % 4], "电影", "。"]
        edges = [sum(map(len, surface[:n])) for n in range(len(surface) + 1)]
        words = [[start, end, "n"] for start, end in itertools.pairwise(edges)]
        lines.append(json.dumps({"text": "".join(surface), "words": words}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_model_is_trained_by_the_command_and_loaded_from_its_folder(
    segmented: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tiny"
    options = [
        "--output",
        str(folder),
        "--held-out",
        "200",
        "--iterations",
        "3",
        "--min-count",
        "1",
    ]
    result = CliRunner().invoke(app, ["train-words", str(segmented), *options])
    assert result.exit_code == 0, result.output
    assert "word F1 100.00" in result.stderr
    assert capfd.readouterr().out == ""
    assert sorted(p.name for p in folder.iterdir()) == ["features.msgpack", "weights.npz"]
    assert surfaces("昨天南岸区的医生说起电影。", load(folder)("昨天南岸区的医生说起电影。"))[
        1:
    ] == [
        "的",
        "医生",
        "说起",
        "电影",
        "。",
    ]


def test_a_name_is_one_word_and_its_edges_are_words_edges() -> None:
    words = [(0, 2), (2, 4), (4, 8), (8, 12)]
    spans = [Span(0, 10, "ORG"), Span(0, 3, "LOC"), Span(3, 6, "LOC")]
    assert with_names(words, spans) == [(0, 3), (3, 6), (6, 8), (8, 10), (10, 12)]


def test_a_count_of_words(segmented: Path) -> None:
    counts, _ = evaluate(lambda text: [(0, 2), (2, 5)], [Segmented("昨天南岸区", ((0, 5),))])
    assert (counts.right, counts.predicted, counts.gold) == (0, 2, 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"words": [[0, 1]]}', "has no text"),
        ('{"text": "昨天", "words": [[0, 3]]}', "words overlap, are out of order, or end past"),
        ('{"text": "昨天", "words": [[1, 2], [0, 1]]}', "words overlap, are out of order"),
        ("{", "JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "words.jsonl"
    path.write_text(f'{{"text": "昨天", "words": [[0, 2]]}}\n{line}\n', encoding="utf-8")
    with pytest.raises(NerError, match=message) as caught:
        list(read_segmented([path]))
    assert caught.value.where == f"{path}:2"


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="nothing is left to train on"):
        train_word_model([Segmented("昨天", ((0, 2),))], tmp_path / "model", held_out=100)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_had_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from spacy_pkuseg.config import config

    with pytest.raises(NerError, match="no word model 'nothing' .give a folder, or one of words,"):
        load("nothing")
    with pytest.raises(NerError, match="no word model can be read here"):
        load(tmp_path)
    (tmp_path / "features.msgpack").write_bytes(b"\xc1")
    with pytest.raises(NerError, match="no word model can be read here"):
        load(tmp_path)
    # The library's own download, from an address where nobody answers.
    monkeypatch.setattr(config, "pkuseg_home", str(tmp_path / "home"))
    monkeypatch.setitem(config.model_urls, "web", "http://127.0.0.1:9/web.zip")
    with pytest.raises(NerError, match="could not download .*fetch http://127.0.0.1:9/web.zip"):
        load("web")
    assert capfd.readouterr() == ("", "")


def test_suggestions_on_the_command_line_leave_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "drawn.jsonl"
    row = {"id": "1", "text": "昨天，居民看了电影。", "spans": [[4, 8, "PER"]]}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    before = path.read_bytes()
    result = CliRunner().invoke(app, ["corpus", "snap", str(path)])
    assert result.exit_code == 0, result.output
    [change] = map(json.loads, result.stdout.splitlines())
    assert change["text"] == "民看了电" and change["suggested_text"] == "居民看了电影"
    assert "1 suggestion\n" in result.stderr
    assert path.read_bytes() == before
