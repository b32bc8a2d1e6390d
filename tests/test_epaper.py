import datetime
from pathlib import Path

import pytest
from conftest import ROOT

from ner.article import Article, Rejected
from ner.formats import Source
from ner.formats.epaper import is_page, read_page
from ner.formats.reader import read

PAGES = ROOT / "data/pages"


def page(text: str) -> list[Article]:
    items = list(read_page(Source("jzrb-002.txt", text.encode())))
    return [item for item in items if isinstance(item, Article)]


HEAD = """甲标题乙标题
第A02版：区县·综合
上一版 下一版
甲标题
乙标题

江州晚报
江州报业集团主办
"""
TOOLS = "3上一篇  下一篇4\n2025 年 01 月 09 日 星期四 放大 缩小 默认\n"
FOOT = """上一篇  下一篇
江州晚报版权所有 未经书面授权 不得复制或建立镜像
地址:重庆市江州区滨江路88号 邮编:400000
"""


def test_the_sample_page_gives_its_articles_and_fields() -> None:
    items = list(read([PAGES / "jzrb-2025-03-18-003.txt"]))
    assert [item.title for item in items if isinstance(item, Article)] == [
        "“板凳议事”议出一条暖心路",
        "江州深化“码上办”改革 让群众少跑腿",
        "第五届“江州村晚”启幕",
    ]
    for item in items:
        assert isinstance(item, Article)
        assert (item.paper, item.page, item.section) == ("江州日报", "003", "综合新闻")
        assert item.date == datetime.date(2025, 3, 18)


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.txt")), ids=lambda path: path.stem)
def test_no_furniture_in_a_body_and_no_paragraph_lost(path: Path) -> None:
    raw = path.read_text(encoding="utf-8")
    bodies = [item.body for item in read([path]) if isinstance(item, Article)]
    for furniture in (
        "上一篇",
        "版权所有",
        "放大",
        "邮编",
        "上接",
        "下转",
        "江州日报社",
        "\n\n",
        "\u3000",
    ):
        assert not any(furniture in body for body in bodies), furniture
    for line in raw.splitlines():
        if line.startswith("  ") and line.strip() and "上接" not in line:
            assert sum(line.strip().removesuffix("(下转2版)") in body for body in bodies) == 1


def test_paragraphs_are_lines() -> None:
    [article] = page(HEAD + TOOLS + "甲标题\n\n  一段,半角。\n\n  二段。\n" + FOOT)
    assert article.body == "一段,半角。\n二段。"
    assert (article.page, article.section, article.id) == ("A02", "区县·综合", "jzrb-002-1")
    assert (article.paper, article.date) == ("江州晚报", datetime.date(2025, 1, 9))


def test_articles_without_navigation_between_split_at_the_headlines() -> None:
    first, second = page(HEAD + TOOLS + "甲标题\n甲正文说到甲标题。\n乙标题\n乙正文。\n" + FOOT)
    assert (first.title, first.body) == ("甲标题", "甲正文说到甲标题。")
    assert (second.title, second.body) == ("乙标题", "乙正文。")


def test_a_headline_over_two_lines_is_put_together() -> None:
    [article] = page(
        HEAD.replace("\n甲标题\n", "\n甲标题上半下半\n")
        + TOOLS
        + "甲标题上半\n下半\n正文。\n"
        + FOOT
    )
    assert (article.title, article.body) == ("甲标题上半下半", "正文。")


@pytest.mark.parametrize("mark", ["(上接1版)", "（上接第一版）", "（上接A1版）", "上接01版"])
def test_continuation_marks_go(mark: str) -> None:
    [article] = page(HEAD + TOOLS + f"甲标题\n{mark}\n正文。\n" + FOOT)
    assert article.body == "正文。"


def test_a_sentence_about_pages_stays() -> None:
    sentence = "读者可转到2版（见第二版）看全文，并把(上接1版)的部分连起来读。"
    [article] = page(HEAD + TOOLS + f"甲标题\n{sentence}\n" + FOOT)
    assert article.body == sentence


def test_a_page_of_pictures_only_is_rejected_not_lost() -> None:
    [item] = read_page(Source("jzrb-002.txt", (HEAD + TOOLS + FOOT).encode()))
    assert isinstance(item, Rejected)
    assert "no article" in item.why


def test_plain_text_is_no_page() -> None:
    assert is_page(HEAD + FOOT)
    assert not is_page("标题\n\n第3版刊登了消息。上一篇文章说……\n")


def test_the_title_is_what_the_headline_list_names_and_over_it_is_the_overtitle() -> None:
    [article] = page(HEAD + TOOLS + "区里推进新举措\n乙标题\n副题一行\n  正文。\n" + FOOT)
    assert (article.overtitle, article.title) == ("区里推进新举措", "乙标题")
    assert article.body == "副题一行\n正文。"


def test_two_lines_over_a_title_do_not_split_the_article() -> None:
    [article] = page(HEAD + TOOLS + "引题一\n引题二\n甲标题\n  正文。\n" + FOOT)
    assert (article.overtitle, article.title, article.body) == ("引题一 引题二", "甲标题", "正文。")


def test_an_overtitle_belongs_to_the_article_that_follows() -> None:
    text = "甲标题\n  甲的正文。\n  又一段\n引题在此\n乙标题\n  乙的正文。\n"
    first, second = page(HEAD + TOOLS + text + FOOT)
    assert first.body == "甲的正文。\n又一段"
    assert (second.overtitle, second.title, second.body) == ("引题在此", "乙标题", "乙的正文。")


@pytest.mark.parametrize("mark", ["(上接1版)", "（上接第一版）", "（上接A1版）", "上接01版"])
def test_the_page_that_an_article_is_continued_from_is_a_field(mark: str) -> None:
    [article] = page(HEAD + TOOLS + f"甲标题\n{mark}\n正文。（下转12版）\n" + FOOT)
    assert article.continued_from in ("1", "一", "A1", "01")
    assert (article.continued_on, article.body) == ("12", "正文。")


@pytest.mark.parametrize(
    ("body", "author"),
    [
        ("本报讯（记者 甲、乙）昨日，社区开会。", "甲、乙"),
        ("本报讯(首席记者 陈晓 通讯员 吴敏)昨日，社区开会。", "陈晓、吴敏"),
        ("□ 本报记者 陈晓\n昨日，社区开会。", "陈晓"),
        ("昨日，社区开会。\n文/图 陈晓", "陈晓"),
        ("昨日，社区开会。（记者注：会期两天）", ""),
        ("记者 陈晓在会上看到，来的人很多，座位都满了。", ""),
    ],
)
def test_a_byline_is_a_field_and_stays_in_the_text(body: str, author: str) -> None:
    [article] = page(HEAD + TOOLS + f"甲标题\n{body}\n" + FOOT)
    assert (article.author, article.body) == (author, body)


def test_an_editor_is_a_field() -> None:
    [article] = page(HEAD + TOOLS + "甲标题\n正文。\n责编 邓辉 　校对 杨洋\n" + FOOT)
    assert article.editor == "邓辉"
    [article] = page(HEAD + "责编：邓辉 美编：王芳\n" + TOOLS + "甲标题\n正文。\n" + FOOT)
    assert article.editor == "邓辉"


def test_a_page_as_printed_is_not_wrapped_twice() -> None:
    [article] = page(HEAD.replace("A02", "003") + TOOLS + "甲标题\n正文。\n" + FOOT)
    assert (article.page, article.page_number) == ("003", 3)
