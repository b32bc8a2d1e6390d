"""A newsroom's word lists: its names are found where they stand as names, its other strings never."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ner
from ner.cli import app
from ner.errors import NerError

NAMES = "\ufeff# brands of ours\n青柚帮\tBRAND\t柚帮\n\n春风\tBRAND\n"
TEXTS = [
    "街道去年推出青柚帮，如今青柚帮进了每个小区。",
    "春风拂面，院子里的桃花开了。",
    "区里推出“一表通”平台，记者王明报道。",
]


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "names.tsv").write_text(NAMES, encoding="utf-8")
    (tmp_path / "never.txt").write_text("# no brand\n一表通\n", encoding="utf-8")
    return {"names": tmp_path / "names.tsv", "never": tmp_path / "never.txt"}


@pytest.mark.parametrize("model", ["news", "news-fast"])
def test_the_sentence_decides_about_a_listed_name(model: str, lists: dict[str, Path]) -> None:
    plain, ours = ner.load(model), ner.load(model, **lists)
    found = [[span.text for span in spans if span.label == "BRAND"] for spans in ours.tag(TEXTS)]
    assert found == [["青柚帮", "青柚帮"], [], []]
    assert [span.text for span in plain(TEXTS[2])] == ["一表通", "王明"]
    assert [span.text for span in ours(TEXTS[2])] == ["王明"]
    assert ours.hash == plain.hash


def test_a_pipeline_is_saved_with_its_lists(tmp_path: Path, lists: dict[str, Path]) -> None:
    ours, plain = ner.load("news-fast", **lists), ner.load("news-fast")
    expected = list(ours.tag(TEXTS))
    assert expected != list(plain.tag(TEXTS))
    ours.nlp.to_disk(tmp_path / "ours")
    loaded = ner.load(tmp_path / "ours")
    assert (list(loaded.tag(TEXTS)), loaded.hash) == (expected, plain.hash)
    assert list(
        plain.nlp.from_bytes(ours.nlp.to_bytes()).get_pipe("span_tagger").stream(TEXTS)
    ) == (expected)
    again = ner.load(tmp_path / "ours", never=lists["never"])  # these, and no longer the others
    assert list(again.tag(TEXTS)) == list(ner.load("news-fast", never=lists["never"]).tag(TEXTS))
    (tmp_path / "ours/span_tagger/house.json").write_text("[]", encoding="utf-8")
    with pytest.raises(NerError, match="word lists are damaged"):
        ner.load(tmp_path / "ours")
    bare = ner.load("news-fast")
    bare.nlp.to_disk(tmp_path / "ours")
    assert list(ner.load(tmp_path / "ours").tag(TEXTS)) == list(bare.tag(TEXTS)) != expected


def test_the_command_takes_the_lists(tmp_path: Path, lists: dict[str, Path]) -> None:
    articles, output = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    rows = [{"id": str(k), "text": text} for k, text in enumerate(TEXTS)]
    articles.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    options = ["--names", str(lists["names"]), "--never", str(lists["never"])]
    command = ["tag", "--input", str(articles), "--output", str(output), *options]
    assert CliRunner().invoke(app, command).exit_code == 0
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [[span["label"] for span in line["spans"]] for line in lines] == [
        ["BRAND"] * 2,
        [],
        ["PER"],
    ]

    store = f"sqlite:///{tmp_path}/a.db"
    assert CliRunner().invoke(app, ["ingest", str(articles), "--store", store]).exit_code == 0
    assert CliRunner().invoke(app, ["tag", "--store", store, *options]).exit_code == 0
    shown = CliRunner().invoke(app, ["show", "--store", store, "--list", "--label", "BRAND"])
    assert shown.exit_code == 0 and "青柚帮" in shown.output and "一表通" not in shown.output


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("names", "青柚帮\tBRAND\n红管家\n", "names.tsv:2: 红管家 has no label"),
        ("names", "青柚帮\tTEAM\n", "names.tsv:1: label 'TEAM' of 青柚帮 is not the model's"),
        ("names", "\tBRAND\n", "names.tsv:1: the line begins with a tab"),
        ("names", "长" * 33 + "\tBRAND", "names.tsv:1: 长"),
        ("never", "# x\n一表通\tBRAND\n", "never.txt:2: 一表通 has more in its line"),
        ("never", "柚帮\n", "never.txt:1: 柚帮 is among the names too"),
    ],
)
def test_an_error_in_a_list_names_file_and_line(
    lists: dict[str, Path], file: str, content: str, message: str
) -> None:
    lists[file].write_text(content, encoding="utf-8")
    with pytest.raises(NerError) as error:
        ner.load(**lists)
    assert message in str(error.value) and error.value.remedy


def test_a_list_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="cannot be read"):
        ner.load(names=tmp_path / "none.tsv")
    (tmp_path / "latin.tsv").write_bytes("青".encode("gb18030"))
    with pytest.raises(NerError, match="is not UTF-8"):
        ner.load(never=tmp_path / "latin.tsv")
