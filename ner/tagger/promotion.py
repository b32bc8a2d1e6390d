"""Which of several models of a name is in use: the one promoted last, or else the newest shipped."""

import json
import logging
import shutil
from pathlib import Path

from ner.errors import NerError
from ner.files import replacing, write_text
from ner.tagger import checksums
from ner.tagger.loading import Tagger, load
from ner.tagger.registry import (
    DEFAULT_MODEL,
    PROMOTED,
    find_model,
    named,
    own_models,
    promoted,
    record,
)

_LOG = logging.getLogger(__name__)


def in_use(tagger: Tagger, name: str = DEFAULT_MODEL) -> bool:
    """True where a name means this very model already, so that to promote it would change nothing."""
    if not (promoted(name) or named(name)):
        return False
    used = load(name)
    return (str(used), used.hash) == (str(tagger), tagger.hash)


def promote(tagger: Tagger, name: str = DEFAULT_MODEL) -> Path:
    """Copy a model to the user's models and make it the one that a name means, unless it is already.

    Returns:
        Its folder.

    Raises:
        NerError: another model of its own name and version is installed, or there is no folder for models.
    """
    if in_use(tagger, name):
        return find_model(name)
    folder = own_models() / str(tagger)
    for other in named(folder.name):
        if load(other).hash != tagger.hash:
            raise NerError(
                f"another {tagger} is installed",
                where=str(other),
                remedy="give the new one another version in its config",
            )
    if not folder.exists():
        copy(tagger.folder, folder)
    _write(name, [*promoted(name), folder.name])
    _LOG.info("%s now means %s", name, folder.name)
    return folder


def rollback(name: str = DEFAULT_MODEL) -> Path:
    """Make a name mean what it meant before the last promotion; that model is kept.

    Returns:
        The folder of the model that is in use now.

    Raises:
        NerError: nothing of that name was promoted, or there was nothing of it before.
    """
    before = promoted(name)
    if not before:
        raise NerError(f"no model {name!r} was promoted", remedy="`ner models` lists what there is")
    *left, last = before
    folder = find_model(name, left)
    if folder == own_models() / last:
        raise NerError(f"before {last} there was no model {name!r}", remedy="promote another")
    _write(name, left)
    return folder


def copy(model: Path, folder: Path) -> None:
    """Copy a model's folder; a kill leaves all of it or nothing.

    Raises:
        NerError: the folder is there already.
    """
    require_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as written:
        shutil.copytree(model, written)


def require_free(folder: Path, model: Path | None = None) -> None:
    """Look whether a model can be copied to a folder.

    Args:
        model: a model of which the folder may be the copy already.

    Raises:
        NerError: something else is there.
    """
    if folder.exists() and not (model and _same(folder, model)):
        raise NerError("is there already", where=str(folder), remedy="delete it, or name another")


def _same(folder: Path, model: Path) -> bool:
    """Whether two folders hold the same model, as both list it and as it is."""
    lists = [(each / checksums.NAME) for each in (folder, model)]
    if not all(path.is_file() for path in lists):
        return False
    return lists[0].read_bytes() == lists[1].read_bytes() and checksums.verify(folder)


def _write(name: str, models: list[str]) -> None:
    write_text(own_models() / PROMOTED, json.dumps({**record(), name: models}, indent=1))
