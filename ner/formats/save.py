"""Articles to a file, a folder or a stream, in any form that has a writer."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ner.article import Article
from ner.errors import NerError
from ner.files import open_output, open_output_folder
from ner.formats import FORMATS, UNCOUNTED, WRITABLE, Dropped
from ner.formats.by_date import write_by_date
from ner.words import Segment


def save(
    form: str,
    articles: Iterable[Article],
    output: Path | BinaryIO,
    *,
    segment: Segment | None = None,
    dropped: Dropped = UNCOUNTED,
    by_date: bool = False,
) -> None:
    """Write articles in a form, to a path whole or not at all.

    Args:
        form: one of `WRITABLE`.
        output: a file, a binary stream, or for many files a folder that does not exist yet.
        by_date: many files, a folder a day: see `ner.formats.by_date`.
        segment: cuts a text into words, for the forms `BY_WORDS`.
        dropped: counts what the form cannot represent.

    Raises:
        NerError: the form is unknown, or the output cannot be written.
    """
    if form not in WRITABLE:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(WRITABLE)}")
    write, folder = FORMATS[form].write, FORMATS[form].folder or by_date
    assert write  # or it would not be in WRITABLE
    if by_date:
        parts = write_by_date(form, articles, dropped)
    else:
        parts = write(articles, dropped, segment) if segment else write(articles, dropped)
    if not isinstance(output, Path):
        if folder:
            raise NerError(f"{form} is a folder of files", remedy="name a new folder: --output")
        output.writelines(part.data for part in parts)
    elif folder:
        with open_output_folder(output) as made:
            for part in parts:
                file = made / part.name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(part.data)
    else:
        with open_output(output) as stream:
            stream.writelines(part.data for part in parts)
