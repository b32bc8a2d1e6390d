"""SHA-256 of a model folder's files, kept in the folder as ``sha256sum`` writes and checks them."""

import re
from functools import cache
from pathlib import Path

from ner.errors import NerError
from ner.files import sha256, write_text

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def write(folder: Path) -> None:
    """List the files of a folder with their hashes; a model's card (``*.md``) may still be edited."""
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME and path.suffix != ".md"
    )
    lines = [f"{sha256(folder / name)}  {name}\n" for name in files]
    write_text(folder / NAME, "".join(lines))


def verify(folder: Path) -> bool:
    """True where every listed file is as it was written; False where the folder has no list.

    Raises:
        NerError: a file is missing or has other bytes, or the list cannot be read. It names them all.
    """
    path = folder / NAME
    if not path.exists():
        return False
    states = [(name, _state(folder / name, digest)) for digest, name in _read(path)]
    bad = [f"{name} {state}" for name, state in states if state]
    if bad:
        raise NerError(
            f"the model is damaged: {', '.join(bad)}", where=str(folder), remedy="install it again"
        )
    return True


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NerError(
            f"cannot be read: {error}", where=str(path), remedy="install the model again"
        ) from None
    pairs = []
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if not match:
            raise NerError(
                "no line of hash and file",
                where=f"{path}:{number}",
                remedy="the model is damaged; install it again",
            )
        pairs.append((match[1], match[2]))
    return pairs


def _state(path: Path, digest: str) -> str:
    """What is wrong with a file, or nothing."""
    if not path.is_file():
        return "is missing"
    stat = path.stat()
    seen = _hash(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return "" if seen == digest else "has changed"


@cache
def _hash(path: Path, *state: int) -> str:
    """The hash of a file, read again only where its state is another."""
    return sha256(path)
