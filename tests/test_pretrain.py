import gzip
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from ner.annotation.teachers import lac_words
from ner.errors import NerError
from ner.tagger.features import MASK, Characters
from ner.training import config, train
from ner.training.pretrain import Config, mask, pretrain

pytestmark = pytest.mark.slow

NETWORK = {
    "width": 16,
    "bigram_width": 8,
    "bigram_buckets": 64,
    "trigram_width": 8,
    "trigram_buckets": 64,
    "dilations": (1, 2),
}
LINE = "昨天,南岸区后堡社区的居民在小广场上看了一场露天电影。"


@pytest.fixture
def texts(tmp_path: Path) -> str:
    path = tmp_path / "raw.jsonl.gz"
    rows = (json.dumps({"id": str(n), "text": f"第{n}天，{LINE}"}) + "\n" for n in range(60))
    path.write_bytes(gzip.compress("".join(rows).encode()))
    return str(path)


def settings(texts: str, *, steps: int) -> Config:
    table = str(ROOT / "configs/characters.txt")
    return Config(
        (texts,), (texts,), characters=table, steps=steps, block=64, batch=16, network=NETWORK
    )


def test_an_encoder_learns_both_tasks_and_a_network_starts_from_it(
    texts: str, tmp_path: Path
) -> None:
    reports = list(pretrain(settings(texts, steps=400), tmp_path / "run"))
    assert reports[-1].masked < reports[0].masked - 1
    assert reports[-1].tags < reports[0].tags - 1
    characters = Characters.read(ROOT / "configs/characters.txt")
    training = train.Config(
        "x", "0", train.Data((), ()), start=str(tmp_path / "run/encoder.pt"), seed=5
    )
    network = train.make_network(training, characters)
    assert network.shape.width == NETWORK["width"]
    other = train.make_network(replace(training, seed=6), characters)
    assert torch.equal(network.encoder.norm.weight, other.encoder.norm.weight)
    assert not torch.equal(network.head.start.weight, other.head.start.weight)
    (tmp_path / "run/encoder.pt").write_bytes(b"not weights")
    with pytest.raises(NerError, match="encoder.pt: weights do not fit"):
        train.make_network(training, characters)


def test_stopped_it_goes_on_from_its_last_report(texts: str, tmp_path: Path) -> None:
    run = pretrain(settings(texts, steps=1000), tmp_path / "run")
    assert next(run).step == 100
    run.close()
    assert next(pretrain(settings(texts, steps=1000), tmp_path / "run")).step == 200


def test_masking_hides_what_it_says_and_nothing_else() -> None:
    torch.manual_seed(0)
    ids = torch.randint(3, 1000, (64, 256))
    masked, hidden = mask(ids, characters=1000)
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


def test_the_shipped_config_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_DATA", "data")
    read = config.read(ROOT / "configs/encoder.toml", Config)
    assert set(read.taught) < set(read.texts)
