"""The register: forms, kinds, times, owners and places; kept up in the store; edits; and the commands."""

import csv
import datetime
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from ner.article import Article, Span
from ner.brands import Reader, describe, divide, update
from ner.brands import rows as rows_of
from ner.brands.bodies import full_names
from ner.brands.forms import form_at
from ner.cli import app
from ner.errors import NerError
from ner.places import Linker, shipped
from ner.store import CONFIRM, REJECT, Said, Store
from ner.store.runs import ModelKey
from ner.store.schema import metadata

MARKS = {"<": "BRAND", "[": "ORG", "{": "LOC"}


def article(id: str, marked: str, date: str = "2025-03-18", paper: str = "") -> Article:
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
    return Article(id, text, date=day, paper=paper, spans=tuple(sorted(spans)))


SAID = Said("陈静", "test")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(Linker(shipped()))


def tag(store: Store, *articles: Article) -> None:
    """Store articles as one run of a model tagged them."""
    list(store.add(articles, replace=True))
    run = store.start_run(ModelKey("news", "1", "0" * 64))
    assert not store.write_results(run, articles)


def listed(store: Store, reader: Reader, kind: str = "brand", **filters: Any) -> list[dict]:
    [*_] = update(store, reader, "places" if kind == "place" else "names")
    return list(rows_of(store, reader.linker, store.entries(kind, **filters)))


@pytest.fixture
def rows(tmp_path: Path, reader: Reader) -> Iterator[Any]:
    """What the register says of articles."""
    with Store(f"sqlite:///{tmp_path}/register.db", create=True) as store:

        def read(*articles: Article, kind: str = "brand") -> list[dict]:
            tag(store, *articles)
            return listed(store, reader, kind)

        yield read


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


def test_forms_of_a_name_are_one_brand_with_its_first_and_last_day(rows: Any) -> None:
    [row] = rows(
        article("a", "“<一表通>”智能报表组件上线。<一表通>真省事。", "2025-03-18"),
        article("b", "“<一表通>”用上了。", "2025-01-02"),
        article("c", "<一表通>。", ""),
    )
    assert list(row) == [
        *("name", "variants", "kind", "first", "last", "articles", "mentions", "owner", "place"),
        "key",
    ]
    assert row["name"] == "一表通"
    assert row["variants"] == ["一表通", "“一表通”", "“一表通”智能报表组件"]
    assert (row["first"], row["last"]) == ("2025-01-02", "2025-03-18")
    assert (row["articles"], row["mentions"], row["kind"]) == (3, 4, "platform")
    assert row["owner"] is row["place"] is None


def test_with_and_without_the_noun_or_shortened_is_one_brand(rows: Any) -> None:
    found = rows(
        article("a", "“<渝快办>”和<渝快办平台>。"),
        article("b", "<红岩先锋变形记>，<变形记>，<变形>。"),
        article("c", "<夜归灯>，<红岩先锋变形记>。<灯>。"),
        article("d", "<夜归>。"),
    )
    names = [row["name"] for row in found]
    assert sorted(names) == sorted(["渝快办", "红岩先锋变形记", "夜归灯", "夜归", "灯"])
    assert {row["name"]: row["mentions"] for row in found}["红岩先锋变形记"] == 4


def test_the_owner_stands_before_it_in_the_sentence(rows: Any) -> None:
    common = "。[县政府]开会。"
    found = rows(
        article("a", f"[南岸区民政局]推出“<一表通>”{common}"),
        article("b", f"“<一表通>”由[南岸区民政局]推出{common}"),
        article("c", f"“<清河>”行动{common}"),
    )
    assert {row["name"]: row["owner"] for row in found} == {"一表通": "南岸区民政局", "清河": None}


def test_an_owner_is_told_by_its_full_name(rows: Any) -> None:
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


def test_a_brand_is_at_home_where_most_of_its_articles_are(rows: Any) -> None:
    home = "{重庆市}{南岸区}推出“<一表通>”。"
    found = rows(article("a", home), article("b", home + "{北京}来人。"))
    assert found[0]["place"] == {"code": "500108", "path": ["重庆市", "南岸区"]}
    across = [f"{{{place}}}打“<12345热线>”。" for place in ("成都", "南京", "广州", "西安")]
    found = rows(*[article(str(number), text) for number, text in enumerate(across)])
    assert {row["name"]: row["place"] for row in found}["12345热线"] is None


