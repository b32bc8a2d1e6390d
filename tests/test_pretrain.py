"""Pretraining: both tasks are learnt, runs go on where they were stopped, the device is the config's."""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ner.annotation.teachers import lac_words
from ner.cli import app
from ner.errors import NerError
from ner.tagger.features import MASK, Characters
from ner.training.config import (
    DataConfig,
    NetworkConfig,
    PretrainConfig,
    PretrainedEncoder,
    TrainConfig,
)
from ner.training.initial import make_network, start_files
from ner.training.pretrain import PretrainStep, choose_device, pretrain
from ner.training.pretrain_networks import mask
from ner.training.pretrain_texts import TextsRead, load_rows

pytestmark = pytest.mark.slow
torch.set_num_threads(1)  # the networks here are tiny

NETWORK = NetworkConfig(
    width=16,
    bigram_width=8,
    bigram_buckets=64,
    trigram_width=8,
    trigram_buckets=64,
    dilations=(1, 2),
)
LINE = "昨天,南岸区后堡社区的居民在小广场上看了一场露天电影。"


@pytest.fixture
def texts(tmp_path: Path, table: Path) -> Path:
    """Sixty articles, and a line that is none."""
    path = tmp_path / "raw.jsonl.gz"
    rows = (json.dumps({"id": str(n), "text": f"第{n}天，{LINE}"}) + "\n" for n in range(60))
    path.write_bytes(gzip.compress(("".join(rows) + "{}\n").encode()))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small character table, so that predicting characters is quick."""
    path = tmp_path / "characters.txt"
    path.write_text("\n".join(sorted(set(f"{LINE}第天0123456789"))) + "\n", encoding="utf-8")
    return path


def settings(texts: Path, **fields: Any) -> PretrainConfig:
    return PretrainConfig(
        texts=(texts,),
        tagged=(texts,),
        characters=texts.parent / "characters.txt",
        network=NETWORK,
        **{"block_length": 64, "batch_size": 8, "device": "cpu", **fields},
    )


def steps(config: PretrainConfig, run: Path, **options: Any) -> list[PretrainStep]:
    return [e for e in pretrain(config, run, **options) if isinstance(e, PretrainStep)]


def test_an_encoder_learns_both_tasks_and_a_network_starts_from_it(
    texts: Path, table: Path, tmp_path: Path
) -> None:
    done = steps(settings(texts, steps=40, learning_rate=2e-2), tmp_path / "run")
    assert done[-1].masked_loss < done[0].masked_loss - 1
    first, last = done[0].tag_loss, done[-1].tag_loss
    assert first is not None and last is not None and last < first - 1
    assert [step.number for step in done] == list(range(1, 41))
    assert done[-1].seconds_left == 0 < done[0].seconds_left
    characters = Characters.read(table)
    file = tmp_path / "run/encoder.pt"
    training = TrainConfig(
        name="x",
        version="0",
        data=DataConfig(train=(texts,), dev=(texts,)),
        start=PretrainedEncoder(encoder=file),
        characters=table,
        seed=5,
    )
    assert start_files(training).weights == (file,)
    network = make_network(training, characters, [file])
    assert network.shape.width == NETWORK.width
    other = make_network(training.model_copy(update={"seed": 6}), characters, [file])
    assert torch.equal(network.encoder.norm.weight, other.encoder.norm.weight)
    assert not torch.equal(network.head.start.weight, other.head.start.weight)
    file.write_bytes(b"not weights")
    with pytest.raises(NerError, match="encoder.pt: weights do not fit"):
        make_network(training, characters, [file])


def test_stopped_at_any_step_it_goes_on_as_if_it_had_not_been(texts: Path, tmp_path: Path) -> None:
    config = settings(texts, steps=6)
    steps(config, tmp_path / "whole")
    for number in (2, 4):
        run = pretrain(config, tmp_path / "parts", checkpoint_seconds=0)
        only_steps = (event for event in run if isinstance(event, PretrainStep))
        assert [next(only_steps).number for _ in range(2)] == [number - 1, number]
        run.close()
    assert [step.number for step in steps(config, tmp_path / "parts")] == [5, 6]
    files = [tmp_path / part / "encoder.pt" for part in ("whole", "parts")]
    weights = [torch.load(file, weights_only=True)["weights"] for file in files]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_reading_the_texts_goes_on_where_it_was_stopped(
    texts: Path, table: Path, tmp_path: Path
) -> None:
    config = settings(texts, steps=1)
    steps(config, tmp_path / "whole")
    run = pretrain(config, tmp_path / "parts", checkpoint_seconds=0)
    before = [next(run) for _ in range(20)]
    run.close()
    assert before[-1] == TextsRead(file=1, files=1, articles=20, skipped=0)
    events = [e for e in pretrain(config, tmp_path / "parts") if isinstance(e, TextsRead)]
    assert events == [TextsRead(file=1, files=1, articles=60, skipped=1)]
    whole, parts = (load_rows(tmp_path / name) for name in ("whole", "parts"))
    assert all((a == b).all() for a, b in zip(whole, parts))
    ids, tags = whole
    # The first of a word and the others have tags of their own: 南岸区 is one word.
    [row, at] = np.argwhere(ids == Characters.read(table).encode("岸")[0])[0]
    assert tags[row, at - 1] % 2 == 0 and tags[row, at] == tags[row, at - 1] + 1


def test_the_device_is_the_configs(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(NerError, match="torch finds no CUDA for device = 'cuda:1' .*device = .cpu"):
        choose_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
    steps(settings(texts, steps=1, device="cpu"), tmp_path / "run")
    saved = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert {value.device.type for value in saved["network"].values()} == {"cpu"}
    # The device may change when a run goes on, nothing else.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    steps(settings(texts, steps=1, device="auto"), tmp_path / "run")
    with pytest.raises(NerError, match="another config or other data"):
        steps(settings(texts, steps=2), tmp_path / "run")


def test_texts_of_less_than_one_row_are_named(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(NerError, match=r"raw.jsonl.gz: the texts have a length of \d+, less than"):
        steps(settings(texts, steps=1, block_length=10_000), tmp_path / "run")


def test_the_command_pretrains_from_a_config(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "encoder.toml").write_text(
        f"""
texts = ["{texts.name}"]
tagged = ["{texts.name}"]
characters = "characters.txt"
steps = 2
block_length = 32
batch_size = 2
device = "cpu"
[network]
width = 16
bigram_buckets = 64
trigram_buckets = 64
dilations = [1]
"""
    )
    command = ["pretrain", str(tmp_path / "encoder.toml"), "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "texts: file 1 of 1, 60 articles, 1 lines skipped" in result.stderr
    assert f"encoder in {tmp_path}/run/encoder.pt" in result.stderr
    assert (tmp_path / "run/encoder.pt").stat().st_size > 5_000


def test_masking_hides_what_it_says_and_nothing_else() -> None:
    torch.manual_seed(0)
    ids = torch.randint(3, 1000, (64, 256))
    masked, hidden = mask(ids, size=1000, hidden_as=MASK, special=3)
    assert torch.equal(masked[~hidden], ids[~hidden])
    assert 0.10 < hidden.float().mean() < 0.18
    assert 0.80 < (masked[hidden] == MASK).float().mean() < 0.90


def test_the_teacher_gives_words_at_their_place() -> None:
    text = f"{LINE}\n　　{LINE}"
    words = list(lac_words(text))
    assert {"南岸区", "居民"} <= {text[start:end] for start, end, _ in words}
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(words))
    assert sum(end - start for start, end, _ in words) > 0.9 * len(LINE) * 2
    assert "LOC" in {tag for _, _, tag in words}
