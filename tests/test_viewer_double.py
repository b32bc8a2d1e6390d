"""Several people in real browsers: two read independently, a third settles; one name in all articles; touch.

On SQLite and on PostgreSQL.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from viewer import PLACE, chromium, drag_over, saved, serving

from ner.article import Article, Span
from ner.store import RIGHT, WRONG, ModelKey, ReviewStore

pytestmark = pytest.mark.slow

NAMES = [("南岸区人民医院", "ORG"), ("南岸区", "LOC"), ("渝快码", "BRAND"), ("李莉", "PER")]
FIRST = ModelKey("news", "1.0", "a" * 64)
SECOND = ModelKey("news", "2.0", "b" * 64)


def make(number: int, left_out: str = "") -> Article:
    title = f"“渝快码”走进南岸区人民医院{number}"
    text = f"{title}\n副院长李莉说，渝快码由南岸区开发。\n王小川用手机打开渝快码。"
    spans = [
        Span(found.start(), found.end(), label, 0.9)
        for name, label in NAMES
        for found in re.finditer(name, text)
        if name != left_out
    ]
    return Article(f"jz-{number}", text, title, len(title) + 1, spans=tuple(sorted(spans)))


ARTICLES = [make(number) for number in range(6)]


@pytest.fixture
def store(store_url: str) -> Iterator[ReviewStore]:
    with ReviewStore(store_url, create=True) as opened:
        list(opened.add(ARTICLES))
        opened.write_results(opened.start_run(FIRST), ARTICLES)
        yield opened


@contextmanager
def people(url: str, *names: str, **options: Any) -> Iterator[list[Any]]:
    """A tab for each person, who works at a viewer of their own over the same store. No error may happen."""
    wrong: list[str] = []
    with chromium(**options) as browser, ExitStack() as servers:
        tabs = []
        for name in names:
            page = browser.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else 0)
            page.address = servers.enter_context(serving(url, "--reviewer", name))
            tabs.append(page)
        yield tabs
        for page in tabs:
            page.close()
    assert [each for each in wrong if "Failed to load resource" not in each] == []


def press(page: Any, *keys: str) -> None:
    for each in keys:
        page.keyboard.press(each)


def counts(store: ReviewStore) -> dict[str, set[str]]:
    """Of each article that is read: its right names with their labels."""
    found = [item for item in store.reviewed() if isinstance(item, Article)]
    return {item.id: {f"{item.surface(s)} {s.label}" for s in item.spans} for item in found}


def test_two_read_independently_and_a_third_settles(store_url: str, store: ReviewStore) -> None:
    with people(store_url, "陈静", "李强", "主任") as (chen, li, chief):
        chief.goto(f"{chief.address}queues")
        chief.fill("[name=name]", "双审")
        chief.select_option("[name=kind]", "newest")
        chief.select_option("[name=readers]", "2")
        chief.fill("[name=size]", "2")
        chief.click("form .main")
        chief.wait_for_selector("text=两人，各审各的 · 主任")
        [queue] = store.queues()

        chen.goto(f"{chen.address}?queue={queue.number}")
        chen.wait_for_selector("mark.focused")
        chen.click("p mark[data-label=LOC]")
        press(chen, "x")
        drag_over(chen, "王小川")
        chen.click("#adder [data-value=PER]")
        chen.click("mark[data-label=PER] >> nth=0")
        press(chen, "3", "A")
        chen.wait_for_function(
            "() => document.querySelector('#progress').innerText.includes('审完 1 篇')"
        )
        saved(chen)
        press(chen, "A")  # the second article as the model has it
        chen.wait_for_selector(".end")

        li.goto(f"{li.address}?queue={queue.number}")
        li.wait_for_selector("mark.focused")
        assert li.locator("mark:not([data-verdict=open])").count() == 0  # nothing of the other's
        li.click("p mark[data-label=BRAND]")
        press(li, "x")
        press(li, "A")
        li.wait_for_function(
            "() => document.querySelector('#progress').innerText.includes('审完 1 篇')"
        )
        press(li, "A")
        li.wait_for_selector(".end")
        saved(li)
        first, second = (make(number) for number in (0, 1))
        assert counts(store) == {second.id: {f"{name} {label}" for name, label in NAMES}}

        chief.goto(f"{chief.address}queues")
        chief.click("text=待定稿 1 篇")
        chief.wait_for_selector("#choice:not([hidden])")
        assert chief.locator(".split").count() == 4  # two paragraphs, on both sides
        assert chief.inner_text("#which") == "第 1 处分歧，共 4 处"
        assert chief.inner_text("[data-do=first] span") == "陈静：李莉 · 机构"
        assert chief.inner_text("[data-do=second] span") == "李强：李莉 · 人名"
        press(chief, "A")
        assert "还有 4 处分歧没有定" in chief.inner_text("#notice")
        press(chief, "2")
        assert chief.inner_text("[data-do=first] span") == "陈静：渝快码 · 品牌"
        press(chief, "1")
        assert chief.inner_text("[data-do=first] span") == "陈静：没有标"
        assert chief.is_hidden("[data-do=neither]")
        press(chief, "2", "1")  # the place is right, and the added name too
        assert "都定了" in chief.inner_text("#left")
        press(chief, "u", "u")
        chief.wait_for_function(
            "() => document.querySelector('#left').innerText.includes('还有 2 处')"
        )
        press(chief, "2")
        chief.click(
            "#second mark[data-verdict=none] >> nth=-1"
        )  # a click on the empty frame finds its place
        assert chief.inner_text("[data-do=first] span") == "陈静：王小川 · 人名"
        press(chief, "1", "A")
        chief.wait_for_selector("text=没有要定稿的文章了")
        saved(chief)
        right = {f"{name} {label}" for name, label in NAMES} | {"王小川 PER"}
        assert counts(store)[first.id] == right
        assert [each.reviewer for each in store.standing(first.id).reviews] == ["主任"]

        chief.goto(f"{chief.address}figures?queue={queue.number}")
        row = chief.inner_text("table:has(caption) tbody tr >> nth=0").split()
        assert row[0] == "全部" and row[3:] == ["16", "5"]
        assert "都审了 2 篇，1 篇完全一致" in chief.inner_text("caption")

        chief.goto(f"{chief.address}settle?queue={queue.number}")
        chief.wait_for_selector(".end a")
        press(chief, "n")


def test_who_read_it_does_not_settle_it(store_url: str, store: ReviewStore) -> None:
    """In words for both, the second takes back what made them agree."""
    queue = store.make_queue("双审", "newest", {}, size=1, seed=1, made_by="陈", readers=2)
    with people(store_url, "陈静", "李强") as (chen, li):
        for page in (chen, li):
            page.goto(f"{page.address}?queue={queue}")
            page.wait_for_selector("mark.focused")
            press(page, "A")
            page.wait_for_selector(".end")
            saved(page)
        assert list(counts(store)) == [ARTICLES[0].id]
        press(li, "u")
        li.wait_for_selector("mark.focused")
        saved(li)
        assert counts(store) == {}
        press(li, "x", "A")
        li.wait_for_selector(".end")
        saved(li)
        found = store.queue(queue)
        assert found and (found.reviewed, found.disputed) == (0, 1)


def test_a_name_is_rejected_in_all_articles_and_brought_back(
    store_url: str, store: ReviewStore
) -> None:
    queue = store.make_queue("三篇", "newest", {}, size=3, seed=1, made_by="陈")
    with people(store_url, "陈静") as (page,):
        page.goto(f"{page.address}?queue={queue}")
        page.wait_for_selector("mark.focused")
        page.click("p mark[data-label=BRAND] >> nth=0")
        press(page, "x")
        page.click("p mark[data-label=BRAND] >> nth=0")
        press(page, "S")
        page.wait_for_selector("#alike_reach:has-text('3 篇里的 8 处')")
        assert page.input_value("#alike_becomes") == ""  # as here: wrong
        page.select_option("#alike_scope", "store")
        page.wait_for_selector("#alike_reach:has-text('6 篇里的 17 处。另有 1 处已有人判定')")
        page.keyboard.press("Escape")
        assert brands(store) == {None: 17, WRONG: 1}
        press(page, "S")
        page.wait_for_selector("#alike_reach:has-text('3 篇里的 8 处')")  # the queue again
        page.select_option("#alike_scope", "store")
        page.wait_for_selector("#alike_reach:has-text('6 篇里的 17 处')")
        page.keyboard.press("Enter")
        page.wait_for_selector("#notice:has-text('17 处都这样判了')")
        assert brands(store) == {WRONG: 18}
        assert page.locator("mark[data-label=BRAND]:not([data-verdict=wrong])").count() == 0
        press(page, "u")
        page.wait_for_selector("#notice:has-text('已撤销 6 篇里的判定')")
        assert brands(store) == {None: 17, WRONG: 1}
        page.click("p mark[data-label=PER] >> nth=0")
        press(page, "3", "S")  # no person but an organisation, in this queue
        page.wait_for_selector("#alike_reach:has-text('2 篇里的 2 处')")
        assert page.input_value("#alike_becomes") == "ORG"
        page.keyboard.press("Enter")
        page.wait_for_selector("#notice:has-text('2 处都这样判了')")
        said = [
            (each.label, each.verdict)
            for id in (1, 2)
            for each in store.standing(f"jz-{id}").decisions
        ]
        assert said[-2:] == [("PER", WRONG), ("ORG", RIGHT)]


def test_an_article_of_no_queue_has_only_the_store_to_decide_in(
    store_url: str, store: ReviewStore
) -> None:
    queue = store.make_queue("三篇", "newest", {}, size=3, seed=1, made_by="陈")
    with people(store_url, "陈静") as (page,):
        for asked, choices in (("", ["store"]), (f"&queue={queue}", ["queue", "store"])):
            page.goto(f"{page.address}?id=jz-0{asked}")
            page.wait_for_selector("#progress:has-text('3')")  # the next article is fetched
            page.click("p mark[data-label=BRAND] >> nth=0")
            press(page, "S")
            page.wait_for_selector("#alike_reach:has-text('处')")
            assert page.input_value("#alike_scope") == choices[0]
            offered = page.locator("#alike_scope option:not([hidden]):not(:disabled)")
            assert offered.evaluate_all("all => all.map((each) => each.value)") == choices
            press(page, "Escape")


def brands(store: ReviewStore) -> dict[str | None, int]:
    """How many of the brand's places have which verdict."""
    found: dict[str | None, int] = {}
    for article in ARTICLES:
        last = {
            (each.start, each.label): each.verdict
            for each in store.standing(article.id).decisions
            if each.stands
        }
        for span in article.spans:
            if span.label == "BRAND":
                verdict = last.get((span.start, "BRAND"))
                found[verdict] = found.get(verdict, 0) + 1
    return found


