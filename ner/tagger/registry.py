"""Which models there are, and which one a name means."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ner.errors import NerError
from ner.files import package_data

DEFAULT_MODEL = "news"
PROMOTED = "promoted.json"  # in `user_models`: names, each with what was promoted, the last last


def find_model(model: str | Path = DEFAULT_MODEL, promotions: Sequence[str] | None = None) -> Path:
    """The folder of a model; see `load`. What was promoted under a name goes before what is newest.

    Args:
        model: a name, a name with a version, or a folder.
        promotions: what was promoted under the name, the last last; `promoted` if not given.
    """
    if (Path(model) / "meta.json").is_file():
        return Path(model)
    if promotions is None:
        promotions = promoted(str(model))
    if promotions:
        folder = user_models() / promotions[-1]
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
    raise NerError(f"no model {str(model)!r}", remedy=f"installed: {names}; or give a folder")


def named(model: str) -> list[Path]:
    """The installed models of a name, with or without a version, the newest last."""
    pattern = re.compile(rf"{re.escape(model)}(-[\d.]+)?")
    return [folder for folder in installed_models() if pattern.fullmatch(folder.name)]


def installed_models() -> list[Path]:
    """The folders of the user's own models, then of those that came with the package, oldest first."""
    roots = (user_models(), package_data("models"))
    return [
        folder
        for root in roots
        for folder in sorted((meta.parent for meta in root.glob("[!.]*/meta.json")), key=_age)
    ]


def _age(folder: Path) -> list[tuple[int, int | str]]:
    return [*map(_number_or_word, re.split(r"[-.]", folder.name))]


def user_models() -> Path:
    """Where promoted models are kept: ``NER_MODELS``, or a folder of the user's."""
    return Path(os.environ.get("NER_MODELS") or Path.home() / ".local/share/ner/models")


def promoted(name: str) -> list[str]:
    """The models that were promoted under a name, the one in use last.

    Raises:
        NerError: the file that says so is damaged.
    """
    path = user_models() / PROMOTED
    if not path.exists():
        return []
    try:
        return list(json.loads(path.read_text(encoding="utf-8")).get(name, ()))
    except (ValueError, AttributeError) as error:
        raise NerError(
            f"cannot be read: {error}", where=str(path), remedy="delete it, and promote again"
        ) from None


def _number_or_word(part: str) -> tuple[int, int | str]:
    return (0, int(part)) if part.isdigit() else (1, part)
