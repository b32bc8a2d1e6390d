"""Places linked to the codes of divisions: the lexicon, one article, the commands."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from ner import NerError
from ner.article import Article, Span
from ner.cli import app
from ner.places import Lexicon, Linker, Mention, shipped
from ner.places.aliases import aliases
from ner.places.build import build
from ner.places.names import split
from ner.store import Store
from ner.store.runs import ModelKey


def link(*names: str, gap: int = 0, **options: Any) -> list[str | None]:
    """The codes of names that follow each other, `gap` code points apart."""
    mentions, place = [], 0
    for name in names:
        mentions.append(Mention(place, place + len(name), name))
        place += len(name) + gap
    return [found.best.code for found in Linker(shipped()).link(mentions, **options)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("南岸区", ("南岸", "区")),
        ("三江侗族自治县", ("三江", "侗族自治县")),
        ("黔东南苗族侗族自治州", ("黔东南", "苗族侗族自治州")),
        ("内蒙古自治区", ("内蒙古", "自治区")),
        ("伊犁哈萨克自治州", ("伊犁", "哈萨克自治州")),
        ("后堡社区居民委员会", ("后堡", "社区居民委员会")),
        ("多福村民委员会", ("多福", "村民委员会")),
        ("区", ("区", "")),
    ],
)
def test_a_name_is_a_stem_and_a_suffix(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


def test_the_lexicon_holds_all_levels_in_few_bytes() -> None:
    lexicon = shipped()
    assert lexicon.year == 2023
    assert len(lexicon) == 31 + 3 + 342 + 2978 + 41352 + 620572  # one village row names its town
    assert (ROOT / "ner/places/divisions-2023.lexicon").stat().st_size <= 15_000_000
    [village] = [one for one in lexicon.find("后堡") if one.code == "500108003006"]
    assert lexicon.path(village) == ["重庆市", "南岸区", "南坪街道", "后堡社区居民委员会"]
    assert lexicon.get("500108003006") == village
    assert lexicon.get("500108") in lexicon.find("南岸")
    assert lexicon.get("599999") is lexicon.get("500108003999") is None
    with pytest.raises(NerError, match="no divisions of 1950"):
        shipped(1950)


@pytest.mark.parametrize(
    ("name", "codes", "rest"),
    [
        ("重庆市渝北区人民法院", ["500112"], "人民法院"),
        ("中共重庆市委", ["50"], "委"),
        ("渝中区委", ["500103"], "委"),
        ("秀山县教育局", ["500241"], "教育局"),
        ("酉阳土家族苗族自治县法院", ["500242"], "法院"),
        ("江津市法院", ["500116"], "法院"),  # 江津区 now
        ("襄樊市公安局", ["4206"], "公安局"),  # 襄阳市 now
        ("廣東省廣州市政府", ["4401"], "政府"),
        ("浙江杭州日报", ["33", "3301"], "日报"),
        ("南坪街道办事处", [], "南坪街道办事处"),  # no smaller ones than counties
        ("国家发展改革委", [], "国家发展改革委"),
    ],
)
def test_the_places_that_a_bodys_name_begins_with(name: str, codes: list[str], rest: str) -> None:
    assert Linker(shipped()).split_leading(name) == (codes, rest)


def test_many_look_ups_at_once_find_what_single_ones_do() -> None:
    lexicon = shipped()
    stems = ["南岸", "后堡", "无此地名", "", "重庆", "南岸岸", "𠮷"]
    rows = lexicon.find_all(stems)
    assert [row >= 0 for row in rows] == [bool(lexicon.find(stem)) for stem in stems]
    assert len(set(rows[rows >= 0])) == 3


def tables(folder: Path, *, street: str = "990101001") -> None:
    folder.mkdir(exist_ok=True)
    for name, row in {
        "provinces": '99,"甲省"',
        "cities": '9901,"乙市",99',
        "areas": '990101,"丙县",9901,99',
        "streets": '990101001,"丁镇",990101,99,9901',
    }.items():
        (folder / f"{name}.csv").write_text(f"code,name\n{row}\n", encoding="utf-8")
    villages = f'code,name\n{street}201,"戊村村民委员会"\n{street}202,"己社区"\n'
    (folder / "villages.csv.gz").write_bytes(gzip.compress(villages.encode()))


def test_a_lexicon_is_built_from_tables(tmp_path: Path) -> None:
    tables(tmp_path / "tables")
    command = ["places", "build", str(tmp_path / "tables"), "--year", "2031", "-o"]
    out = CliRunner().invoke(app, [*command, str(tmp_path / "new.lexicon")])
    assert out.exit_code == 0, out.output
    lexicon = Lexicon(tmp_path / "new.lexicon")
    assert (lexicon.year, len(lexicon)) == (2031, 9)  # with 台湾, 香港 and 澳门
    [village] = lexicon.find("戊")
    assert (village.code, village.name) == ("990101001201", "戊村村民委员会")
    assert lexicon.path(village) == ["甲省", "乙市", "丙县", "丁镇", "戊村村民委员会"]


def test_bad_tables_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="cannot be read"):
        build(tmp_path, 2031, tmp_path / "new")
    tables(tmp_path, street="990101009")
    with pytest.raises(NerError, match="990101009201 戊村村民委员会 is in no town"):
        build(tmp_path, 2031, tmp_path / "new")
    (tmp_path / "areas.csv").write_text("code,name\n99,丙县\n", encoding="utf-8")
    with pytest.raises(NerError, match="line 2 is no division: '99', '丙县'"):
        build(tmp_path, 2031, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(NerError, match="is no lexicon"):
        Lexicon(tmp_path / "areas.csv")
    whole = (ROOT / "ner/places/divisions-2023.lexicon").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-9])
    with pytest.raises(NerError, match="is cut short"):
        Lexicon(tmp_path / "cut")


def test_a_chain_tells_which_village_it_is() -> None:
    assert link("江盘镇", "河南村")[1] == "623023113201"
    assert link("重庆市", "南岸区", "南坪街道", "后堡社区") == [
        "50",
        "500108",
        "500108003",
        "500108003006",
    ]
    assert link("仪封镇", "代庄村", gap=0)[1] == "410225108203"


def test_a_chain_marked_as_one_name_is_its_last_link() -> None:
    assert link("重庆市南岸区") == ["500108"]
    assert link("南岸区南坪街道后堡社区") == ["500108003006"]
    assert link("南岸区江南大道") == [None]


def test_the_article_tells_which_of_several_it_is() -> None:
    assert link("鼓楼区", "南京市", gap=9)[0] == "320106"
    assert link("鼓楼区", "福州市", gap=9)[0] == "350102"
    assert link("长安镇", "平利县", gap=9)[0] == "610926108"
    assert link("海南", "青海省", "共和县", "海南州", gap=9)[0] == "6325"
    assert link("海南", gap=9) == ["46"]


def test_bodies_and_the_papers_home_are_evidence() -> None:
    assert link("鼓楼区", bodies=["徐州市鼓楼区人民法院"]) == ["320302"]
    assert link("鼓楼区", home=["4102"]) == ["410204"]
    assert link("鼓楼区", home=["3501"]) == ["350102"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[("重庆", "50"), ("渝", "50"), ("内蒙", "15"), ("醴陵", "430281"), ("凉山州", "5134")],
        *[
            ("襄樊市", "4206"),
            ("三江县", "450226"),
            ("荣昌县", "500153"),
            ("澳門", "82"),
            ("蓟县", "120119"),
        ],
        *[("津城", "12"), ("浦东", "310115"), ("横琴", None), ("河南蒙古族自治县", "632324")],
    ],
)
def test_short_former_and_traditional_names(name: str, code: str | None) -> None:
    assert link(name) == [code]


def test_every_alias_is_a_divisions() -> None:
    assert [one for one in aliases().values() for code, _ in one if not shipped().get(code)] == []


@pytest.mark.parametrize("name", ["长江", "重庆路", "28栋", "法国", "中", "和平村", "釜山"])
def test_what_is_no_division_or_not_told_has_no_code(name: str) -> None:
    assert Linker(shipped()).link([Mention(0, 2, name)])[0].best.code is None


def test_what_follows_tells_a_river_from_a_province() -> None:
    linker = Linker(shipped())
    for after, code in {"上游": None, "省委": "23", "": "23"}.items():
        [found] = linker.link([Mention(0, 3, "黑龙江", after)])
        assert found.best.code == code


def test_the_same_village_name_in_two_towns_of_an_article() -> None:
    first, second = "安蔡楼镇黄庄村", "孙老家镇黄庄村"
    mentions = [
        *[Mention(0, 4, first[:4]), Mention(4, 7, first[4:])],
        *[Mention(20, 24, second[:4]), Mention(24, 27, second[4:])],
    ]
    found = [one.best.code for one in Linker(shipped()).link(mentions)]
    assert found == ["371721114", "371721114235", "371721111", "371721111217"]


def test_scores_and_runners_up() -> None:
    [sure] = Linker(shipped()).link([Mention(0, 3, "重庆市")])
    assert sure.best.score > 0.9
    [unsure] = Linker(shipped()).link([Mention(0, 3, "鼓楼区")])
    assert unsure.best.score < 0.6
    assert all(0 < other.score <= unsure.best.score for other in unsure.others)
    assert unsure.others


def test_linking_of_our_own_articles_stays_as_good() -> None:
    command = [sys.executable, "-m", "benchmarks.places", "data/annotations/places/dev.jsonl"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert float(out.split("**")[1]) >= 98


LINE = {
    "id": "1",
    "spans": [
        {"start": 0, "end": 3, "label": "LOC", "text": "南岸区", "score": 0.9},
        {"start": 3, "end": 7, "label": "LOC", "text": "南坪街道", "score": 0.9},
        {"start": 9, "end": 11, "label": "LOC", "text": "长江", "score": 0.9},
        {"start": 20, "end": 22, "label": "PER", "text": "杨莉", "score": 0.9},
    ],
}


def test_link_answers_the_tagging_contract() -> None:
    out = CliRunner().invoke(app, ["places", "link"], input=json.dumps(LINE) + "\n")
    assert out.exit_code == 0, out.output
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    assert [list(row) for row in rows] == [
        ["article", "start", "end", "text", "code", "path", "score", "others"]
    ] * 3
    assert [(row["start"], row["end"], row["text"], row["code"]) for row in rows] == [
        (0, 3, "南岸区", "500108"),
        (3, 7, "南坪街道", "500108003"),
        (9, 11, "长江", None),
    ]
    assert rows[1]["path"] == ["重庆市", "南岸区", "南坪街道"]
    assert rows[2]["path"] == []
    assert rows[1]["article"] == "1"
    assert list(rows[1]["others"][0]) == ["code", "path", "score"]


def test_link_uses_the_lines_text_paper_and_home() -> None:
    line = {"id": 7, "text": "鼓楼区开会", "spans": [[0, 3, "LOC"]]}
    for paper, options, code in (
        ("南京日报", [], "320106"),
        ("福州晚报", [], "350102"),
        ("", ["--home", "开封"], "410204"),
        ("", ["--home", "3203"], "320302"),
    ):
        given = json.dumps({**line, "paper": paper})
        out = CliRunner().invoke(app, ["places", "link", *options], input=given)
        row = json.loads(out.stdout)
        assert (row["article"], row["text"], row["code"]) == (7, "鼓楼区", code)


def test_bad_lines_are_named_and_the_rest_is_linked() -> None:
    lines = [
        '{"id": "a", "spans": [[0, 2, "LOC"]]}',
        '{"id": "b"}',
        '{"id": "c", "error": "no text"}',
        "no json",
        '{"spans": []}',
        json.dumps(LINE),
    ]
    out = CliRunner().invoke(app, ["places", "link"], input="\n".join(lines))
    assert out.exit_code == 1
    assert len(out.stdout.splitlines()) == 3
    errors = out.stderr.splitlines()
    assert len(errors) == 5
    assert errors[0].startswith("error: standard input:1: span 0:2 has no text (give each span")
    assert errors[2].startswith("error: standard input:3: was not tagged: no text")
    out = CliRunner().invoke(app, ["places", "link", "--home", "无此地"], input="")
    assert "--home 无此地 is no division" in out.stderr
    out = CliRunner().invoke(app, ["places", "link", "--format", "xml"], input="")
    assert "unknown format 'xml' (one of text, jsonl)" in out.stderr


def fill(store: Store, papers: dict[str, list[str]]) -> None:
    """Articles whose places, one a line, a model has tagged."""
    key = ModelKey("news", "1", "0" * 64)
    articles = []
    for paper, texts in papers.items():
        for number, text in enumerate(texts):
            spans, place = [], 0
            for line in text.split("\n"):
                spans.append(Span(place, place + len(line), "LOC", 0.9))
                place += len(line) + 1
            articles.append(Article(f"{paper}-{number}", text, paper=paper, spans=tuple(spans)))
    list(store.add(articles))
    run = store.start_run(key)
    store.write_results(run, articles)


def test_the_places_of_a_store_with_each_papers_home(store: Store, store_url: str) -> None:
    about = ["南京市\n玄武区\n秦淮区\n江苏省\n建邺区"] * 3
    fill(store, {"钟山报": [*about, "鼓楼区"], "别报": ["福州市\n鼓楼区"]})
    command = ["places", "--store", store_url, "--model", "news-1"]
    out = CliRunner().invoke(app, [*command, "--format", "jsonl"])
    assert out.exit_code == 0, out.output
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    found = {row["article"]: row["code"] for row in rows if row["text"] == "鼓楼区"}
    assert found == {"钟山报-3": "320106", "别报-0": "350102"}
    out = CliRunner().invoke(app, [*command, "--paper", "别报"])
    assert out.stdout.splitlines()[0].split() == [
        "别报-0",
        "0:3",
        "福州市",
        "3501",
        "福建省",
        "福州市",
        "1.00",
    ]
