"""Training: what a config makes of a corpus, and runs that are killed and go on."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT
from typer.testing import CliRunner

from ner.article import Article, Span
from ner.cli import app
from ner.corpus import Example
from ner.errors import NerError
from ner.formats import dump
from ner.store import Store
from ner.tagger.features import Characters
from ner.tagger.loading import load
from ner.training.config import (
    DataConfig,
    NetworkConfig,
    NewNetwork,
    PretrainConfig,
    PretrainedEncoder,
    Schedule,
    TrainConfig,
    TrainedModels,
)
from ner.training.data import Examples, epoch_examples
from ner.training.initial import make_network, start_files
from ner.training.learner import Learner
from ner.training.network import Network
from ner.training.pretrain import pretrain
from ner.training.train import Epoch, Step, train

pytestmark = pytest.mark.slow
torch.set_num_threads(1)  # the networks here are tiny

SMALL = NetworkConfig(
    width=32,
    bigram_width=8,
    bigram_buckets=1024,
    trigram_width=8,
    trigram_buckets=1024,
    dilations=(1, 2),
)
CHARACTERS = ROOT / "configs/characters.txt"
PLACES = "东西南北中上下左右前后内外高低大小长短"


def sentence(place: str) -> dict[str, Any]:
    text = f"昨天,{place}岸区的书记王{place}到了。"
    end = 5 + len(place)
    spans = [[3, end, "LOC"], [end + 3, end + 4 + len(place), "PER"]]
    return {"id": place, "text": text, "spans": spans}


def write(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(map(dump, rows)), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of one pattern that a network can learn in seconds."""
    rows = [{**sentence(place), "id": str(k)} for k, place in enumerate(PLACES * 3)]
    write(tmp_path / "train.jsonl", rows)
    return tmp_path


def settings(folder: Path, *, epochs: int = 25, **fields: Any) -> TrainConfig:
    schedule = {"epochs": epochs, "batch_size": 256, "learning_rate": 1e-2, "dropout": 0.0}
    schedule |= fields.pop("schedule", {})
    train = folder / "train.jsonl"
    config = TrainConfig(
        name="tiny",
        version="0.0.1",
        data=DataConfig(train=(train,), dev=(train,)),
        start=NewNetwork(network=SMALL),
        schedule=Schedule(**schedule),
    )
    return config.model_copy(update=fields)


def epochs(config: TrainConfig, run: Path) -> list[Epoch]:
    return [event for event in train(config, run) if isinstance(event, Epoch)]


def test_it_learns_and_the_model_it_writes_says_what_training_measured(folder: Path) -> None:
    done = epochs(settings(folder), folder / "run")
    assert max(epoch.dev["all"].f1 for epoch in done) == 1.0
    tagger = load(folder / "run/model")
    assert str(tagger) == "tiny-0.0.1"
    [spans] = tagger.tag(["昨天,东岸区的书记王东到了。"])
    assert [(s.start, s.end, s.label) for s in spans] == [(3, 6, "LOC"), (9, 11, "PER")]
    assert all(0.5 < s.score < 1 for s in spans)
    log = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == [epoch.number for epoch in done]
    assert (folder / "run/curves.png").read_bytes().startswith(b"\x89PNG")


def test_every_step_says_its_loss_and_the_time_left(folder: Path) -> None:
    events = list(train(settings(folder, epochs=2), folder / "run"))
    steps = [event for event in events if isinstance(event, Step)]
    assert isinstance(events[0], Step)
    number = steps[0].steps
    assert [(s.epoch, s.number) for s in steps] == [
        (epoch, k) for epoch in (1, 2) for k in range(1, number + 1)
    ]
    assert all(step.loss > 0 for step in steps)
    left = [step.seconds_left for step in steps]
    assert left[0] > left[-2] > left[-1] == 0
    last_of_first = next(event for event in events if isinstance(event, Epoch))
    assert last_of_first.loss == steps[number - 1].loss


