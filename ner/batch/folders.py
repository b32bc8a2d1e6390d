"""Folders of files as both ends of a run, as data lakes keep articles: for each file in, one out.

A file out has the name of the file in, in a folder of the same name, and the articles with their spans as
`ner export` writes them: Parquet where the file in is Parquet, else JSON lines. It appears when it is
whole, so what is there need not be tagged again. Any number of processes may work on one folder, as long as
each has files of its own.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.files import replacing, write_text
from ner.formats import Skipped, article_row, dump, find
from ner.formats.by_date import date_of_folders
from ner.formats.parquet import GROUP, GROUP_CHARACTERS, ParquetFile
from ner.formats.reader import read

MADE_BY = "_made_by.meta"
"""The file of a folder of output that says by which model it was made."""


class FolderEnds:
    """What of a folder has not been tagged, and a folder for what is found; can be pickled.

    Its parts are the files, by their path in the folder, whose output is missing or older than they are.
    What of a file could not be read or tagged is in ``_NAME.failed`` beside the file out, an object ``{"id",
    "error"}`` a line.

    Args:
        model: name and version.
        settings: what else decides what is found, see `settings_key`.

    Raises:
        NerError: there is no such folder, one lies in the other, or the output is another model's.
    """

    def __init__(self, folder: Path, output: Path, model: str, settings: str) -> None:
        self.folder, self.output, self.model = folder, output, model
        self.skipped = Skipped()
        self._made_by = {"model": model, "settings": settings}
        self._file: _Written | None = None
        self._read_whole: set[str] = set()
        self._to_tag: set[str] = set()
        #: How many records of a file, by its path, could not be read or tagged by an earlier run.
        self.failed_before: dict[str, int] = {}
        if not folder.is_dir():
            raise NerError("is no folder", where=str(folder), remedy="check the path")
        one, other = folder.resolve(), output.resolve()
        if one.is_relative_to(other) or other.is_relative_to(one):
            raise NerError(
                "lies in the other folder, or is the same",
                where=str(output),
                remedy="name a folder beside it",
            )
        self._check_maker()

    def parts(self) -> Iterator[str]:
        """The files that are to be tagged, sorted; what failed in the others goes to `failed_before`."""
        for file in find([str(self.folder)], recursive=True, skipped=self.skipped):
            assert file is not None  # which stands for standard input
            name = file.relative_to(self.folder).as_posix()
            out = self._out(name)
            if not out.exists() or out.stat().st_mtime_ns < file.stat().st_mtime_ns:
                self._to_tag.add(name)
                yield name
            elif name not in self._to_tag and (failed := _failures_of(out)).exists():
                with failed.open("rb") as lines:
                    self.failed_before[str(file)] = sum(1 for _ in lines)

    def read(self, part: Any) -> Iterator[Article | Rejected]:
        """The articles of a file."""
        self._read_whole.discard(part)
        yield from read([self.folder / part], skipped=self.skipped)
        self._read_whole.add(part)

    def write(self, results: Sequence[Article | Rejected], part: Any) -> Sequence[Rejected]:
        """Write articles of a file; it appears when another is begun, or the run ends."""
        if self._file is None or self._file.part != part:
            self._end()  # parts are written one after another
            self._file = self._begin(part)
        try:
            self._file.write(results)
        except OSError as error:
            raise _not_written(error, self._file.path) from None
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end(is_lost=error[0] is not None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def _end(self, *, is_lost: bool = False) -> None:
        """Let the file that is open appear, if it was read to its end; else there is none.

        Args:
            is_lost: something of what was read may not have been written.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.end(is_whole=file.part in self._read_whole and not is_lost)
        except OSError as error:
            raise _not_written(error, file.path) from None

    def _begin(self, part: str) -> "_Written":
        try:
            path = self._out(part)
            path.parent.mkdir(parents=True, exist_ok=True)
            maker = self.output / MADE_BY
            if not maker.exists():
                write_text(maker, dump(self._made_by))
            return _Written(part, path)
        except OSError as error:
            raise _not_written(error, self.output) from None

    def _out(self, part: str) -> Path:
        """The file out of a file in: of the same name, if that says what it is."""
        path = self.output / part
        is_named = path.suffix in (".parquet", ".jsonl")
        return path if is_named else path.with_name(f"{path.name}.jsonl")

    def _check_maker(self) -> None:
        maker = self.output / MADE_BY
        if not maker.exists():
            if self.output.exists() and any(self.output.iterdir()):
                raise NerError(
                    "holds something else", where=str(self.output), remedy="name a new folder"
                )
            return
        made_by = json.loads(maker.read_text(encoding="utf-8"))
        if made_by != self._made_by:
            other = made_by.get("model")
            how = (
                "" if other != self._made_by["model"] else " with other --least, --names or --never"
            )
            raise NerError(
                f"was tagged by {other}{how}", where=str(self.output), remedy="name a new folder"
            )


class _Form(Protocol):
    """Articles in a file form, as far as they are known."""

    def write(self, articles: Sequence[Article]) -> bytes: ...

    def end(self) -> bytes: ...


class _Lines:
    def write(self, articles: Sequence[Article]) -> bytes:
        return "".join(dump(article_row(article)) for article in articles).encode()

    def end(self) -> bytes:
        return b""


class _Written:
    """A file that is being written, under another name until it is whole."""

    def __init__(self, part: str, path: Path) -> None:
        self.part, self.path = part, path
        is_table = path.suffix == ".parquet"
        # A column beside a folder of the same name would be read twice, with two types.
        has_date = date_of_folders(part) is None
        self._form: _Form = ParquetFile(has_date=has_date) if is_table else _Lines()
        self._group = (GROUP, GROUP_CHARACTERS) if is_table else (1, 1)
        self._waiting: list[Article] = []
        self._failed: list[Rejected] = []
        self._place = ExitStack()
        beside = self._place.enter_context(replacing(path))
        self._file = self._place.enter_context(beside.open("wb"))

    def write(self, results: Sequence[Article | Rejected]) -> None:
        self._failed += [item for item in results if isinstance(item, Rejected)]
        self._waiting += [item for item in results if isinstance(item, Article)]
        size, characters = self._group
        if len(self._waiting) >= size or sum(len(a.text) for a in self._waiting) >= characters:
            self._write_group()

    def end(self, *, is_whole: bool) -> None:
        """Put it in its place, if it is whole; else leave no trace."""
        if not is_whole:
            self._place.__exit__(InterruptedError, InterruptedError(), None)
            return
        with self._place:
            self._write_group()
            self._file.write(self._form.end())
            self._note_failures()

    def _write_group(self) -> None:
        if self._waiting:
            self._file.write(self._form.write(self._waiting))
            self._waiting = []

    def _note_failures(self) -> None:
        path = _failures_of(self.path)
        path.unlink(missing_ok=True)
        if self._failed:
            rows = [dump({"id": item.id or None, "error": str(item)}) for item in self._failed]
            write_text(path, "".join(rows))


def _failures_of(path: Path) -> Path:
    """Where it is kept what of a file could not be read or tagged, by the file out."""
    return path.with_name(f"_{path.name}.failed")


def _not_written(error: OSError, path: Path) -> NerError:
    return NerError(
        f"cannot be written: {error.strerror}",
        where=str(path),
        remedy="check the folder, and the space on the disk",
    )
