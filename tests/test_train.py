import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT

from ner.errors import NerError
from ner.formats import dump
from ner.tagger.features import Characters
from ner.tagger.loading import load
from ner.training import config
from ner.training.train import Config, Data, Epoch, Schedule, fit, make_network

pytestmark = pytest.mark.slow

CONFIG = """
name = "tiny"
version = "0.0.1"
start = "{start}"
[data]
train = ["{folder}/train.jsonl"]
dev = ["{folder}/train.jsonl"]
[network]
width = 32
bigram_width = 8
bigram_buckets = 1024
trigram_width = 8
trigram_buckets = 1024
dilations = [1, 2]
[schedule]
epochs = {epochs}
batch = 256
rate = 1e-2
dropout = 0.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of one pattern that a network can learn in seconds."""
    rows = []
    for number, place in enumerate("东西南北中上下左右前后内外高低大小长短" * 3):
        text = f"昨天,{place}岸区的书记王{place}到了。"
        rows.append({"id": str(number), "text": text, "spans": [[3, 6, "LOC"], [9, 11, "PER"]]})
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def write_config(folder: Path, *, epochs: int = 25, start: str = "") -> Path:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(folder=folder, epochs=epochs, start=start))
    return path


def test_it_learns_and_the_model_it_writes_says_what_training_measured(folder: Path) -> None:
    steps = list(fit(read(write_config(folder)), folder / "run"))
    assert max(step.dev["all"].f1 for step in steps) == 1.0
    tagger = load(folder / "run/model")
    assert str(tagger) == "tiny-0.0.1"
    [spans] = tagger.tag(["昨天,东岸区的书记王东到了。"])
    assert [(s.start, s.end, s.label) for s in spans] == [(3, 6, "LOC"), (9, 11, "PER")]
    assert all(0.5 < s.score < 1 for s in spans)
    log = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == [step.number for step in steps]
    assert (folder / "run/curves.png").read_bytes().startswith(b"\x89PNG")


def read(path: Path) -> Config:
    return config.read(path, Config)


def losses(steps: list[Epoch]) -> list[float]:
    return [step.loss for step in steps]


def test_stopped_and_started_again_it_goes_on_as_if_nothing_had_been(folder: Path) -> None:
    settings = read(write_config(folder, epochs=4))
    whole = losses(list(fit(settings, folder / "whole")))
    first = fit(settings, folder / "parts")
    started = losses([next(first), next(first)])
    first.close()
    assert started + losses(list(fit(settings, folder / "parts"))) == pytest.approx(whole)


