"""The text that a browser shows of HTML, and where each of its characters stands in the HTML.

So that names found in the text can be given as offsets into what a database holds. Nothing but the
standard library, linear in the length, and no page is so broken that it is refused.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "center", "dd", "div", "dl"),
        *("dt", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"),
    )
)
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<unseen>script|style|template|noscript)\b.*?(?:</(?P=unseen)\s*+>|\Z)"
    r"""|</?(?P<tag>[a-z][a-z0-9:-]*+)(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>"""
    r"|<[!?/][^<>]*+>"
    r"|&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});"
    r"|(?P<blank>[ \t\r\n\f]+)",
    re.IGNORECASE | re.DOTALL,
)
_BLANKS = " \xa0\u3000"


@dataclass(frozen=True, slots=True)
class Visible:
    """A text, and for each character where it begins and ends in its source (code points)."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the source of a stretch of the text; tags within belong to it."""
        return self.starts[start], self.ends[end - 1]

    def find(self, start: int, end: int) -> tuple[int, int] | None:
        """The stretch of the text with these offsets in the source; None if there is none."""
        try:
            return self.starts.index(start), self.ends.index(end) + 1
        except ValueError:
            return None


def plain(text: str) -> Visible:
    """A text that is its own source."""
    return Visible(text, range(len(text)), range(1, len(text) + 1))


def visible(html: str) -> Visible:
    """What a browser shows: a line for each paragraph, white space as one blank, entities decoded.

    Scripts, styles and comments are not part of it.
    """
    shown: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gap = ""  # what separates the next character from the last: a line end, or the first blank
    gap_start = gap_end = 0
    for character, start, end in _characters(html):
        if character == "\n" or character in _BLANKS:
            if gap != "\n" and (not gap or character == "\n"):
                gap, gap_start = character, start
            gap_end = end
            continue
        if gap and shown:
            shown.append(gap)
            starts.append(gap_start)
            ends.append(gap_end)
        gap = ""
        shown.append(character)
        starts.append(start)
        ends.append(end)
    return Visible("".join(shown), starts, ends)


def _characters(html: str) -> Iterator[tuple[str, int, int]]:
    """Characters with their offsets; a tag that begins or ends a line is a line end."""
    done = 0
    for token in _TOKEN.finditer(html):
        start, end = token.span()
        yield from zip(html[done:start], range(done, start), range(done + 1, start + 1))
        done = end
        if html[start] == "&":
            decoded = unescape(token[0])
            if decoded == token[0]:  # no entity of HTML's
                yield from zip(decoded, range(start, end), range(start + 1, end + 1))
            else:
                yield from ((character, start, end) for character in decoded)
        elif token["blank"]:
            yield " ", start, end
        elif (token["tag"] or "").lower() in _BLOCKS:
            yield "\n", start, end
    yield from zip(html[done:], range(done, len(html)), range(done + 1, len(html) + 1))
