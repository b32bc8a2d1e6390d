"""An e-paper page as text: what is around the articles comes off, what it says becomes fields.

Such pages are saved from a newspaper's site: the page's headlines (once run together, once as a
list), page number and section, the paper, a tool bar with the date, then an article between
navigation lines, another perhaps, and the imprint. Page text has half-width punctuation and empty
lines between paragraphs; in an article a paragraph is a line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ner.article import Article, Rejected
from ner.errors import NerError, at
from ner.formats import Source, decode, make_article, normalise

_PAGE = re.compile(r"^第\s*([A-Z]?\d{1,3})\s*版\s*[:：]?\s*(\S{0,12})\s*$")
_DATE = re.compile(r"\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日")
_TOOLS = re.compile(r"放大|缩小|默认|朗读|打印|字号|收藏|分享")
_NAVIGATION = re.compile(
    r"^\W*\d?\s*(上一[篇版期]|下一[篇版期]|返回(目录|首页)|版面导航|标题导航|往期回顾|按日期检索)"
)
_OWNER = re.compile(r"^\S{2,16}(主办|承办|出版)$|国内统一(连续出版物|刊)号|^CN\s?\d\d-\d+")
_IMPRINT = re.compile(
    r"版权所有|未经\S{0,6}授权|不得复制或建立镜像|^技术支持[:：]|^地址[:：].*邮编|^邮编[:：]"
    r"|ICP[备证]|公网安备|^(新闻|广告|发行|订阅|举报)\S{0,4}热线[:：]|^零售(价)?[:：]"
)
_PAPER = re.compile(r"^\S{2,10}(日报|晚报|早报|晨报|时报|商报|新报|都市报|导报|青年报|法治报|报)$")
_MARK = (
    r"(上接|下转|紧接|转|接)第?\s*[A-Z]?(\d{1,3}|[一二三四五六七八九十]{1,3})\s*版[^\s()（）]{0,8}"
)
_CONTINUED = re.compile(rf"^[(（]\s*{_MARK}\s*[)）]\s*|\s*[(（]\s*{_MARK}\s*[)）]$|^{_MARK}$")


@dataclass(frozen=True)
class _Page:
    """What the lines around the articles say, and each article's lines."""

    paper: str
    date: str
    number: str
    section: str
    headlines: frozenset[str]
    articles: tuple[tuple[str, ...], ...]


def is_page(text: str) -> bool:
    """True where the text has a page number line and navigation, as saved e-paper pages do."""
    lines = [line.strip() for line in text.splitlines()]
    return any(map(_PAGE.match, lines)) and any(map(_NAVIGATION.match, lines))


def read_page(source: Source) -> Iterator[Article | Rejected]:
    """The articles of one page, in order; ids are the file's name and the article's number.

    A page that holds no article gives one `Rejected`.
    """
    with at(source.name):
        page = _take_apart(normalise(decode(source.data)))
    if not page.articles:
        yield Rejected(
            source.stem, source.name, "no article found on the page", "give it as plain text"
        )
    for number, lines in enumerate(page.articles, 1):
        where = f"{source.name}: article {number}"
        title, body = _title_and_body(lines, page.headlines)
        row = {
            "id": f"{source.stem}-{number}",
            "title": title,
            "body": body,
            "paper": page.paper,
            "date": page.date,
            "page": page.number,
            "section": page.section,
        }
        try:
            with at(where):
                yield make_article(row)
        except NerError as error:
            yield Rejected.from_error(error, row["id"])


def _kind(line: str) -> str:
    """What a line is: ``text``, or the furniture it belongs to."""
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


def _take_apart(text: str) -> _Page:
    lines = [line for line in text.split("\n") if line]
    kinds = [_kind(line) for line in lines]
    # Without a tool bar or article navigation nothing tells where the head ends.
    marks = [kinds.index(mark) for mark in ("tools", "article navigation") if mark in kinds]
    first = min(marks, default=0)
    headlines = frozenset(line for line, kind in zip(lines[:first], kinds) if kind == "text")
    groups = groupby(zip(lines[first:], kinds[first:]), key=lambda pair: pair[1] == "text")
    articles = [
        article
        for is_text, group in groups
        if is_text
        for article in _split_at_headlines([line for line, _ in group], headlines)
    ]

    def first_of(kind: str) -> str:
        return next((line for line, k in zip(lines, kinds) if k == kind), "")

    number = _PAGE.match(first_of("page"))
    date = _DATE.search(first_of("tools"))
    rights = (line.partition("版权所有")[0].strip(" ©") for line in lines if "版权所有" in line)
    # The paper stands over its owner, or before "all rights reserved"; a headline may end in 报 too.
    over_owner = (
        lines[k - 1] for k in range(1, len(lines)) if kinds[k - 1 : k + 1] == ["text", "owner"]
    )
    alone = (line for line in lines[:first] if _PAPER.match(line))
    return _Page(
        paper=next(over_owner, "") or next(filter(None, rights), "") or next(alone, ""),
        date=date[0] if date else "",
        number=number[1] if number else "",
        section=number[2] if number else "",
        headlines=headlines,
        articles=tuple(articles),
    )


def _split_at_headlines(
    lines: Sequence[str], headlines: frozenset[str]
) -> Iterator[tuple[str, ...]]:
    """Articles that follow each other with no navigation between; each begins with a headline."""
    article: list[str] = []
    for line in lines:
        if line in headlines and len(article) > 1:
            yield tuple(article)
            article = []
        article.append(line)
    yield tuple(article)


def _title_and_body(lines: Sequence[str], headlines: frozenset[str]) -> tuple[str, str]:
    """Take the title off: the page's headline where the first lines give one, else the first line.

    A headline that runs over two or three lines is put together again. Continuation marks go.
    """
    length = next(
        (n for n in (3, 2) if "".join(lines[:n]) in headlines and len(lines) > n),
        1,
    )
    title = "".join(lines[:length])
    if len(title) > 80 or title.endswith("。"):
        title, length = "", 0
    body = [_CONTINUED.sub("", line) for line in lines[length:]]
    return _CONTINUED.sub("", title), "\n".join(line for line in body if line.strip())
