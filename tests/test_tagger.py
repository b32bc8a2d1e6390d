"""The shipped model, and the pipeline around any model."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from ner import corpus
from ner.article import Article, Rejected, Span, check_spans
from ner.errors import NerError
from ner.evaluation.score import table
from ner.labels import LABELS
from ner.tagger import checksums
from ner.tagger.component import SpanTagger
from ner.tagger.features import MAX_SPAN_LENGTH, Characters
from ner.tagger.loading import Tagger, load
from ner.tagger.registry import find_model
from ner.tagger.settings import FORMAT, Settings

DEV = str(ROOT / "data/annotations/dev.jsonl")
# Ours, and in no training file.
TEXT = (
    "昨天,家住南岸区南坪街道后堡社区的居民向社区反映路灯不亮。市委社会工作部的干部来到“渝邻汇”服务站,"
    "按照“三事分流”工作法当天办结,并把结果录入“一表通”。大家说,这里的意见簿成了民情的“晴雨表”。"
)


def surfaces(text: str, spans: list[Span], label: str) -> list[str]:
    return [text[span.start : span.end] for span in spans if span.label == label]


def test_the_shipped_model_knows_what_it_is_for(tagger: Tagger) -> None:
    [spans] = tagger.tag([TEXT])
    assert {"南岸区", "南坪街道", "后堡社区"} <= set(surfaces(TEXT, spans, "LOC"))
    assert "市委社会工作部" in surfaces(TEXT, spans, "ORG")
    assert surfaces(TEXT, spans, "BRAND") == ["渝邻汇", "三事分流", "一表通"]


@pytest.mark.parametrize("model", ["news", "news-fast"])
def test_full_width_and_traditional_text_gets_the_same_spans(model: str) -> None:
    traditional = (
        "昨天，家住南岸區南坪街道後堡社區的居民向社區反映路燈不亮。市委社會工作部的幹部來到「渝鄰匯」服務站，"
        "按照「三事分流」工作法當天辦結，並把結果錄入「一表通」。大家說，這裡的意見簿成了民情的「晴雨表」。"
    )
    one, other = (
        [(span.start, span.end, span.label, span.score) for span in spans]
        for spans in load(model).tag([TEXT, traditional])
    )
    assert one == other


def test_names_nest(tagger: Tagger) -> None:
    text = "重庆市渝北区人民法院昨天公开审理此案。"
    [spans] = tagger.tag([text])
    assert "重庆市渝北区人民法院" in surfaces(text, spans, "ORG")
    assert {"重庆市", "渝北区"} <= set(surfaces(text, spans, "LOC"))


@settings(deadline=None, max_examples=40)
@given(
    texts=st.lists(
        st.text(st.sampled_from([*list(TEXT), "\n", "👍", "𠮷", "\x00", "a"]), max_size=80)
    )
)
def test_any_text_gets_legal_spans(texts: list[str]) -> None:
    for text, spans in zip(texts, load_once().tag(texts), strict=True):
        check_spans(spans, text)
        assert all(0 < span.score < 1 for span in spans)


def load_once() -> Tagger:
    global _tagger
    _tagger = _tagger or load()
    return _tagger


_tagger: Tagger | None = None


def test_where_a_text_is_cut_and_who_its_neighbours_are_changes_nothing(tagger: Tagger) -> None:
    # With 997 characters of lead-in, names fall on every side of window edges.
    texts = [TEXT * 12, "字" * 997 + TEXT, TEXT, "", "重庆"]
    alone = [next(tagger.tag([text])) for text in texts]
    assert list(tagger.tag(texts * 20)) == alone * 20
    [first] = tagger.tag([TEXT + "\n" + TEXT])
    half = len(TEXT) + 1
    again = [Span(s.start - half, s.end - half, s.label) for s in first if s.start >= half]
    assert again == [s for s in first if s.end <= len(TEXT)] == alone[2]


def test_windows_see_as_far_as_the_network_reaches(tagger: Tagger) -> None:
    """A long text cut into windows must give what one window over all of it gives."""
    text = (TEXT + "另一段话没有名字。\n") * 20
    component = tagger.component
    assert len(text) > 2 * component.settings.core
    cut = component.predict([text])
    kept = component.settings
    try:
        component.settings = kept.model_copy(update={"core": len(text)})
        whole = component.predict([text])
    finally:
        component.settings = kept
    assert cut == whole


def test_no_span_is_longer_than_any_the_network_was_trained_on() -> None:
    component = SpanTagger()
    everything = np.indices((1, 4, 64, 64)).reshape(4, -1)
    table = Characters.read(ROOT / "configs/characters.txt")
    component.set_network(
        Settings(), table, lambda ids, floors: (everything, np.ones(everything.shape[1]))
    )
    [spans] = component.predict(["字" * 60])
    assert max(span.end - span.start for span in spans) == MAX_SPAN_LENGTH


def test_one_text_or_several(tagger: Tagger) -> None:
    [spans] = tagger.tag([TEXT])
    assert tagger(TEXT) == spans and tagger("") == []
    assert all(span.text == TEXT[span.start : span.end] for span in spans)
    for wrong in (TEXT, TEXT.encode(), None):
        with pytest.raises(TypeError, match=r"several texts, not one .*tagger\(text\)"):
            tagger.tag(wrong)  # type: ignore[arg-type]
    for item in (None, 3, TEXT.encode()):
        with pytest.raises(TypeError, match="a text is a str, not"):
            list(tagger.tag([TEXT, item]))  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a text is a str, not NoneType"):
        tagger(None)  # type: ignore[arg-type]


def test_the_first_answer_comes_before_everything_is_read(tagger: Tagger) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield TEXT

    next(tagger.tag(texts()))
    assert read < 250
    articles = (Article(id=str(number), text=text) for number, text in enumerate(texts()))
    read = 0
    next(tagger.pipe(articles))
    assert read < 250


def test_articles_keep_their_place_and_the_rejected_pass(tagger: Tagger) -> None:
    rejected = Rejected("x", "f:2", "not JSON")
    article = Article(id="1", text=TEXT, spans=(Span(0, 1, "PER"),))
    [first, second] = tagger.pipe([article, rejected])
    assert second is rejected
    assert isinstance(first, Article)
    assert {span.model for span in first.spans} == {str(tagger)}


def test_the_model_is_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model("news") == ROOT / "models" / find_model("news").name
    assert str(load(find_model("news"))) == find_model("news").name


def test_no_name_and_a_folder_of_something_else_are_no_model(tmp_path: Path) -> None:
    """An empty variable in a script is no wish for whatever model there is."""
    with pytest.raises(NerError, match="no model is named"):
        find_model("")
    with pytest.raises(NerError) as caught:
        find_model(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: holds no model: there is no meta.json")
    assert "installed: news-" in caught.value.remedy


def test_an_unknown_model_names_the_ones_there_are() -> None:
    with pytest.raises(NerError, match=r"no model 'nws' .installed: news-"):
        load("nws")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped model without the list of its hashes."""
    folder = Path(shutil.copytree(find_model(), tmp_path / "copy"))
    (folder / checksums.NAME).unlink()
    return folder


