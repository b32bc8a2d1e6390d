"""Which files of paths, globs, folders and archives are read; what is skipped is counted."""

import contextlib
import glob
import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ner.errors import NerError
from ner.formats.source import (
    MAX_RATIO,
    MAX_WHOLE,
    LimitedStream,
    Source,
    open_source,
    printable,
    unpacked,
)

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "txt",
    ".text": "txt",
    ".html": "html",
    ".htm": "html",
    ".shtml": "html",
    ".xhtml": "html",
    ".docx": "docx",
    ".xlsx": "xlsx",
    ".xls": "xlsx",
    ".jsonld": "web-annotation",
    ".bio": "bio",
    ".bmes": "bmes",
    ".conll": "bio",
    ".spacy": "docbin",
}
"""What a file's name says of its form."""

Skipped = Counter[str]
"""What was not read: how many files of which kind."""

_HIDDEN = (".", "_")  # begin the names of what programs keep for themselves: _SUCCESS, ._a.txt
MAX_MEMBERS = 100_000
_SPECIAL = (
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def find(
    paths: Iterable[str], *, recursive: bool = False, skipped: Skipped | None = None
) -> list[Path | None]:
    """Paths, globs and folders to files, in order; ``-`` (standard input) is None.

    Args:
        recursive: read all files in folders, however deep.
        skipped: counts what stands in folders and is not read: files of other kinds by their suffix,
            folders that cannot be listed, links to folders, FIFOs, sockets and devices.

    Raises:
        NerError: nothing is there, or a folder is named without `recursive`.
    """
    found: list[Path | None] = []
    counts = Counter[str]() if skipped is None else skipped
    for name in paths:
        path = Path(name)
        if name == "-":
            found.append(None)
        elif _is_folder(path):
            if not recursive:
                raise NerError(
                    "is a folder", where=printable(name), remedy="add --recursive to read all in it"
                )
            found += _walk(path, counts)
        elif os.path.lexists(path):
            found.append(path)
        else:
            matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]
            if not matches:
                raise NerError(
                    "no such file", where=printable(name), remedy="check the path or the pattern"
                )
            counts["folders that the pattern matches"] += sum(map(_is_folder, matches))
            found += [match for match in matches if not _is_folder(match)]
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _walk(folder: Path, skipped: Skipped) -> list[Path]:
    """The files of a folder that can be read, sorted; the others are counted."""
    found: list[Path] = []

    def unreadable(_: OSError) -> None:
        skipped["folders that cannot be listed"] += 1

    for root, folders, names in os.walk(folder, onerror=unreadable):
        hidden = [name for name in folders if name.startswith(_HIDDEN)]
        skipped["folders whose names begin with . or _"] += len(hidden)
        folders[:] = [name for name in folders if name not in hidden]
        skipped["links to folders"] += sum(os.path.islink(os.path.join(root, f)) for f in folders)
        texts = {os.path.splitext(name)[0] for name in names if name.endswith(".txt")}
        annotated = {os.path.splitext(name)[0] for name in names if name.endswith(".ann")} & texts
        for name in names:
            stem, suffix = os.path.splitext(name)
            if stem in annotated and suffix in (".ann", ".json"):
                continue  # read with its .txt
            if kind := _kind_skipped(Path(root, name)):
                skipped[kind] += 1
            else:
                found.append(Path(root, name))
    return sorted(found)


def _kind_skipped(path: Path) -> str:
    """What a file in a folder is, if it is not read; empty if it is."""
    try:
        status = path.stat()
        mode, size = status.st_mode, status.st_size
    except OSError:
        return "broken links" if path.is_symlink() else "files that cannot be read"
    for is_kind, kind in _SPECIAL:
        if is_kind(mode):
            return f"{kind}s"
    if not size and path.suffix.lower() in (".jsonl", ".ndjson"):
        return "empty files"  # as Spark writes them for a part without rows
    suffix = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return kind_by_name(suffix.name)


def kind_by_name(name: str) -> str:
    """What kind of file is not read, by its name; empty if it is read."""
    if name.rpartition("/")[2].startswith("~$"):
        return "lock files of Word or Excel"
    if name.rpartition("/")[2].startswith(_HIDDEN):
        return "files whose names begin with . or _"
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES or suffix == ".zip":
        return ""
    if suffix == ".ann":
        return ".ann files without their .txt"
    return f"{printable(suffix)} files" if suffix else "files without a suffix"


def open_all(path: Path | None, skipped: Skipped) -> Iterator[Source | NerError]:
    """A file as its source; of a zip archive the sources of its members, or why one cannot be read.

    The sources are closed when the next one is asked for. Nothing is unpacked to the disk.

    Raises:
        NerError: the file cannot be read.
    """
    source = open_source(path)
    try:
        if source.suffix in (".docx", ".xlsx") or not source.head.startswith(b"PK\x03\x04"):
            if source.suffix == ".zip":
                raise NerError("is not a zip archive", where=source.name, remedy="check the file")
            yield source
            return
        if _is_office(source):
            yield source
            return
        yield from _members(source, skipped)
    finally:
        source.close()


def _is_office(source: Source) -> bool:
    """True for a docx or xlsx whose name does not say so; their first members have these names."""
    return source.suffix != ".zip" and b"[Content_Types].xml" in source.head[:4096]


def _members(source: Source, skipped: Skipped) -> Iterator[Source | NerError]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise NerError(
            f"is a damaged zip archive: {error}", where=source.name, remedy="make it again"
        ) from None
    if len(members) > MAX_MEMBERS:
        raise NerError(
            f"holds {len(members):,} files, over {MAX_MEMBERS:,}",
            where=source.name,
            remedy="unpack it and give the folder",
        )
    with archive:
        for member in sorted(members, key=lambda member: member.filename):
            name = _member_name(member)
            if member.is_dir() or name.startswith("__MACOSX/"):
                continue
            kind = kind_by_name(name.removesuffix(".gz"))
            if kind or name.lower().endswith(".zip"):
                skipped[f"{kind or 'zip files'} in archives"] += 1
                continue
            yield _open_member(archive, member, f"{source.name}/{name}")


def _open_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str
) -> Source | NerError:
    limit = max(MAX_WHOLE, member.compress_size * MAX_RATIO)
    try:
        file = archive.open(member)
        return unpacked(Source(where, LimitedStream(file, where, limit)), member.compress_size)
    except NerError as error:
        return error
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        return NerError(f"cannot be unpacked: {error}", where=where, remedy="unpack it by hand")


def _member_name(member: zipfile.ZipInfo) -> str:
    """Its name in the archive; old Chinese archives write names in GBK and do not say so."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return printable("/".join(parts))