def test_a_short_form_that_also_stands_alone_is_a_brand_of_its_own(rows: Any) -> None:
    found = rows(article("a", "<红岩先锋变形记>，<变形记>。"), article("b", "<变形记>。"))
    assert sorted(row["name"] for row in found) == ["变形记", "红岩先锋变形记"]


def test_one_article_of_several_does_not_make_a_home(rows: Any) -> None:
    [row] = rows(article("a", "{南岸区}“<一表通>”。"), *[article(n, "<一表通>。") for n in "bcd"])
    assert row["place"] is None


def test_a_body_is_known_across_articles_by_place_and_head(rows: Any) -> None:
    found = rows(
        article("a", "[中共重庆市委社会工作部]发文。[市委社会工作部]开会。", paper="新报"),
        article("b", "[市委社会工作部]与[重庆市委社会工作部]。", paper="重庆日报"),
        article("c", "[市委社会工作部]。", paper="新报"),
        article("d", "[中共成都市委社会工作部]。[国家发展改革委]。"),
        kind="organisation",
    )
    assert [(row["name"], row["articles"], row["mentions"]) for row in found] == [
        ("中共重庆市委社会工作部", 2, 4),
        ("中共成都市委社会工作部", 1, 1),
        ("国家发展改革委", 1, 1),
    ]
    assert found[0]["variants"] == [
        "市委社会工作部",
        "中共重庆市委社会工作部",
        "重庆市委社会工作部",
    ]
    assert found[0]["place"] == {"code": "50", "path": ["重庆市"]}
    assert [row["kind"] for row in found] == ["party", "party", "government"]


def test_bodies_of_small_places_are_told_apart_by_the_papers_home(rows: Any) -> None:
    found = rows(
        article("a", "[和平社区党委]。", paper="重庆日报"),
        article("b", "[和平社区党委]。", paper="成都日报"),
        article("c", "[朝阳区教育局]。", paper="北京日报"),
        article("d", "[朝阳区教育局]。", paper="长春日报"),
        article("e", "[北京市朝阳区教育局]，[县政府]。", paper="新报"),
        article("f", "[市教育局]。", paper="长春日报"),
        kind="organisation",
    )
    assert [(row["name"], row["articles"]) for row in found] == [
        ("北京市朝阳区教育局", 2),
        ("朝阳区教育局", 1),
        ("长春市教育局", 1),
        ("和平社区党委", 1),
        ("和平社区党委", 1),
    ]


def dump(store: Store) -> dict[str, list[tuple]]:
    """All rows of the register, but those on what waits."""
    names = ("articles", "mentions", "counts", "keys")
    tables = [metadata.tables[f"register_{name}"] for name in names]

    def read(connection: sa.Connection) -> dict[str, list[tuple]]:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in tables
        }

    return store._read(read)


def random_article(rng: random.Random, number: int) -> Article:
    """Names that meet as short and long forms, with and without nouns, in several places."""
    brands = [
        "<渝快办>",
        "“<渝快办>”平台",
        "<渝快办平台>",
        "<变形记>",
        "<红岩先锋变形记>",
        "<变形>",
    ]
    others = ["[南岸区民政局]", "[市委]", "[重庆市委]", "{南岸区}", "{重庆市}", "{成都}"]
    parts = rng.choices(brands, k=rng.randint(0, 3)) + rng.choices(others, k=rng.randint(0, 3))
    rng.shuffle(parts)
    day = datetime.date(2025, 1, 1) + datetime.timedelta(days=rng.randrange(60))
    marked = f"第{number}篇" + rng.choice("，。").join(parts) + "。"
    return article(str(number), marked, str(day), rng.choice(["重庆日报", "江州日报"]))


