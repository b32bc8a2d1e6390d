"""The register of brands: forms, kinds, times, owners and places; and the command."""

import datetime
import json

import pytest
from typer.testing import CliRunner

from ner.article import Article, Span
from ner.brands import Register
from ner.brands.bodies import full_names
from ner.brands.forms import form_at
from ner.cli import app
from ner.places import Linker, shipped
from ner.store import Store
from ner.store.runs import ModelKey

MARKS = {"<": "BRAND", "[": "ORG", "{": "LOC"}


def article(id: str, marked: str, date: str = "2025-03-18") -> Article:
    """An article with spans in <brand>, [organisation] and {place}."""
    text, spans, open_at = "", [], []
    for character in marked:
        if character in MARKS:
            open_at.append((len(text), MARKS[character]))
        elif character in ">]}":
            start, label = open_at.pop()
            spans.append(Span(start, len(text), label, 0.9))
        else:
            text += character
    day = datetime.date.fromisoformat(date) if date else None
    return Article(id, text, date=day, spans=tuple(sorted(spans)))


def rows(*articles: Article) -> list[dict]:
    register = Register()
    for one in articles:
        register.add(one)
    return list(register.rows(Linker(shipped())))


@pytest.mark.parametrize(
    ("text", "brand", "variant", "kind"),
    [
        ("用“一表通”填表", "一表通", "“一表通”", ""),
        ("用一表通填表", "一表通", "一表通", ""),
        ("上线“一表通”智能报表组件。", "一表通", "“一表通”智能报表组件", "platform"),
        ("上线“一表通”的平台", "一表通", "“一表通”", ""),
        ("开展「清河」专项行动", "清河", "「清河」专项行动", "campaign"),
        ("发放青苗贷", "青苗贷", "青苗贷", "fund"),
        ("登录渝快办平台", "渝快办", "渝快办", "platform"),
        ("用‘一表通”填表", "一表通", "一表通", ""),
        ("“一表通”", "“一表通”", "“一表通”", ""),
    ],
)
def test_a_form_is_quotation_marks_name_and_noun(
    text: str, brand: str, variant: str, kind: str
) -> None:
    start = text.index(brand)
    form = form_at(text, start, start + len(brand))
    assert (form.variant, form.kind) == (variant, kind)


def test_forms_of_a_name_are_one_brand_with_its_first_and_last_day() -> None:
    [row] = rows(
        article("a", "“<一表通>”智能报表组件上线。<一表通>真省事。", "2025-03-18"),
        article("b", "“<一表通>”用上了。", "2025-01-02"),
        article("c", "<一表通>。", ""),
    )
    assert list(row) == [
        *("name", "variants", "kind", "first", "last", "articles", "mentions", "owner", "place")
    ]
    assert row["name"] == "一表通"
    assert row["variants"] == ["一表通", "“一表通”", "“一表通”智能报表组件"]
    assert (row["first"], row["last"]) == ("2025-01-02", "2025-03-18")
    assert (row["articles"], row["mentions"], row["kind"]) == (3, 4, "platform")
    assert row["owner"] is row["place"] is None


def test_with_and_without_the_noun_or_shortened_is_one_brand() -> None:
    found = rows(
        article("a", "“<渝快办>”和<渝快办平台>。"),
        article("b", "<红岩先锋变形记>，<变形记>，<变形>。"),
        article("c", "<夜归灯>，<红岩先锋变形记>。<灯>。"),
        article("d", "<夜归>。"),
    )
    names = [row["name"] for row in found]
    assert sorted(names) == sorted(["渝快办", "红岩先锋变形记", "夜归灯", "夜归", "灯"])
    assert {row["name"]: row["mentions"] for row in found}["红岩先锋变形记"] == 4


def test_the_owner_stands_before_it_in_the_sentence() -> None:
    common = "。[县政府]开会。"
    found = rows(
        article("a", f"[南岸区民政局]推出“<一表通>”{common}"),
        article("b", f"“<一表通>”由[南岸区民政局]推出{common}"),
        article("c", f"“<清河>”行动{common}"),
    )
    assert {row["name"]: row["owner"] for row in found} == {"一表通": "南岸区民政局", "清河": None}


def test_an_owner_is_told_by_its_full_name() -> None:
    [row] = rows(article("a", "[中共重庆市委社会工作部]发文。[市委社会工作部]推出“<一表通>”。"))
    assert row["owner"] == "中共重庆市委社会工作部"


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("市委社会工作部", "中共重庆市委社会工作部"),
        ("市法院", "恩施市人民法院"),
        ("市卫健委", "重庆市卫生健康委员会"),
        ("县政府", "安平县人民政府"),
    ],
)
def test_a_short_name_is_joined_to_the_full_one(short: str, full: str) -> None:
    assert full_names([short, full, "别的公司"]) == {short: full}


def test_short_names_that_fit_none_or_two_stay() -> None:
    assert full_names(["市法院", "恩施市人民法院", "利川市人民法院"]) == {}
    assert full_names(["市法院", "恩施市教育局"]) == {}
    assert full_names(["县法院", "恩施市人民法院"]) == {}
    assert full_names(["区委", "南岸区委"]) == {}


def test_a_brand_is_at_home_where_most_of_its_articles_are() -> None:
    home = "{重庆市}{南岸区}推出“<一表通>”。"
    found = rows(article("a", home), article("b", home + "{北京}来人。"))
    assert found[0]["place"] == {"code": "500108", "path": ["重庆市", "南岸区"]}
    across = [f"{{{place}}}打“<12345热线>”。" for place in ("成都", "南京", "广州", "西安")]
    [row] = rows(*[article(str(number), text) for number, text in enumerate(across)])
    assert row["place"] is None


def test_brands_of_a_store(store: Store, store_url: str) -> None:
    articles = [
        article("a", "{重庆市}{南岸区}，[南岸区民政局]推出“<一表通>”智能报表组件。"),
        article("b", "<一表通>与<夜归灯>。", "2025-04-01"),
        article("c", "没有。"),
    ]
    list(store.add(articles))
    run = store.start_run(ModelKey("news", "1", "0" * 64))
    store.write_results(run, articles)
    command = ["brands", "--store", store_url, "--model", "news-1"]
    out = CliRunner().invoke(app, [*command, "--format", "jsonl"])
    assert out.exit_code == 0, out.output
    found = [json.loads(line) for line in out.stdout.splitlines()]
    assert [row["name"] for row in found] == ["一表通", "夜归灯"]
    assert found[0]["owner"] == "南岸区民政局"
    assert found[0]["last"] == "2025-04-01"
    out = CliRunner().invoke(app, [*command, "--date", "2025-04"])
    assert out.stdout.splitlines() == [
        "一表通  other  2025-04-01  1",
        "夜归灯  other  2025-04-01  1",
    ]
    out = CliRunner().invoke(app, [*command, "--least", "0.95"])
    assert out.stdout == ""
    out = CliRunner().invoke(app, [*command, "--format", "xml"])
    assert "unknown format 'xml' (one of text, jsonl)" in out.stderr


def test_a_short_form_that_also_stands_alone_is_a_brand_of_its_own() -> None:
    found = rows(article("a", "<红岩先锋变形记>，<变形记>。"), article("b", "<变形记>。"))
    assert sorted(row["name"] for row in found) == ["变形记", "红岩先锋变形记"]


def test_one_article_of_several_does_not_make_a_home() -> None:
    [row] = rows(article("a", "{南岸区}“<一表通>”。"), *[article(n, "<一表通>。") for n in "bcd"])
    assert row["place"] is None
