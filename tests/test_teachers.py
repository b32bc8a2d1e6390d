"""Spans of other taggers in our labels and offsets. Each test runs the real tagger."""

import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy

from ner.annotation.teachers import Teacher, agree, load, suggest
from ner.annotation.teachers.teacher import BATCH_ARTICLES, BATCH_CHARACTERS
from ner.article import Article, Span
from ner.errors import NerError
from ner.tagger.loading import Tagger

TEXT = "昨天𠮷，南岸区的王东到了。\n　　他去西岸区开会。"
PLACES = "东西南北中上下左右前后内外高低大小长短"


def found(teacher: Teacher, text: str) -> list[tuple[str, str]]:
    [article] = teacher.pipe([Article(id="1", text=text)])
    assert all(span.model == teacher.name for span in article.spans)
    return [(text[span.start : span.end], span.label) for span in article.spans]


def test_lac_gives_people_places_and_organisations() -> None:
    lac = load("lac")
    assert ("重庆市", "LOC") in found(lac, "👍重庆市今天下雨。")
    assert {label for _, label in found(lac, TEXT * 30)} <= lac.labels == {"PER", "LOC", "ORG"}


def test_our_model_keeps_its_scores(tagger: Tagger) -> None:
    teacher = load("model")
    [article] = teacher.pipe([Article(id="1", text=TEXT)])
    [expected] = tagger.tag([TEXT])
    assert list(article.spans) == expected
    assert [s.score for s in article.spans] == [s.score for s in expected]
    assert teacher.name == str(tagger)


def test_a_dictionary_takes_the_longest_name(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(
        "南岸\tLOC\n南岸区\tns\n\n的王东\tBRAND\n王东到\tPER\n。\tORG\n东桥\tBRIDGE\n", "utf-8"
    )
    teacher = load(f"dictionary:{path}")
    spans = found(teacher, "南岸南岸区的王东到了。东桥")
    assert spans[:3] == [("南岸", "LOC"), ("南岸区", "LOC"), ("的王东", "BRAND")]
    assert spans[3:] == [("。", "ORG"), ("东桥", "BRIDGE")]  # labels of one's own, too
    assert teacher.labels == {"LOC", "BRAND", "PER", "ORG", "BRIDGE"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("南岸区 LOC", "is not a name and a label .write NAME<TAB>LABEL"),
        ("\tLOC", "is not a name and a label"),
        ("南岸区\t", "is not a name and a label"),
        ("南岸区\t地 名", "'地 名' is not a label"),
    ],
)
def test_a_bad_line_of_a_dictionary_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(f"南山\tLOC\n{line}\n", "utf-8")
    with pytest.raises(NerError, match=rf"names\.tsv:2: .*{message}"):
        load(f"dictionary:{path}")