def test_kept_up_it_is_what_counting_anew_gives(store: Store, reader: Reader) -> None:
    rng = random.Random(7)
    kept: dict[str, Article] = {}
    for step in range(12):
        changed = [random_article(rng, rng.randrange(25)) for _ in range(rng.randint(1, 6))]
        changed = list({one.id: one for one in changed}.values())  # tagged again, or replaced
        if step == 4:
            divided = store.divide("渝快办", "51", SAID)
        if step == 6:
            store.divide("渝快办", "50|委", SAID)
        if step == 9:
            assert store.undo_edit(divided, SAID)
        tag(store, *changed)
        kept |= {one.id: one for one in changed}
        gone = rng.choice(sorted(kept))
        if step % 3 == 2:
            store.delete(gone)
            del kept[gone]
        for part in ("names", "places"):
            for _ in update(store, reader, part):
                if rng.random() < 0.2:
                    break  # interrupted: the next time goes on
    for part in ("names", "places"):
        [*_] = update(store, reader, part)
    assert not store.register_waits("names") and not store.register_waits("places")
    here = dump(store)
    assert len(here["register_keys"]) > 10

    def clear(connection: sa.Connection) -> None:
        for name in ("articles", "mentions", "counts", "keys"):
            connection.execute(metadata.tables[f"register_{name}"].delete())

    store._write(clear)
    for part in ("names", "places"):
        store.count_again(part)
        [*_] = store.update_register(
            part, reader.names if part == "names" else reader.places, size=3
        )
    assert dump(store) == here


def test_a_form_follows_when_its_plain_name_comes_and_goes(store: Store, reader: Reader) -> None:
    tag(store, article("a", "<渝快办平台>。"))

    def names() -> list[tuple[str, int]]:
        return [(row["name"], row["articles"]) for row in listed(store, reader)]

    assert names() == [("渝快办平台", 1)]
    tag(store, article("b", "<渝快办>，<渝快办>。"))
    assert names() == [("渝快办", 2)]
    store.delete("b")
    assert names() == [("渝快办平台", 1)]


def test_only_changed_articles_are_read(store: Store, reader: Reader) -> None:
    tag(store, *[random_article(random.Random(n), n) for n in range(30)])
    listed(store, reader)
    read: list[str] = []

    def names(source: Any) -> Any:
        read.append(source.id)
        return reader.names(source)

    tag(store, article("new", "<一表通>。"), article("3", "<一表通>，<夜归灯>。"))
    [*_] = store.update_register("names", names)
    assert sorted(set(read)) == ["3", "new"]


def test_what_reviewers_decide_counts(store: Store, reader: Reader) -> None:
    one = article("a", "<一表通>，夜归灯，<春风>。")
    tag(store, one)
    assert {row["name"] for row in listed(store, reader)} == {"一表通", "春风"}
    wrong, missed = one.spans[1], Span(4, 7, "BRAND")
    store.decide_span(one, wrong, "wrong", SAID)
    decision = store.decide_span(one, missed, "right", SAID)
    assert {row["name"] for row in listed(store, reader)} == {"一表通", "夜归灯"}
    assert isinstance(decision, int)
    store.undo(decision, SAID)
    assert {row["name"] for row in listed(store, reader)} == {"一表通"}


def test_merged_split_and_taken_back(store: Store, reader: Reader) -> None:
    tag(
        store,
        article("a", "<一表通>，<一表通平台>。"),
        article("b", "<报表通>。"),
        article("c", "<夜归灯>。"),
    )
    before = [(row["name"], row["articles"]) for row in listed(store, reader)]
    assert before == [("一表通", 1), ("夜归灯", 1), ("报表通", 1)]
    tag(store, article("b", "<报表通>，<报表通>，<报表通>。"))
    listed(store, reader)
    merged = store.merge("brand", "报表通", "一表通", SAID)
    store.split("brand", "一表通平台", SAID)
    names = [(row["name"], row["articles"]) for row in listed(store, reader)]
    assert names == [("一表通", 2), ("一表通平台", 1), ("夜归灯", 1)]
    assert store.forms("brand", "一表通") == ["一表通", "报表通"]
    tag(store, article("d", "<报表通>。"))  # what was said holds for new articles too
    assert listed(store, reader)[0]["articles"] == 3
    with pytest.raises(NerError, match="one entry already"):
        store.merge("brand", "报表通", "一表通", SAID)
    with pytest.raises(NerError, match="not in the register"):
        store.merge("brand", "没有", "一表通", SAID)
    for edit in store.edits("brand"):
        assert store.undo_edit(edit.number, SAID)
    assert not store.undo_edit(merged, SAID)
    after = [(row["name"], row["articles"]) for row in listed(store, reader)]
    assert after == [("报表通", 2), ("一表通", 1), ("夜归灯", 1)]
    told = [(each.verdict, each.key, each.reviewer, each.stands) for each in store.edits("brand")]
    assert told[:2] == [("merge", "报表通", "陈静", False), ("split", "一表通平台", "陈静", False)]


