"""Which of the models that tagged a store is meant: the one in use, or another by name."""

import json
from typing import TYPE_CHECKING

from ner.errors import NerError
from ner.store import ModelKey
from ner.tagger.registry import find_model

if TYPE_CHECKING:
    from ner.store.foreign import AnyStore


def find_key(store: "AnyStore", model: str) -> ModelKey:
    """The model that a name means, as the store knows it; loads no model.

    Args:
        model: a name (the model in use under it), a name with a version, or a folder. What the store
            was tagged by may be named even where it is no longer installed.

    Returns:
        A key with an empty hash, which has tagged nothing, where the model in use has not tagged this
        store yet.

    Raises:
        NerError: there is no model of that name, neither installed nor in the store.
    """
    try:
        meta = json.loads((find_model(model) / "meta.json").read_text(encoding="utf-8"))
        name, version = str(meta["name"]), str(meta["version"])
    except NerError as error:
        if known := store.find_model(model):
            return known
        names = ", ".join(str(use.key) for use in store.models()) or "none"
        raise NerError(error.message, remedy=f"this store was tagged by: {names}") from None
    return store.find_model(f"{name}-{version}") or ModelKey(name, version, "")