def test_killed_it_loses_an_epoch_at_most(folder: Path) -> None:
    command = [sys.executable, "-m", "ner", "train", str(write_config(folder, epochs=200)), "--run"]
    run = folder / "run"
    process = subprocess.Popen([*command, str(run)], stderr=subprocess.DEVNULL, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = (
        len((run / "metrics.jsonl").read_text().splitlines())
        if (run / "metrics.jsonl").exists()
        else 0
    )
    step = next(fit(read(folder / "config.toml"), run))
    assert step.number in (done + 1, done + 2)


def test_a_run_folder_belongs_to_its_config_and_data(folder: Path) -> None:
    settings = read(write_config(folder, epochs=1))
    list(fit(settings, folder / "run"))
    (folder / "train.jsonl").write_text(json.dumps({"id": "1", "text": "别的", "spans": []}))
    with pytest.raises(NerError, match="another config or other data .delete it, or name another"):
        list(fit(settings, folder / "run"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[schedule]", "[schedule]\nspeed = 3"), "unexpected keyword argument 'speed'"),
        (("[data]", "[data"), "not TOML"),
        (("{folder}/train", "$NOWHERE/train"), "export NER_DATA"),
    ],
)
def test_a_config_that_means_nothing_is_refused(
    folder: Path, change: tuple[str, str], said: str
) -> None:
    path = folder / "config.toml"
    path.write_text(CONFIG.replace(*change).format(folder=folder, epochs=1, start=""))
    with pytest.raises(NerError, match=said):
        read(path)


def test_a_model_is_where_the_next_training_starts(folder: Path) -> None:
    list(fit(read(write_config(folder)), folder / "run"))
    path = write_config(folder, epochs=1, start=f"{folder}/run/model")
    [first] = fit(read(path), folder / "again")
    assert first.dev["all"].f1 > 0.9
    path.write_text(f'characters = "{folder}/few.txt"\n' + path.read_text())
    (folder / "few.txt").write_text("南\n岸\n区\n")
    with pytest.raises(NerError, match=r"weights.pt: weights do not fit: .* the table has 6"):
        next(fit(read(path), folder / "other"))


def test_a_small_dev_set_moves_no_threshold(folder: Path) -> None:
    """By two articles that are not annotated the model would be told to find nothing, or anything."""
    text = "昨天，江城市南岸区人民法院的书记陈晓来了。"
    dev = folder / "dev.jsonl"
    dev.write_text("".join(dump({"id": n, "text": text, "spans": []}) for n in "12"))
    config = Config("own", "1", Data((str(dev),), (str(dev),)), schedule=Schedule(epochs=0))
    list(fit(config, folder / "run"))
    found = [list(load(model).tag([text])) for model in ("news", folder / "run/model")]
    assert found[0] == found[1] and len(found[0][0]) > 2


def test_of_several_models_training_starts_from_the_mean_of_their_weights(folder: Path) -> None:
    """A mean with itself is the model itself; with another one it lies between them."""
    characters = Characters.read(ROOT / "configs/characters.txt")
    made = {}
    for name, seed in (("one", 1), ("two", 2)):
        settings = replace(read(write_config(folder, epochs=1)), seed=seed)
        list(fit(replace(settings, characters=f"{ROOT}/configs/characters.txt"), folder / name))
        made[name] = str(folder / name / "model")
    settings = read(write_config(folder, epochs=1))

    def bias(*names: str) -> torch.Tensor:
        network = make_network(replace(settings, start=names), characters)
        return network.encoder.embedding.character.weight.detach()  # type: ignore[union-attr]

    one, two = bias(made["one"]), bias(made["two"])
    assert torch.equal(bias(made["one"], made["one"]), one) and not torch.equal(one, two)
    assert torch.allclose(bias(*made.values()), (one + two) / 2)
    with pytest.raises(NerError, match="another shape than the one before it"):
        bias(made["one"], "news")
    with pytest.raises(NerError, match="start names nothing"):
        bias()


def test_what_is_tested_on_must_not_be_learnt_from(folder: Path) -> None:
    settings = read(write_config(folder, epochs=1))
    text = json.loads((folder / "train.jsonl").read_text().splitlines()[5])["text"]
    test = folder / "test.jsonl"
    test.write_text(json.dumps({"id": "t", "text": text, "spans": []}) + "\n")
    settings = replace(settings, data=replace(settings.data, test=(str(test),)))
    with pytest.raises(NerError, match=r"train.jsonl: 3 articles are test articles too, 5 for one"):
        next(fit(settings, folder / "run"))
    test.write_text(json.dumps({"id": "t", "text": "别的。", "spans": []}) + "\n")
    list(fit(settings, folder / "run"))
    data = load(folder / "run/model").data
    assert any(name.endswith("/train.jsonl") for name in data)
    assert not any("test.jsonl" in name for name in data)
    # Swapped for another test set meanwhile, the folder is not this run's any more.
    test.write_text(json.dumps({"id": "t", "text": "又是别的。", "spans": []}) + "\n")
    with pytest.raises(NerError, match="another config or other data"):
        next(fit(settings, folder / "run"))


def test_a_model_tells_apart_data_of_one_name(folder: Path) -> None:
    settings = read(write_config(folder, epochs=1))
    for name in ("a/x", "b/x"):
        (folder / name).mkdir(parents=True)
        shutil.copy(folder / "train.jsonl", folder / name)
    files = tuple(f"{folder}/{name}/train.jsonl" for name in ("a/x", "b/x"))
    list(fit(replace(settings, data=replace(settings.data, train=files)), folder / "run"))
    names = [name for name in load(folder / "run/model").data if "train" in name]
    assert names[:2] == ["a/x/train.jsonl", "b/x/train.jsonl"]
    assert not any(name.startswith("/") for name in names)


def test_a_bad_line_in_a_corpus_stops_training_and_is_named(folder: Path) -> None:
    bad = {"id": "1", "text": "南岸区", "spans": [[0, 9, "LOC"]]}
    (folder / "train.jsonl").write_text(json.dumps(bad))
    with pytest.raises(NerError, match=r"train\.jsonl:1: span 0:9 LOC ends past the text"):
        next(fit(read(write_config(folder)), folder / "run"))
