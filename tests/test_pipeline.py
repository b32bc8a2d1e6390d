"""The component among spaCy's own, and in other processes."""

import copy
import multiprocessing
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

import ner
from ner.article import Span, outermost
from ner.errors import NerError
from ner.tagger.component import SpanTagger
from ner.tagger.loading import Tagger, load, make_pipeline

TEXT = "昨天,家住南岸区南坪街道的刘芳来到“渝邻汇”服务站,重庆市渝北区人民法院也在那里。"


def test_spacy_sees_nested_and_flat_spans_at_the_same_offsets(tagger: Tagger) -> None:
    nlp = spacy.load(ner.model_path())
    doc = nlp(TEXT)
    assert doc.text == TEXT and len(doc) == len(TEXT)
    nested = [(s.start_char, s.end_char, s.label_) for s in doc.spans["ner"]]
    [spans] = tagger.tag([TEXT])
    assert nested == [(s.start, s.end, s.label) for s in spans]
    assert [(e.start_char, e.end_char) for e in doc.ents] == [
        (s.start, s.end) for s in outermost(spans)
    ]
    assert doc.spans["ner"].attrs["scores"] == [s.score for s in spans]


def test_displacy_shows_the_article(tagger: Tagger) -> None:
    from spacy import displacy

    html = displacy.render(
        tagger.nlp("张伟在重庆市南岸区开会。"), style="ent", page=False, jupyter=False
    )
    assert "南岸区" in html and "LOC" in html


def test_docs_in_streams_and_to_bytes_and_back(tagger: Tagger) -> None:
    nlp = tagger.nlp
    docs = list(nlp.pipe([TEXT, "", "南岸区"], batch_size=2))
    assert [len(doc) for doc in docs] == [len(TEXT), 0, 3]
    again = Doc(nlp.vocab).from_bytes(docs[0].to_bytes())
    assert [e.text for e in again.ents] == [e.text for e in docs[0].ents]


def blank(tokenizer: Callable[[str], Doc] | None = None, **config: Any) -> Language:
    """A pipeline of the user's own, with our component in it."""
    nlp = spacy.blank("zh")
    if tokenizer:
        nlp.tokenizer = tokenizer
    component = nlp.add_pipe("span_tagger", config=config)
    component.from_bytes(load("news-fast").component.to_bytes())  # type: ignore[attr-defined]
    return nlp


def words(text: str) -> Doc:
    """A word tokenizer: 刘芳来 is one token, and blanks are spaCy's."""
    parts = ["昨天", ",", "家住", "南岸区", "南坪街道", "的", "刘芳来", "到", "。"]
    assert "".join(parts).replace("家住", "家住 ") == text
    return Doc(Vocab(), words=parts, spaces=[part == "家住" for part in parts])


WORDS = "昨天,家住 南岸区南坪街道的刘芳来到。"


def test_whatever_the_tokenizer_the_right_characters_are_marked() -> None:
    nlp = blank(words)
    with pytest.warns(
        UserWarning, match="1 of 3 names begin or end inside a token and are left out"
    ):
        doc = nlp(WORDS)
    assert [span.text for span in doc.spans["ner"]] == ["南岸区", "南坪街道"]
    assert len(doc.spans["ner"].attrs["scores"]) == 2
    expanded = blank(words, alignment_mode="expand")(WORDS)
    assert [span.text for span in expanded.spans["ner"]] == ["南岸区", "南坪街道", "刘芳来"]
    with pytest.raises(NerError, match="alignment_mode 'outside' is unknown .one of strict"):
        blank(alignment_mode="outside")


def test_entities_of_earlier_components_stay() -> None:
    nlp = blank(spans_key="names")
    ruler = nlp.add_pipe("entity_ruler", before="span_tagger")
    ruler.add_patterns(
        [{"label": "DATE", "pattern": "昨天", "id": "day"}, {"label": "WHO", "pattern": "刘芳来"}]
    )  # type: ignore[attr-defined]
    doc = nlp(TEXT)
    found = {ent.text: (ent.label_, ent.ent_id_) for ent in doc.ents}
    assert found["昨天"] == ("DATE", "day") and found["刘芳来"] == ("WHO", "")
    assert "刘芳" not in found and found["南岸区"] == ("LOC", "")
    assert "刘芳" in [span.text for span in doc.spans["names"]] and "ner" not in doc.spans
    assert [ent.text for ent in blank(set_ents=False)(TEXT).ents] == []


def test_threshold_and_threads_are_config() -> None:
    doc, surer = blank(threads=1)(TEXT), blank(threshold=0.999)
    fewer = surer(TEXT)
    assert {str(span) for span in fewer.spans["ner"]} < {str(span) for span in doc.spans["ner"]}
    assert surer.get_pipe_config("span_tagger")["threshold"] == 0.999
    assert blank(threads=3).get_pipe("span_tagger").runtime.threads == 3  # type: ignore[attr-defined]
    with pytest.raises(NerError, match="-1 threads"):
        blank(threads=-1)


