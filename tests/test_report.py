"""Reports for others: a run as a page, a review sample as page and PDF."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from test_cli import ner, one_line_error

from ner.article import Article, Span
from ner.errors import NerError
from ner.report.draw import as_html, as_lists, window
from ner.report.run import run_page
from ner.report.sample import SampleReport, sample_page, sample_pdf, sample_report
from ner.report.typst import chinese_font
from ner.store import Action, Change, ModelKey, ReviewStore, Said, Store

MODEL = ModelKey("news", "1.0", "a" * 64)
TEXT = "渝快码走进<b>南岸区人民医院\n副院长李䶮介绍渝快码。"
FOUND = [
    *(Span(0, 3, "BRAND", 0.9), Span(8, 15, "ORG", 0.8), Span(8, 11, "LOC", 0.95)),
    *(Span(19, 21, "PER", 0.55), Span(23, 26, "BRAND", 0.6)),
]


def article(id: str, text: str = TEXT, spans: list[Span] = FOUND) -> Article:
    title = text.split("\n")[0]
    return Article(id, text, title, len(title) + 1, paper="江州日报", page="3", spans=tuple(spans))


def tag(store: Store, articles: list[Article]) -> int:
    list(store.add(articles))
    run = store.start_run(MODEL)
    store.write_results(run, articles)
    store.finish_run(run)
    return run.number


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(style|svg).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_a_run_is_one_page_with_what_is_new_and_what_is_unsure(store: Store) -> None:
    tag(store, [article("a")])
    later = article(
        "b", "渝快码和一表通都在柳河县。\n完", [Span(0, 3, "BRAND", 0.9), Span(4, 7, "BRAND", 0.3)]
    )
    number = tag(store, [later, article("c<i>")])
    page = run_page(store)
    text = plain(page)
    assert f"第 {number} 次运行" in text and "文章 2 " in text
    assert re.search(r"品牌 BRAND 4 2 2 50%", text), text
    assert "新出现的品牌 以前各次运行都没有标过的名称，按文章数排列。 一表通 1 篇" in text
    assert re.search(r"新出现的地名.*?没有", text)
    unsure = re.findall(r"0\.\d\d (?:人名|地名|机构|品牌)", text)
    assert unsure[:3] == ["0.30 品牌", "0.55 人名", "0.60 品牌"] and len(unsure) == 5
    assert '<mark data-label="ORG" class="under-1" title="ORG 0.80"><mark data-label="LOC"' in page
    assert "走进&lt;b&gt;" in page
    assert "<i>" not in page and "c&lt;i&gt;" in page
    assert not re.search(r"https?://|<script|src=", page)  # needs nothing else
    first = plain(run_page(store, number - 1, articles=0, language="en"))
    assert "Most frequent: brand 渝快码 1 articles" in first and "Some of the articles" not in first
    with pytest.raises(NerError, match="run 99 is not in the store"):
        run_page(store, 99)


def review(store: ReviewStore) -> int:
    """A sample of three of which two are read: a wrong label, a missed and a spurious name, a boundary."""
    tag(store, [article(str(number)) for number in range(3)])
    queue = store.make_queue("抽样", "random", {}, size=3, seed=7, made_by="陈静")
    missed, other = Span(16, 19, "PER"), Span(0, 3, "ORG")
    changes = [Change(FOUND[0], "wrong"), Change(other, "right"), Change(missed, "right")]
    changes += [Change(span, "right") for span in FOUND[1:4]] + [Change(FOUND[4], "wrong")]
    shorter = [Change(FOUND[1], "wrong"), Change(Span(11, 15, "ORG"), "right")]
    shorter += [Change(FOUND[n], "right") for n in (0, 2, 3, 4)]
    for number, each in enumerate((changes, shorter)):
        action = Action(f"action-{number}", each, finish=True)
        assert store.act(str(number), article("0").text_hash, action, Said("陈静", "web")) is None
    return queue


@pytest.fixture
def reviewed(tmp_path: Path) -> ReviewStore:
    return ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True)


def test_a_sample_is_a_page_with_figures_and_examples(reviewed: ReviewStore) -> None:
    report = sample_report(reviewed, review(reviewed))
    text = plain(sample_page(report))
    assert "随机抽取 3 篇，已由编辑通读 2 篇" in text and "种子 7 · 模型 news-1.0" in text
    assert "模型标出的名称中，70.0% 是对的（95% 区间 39.7–89.2%）" in text
    assert "模型标出了 70.0%" in text
    kinds = [(each.kind, each.surface, each.labels) for each in report.examples]
    assert kinds == [
        ("spurious", "渝快码", ["BRAND"]),
        ("missed", "副院长", ["PER"]),
        ("boundary", "南岸区人民医院 → 人民医院", ["ORG"]),
        ("wrong_label", "渝快码", ["BRAND", "ORG"]),
    ]
    assert "类别不对 · 品牌 → 机构 · 0" in text
    assert "&lt;b&gt;" in sample_page(report)
    with pytest.raises(NerError, match=r"no queue 9 \(the store's queues: 1"):
        sample_report(reviewed, 9)


def printed(report: SampleReport, language: str = "zh") -> Any:
    """The PDF of a report, read again; skipped only where no Chinese font is installed."""
    pytest.importorskip("typst", reason="the extra review is not installed")
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    try:
        made = sample_pdf(report, language)
    except NerError as error:
        if "no Chinese font" not in str(error):
            raise
        pytest.skip(str(error))
    return pypdf.PdfReader(io.BytesIO(made))


def test_a_sample_is_a_pdf_whose_text_can_be_read(reviewed: ReviewStore) -> None:
    report = sample_report(reviewed, review(reviewed))
    read = printed(report)
    text = "".join(re.sub(r"\s", "", page.extract_text()) for page in read.pages)
    assert read.metadata.title == "抽查报告"
    for shown in (
        "准确率",
        "70.0%",
        "39.7%–89.2%",
        "7/10",
        "渝快码",
        "南岸区人民医院→人民医院",
        "<b>",
    ):
        assert shown in text, shown
    assert "Precision" in "".join(page.extract_text() for page in printed(report, "en").pages)


def test_a_queue_of_which_nothing_is_read_is_a_report_too(reviewed: ReviewStore) -> None:
    tag(reviewed, [article("1")])
    queue = reviewed.make_queue("最新", "newest", {}, size=3, seed=1, made_by="陈静")
    report = sample_report(reviewed, queue)
    text = plain(sample_page(report))
    assert "还没有审完的文章。" in text and "数字不代表全部文章" in text
    pytest.importorskip("typst", reason="the extra review is not installed")
    try:
        assert sample_pdf(report).startswith(b"%PDF")
    except NerError as error:
        assert "no Chinese font" in str(error)


def test_how_far_two_readers_agree_is_in_the_report(reviewed: ReviewStore) -> None:
    tag(reviewed, [article("0"), article("1")])
    queue = reviewed.make_queue("双审", "random", {}, size=2, seed=7, made_by="陈静", readers=2)
    for name in ("陈静", "李强"):
        for id in ("0", "1"):
            verdict = "wrong" if (name, id) == ("李强", "1") else "right"
            changes = [Change(FOUND[0], verdict), *(Change(span, "right") for span in FOUND[1:4])]
            changes.append(Change(FOUND[4], "wrong"))
            action = Action(f"{name}-{id}-action", changes, finish=True)
            said = Said(name, "web")
            assert reviewed.act(id, article("0").text_hash, action, said, queue=queue) is None
    report = sample_report(reviewed, queue)
    text = plain(sample_page(report))
    assert "李强 · 陈静 都审了 2 篇，1 篇完全一致" in text
    # Of ten names both call seven right and two wrong: F1 2 · 7 / 15, κ (0.9 - 0.62) / (1 - 0.62).
    assert "全部 0.74 93.3% 10" in text and "品牌 0.50 66.7% 4" in text
    assert "地名 1.00 100.0% 2" in text and "还有 1 篇两人不一致" in text
    text = "".join(re.sub(r"\s", "", page.extract_text()) for page in printed(report).pages)
    for shown in ("李强·陈静都审了2篇，1篇完全一致", "0.74", "93.3%", "66.7%", "还有1篇两人不一致"):
        assert shown in text, shown


def test_without_a_chinese_font_the_remedy_is_told() -> None:
    with pytest.raises(NerError, match="no Chinese font is installed.*fonts-noto-cjk"):
        chinese_font(["DejaVu Sans"])
    assert chinese_font(["DejaVu Sans", "simsun", "Microsoft YaHei"]) == "Microsoft YaHei"


def test_what_is_shown_of_a_text_is_its_sentence() -> None:
    text = "他说：“好。”南岸区来了！完"
    assert text[slice(*window(text, 7, 10))] == "南岸区来了！"
    long = "的" * 300
    assert window(long, 100, 290) == (76, 244)
    spans = [Span(7, 10, "LOC", 0.5), Span(7, 9, "ORG")]
    assert str(as_html(text, spans, (7, 13), [spans[1]])) == (
        '<mark data-label="LOC" class="under-1 low" title="LOC 0.50">'
        '<mark data-label="ORG" class="under-0 about" title="ORG">南岸</mark>区</mark>来了！'
    )
    inner = {"label": "ORG", "levels": 0, "about": True, "parts": ["南岸"]}
    assert as_lists(text, spans, (7, 13), [spans[1]]) == [
        {"label": "LOC", "levels": 1, "about": False, "parts": [inner, "区"]},
        "来了！",
    ]


def test_the_command_writes_files(reviewed: ReviewStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    list(reviewed.add([article("0")]))
    assert "nothing was tagged yet" in one_line_error(ner("report", "--store", url))
    queue = review(reviewed)
    page = tmp_path / "sample.html"
    assert ner("report", "--store", url, "--queue", str(queue), "-o", str(page)).exit_code == 0
    assert "抽查报告" in page.read_text(encoding="utf-8")
    assert "<h1>标注报告</h1>" in ner("report", "--store", url, "-o", "-").stdout
    error = one_line_error(ner("report", "--store", url, "-o", str(tmp_path / "run.pdf")))
    assert "a run's report is HTML" in error and not (tmp_path / "run.pdf").exists()
    assert "no language" in one_line_error(ner("report", "--store", url, "--language", "fr"))


def test_a_report_loads_no_web_framework(tmp_path: Path) -> None:
    code = "import sys, ner.report.sample, ner.report.run; print('fastapi' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout == "False\n", out.stderr
