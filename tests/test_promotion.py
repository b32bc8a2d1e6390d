"""A promoted model is what its name means, until it is rolled back."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import PATIENCE, ROOT, copy_model

from ner import words
from ner.errors import NerError
from ner.tagger import checksums
from ner.tagger.loading import load
from ner.tagger.promotion import in_use, promote, rollback
from ner.tagger.registry import find_model, installed_models, own_models

SHIPPED = find_model()


def other(tmp_path: Path, version: str, name: str = "news") -> Path:
    return copy_model(SHIPPED, tmp_path / f"run-{version}", version=version, name=name)


def test_the_model_promoted_last_counts_and_rolling_back_goes_one_step(tmp_path: Path) -> None:
    assert find_model("news") == SHIPPED
    for version in ("9.0", "0.0.1"):  # not the newest: the last
        assert promote(load(other(tmp_path, version))) == own_models() / f"news-{version}"
        assert str(load("news")) == f"news-{version}"
    assert rollback("news") == own_models() / "news-9.0"
    assert str(load("news-0.0.1")) == "news-0.0.1"
    # A model that was rolled back is still installed and can be promoted again.
    assert str(load("news")) == "news-9.0"
    assert promote(load("news-0.0.1")) == own_models() / "news-0.0.1" == find_model("news")


@pytest.mark.parametrize("version", ["2026-11", "v2", "1.0-rc1", "七月"])
def test_a_version_of_any_form_is_found_by_the_name(tmp_path: Path, version: str) -> None:
    promote(load(other(tmp_path, version, name="news-own")), "news-own")
    (own_models() / "promoted.json").unlink()
    assert find_model("news-own") == own_models() / f"news-own-{version}"
    assert find_model("news") == SHIPPED


def test_rolled_back_to_the_end_the_shipped_model_counts(tmp_path: Path) -> None:
    promote(load(other(tmp_path, "0.0.1")))
    assert rollback("news") == SHIPPED
    with pytest.raises(NerError, match="no model 'news' was promoted"):
        rollback("news")


def test_a_version_is_not_overwritten_by_another_model(tmp_path: Path) -> None:
    folder = other(tmp_path, "9.0")
    promote(load(folder))
    assert promote(load(folder)) == own_models() / "news-9.0"  # the same bytes: nothing to copy
    settings = folder / "span_tagger/settings.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "core": 512}))
    checksums.write(folder)
    with pytest.raises(NerError, match="another news-9.0 is installed .give the new one another"):
        promote(load(folder))
    # Nor may it stand beside a shipped model that has its name and version: which one is meant?
    version = load(SHIPPED).version
    same = other(tmp_path, version)
    shutil.copy(settings, same / "span_tagger/settings.json")
    checksums.write(same)
    with pytest.raises(NerError, match=f"{SHIPPED.name}: another .* is installed"):
        promote(load(same))
    assert load().folder == own_models() / "news-9.0"


def test_promoting_what_is_in_use_changes_nothing(tmp_path: Path) -> None:
    shipped = load(SHIPPED)
    assert in_use(shipped) and not in_use(shipped, "own")
    assert promote(shipped) == SHIPPED
    assert not own_models().exists()
    folder = other(tmp_path, "9.0")
    for promotes in (True, False):
        assert in_use(load(folder)) != promotes
        assert promote(load(folder)) == own_models() / "news-9.0"
    assert in_use(load(folder)) and not in_use(shipped)
    assert rollback("news") == SHIPPED


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "../../news"), ("version", "../../../9"), ("name", "/tmp/x"), ("name", 3)],
)
def test_a_model_named_like_another_folder_is_refused(
    tmp_path: Path, field: str, value: object
) -> None:
    folder = other(tmp_path, "9.0")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, field: value}))
    checksums.write(folder)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NerError, match=r"meta.json: .*cannot name a folder|the model is damaged"):
        promote(load(folder))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_record_that_names_another_folder_is_damaged(tmp_path: Path) -> None:
    own_models().mkdir(parents=True)
    (own_models() / "promoted.json").write_text('{"news": ["../run"]}')
    with pytest.raises(NerError, match=r"promoted.json: cannot be read: .*not names of models"):
        load("news")


@pytest.mark.parametrize("home", [None, "another's"])
def test_without_a_home_of_ones_own_the_shipped_models_are_used(home: str | None) -> None:
    code = (
        "import encodings.utf_32_le, os, spacy.lang.zh, ner.tagger;"
        " os.setgid(54321); os.setuid(54321); print(ner.load())"
    )
    if os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as closed:
        Path(closed, ".local/share/ner/models").mkdir(parents=True)
        if home:
            environment["HOME"] = closed
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.stdout.strip() == SHIPPED.name, done.stderr


def test_where_models_can_be_kept_nowhere_promoting_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = other(tmp_path, "9.0")
    monkeypatch.delenv("NER_MODELS")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(
        "pwd.getpwuid", dict[int, object]().__getitem__
    )  # a user the system does not know
    with pytest.raises(NerError, match="no home directory to keep models in .set NER_MODELS"):
        promote(load(folder))


def test_word_models_are_found_by_the_same_rule() -> None:
    own = own_models() / "own-1.0"
    shutil.copytree(ROOT / "models/words-0.1.0", own)
    assert [folder.name for folder in words.installed()] == ["own-1.0", "words-0.1.0"]
    assert find_model() == SHIPPED and own not in installed_models()
    assert (
        words.load("own")("昨天开会")
        == words.load("own-1.0")("昨天开会")
        == words.load()("昨天开会")
    )


def test_before_the_first_model_of_a_name_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    promote(load(other(tmp_path, "1.0", "own")), "own")
    with pytest.raises(NerError, match="before own-1.0 there was no model 'own'"):
        rollback("own")
    assert str(load("own")) == "own-1.0"


def test_a_promoted_model_that_is_gone_is_named_with_the_way_back(tmp_path: Path) -> None:
    shutil.rmtree(promote(load(other(tmp_path, "9.0"))))
    with pytest.raises(NerError, match=r"news-9.0, promoted as 'news', is gone .*rollback"):
        load()
    assert rollback("news") == SHIPPED


def test_a_model_of_another_name_can_take_a_name_over(tmp_path: Path) -> None:
    promote(load(other(tmp_path, "1.0", "own")), "news")
    assert str(load()) == "own-1.0"
    assert rollback("news") == SHIPPED


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    promote(load(other(tmp_path, "9.0")))
    (own_models() / "promoted.json").write_text("{")
    with pytest.raises(NerError, match=r"promoted.json: cannot be read.*promote again"):
        load("news")
