"""Which of several models of a name is in use: the one promoted last, or else the newest shipped."""

import json
import shutil
from pathlib import Path

from ner.errors import NerError
from ner.files import replacing, write_text
from ner.tagger.loading import Tagger, load
from ner.tagger.registry import DEFAULT_MODEL, PROMOTED, find_model, named, promoted, user_models


def promote(tagger: Tagger, name: str = DEFAULT_MODEL) -> Path:
    """Copy a model to the user's models and make it the one that a name means.

    Returns:
        Its folder there.

    Raises:
        NerError: another model of its own name and version is installed.
    """
    folder = user_models() / str(tagger)
    for other in named(folder.name):
        if load(other).hash != tagger.hash:
            raise NerError(
                f"another {tagger} is installed",
                where=str(other),
                remedy="give the new one another version in its config",
            )
    before = promoted(name)
    if not folder.exists():
        copy(tagger.folder, folder)
    if before[-1:] != [folder.name]:
        _write(name, [*before, folder.name])
    return folder


def rollback(name: str) -> Path:
    """Make a name mean what it meant before the last promotion; that model is kept.

    Returns:
        The folder of the model that counts now.

    Raises:
        NerError: nothing of that name was promoted, or there was nothing of it before.
    """
    before = promoted(name)
    if not before:
        raise NerError(f"no model {name!r} was promoted", remedy="`ner models` lists what there is")
    *left, last = before
    folder = find_model(name, left)
    if folder == user_models() / last:
        raise NerError(f"before {last} there was no model {name!r}", remedy="promote another")
    _write(name, left)
    return folder


def copy(model: Path, folder: Path) -> None:
    """Copy a model's folder; a kill leaves all of it or nothing.

    Raises:
        NerError: the folder is there already.
    """
    if folder.exists():
        raise NerError("is there already", where=str(folder), remedy="delete it, or name another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as written:
        shutil.copytree(model, written)


def _write(name: str, models: list[str]) -> None:
    path = user_models() / PROMOTED
    state = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_text(path, json.dumps({**state, name: models}, indent=1))
