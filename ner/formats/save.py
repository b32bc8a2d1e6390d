"""Articles to a file, a folder or a stream, in any form that has a writer."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ner.article import Article
from ner.errors import NerError
from ner.files import open_output, open_output_folder
from ner.formats import FORMATS, UNCOUNTED, WRITABLE, Dropped
from ner.words import Segment


def save(
    form: str,
    articles: Iterable[Article],
    output: Path | BinaryIO,
    *,
    segment: Segment | None = None,
    dropped: Dropped = UNCOUNTED,
) -> None:
    """Write articles in a form, to a path whole or not at all.

    Args:
        form: one of `WRITABLE`.
        output: a file, a binary stream, or for a form of many files a folder that does not exist yet.
        segment: cuts a text into words, for the forms `BY_WORDS`.
        dropped: counts what the form cannot represent.

    Raises:
        NerError: the form is unknown, or the output cannot be written.
    """
    if form not in WRITABLE:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(WRITABLE)}")
    write, folder = FORMATS[form].write, FORMATS[form].folder
    assert write  # or it would not be in WRITABLE
    parts = write(articles, dropped, segment) if segment else write(articles, dropped)
    if not isinstance(output, Path):
        if folder:
            raise NerError(f"{form} is a folder of files", remedy="name a new folder")
        output.writelines(part.data for part in parts)
    elif folder:
        with open_output_folder(output) as made:
            for part in parts:
                (made / part.name).write_bytes(part.data)
    else:
        with open_output(output) as file:
            file.writelines(part.data for part in parts)