def test_a_spacy_pipeline_gives_its_entities_and_its_groups_of_spans(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")  # one token a character
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [{"label": "GPE", "pattern": "南岸区"}, {"label": "NORP", "pattern": "昨天"}]
    )  # type: ignore[attr-defined]
    group = nlp.add_pipe("span_ruler")
    group.add_patterns([{"label": "ORG", "pattern": "南岸区的"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "rules")
    teacher = load(f"spacy:{tmp_path / 'rules'}")
    assert teacher.labels == {"LOC", "ORG"}
    assert found(teacher, TEXT) == [("南岸区的", "ORG"), ("南岸区", "LOC")]


needs_hanlp = pytest.mark.skipif(
    not importlib.util.find_spec("hanlp"),
    reason="HanLP is not installed: pip install 'zh-news-ner[hanlp]'",
)


@pytest.fixture(scope="session")
def hanlp_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser in MSRA's labels that HanLP's own trainer makes of one pattern, in seconds."""
    from hanlp.components.ner.rnn_ner import RNNNamedEntityRecognizer

    random.seed(0)
    folder = tmp_path_factory.mktemp("hanlp")
    (folder / "train.tsv").write_text("\n".join(_tagged(place) for place in PLACES * 6), "utf-8")
    data = str(folder / "train.tsv")
    small = {"embed": 32, "rnn_hidden": 32, "lr": 0.02, "batch_size": 16, "crf": False}
    RNNNamedEntityRecognizer().fit(
        data, data, str(folder / "msra"), epochs=3, tagging_scheme="IOBES", devices=-1, **small
    )
    return folder / "msra"


def _tagged(place: str) -> str:
    text = f"昨天{place}岸区的王{place}到{place}山县政府开会。"
    tags = ["O"] * len(text)
    for start, end, label in ((2, 5, "NS"), (6, 8, "NR"), (9, 14, "NT")):
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 2), f"E-{label}"]
    return "".join(f"{character}\t{tag}\n" for character, tag in zip(text, tags))


@needs_hanlp
@pytest.mark.filterwarnings("ignore")
def test_a_hanlp_model_is_loaded_and_its_labels_and_places_are_ours(hanlp_model: Path) -> None:
    teacher = load(f"hanlp:{hanlp_model}")
    assert teacher.labels == {"PER", "LOC", "ORG"}
    text = "　昨天东岸区的王东到南山县政府开会。\n\n" * 70 + "昨天西岸区的王西到西山县政府开会。"
    spans = found(teacher, text)
    assert spans[:3] == [("东岸区", "LOC"), ("王东", "PER"), ("南山县政府", "ORG")]
    assert spans[-3:] == [("西岸区", "LOC"), ("王西", "PER"), ("西山县政府", "ORG")]
    assert len(spans) == 71 * 3


@pytest.fixture(scope="session")
def hanlp_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What HanLP's users load most: one encoder for words and names; here a tiny random BERT."""
    import torch
    from hanlp.common.dataset import SortingSamplerBuilder
    from hanlp.components.mtl.multi_task_learning import MultiTaskLearning
    from hanlp.components.mtl.tasks.ner.tag_ner import TaggingNamedEntityRecognition
    from hanlp.components.mtl.tasks.tok.tag_tok import TaggingTokenization
    from hanlp.layers.embeddings.contextual_word_embedding import ContextualWordEmbedding
    from transformers import BertConfig, BertModel, BertTokenizerFast, optimization

    # HanLP's trainer (not what loads its models) asks for a name that transformers 5 took away.
    optimization.AdamW = torch.optim.AdamW
    torch.manual_seed(0)
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tasks")
    rows = [_words(place) for place in PLACES * 3]
    characters = sorted({c for row in rows for word, _ in row for c in word})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    (folder / "tok.txt").write_text(
        "".join(" ".join(w for w, _ in r) + "\n" for r in rows), "utf-8"
    )
    (folder / "ner.tsv").write_text(
        "\n".join("".join(f"{word}\t{tag}\n" for word, tag in row) for row in rows), "utf-8"
    )
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(vocabulary), intermediate_size=64, **shape)
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    sampler = SortingSamplerBuilder(batch_size=16)
    tok, ner = str(folder / "tok.txt"), str(folder / "ner.tsv")
    tasks = {
        "tok": TaggingTokenization(tok, tok, None, sampler, lr=1e-2),
        "ner/msra": TaggingNamedEntityRecognition(
            ner, ner, None, sampler, lr=1e-2, dependencies="tok"
        ),
    }
    encoder = ContextualWordEmbedding(
        "token", str(folder / "bert"), average_subwords=True, max_sequence_length=512
    )
    MultiTaskLearning().fit(
        encoder, tasks, str(folder / "all"), 3, encoder_lr=5e-3, devices=-1, eval_trn=False
    )
    return folder / "all"


def _words(place: str) -> list[tuple[str, str]]:
    return [
        *(("昨天", "O"), (f"{place}岸区", "S-LOCATION"), ("的", "O"), (f"王{place}", "S-PERSON")),
        *(("到", "O"), (f"{place}山县", "B-ORGANIZATION"), ("政府", "E-ORGANIZATION")),
        *(("开会", "O"), ("。", "O")),
    ]


@needs_hanlp
@pytest.mark.filterwarnings("ignore")
def test_a_hanlp_model_of_many_tasks_cuts_its_own_words(hanlp_tasks: Path) -> None:
    teacher = load(f"hanlp:{hanlp_tasks}")
    text = "\n昨天 东岸区的王东到南山县 政府开会。 昨天西岸区的王西到西山县政府开会。"
    assert found(teacher, text) == [
        *(("东岸区", "LOC"), ("王东", "PER"), ("南山县 政府", "ORG")),
        *(("西岸区", "LOC"), ("王西", "PER"), ("西山县政府", "ORG")),
    ]


@needs_hanlp
@pytest.mark.filterwarnings("ignore")
def test_what_hanlp_cannot_load_has_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="HanLP cannot load it: .*give the folder"):
        load(f"hanlp:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jieba", "no teacher 'jieba' .one of model, lac, hanlp, spacy, dictionary"),
        ("dictionary", "dictionary:PATH"),
        ("spacy:/nowhere", "/nowhere: spaCy cannot load it: .*give a pipeline's folder"),
        ("dictionary:/nowhere", "/nowhere: cannot be read"),
        ("model:/nowhere", "no model '/nowhere'"),
    ],
)
def test_a_teacher_that_is_not_there(name: str, message: str) -> None:
    with pytest.raises(NerError, match=message):
        load(name)


