"""Installed models: what is damaged is said, what is promoted is used, what people decided teaches."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, copy_model
from test_cli import ner, one_line_error

from ner import corpus
from ner.article import Article, Span
from ner.evaluation.score import table
from ner.formats import dump
from ner.store import Store
from ner.tagger import checksums
from ner.tagger.loading import load
from ner.tagger.registry import find_model, own_models

SHIPPED = find_model()
TEST = ROOT / "data/annotations/test.jsonl"
TEXT = "江城市南岸区人民法院的书记陈晓说“一表通”真省事。"


def copy(folder: Path, *, version: str, confused: bool = False) -> Path:
    """The shipped model with other bytes, under another version; a confused one mixes its labels up."""
    copy_model(SHIPPED, folder, version=version)
    path = folder / "span_tagger/settings.json"
    settings = json.loads(path.read_text())
    first, *others = settings["labels"]
    labels = [*others, first] if confused else settings["labels"]
    path.write_text(json.dumps({**settings, "labels": labels, "calibration": {}}))
    checksums.write(folder)
    return folder


def test_a_list_of_hashes_is_the_one_that_sha256sum_reads(tmp_path: Path) -> None:
    folder = copy(tmp_path / "m", version="1.0")
    assert checksums.verify(folder)
    assert SHIPPED.joinpath(checksums.NAME).read_text().count("\n") >= 5
    (folder / "README.md").write_text("a card may be edited")
    assert checksums.verify(folder)
    (folder / checksums.NAME).unlink()
    assert not checksums.verify(folder)


def test_models_lists_verifies_and_says_which_is_used(tmp_path: Path) -> None:
    result = ner("models", "--data")
    assert result.exit_code == 0
    [line] = [line for line in result.stdout.splitlines() if line.endswith("<- news")]
    assert "verified" in line and str(SHIPPED) in line
    assert "annotations/train.jsonl" in result.stdout


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "network.onnx has changed"),
        (lambda file: file.unlink(), "network.onnx is missing"),
    ],
)
def test_a_damaged_model_is_named_and_the_others_listed(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    folder = copy(tmp_path / "models/sick-1.0", version="1.0")
    harm(folder / "span_tagger/network.onnx")
    result = ner("models")
    assert result.exit_code == 1
    assert f"the model is damaged: span_tagger/{said} (install it again)" in result.stderr
    assert "news-" in result.stdout


def test_a_model_no_worse_is_promoted_and_rolled_back(tmp_path: Path) -> None:
    folder = copy(tmp_path / "run", version="9.0")
    result = ner("models", "promote", folder, TEST)
    assert result.exit_code == 0, result.output
    assert "B is" in result.stdout and "cannot tell" in result.stdout
    assert str(load()) == "news-9.0"
    assert ner("models", "rollback").exit_code == 0
    assert find_model() == SHIPPED
    assert "no model 'news' was promoted" in one_line_error(ner("models", "rollback"))


def test_the_first_model_of_a_name_has_none_to_be_compared_with(tmp_path: Path) -> None:
    folder = copy(tmp_path / "run", version="9.0", confused=True)
    result = ner("models", "promote", folder, TEST, "--name", "mine")
    assert result.exit_code == 0 and "no model 'mine' yet" in result.stderr
    assert "mine is now news-9.0" in result.stderr and find_model() == SHIPPED
    assert "rollback" not in result.stderr  # there is nothing to go back to
    again = ner("models", "promote", copy(tmp_path / "next", version="9.1"), TEST, "--name", "mine")
    assert "`ner models rollback --name mine` takes it back" in again.stderr
    listed = ner("models").stdout.splitlines()
    assert [line.rpartition("<-")[2] for line in listed if "<-" in line] == [" mine", " news"]
    assert ner("models", "rollback", "--name", "mine").exit_code == 0
    assert str(load("mine")) == "news-9.0"


def test_models_are_listed_where_the_one_in_use_is_gone(tmp_path: Path) -> None:
    assert ner("models", "promote", copy(tmp_path / "run", version="9.0"), TEST).exit_code == 0
    shutil.rmtree(find_model())
    result = ner("models")
    assert result.exit_code == 1 and "ner models rollback" in result.stderr
    assert str(SHIPPED) in result.stdout


def test_models_are_listed_where_the_record_of_promotions_is_damaged() -> None:
    own_models().mkdir(parents=True, exist_ok=True)
    (own_models() / "promoted.json").write_text("{", encoding="utf-8")
    result = ner("models")
    assert result.exit_code == 1 and "promoted.json: cannot be read" in result.stderr
    assert str(SHIPPED) in result.stdout


def test_a_worse_model_is_refused_unless_a_person_insists(tmp_path: Path) -> None:
    folder = copy(tmp_path / "run", version="9.0", confused=True)
    refused = ner("models", "promote", folder, TEST)
    assert refused.exit_code == 1
    assert "worse than news on PER, LOC, ORG, BRAND" in refused.stderr and find_model() == SHIPPED
    asked = ner("models", "promote", folder, TEST, "--override", input="n\n")
    assert asked.exit_code == 1 and find_model() == SHIPPED
    assert ner("models", "promote", folder, TEST, "--override", input="y\n").exit_code == 0
    assert str(load()) == "news-9.0"


def test_evaluate_writes_its_figures_and_its_mistakes(tmp_path: Path) -> None:
    figures, html = tmp_path / "f.json", tmp_path / "m.html"
    train = ROOT / "data/annotations/train.jsonl"
    result = ner("evaluate", "news", TEST, "--train", train, "--json", figures, "--html", html)
    assert result.exit_code == 0, result.output
    told = json.loads(figures.read_text("utf-8"))
    articles = list(corpus.read([TEST]))
    found = list(load().tag(article.text for article in articles))
    rows = table([article.spans for article in articles], found)
    assert told["strict"]["BRAND"]["f1"] == rows["BRAND"].f1
    low, high = told["strict"]["all"]["f1_interval"]
    assert low < rows["all"].f1 < high
    seen, unseen = (told["strict"][row]["gold"] for row in ("seen", "unseen"))
    assert seen + unseen == rows["all"].gold and min(seen, unseen) > 0
    page = html.read_text("utf-8")
    assert "spurious" in page and articles[0].id[:2] in page
    for shown in ("quoted BRAND", "unseen", "calibration error", "half"):
        assert shown in result.stdout


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_what_evaluate_cannot_write_is_said_before_it_tags(tmp_path: Path, option: str) -> None:
    missing = tmp_path / "none/page"
    result = ner("evaluate", "no-such-model", TEST, option, missing)
    assert f"{missing}: cannot be written" in one_line_error(result)


def test_compare_sets_two_models_side_by_side(tmp_path: Path) -> None:
    folder = copy(tmp_path / "run", version="9.0")
    result = ner("compare", "news", folder, TEST)
    assert result.exit_code == 0 and "news-9.0" in result.stdout
    assert "too few to compare" in one_line_error(ner("compare", "news", folder, _few(tmp_path)))


def test_what_people_decided_in_the_store_teaches_the_next_model(tmp_path: Path) -> None:
    """The loop: tagged, corrected, trained from the model in use, set beside it."""
    url = f"sqlite:///{tmp_path}/a.db"
    rows = [{"id": str(n), "text": f"第{n}天，{TEXT}", "spans": []} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = tmp_path / "own.toml"
    config.write_text(
        f'name = "own"\nversion = "0.0.1"\nstart.models = ["{SHIPPED}"]\n[data]\n'
        f'train = []\ndev = ["{tmp_path}/a.jsonl"]\n'
        f'test = ["{TEST}"]\n[schedule]\nepochs = 1\nbatch_size = 256\n'
    )
    command = ("train", config, "--run", tmp_path / "run", "--from-store", "--store", url)
    ner("ingest", tmp_path / "a.jsonl", "--store", url)
    assert "the store has no reviewed articles" in one_line_error(ner(*command))
    ner("tag", "--store", url)
    with Store(url) as store:
        first, second, _ = (item for item in store.articles() if isinstance(item, Article))
        person = next(span for span in first.spans if span.label == "PER")
        for article in (first, second):
            kept = Span(person.start, person.end, "PER")
            store.decide(replace(article, spans=(kept,)), "陈")
    (tmp_path / "dev.jsonl").write_text(dump({**rows[1], "spans": []}))
    config.write_text(config.read_text().replace("a.jsonl", "dev.jsonl"))
    short = tmp_path / "short.toml"
    short.write_text(config.read_text().replace(str(TEST), str(_few(tmp_path))))
    early = ner("train", short, *command[2:])
    assert "3 articles are too few to compare on" in one_line_error(early)
    result = ner(*command)
    assert result.exit_code == 0, result.output
    assert "1 reviewed articles" in result.stderr and "1 more kept for testing" in result.stderr
    assert "ner models promote" in result.stderr and "own-0.0.1" in result.stdout
    [taught] = corpus.read([tmp_path / "run/reviewed.jsonl"])
    assert [span.label for span in taught.spans] == ["PER"]
    assert "run/reviewed.jsonl" in load(tmp_path / "run/model").data
    # Called again it is the same run, whatever store is named.
    again = ner(*command[:-1], "sqlite:///nowhere.db")
    assert again.exit_code == 0, again.output
    assert "the run goes on with its 1 reviewed articles" in again.stderr


def _few(tmp_path: Path) -> Path:
    path = tmp_path / "few.jsonl"
    path.write_text("".join(TEST.read_text("utf-8").splitlines(keepends=True)[:3]))
    return path