def at(place: str, *, paper: str = "") -> list[Article]:
    """Articles on a brand of a place that brands of other places share their name with."""
    return [
        article(f"{place}-{number}", text.format(place=place), f"2025-0{number + 1}-01", paper)
        for number, text in enumerate(
            (
                "{{{place}}}上线“<一表通>”平台。",
                "“<一表通平台>”在{{{place}}}。{{北京}}来人。",
                "{{{place}}}：<一表通>，<一表通>。",
            )
        )
    ]


def test_brands_of_one_name_are_split_by_their_place(store: Store, reader: Reader) -> None:
    tag(store, *at("重庆市"), *at("杭州市"))
    [row] = listed(store, reader)
    assert (row["name"], row["articles"], row["mentions"]) == ("一表通", 6, 8)
    edit = divide(store, reader, "一表通", "33", SAID)

    def found() -> list[tuple[str, str, int, int, str]]:
        return [
            (row["key"], row["name"], row["articles"], row["mentions"], row["place"]["code"])
            for row in listed(store, reader)
        ]

    halves = [("一表通", "一表通", 3, 4, "50"), ("一表通|33", "一表通", 3, 4, "3301")]
    assert found() == halves
    assert store.forms("brand", "一表通|33") == ["一表通|33", "一表通平台|33"]
    entry = store.entry("brand", "一表通|33")
    assert entry
    evidence = describe(store, reader, entry)["evidence"]
    assert all(each["article"].startswith("杭州市") for each in evidence["contexts"])
    with pytest.raises(NerError, match="split off already"):
        divide(store, reader, "一表通", "33", SAID)
    with pytest.raises(NerError, match="no division 99"):
        divide(store, reader, "一表通", "99", SAID)

    tag(
        store,
        article("by place", "{宁波市}{温州市}学{重庆市}，用<一表通>。"),
        article("by paper", "<一表通>。", paper="浙江日报"),
        article("by body", "[浙江省数据局]说<一表通>。"),
        article("elsewhere", "{宁波市}来人。{重庆市}{南岸区}{江北区}用<一表通>。"),
        article("nowhere", "<一表通>。"),
    )
    assert [row[2] for row in found()] == [6, 5]
    assert {place.id for place in store.places_of("brand", "一表通|33")} >= {
        *("by place", "by paper", "by body"),
    }
    assert store.undo_edit(edit, SAID)
    [row] = listed(store, reader)
    assert (row["key"], row["articles"]) == ("一表通", 11)
    told = [(each.verdict, each.key, each.other, each.stands) for each in store.edits("brand")]
    assert told[0] == ("divide", "一表通", "33", False)


def test_brands_of_one_name_are_split_by_their_owner(store: Store, reader: Reader) -> None:
    tag(
        store,
        article("a", "[青山公司]的<清风卡>。"),
        article("b", "[绿水公司]推出<清风卡>。"),
        article("c", "<清风卡>。[绿水公司]开会。"),
    )
    listed(store, reader)
    with pytest.raises(NerError, match="not in the register"):
        divide(store, reader, "清风卡", "没有", SAID)
    divide(store, reader, "清风卡", "绿水公司", SAID)
    rows = [(row["key"], row["owner"], row["articles"]) for row in listed(store, reader)]
    assert rows == [("清风卡|绿水公司", "绿水公司", 2), ("清风卡", "青山公司", 1)]


def test_an_article_that_changes_while_it_is_read_is_counted_as_it_is(
    store: Store, reader: Reader
) -> None:
    tag(store, article("a", "<一表通>。"))

    def names(source: Any) -> Any:
        if "一表通" in source.text:
            tag(store, article("a", "<夜归灯>。"))
            [*_] = update(store, reader)  # another process, which is quicker
        return reader.names(source)

    [*_] = store.update_register("names", names)
    assert [row["name"] for row in listed(store, reader)] == ["夜归灯"]


