"""The fields of an article: what foreign files call them, and what their values mean."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ner.article import BYLINE
from ner.errors import NerError

FIELDS = ("id", "title", "body", "text", "paper", "date", "page", "section", *BYLINE)
"""The fields of an article in JSON, CSV, Excel and Parquet; `ner ingest --field` maps others to them."""

ALIASES = {
    "id": ("编号", "文章编号", "稿件编号", "文章id", "稿件id", "article_id", "docid", "doc_id"),
    "title": ("标题", "题目", "主标题", "正题", "主题", "新闻标题", "文章标题", "headline"),
    "body": ("正文", "内容", "文章内容", "新闻内容", "稿件内容", "文章正文", "content"),
    "text": ("文本", "全文", "原文"),
    "paper": ("报纸", "报纸名称", "报名", "报刊", "报刊名称", "媒体", "来源", "newspaper"),
    "date": (
        *("日期", "出版日期", "发布日期", "发表日期", "见报日期", "刊发日期", "刊登日期"),
        *("发布时间", "时间", "pubdate", "pub_date", "publish_date", "published"),
    ),
    "page": ("版次", "版面", "版号", "版", "版面号"),
    "section": ("版名", "版面名称", "栏目", "频道"),
    "overtitle": ("引题", "眉题", "肩题"),
    "author": ("作者", "记者", "署名", "byline"),
    "editor": ("责编", "责任编辑", "编辑"),
}
"""Our fields and the words that stand for them in header lines, the first found counts."""

Row = Mapping[str, Any]
Dropped = Counter[str]
"""What a file holds and an article cannot represent, or the other way round: how many of what."""

UNCOUNTED: Dropped = Counter()
"""Where counts go that nobody asked for."""


def rename(row: Row, fields: Mapping[str, str] = {}) -> dict[str, Any]:
    """A row with its fields under our names.

    Args:
        fields: our names to theirs; comes before our own names, and these before `ALIASES`.
    """
    renamed = dict(row)
    for ours, theirs in fields.items():
        if theirs in row:
            renamed[ours] = row[theirs]
            if theirs not in FIELDS:
                renamed.pop(theirs, None)
    keys = {str(key).strip().casefold(): key for key in reversed(renamed)}
    for ours in FIELDS:
        if ours in renamed:
            continue
        for word in (ours, *ALIASES.get(ours, ())):
            if word in keys and keys[word] in renamed:
                renamed[ours] = renamed.pop(keys[word])
                break
    return renamed


_ANNOTATIONS = ("annotations", "entities", "ents", "label", "labels", "tags")
UNREAD = "annotations in "
"""Begins what `count_unknown` counts annotations under, which are no field among others."""


def count_unknown(row: Row, known: Iterable[str], dropped: Dropped) -> None:
    """Count the fields of a row that an article cannot represent; empty ones are nothing.

    Annotations in another form than is read are counted apart, see `UNREAD`.
    """
    for name in sorted(map(str, row.keys() - {*FIELDS, *known})):
        value = row.get(name)
        if value not in (None, "", [], {}):
            unread = name in _ANNOTATIONS and _holds_objects(value)
            dropped[f"{UNREAD if unread else 'fields '}{name[:40]!r}"] += 1


def _holds_objects(value: Any) -> bool:
    """True for a list of lists or objects, or an object: spans, not words about an article."""
    values = value if isinstance(value, list) else [value]
    return all(isinstance(each, list | dict) for each in values)


def parse_date(value: str) -> date | None:
    """A date as newspapers print it: 2024-12-05, 20241205, 2024/12/5, 2024年12月5日; None if empty.

    Raises:
        NerError: it is none of these.
    """
    if not value.strip():
        return None
    match = re.match(r"\s{0,9}(\d{4})\D{0,3}(\d{1,2})\D{0,3}(\d{1,2})", value)
    try:
        if match is None:
            raise ValueError
        return date(*map(int, match.groups()))
    except ValueError:
        raise NerError(f"{value[:40]!r} is not a date", remedy="write it as 2024-12-05") from None


def parse_page(value: str) -> str:
    """A page without the words around it: ``003`` of 第003版, ``A2`` of A2版."""
    match = re.fullmatch(r"第?\s{0,9}([^\s第版]{1,20})\s{0,9}版?", value.strip())
    return match[1] if match else value.strip()
