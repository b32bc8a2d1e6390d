"""Which of several models of a name is in use: the one promoted last, or else the newest shipped."""

import json
import os
import shutil
from pathlib import Path

from ner.errors import NerError
from ner.tagger import DEFAULT_MODEL, PROMOTED, Tagger, find_model, load, promoted, user_models


def promote(tagger: Tagger, name: str = DEFAULT_MODEL) -> Path:
    """Copy a model to the user's models and make it the one that a name means.

    Returns:
        Its folder there.

    Raises:
        NerError: another model of its own name and version is there.
    """
    root = user_models()
    folder = root / str(tagger)
    if folder.exists() and load(folder).hash != tagger.hash:
        raise NerError(
            "is there already", where=str(folder), remedy="give the model another version"
        )
    root.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        beside = root / f".{tagger}.new"  # no model's name begins with a dot
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(tagger.folder, beside)
        beside.replace(folder)
    _write(name, [*promoted(name), str(tagger)])
    return folder


def rollback(name: str) -> Path:
    """Make a name mean what it meant before the last promotion; that model is kept.

    Returns:
        The folder of the model that counts now.

    Raises:
        NerError: nothing of that name was promoted.
    """
    before = promoted(name)
    if not before:
        raise NerError(f"no model {name!r} was promoted", remedy="`ner models` lists what there is")
    _write(name, before[:-1])
    return find_model(name)


def _write(name: str, models: list[str]) -> None:
    path = user_models() / PROMOTED
    state = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({**state, name: models}, indent=1), encoding="utf-8")
    os.replace(beside, path)
