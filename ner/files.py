"""Files written whole or not at all, and the data that ships with the package."""

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ner.errors import NerError


def read_toml(path: Path, remedy: str) -> dict[str, Any]:
    """The values of a TOML file.

    Args:
        remedy: what to do where it cannot be read.

    Raises:
        NerError: it cannot be read, or is not TOML; without the file's name, which `at` gives.
    """
    import tomllib  # tagging reads none

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise NerError(f"cannot be read: {error.strerror}", remedy=remedy) from None
    except ValueError as error:
        raise NerError(f"not TOML: {error}", remedy="see https://toml.io") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, which takes the place of `path` when the block is done.

    What is written there may be a file or a folder. It is on the disk before it is renamed, so a kill or
    a power cut leaves the old file or the new one, whole. If the block raises, the old one stays.
    Through a symbolic link its target is replaced; an old file's permissions stay.
    """
    target = path.resolve()
    scratch = Path(tempfile.mkdtemp(prefix=".ner-", dir=target.parent))
    try:
        written = scratch / target.name
        yield written
        if written.is_dir():
            for file in filter(Path.is_file, written.rglob("*")):
                _sync(file)
            if target.is_dir():
                target.replace(scratch / "old")
        else:
            if target.is_file():
                shutil.copymode(target, written)
            _sync(written)
        written.replace(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """A file to write, binary, that appears when the block is done; if the block raises, the old one stays.

    A device, a FIFO or an open descriptor (``/dev/stdout``) is written to directly.

    Raises:
        NerError: it cannot be written.
    """
    try:
        if is_stream(path):
            with path.open("wb") as file:
                yield file
        else:
            with replacing(path) as beside, beside.open("wb") as file:
                yield file
    except OSError as error:
        raise _not_written(error, path) from None


@contextmanager
def open_output_folder(path: Path) -> Iterator[Path]:
    """A folder to write files in, which appears as `path` when the block is done.

    Raises:
        NerError: there is something of that name, or it cannot be written.
    """
    if path.exists():
        raise NerError("is there already", where=str(path), remedy="name a new folder")
    try:
        with replacing(path) as beside:
            beside.mkdir()
            yield beside
    except OSError as error:
        raise _not_written(error, path) from None


def is_stream(path: Path) -> bool:
    """True where a path is no regular file, or a link to an open descriptor of this process."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return True
    except FileNotFoundError:
        return False
    while path.is_symlink():
        path = path.parent.resolve() / path.readlink()
        if path.parent.resolve().is_relative_to("/proc"):
            return True
    return False


def _not_written(error: OSError, path: Path) -> Exception:
    """The error to raise: ours, unless it is of another file or of a reader that stopped reading."""
    elsewhere = error.filename and not str(error.filename).startswith(str(path.parent.resolve()))
    if isinstance(error, BrokenPipeError) or (elsewhere and error.filename != str(path)):
        return error
    remedy = "check that its folder exists and that you may write there"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some space on the disk"
    if error.errno == errno.EISDIR:
        remedy = "name a file in it"
    return NerError(f"cannot be written: {error.strerror}", where=str(path), remedy=remedy)


def write_text(path: Path, text: str) -> None:
    """Replace a file's text, UTF-8."""
    with replacing(path) as written:
        written.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path, remedy: str = "") -> str:
    """SHA-256 of a file, hexadecimal.

    Args:
        remedy: what to do where it cannot be read.

    Raises:
        NerError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NerError(
            f"cannot be read: {error.strerror}", where=str(path), remedy=remedy
        ) from None


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


def user_models() -> Path | None:
    """Where a user's own models are: ``NER_MODELS``, or a folder of their home; None without a home."""
    if named := os.environ.get("NER_MODELS"):
        return Path(named)
    try:
        return Path.home() / ".local/share/ner/models"
    except RuntimeError:  # no HOME, and a user whom the system does not know
        return None


def model_folders(marker: str, name: str = "") -> list[Path]:
    """The folders of the user's own models, then of those that ship with the package, oldest first.

    Args:
        marker: a file that models of a kind have.
        name: only models of this name, with or without a version.
    """
    wanted = re.compile(rf"{re.escape(name)}(-[\d.]+)?" if name else ".*")
    roots = [package_data("models")]
    own = user_models()
    # Another user's home is no place of ours.
    if own is not None and os.access(own, os.R_OK | os.X_OK):
        roots.insert(0, own)
    return [
        folder
        for root in roots
        for folder in sorted((file.parent for file in root.glob(f"[!.]*/{marker}")), key=_age)
        if wanted.fullmatch(folder.name)
    ]


def _age(folder: Path) -> list[tuple[int, int | str]]:
    """What sorts the versions in folder names as numbers: news-0.10 after news-0.9."""
    parts = re.split(r"[-.]", folder.name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