def test_edits_are_only_added(store: Store, reader: Reader) -> None:
    tag(store, article("a", "<一表通>，<夜归灯>。"))
    listed(store, reader)
    store.merge("brand", "夜归灯", "一表通", SAID)
    table = metadata.tables["register_edits"]
    for change in (table.update().values(key="另外"), table.delete()):
        with pytest.raises(NerError, match="append-only"):
            store._write(lambda connection, change=change: connection.execute(change))


def test_a_circle_of_merges_is_one_entry(store: Store, reader: Reader) -> None:
    tag(store, article("a", "<甲甲>，<乙乙>。"), article("b", "<乙乙>，<甲甲>。"))
    listed(store, reader)
    store.merge("brand", "甲甲", "乙乙", SAID)
    split = store.split("brand", "甲甲", SAID)
    store.merge("brand", "乙乙", "甲甲", SAID)
    store.undo_edit(split, SAID)
    [row] = listed(store, reader)
    assert (row["articles"], row["mentions"]) == (2, 4)


def test_new_rising_and_dormant(store: Store, reader: Reader) -> None:
    newest = datetime.date(2025, 12, 31)

    def seen(name: str, *days: int) -> list[Article]:
        dates = [str(newest - datetime.timedelta(days=each)) for each in days]
        return [article(f"{name}-{n}", f"<{name}>。", day) for n, day in enumerate(dates)]

    tag(
        store,
        *seen("新来的", 6),
        *seen("七天前", 7),
        *seen("上升", 1, 2, 27, 30, 111),
        *seen("平稳", 1, 2, 27, 30, 60, 61, 80, 111),
        *seen("太少", 1, 2),
        *seen("沉寂", 180, 200, 300),
        *seen("沉寂太少", 190, 200),
        *seen("刚停", 179, 200, 300),
        article("now", "没有。", str(newest)),
    )

    def names(trend: Any) -> list[str]:
        return [row["name"] for row in listed(store, reader, trend=trend)]

    assert set(names("new")) == {"新来的", "太少"}
    assert names("rising") == ["上升"]
    assert names("dormant") == ["沉寂"]


def test_all_that_is_known_of_a_brand(store: Store, reader: Reader) -> None:
    tag(
        store,
        article("a", "[南岸区民政局]推出“<一表通>”智能报表组件。{南岸区}用它。", paper="重庆日报"),
        article("b", "后来。{重庆市}{南岸区}的<一表通>与<夜归灯>。", "2025-04-01", "重庆晚报"),
    )
    listed(store, reader)
    entry = store.entry("brand", "一表通")
    assert entry
    found = describe(store, reader, entry)
    assert found["variants"] == {"“一表通”智能报表组件": 1, "一表通": 1}
    assert found["months"] == {"2025-03": 1, "2025-04": 1}
    assert found["papers"] == {"重庆日报": 1, "重庆晚报": 1}
    [owner] = found["evidence"]["owner"]
    text = "南岸区民政局推出“一表通”智能报表组件。"
    assert owner["text"] == text and (owner["start"], owner["end"]) == (0, len(text))
    assert owner["mention"] == (9, 12) and owner["other"] == (0, 6)
    assert [each["article"] for each in found["evidence"]["contexts"]] == ["b", "a"]
    assert found["evidence"]["contexts"][0]["start"] == 3
    assert found["related"]["brand"] == [{"key": "夜归灯", "name": "夜归灯", "articles": 1}]
    assert found["owner"] == "南岸区民政局"


def test_rejected_brands_are_not_listed_and_confirmed_ones_are_a_word_list(
    store: Store, store_url: str, reader: Reader, tmp_path: Path
) -> None:
    one = article("a", "“<一表通>”，<一表通平台>，<春风>，<夜归灯>，<晚风>。")
    tag(store, one)
    listed(store, reader)
    store.judge("brand", "一表通", CONFIRM, SAID)
    store.judge("brand", "春风", REJECT, SAID)
    assert "春风" not in {row["name"] for row in listed(store, reader)}
    for span in one.spans:
        if one.surface(span) in ("夜归灯", "春风"):
            store.decide_span(one, span, "right", SAID)
    run("brands", "names", "--store", store_url, "--output", str(tmp_path / "names.tsv"))
    lines = (tmp_path / "names.tsv").read_text(encoding="utf-8").splitlines()
    assert lines == ["一表通\tBRAND\t一表通平台", "夜归灯\tBRAND"]


