"""From decisions to a better model: the corpus, what another model would change, the command to train."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from test_cli import ner
from viewer import chromium, serving

from ner.article import Article, Span
from ner.report.change import change
from ner.review.background import Background, Watch
from ner.store import Action, Change, ModelKey, ReviewStore, Said
from ner.tagger.loading import load

TEXT = "南岸区政府昨天开会。<b>渝快码</b>上线。"
OLD = (
    Span(0, 5, "ORG", 0.9, "old-1"),
    Span(0, 3, "LOC", 0.9, "old-1"),
    Span(5, 7, "PER", 0.4, "old-1"),
)
GOLD = (Span(0, 5, "ORG"), Span(0, 3, "LOC"), Span(13, 16, "BRAND"))
NEW = [Span(0, 5, "ORG"), Span(13, 16, "BRAND"), Span(16, 20, "LOC")]


def pairs(many: int) -> list[tuple[Article, Article]]:
    return [
        (Article(str(n), TEXT, spans=OLD), Article(str(n), TEXT, spans=GOLD)) for n in range(many)
    ]


def test_what_changes_is_judged_by_what_people_decided() -> None:
    found = change(pairs(2), "new-1", [NEW, list(OLD)])
    assert (found.articles, found.differing, found.old, found.new) == (2, 1, ["old-1"], "new-1")
    rows = {row.label: (row.mended, row.broken, row.old.right, row.new.right) for row in found.rows}
    assert rows == {
        "": (2, 2, 4, 4),
        "PER": (1, 0, 0, 0),  # a wrong name is gone
        "LOC": (0, 2, 2, 1),  # a right one is gone, and there is a wrong one
        "ORG": (0, 0, 2, 2),
        "BRAND": (1, 0, 0, 1),
    }
    assert [row.test for row in found.rows] == [None] * 5  # two articles tell nothing
    listed = [(each.surface, each.label, each.added, each.better) for each in found.changes]
    assert listed == [
        ("南岸区", "LOC", False, False),
        ("</b>", "LOC", True, False),
        ("昨天", "PER", False, True),
        ("渝快码", "BRAND", True, True),
    ]
    assert [key for key, _ in found.changes[0].sides] == ["by_old", "by_new", "by_people"]
    assert all("<b>" not in text for each in found.changes for _, text in each.sides)


def test_enough_articles_are_tested() -> None:
    found = change(pairs(30), "new-1", [list(GOLD)] * 30)
    [every] = [row for row in found.rows if not row.label]
    assert every.test and every.test.verdict == "better" and (every.mended, every.broken) == (60, 0)


def test_work_in_the_background_ends_even_where_it_fails() -> None:
    import threading

    go = threading.Event()
    background: Background[str] = Background()

    def work(watch: Watch) -> str:
        watch(1, 2)
        go.wait(20)
        return "done"

    assert background.start("a", work) and not background.start("b", work)
    go.set()
    wait(background)
    assert (background.progress.done, background.result) == (1, "done")

    def fail(watch: Watch) -> str:
        raise OSError("disk full")

    assert background.start("c", fail)
    wait(background)
    assert background.progress.failed == "OSError: disk full" and background.result is None


def wait(background: Background[str]) -> None:
    import time

    for _ in range(400):
        if not background.progress.running:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


@pytest.mark.slow
def test_the_loop_in_the_browser(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    article = Article("1", TEXT, spans=OLD)
    with ReviewStore(url, create=True) as store:
        list(store.add([article, Article("2", "雨还在下。")]))
        store.write_results(store.start_run(ModelKey("old", "1", "0" * 64)), [article])
        changes = [Change(span, "right") for span in GOLD] + [Change(OLD[2], "wrong")]
        action = Action("action-1", changes, finish=True)
        assert store.act("1", article.text_hash, action, Said("陈静", "web")) is None
    with serving(url, "--reviewer", "陈静") as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}improve")
        assert f"ner train configs/own.toml --from-store --store {url} " in page.inner_text(
            ".command"
        )
        with page.expect_download() as download:
            page.click("text=下载 JSONL")
        exported = Path(download.value.path()).read_text(encoding="utf-8")
        assert exported == ner("export", "--reviewed", "--store", url).stdout
        assert [span["label"] for span in json.loads(exported)["spans"]] == ["ORG", "LOC", "BRAND"]
        fast = str(load("news-fast"))
        page.select_option("select[name=model]", fast)
        page.click("text=比较 >> nth=-1")
        page.wait_for_selector("h3")
        assert f"old-1 → {fast}" in page.inner_text("section")
        rows = page.locator("table.figures tbody tr").all_inner_texts()
        assert rows[0].split()[0] == "全部" and "文章太少，不能检验" in rows[0]
        assert "昨天" in page.inner_text(".changed:has(.good)")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            check_with_axe(page)
        with pytest.raises(urllib.error.HTTPError, match="422"):
            send(address, page, {"model": "/etc"})


def check_with_axe(page: Any) -> None:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("() => axe.run().then((result) => result.violations)")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def send(address: str, page: Any, body: dict[str, str]) -> None:
    headers = {
        "content-type": "application/json",
        "x-csrf-token": page.get_attribute("meta[name=csrf]", "content"),
    }
    request = urllib.request.Request(f"{address}api/compare", json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=30).close()