def test_another_pipeline_of_spacys_is_not_called_damaged(tmp_path: Path) -> None:
    spacy.blank("zh").to_disk(tmp_path / "theirs")
    with pytest.raises(NerError, match="is a spaCy pipeline without our span tagger"):
        load(tmp_path / "theirs")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "span_tagger/network.onnx",
            b"no network",
            "network cannot be read.*damaged; install it again",
        ),
        ("span_tagger/network.onnx", None, "the model is damaged"),
        ("span_tagger/settings.json", b"{", "the model is damaged"),
        ("span_tagger/settings.json", b"[" * 100_000, "the model is damaged"),
        ("span_tagger/characters.txt", None, "the model is damaged"),
        ("span_tagger/characters.txt", b"\xff\xfe", "cannot read the character table"),
        ("span_tagger/characters.txt", "省省".encode(), "in two rows of the character table"),
        ("config.cfg", b"[nlp", "the model is damaged"),
        ("meta.json", b"[]", "the model is damaged"),
        ("vocab/lookups.bin", b"\xc1\xff", "the model is damaged"),
    ],
)
def test_a_damaged_model_is_said_to_be(
    copy: Path, file: str, content: bytes | None, said: str
) -> None:
    if content is None:
        (copy / file).unlink()
    else:
        (copy / file).write_bytes(content)
    with pytest.raises(NerError, match=said) as error:
        load(copy)
    assert str(copy) in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("core", 0),
        ("core", -5),
        ("core", 10**9),
        ("core", "1024"),
        ("core", True),
        ("context", 0),
        ("labels", []),
        ("labels", ["PER", "PER", "ORG", "LOC"]),
        ("labels", "PER"),
        ("calibration", {"PER": [0.0, 1.0]}),
        ("calibration", {"PER": [1.0]}),
        ("thresholds", {"PER": float("nan")}),
        ("thresholds", {"PLACE": 0.0}),
        ("format", "3"),
        ("unheard", 1),
    ],
)
def test_settings_that_mean_nothing_are_damage(copy: Path, field: str, value: object) -> None:
    path = copy / "span_tagger/settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(NerError, match=f"the model is damaged: .*{field}|stands twice|PLACE|none"):
        load(copy)


