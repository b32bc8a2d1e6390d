"""Tag a file into another such that an interrupted command goes on where it stopped.

The lines are written to a partial file beside the output, which takes the output's place when all is
done. Its name holds a hash of the model and the input, so only the same command goes on with it. Where
nothing else has the name, ``OUTPUT.part`` links to it.
"""

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ner.batch.jsonl import Line, tag_file
from ner.batch.tagging import settings_key
from ner.errors import NerError
from ner.files import replacing
from ner.tagger.loading import Tagger


def tag_to_file(
    tagger: Tagger,
    path: Path | None,
    output: Path,
    *,
    skipped: Counter[str] | None = None,
) -> Iterator[Line]:
    """Tag a file into `output`; gives the lines as they are written, first those written before.

    Ended early, by an error or a kill too, it leaves what is done in `partial_file`; called again with the
    same arguments it goes on. What comes through a pipe cannot be read again, so it starts anew.

    Raises:
        NerError: the input cannot be read, the output not written, or another command is writing it.
    """
    partial = partial_file(tagger, path, output)
    with _opened(partial) as file, _linked(output, partial):
        done = 0
        for line in _whole_lines(file):
            done += 1
            yield line
        for line in tag_file(tagger, path, skip=done, skipped=skipped):
            file.write(line.json.encode("utf-8"))
            file.flush()
            yield line
    with replacing(output) as written:
        try:
            os.link(partial, written)
        except OSError:  # a file system without hard links
            shutil.copyfile(partial, written)
    partial.unlink()


def partial_file(tagger: Tagger, path: Path | None, output: Path) -> Path:
    """Where the lines of `tag_to_file` are until all are written."""
    if path and path.is_file():
        state = path.stat()
        of_input = [str(path.resolve()), state.st_size, state.st_mtime_ns]
    else:
        of_input = [os.getpid()]
    key = sha256(json.dumps([*of_input, settings_key(tagger)]).encode()).hexdigest()
    target = output.resolve()
    return target.with_name(f"{target.name}.{key[:12]}.partial")


@contextlib.contextmanager
def _opened(partial: Path) -> Iterator[BinaryIO]:
    """The partial file, for this process alone; it is not left behind empty."""
    try:
        file = partial.open("a+b")
    except OSError as error:
        raise NerError(
            f"cannot be written: {error.strerror}",
            where=str(partial),
            remedy="check that its folder exists and that you may write there",
        ) from None
    with file:
        try:
            _lock(file, partial)
            yield file
        finally:
            if os.fstat(file.fileno()).st_size == 0:
                partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _linked(output: Path, partial: Path) -> Iterator[None]:
    """A link to the partial file under a name that can be known before; it goes when the block is done."""
    link = output.with_name(f"{output.name}.part")
    with contextlib.suppress(OSError):  # it is there already, or the file system has no links
        link.symlink_to(partial.name if link.parent == partial.parent else partial)
    is_done = False
    try:
        yield
        is_done = True
    finally:
        is_ours = link.is_symlink() and link.resolve() == partial.resolve()
        if is_ours and (is_done or partial.stat().st_size == 0):
            link.unlink()


def _lock(file: BinaryIO, partial: Path) -> None:
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NerError(
            "another command is writing it", where=str(partial), remedy="wait until that is done"
        ) from None


def _whole_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a partial file; one that a kill cut off is removed."""
    file.seek(0)
    end = 0
    for line in file:
        if not line.endswith(b"\n"):
            file.truncate(end)
            break
        end += len(line)
        found = json.loads(line)
        error = NerError(found["error"]) if "error" in found else None
        yield Line(line.decode("utf-8"), error, is_old=True)
