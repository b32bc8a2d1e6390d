"""A reviewer's work in a real browser, on a real server; what is stored at the end."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from viewer import chromium, clean_tab, drag_over, saved, serving

from ner.article import Article, Span
from ner.store import RIGHT, WRONG, Action, Change, ModelKey, ReviewStore, Said

pytestmark = pytest.mark.slow

TITLE = "“渝快码”走进南岸区人民医院"
BODY = (
    "退休教师𬭎文清😀用手机打开渝快码挂号。\n"
    "副院长李䶮介绍，渝快码由南岸区政府开发，渝快码今年上线。\n"
    "柳河县卫健局局长王小川说，<script>alert(1)</script><b>全县</b>都能用。"
)
NAMES = [
    ("南岸区人民医院", "ORG", 0.97),
    ("南岸区", "LOC", 0.91),
    ("渝快码", "BRAND", 0.88),
    ("李䶮", "PER", 0.55),
    ("柳河县卫健局", "ORG", 0.9),
]


def make(number: int) -> Article:
    title = f"{TITLE}{number}"
    text = f"{title}\n{BODY}"
    spans = [
        Span(found.start(), found.end(), label, score)
        for name, label, score in NAMES
        for found in re.finditer(name, text)
    ]
    fields = {"paper": "江州日报<img src=x onerror=alert(2)>", "page": "3"}
    return Article(
        f"jz/{number}?&#", text, title, len(title) + 1, spans=tuple(sorted(spans)), **fields
    )


ARTICLES = [make(number) for number in range(10)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewStore]:
    with ReviewStore(f"sqlite:///{tmp_path_factory.mktemp('viewer')}/a.db", create=True) as opened:
        list(opened.add(ARTICLES))
        opened.write_results(opened.start_run(ModelKey("news", "1.0", "a" * 64)), ARTICLES)
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as context:
        yield context


@pytest.fixture(scope="module")
def address(store: ReviewStore, browser: Any) -> Iterator[str]:
    with serving(str(store._engine.url), "--reviewer", "陈静") as found:
        yield found


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with clean_tab(browser) as found:
        yield found


def show(page: Any, address: str, number: int) -> Article:
    article = ARTICLES[number]
    page.goto(f"{address}?id={quote(article.id, safe='')}")
    page.wait_for_selector("mark.focused")
    return article


def said(store: ReviewStore, article: Article) -> dict[str, str]:
    """What stands: each string with its label, and its last verdict."""
    return {
        f"{article.text[each.start : each.end]} {each.label} {each.start}": each.verdict
        for each in store.standing(article.id).decisions
        if each.stands
    }


def key(article: Article, name: str, label: str, nth: int = 0) -> str:
    at = [found.start() for found in re.finditer(name, article.text)][nth]
    return f"{name} {label} {at}"


def press(page: Any, *keys: str) -> None:
    for each in keys:
        page.keyboard.press(each)


def focused(page: Any) -> str:
    return str(page.inner_text("#surface"))


def test_an_article_is_cleared_by_keys_alone_and_brought_back(
    page: Any, address: str, store: ReviewStore
) -> None:
    page.goto(address)  # the first time: a sample is drawn, and the page says what to press
    page.wait_for_selector("mark.focused")
    assert "按 a 表示对" in page.inner_text("#notice")
    assert page.inner_text("#progress") == "0 / 10 篇"
    title = page.inner_text("#text h1")
    [article] = [each for each in ARTICLES if each.title[-1] in title.splitlines()[0][-3:]]
    assert focused(page) == "渝快码"
    press(page, "a", "x")  # the first brand is right, the first hospital wrong
    assert focused(page) == "南岸区"
    press(page, "A")
    page.wait_for_function("() => document.querySelector('#progress').innerText.startsWith('1 ')")
    assert page.inner_text("#text h1") != title
    saved(page)
    found = said(store, article)
    assert found[key(article, "南岸区人民医院", "ORG")] == WRONG
    assert sorted(found.values()).count(RIGHT) == len(article.spans) - 1
    assert [each.reviewer for each in store.standing(article.id).reviews] == ["陈静"]
    press(page, "u")
    page.wait_for_selector("mark[data-verdict=wrong]")  # the article that was finished
    saved(page)
    assert not store.standing(article.id).reviews and len(said(store, article)) == 2
    press(page, "u", "u")
    page.wait_for_selector("mark:not([data-verdict=open])", state="detached")
    assert said(store, article) == {}


def test_labels_and_boundaries_are_changed_and_a_name_added(
    page: Any, address: str, store: ReviewStore
) -> None:
    article = show(page, address, 1)
    page.click("mark[data-label=PER]")
    assert focused(page) == "李䶮"
    press(page, "4")
    assert page.get_attribute("mark.focused", "data-label") == "BRAND"
    press(page, "1", "Shift+BracketLeft", "BracketLeft", "BracketRight")
    assert focused(page) == "李䶮介"
    press(page, "Shift+BracketRight")
    drag_over(page, "文清")
    page.click("#adder [data-value=PER]")
    assert focused(page) == "文清"
    press(page, "BracketLeft")  # a rare ideograph is one character, though two units in JavaScript
    assert focused(page) == "𬭎文清"
    saved(page)
    found = said(store, article)
    assert found[key(article, "𬭎文清", "PER")] == RIGHT
    assert found[key(article, "文清", "PER")] == WRONG
    assert found[key(article, "李䶮", "PER")] == RIGHT
    assert found[key(article, "李䶮", "BRAND")] == WRONG


def test_a_name_is_added_without_a_mouse(page: Any, address: str, store: ReviewStore) -> None:
    article = show(page, address, 2)
    page.click("mark[data-label=ORG] >> nth=-1")
    assert focused(page) == "柳河县卫健局"
    press(page, "i", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "1")
    assert focused(page) == "王小川"
    saved(page)
    assert said(store, article) == {key(article, "王小川", "PER"): RIGHT}


def test_nested_names_are_all_reached(page: Any, address: str) -> None:
    show(page, address, 3)
    inner = page.locator("h1 mark[data-label=LOC]")
    inner.click()
    assert focused(page) == "南岸区"
    inner.click()
    assert focused(page) == "南岸区人民医院"
    press(page, "ArrowRight")
    assert focused(page) == "南岸区"
    assert page.get_attribute("h1 mark[data-label=ORG]", "data-levels") == "1"
    assert page.get_attribute("mark[data-label=PER]", "data-chip") == "人?"  # a low score


def test_one_decision_for_all_that_are_alike(page: Any, address: str, store: ReviewStore) -> None:
    article = show(page, address, 4)
    press(page, "x", "ArrowLeft")
    page.click("h1 mark[data-label=BRAND]")
    press(page, "s")
    saved(page)
    brands = [place for place in said(store, article) if "BRAND" in place]
    assert len(brands) == 4 and set(said(store, article).values()) == {WRONG}
    press(page, "u")
    page.wait_for_function(
        "() => document.querySelectorAll('mark[data-verdict=wrong]').length === 1"
    )
    drag_over(page, "用手机")
    press(page, "3", "s")
    assert page.is_hidden("#same")


def test_without_a_connection_nothing_is_lost(
    page: Any, address: str, store: ReviewStore, browser: Any
) -> None:
    article = show(page, address, 5)
    page.wait_for_load_state("networkidle")
    browser.set_offline(True)
    try:
        press(page, "a", "x", "a")
        page.wait_for_selector("#saved[data-state=offline]")
        assert "3 个决定留在本机" in page.inner_text("#saved")
        press(page, "u")  # not sent yet: taken back here
        assert "2 个决定留在本机" in page.inner_text("#saved")
        assert said(store, article) == {}
        page.close()  # not even with the window
    finally:
        browser.set_offline(False)
    again = browser.new_page()
    show(again, address, 5)
    saved(again)
    again.close()
    assert sorted(said(store, article).values()) == [RIGHT, WRONG]


def test_what_a_colleague_decides_meanwhile_is_shown(
    page: Any, address: str, store: ReviewStore
) -> None:
    article = show(page, address, 6)
    brand = min(span for span in article.spans if span.label == "BRAND")
    action = Action("theirs-000", [Change(brand, WRONG)])
    store.act(article.id, article.text_hash, action, Said("李强", "web"))
    press(page, "a")
    page.wait_for_selector("#notice:has-text('李强')")
    assert "李强 刚才判定「渝快码」错，与您不同" in page.inner_text("#notice")
    assert page.get_attribute("h1 mark[data-label=BRAND]", "data-verdict") == "wrong"
    page.click("text=仍按我的")
    saved(page)
    found = [(each.reviewer, each.verdict) for each in store.standing(article.id).decisions]
    assert found == [("李强", WRONG), ("陈静", RIGHT)]


def test_what_is_loaded_late_hides_no_newer_decision(
    page: Any, address: str, store: ReviewStore
) -> None:
    article = show(page, address, 7)
    press(page, "a")
    saved(page)
    page.wait_for_load_state("networkidle")
    late: list[tuple[Any, Any]] = []
    page.route("**/api/article?*", lambda route: late.append((route, route.fetch())), times=1)
    press(page, "u")
    while not late:  # the article as it is after undoing, on its way
        page.wait_for_timeout(20)
    press(page, "x")
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.match(/^ner .* 0/))")
    [(route, response)] = late
    route.fulfill(response=response)
    page.wait_for_selector("#notice:has-text('已撤销')")
    assert page.locator("mark[data-verdict=wrong]").count() == 1
    assert list(said(store, article).values()) == [WRONG]
    press(page, "u")
    saved(page)


def test_a_span_that_crosses_a_decided_one_is_refused_with_the_reason(
    page: Any, address: str, store: ReviewStore
) -> None:
    article = show(page, address, 7)
    page.click("mark[data-label=PER]")
    press(page, "a")
    page.click("mark[data-label=PER]")
    page.evaluate(
        "() => { const mark = document.querySelector('mark[data-label=PER]');"
        " getSelection().setBaseAndExtent(mark.previousSibling, mark.previousSibling.length - 1,"
        " mark.firstChild, 1) }"
    )
    press(page, "1")
    assert "交叉" in page.inner_text("#notice")
    saved(page)
    assert said(store, article) == {key(article, "李䶮", "PER"): RIGHT}


def test_what_an_article_holds_is_text_and_never_runs(page: Any, address: str) -> None:
    show(page, address, 8)
    assert "<script>alert(1)</script><b>全县</b>" in page.inner_text("#text")
    assert "onerror=alert(2)" in page.inner_text("#place")
    assert page.locator("#text script, #place img").count() == 0


def test_the_page_speaks_english_too(page: Any, address: str) -> None:
    show(page, address, 9)
    page.click("text=English")
    page.wait_for_selector("mark.focused")
    assert page.inner_text("[data-do=accept]").startswith("Right")
    assert page.get_attribute("html", "lang") == "en"
    page.click("text=中文")
    page.wait_for_selector("mark.focused")
    press(page, "?")
    assert "其余都对，完成本篇" in page.inner_text("dialog")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_out(page: Any, address: str, scheme: str) -> None:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    axe = (Path(package.__file__).parent / "axe.min.js").read_text()
    page.emulate_media(color_scheme=scheme)
    for path in ("", "queues", "figures", "names?name=南岸区"):
        page.goto(f"{address}{path}")
        if not path:
            page.wait_for_selector("mark.focused")
            press(page, "a", "x")
        page.evaluate(axe)
        found = page.evaluate("() => axe.run().then((result) => result.violations)")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], path


def test_the_browsers_back_leads_to_the_article_before(
    page: Any, address: str, store: ReviewStore
) -> None:
    queue = store.make_queue("后退", "newest", {}, size=3, seed=1, made_by="陈静")
    page.goto(f"{address}?queue={queue}")
    page.wait_for_selector("mark.focused")
    first = page.inner_text("#text h1")
    is_first = "(first) => document.querySelector('#text h1')?.innerText === first"
    press(page, "n")
    page.wait_for_function(f"(first) => !({is_first})(first)", arg=first)
    page.go_back()
    page.wait_for_function(is_first, arg=first)


def test_two_tabs_show_what_either_decides(
    page: Any, address: str, browser: Any, store: ReviewStore
) -> None:
    show(page, address, 9)
    other = browser.new_page()
    show(other, address, 9)
    press(other, "a")
    page.wait_for_selector("mark[data-verdict=right]")
    press(other, "u")
    page.wait_for_selector("mark[data-verdict=right]", state="detached")
    other.close()


def test_of_a_queue_that_is_done_the_page_says_so(
    page: Any, address: str, store: ReviewStore
) -> None:
    queue = store.make_queue("一篇", "newest", {}, size=1, seed=1, made_by="陈静")
    page.goto(f"{address}?queue={queue}")
    page.wait_for_selector("mark.focused")
    press(page, "A")
    page.wait_for_selector(".end:has-text('这个任务审完了')")
    page.click("[data-do=finish]")  # of no article: nothing happens
    press(page, "u")
    page.wait_for_selector("mark.focused")
    saved(page)
    assert store.queues()[0].reviewed == 0
    page.goto(f"{address}?queue=99")
    page.wait_for_selector(".end:has-text('没有这个任务')")


def test_a_queue_is_made_on_its_page(page: Any, address: str, store: ReviewStore) -> None:
    page.goto(f"{address}queues")
    page.fill("[name=name]", "只看没把握的")
    page.select_option("[name=kind]", "uncertain")
    page.fill("[name=size]", "3")
    page.click("form .main")
    page.click("text=只看没把握的")
    page.wait_for_selector("mark.focused")
    assert page.inner_text("#queue") == "只看没把握的"
    assert store.queues()[0].size == 3


def test_a_name_is_found_in_every_article_and_leads_to_it(page: Any, address: str) -> None:
    page.goto(f"{address}names")
    page.fill("[name=name]", "柳河")
    page.keyboard.press("Enter")
    page.click("text=柳河县卫健局")
    page.wait_for_selector(".kwic tr")
    assert page.locator(".kwic tr").count() == len(ARTICLES)
    first = page.inner_text(".kwic tr >> nth=0")
    assert first.split("\t")[:3] == ["", "柳河县卫健局", "局长王小川说，<script>alert(1)</s"[:22]]
    page.click(".kwic a >> nth=0")
    page.wait_for_selector("mark.focused")
    assert "走进南岸区人民医院" in page.title()


def test_what_the_model_missed_is_found_by_the_text(page: Any, address: str) -> None:
    page.goto(f"{address}names?name={quote('全县')}")  # no model marks it
    assert page.locator("h2", has_text="未标为名称").count() == 1
    assert page.locator(".kwic tr").count() == len(ARTICLES)
    assert (
        page.inner_text(".kwic .hit >> nth=0") == "全县" and not page.locator(".kwic mark").count()
    )
    page.goto(f"{address}names?name={quote('柳河县卫健局')}")  # marked wherever it stands
    assert not page.locator("h2", has_text="未标为名称").count()


def test_the_figures_count_what_was_decided(page: Any, address: str, store: ReviewStore) -> None:
    article = ARTICLES[0]
    right = [Change(span, RIGHT if span.label != "LOC" else WRONG) for span in article.spans]
    queue = store.make_queue("样本", "random", {}, size=10, seed=3, made_by="陈静")
    store.act(
        article.id, article.text_hash, Action("figures-00", right, 10**9, True), Said("李", "web")
    )
    page.goto(f"{address}figures?queue={queue}")
    read = page.inner_text(".about + p")
    assert read.strip().endswith("/ 10 篇")
    row = page.inner_text("table.figures >> nth=0 >> tr[data-label=LOC]")
    assert row.split()[:2] == ["地名", "0.0%"]
