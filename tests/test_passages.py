"""A grammar's passages are labelled as it says, the same for the same seed, and its errors are named."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from ner.article import Span
from ner.corpus import Example
from ner.errors import NerError
from ner.training.augment import augment, insert_paragraph
from ner.training.config import Schedule
from ner.training.passages import Grammar, parse_marked, read_grammar

GRAMMAR = r"""
[rules]
passage = '''
{who}在<ORG <LOC {town}>日报>工作{3-5}年，{who#1}住{road}{1-9#a}号，不是{1-9#a}栋，{who#1}说。
'''
who = "<PER {surname}{given}>"

[words]
surname = "王 李"
given = "强 敏"

[lists.town]
file = "$PLACES/towns.csv.gz"
field = "name"
match = '(.+?)(?:镇|村委会)'

[lists.road]
file = "addresses.jsonl"
part = "road"
match = '.*路'
name = '<LOC \g<0>>'
"""


@pytest.fixture
def grammar_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLACES", str(tmp_path))
    with gzip.open(tmp_path / "towns.csv.gz", "wt", encoding="utf-8") as file:
        file.write('code,name\n1,"石桥镇"\n2,"白沙村委会"\n3,"南区"\n')
    row = {"text": "石桥镇工农路3号", "spans": [[0, 3, "town"], [3, 6, "road"], [6, 8, "number"]]}
    (tmp_path / "addresses.jsonl").write_text(
        json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    file = tmp_path / "grammar.toml"
    file.write_text(GRAMMAR, encoding="utf-8")
    return file


def names(example: Example) -> list[tuple[str, str]]:
    return [(example.text[s.start : s.end], s.label) for s in example.spans]


def test_a_passage_has_the_spans_that_its_marks_say(grammar_file: Path) -> None:
    grammar = read_grammar(grammar_file)
    rng = np.random.default_rng(0)
    passages = [grammar.make("passage", rng) for _ in range(50)]
    form = re.compile(
        "([王李][强敏])在((石桥|白沙)日报)工作[345]年，([王李][强敏])住(工农路)(.)号，不是(.)栋，(.+)说。"
    )
    for passage in passages:
        match = form.fullmatch(passage.text)
        assert match, passage.text
        assert match[4] == match[8] and match[6] == match[7]
        labels = {1: "PER", 2: "ORG", 3: "LOC", 4: "PER", 5: "LOC", 8: "PER"}
        assert list(passage.spans) == [Span(*match.span(k), labels[k]) for k in labels]
    assert {passage.text[:2] for passage in passages} == {"王强", "王敏", "李强", "李敏"}


def test_a_list_has_an_entry_a_line(tmp_path: Path) -> None:
    file = tmp_path / "grammar.toml"
    file.write_text("[rules]\npassage = '<ORG <LOC 甲镇>小学>⏎<PER 王强>'\n", encoding="utf-8")
    example = read_grammar(file).make("passage", np.random.default_rng(0))
    assert example.text == "甲镇小学\n王强"
    assert example.spans == (Span(0, 4, "ORG"), Span(0, 2, "LOC"), Span(5, 7, "PER"))


def test_the_same_seed_gives_the_same_passages(grammar_file: Path) -> None:
    grammar = read_grammar(grammar_file)
    one, same, other = (
        [grammar.make("passage", np.random.default_rng((seed, k))) for k in range(5)]
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{3-5}", "{years}"), "passage uses {years}, which stands for nothing"),
        (("<PER {surname}{given}>", "<PER {surname}{given}"), "marks do not close"),
        (("{surname}{given}>", "{surname}{given}>>"), "marks do not close"),
        (("<PER {surname}{given}>", "<PER {passage}>"), "stands for itself"),
        (('given = "强 敏"', 'given = ""'), "given has no alternative"),
        (('given = "强 敏"', 'given = "强 敏"\nroad = "人民路"'), "a name stands in two tables"),
        (("{1-9#a}号", "{1- 9}号"), "a brace that is no slot"),
        (("'.*路'", "'.*巷'"), "road has no alternative"),
        (('field = "name"', 'field = "title"'), "towns.csv.gz: has rows of another form: 'title'"),
        (('part = "road"', "parts = 1"), "unknown field"),
        (("'.*路'", "'(路'"), "match"),
        (("g<0>", "g<3>"), "group"),
    ],
)
def test_an_error_in_a_grammar_is_named(
    grammar_file: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in GRAMMAR
    grammar_file.write_text(GRAMMAR.replace(*change), encoding="utf-8")
    with pytest.raises(NerError) as error:
        read_grammar(grammar_file)
    assert message in str(error.value) and str(grammar_file.parent) in str(error.value)


def test_a_passage_becomes_a_line_of_the_article() -> None:
    article = Example("石桥村通车\n王强来了", (Span(0, 3, "LOC"), Span(6, 8, "PER")))
    made = parse_marked("<PER 李敏>说。")
    seen = set()
    for seed in range(30):
        changed = insert_paragraph(article, made, np.random.default_rng(seed))
        lines = changed.text.split("\n")
        seen.add(lines.index("李敏说。"))
        assert sorted(lines) == sorted([*article.text.split("\n"), made.text])
        assert sorted(names(changed)) == sorted(names(article) + names(made))
        assert list(changed.spans) == sorted(changed.spans, key=lambda s: s.start)
    assert seen == {0, 1, 2}


def test_the_fraction_of_the_schedule_says_how_many_articles_get_a_passage() -> None:
    grammar = Grammar({"passage": ["<PER 李敏>说。"]})
    articles = [Example("王强来了", (Span(0, 2, "PER"),))] * 400

    def made(fraction: float) -> list[Example]:
        rng = np.random.default_rng(0)
        return list(augment(articles, {}, Schedule(passages=fraction), rng, grammar))

    assert made(0.0) == articles
    some = made(0.4)
    assert 120 < sum("李敏说。" in example.text for example in some) < 200
    assert 50 < sum(example.text == "李敏说。" for example in some) < 110
    assert sum("王强来了" in example.text for example in some) == 400
    assert some == made(0.4)


def test_our_grammar_can_be_read_and_its_passages_are_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With place lists of the same form: marks close, no span begins or ends with a blank or is empty."""
    monkeypatch.setenv("NER_DATA", str(tmp_path))
    (tmp_path / "gazetteer").mkdir()
    (tmp_path / "lists").mkdir()
    for name, place in {
        "cities": "石桥市",
        "areas": "白沙区",
        "streets": "新街街道",
        "villages": "白沙村委会",
    }.items():
        with gzip.open(tmp_path / f"gazetteer/{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write(f"code,name\n1,{place}\n")
    row = {"text": "工农路幸福苑", "spans": [[0, 3, "road"], [3, 6, "poi"]]}
    with gzip.open(tmp_path / "lists/addresses.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    grammar = read_grammar(Path(__file__).parents[1] / "configs/grammars/training.toml")
    rng = np.random.default_rng(0)
    for _ in range(2000):
        passage = grammar.make("passage", rng)
        assert not re.search("[<>{}#|]", passage.text)
        assert passage.spans or "“" in passage.text
        for name, label in names(passage):
            assert name == name.strip() != "" and label in ("PER", "LOC", "ORG", "BRAND")
            assert name.count("“") <= name.count("”") <= 1
