"""spaCy without torch, for processes that only tag."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """Import what uses torch only where it is installed, as spaCy does, as if it were not.

    Importing it takes longer than all else that a tagger needs, and a tagger does not use it.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # how Python notes what cannot be imported
    try:
        yield
    finally:
        del sys.modules["torch"]