def test_stopped_at_any_step_it_goes_on_as_if_it_had_not_been(folder: Path) -> None:
    config = settings(folder, epochs=3, schedule={"dropout": 0.3, "unknown": 0.2})
    whole = epochs(config, folder / "whole")
    for _ in range(2):  # stopped in the middle of the first epoch, and of the second
        first = train(config, folder / "parts", checkpoint_seconds=0)
        before = [next(first) for _ in range(4)]
        first.close()
    assert isinstance(before[0], Step) and before[0].number > 1
    rest = epochs(config, folder / "parts")
    assert rest == whole[len(whole) - len(rest) :]
    files = [folder / f"{run}/metrics.jsonl" for run in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert load(folder / "whole/model").hash == load(folder / "parts/model").hash


KILLED = """
import sys
from pathlib import Path
from ner.training.config import TrainConfig
from ner.training.config_file import read_config
from ner.training.train import train
for step in train(read_config(Path(sys.argv[1]), TrainConfig), Path(sys.argv[2]), checkpoint_seconds=0):
    print(getattr(step, "epoch", ""), step.number, flush=True)
"""

CONFIG = """
name = "tiny"
version = "0.0.1"
characters = "{root}/configs/characters.txt"
start.network = {{ width = 32, bigram_buckets = 1024, trigram_buckets = 1024, dilations = [1, 2] }}
[data]
train = ["train.jsonl"]
dev = ["train.jsonl"]
[schedule]
epochs = 3
batch_size = 256
learning_rate = 1e-2
"""


def test_killed_in_an_epoch_it_loses_the_steps_since_its_checkpoint_only(folder: Path) -> None:
    from ner.training.config_file import read_config

    path = folder / "config.toml"
    path.write_text(CONFIG.format(root=ROOT))
    command = [sys.executable, "-c", KILLED, str(path), str(folder / "run")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    for line in process.stdout:
        if line.split() == ["2", "3"]:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    config = read_config(path, TrainConfig)
    (folder / "run/.checkpoint.pt.leftover").mkdir()
    rest = list(train(config, folder / "run"))
    assert isinstance(rest[0], Step)
    assert (rest[0].epoch, rest[0].number) >= (2, 4)
    whole = [event for event in train(config, folder / "whole") if isinstance(event, Epoch)]
    assert [event for event in rest if isinstance(event, Epoch)] == whole[1:]
    assert not list((folder / "run").glob(".*"))


def test_a_run_folder_belongs_to_its_config_and_data(folder: Path) -> None:
    config = settings(folder, epochs=1)
    list(train(config, folder / "run"))
    (folder / "train.jsonl").write_text(json.dumps({"id": "1", "text": "别的", "spans": []}))
    with pytest.raises(
        NerError, match=r"other data: \S*/train.jsonl is changed .delete it, or name"
    ):
        list(train(config, folder / "run"))
    with pytest.raises(
        NerError, match=r"other data: schedule.epochs is 2, was 1; \S*train.jsonl is"
    ):
        list(train(settings(folder, epochs=2), folder / "run"))


def test_a_file_of_the_config_that_is_missing_is_named_with_what_to_do(folder: Path) -> None:
    missing = folder / "none"
    with pytest.raises(NerError, match=r"none: .* relative to the config's folder; leave char"):
        list(train(settings(folder, characters=missing), folder / "run"))
    with pytest.raises(NerError, match=r"none: .* relative to the config's folder\)$"):
        list(train(settings(folder, start=PretrainedEncoder(encoder=missing)), folder / "run"))
    pretraining = PretrainConfig(texts=(folder / "train.jsonl",), characters=missing)
    with pytest.raises(NerError, match=r"none: .* relative to the config's folder\)$"):
        list(pretrain(pretraining, folder / "run"))
    assert not (folder / "run").exists()


def test_the_command_trains_on_reviewed_articles_and_keeps_no_password(
    folder: Path, postgres: str
) -> None:
    """The URL of the store that reviewed articles come from is in no file of the run."""
    url = postgres.replace("postgres:@", "postgres:hunter2@", 1)
    assert "hunter2" in url
    path = folder / "config.toml"
    path.write_text(CONFIG.format(root=ROOT).replace('train = ["train.jsonl"]', "train = []"))
    run = folder / "run"
    command = ["train", str(path), "--run", str(run)]
    result = CliRunner().invoke(app, command)
    assert "there is nothing to train on: the config has train = []" in result.stderr
    with Store(url, create=True) as store:
        articles = [
            Article(p, row["text"], spans=tuple(Span(*span) for span in row["spans"]))
            for p in PLACES
            for row in [sentence(p + "边")]
        ]
        list(store.add(articles))
        for article in articles:
            store.decide(article, "陈")
    result = CliRunner().invoke(app, [*command, "--from-store", "--store", url])
    assert result.exit_code == 0, result.output
    assert f"{len(PLACES)} reviewed articles in" in result.stderr
    assert "epoch 3: loss 0." in result.stderr and f"model in {run}/model" in result.stderr
    assert "hunter2" not in result.output
    files = [file for file in run.rglob("*") if file.is_file()]
    assert len(files) > 5 and not any(b"hunter2" in file.read_bytes() for file in files)
    assert [name for name in load(run / "model").data if "reviewed" in name]


def test_where_the_model_is_to_be_put_is_looked_at_before_training(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(root=ROOT))
    command = ["train", str(path), "--run", str(folder / "run"), "--output"]
    taken = CliRunner().invoke(app, [*command, str(folder)])
    assert taken.exit_code == 1 and f"{folder}: is there already" in taken.stderr
    assert not (folder / "run").exists()
    for _ in range(2):  # a command that was done can be given again
        done = CliRunner().invoke(app, [*command, str(folder / "models/own-1")])
        assert done.exit_code == 0, done.output
        assert f"model in {folder}/models/own-1" in done.stderr
    (folder / "models/own-1/meta.json").unlink()
    assert "damaged" in CliRunner().invoke(app, [*command, str(folder / "models/own-1")]).stderr


def test_a_model_is_where_the_next_training_starts(folder: Path) -> None:
    list(train(settings(folder), folder / "run"))
    start = TrainedModels(models=(str(folder / "run/model"),))
    [first] = epochs(settings(folder, epochs=1, start=start), folder / "again")
    assert first.dev["all"].f1 > 0.9
    (folder / "few.txt").write_text("南\n岸\n区\n")
    config = settings(folder, start=start, characters=folder / "few.txt")
    with pytest.raises(NerError, match=r"network.onnx: weights do not fit: .* the table has 6"):
        next(train(config, folder / "other"))


def test_blocks_left_out_make_a_smaller_network_that_learns(folder: Path) -> None:
    list(train(settings(folder), folder / "run"))
    model = str(folder / "run/model")
    start = TrainedModels(models=(model,), drop_blocks=(0,))
    files = start_files(settings(folder, start=start))
    network = make_network(
        settings(folder, start=start), Characters.read(files.characters), files.weights
    )
    assert isinstance(network, Network) and network.shape.dilations == SMALL.dilations[1:]
    *_, last = epochs(settings(folder, epochs=8, start=start), folder / "again")
    assert last.dev["all"].f1 > 0.9
    sizes = [
        (folder / name / "model/span_tagger/network.onnx").stat().st_size
        for name in ("run", "again")
    ]
    assert sizes[1] < sizes[0]
    start = TrainedModels(models=(model,), drop_blocks=(0, 2))
    with pytest.raises(NerError, match="drop_blocks names block 2; the network has 2"):
        next(train(settings(folder, start=start), folder / "other"))


def test_pretrained_hashed_tables_are_frozen_and_all_else_learns(folder: Path) -> None:
    list(train(settings(folder, epochs=1), folder / "run"))
    start = TrainedModels(models=(str(folder / "run/model"),))
    config = settings(folder, epochs=2, start=start)
    files = start_files(config)
    characters = Characters.read(files.characters)
    before = make_network(config, characters, files.weights).state_dict()
    list(train(config, folder / "again"))
    trained = config.model_copy(
        update={"start": TrainedModels(models=(str(folder / "again/model"),))}
    )
    after = make_network(trained, characters, start_files(trained).weights).state_dict()
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert same == {f"encoder.embedding.{table}.weight" for table in ("bigram", "trigram")}
    # In a new network they learn as well.
    fresh = make_network(settings(folder), characters, ())
    assert all(weight.requires_grad for weight in fresh.parameters())


def test_the_averaged_weights_are_scored_and_kept(folder: Path) -> None:
    """The average is set to a network that finds everything; what is scored must be that one."""
    config = settings(folder, epochs=25)
    learner = learner_of(config, folder)
    done = epochs(config, folder / "run")
    trained = learner_of(config, folder / "run")  # restored from the run's checkpoint
    assert trained.metrics[-1]["epoch"] == done[-1].number
    learner.average = trained.best
    dev = [Example(row["text"], ()) for row in map(sentence, PLACES)]
    assert learner.score(dev)["all"].predicted == 2 * len(PLACES)
    last = {name: weight.clone() for name, weight in learner.trained.items()}
    assert learner.finish_epoch(dev).dev["all"].predicted == 2 * len(PLACES)
    assert all(torch.equal(last[name], weight) for name, weight in learner.trained.items())
    learner.load_best()
    assert all(torch.equal(trained.best[n], weight) for n, weight in learner.trained.items())


def learner_of(config: TrainConfig, folder: Path) -> Learner:
    files = start_files(config)
    characters = Characters.read(files.characters)
    network = make_network(config, characters, files.weights)
    return Learner(
        config, characters, network, folder / "checkpoint.pt", checkpoint_seconds=math.inf
    )


def test_an_epoch_has_its_fractions_of_quotes_and_of_silver() -> None:
    kinds = [[Example(f"{kind}{k}", ()) for k in range(40)] for kind in ("人", "引", "机")]
    examples = Examples(kinds[0], [], kinds[1], kinds[2], {})
    schedule = Schedule(epochs=4, quotes=0.25, silver=0.5)
    numbers, texts = [], []
    for epoch in range(4):
        shown = epoch_examples(examples, schedule, epoch, np.random.default_rng(epoch))
        texts.append([example.text for example in shown])
        assert len(set(texts[-1])) == len(texts[-1])
        numbers.append([sum(text[0] == kind for text in texts[-1]) for kind in "人引机"])
    assert numbers == [[40, 10, 20], [40, 10, 15], [40, 10, 10], [40, 10, 5]]
    assert {text for text in texts[0] if text[0] == "引"} != {t for t in texts[1] if t[0] == "引"}
    none = Schedule(epochs=4, quotes=0.0, silver=0.0)
    assert len(epoch_examples(examples, none, 0, np.random.default_rng(0))) == 40


def test_quotes_and_silver_articles_are_learnt_from(folder: Path) -> None:
    """BRAND is in the quotes only, ORG in the silver articles only; dev has both."""
    quotes = [
        {"string": f"{p}一通", "class": "BRAND", "contexts": [f"昨天,“{p}一通”上线。"]}
        for p in PLACES
    ]
    silver = [{"id": p, "text": f"昨天,{p}水公司开会。", "spans": [[3, 7, "ORG"]]} for p in PLACES]
    dev = [
        *silver,
        *(
            {"id": q["string"], "text": q["contexts"][0], "spans": [[4, 7, "BRAND"]]}
            for q in quotes
        ),
    ]
    files = {
        name: (write(folder / f"{name}.jsonl", rows),)
        for name, rows in (("quotes", quotes), ("silver", silver), ("dev", dev))
    }
    data = DataConfig(train=(folder / "train.jsonl",), **files)
    fractions = {"quotes": 1.0, "silver": 1.0}
    done = epochs(settings(folder, data=data, schedule=fractions), folder / "with")
    assert all(done[-1].dev[label].recall > 0.9 for label in ("BRAND", "ORG"))
    none = {"quotes": 0.0, "silver": 0.0}
    done = epochs(settings(folder, epochs=3, data=data, schedule=none), folder / "without")
    assert done[-1].dev["BRAND"].right == done[-1].dev["ORG"].right == 0


@pytest.mark.parametrize(("where", "learnt"), [("silver", False), ("train", True)])
def test_scores_are_learnt_of_silver_articles_only(folder: Path, where: str, learnt: bool) -> None:
    """A name that a model is unsure of is none yet; one in a corpus is, whatever its score."""
    spans = [{"start": 3, "end": 7, "label": "ORG", "score": 0.2}]
    unsure = [{"id": p, "text": f"昨天,{p}水公司开会。", "spans": spans} for p in PLACES]
    path = write(folder / "unsure.jsonl", unsure)
    train = (folder / "train.jsonl", *([path] if where == "train" else []))
    data = DataConfig(train=train, dev=(path,), silver=(path,) if where == "silver" else ())
    done = epochs(settings(folder, data=data, schedule={"silver": 1.0}), folder / where)
    assert (done[-1].dev["ORG"].recall > 0.9) == learnt
    assert (done[-1].dev["ORG"].right > 0) == learnt


def test_a_model_with_labels_of_its_own_is_trained_evaluated_and_tags(folder: Path) -> None:
    rows = [
        {
            "id": p,
            "text": f"会上,{p}江药业的{p}心丸获奖。",
            "spans": [[3, 7, "公司"], [8, 11, "DRUG"]],
        }
        for p in PLACES
    ]
    write(folder / "train.jsonl", rows * 3)
    config = settings(folder, labels=("公司", "DRUG"))
    done = epochs(config, folder / "run")
    assert list(done[-1].dev)[:2] == ["DRUG", "公司"] and done[-1].dev["all"].f1 == 1
    model = str(folder / "run/model")
    [spans] = load(model).tag(["会上,南江药业的南心丸获奖。"])
    assert [(s.start, s.end, s.label) for s in spans] == [(3, 7, "公司"), (8, 11, "DRUG")]
    result = CliRunner().invoke(app, ["evaluate", model, str(folder / "train.jsonl")])
    assert result.exit_code == 0, result.output
    assert "DRUG" in result.stdout and "公司" in result.stdout and "PER" not in result.stdout


def test_a_small_dev_set_moves_no_threshold(folder: Path) -> None:
    """By two articles that are not annotated the model would be told to find nothing, or anything."""
    text = "昨天，江城市南岸区人民法院的书记陈晓来了。"
    dev = write(folder / "dev.jsonl", [{"id": n, "text": text, "spans": []} for n in "12"])
    config = TrainConfig(
        name="own",
        version="1",
        data=DataConfig(train=(dev,), dev=(dev,)),
        schedule=Schedule(epochs=0),
    )
    list(train(config, folder / "run"))
    found = [list(load(model).tag([text])) for model in ("news", folder / "run/model")]
    assert found[0] == found[1] and len(found[0][0]) > 2


def test_a_label_more_keeps_what_the_model_knows_of_the_others(folder: Path) -> None:
    """People who add a label of their own to ours go on from all that our model has learnt."""
    text = "昨天，江城市南岸区人民法院的院长王建国来了。"
    dev = write(folder / "dev.jsonl", [{"id": "1", "text": text, "spans": [[14, 16, "职务"]]}])
    config = TrainConfig(
        name="own",
        version="1",
        start=TrainedModels(models=("news-fast",)),
        labels=("职务", "ORG", "PER"),
        data=DataConfig(train=(dev,), dev=(dev,)),
        schedule=Schedule(epochs=0),
    )
    list(train(config, folder / "run"))
    [known], [found] = (list(load(m).tag([text])) for m in ("news-fast", folder / "run/model"))
    assert {span.label for span in known} == {"PER", "LOC", "ORG"}
    assert found == [span for span in known if span.label != "LOC"]

    both = config.model_copy(update={"start": TrainedModels(models=("news-fast", "news-fast"))})
    start = start_files(both)
    network = make_network(both, Characters.read(start.characters), start.weights)
    first, *others = network.state_dict()["head.bias"].flatten().tolist()
    assert first == -5 and -5 not in others  # a new label starts as in a new network


def test_of_several_models_training_starts_from_the_mean_of_their_weights(folder: Path) -> None:
    """A mean with itself is the model itself; with another one it lies between them."""
    characters = Characters.read(CHARACTERS)
    made = {}
    for name, seed in (("one", 1), ("two", 2)):
        config = settings(folder, epochs=1, seed=seed, characters=CHARACTERS)
        list(train(config, folder / name))
        made[name] = str(folder / name / "model")

    def embedding(*names: str) -> torch.Tensor:
        config = settings(folder, start=TrainedModels(models=names))
        network = make_network(config, characters, start_files(config).weights)
        return network.encoder.embedding.character.weight.detach()  # type: ignore[union-attr]

    one, two = embedding(made["one"]), embedding(made["two"])
    assert torch.equal(embedding(made["one"], made["one"]), one) and not torch.equal(one, two)
    assert torch.allclose(embedding(*made.values()), (one + two) / 2)
    with pytest.raises(NerError, match="another shape than the model before it"):
        embedding(made["one"], "news")


def test_dev_articles_that_are_learnt_from_are_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = json.loads((folder / "train.jsonl").read_text().splitlines()[5])["text"]
    rows = [{"id": "1", "text": text, "spans": []}, {"id": "2", "text": "别的。", "spans": []}]
    for dev, told in (
        (rows, ["1 of 2 dev articles are among those to learn from"]),
        (rows[1:], []),
    ):
        caplog.clear()
        data = DataConfig(train=(folder / "train.jsonl",), dev=(write(folder / "dev.jsonl", dev),))
        next(train(settings(folder, data=data), folder / f"run{len(dev)}"))
        assert [record.message.partition(":")[0] for record in caplog.records] == told


def test_what_is_tested_on_must_not_be_learnt_from(folder: Path) -> None:
    config = settings(folder, epochs=1)
    text = json.loads((folder / "train.jsonl").read_text().splitlines()[5])["text"]
    test = write(folder / "test.jsonl", [{"id": "t", "text": text, "spans": []}])
    config = config.model_copy(update={"data": config.data.model_copy(update={"test": (test,)})})
    with pytest.raises(NerError, match=r"train.jsonl: 3 articles are test articles too, 5 for one"):
        next(train(config, folder / "run"))
    write(test, [{"id": "t", "text": "别的。", "spans": []}])
    list(train(config, folder / "run"))
    data = load(folder / "run/model").data
    assert any(name.endswith("/train.jsonl") for name in data)
    assert not any("test.jsonl" in name for name in data)
    # Swapped for another test set meanwhile, the folder is not this run's any more.
    write(test, [{"id": "t", "text": "又是别的。", "spans": []}])
    with pytest.raises(NerError, match="another config or other data"):
        next(train(config, folder / "run"))


def test_a_model_tells_apart_data_of_one_name(folder: Path) -> None:
    files = []
    for name in ("a/x", "b/x"):
        (folder / name).mkdir(parents=True)
        files.append(Path(shutil.copy(folder / "train.jsonl", folder / name)))
    data = DataConfig(train=tuple(files), dev=(folder / "train.jsonl",))
    list(train(settings(folder, epochs=1, data=data), folder / "run"))
    names = [name for name in load(folder / "run/model").data if "train" in name]
    assert names[:2] == ["a/x/train.jsonl", "b/x/train.jsonl"]
    assert not any(name.startswith("/") for name in names)


def test_a_bad_line_in_a_corpus_stops_training_and_is_named(folder: Path) -> None:
    bad = {"id": "1", "text": "南岸区", "spans": [[0, 9, "LOC"]]}
    (folder / "train.jsonl").write_text(json.dumps(bad))
    with pytest.raises(NerError, match=r"train\.jsonl:1: span 0:9 LOC ends past the text"):
        next(train(settings(folder), folder / "run"))


def test_a_label_that_the_config_does_not_name_is_named(folder: Path) -> None:
    first = '{"id": "0", "text": "晴。", "spans": []}\n'
    train_file = folder / "train.jsonl"
    train_file.write_text(first + train_file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(NerError, match="the data has labels LOC beside PER .*labels = ") as caught:
        next(train(settings(folder, labels=("PER",)), folder / "run"))
    assert caught.value.where == f"{train_file}:2"
