"""What the documents show must be what happens."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from typer.main import get_command

import ner
from ner.cli import app
from ner.errors import DISTRIBUTION
from ner.labels import LABELS
from ner.tagger.loading import load

READMES = ["README.md", "README.zh-CN.md"]


@pytest.mark.parametrize("name", READMES)
def test_the_readme_shows_what_the_command_prints(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    [(echoed, printed)] = re.findall(
        r"^\$ echo '(.+)' \| ner tag --input -\n(.+)$", text, re.MULTILINE
    )
    command = [sys.executable, "-m", "ner", "tag", "--input", "-"]
    out = subprocess.run(command, input=f"{echoed}\n".encode(), capture_output=True, check=True)
    shown, got = json.loads(printed), json.loads(out.stdout)
    for span in (*shown["spans"], *got["spans"]):
        span["score"] = round(span["score"], 1)  # the last digits are the processor's
    assert got == shown


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_readmes_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec("\n".join(blocks("README.md", "python")), {})
    out = capsys.readouterr().out
    assert out.startswith(f"{ner.__version__}\n[(0, 3, 'LOC', '南岸区')")
    assert "(重庆市渝北区人民法院,)" in out
    assert "('渝北区', 'LOC')" in out


def test_the_readmes_commands_run(tmp_path: Path) -> None:
    """Those that need no network and no minutes, one after the other in a folder of their own."""
    left_out = ("make ", "pip install", "ner train ", "$ echo")
    commands = [
        line
        for block in blocks("README.md", "sh")
        for line in block.splitlines()
        if not any(block.startswith(word) for word in left_out)
    ]
    assert len(commands) >= 6
    (tmp_path / "data").symlink_to(ROOT / "data")
    script = f'set -e\nner() {{ "{sys.executable}" -m ner "$@"; }}\n' + "\n".join(commands)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert out.returncode == 0, out.stderr
    assert "后堡社区" in out.stdout or "南岸区" in out.stdout or "BRAND" in out.stdout
    exported = (tmp_path / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(span["score"] >= 0.8 for line in exported for span in json.loads(line)["spans"])


def test_two_commands_come_first() -> None:
    for name in READMES:
        first = blocks(name, "sh")[0].splitlines()
        assert [line.split("#")[0].strip() for line in first] == ["make run", "make test"]


def test_the_readmes_say_the_same() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    for language in ("sh", "python"):
        here, there = (
            [re.sub(r" +# .*", "", block) for block in blocks(name, language)] for name in READMES
        )
        assert here == there
    codes = [set(re.findall(r"`([^`\n]+)`", text)) for text in (english, chinese)]
    assert codes[0] == codes[1]
    assert english.count("\n## ") == chinese.count("\n## ")
    rows = [re.findall(r"^\| (`[^|]+?`) \|", text, re.MULTILINE) for text in (english, chinese)]
    assert rows[0] == rows[1]


def options(command: list[str]) -> tuple[str, set[str]]:
    """The command that words begin with, and its options; those of the program for ``ner`` alone."""
    found, name = get_command(app), "ner"
    for word in command:
        below = getattr(found, "commands", {}).get(word)
        if below is None:
            break
        found, name = below, f"{name} {word}"
    return name, {opt for parameter in found.params for opt in parameter.opts}


@pytest.mark.parametrize("name", [*READMES, "docs/annotate.md", "docs/store.md"])
def test_the_documents_name_options_that_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = [line for block in blocks(name, "sh") for line in block.splitlines()]
    rows = [row.replace("`", " ") for row in re.findall(r"^\| `ner .*$", text, re.MULTILINE)]
    spoken = [line for line in re.findall(r"`(ner [^`]+)`", text)]
    checked = 0
    for line in [*lines, *rows, *spoken]:
        if not (command := re.search(r"\bner ((?:[a-z][\w-]* ?)+)", line)):
            continue
        named, known = options(command[1].split())
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line[command.end() :]):
            checked += 1
            assert option in known, f"{name}: {named} has no {option}: {line}"
    assert checked > 5


def test_every_command_stands_in_both_readmes() -> None:
    def leaves(group: Any, name: str) -> Iterator[str]:
        for word, command in group.commands.items():
            if below := getattr(command, "commands", None):
                yield from leaves(command, f"{name} {word}")
                assert below
            else:
                yield f"{name} {word}"

    for readme in READMES:
        text = (ROOT / readme).read_text(encoding="utf-8")
        for command in leaves(get_command(app), "ner"):
            assert re.search(rf"^\| `{command}[` ]", text, re.MULTILINE), f"{readme}: {command}"


def test_the_package_exports_what_it_says() -> None:
    assert ner.__all__ == sorted(ner.__all__)
    assert all(getattr(ner, name) for name in ner.__all__)
    assert ner.load is load
    with pytest.raises(AttributeError, match="has no attribute 'tag'"):
        _ = ner.tag  # type: ignore[attr-defined]


def test_the_architecture_page_names_the_folders_that_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[\w./]+`(?:, )?)+) \| (.+) \|$", page, re.MULTILINE)
    named = {name for cell, _ in rows for name in re.findall(r"`([^`]+)`", cell)}
    found = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "ner").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert named == found - {"__init__.py", "__main__.py"}
    for folder, holds in rows:
        for name in re.findall(r"`([a-z_]+/?)`", holds) if folder.endswith("/`") else []:
            place = ROOT / "ner" / folder.strip("`") / name
            assert place.is_dir() or place.with_suffix(".py").is_file(), f"{folder} has no {name}"


def test_the_guideline_is_in_two_languages() -> None:
    page = (ROOT / "docs/guideline.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == set(LABELS)
    rules = re.split(r"^- ", page, flags=re.MULTILINE)[1:]
    assert len(rules) > 15
    for rule in rules:
        first, *rest = rule.split("\n##")[0].strip().splitlines()
        assert re.search("[\u4e00-\u9fff]{3}", first), f"no Chinese: {rule}"
        assert any(re.match(r"  [A-Z“周法].*[a-z]{3}", line) for line in rest), (
            f"no English: {rule}"
        )


def test_links_in_the_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_distribution_has_one_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == DISTRIBUTION
    assert ner.__version__ == project["version"]
    extras = project["optional-dependencies"]
    folders = ("ner", "tests", "benchmarks", "docs", "configs", "models")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    named = 0
    for path in [*files, *ROOT.glob("*.md")]:
        if path.suffix not in {".py", ".md", ".toml"}:
            continue
        for name, listed in re.findall(
            r"pip install '([\w.-]+)\[([\w,]+)\]'", path.read_text(encoding="utf-8")
        ):
            named += 1
            assert name in {DISTRIBUTION, "."}, f"{path}: {name} is another project"
            assert set(listed.split(",")) <= set(extras), f"{path}: no extra {listed}"
    assert named > 5


def test_a_missing_library_names_an_extra_that_installs_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    calls = [
        match
        for path in (ROOT / "ner").rglob("*.py")
        for match in re.findall(
            r"(?:missing_extra\([^,()]+, |needing\()\"([\w,]+)\"", path.read_text(encoding="utf-8")
        )
    ]
    assert len(calls) > 5
    assert {extra for call in calls for extra in call.split(",")} <= set(extras)


def test_the_messages_in_the_annotation_page_are_those_of_the_program() -> None:
    page = (ROOT / "docs/annotate.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "ner/annotation").rglob("*.py"), ROOT / "ner/article.py"]
    code = " ".join(path.read_text(encoding="utf-8") for path in sources)
    tables = re.findall(r"^\| message \| remedy \|\n.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    messages = [row.split(" | ")[0].strip("| ") for table in tables for row in table.splitlines()]
    assert len(messages) > 8
    for message in messages:
        for part in re.split(r"…|\d+ s", message):
            assert part.strip() in code, f"nothing says {part!r} of {message!r}"
