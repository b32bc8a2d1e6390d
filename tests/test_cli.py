"""The command line as its users and their scripts meet it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from typer.main import get_command
from typer.testing import CliRunner, Result

from ner.cli import app
from ner.errors import DISTRIBUTION

PAGE = ROOT / "data/pages/jzrb-2025-03-18-003.txt"


def all_commands() -> list[str]:
    """Every command that does something, in its order: ``ingest``, ``corpus snap``, ``models``, …"""

    def leaves(group: Any, prefix: str) -> Iterator[str]:
        for name, command in group.commands.items():
            inner = getattr(command, "commands", {})
            if not inner or command.invoke_without_command:
                yield f"{prefix}{name}"
            if inner:
                yield from leaves(command, f"{prefix}{name} ")

    return list(leaves(get_command(app), ""))


def ner(*arguments: str | Path, input: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)


def one_line_error(result: Result) -> str:
    """The error of a command that must fail as a person would want it to: one line, no traceback."""
    assert result.exit_code == 1, result.output
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.output
    assert line.endswith(")"), f"no remedy: {line}"
    return line


def lines(*rows: object) -> bytes:
    return "".join(
        (row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows
    ).encode()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/articles.db"


def test_an_article_whose_id_is_taken_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    """Of many files with articles 1, 2, 3 each is told, and each is kept among the failures."""
    url = f"sqlite:///{tmp_path}/ids.db"
    (tmp_path / "a.jsonl").write_text(
        '{"id": "1", "text": "甲"}\n{"id": "1", "text": "乙"}\n', "utf-8"
    )
    (tmp_path / "b.csv").write_text("id,text\n9,丁\n1,丙\n", "utf-8")
    (tmp_path / "c.json").write_text('[{"id": "1", "text": "戊"}]', "utf-8")
    (tmp_path / "d.txt").write_text("己", "utf-8")
    ner("ingest", tmp_path / "d.txt", "--store", url)
    (tmp_path / "d.txt").write_text("庚", "utf-8")
    files = [tmp_path / name for name in ("a.jsonl", "b.csv", "c.json", "d.txt")]
    ingested = ner("ingest", *files, "--store", url)
    failures = ner("show", "--failures", "--store", url).stdout
    for place in ("a.jsonl:2: article 1", "b.csv:3: article 1", "c.json:item 1: article 1"):
        assert f"/{place}: is already stored with another text" in ingested.stderr
        assert f"/{place}: is already stored with another text" in failures
    assert re.search(r"/d\.txt: article [^ ]*d: is already stored", failures)
    again = ner("ingest", *files, "--store", url)
    assert ner("show", "--failures", "--store", url).stdout == failures, again.stderr


def test_every_command_is_in_the_help_with_an_example_and_in_the_readme() -> None:
    commands = all_commands()
    assert len(commands) == len(set(commands)) >= 23
    assert {"corpus snap", "models", "models promote", "models rollback"} < set(commands)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    overview = ner("--help").output
    for command in commands:
        text = ner(*command.split(), "--help").output
        assert f"Example: ner {command}" in " ".join(text.replace("│", " ").split())
        assert f"| `ner {command}" in readme
        assert command.split()[0] in overview


def test_every_option_says_what_it_does() -> None:
    for command in all_commands():
        text = ner(*command.split(), "--help").output
        for line in text.splitlines():
            if match := re.match(r"│ \*?\s+(--[\w-]+)\s+(-\w)?\s*(\S.*)?│", line):
                assert match[3], f"ner {command} {match[1]} has no help"


def test_examples_have_only_options_that_exist() -> None:
    for command in all_commands():
        text = " ".join(ner(*command.split(), "--help").output.replace("│", " ").split())
        described = text.partition("Options")[2]
        for example in re.findall(r"Example: (ner .*?)(?=Example:|╭|Arguments|$)", text):
            for option in re.findall(r"(?<!\S)--[a-z-]+", example.partition("─")[0]):
                assert option in described, f"{example}: no {option}"


def test_the_version_is_that_of_the_package() -> None:
    assert ner("--version").stdout == f"ner {version(DISTRIBUTION)}\n"


def test_help_does_not_wait_for_spacy() -> None:
    slow = ("spacy", "torch", "onnxruntime", "sqlalchemy")
    code = f"import sys, ner.cli; print([name for name in {slow} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_tagging_needs_nothing_of_the_extras() -> None:
    """What a base install lacks must not be asked for on the way from page to spans."""
    code = """
