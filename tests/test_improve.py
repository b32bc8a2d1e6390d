"""From decisions to a better model: the corpus, what another model would change, the command to train."""

import html
import json
import shlex
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from conftest import PATIENCE, ROOT
from test_cli import ner
from viewer import chromium, drag_over, saved, serving

from ner import corpus
from ner.article import Article, Span
from ner.report.change import change
from ner.review.background import Background, Watch
from ner.store import ModelKey, ReviewStore, drawing

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
        go.wait(PATIENCE)
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
    deadline = time.monotonic() + PATIENCE
    while background.progress.running:
        assert time.monotonic() < deadline
        time.sleep(0.01)


CONFIG = f"""
name = "own"
version = "0.1.0"
characters = "{ROOT}/configs/characters.txt"
[data]
train = []
dev = ["dev.jsonl"]
[start.network]
width = 32
bigram_width = 8
bigram_buckets = 1024
trigram_width = 8
trigram_buckets = 1024
dilations = [1, 2]
[schedule]
epochs = 2
batch_size = 256
"""


@pytest.mark.slow
def test_a_queue_that_takes_long_is_drawn_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="the extra review is not installed")
    from starlette.testclient import TestClient

    from ner.review import Settings, create_app

    monkeypatch.setattr("ner.review.api._PATIENCE", 0.0)
    monkeypatch.setattr("ner.store.drawing.STRETCH", 1)
    looked_at = Event()
    stretches = drawing._stretches

    def held(*arguments: Any) -> Iterator[tuple[int, int]]:
        yield from stretches(*arguments)
        looked_at.wait(PATIENCE)

    monkeypatch.setattr(drawing, "_stretches", held)
    articles = [Article(str(number), TEXT, spans=OLD) for number in range(300)]
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("old", "1", "0" * 64)), articles)
        client = TestClient(create_app(store, Settings("陈静")))
        token = {"x-csrf-token": client.get("/api/me").json()["csrf"]}
        body = {"name": "抽样", "kind": "random", "size": 9}
        begun = client.post("/api/queues", json=body, headers=token)
        assert begun.status_code == 202 and begun.json()["running"], begun.text
        assert client.post("/api/queues", json=body, headers=token).status_code == 409
        assert 'data-progress="/api/queues/drawing"' in client.get("/queues").text
        looked_at.set()
        while (progress := client.get("/api/queues/drawing").json())["running"]:
            assert progress["done"] <= 300
        assert (progress["done"], progress["total"], progress["failed"]) == (300, 300, "")
        assert [queue.size for queue in store.queues()] == [9]


def test_the_command_names_the_store_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="the extra review is not installed")
    from starlette.testclient import TestClient

    from ner.review import Settings, create_app

    folder = tmp_path / "a b@c"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with ReviewStore("sqlite:///a.db", create=True) as store:
        list(store.add([Article("1", TEXT)]))
        page = TestClient(create_app(store, Settings("陈静"))).get("/improve").text
    command = shlex.split(html.unescape(page.split("<code>")[1].split("</code>")[0]))
    monkeypatch.chdir(tmp_path)
    with ReviewStore(command[command.index("--store") + 1]) as same:
        assert same.count() == 1


@pytest.mark.slow
def test_the_whole_job_from_the_sample_to_the_next_model(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    article = Article("1", TEXT, spans=OLD)
    with ReviewStore(store_url, create=True) as store:
        list(store.add([article, Article("2", "雨还在下。")]))
        store.write_results(store.start_run(ModelKey("old", "1", "0" * 64)), [article])
        shown_url = store.portable_url
    with serving(store_url, "--reviewer", "陈静") as address, chromium() as browser:
        page = browser.new_page()
        review(page, address, browser)
        page.goto(f"{address}figures")
        row = page.inner_text("table.figures >> nth=0 >> tbody tr >> nth=0")
        assert row.split()[:2] == ["全部", "66.7%"]

        page.goto(f"{address}improve")
        with page.expect_download() as download:
            page.click("text=下载 JSONL")
        exported = Path(download.value.path()).read_text(encoding="utf-8")
        assert exported == ner("export", "--reviewed", "--store", store_url).stdout
        assert [span["label"] for span in json.loads(exported)["spans"]] == ["ORG", "LOC", "BRAND"]

        # The command as the page has it, but with a network that is made in a second.
        Path("configs").mkdir()
        Path("configs/own.toml").write_text(CONFIG)
        Path("configs/dev.jsonl").write_text(
            json.dumps({"id": "d", "text": "雨停了。", "spans": []})
        )
        said = shlex.split(page.inner_text(".command"))
        assert said[:4] == ["ner", "train", "configs/own.toml", "--from-store"]
        trained = ner(*(store_url if word == shown_url else word for word in said[1:]))
        assert trained.exit_code == 0, trained.output
        assert [item.spans for item in corpus.read(["runs/own/reviewed.jsonl"])] == [
            tuple(sorted(GOLD, key=lambda span: (span.start, -span.end)))
        ]

        page.reload()
        page.select_option("select[name=model]", "own-0.1.0")
        page.click("text=比较 >> nth=-1")
        page.wait_for_selector("h3")
        assert "old-1 → own-0.1.0" in page.inner_text("section")
        rows = page.locator("table.figures tbody tr").all_inner_texts()
        assert rows[0].split()[0] == "全部" and "文章太少，不能检验" in rows[0]
        assert page.locator(".changed").count() > 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            check_with_axe(page)
        with pytest.raises(urllib.error.HTTPError, match="422"):
            send(address, page, {"model": "/etc"})


def review(page: Any, address: str, browser: Any) -> None:
    """Clear the only article of the sample: two right, one wrong, one added; part of it offline."""
    page.goto(address)
    page.wait_for_selector("mark.focused")
    page.wait_for_load_state("networkidle")
    for key in "aax":
        page.keyboard.press(key)
    saved(page)
    browser.set_offline(True)
    drag_over(page, "渝快码")
    page.keyboard.press("4")
    page.wait_for_selector("#saved[data-state=offline]")
    page.keyboard.press("A")
    browser.set_offline(False)
    page.reload()
    saved(page)
    page.keyboard.press("u")  # the finish
    page.wait_for_selector("mark[data-verdict=right]")
    saved(page)
    page.keyboard.press("A")
    page.wait_for_selector(".end")
    saved(page)


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
    urllib.request.urlopen(request, timeout=PATIENCE).close()
