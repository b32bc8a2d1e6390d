"""A tiny random encoder, made here, in the place of a downloaded one."""

import json
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from ner.errors import NerError
from ner.tagger.loading import load
from ner.training.config import DataConfig, HuggingFaceEncoder, Schedule, TrainConfig
from ner.training.train import Epoch, train

torch.set_num_threads(1)  # the encoder here is tiny
transformers = pytest.importorskip("transformers", reason="pip install 'zh-news-ner[transformer]'")
TEXT = "昨天,南岸区的书记王强到了。"


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    folder = tmp_path / "encoder"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(TEXT)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    shape = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.BertModel(shape).save_pretrained(folder)
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


def settings(folder: Path, encoder: str) -> TrainConfig:
    rows = [{"id": "1", "text": TEXT, "spans": [[3, 6, "LOC"], [9, 11, "PER"]]}] * 24
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return TrainConfig(
        name="bert",
        version="0.0.1",
        data=DataConfig(train=(path,), dev=(path,)),
        characters=ROOT / "configs/characters.txt",
        start=HuggingFaceEncoder(transformer=encoder),
        schedule=Schedule(epochs=15, batch_size=128, learning_rate=5e-3, dropout=0.0, unknown=0.0),
    )


@pytest.mark.slow
def test_it_is_trained_and_its_model_tags_without_torch(encoder: str, tmp_path: Path) -> None:
    events = train(settings(tmp_path, encoder), tmp_path / "run")
    assert max(e.dev["all"].f1 for e in events if isinstance(e, Epoch)) == 1.0
    tagger = load(tmp_path / "run/model")
    [spans] = tagger.tag([TEXT])
    assert [(s.start, s.end, s.label) for s in spans] == [(3, 6, "LOC"), (9, 11, "PER")]
    assert list(tagger.tag([TEXT, TEXT * 30, TEXT]))[::2] == [spans, spans]


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = settings(tmp_path, str(tmp_path / "nowhere"))
    with pytest.raises(NerError, match="nowhere: the encoder cannot be read.*or go online"):
        next(train(gone, tmp_path / "run"))
