"""`ner corpus`, as the keeper of a corpus meets it."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ner.cli import app
from ner.corpus import check, entries, part_of, read_quotes
from ner.errors import NerError

COMMANDS = ["convert", "stats", "check", "diff", "split", "merge", "detach", "attach"]
TEXT = "重庆市渝北区人民法院的法官陈晓说，“一表通”真省事。陈晓又说，“一表通”是晴雨表。"
SPANS = [[0, 10, "ORG"], [0, 3, "LOC"], [3, 6, "LOC"], [13, 15, "PER"], [18, 21, "BRAND"]]
SPANS += [[26, 28, "PER"], [32, 35, "BRAND"]]


def ner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


def row(
    number: int = 1, *, text: str = TEXT, spans: object = SPANS, **more: str
) -> dict[str, object]:
    return {"id": f"a-{number}", "text": text, "spans": spans, **more}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]


def kinds(path: Path) -> list[tuple[str, str]]:
    return [(finding.kind, finding.message) for finding in check(entries([path]))]


def test_help_has_an_example_for_every_command_and_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        text = ner(command, "--help").output
        assert f"Example: ner corpus {command}" in " ".join(text.replace("│", " ").split())
        assert f"ner corpus {command}" in readme


@pytest.mark.parametrize(
    "name", ["a.jsonl", "doccano.jsonl", "a.json", "folder", "a.spacy", "a.jsonld"]
)
def test_there_and_back(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "in.jsonl", row(1, title="", paper="江州日报"), row(2))
    to = ["--to", "doccano"] if name.startswith("doccano") else []
    assert ner("convert", source, tmp_path / name, *to).exit_code == 0
    result = ner("convert", tmp_path / name, tmp_path / "again.jsonl")
    assert (result.exit_code, result.stderr) == (0, "")
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_bytes().splitlines()]
    assert [each["paper"] for each in again] == ["江州日报", ""]
    for each in again:
        assert each["text"] == TEXT
        assert sorted([s["start"], s["end"], s["label"]] for s in each["spans"]) == sorted(SPANS)


def test_what_a_form_cannot_represent_is_reported_and_a_bad_line_costs_one_article(
    tmp_path: Path,
) -> None:
    source = write(
        tmp_path / "in.jsonl", row(1, topic="法院"), row(2, spans=[[0, 99, "LOC"]]), row(3)
    )
    result = ner("convert", source, tmp_path / "out.bmes")
    assert result.exit_code == 1
    assert "in.jsonl:2: span 0:99 LOC ends past the text" in result.stderr
    assert "dropped, since bmes cannot represent it: 4 inner spans" in result.stderr
    assert "since an article cannot represent it: 1 fields 'topic'" in result.stderr
    lines = (tmp_path / "out.bmes").read_text(encoding="utf-8").splitlines()
    assert lines[1:4] == ["重 B-ORG", "庆 M-ORG", "市 M-ORG"]
    assert sum(line.startswith("# article = ") for line in lines) == 2


def test_an_output_that_cannot_be_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", row())
    for output, message in [("a.xml", "no format for"), (".", "is there already")]:
        result = ner("convert", source, tmp_path / output)
        assert result.exit_code == 1 and message in result.stderr
    assert list(tmp_path.iterdir()) == [source]


def test_stats_of_our_corpus_lose_no_column_in_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    files = sorted((ROOT / "data/annotations").glob("*.jsonl"))
    heading, _, *rows = ner("stats", *files).stdout.splitlines()
    assert heading.split()[-2:] == ["quoted", "brands"]
    assert all(len(row.split()) == 10 and "…" not in row for row in rows)


def test_stats_by_a_field(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl", row(1, topic="法院"), row(2, topic="法院"), row(3, date="2024-12-05")
    )
    lines = [line.split() for line in ner("stats", source, "--by", "topic").stdout.splitlines()]
    size = str(len(TEXT))
    assert ["in.jsonl", "3", str(3 * len(TEXT)), "6", "6", "3", "6", "6", "6", "6"] in lines
    assert ["–", "1", size, "2", "2", "1", "2", "2", "2", "2"] in lines
    assert "2024-12" in ner("stats", source, "--by", "month").stdout


def test_check_names_file_line_article_and_place(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl",
        row(1),
        row(2, text=f"{TEXT}完", spans=[[0, 4, "LOC"], [3, 6, "LOC"]]),
    )
    result = ner("check", source)
    assert result.exit_code == 1
    assert f"{source}:2 (a-2): unreadable: span 3:6 LOC '渝北区' crosses" in result.stdout
    partly = write(tmp_path / "partly.jsonl", row(spans=SPANS[:5]))
    result = ner("check", partly, "--skip", "unmarked brand")
    assert result.exit_code == 0
    assert result.stdout == (
        f"{partly}:1 (a-1): unmarked mention: 陈晓 is PER elsewhere in the article, unmarked 1×"
        "  …一表通”真省事。【陈晓】又说，“一表通”…\n"
    )
    assert "1 unmarked mention" in result.stderr
    assert "unknown kind of finding" in ner("check", partly, "--skip", "x").stderr


@pytest.mark.parametrize(
    ("text", "span", "message"),
    [
        ("在“一表通”里", [1, 5, "BRAND"], "BRAND begins with '“'"),
        ("法院 的", [0, 3, "ORG"], "ORG ends with ' '"),
        ("绿蚂蚁”服务队", [0, 7, "ORG"], "ORG holds ” without its opening mark"),
        ("市“绿蚂蚁服务队", [0, 8, "ORG"], "ORG holds an opening mark without ”"),
        ("“绿蚂蚁”服务队", [1, 8, "ORG"], ""),
        ("商务部（驻渝）", [0, 7, "ORG"], ""),
        ("《“渝快办”手册》", [1, 6, "BRAND"], "BRAND begins with '“'"),
    ],
)
def test_suspicious_boundaries(tmp_path: Path, text: str, span: list[object], message: str) -> None:
    found = kinds(write(tmp_path / "a.jsonl", row(text=text, spans=[span])))
    assert found[:1] == ([("boundary", message)] if message else [])


def test_copies_are_found(tmp_path: Path) -> None:
    long = "".join(
        f"第{n}个小区的{chr(0x4E00 + 37 * n)}家在{chr(0x5E00 + 11 * n)}路。" for n in range(60)
    )
    source = write(
        tmp_path / "a.jsonl",
        row(1, text=long, spans=[]),
        row(2, text=f"{long[:400]}不同的结尾。", spans=[]),
        row(3, text=long, spans=[]),
        row(1, text="另一篇", spans=[]),
        row(5, text="".join(reversed(long)), spans=[]),
    )
    found = [kind for kind, _ in kinds(source)]
    assert found == ["duplicate", "duplicate", "near duplicate", "near duplicate"]


def test_one_string_with_two_labels_is_named_where_it_is_rare(tmp_path: Path) -> None:
    rows = [row(n, text=f"第{n}回到渝州去", spans=[[4, 6, "LOC"]]) for n in range(4)]
    odd = row(9, text="渝州说，好", spans=[[0, 2, "PER"]])
    found = kinds(write(tmp_path / "a.jsonl", *rows, odd))
    assert found == [("labels differ", "渝州 is PER here, LOC elsewhere (4×)")]


def test_diff_shows_where_two_annotators_differ(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", row(1), row(2, text="<b>渝&北</b>", spans=[[3, 6, "LOC"]]))
    second = write(tmp_path / "b.jsonl", row(1, spans=SPANS[:-1]), row(3))
    page = tmp_path / "diff.html"
    result = ner("diff", first, second, "--html", page)
    assert result.exit_code == 0
    assert "1 article only in" in result.stderr
    table = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert table["BRAND"][:4] == ["2", "1", "1", "66.7"]
    assert table["all"][:4] == ["7", "6", "6", "92.3"]
    html = page.read_text(encoding="utf-8")
    assert html.count('data-label="BRAND" class="disputed"') == 1
    assert "only in A: A 一表通 BRAND · B nothing" in html
    assert not re.search(r'(src|href)="', html)  # self-contained

    write(second, row(2, text="<b>渝&北</b>", spans=[[3, 4, "LOC"]]))
    ner("diff", first, second, "--html", page)
    html = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;" in html and "<b>" not in html

    write(second, row(1, text="别的", spans=[]))
    result = ner("diff", first, second)
    assert result.exit_code == 1
    assert (
        "article a-1 has another text" in result.stderr and "no article in common" in result.stderr
    )


@given(st.text(min_size=1), st.integers())
def test_an_article_is_always_in_the_same_part(article_id: str, seed: int) -> None:
    shares = {"train": 0.8, "dev": 0.1, "test": 0.1}
    part = part_of(article_id, shares, seed)
    assert part in shares
    assert part_of(article_id, {name: 10 * share for name, share in shares.items()}, seed) == part
    assert part_of(article_id, {"all": 1.0, "none": 0.0}, seed) == "all"


def test_split_goes_by_its_shares_and_growth_moves_nobody(tmp_path: Path) -> None:
    rows = [row(n, text=f"第{n}篇", spans=[], topic="法院") for n in range(600)]
    ner("split", write(tmp_path / "half.jsonl", *rows[:300]), "--output", tmp_path / "half")
    ner("split", write(tmp_path / "all.jsonl", *rows), "--output", tmp_path / "all")
    sizes = []
    for name in ("train.jsonl", "dev.jsonl", "test.jsonl"):
        before, after = ids(tmp_path / "half" / name), ids(tmp_path / "all" / name)
        assert [i for i in after if int(i[2:]) < 300] == before
        sizes.append(len(after))
    assert sum(sizes) == 600 and 450 < sizes[0] < 510
    assert '"topic": "法院"' in (tmp_path / "all/dev.jsonl").read_text(encoding="utf-8")
    with pytest.raises(NerError, match="shares"):
        part_of("a", {"train": 0.0})


def test_merge_takes_the_same_article_once_and_a_different_one_only_by_prefer(
    tmp_path: Path,
) -> None:
    first = write(tmp_path / "a.jsonl", row(1), row(2))
    second = write(tmp_path / "b.jsonl", row(2, spans=list(reversed(SPANS))), row(3))
    out = tmp_path / "out.jsonl"
    assert ner("merge", first, second, "--output", out).exit_code == 0
    assert ids(out) == ["a-1", "a-2", "a-3"]

    write(second, row(2, spans=SPANS[:2]))
    result = ner("merge", first, second, "--output", out)
    assert result.exit_code == 1
    assert f"{second}:1: article a-2 differs from that at {first}:2" in result.stderr
    for prefer, spans in (("first", 7), ("last", 2)):
        ner("merge", first, second, "--output", out, "--prefer", prefer)
        lines = out.read_text(encoding="utf-8").splitlines()
        assert [len(json.loads(line)["spans"]) for line in lines] == [7, spans]


def test_annotations_go_without_their_texts_and_find_them_again(tmp_path: Path) -> None:
    texts = write(
        tmp_path / "raw.jsonl",
        {"id": "a-9", "text": "别的。"},
        {"id": "a-1", "text": "另一篇。"},  # two texts of one id: the hash decides
        {"id": "a-1", "text": TEXT + "后面还有一段。"},
    )
    annotated = write(tmp_path / "in.jsonl", row(1))
    assert ner("detach", annotated, "--output", tmp_path / "spans.jsonl").exit_code == 0
    assert "重庆" not in (tmp_path / "spans.jsonl").read_text(encoding="utf-8")
    back = tmp_path / "back.jsonl"
    done = ner("attach", tmp_path / "spans.jsonl", "--texts", texts, "--output", back)
    assert done.exit_code == 0, done.output
    assert json.loads(back.read_text(encoding="utf-8")) == row(1, spans=sorted(SPANS, key=_outer))


def _outer(span: list[int]) -> tuple[int, int]:
    return span[0], -span[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("晴", "阴"), "the text of a-1 is not the one that was annotated"),
        (None, "the text of a-1 is in none of the files"),
    ],
)
def test_annotations_without_their_text_say_so(
    tmp_path: Path, text: str | None, message: str
) -> None:
    spans = tmp_path / "spans.jsonl"
    ner("detach", write(tmp_path / "in.jsonl", row(1)), "--output", spans)
    texts = write(tmp_path / "raw.jsonl", {"id": "a-1" if text else "b", "text": text or "无。"})
    back = tmp_path / "back.jsonl"
    failed = ner("attach", spans, "--texts", texts, "--output", back)
    assert failed.exit_code == 1
    assert message in failed.output
    assert f"{spans}:1" in failed.output.replace("\n", "")
    assert not back.exists()


def test_classes_of_quoted_strings_find_their_contexts(tmp_path: Path) -> None:
    string = "江畔有约"
    digest = hashlib.sha256(string.encode()).hexdigest()
    classes = write(tmp_path / "classes.jsonl", {"string_sha256": digest, "class": "BRAND"})
    context = f"街道办起“{string}”活动。"
    texts = write(
        tmp_path / "raw.jsonl",
        {"string": "晴雨表", "context": "是“晴雨表”。"},
        {"string": string, "context": context},
    )
    back = tmp_path / "quotes.jsonl"
    assert ner("attach", classes, "--texts", texts, "--output", back).exit_code == 0
    (example,) = read_quotes(back)
    assert [context[s.start : s.end] for s in example.spans] == [string]
