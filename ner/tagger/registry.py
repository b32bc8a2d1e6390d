"""Which models there are, and which one a name means."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ner.errors import NerError
from ner.files import model_folders, user_models

DEFAULT_MODEL = "news"
PROMOTED = "promoted.json"  # in `own_models`: names, each with what was promoted, the last last
FOLDER_NAME = re.compile(r"[^\W_][\w.+-]*")  # of a model, and no other than its own


def find_model(model: str | Path = DEFAULT_MODEL, promotions: Sequence[str] | None = None) -> Path:
    """The folder of a model; see `load`. What was promoted under a name goes before what is newest.

    Args:
        model: a name, a name with a version, or a folder.
        promotions: what was promoted under the name, the last last; `promoted` if not given.

    Raises:
        NerError: there is none.
    """
    if not str(model):
        raise NerError(
            "no model is named", remedy=f"its name, such as {DEFAULT_MODEL}, or its folder"
        )
    if (Path(model) / "meta.json").is_file():
        return Path(model)
    if promotions is None:
        promotions = promoted(str(model))
    if promotions:
        folder = own_models() / promotions[-1]
        if not (folder / "meta.json").is_file():
            raise NerError(
                f"{folder.name}, promoted as {model!r}, is gone",
                where=str(folder),
                remedy=f"put it back, or `ner models rollback --name {model}`",
            )
        return folder
    if found := named(str(model)):
        return found[-1]
    names = ", ".join(folder.name for folder in installed_models()) or "none"
    if Path(model).is_dir():
        raise NerError(
            "holds no model: there is no meta.json",
            where=str(model),
            remedy=f"give the folder of a model, such as runs/own/model; installed: {names}",
        )
    raise NerError(f"no model {str(model)!r}", remedy=f"installed: {names}; or give a folder")


def named(model: str) -> list[Path]:
    """The installed models of a name, with or without a version, the newest last.

    A name is the folder's, or the one in the model's ``meta.json``: its version may have any form.
    """
    by_folder = model_folders("meta.json", model)
    return [
        folder
        for folder in installed_models()
        if folder in by_folder or model in _names(folder / "meta.json")
    ]


def _names(meta: Path) -> tuple[str, ...]:
    """What a model calls itself, without and with its version; nothing where that cannot be read."""
    try:
        values = json.loads(meta.read_bytes())
        return values["name"], f"{values['name']}-{values['version']}"
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ()


def installed_models() -> list[Path]:
    """The folders of the user's own models, then of those that came with the package, oldest first."""
    return model_folders("meta.json")


def own_models() -> Path:
    """The folder that promoted models are copied to.

    Raises:
        NerError: the user has no home directory, and NER_MODELS is not set.
    """
    folder = user_models()
    if folder is None:
        raise NerError("there is no home directory to keep models in", remedy="set NER_MODELS")
    return folder


def promoted(name: str) -> list[str]:
    """The models that were promoted under a name, the one in use last.

    Raises:
        NerError: the file that says so is damaged.
    """
    return record().get(name, [])


def record() -> dict[str, list[str]]:
    """All promotions: names, each with the models that were promoted under it, the last last.

    Raises:
        NerError: the file is damaged.
    """
    folder = user_models()
    if folder is None:
        return {}
    path = folder / PROMOTED
    try:
        values: Any = json.loads(path.read_bytes())
        for models in values.values():
            if not all(FOLDER_NAME.fullmatch(model) for model in models):
                raise ValueError(f"{models} are not names of models")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}  # nothing promoted, or another user's
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise NerError(
            f"cannot be read: {error}", where=str(path), remedy="delete it, and promote again"
        ) from None
    return {name: list(models) for name, models in values.items()}
