"""An e-paper page as text: what is around the articles is removed, and what it says becomes fields.

Such pages are saved from a newspaper's site: the page's headlines (once run together, once as a
list), page number and section, the paper, a tool bar with the date, then an article between
navigation lines, another perhaps, and the imprint. Page text has half-width punctuation, empty
lines between paragraphs and indented paragraphs; in an article a paragraph is a line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from ner.article import Rejected
from ner.errors import NerError, at
from ner.formats.bylines import find_editor
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import Item, make_article, normalise
from ner.formats.source import Source

# Every pattern is used on lines of bounded length, and no two repeats in it can match the same blanks:
# a line of any length costs time in proportion to it.
_LONGEST = 200
_NUMBER = r"[A-Z]?\d{1,3}|[一二三四五六七八九十]{1,3}"
_PAGE = re.compile(rf"第\s{{0,9}}({_NUMBER})\s{{0,9}}版\s{{0,9}}[:：]?\s{{0,9}}(\S{{0,12}})$")
_DATE = re.compile(r"\d{4}\s{0,9}年\s{0,9}\d{1,2}\s{0,9}月\s{0,9}\d{1,2}\s{0,9}日")
_TOOLS = re.compile(r"放大|缩小|默认|朗读|打印|字号|收藏|分享")
_NAVIGATION = re.compile(
    r"[^\w\s]{0,9}\s?\d?\s?(上一[篇版期]|下一[篇版期]|返回(目录|首页)|版面导航|标题导航|往期回顾|按日期检索)"
)
_OWNER = re.compile(r"^\S{2,16}(主办|承办|出版)$|国内统一(连续出版物|刊)号|^CN\s?\d\d-\d+")
_IMPRINT = re.compile(
    r"版权所有|未经\S{0,6}授权|不得复制或建立镜像|^技术支持[:：]|^地址[:：].*邮编|^邮编[:：]"
    r"|ICP[备证]|公网安备|^(新闻|广告|发行|订阅|举报)\S{0,4}热线[:：]|^零售(价)?[:：]"
)
_PAPER = re.compile(r"^\S{2,10}(日报|晚报|早报|晨报|时报|商报|新报|都市报|导报|青年报|法治报|报)$")
_STAFF = re.compile(r"(本版)?(责任编辑|责编|编辑)[\s:：]")
_MARK = (
    rf"(?P<how>上接|下转|紧接|转|接)第?\s{{0,3}}(?P<page>{_NUMBER})\s{{0,3}}版[^\s()（）]{{0,8}}"
)
_MARK_AT_START = re.compile(rf"[(（]\s{{0,3}}{_MARK}\s{{0,3}}[)）]")
_MARK_AT_END = re.compile(rf"[(（]\s{{0,3}}{_MARK}\s{{0,3}}[)）]$")
_MARK_ALONE = re.compile(_MARK)
_LONGEST_MARK = 40


class _Line(NamedTuple):
    text: str
    kind: str
    indented: bool


@dataclass(frozen=True)
class _Page:
    """What the lines around the articles say, and each article's lines."""

    paper: str
    date: str
    number: str
    section: str
    editor: str
    headlines: Mapping[str, str]
    articles: tuple[tuple[_Line, ...], ...]


def is_page(text: str) -> bool:
    """True where the text has a page number line and navigation, as saved e-paper pages do."""
    kinds = {_kind(line.strip()) for line in text.splitlines()}
    return "page" in kinds and bool(kinds & {"page navigation", "article navigation"})


def read_page(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """The articles of one page, in order; ids are the file's and the article's number.

    A page that holds no article gives one `Rejected`.
    """
    with at(source.name):
        text = source.text
    yield from articles_of_page(text, source)


def articles_of_page(text: str, source: Source) -> Iterator[Item]:
    """The articles of a page's text."""
    page = _take_apart(text)
    if not page.articles:
        yield Rejected(
            source.default_id, source.name, "no article found on the page", "give it as plain text"
        )
    for number, lines in enumerate(page.articles, 1):
        row = _row(lines, page.headlines) | {
            "id": f"{source.default_id}-{number}",
            "paper": page.paper,
            "date": page.date,
            "page": page.number,
            "section": page.section,
        }
        row["editor"] = find_editor(row["body"]) or page.editor
        try:
            with at(f"{source.name}: article {number}"):
                yield make_article(row)
        except NerError as error:
            yield Rejected.from_error(error, row["id"])


def _kind(line: str) -> str:
    """What a line is: ``text``, or what it is around the articles."""
    if len(line) > _LONGEST:
        return "text"
    if _PAGE.match(line):
        return "page"
    if _DATE.search(line) and (_TOOLS.search(line) or len(line) < 24):
        return "tools"
    if len(line) < 40 and _NAVIGATION.match(line):
        return "article navigation" if "篇" in line else "page navigation"
    if len(line) < 80 and _IMPRINT.search(line):
        return "imprint"
    if _OWNER.search(line):
        return "owner"
    return "text"


def _lines(text: str) -> Iterator[_Line]:
    for raw in re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text).split("\n"):
        if line := normalise(raw):
            yield _Line(line, _kind(line), raw.lstrip("\ufeff").startswith(("  ", "\u3000", "\t")))


