"""CoNLL: a character, or a word, and its tag a line, a blank line at a line end.

Made here, an article begins with ``# article = {its fields}``, and white space is written ``\\u0020``,
so that the text comes back as it was.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ner.article import Article, Span
from ner.errors import NerError, at
from ner.formats.fields import UNCOUNTED, Dropped, Row, rename
from ner.formats.jsonl import parse_json
from ner.formats.rows import Item, article_fields, dump, has_score, item, make_article, parse_span
from ner.formats.source import Part, Source
from ner.words import Scheme, Segment, tokens, word_tokens

_HEADER = "# article = "
_TAG = re.compile(r"O|[BIMESLU]-\S+")
_BILUO = {"L": "E", "U": "S"}
_LINE = re.compile(r"\S+[ \t](?:.{0,200}[ \t])?(?:O|[BIMESLU]-\S+)\s*")
_NUMBERED = re.compile(r"(\d+)[ \t]+\S+[ \t]+\S")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")


def read_conll(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """BIO, BMES, BIOES or BILUO: the tag is the last column, the first is a character or a word.

    Without our headers an article is what stands between two ``-DOCSTART-`` lines, else a sentence.
    A tag that goes on (I, M, E) where nothing began begins a span, as conlleval has it. Where each token
    is numbered (CoNLL-U), number and comments are left out.
    """
    with at(source.name):
        lines = source.text.removesuffix("\n").split("\n")
    if _are_numbered(lines):
        lines = [_without_number(line) for line in lines]
    for number, document in enumerate(_documents(lines, source.name), 1):
        default_id = f"{source.default_id}-{number}"
        known = document.header.get("id", default_id)
        make = partial(_article, document, default_id, fields, dropped)
        yield item(make, document.where, known)


def is_conll(beginning: str) -> bool:
    """True where a file begins with tokens and tags: three lines of them at least, and nothing else."""
    lines = beginning.split("\n")[:-1][:100]
    tagged = [line for line in lines if line.strip() and not line.startswith(("-DOCSTART-", "# "))]
    return len(tagged) >= 3 and all(map(_LINE.fullmatch, tagged))


def _are_numbered(lines: Sequence[str]) -> bool:
    """True where before each token stands its number in its sentence."""
    before = 0
    for line in lines[:1000]:
        if not line.strip() or line.startswith("#"):
            before = 0
        elif (match := _NUMBERED.match(line)) and match[1] == str(before + 1):
            before += 1
        else:
            return False
    return bool(before)


def _without_number(line: str) -> str:
    return "" if line.startswith("#") else re.sub(r"^\d+[ \t]+", "", line)


@dataclass
class _Document:
    where: str
    header: Row = field(default_factory=dict)
    error: NerError | None = None
    lines: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])


def _documents(lines: list[str], name: str) -> Iterator[_Document]:
    ours = any(line.startswith(_HEADER) for line in lines)
    sentences = not ours and not any(line.startswith("-DOCSTART-") for line in lines)
    document: _Document | None = None
    for number, line in enumerate(lines, 1):
        line, where = line.rstrip("\r"), f"{name}:{number}"
        starts = line.startswith(_HEADER if ours else "-DOCSTART-")
        if starts or (sentences and not line.strip()):
            if document and (ours or any(document.lines)):
                yield document
            document = _Document(where) if starts else None
        try:
            with at(where):
                if starts and ours:
                    assert document
                    document.header = parse_json(line.removeprefix(_HEADER))
                elif line.strip() and not starts:
                    document = document or _Document(where)
                    document.lines[-1].append(_token(line, escaped=ours))
                elif document and not starts:
                    document.lines.append([])
        except NerError as error:
            assert document
            document.error = document.error or error
            document.lines[-1].append(("", "O"))
    if document and (ours or any(document.lines)):
        yield document


def _token(line: str, *, escaped: bool) -> tuple[str, str]:
    columns = re.split(r"[ \t]+", line.rstrip(" \t"))
    token, tag = columns[0] or line[0], columns[-1]  # a token may be a blank itself
    if len(columns) < 2 or not _TAG.fullmatch(tag):
        raise NerError(
            f"{line[:40]!r} is not a token with a tag",
            remedy="a character or a word, a blank, and O or B-LOC",
        )
    if escaped:
        token = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), token)
    return token, _BILUO.get(tag[0], tag[0]) + tag[1:]


def _article(
    document: _Document, default_id: str, fields: Mapping[str, str], dropped: Dropped
) -> Article:
    if document.error:
        raise document.error
    if document.header:  # one blank line closes the article, the others are its own
        lines = document.lines[: None if document.lines[-1] else -1]
    else:
        lines = list(filter(None, document.lines))
    length, texts, spans = 0, list[str](), list[Span]()
    for line in lines:
        spans += _spans(line, length)
        texts.append("".join(token for token, _ in line))
        length += len(texts[-1]) + 1
    row = {"id": default_id, **rename(document.header, fields)}
    misaligned = row.get("spans") or []
    if not isinstance(misaligned, list):
        raise NerError("the header's spans are not a list", remedy="[[start, end, label], …]")
    spans += map(parse_span, misaligned)
    return make_article({**row, "text": "\n".join(texts), "spans": spans}, dropped=dropped)


def _spans(tokens: list[tuple[str, str]], offset: int) -> Iterator[Span]:
    start, label = 0, ""
    for token, tag in [*tokens, ("", "O")]:
        kind, _, named = tag.partition("-")
        if label and (kind in ("O", "B", "S") or named != label):
            yield Span(start, offset, label)
            label = ""
        if named and not label:
            start, label = offset, named
        offset += len(token)


def write_bio(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED, segment: Segment | None = None
) -> Iterator[Part]:
    """B- at the first character of a name, I- at the others; with ``segment`` words, not characters.

    Holds the outermost spans only, no scores, no models, and no span over a line end: what is left
    out is counted. Spans that begin or end inside a word are in the article's header.
    """
    return _write(articles, dropped, segment, "bio")


def write_bmes(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED, segment: Segment | None = None
) -> Iterator[Part]:
    """B- at the first character of a name, M- within, E- at the last; S- for a name of one.

    Otherwise as `write_bio`.
    """
    return _write(articles, dropped, segment, "bmes")


def _write(
    articles: Iterable[Article], dropped: Dropped, segment: Segment | None, scheme: Scheme
) -> Iterator[Part]:
    for article in articles:
        text = article.text
        within = [span for span in article.spans if "\n" not in article.surface(span)]
        made = word_tokens(within, tokens(text, segment), scheme)
        dropped["spans over a line end"] += len(article.spans) - len(within)
        dropped["inner spans"] += len(made.inner)
        dropped["scores"] += sum(map(has_score, (*made.tagged, *made.misaligned)))
        header: dict[str, object] = {**article_fields(article)}
        if made.misaligned:
            header["spans"] = [[span.start, span.end, span.label] for span in made.misaligned]
        lines = [
            "\n" if text[t.start] == "\n" else f"{_escape(text[t.start : t.end])} {t.tag}\n"
            for t in made.tokens
        ]
        yield Part((_HEADER + dump(header) + "".join(lines) + "\n").encode())


def _escape(token: str) -> str:
    return "".join(
        f"\\u{ord(character):04x}" if character.isspace() or character == "\\" else character
        for character in token
    )