def test_what_a_new_model_changed_is_a_queue_of_its_own(store_url: str, store: ReviewStore) -> None:
    again = [make(number, "李莉" if number == 4 else "") for number in range(6)]
    store.write_results(store.start_run(SECOND), again)
    with people(store_url, "陈静") as (page,):
        page.goto(f"{page.address}queues")
        assert page.is_hidden("[name=models] >> nth=0")
        page.fill("[name=name]", "变了的")
        page.select_option("[name=kind]", "differ")
        assert page.is_hidden("[name=seed]")
        assert page.input_value("[name=models] >> nth=1") == "news-1.0"
        page.click("form .main")
        page.click(".queues .name")
        page.wait_for_selector("mark.focused")
        assert page.inner_text("#text h1").startswith(make(4).title[:4])
        assert page.inner_text("#progress") == "0 / 1 篇"
    assert store.queues()[0].filters == {"models": "news-2.0 / news-1.0"}


def test_fingers_select_and_decide(store_url: str, store: ReviewStore) -> None:
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 800}}
    with people(store_url, "陈静", **phone) as (page,):
        page.goto(page.address)
        page.wait_for_selector("mark.focused")
        page.tap("#notice button")
        page.tap("p mark[data-label=PER] >> nth=0")
        page.tap("[data-do=reject]")
        page.evaluate(PLACE, "王小川")  # scrolls there
        page.wait_for_timeout(500)
        for at, selected in ((0.1, "王"), (0.9, "王小川")):
            place = page.evaluate(PLACE, "王小川")
            wide = place["right"] - place["left"]
            page.touchscreen.tap(place["left"] + at * wide, place["y"])
            page.wait_for_function(
                "(selected) => getSelection().toString() === selected", arg=selected
            )
        page.tap("#adder [data-value=PER]")
        assert page.inner_text("#surface") == "王小川"
        page.tap("[data-do=end_in]")
        assert page.inner_text("#surface") == "王小"
        page.tap("[data-do=undo]")
        page.tap("p mark[data-label=BRAND] >> nth=0")
        page.tap("[data-do=everywhere]")
        page.wait_for_selector("#alike_reach:has-text('处')")
        page.tap("#alike button:has-text('取消')")
        page.tap("[data-do=finish]")
        page.wait_for_function(
            "() => document.querySelector('#progress').innerText.startsWith('1 ')"
        )
        saved(page)
    [found] = counts(store).values()
    assert "王小川 PER" in found and "李莉 PER" not in found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_settling(scheme: str, tmp_path: Path) -> None:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    axe = (Path(package.__file__).parent / "axe.min.js").read_text()
    url = f"sqlite:///{tmp_path}/a.db"
    with ReviewStore(url, create=True) as store:
        list(store.add(ARTICLES))
        store.write_results(store.start_run(FIRST), ARTICLES)
        queue = store.make_queue("双审", "newest", {}, size=1, seed=1, made_by="陈", readers=2)
        with people(url, "陈静", "李强") as (chen, li):
            for page, keys in ((chen, "xA"), (li, "A")):
                page.goto(f"{page.address}?queue={queue}")
                page.wait_for_selector("mark.focused")
                press(page, *keys)
                page.wait_for_selector(".end")
                saved(page)
            li.emulate_media(color_scheme=scheme)
            for path, ready in (
                (f"settle?queue={queue}", "#choice:not([hidden])"),
                (f"figures?queue={queue}", "caption"),
                ("?id=jz-3", "mark.focused"),
            ):
                li.goto(f"{li.address}{path}")
                li.wait_for_selector(ready)
                if path.startswith("?"):
                    press(li, "S")
                    li.wait_for_selector("#alike_reach:has-text('处')")
                li.evaluate(axe)
                found = li.evaluate("() => axe.run().then((result) => result.violations)")
                assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], path