def _take_apart(text: str) -> _Page:
    lines = list(_lines(text))
    kinds = [line.kind for line in lines]
    # Without a tool bar or article navigation nothing tells where the head ends.
    marks = [kinds.index(mark) for mark in ("tools", "article navigation") if mark in kinds]
    first = min(marks, default=0)
    head = [line.text for line in lines[:first] if line.kind == "text"]
    headlines = {_squeeze(line): line for line in head if not _STAFF.match(line)}
    articles = [
        article
        for is_text, group in groupby(lines[first:], key=lambda line: line.kind == "text")
        if is_text
        for article in _split_at_headlines(list(group), headlines)
    ]

    def first_of(kind: str) -> str:
        return next((line.text for line in lines if line.kind == kind), "")

    number = _PAGE.match(first_of("page"))
    date = _DATE.search(first_of("tools"))
    rights = (line.text.partition("版权所有")[0] for line in lines if line.kind == "imprint")
    # The paper stands over its owner, or before "all rights reserved"; a headline may end in 报 too.
    over_owner = (
        lines[k - 1].text for k in range(1, len(lines)) if kinds[k - 1 : k + 1] == ["text", "owner"]
    )
    names = (*over_owner, *(name.strip(" ©") for name in rights if len(name) < 20))
    alone = (line for line in head if _PAPER.match(line[:_LONGEST]))
    return _Page(
        paper=next(filter(None, names), "") or next(alone, ""),
        date=date[0] if date else "",
        number=number[1] if number else "",
        section=number[2] if number else "",
        editor=next((find_editor(line) for line in head if _STAFF.match(line)), ""),
        headlines=headlines,
        articles=tuple(articles),
    )


def _squeeze(line: str) -> str:
    return "".join(line.split())


def _headline_at(
    lines: Sequence[_Line], index: int, headlines: Mapping[str, str]
) -> tuple[int, str]:
    """How many lines from `index` are one of the page's headlines, and that headline; 0 if none are."""
    for length in (3, 2, 1):
        joined = _squeeze("".join(line.text for line in lines[index : index + length]))
        if index + length <= len(lines) and joined in headlines:
            return length, headlines[joined]
    return 0, ""


def _split_at_headlines(
    lines: Sequence[_Line], headlines: Mapping[str, str]
) -> Iterator[tuple[_Line, ...]]:
    """Articles that follow each other with no navigation between; each has one headline of the page."""
    begin, body = 0, -1  # body: where that of the article begins, once its headline is found
    found: set[str] = set()
    for index in range(len(lines)):
        length, headline = _headline_at(lines, index, headlines)
        if not length or headline in found or index < body:
            continue
        found.add(headline)
        if body >= 0 and index > body:
            start = index - _over(lines[body:index])
            yield tuple(lines[begin:start])
            begin = start
        body = index + length
    yield tuple(lines[begin:])


def _over(before: Sequence[_Line]) -> int:
    """How many lines at the end of one article are the over-title of the next.

    Where paragraphs are indented, titles are not.
    """
    if not any(line.indented for line in before):
        return 0
    count = 0
    while count < 2 and count < len(before) - 1 and _may_be_title(before[-1 - count]):
        count += 1
    return count


def _may_be_title(line: _Line) -> bool:
    text = line.text
    return (
        not line.indented
        and len(text) <= 60
        and text[-1] not in "。！？；）)：:"
        and text[0] != "("
    )


def _row(lines: Sequence[_Line], headlines: Mapping[str, str]) -> dict[str, str]:
    """Title, over-title, body, and the pages that the article is continued from and on.

    The title is what the page's list of headlines names, and what stands over it the over-title; else
    the first line is the title. A headline that runs over two or three lines is put together again.
    """
    over, length = 0, 1
    title = lines[0].text
    for index in range(min(4, len(lines))):
        matched, headline = _headline_at(lines, index, headlines)
        if matched and all(len(line.text) <= 60 for line in lines[:index]):
            over, length = index, matched
            title = headline if matched > 1 else lines[index].text
            break
    else:
        if len(title) > 80 or title.endswith("。"):
            title, length = "", 0
    pages: dict[str, str] = {}
    title = _without_marks(title, pages)
    body = [_without_marks(line.text, pages) for line in lines[over + length :]]
    return {
        "title": title,
        "overtitle": " ".join(line.text for line in lines[:over]),
        "body": "\n".join(line for line in body if line.strip()),
        **pages,
    }


def _without_marks(line: str, pages: dict[str, str]) -> str:
    """The line without marks like （上接1版）, whose pages are put into `pages`."""
    if len(line) <= _LONGEST_MARK and (alone := _MARK_ALONE.fullmatch(line)):
        _note(alone, pages)
        return ""
    if mark := _MARK_AT_START.match(line):
        _note(mark, pages)
        line = line[mark.end() :].lstrip()
    if mark := _MARK_AT_END.search(line[-_LONGEST_MARK:]):
        _note(mark, pages)
        line = line[: len(line) - len(mark[0])].rstrip()
    return line


def _note(mark: re.Match[str], pages: dict[str, str]) -> None:
    name = "continued_from" if mark["how"] in ("上接", "接") else "continued_on"
    pages.setdefault(name, mark["page"])