import sys
for name in ("torch", "onnx", "matplotlib", "pyarrow", "psycopg", "hanlp", "fastapi", "lxml", "docx"):
    sys.modules[name] = None
import ner, ner.cli, ner.formats.reader, ner.batch.local, ner.batch.jsonl, ner.cli.render
print(len(next(ner.load().tag(["南岸区"]))))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.stdout.strip() == "1", out.stderr


def test_the_tagging_contract(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = ["南岸区后堡社区党委书记杨莉说", "", "没有名字", "👍🏽𠮷，南岸区"]
    source.write_bytes(
        lines(*({"id": str(n), "text": text, "other": 1} for n, text in enumerate(texts)))
    )
    result = ner("tag", "--input", source, "--output", target)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    for row, text in zip(rows, texts):
        assert set(row) == {"id", "spans"}
        for span in row["spans"]:
            assert set(span) == {"start", "end", "label", "text", "score"}
            assert text[span["start"] : span["end"]] == span["text"]
            assert span["label"] in ("PER", "LOC", "ORG", "BRAND") and 0 <= span["score"] <= 1
    assert rows[3]["spans"][0]["text"] == "南岸区" and rows[3]["spans"][0]["start"] == 4


def test_bad_lines_keep_their_place_and_cost_nobody_else(tmp_path: Path) -> None:
    good = {"id": "1", "text": "南岸区"}
    bad = ["{bad", {"id": "x"}, {"text": "无号"}, ["列表"], "", {"id": "y", "text": None}]
    result = ner("tag", "--input", "-", input=lines(good, *bad, good))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [row["id"] for row in rows] == ["1", None, "x", None, None, None, "y", "1"]
    assert [sorted(row) for row in rows[1:-1]] == [["error", "id"]] * 6
    assert rows[0] == rows[-1]
    assert rows[0]["spans"][0]["text"] == "南岸区"
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [error.split(":")[2] for error in errors] == ["2", "3", "4", "5", "6", "7"]
    assert errors[0].startswith("error: <stdin>:2: not JSON")


def test_a_script_sees_its_own_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    data = lines({"id": "渝", "text": "南岸区"})
    out = subprocess.run(
        [sys.executable, "-m", "ner", "tag", "--input", "-"],
        input=data,
        capture_output=True,
        env=environment,
        check=True,
    )
    assert json.loads(out.stdout.decode("utf-8"))["id"] == "渝"


def test_an_output_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old\n")
    result = ner("tag", "--input", tmp_path / "none.jsonl", "--output", target)
    assert "none.jsonl: cannot be read: No such file" in one_line_error(result)
    assert target.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [target]


def test_page_to_spans_to_export(url: str) -> None:
    assert "3 added" in ner("ingest", PAGE, "--store", url).stderr
    assert "3 articles tagged" in ner("tag", "--store", url).stderr
    exported = [json.loads(line) for line in ner("export", "--store", url).stdout.splitlines()]
    assert [row["id"] for row in exported] == [f"jzrb-2025-03-18-003-{n}" for n in (1, 2, 3)]
    for row in exported:
        extra = {"author", "editor", "overtitle", "continued_from", "continued_on"}
        assert [name for name in row if name not in extra] == [
            *("id", "title", "text", "paper", "date", "page", "section", "tagged_by", "spans")
        ]
        assert (row["date"], row["page"]) == ("2025-03-18", "003")
        assert row["spans"]
        for span in row["spans"]:
            assert row["text"][span["start"] : span["end"]] == span["text"]
            assert span["model"].startswith("news-")
    shown = ner("show", "--store", url).stdout
    assert "第003版" in shown and "板凳议事" in shown and "BRAND" in shown


def test_running_the_path_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        first = ner("ingest", PAGE, "--store", url), ner("tag", "--store", url)
        export = ner("export", "--store", url).stdout
    assert "3 unchanged" in first[0].stderr and "nothing left to tag" in first[1].stderr
    assert len(export.splitlines()) == 3


def test_one_article_only(url: str) -> None:
    ner("ingest", PAGE, "--store", url)
    result = ner("tag", "--store", url, "--article", "jzrb-2025-03-18-003-2")
    assert "1 article tagged" in result.stderr
    assert "nobody: not in the store" in one_line_error(
        ner("tag", "--store", url, "--article", "nobody")
    )


def test_what_failed_can_be_read_later(url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines({"id": "1", "body": "好"}, "{bad"))
    result = ner("ingest", file, "--store", url)
    assert result.exit_code == 1 and "1 added, 1 failed" in result.stderr
    assert f"{file}:2: not JSON" in ner("show", "--failures", "--store", url).stdout.replace(
        "\n", ""
    )


BIG = b'{"id": "1", "text": "' + b"x" * 5_000_000 + b'"}\n'
BAD_INPUT = {
    "binary.jsonl": (b"\x89PNG\0\0\xff\xff", "is a picture .give the text"),
    "empty.jsonl": (b"", r"empty\.jsonl: is empty"),
    "third.jsonl": (
        lines({"id": "1", "text": "a"}, {"id": "2", "text": "b"}, "{"),
        r"third\.jsonl:3: not JSON",
    ),
    "big.jsonl": (BIG, r"big\.jsonl:1: line of over 4,000,000 bytes .one article a line; split it"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_to_tag(name: str, tmp_path: Path) -> None:
    data, said = BAD_INPUT[name]
    (tmp_path / name).write_bytes(data)
    assert re.search(said, one_line_error(ner("tag", "--input", tmp_path / name)))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"\x89PNG\0\0", "a.txt: is a picture (give the text)"),
        ("a.txt", b"", "a.txt: is empty"),
        (
            "a.txt",
            "字".encode() * 1_500_000,
            "text of 1,500,000 characters, over 1,000,000 (split it",
        ),
        (
            "a.txt",
            "字".encode() + b"\xff\xff\xff",
            "not UTF-8 (byte 3), nor GB18030, Big5 or UTF-16 (convert it",
        ),
        (
            "a.csv",
            b"nid,x\n1,2\n",
            "no column 'text', 'body', 正文 or 内容, only nid, x (map one with --field",
        ),
        ("a.jsonl", BIG, "a.jsonl:1: line of over 4,000,000 bytes"),
    ],
)
def test_bad_input_to_ingest(name: str, data: bytes, said: str, url: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert said in one_line_error(ner("ingest", tmp_path / name, "--store", url))


def test_gbk_text_is_ingested(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("题目\n南岸区开会。".encode("gbk"))
    assert ner("ingest", tmp_path / "a.txt", "--store", url).exit_code == 0
    assert json.loads(ner("export", "--store", url).stdout)["text"] == "题目\n南岸区开会。"


def test_folders_and_stores_that_are_not_what_was_meant(url: str, tmp_path: Path) -> None:
    assert "is a folder (add --recursive" in one_line_error(ner("ingest", tmp_path, "--store", url))
    assert "holds no file that can be read" in one_line_error(ner("tag", "--input", tmp_path))
    missing = f"sqlite:///{tmp_path}/none.db"
    for command in ("tag", "show", "export"):
        assert "no such store (make it with ner ingest" in one_line_error(
            ner(command, "--store", missing)
        )
    ner("ingest", PAGE, "--store", url)
    read_only = url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    error = one_line_error(ner("tag", "--store", read_only))
    assert (
        "attempt to write a readonly database (it can only be read: check the permissions" in error
    )


def test_stdin_and_field_mapping(url: str) -> None:
    data = lines({"nid": "7", "headline": "题", "content": "南岸区开会。"})
    fields = [f"--field={pair}" for pair in ("id=nid", "title=headline", "body=content")]
    assert "1 added" in ner("ingest", "-", *fields, "--store", url, input=data).stderr
    row = json.loads(ner("export", "--store", url).stdout)
    assert (row["id"], row["text"]) == ("7", "题\n南岸区开会。")
    assert "--field x=y is not a mapping" in one_line_error(
        ner("ingest", "-", "--field", "x=y", "--store", url)
    )


def test_a_reader_that_goes_away_is_no_error(url: str) -> None:
    ner("ingest", PAGE, "--store", url)
    command = f"{sys.executable} -m ner export --store {url} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"
    out = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (out.stdout.strip(), out.stderr) == ("0", "")


def test_training_without_its_extra_names_the_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; import ner.cli; ner.cli.app(['train', 'x'])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.returncode == 1
    assert "this needs torch (pip install 'zh-news-ner[train]')" in out.stderr


def test_models_and_evaluate() -> None:
    assert ner("models").stdout.startswith("news-")
    table = ner("evaluate", "news", ROOT / "data/annotations/dev.jsonl").stdout
    assert "precision" in table and "outermost" in table


def test_the_loop_chooses_and_suggests(tmp_path: Path) -> None:
    pool, names = tmp_path / "pool.jsonl", tmp_path / "names.tsv"
    texts = ["南岸区后堡社区党委书记杨莉说。\n下雨了。", "渝北区“一表通”真省事！", "雨还在下。"]
    pool.write_bytes(
        lines(*({"id": str(n), "text": t, "paper": "报"} for n, t in enumerate(texts)))
    )
    names.write_text("杨莉\tPER\n", "utf-8")
    chosen, told = tmp_path / "chosen.jsonl", tmp_path / "told.jsonl"
    options = ("--unit", "sentence", "--budget", "30", "--output", chosen, "--against", "lac")
    result = ner("annotate", "select", pool, *options)
    assert result.exit_code == 0, result.output
    assert "2 of 4 chosen" in result.stderr and "names" in result.stderr
    teachers = ("--teacher", "model", "--teacher", f"dictionary:{names}")
    assert ner("annotate", "suggest", chosen, *teachers, "--output", told).exit_code == 0
    rows = {row["id"]: row for row in map(json.loads, told.read_text("utf-8").splitlines())}
    assert set(rows) == {"0:0-15", "1:0-12"}
    assert rows["0:0-15"]["paper"] == "报"
    people = [s for s in rows["0:0-15"]["spans"] if s["text"] == "杨莉"]
    [(label, model)] = [(s["label"], s["model"]) for s in people]
    assert label == "PER" and model.startswith("news-") and model.endswith("+dictionary:names.tsv")
    assert "no teacher 'jieba'" in one_line_error(
        ner("annotate", "suggest", pool, "--teacher", "jieba")
    )
    assert "unknown unit" in one_line_error(ner("annotate", "select", pool, "--unit", "word"))


@pytest.mark.parametrize(
    "command",
    [
        ["show"],
        ["ingest"],
        ["export", "--format"],
        ["train", "--from-store"],
        ["train", "c.toml", "--from-store"],
        ["--debug", "tag", "--input"],
        ["--log-format", "json", "corpus", "stats"],
    ],
)
@pytest.mark.parametrize("url", ["postgres://u:zq zq@h/d".replace(" ", "'"), "u:zqzq@h/d"])
def test_a_password_in_the_wrong_place_is_not_shown(command: list[str], url: str) -> None:
    done = ner(*command, url)
    assert done.exit_code and "zq" not in done.output, done.output


def test_a_folder_is_tagged_as_it_is_ingested(tmp_path: Path) -> None:
    (tmp_path / "日").mkdir()
    (tmp_path / "日/a.txt").write_text("后堡社区的杨莉来了。", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"id": 7, "text": "杨莉"}\n', encoding="utf-8")
    (tmp_path / "c.txt").touch()
    (tmp_path / "d.pdf").touch()
    output = tmp_path.parent / "tagged.jsonl"
    for target in ("-", output):
        done = ner("tag", "--input", tmp_path, "--output", target)
        assert done.exit_code == 1 and "c.txt: is empty" in done.stderr
        assert "skipped: 1 .pdf files" in done.stderr
        text = done.stdout if target == "-" else output.read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        assert [("error" in row, row.get("text")) for row in rows] == [
            (False, None),
            (True, None),
            (False, "后堡社区的杨莉来了。"),
        ]
    done = ner("annotate", "suggest", tmp_path / "日", "--teacher", "model")
    assert json.loads(done.stdout)["text"] == "后堡社区的杨莉来了。"
