"""Files written whole or not at all, and the data that ships with the package."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ner.errors import NerError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, which takes the place of `path` when the block is done.

    What is written there may be a file or a folder. It is on the disk before it is renamed, so a kill or
    a power cut leaves the old file or the new one, whole. If the block raises, the old one stays.
    """
    target = path.resolve()  # through a symbolic link: the link stays, its target is replaced
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        written = scratch / target.name
        yield written
        if written.is_dir():
            for file in filter(Path.is_file, written.rglob("*")):
                _sync(file)
            if target.is_dir():
                target.replace(scratch / "old")
        else:
            _sync(written)
        written.replace(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Replace a file's text, UTF-8."""
    with replacing(path) as written:
        written.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        NerError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NerError(f"cannot be read: {error.strerror}", where=str(path)) from None


def package_data(*names: str) -> Path:
    """A file or folder that ships with the package.

    Args:
        names: where it may be, under the package's folder (a wheel) or the repository's (a checkout).

    Raises:
        NerError: it is not there.
    """
    package = Path(__file__).parent
    places = [root / name for root in (package, package.parent) for name in names]
    for place in places:
        if place.exists():
            return place
    raise NerError(f"{names[0]} is missing", where=str(package), remedy="install ner again")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
