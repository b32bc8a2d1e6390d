"""A promoted model is what its name means, until it is rolled back."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import copy_model

from ner.errors import NerError
from ner.tagger.loading import load
from ner.tagger.promotion import promote, rollback
from ner.tagger.registry import find_model, user_models

SHIPPED = find_model()


def other(tmp_path: Path, version: str, name: str = "news") -> Path:
    return copy_model(SHIPPED, tmp_path / f"run-{version}", version=version, name=name)


def test_the_model_promoted_last_counts_and_rolling_back_goes_one_step(tmp_path: Path) -> None:
    assert find_model("news") == SHIPPED
    for version in ("9.0", "0.0.1"):  # not the newest: the last
        assert promote(load(other(tmp_path, version))) == user_models() / f"news-{version}"
        assert str(load("news")) == f"news-{version}"
    assert rollback("news") == user_models() / "news-9.0"
    assert str(load("news-0.0.1")) == "news-0.0.1"
    # A model that was rolled back is still installed and can be promoted again.
    assert str(load("news")) == "news-9.0"
    assert promote(load("news-0.0.1")) == user_models() / "news-0.0.1" == find_model("news")


def test_rolled_back_to_the_end_the_shipped_model_counts(tmp_path: Path) -> None:
    promote(load(other(tmp_path, "0.0.1")))
    assert rollback("news") == SHIPPED
    with pytest.raises(NerError, match="no model 'news' was promoted"):
        rollback("news")


def test_a_version_is_not_overwritten_by_another_model(tmp_path: Path) -> None:
    folder = other(tmp_path, "9.0")
    promote(load(folder))
    assert promote(load(folder)) == user_models() / "news-9.0"  # the same bytes: nothing to copy
    settings = folder / "span_tagger/settings.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "core": 512}))
    with pytest.raises(NerError, match="another news-9.0 is installed .give the new one another"):
        promote(load(folder))
    # Nor may it stand beside a shipped model that has its name and version: which one is meant?
    version = load(SHIPPED).version
    same = other(tmp_path, version)
    shutil.copy(settings, same / "span_tagger/settings.json")
    with pytest.raises(NerError, match=f"{SHIPPED.name}: another .* is installed"):
        promote(load(same))
    assert load().folder == user_models() / "news-9.0"


def test_the_shipped_model_can_be_held_on_to(tmp_path: Path) -> None:
    """Promoted as it is, it stays when the package brings a newer one."""
    assert load(promote(load(SHIPPED))).hash == load(SHIPPED).hash
    assert find_model().parent == user_models()


def test_promoting_again_what_is_in_use_is_one_promotion(tmp_path: Path) -> None:
    folder = other(tmp_path, "9.0")
    for _ in range(2):
        promote(load(folder))
    assert rollback("news") == SHIPPED


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
    (user_models() / "promoted.json").write_text("{")
    with pytest.raises(NerError, match=r"promoted.json: cannot be read.*promote again"):
        load("news")
