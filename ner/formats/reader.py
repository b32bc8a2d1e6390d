"""Files of any form to articles, in a stream in which what cannot be read keeps its place."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.formats.by_date import date_of_folders
from ner.formats.detect import detect_form
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.forms import FORMATS
from ner.formats.paths import Skipped, open_all
from ner.formats.source import STDIN, Source, id_from_path, printable

_LOG = logging.getLogger(__name__)


def read(
    files: Iterable[Path | None],
    *,
    form: str = "",
    fields: Mapping[str, str] = {},
    dropped: Dropped = UNCOUNTED,
    skipped: Skipped | None = None,
) -> Iterator[Article | Rejected]:
    """Articles of files, in order; a file that cannot be read comes as one `Rejected`.

    Args:
        files: paths; None is standard input. A zip archive is read member by member.
        form: one of `FORMATS`; detected where empty.
        fields: our field names to the files' own. A date may also be a folder's name, see `date_of_folders`.
        dropped: counts what the files hold and an article cannot represent.
        skipped: counts the members of archives that are not read, by kind.
    """
    skipped = Counter() if skipped is None else skipped
    ids: dict[str, str] = {}
    for path in files:
        name = printable(str(path)) if path else STDIN
        try:
            for source in open_all(path, skipped):
                if isinstance(source, NerError):
                    yield _rejected(source, name)
                else:
                    yield from _read_source(source, form, fields, dropped, ids)
        except NerError as error:
            yield _rejected(error, name)


def _read_source(
    source: Source, form: str, fields: Mapping[str, str], dropped: Dropped, ids: dict[str, str]
) -> Iterator[Article | Rejected]:
    try:
        detected = form or detect_form(source)
        _LOG.info("reading %s as %s", source.name, detected)
        found = FORMATS[detected]
        if found.ids_by_file:
            _check_id(source, ids)
        before, count, date = dropped.total(), 0, date_of_folders(source.name)
        for item in found.read(source, fields, dropped):
            count += 1
            if isinstance(item, Article) and not item.where:
                item = item.placed(source.name)
            if date and isinstance(item, Article) and not item.date:
                item = replace(item, date=date)
            yield item
        if not count and dropped.total() == before:
            raise NerError("holds no article", remedy="check how the file was made")
    except NerError as error:
        yield _rejected(error, source.name)


def _check_id(source: Source, ids: dict[str, str]) -> None:
    """Refuse a file whose articles would get the ids of another's, which they would then replace.

    Raises:
        NerError: they would.
    """
    known = ids.setdefault(source.default_id, source.name)
    if known != source.name:
        raise NerError(
            f"its articles would have the id {source.default_id!r}, as those of {known}",
            where=source.name,
            remedy="rename one of the files or its folder, or give JSONL with a field id",
        )


def _rejected(error: NerError, name: str) -> Rejected:
    where = error.where or name
    return Rejected.from_error(error, id_from_path(where), where=where)
