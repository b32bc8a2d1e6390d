"""The register in the viewer: the list, the pages of a brand, an organisation and a place, and the API."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import PATIENCE
from test_brands import article
from test_improve import check_with_axe
from viewer import chromium, serving

from ner.brands.divisions import Part
from ner.review.treemap import treemap
from ner.store import Store
from ner.store.runs import ModelKey


def test_a_tree_map_gives_each_its_share_and_its_name_where_it_fits() -> None:
    counts = (60, 25, 10, 4, 1, 1)
    names = ["重庆市", "浙江省", "新疆维吾尔自治区", "青海省", "西藏自治区", "台湾省"]
    parts = [
        Part(str(n), name, name[:2], count, True)
        for n, (name, count) in enumerate(zip(names, counts))
    ]
    parts.append(Part("9", "澳门特别行政区", "澳门", 0, True))  # too small to be drawn
    cells = treemap(parts)
    assert [cell.part for cell in cells] == parts[:6]
    for cell in cells:
        left, top, width, height = cell.box
        assert width * height / 10_000 == pytest.approx(cell.count / 101)
        assert left >= 0 and top >= 0
        assert left + width < 100.001 and top + height < 100.001
    for one, other in itertools.combinations((cell.box for cell in cells), 2):
        across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
        down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
        assert min(across, down) < 0.001  # side by side
    assert [(cell.wide, cell.narrow) for cell in cells[:3]] == [
        ("重庆市", "重庆市"),
        ("浙江省", "浙江省"),
        ("新疆维吾尔自治区", "新疆"),
    ]
    assert (
        treemap([Part("1", "甲省", "甲", 199, True), Part("2", "乙省", "乙", 1, True)])[1].part
        is None
    )


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
    with urllib.request.urlopen(f"{address}{path}", timeout=PATIENCE) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_the_register_in_the_browser(address: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        problems: list[str] = []
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else 0)
        page.goto(f"{address}register?kind=place")
        assert page.locator(".treemap").count() == 0, "nothing is counted yet"
        page.goto(f"{address}register")
        assert "没有计入名录" in page.inner_text(".warning")
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
        page.wait_for_selector("text=名录里没有“没有”")
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

        page.goto(f"{address}register?kind=place")
        cells = page.locator(".treemap a")
        assert cells.evaluate_all("them => them.map(a => a.ariaLabel)") == ["重庆市 4"]
        check_with_axe(page)
        cells.first.click()
        page.wait_for_url("**key=50")
        assert cells.evaluate_all("them => them.map(a => a.ariaLabel)") == ["南岸区 1", "渝北区 1"]
        page.focus(".treemap a")
        page.keyboard.press("Enter")
        page.wait_for_url("**key=500108")
        assert page.inner_text("main > p a:nth-of-type(2)") == "重庆市"
        check_with_axe(page)

        page.goto(f"{address}entry?kind=brand&key={quote('一表通')}")
        page.click(".treemap text:text('重庆市')")
        page.wait_for_url("**within=50#where")
        page.click("text=列成表")
        rows = page.locator("#divisions tbody tr").all_inner_texts()
        assert [line.split() for line in rows] == [["南岸区", "1"], ["渝北区", "1"]]
        check_with_axe(page)
        page.click("#divisions >> text=南岸区")
        page.wait_for_url("**kind=place&key=500108")
        page.goto(f"{address}entry?kind=place&key=5001")  # only what is in it is named
        assert page.inner_text("h1") == "市辖区"

        page.goto(f"{address}register?kind=organisation")
        page.click("text=English")
        page.click("text=南岸区民政局")
        page.wait_for_selector("text=Articles by month")
        page.emulate_media(color_scheme="dark")
        check_with_axe(page)
        assert not problems


@pytest.mark.slow
def test_a_brand_is_split_by_place_in_the_browser(tmp_path: Path) -> None:
    articles = [
        article("a", "{重庆市}{南岸区}用<一表通>。"),
        article("b", "{浙江省}{杭州市}用<一表通>。"),
        article("c", "{宁波市}用<一表通平台>。"),
    ]
    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("news", "1", "0" * 64)), articles)
    with serving(url, "--reviewer", "陈静") as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}register")
        page.click("text=现在计入")
        page.wait_for_selector(".entries")
        page.click("text=一表通")
        page.select_option("select[name=by]", "33")
        page.click("form:has(select[name=by]) button")
        page.wait_for_selector("text=一表通 同名的另一个： 浙江省")
        assert page.locator("select[name=by]").count() == 0
        page.goto(f"{address}register")
        rows = page.locator(".entries tbody tr").all_inner_texts()
        assert [line.split() for line in rows] == [
            ["一表通", "平台", "2", "2025-03-18", "浙江省", "杭州市"],
            ["一表通", "其他", "1", "2025-03-18", "重庆市", "南岸区"],
        ]
        page.goto(f"{address}entry?kind=brand&key={quote('一表通')}")
        page.click("button:text('撤销')")
        page.wait_for_selector("text=已撤销")
        assert page.inner_text("dl.facts").split()[:4] == ["类型", "平台", "文章", "3"]


def test_the_register_for_programs(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(address, f"api/register/entry?kind=brand&key={quote('一表通')}")
    request = urllib.request.Request(f"{address}api/register/update", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=PATIENCE)
    request.add_header("x-csrf-token", get(address, "api/me")["csrf"])
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert json.load(answer) == {"left": 0}
    [first, *_] = get(address, "api/register?kind=brand")
    assert (first["name"], first["owner"], first["articles"]) == ("一表通", "南岸区民政局", 2)
    found = get(address, "api/register?kind=place&prefix=50")
    assert found[0]["key"] == "50"
    entry = get(address, f"api/register/entry?kind=brand&key={quote('一表通')}")
    assert entry["months"] == {"2025-03": 1, "2025-05": 1}
    assert entry["evidence"]["owner"][0]["start"] == 0
    assert get(address, "api/register?kind=brand&trend=dormant") == []
