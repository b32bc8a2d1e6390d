"""What spares a reviewer surprises: the place in a long article, phones, accounts that only look, reasons."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import argon2
import pytest
from conftest import PATIENCE
from viewer import chromium, clean_tab, drag_over, saved, serving

from ner.article import Article, Span
from ner.review.refusals import refusal
from ner.store import Account, ModelKey, ReviewStore

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests"
LINE = "第{}段：陈建国在南岸区政府门口说，渝快码今年上线，大家都方便。"
PRESS = "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', key))"
CAPS = {"key": "A", "code": "KeyA", "modifierCapsLock": True, "bubbles": True}
EMPTY = Article("empty", "今天天气很好。")


def make(number: int) -> Article:
    text = "\n".join([f"长文{number}", *(LINE.format(line) for line in range(80))])
    names = (("陈建国", "PER"), ("南岸区政府", "ORG"), ("渝快码", "BRAND"))
    spans = [
        Span(found.start(), found.end(), label, 0.9)
        for name, label in names
        for found in re.finditer(name, text)
    ]
    return Article(
        f"long-{number}", text, f"长文{number}", 4, paper="江州日报", spans=tuple(sorted(spans))
    )


ARTICLES = [*map(make, range(5)), EMPTY]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewStore]:
    with ReviewStore(f"sqlite:///{tmp_path_factory.mktemp('ease')}/a.db", create=True) as opened:
        list(opened.add(ARTICLES))
        opened.write_results(opened.start_run(ModelKey("news", "1.0", "a" * 64)), ARTICLES)
        opened.put_account(Account("王读", "reader", argon2.PasswordHasher().hash(PASSWORD)))
        yield opened


@pytest.fixture(scope="module")
def address(store: ReviewStore) -> Iterator[str]:
    with serving(str(store._engine.url), "--reviewer", "陈静") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as context:
        yield context


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with clean_tab(browser) as found:
        yield found


def show(page: Any, address: str, number: int) -> Article:
    page.goto(f"{address}?id=long-{number}")
    page.wait_for_selector("mark.focused")
    return ARTICLES[number]


def test_undo_leads_to_what_it_takes_back(page: Any, address: str) -> None:
    article = show(page, address, 0)
    [*places] = re.finditer("渝快码", article.text)
    start, end = places[70].span()
    mark = page.locator(f'mark[data-key="{start}:{end}:BRAND"]')
    mark.click()
    page.keyboard.press("x")
    saved(page)
    assert page.inner_text("#surface") == "陈建国"  # the next one
    page.click("mark.focused >> nth=0")
    page.keyboard.press("u")
    page.wait_for_selector("#notice:has-text('已撤销')")
    assert page.locator("mark.focused").get_attribute("data-key") == f"{start}:{end}:BRAND"
    assert mark.evaluate("mark => mark.getBoundingClientRect().top") > 0, "it is on the screen"
    assert mark.get_attribute("data-verdict") == "open"


def keys_of_brand(article: Article) -> list[str]:
    return [f"{at.start()}:{at.end()}:BRAND" for at in re.finditer("渝快码", article.text)]


def undone(page: Any) -> str:
    """The key of what is in focus after an undo."""
    page.evaluate("document.querySelector('#notice').replaceChildren()")
    page.keyboard.press("u")
    page.wait_for_selector("#notice:has-text('已撤销')")
    return str(page.locator("mark.focused").get_attribute("data-key"))


def test_undo_again_leads_to_what_was_before_it_also_from_another_article(
    page: Any, address: str
) -> None:
    article = show(page, address, 2)
    later, earlier = keys_of_brand(article)[60], keys_of_brand(article)[10]
    for key in (later, earlier):
        page.click(f'mark[data-key="{key}"]')
        page.keyboard.press("x")
    saved(page)
    assert [undone(page), undone(page)] == [earlier, later]
    page.click(f'mark[data-key="{later}"]')
    page.keyboard.press("x")
    saved(page)
    show(page, address, 3)
    assert undone(page) == later


def test_undo_of_what_was_not_sent_yet_leads_there_too(
    page: Any, address: str, browser: Any
) -> None:
    article = show(page, address, 2)
    key = keys_of_brand(article)[50]
    browser.set_offline(True)
    try:
        page.click(f'mark[data-key="{key}"]')
        page.keyboard.press("x")
        page.wait_for_selector("#saved[data-state=offline]")
        assert undone(page) == key
    finally:
        browser.set_offline(False)


def test_undo_of_a_name_that_was_added_leads_to_where_it_was(page: Any, address: str) -> None:
    show(page, address, 0)
    drag_over(page, "第75段")
    page.keyboard.press("2")
    saved(page)
    page.keyboard.press("u")
    page.wait_for_selector("#notice:has-text('已撤销')")
    found = page.locator("mark.focused").locator("xpath=ancestor::p").inner_text()
    assert found.startswith("第75段"), found


def test_a_decision_changes_its_mark_and_leaves_the_paragraph(page: Any, address: str) -> None:
    show(page, address, 1)
    mark = page.query_selector("mark.focused")
    page.keyboard.press("a")
    assert mark.get_attribute("data-verdict") == "right"
    assert mark.evaluate("mark => mark.isConnected"), "the text was not drawn anew"


def test_what_a_boundary_crosses_is_said(page: Any, address: str) -> None:
    article = show(page, address, 2)
    drag_over(page, "门口")
    page.keyboard.press("2")
    assert page.is_hidden("#notice") or "交叉" not in page.inner_text("#notice")
    page.keyboard.press("BracketLeft")
    assert page.inner_text("#notice") == "与它交叉的「南岸区政府」因此判为错；撤销按 u"
    saved(page)
    page.keyboard.press("u")
    page.wait_for_selector("#notice:has-text('已撤销')")
    start = article.text.index("南岸区政府")
    mark = page.locator(f'mark[data-key="{start}:{start + 5}:ORG"]')
    assert mark.get_attribute("data-verdict") == "open"


def test_what_crosses_is_not_drawn_nor_called_the_same(page: Any, address: str) -> None:
    show(page, address, 3)
    script = """async () => {
        const { alike, drawn } = await import('/static/spans.js');
        const { Points } = await import('/static/offsets.js');
        const span = (start, end, label, verdict) => ({ start, end, label, verdict, score: 0.9 });
        const open = [span(0, 4, 'ORG', 'open'), span(3, 6, 'PER', 'open'), span(4, 7, 'LOC', 'open')];
        const body = span(5, 9, 'ORG', 'right');
        const place = span(0, 3, 'LOC', 'right');
        const points = new Points('渝北区和渝北区政府，渝北区');
        return [drawn(open), alike(place, [place, body], points)].map((all) => all.map((each) => each.start));
    }"""
    assert page.evaluate(script) == [[0, 4], [10]]


def test_every_button_shows_its_key_and_an_empty_article_says_so(page: Any, address: str) -> None:
    show(page, address, 1)
    assert re.fullmatch(r"本文其余 \d+ 处也这样 s", page.inner_text("#same"))
    page.goto(f"{address}?id=empty")
    page.wait_for_selector("#text p")
    assert page.inner_text("#left") == "没有标出名称：有漏的就补标，没有就按 A 完成"


def test_with_caps_lock_a_finishes_nothing(page: Any, address: str, store: ReviewStore) -> None:
    article = show(page, address, 4)
    assert page.inner_text("#history") == "还没有人判定"
    page.evaluate(PRESS, CAPS)
    saved(page)
    assert page.inner_text("#left") == f"还有 {len(article.spans) - 1} 处未定"
    assert not store.standing(article.id).reviews
    page.evaluate(PRESS, {**CAPS, "shiftKey": True})
    page.wait_for_url(lambda url: article.id not in url)
    saved(page)
    assert [each.reviewer for each in store.standing(article.id).reviews] == ["陈静"]


def test_another_sample_is_offered_with_another_seed(page: Any, address: str) -> None:
    page.goto(f"{address}queues")
    first = page.input_value("[name=seed]")
    assert page.locator("#papers option").evaluate_all("all => all.map((each) => each.value)") == [
        "江州日报"
    ]
    page.fill("[name=name]", "又一批")
    page.click("form .main")
    page.wait_for_selector("text=又一批")
    page.goto(f"{address}queues")
    assert int(page.input_value("[name=seed]")) == int(first) + 1


def test_why_something_is_refused_is_said_in_the_language_of_the_page(
    page: Any, address: str
) -> None:
    for language, reason in (
        ("zh", "没有成功：没有符合这些条件的文章"),
        ("en", "Failed: no article matches (tag the store first, or ask for less)"),
    ):
        page.goto(f"{address}language/{language}")
        page.goto(f"{address}queues")
        page.fill("[name=name]", "没有的报")
        page.fill("[name=paper]", "没有的报")
        page.click("form .main")
        page.wait_for_selector(".grid .failed:not(:empty)")
        assert page.inner_text(".grid .failed") == reason
    page.goto(f"{address}language/zh")


def test_what_is_refused_has_a_translation() -> None:
    said = "article a: span 3:5 LOC crosses 4:6 ORG, which was decided to be right (decide first)"
    assert refusal(said, "zh") == "会与已判为对的名称交叉，先把那个判为错"
    assert refusal("wait 16 seconds", "zh") == "输错太多次，请等 16 秒再试"
    assert refusal("wait 16 seconds", "en") == refusal("wait 16 seconds", "") == "wait 16 seconds"
    assert refusal("something new", "zh") == "something new"


def test_who_may_only_look_is_offered_nothing_else(page: Any, store: ReviewStore) -> None:
    with serving(str(store._engine.url), "--login") as address:
        page.goto(address)
        page.fill("[name=name]", "王读")
        page.fill("[name=password]", "wrong")
        page.click("main button")
        page.wait_for_selector("text=没有成功：姓名或密码不对")
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_selector("text=您的账号可以看，不能判定")
        assert page.is_hidden("#notice") and page.is_hidden(".keys")
        page.goto(f"{address}?id=long-3")
        page.wait_for_selector("mark.focused")
        assert page.inner_text("#surface") == "陈建国"
        assert page.locator("button:visible").all_inner_texts() == ["退出"]
        for key in ("a", "x", "2", "BracketLeft", "s", "S", "A", "u"):
            page.keyboard.press(key)
        assert page.inner_text("#verdict").startswith("未定") and page.is_hidden("#notice")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#surface") == "南岸区政府"
        page.goto(f"{address}queues")
        assert "开始" not in page.inner_text("main")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_no_page_is_wider_than_it_and_hints_are_for_fingers(
    page: Any, address: str, language: str
) -> None:
    by_key, by_finger = {"zh": ("按 a", "先点第一个字"), "en": ("Press a", "Tap a name")}[language]
    page.goto(f"{address}language/{language}")
    show(page, address, 3)
    assert by_key in page.inner_text("#notice")
    phone = page.context.new_cdp_session(page)
    phone.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    phone.send("Emulation.setDeviceMetricsOverride", size)
    show(page, address, 3)
    assert by_finger in page.inner_text("#notice")
    for path in ("?id=long-3", "queues", "figures", "names", "register", "improve"):
        page.goto(f"{address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
    page.goto(f"{address}names?name=渝快码")
    [hit, source] = [
        page.locator(f".kwic {each} >> nth=0").bounding_box() for each in ("mark", "a")
    ]
    assert all(each["x"] >= 0 and each["x"] + each["width"] <= 390 for each in (hit, source))
    page.goto(f"{address}language/zh")


def test_counting_for_the_register_goes_on_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="the extra review is not installed")
    from fastapi.testclient import TestClient

    from ner.review import Settings, create_app, register

    monkeypatch.setattr("ner.review.api._PATIENCE", 0.0)
    may_go_on = threading.Event()
    update = register.update

    def held(*arguments: Any) -> Iterator[tuple[int, int]]:
        for done in update(*arguments):
            may_go_on.wait(PATIENCE)
            yield done

    monkeypatch.setattr(register, "update", held)
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(ARTICLES))
        store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), ARTICLES)
        client = TestClient(create_app(store, Settings("陈静")))
        assert f"还有 {len(ARTICLES)} 项新的标注和判定没有计入名录" in client.get("/register").text
        token = {"x-csrf-token": client.get("/api/me").json()["csrf"]}
        begun = client.post("/api/register/update", json={}, headers=token)
        assert begun.status_code == 202 and begun.json()["running"], begun.text
        again = client.post("/api/register/update", json={}, headers=token)
        assert (again.status_code, again.json()["detail"]) == (409, "the register is being counted")
        assert 'data-progress="/api/register/update"' in client.get("/register").text
        may_go_on.set()
        while (progress := client.get("/api/register/update").json())["running"]:
            pass
        assert not progress["failed"]
        assert "渝快码" in client.get("/register").text
        assert "没有计入名录" not in client.get("/register").text