@pytest.mark.parametrize("labels", [["PER"], ["PER", "LOC", "ORG", "BRAND", "WORK"]])
def test_labels_that_are_not_the_networks_are_damage(copy: Path, labels: list[str]) -> None:
    path = copy / "span_tagger/settings.json"
    settings = {**json.loads(path.read_text()), "thresholds": {}, "calibration": {}}
    path.write_text(json.dumps({**settings, "labels": labels}))
    with pytest.raises(NerError, match="other characters or labels than are listed"):
        load(copy)


def test_a_character_too_many_is_damage(copy: Path) -> None:
    with (copy / "span_tagger/characters.txt").open("a", encoding="utf-8") as file:
        file.write("𠮷\n")
    with pytest.raises(NerError, match="other characters or labels than are listed"):
        load(copy)


@pytest.mark.parametrize("through", [load, spacy.load])
def test_one_flipped_bit_is_found_at_loading(tmp_path: Path, through: Any) -> None:
    folder = Path(shutil.copytree(find_model(), tmp_path / "copy"))
    through(folder)
    file = folder / "span_tagger/network.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(
        NerError, match="the model is damaged: span_tagger/network.onnx has changed"
    ):
        through(folder)


def test_a_model_from_the_future_asks_for_an_upgrade(copy: Path) -> None:
    path = copy / "span_tagger/settings.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "format": FORMAT + 1}))
    with pytest.raises(NerError, match="newer than.*upgrade ner"):
        load(copy)


def test_other_bytes_are_another_model(copy: Path) -> None:
    before = load(copy).hash
    assert before == load(copy).hash == load(copy, threshold=0.9).hash
    table = Characters.read(copy / "span_tagger/characters.txt")
    Characters((*table.rows[:-1], table.rows[-1] + "𠮷")).write(copy / "span_tagger/characters.txt")
    assert load(copy).hash != before


def test_thresholds_decide_what_is_found(copy: Path) -> None:
    path = copy / "span_tagger/settings.json"
    kept = json.loads(path.read_text())
    texts = [article.text for article in corpus.read([DEV])][:5]
    found = {}
    for shift in (-2, 0, 2):
        moved = {label: logit + shift for label, logit in kept["thresholds"].items()}
        path.write_text(json.dumps({**kept, "thresholds": moved}))
        found[shift] = sum(map(len, load(copy).tag(texts)))
    assert found[2] < found[0] < found[-2]
    # One label's threshold is that label's own.
    high = {**kept["thresholds"], "BRAND": 100.0}
    path.write_text(json.dumps({**kept, "thresholds": high}))
    [spans] = load(copy).tag([TEXT])
    assert {span.label for span in spans} == {"LOC", "ORG"}


