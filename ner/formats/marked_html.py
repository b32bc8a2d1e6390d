"""Articles as a page in a browser, spans marked where they stand. Written only."""

from collections.abc import Iterable, Iterator
from html import escape

from ner.article import Article, Span
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.source import Part
from ner.labels import STYLES
from ner.segments import segments

_STYLE = """
body { font: 1.05rem/1.9 serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #999; margin-top: 2rem; }
header { color: #444; font-size: .85rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
mark { background: #c8c8c8; color: #000; padding: 0 .1em; border-radius: .2em; }
mark::after { content: attr(data-label); font: .6rem sans-serif; vertical-align: super; }
mark mark { box-shadow: 0 0 0 1px #0008; }
"""


def write_html(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """One page that needs nothing else. An article's ``div.text`` holds its text, character by character.

    A span is a ``mark`` with its label, offsets, score and model as ``data-`` attributes; inner spans are
    marks in marks. Drops nothing.
    """
    colors = "".join(
        f'mark[data-label="{label}"] {{ background: {style.light}; }}\n'
        for label, style in STYLES.items()
    )
    head = f"<meta charset=utf-8>\n<title>ner</title>\n<style>{_STYLE}{colors}</style>"
    yield Part(f'<!doctype html>\n<html lang="zh">\n{head}\n'.encode())
    for article in articles:
        yield Part(_article(article).encode("utf-8", "replace"))
    yield Part(b"</html>\n")


def _article(article: Article) -> str:
    date = article.date.isoformat() if article.date else ""
    page = f"第{article.page}版" if article.page else ""
    known = filter(None, (article.id, article.paper, date, page, article.section))
    place = _escape(" · ".join(known))
    return (
        f'<article id="{_escape(article.id)}">\n<header>{place}</header>\n'
        f'<div class="text">{marked(article)}</div>\n</article>\n'
    )


def marked(article: Article) -> str:
    """The text as HTML, every span a ``mark`` in it."""
    pieces: list[str] = []
    for start, end, span, step, *_ in segments(article.spans, 0, len(article.text)):
        if not span or not step:
            pieces.append(_escape(article.text[start:end]))
        else:
            pieces.append(_opening(span) if step > 0 else "</mark>")
    return "".join(pieces)


def _opening(span: Span) -> str:
    model = f' data-model="{_escape(span.model)}"' if span.model else ""
    return (
        f'<mark data-label="{_escape(span.label)}" data-start="{span.start}"'
        f' data-end="{span.end}" data-score="{round(span.score, 4)}"{model}>'
    )


def _escape(text: str) -> str:
    # A parser makes a line feed of a carriage return that is not written as a number.
    return escape(text).replace("\r", "&#13;")