def test_a_threshold_given_at_loading_is_kept_with_the_pipeline(tmp_path: Any) -> None:
    tagger = load(threshold={"LOC": 0.9999})
    tagger.nlp.to_disk(tmp_path / "mine")
    assert load(tmp_path / "mine")(TEXT) == tagger(TEXT) != load()(TEXT)


def test_labels_and_scores(tagger: Tagger) -> None:
    nlp = tagger.nlp
    assert nlp.pipe_labels["span_tagger"] == ["PER", "LOC", "ORG", "BRAND"]
    gold = nlp(TEXT)
    perfect = nlp.evaluate([Example(nlp.make_doc(TEXT), gold)])
    assert perfect["spans_ner_f"] == perfect["ents_f"] == 1.0
    gold.spans["ner"] = list(gold.spans["ner"])[1:]
    gold.ents = gold.ents[1:]
    figures = nlp.evaluate([Example(nlp.make_doc(TEXT), gold)])
    assert figures["spans_ner_r"] == figures["ents_r"] == 1.0
    assert figures["spans_ner_p"] < 1 and figures["ents_p"] < 1
    assert "LOC" in figures["spans_ner_per_type"]


def test_bytes_and_folders_hold_everything_but_what_is_excluded(
    tagger: Tagger, tmp_path: Any
) -> None:
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "ner.characters.v1"}}})
    nlp.add_pipe("span_tagger")
    nlp.from_bytes(tagger.nlp.to_bytes())
    doc = nlp(TEXT)
    assert [(s.start, s.end, s.label_) for s in doc.spans["ner"]] == [
        (s.start, s.end, s.label) for s in tagger(TEXT)
    ]
    assert len(tagger.component.to_bytes(exclude=["network"])) < 1_000_000
    tagger.component.to_disk(tmp_path / "part", exclude=["network"])
    assert sorted(file.name for file in (tmp_path / "part").iterdir()) == [
        "characters.txt",
        "pieces.json",
        "settings.json",
    ]
    whole = SpanTagger().from_bytes(tagger.component.to_bytes())
    settings = whole.settings.model_copy(update={"thresholds": {"LOC": 100.0}})
    (tmp_path / "part/settings.json").write_bytes(settings.to_json())
    whole.from_disk(tmp_path / "part", exclude=["network"])
    assert {span.label for span in whole.predict([TEXT])[0]} == {"PER", "ORG", "BRAND"}
    with pytest.raises(NerError, match="no network"):
        SpanTagger().from_disk(tmp_path / "part", exclude=["network"]).predict([TEXT])


def test_errors_go_to_the_error_handler() -> None:
    nlp = blank()
    component = nlp.get_pipe("span_tagger")
    predict = component.predict  # type: ignore[attr-defined]

    def poisoned(texts: list[str]) -> list[list[Span]]:
        if any("毒" in text for text in texts):
            raise RuntimeError("poison")
        return list(predict(texts))

    component.predict = poisoned  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="poison"):
        list(nlp.pipe(["有毒", TEXT]))
    told = []
    nlp.set_error_handler(
        lambda name, _, docs, error: told.append((name, docs[0].text, str(error)))
    )
    docs = list(nlp.pipe([TEXT, "有毒", TEXT], batch_size=1))
    assert [doc.text for doc in docs] == [TEXT, TEXT]
    assert told == [("span_tagger", "有毒", "poison")]


def test_copies_find_the_same(tagger: Tagger) -> None:
    spans = tagger(TEXT)
    for other in (copy.deepcopy(tagger), pickle.loads(pickle.dumps(tagger))):
        assert other(TEXT) == spans and (str(other), other.hash) == (str(tagger), tagger.hash)
    doc = copy.deepcopy(tagger.nlp)(TEXT)
    assert len(doc.spans["ner"]) == len(spans)


@pytest.mark.parametrize("processes", [1, 2])
def test_pipe_in_other_processes_after_use(tagger: Tagger, processes: int) -> None:
    tagger.nlp(TEXT)
    docs = list(tagger.nlp.pipe([TEXT] * 6, n_process=processes, batch_size=2))
    assert [len(doc.spans["ner"]) for doc in docs] == [len(tagger(TEXT))] * 6


_inherited: list[Tagger] = []


def _count(text: str) -> int:
    """What a forked worker does with the tagger that was there before it."""
    return len(_inherited[0](text))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_answer_after_use(tagger: Tagger, method: str) -> None:
    many = TEXT * 50  # enough for all threads
    spans = tagger(many)
    _inherited[:] = [tagger]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # forking with threads, from Python 3.12 on
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map_async(tagger, [many] * 2).get(120) == [spans] * 2
            if method == "fork":
                assert pool.map_async(_count, [many] * 2).get(20) == [len(spans)] * 2


def test_a_users_model_has_no_licence_of_ours(tagger: Tagger) -> None:
    assert tagger.nlp.meta["license"] == "Apache-2.0"
    assert make_pipeline("mine", "1.0", tagger.component).meta["license"] == ""
    assert make_pipeline("mine", "1.0", tagger.component, license="MIT").meta["license"] == "MIT"
