"""Files to articles: which reader a file needs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.formats import FORMATS, UNCOUNTED, Lost, Source, decode, guess, open_source
from ner.formats.epaper import is_page, read_page

FORMS = (*FORMATS, "page")


def read(
    files: Sequence[Path | None],
    *,
    form: str = "",
    fields: Mapping[str, str] = {},
    lost: Lost = UNCOUNTED,
) -> Iterator[Article | Rejected]:
    """Articles of files, in order; a file that cannot be read comes as one `Rejected`.

    Args:
        files: paths; None is standard input.
        form: one of `FORMS`; guessed where empty.
        fields: our field names to the files' own.
        lost: counts what the files hold and an article has no place for.
    """
    for path in files:
        try:
            source = open_source(path)
            found = form or guess_form(source)
            if found == "page":
                yield from read_page(source)
            else:
                yield from FORMATS[found].read(source, fields, lost)
        except NerError as error:
            name = error.where or str(path or "<stdin>")
            yield Rejected.from_error(error, Path(name).stem, where=name)


def guess_form(source: Source) -> str:
    """The form of a file: by its name and look, and a page from a text by what is printed on it."""
    form = guess(source)
    if form not in ("", "txt"):
        return form
    return "page" if is_page(decode(source.data)) else "txt"
