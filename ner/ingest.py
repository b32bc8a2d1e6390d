"""Files to articles: which reader a file needs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ner.article import Article, Rejected
from ner.errors import NerError
from ner.formats import READERS, SUFFIXES, Source, decode, open_source
from ner.pages import is_page, read_page

FORMS = (*READERS, "page")


def read(
    files: Sequence[Path | None], *, form: str = "", fields: Mapping[str, str] = {}
) -> Iterator[Article | Rejected]:
    """Articles of files, in order; a file that cannot be read comes as one `Rejected`.

    Args:
        files: paths; None is standard input.
        form: ``jsonl``, ``csv``, ``parquet``, ``txt`` or ``page``; guessed where empty.
        fields: our field names to the files' own.
    """
    for path in files:
        try:
            source = open_source(path)
            found = form or guess_form(source)
            yield from read_page(source) if found == "page" else READERS[found](source, fields)
        except NerError as error:
            name = error.where or str(path or "<stdin>")
            yield Rejected(Path(name).stem, name, error.message, error.remedy)


def guess_form(source: Source) -> str:
    """The form of a file: by its suffix, and of text by its look."""
    form = SUFFIXES.get(source.suffix, "")
    if form not in ("", "txt"):
        return form
    if source.data.lstrip().startswith(b"{"):
        return "jsonl"
    return "page" if is_page(decode(source.data)) else "txt"
