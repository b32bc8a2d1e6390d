"""Saved web pages: an article's page, or an e-paper page. Read only; trafilatura is in the extra ``html``."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ner.article import Rejected
from ner.errors import NerError, at, missing_extra
from ner.formats.encoding import decode
from ner.formats.epaper import articles_of_page, is_page
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import Item, article_or_rejected, normalise
from ner.formats.source import MEGABYTE, Source

_MAX_PAGE = 4 * MEGABYTE
_EMBEDDED = re.compile(r"data:[\w/+.;=-]{0,80},[A-Za-z0-9+/=%]*")
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "center", "dd", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section", "table"),
        *("tbody", "td", "th", "tr", "ul", "founder-content", "founder-title"),
    )
)
_UNSEEN = frozenset(
    (
        *("script", "style", "noscript", "template", "head", "title", "select", "button"),
        *("textarea", "svg"),
    )
)
_PRINTED_DATE = re.compile(r"(20\d\d|19\d\d)\s?[-年/.]\s?\d{1,2}\s?[-月/.]\s?\d{1,2}(?!\d)")
_PRINTED_PAPER = re.compile(r"来源\s{0,3}[:：]\s{0,3}(\w{2,20})")


def read_html(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """The articles of a saved e-paper page, or the one article of another page, without what is around.

    Scripts and styles are never read, and entities are decoded.

    Raises:
        NerError: trafilatura is not installed, or the page is too large.
    """
    try:
        import lxml.html
        import trafilatura
    except ImportError as error:
        raise missing_extra(error.name, "html", where=source.name) from None
    with at(source.name):
        markup = _EMBEDDED.sub("", decode(source.data)).replace("\0", "")
        if len(markup) > _MAX_PAGE:
            raise NerError(
                f"page of over {_MAX_PAGE // MEGABYTE} MB", remedy="save the page without pictures"
            )
    try:
        # As bytes: lxml refuses text that declares an encoding.
        parser = lxml.html.HTMLParser(encoding="utf-8")
        tree = lxml.html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
        seen = _visible_text(tree)
        if is_page(seen):
            yield from articles_of_page(seen, source)
            return
        found = trafilatura.bare_extraction(
            tree, include_comments=False, favor_recall=True, with_metadata=True, config=_settings()
        )
    except (ValueError, RecursionError, lxml.etree.LxmlError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NerError(f"cannot be read as HTML: {reason}", where=source.name) from None
    row = _row(found, seen) if found else {}
    if not row.get("body"):
        why, remedy = "no article found on the page", "give its text as plain text"
        yield Rejected(source.default_id, source.name, why, remedy)
        return
    yield article_or_rejected(row, source.name, default_id=source.default_id)


def _settings() -> Any:
    """trafilatura's, for articles of any length: it would leave short ones out."""
    from trafilatura.settings import use_config

    settings = use_config()
    for name in ("MIN_EXTRACTED_SIZE", "MIN_OUTPUT_SIZE"):
        settings.set("DEFAULT", name, "1")
    return settings


def _row(found: Any, seen: str) -> dict[str, Any]:
    """The fields of an article: what trafilatura found, and what is printed around it."""
    title = normalise(found.title or "").replace("\n", " ")
    lines = normalise(found.text or "").split("\n")
    if lines[0] == title:
        lines = lines[1:]
    first = lines[0][:40] if lines else ""
    head = (seen.partition(first)[0] if first else "")[-2000:] or seen[:2000]
    date, paper = _PRINTED_DATE.search(head), _PRINTED_PAPER.search(head)
    return {
        "title": title,
        "body": "\n".join(line for line in lines if line),
        "date": date[0] if date else found.date or "",
        "paper": paper[1] if paper else found.sitename or "",
        "author": "、".join((found.author or "").split("; ")) if found.author else "",
    }


def _visible_text(tree: Any) -> str:
    """The text of a page as a browser shows it: blocks are lines, white space is one blank."""
    from lxml import etree

    pieces: list[str] = []
    walk = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        name = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if not name or name in _UNSEEN or "display:none" in element.get("style", ""):
                walk.skip_subtree()
                continue
            pieces += ["\n" if name in _BLOCKS else "", _one_blank(element.text)]
        else:
            pieces += ["\n" if name in _BLOCKS else "", _one_blank(element.tail)]
    lines = "".join(pieces).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _one_blank(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