def test_a_pipeline_without_our_labels_is_refused(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DISEASE", "pattern": "感冒"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "rules")
    with pytest.raises(NerError, match="none of its labels is known here: DISEASE"):
        load(f"spacy:{tmp_path / 'rules'}")


def test_agreement_is_the_mean_over_those_that_can_give_the_label() -> None:
    ours = (
        {"LOC", "BRAND"},
        [Span(0, 3, "LOC", 0.8, "news-1"), Span(5, 8, "BRAND", 0.7, "news-1")],
    )
    flat = ({"LOC"}, [Span(0, 3, "LOC", model="lac"), Span(2, 6, "LOC", model="lac")])
    scores = {(s.start, s.end, s.label): (s.score, s.model) for s in agree([ours, flat])}
    assert scores == {
        (0, 3, "LOC"): (pytest.approx(0.9), "news-1+lac"),  # both
        (5, 8, "BRAND"): (0.7, "news-1"),  # only one can; and it beats 2:6, which half of them give
    }
    undeclared = agree([(set(), [Span(0, 3, "ORG", model="other")]), ({"LOC"}, [])])
    assert [span.score for span in undeclared] == [1.0]


def test_suggestions_come_in_order_and_keep_the_articles(tmp_path: Path) -> None:
    (tmp_path / "names.tsv").write_text("南岸区\tLOC\n天\tLOC\n", "utf-8")
    teachers = [load(f"dictionary:{tmp_path / 'names.tsv'}"), load("lac")]

    def articles() -> Iterator[Article]:
        for number in range(40):
            text = f"第{number}天，南岸区。"
            yield Article(id=str(number), text=text, paper="报", spans=(Span(0, 1, "BRAND"),))

    suggested = list(suggest(articles(), teachers))
    assert [(a.id, a.paper) for a in suggested] == [(str(n), "报") for n in range(40)]
    assert {a.text[s.start : s.end] for a in suggested for s in a.spans if s.score == 1} == {
        "南岸区"
    }
    assert all(s.label != "BRAND" for a in suggested for s in a.spans)
    # 天 is given by one of the two.
    for least, found in ((0.5, {"南岸区", "天"}), (0.6, {"南岸区"})):
        suggested = list(suggest(articles(), teachers, least=least))
        assert {a.text[s.start : s.end] for a in suggested for s in a.spans} == found


def test_articles_are_read_a_batch_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "names.tsv").write_text("南岸区\tLOC\n", "utf-8")
    read = []

    def articles(length: int) -> Iterator[Article]:
        for number in range(100):
            read.append(number)
            yield Article(id=str(number), text="南岸区。" * length)

    teacher = load(f"dictionary:{tmp_path / 'names.tsv'}")
    for length, most in ((1, BATCH_ARTICLES), (BATCH_CHARACTERS // 16, 4), (BATCH_CHARACTERS, 1)):
        read.clear()
        next(suggest(articles(length), [teacher, teacher]))
        assert len(read) == most