def test_a_threshold_given_at_loading_is_the_least_score(tagger: Tagger) -> None:
    texts = [article.text for article in corpus.read([DEV])][:10]
    own = list(tagger.tag(texts))
    surer = list(load(threshold=0.8).tag(texts))
    assert surer == [[span for span in spans if span.score >= 0.8] for spans in own] != own
    more = list(load(threshold=0.1).tag(texts))
    assert sum(map(len, more)) > 1.1 * sum(map(len, own))
    assert all(span.score >= 0.1 for spans in more for span in spans)
    lower = list(load(threshold=0.02).tag(texts))
    assert min(span.score for spans in lower for span in spans) < 0.05
    brands = list(load(threshold={"BRAND": 0.8}).tag(texts))
    assert brands == [[s for s in spans if s.label != "BRAND" or s.score >= 0.8] for spans in own]


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (0, "threshold 0 is not a probability between 0 and 1"),
        (70.0, "threshold 70.0 is not a probability"),
        ({"BRAND": float("nan")}, "threshold nan is not a probability"),
        ({"PLACE": 0.5}, "no label PLACE.*its labels are PER, LOC, ORG, BRAND"),
    ],
)
def test_a_threshold_that_means_nothing_is_refused(threshold: Any, message: str) -> None:
    with pytest.raises(NerError, match=message):
        load(threshold=threshold)


def test_logits_explain_scores(tagger: Tagger) -> None:
    [pairs] = tagger.component.stream_logits([TEXT])
    settings = tagger.component.settings
    assert [span for span, _ in pairs] == tagger.component.predict([TEXT])[0]
    for span, logit in pairs:
        assert logit > settings.thresholds[span.label]
        assert settings.probability(span.label, logit) == span.score
        assert settings.logit(span.label, span.score) == pytest.approx(logit)


def candidates(*found: tuple[int, int, int, float]) -> SpanTagger:
    """A component whose network finds the same in every row: label, first and last character, logit."""
    component = SpanTagger()
    places = np.array([(0, label, first, last) for label, first, last, _ in found]).T
    logits = np.array([logit for *_, logit in found], np.float32)
    table = Characters.read(ROOT / "configs/characters.txt")
    component.set_network(Settings(), table, lambda rows, floors: (places, logits))
    return component


def test_a_string_found_in_one_place_helps_in_the_others() -> None:
    text = "渝邻汇、渝邻汇、三事分"
    component = candidates((3, 0, 2, 5.0), (3, 4, 6, -3.0), (3, 8, 10, -3.0))
    [pairs] = component.stream_logits([text])
    assert [(span.start, logit) for span, logit in pairs] == [(0, 5.0), (4, 1.0)]


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_no_name_runs_over_a_line_end(end: str) -> None:
    [spans] = candidates((0, 0, 3, 5.0), (0, 0, 1, 4.0)).predict([f"王明{end}李华"])
    assert [(span.start, span.end) for span in spans] == [(0, 2)]


@pytest.mark.parametrize(
    "blank", [" ", "\u3000", "\t", "\n", "\u200b", "\ufeff", "\u200d", "\u00ad", "\u3164"]
)
def test_a_span_neither_begins_nor_ends_with_a_blank(blank: str) -> None:
    component = candidates((0, 0, 3, 5.0), (0, 0, 2, 4.0), (1, 0, 0, 3.0))
    [pairs] = component.stream_logits([f"{blank}王明{blank}到"])
    assert [(span.start, span.end, span.text, logit) for span, logit in pairs] == [
        (1, 3, "王明", 5.0)
    ]


def test_the_shipped_model_finds_what_it_did_on_dev(tagger: Tagger) -> None:
    """Its card says 89.6; below 89 something is broken."""
    articles = list(corpus.read([DEV]))
    found = list(tagger.tag(article.text for article in articles))
    rows = table([article.spans for article in articles], found)
    assert rows["all"].f1 > 0.89
    assert all(rows[label].f1 > 0.84 for label in LABELS)
