"""The register in the viewer: the list, the pages of a brand, an organisation and a place, and the API."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from test_brands import article
from test_improve import check_with_axe
from viewer import chromium, serving

from ner.store import Store
from ner.store.runs import ModelKey


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A viewer of a store whose register nobody has brought up to date."""
    articles = [
        article("a", "[南岸区民政局]推出“<一表通>”平台。{重庆市}{南岸区}用它。", paper="重庆日报"),
        article("b", "<一表通>与<夜归灯>在{重庆市}{渝北区}。", "2025-05-01", "重庆晚报"),
        article("c", "<script>x</script><报表通>。".replace("<script>x</script>", "＜b＞"), ""),
    ]
    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("news", "1", "0" * 64)), articles)
    with serving(url, "--reviewer", "陈静") as found:
        yield found


def get(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}{path}", timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_the_register_in_the_browser(address: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        problems: list[str] = []
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else 0)
        page.goto(f"{address}register")
        assert "处变化没有计入" in page.inner_text(".warning")
        page.click("text=现在计入")
        page.wait_for_selector(".entries")
        names = page.locator(".entries tbody th").all_inner_texts()
        assert names == ["一表通", "夜归灯", "报表通"]
        check_with_axe(page)

        page.click("text=一表通")
        page.wait_for_selector(".timeline")
        assert page.inner_text("dl.facts").split()[:4] == ["类型", "平台", "文章", "2"]
        bars = page.locator(".timeline rect title").all_text_contents()
        assert bars == ["2025-03: 1", "2025-05: 1"]
        owner = page.locator(".evidence").first
        assert owner.locator("mark.entry").inner_text() == "一表通"
        assert owner.locator("mark.other").inner_text() == "南岸区民政局"
        check_with_axe(page)
        page.fill("input[name=into]", "没有")
        page.click("button:text('合并')")
        page.wait_for_selector("text=没有 is not in the register")
        problems.clear()  # the browser tells of a refused request
        page.fill("input[name=into]", "报表通")
        page.click("button:text('合并')")
        page.wait_for_selector("text=一表通 并入 报表通")
        page.goto(f"{address}register?name={quote('报')}")
        assert "3" in page.inner_text(".entries tbody tr")
        page.goto(f"{address}entry?kind=brand&key={quote('报表通')}")
        page.click("button:text('撤销')")
        page.wait_for_selector("text=已撤销")
        assert page.locator(".forms span").all_inner_texts() == ["报表通 ×1"]

        page.goto(f"{address}entry?kind=place&key=50")
        inside = page.locator("table.bars").last.locator("tr").all_inner_texts()
        assert [line.split() for line in inside] == [["渝北区", "1"], ["南岸区", "1"]] or [
            line.split() for line in inside
        ] == [["南岸区", "1"], ["渝北区", "1"]]
        page.click("table.bars >> text=南岸区")
        page.wait_for_url("**key=500108")
        assert page.inner_text("main > p a:nth-of-type(2)") == "重庆市"
        check_with_axe(page)

        page.goto(f"{address}register?kind=organisation")
        page.click("text=English")
        page.click("text=南岸区民政局")
        page.wait_for_selector("text=Articles by month")
        page.emulate_media(color_scheme="dark")
        check_with_axe(page)
        assert not problems


def test_the_register_for_programs(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(address, f"api/register/entry?kind=brand&key={quote('一表通')}")
    request = urllib.request.Request(f"{address}api/register/update", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=60)
    request.add_header("x-csrf-token", get(address, "api/me")["csrf"])
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer) == {"left": 0}
    [first, *_] = get(address, "api/register?kind=brand")
    assert (first["name"], first["owner"], first["articles"]) == ("一表通", "南岸区民政局", 2)
    found = get(address, "api/register?kind=place&prefix=50")
    assert found[0]["key"] == "50"
    entry = get(address, f"api/register/entry?kind=brand&key={quote('一表通')}")
    assert entry["months"] == {"2025-03": 1, "2025-05": 1}
    assert entry["evidence"]["owner"][0]["start"] == 0
    assert get(address, "api/register?kind=brand&trend=dormant") == []