def run(*command: str, fails: bool = False) -> Any:
    out = CliRunner().invoke(app, list(command))
    assert (out.exit_code != 0) == fails, out.output
    return out


def test_brands_of_a_store(store: Store, store_url: str, tmp_path: Path) -> None:
    tag(
        store,
        article(
            "a", "{重庆市}{南岸区}，[南岸区民政局]推出“<一表通>”智能报表组件。", paper="=重庆日报"
        ),
        article("b", "<一表通>与<夜归灯>。", "2025-04-01"),
        article("c", "没有。"),
    )
    command = ("brands", "--store", store_url)
    found = [json.loads(line) for line in run(*command, "--format", "jsonl").stdout.splitlines()]
    assert [row["name"] for row in found] == ["一表通", "夜归灯"]
    assert found[0]["owner"] == "南岸区民政局"
    assert found[0]["last"] == "2025-04-01"
    out = run(*command, "--date", "2025-04")
    assert out.stdout.splitlines() == [
        "一表通  platform  2025-04-01  1  南岸区民政局  重庆市 南岸区",
        "夜归灯  other  2025-04-01  1",
    ]
    assert run(*command, "--prefix", "夜").stdout.startswith("夜归灯")
    assert (
        "unknown format 'xml' (one of text, jsonl"
        in run(*command, "--format", "xml", fails=True).stderr
    )
    assert "name one" in run(*command, "--new", "--rising", fails=True).stderr
    out = run("brands", "merge", "夜归灯", "一表通", "--store", store_url, "--reviewer", "陈静")
    assert "夜归灯 is 一表通 now (edit 1)" in out.stderr
    shown = run("brands", "show", "夜归灯", "--store", store_url).stdout
    assert "merge 夜归灯 一表通, 陈静" in shown and "owner: 重庆市南岸区，南岸区民政局" in shown
    assert "no brand 没有" in run("brands", "show", "没有", "--store", store_url, fails=True).stderr
    run("brands", "undo", "1", "--store", store_url)
    assert len(run(*command).stdout.splitlines()) == 2
    assert "no edit 1" in run("brands", "undo", "1", "--store", store_url, fails=True).stderr
    assert "南岸区民政局" in run("organisations", "--store", store_url).stdout


def test_the_register_in_every_form(store: Store, store_url: str, tmp_path: Path) -> None:
    tag(store, article("a", "{南岸区}[南岸区民政局]推出“<一表通>”平台，=1，<=1+1>。"))
    command = ("brands", "--store", store_url, "--output")
    for suffix in ("csv", "xlsx", "parquet", "jsonld", "jsonl"):
        run(*command, str(tmp_path / f"brands.{suffix}"))
    with (tmp_path / "brands.csv").open(encoding="utf-8-sig") as file:
        table = list(csv.DictReader(file))
    named = {row["name"]: row for row in table}
    assert named["一表通"]["place_code"] == "500108" and named["一表通"]["owner"] == "南岸区民政局"
    assert "'=1+1" in named
    import pyarrow.parquet as pq
    import python_calamine

    rows = {row["name"]: row for row in pq.read_table(tmp_path / "brands.parquet").to_pylist()}
    assert rows["一表通"]["variants"] == ["“一表通”平台"] and rows["一表通"]["articles"] == 1
    book = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "brands.xlsx"))
    assert len(book.get_sheet_by_index(0).to_python()) == 3
    linked = json.loads((tmp_path / "brands.jsonld").read_text(encoding="utf-8"))
    assert linked["@context"] == "https://schema.org"
    node = next(each for each in linked["@graph"] if each["name"] == "一表通")
    assert node["@type"] == "Service" and node["provider"]["name"] == "南岸区民政局"
    assert node["areaServed"]["identifier"]["value"] == "500108"


def test_places_are_counted_by_code(rows: Any) -> None:
    [one, two] = rows(article("a", "{重庆市}{南岸区}。"), article("b", "{重庆}。"), kind="place")
    assert (one["key"], one["name"], one["articles"]) == ("50", "重庆市", 2)
    assert one["variants"] == ["重庆", "重庆市"]
    assert two["place"]["path"] == ["重庆市", "南岸区"]
