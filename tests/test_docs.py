"""What the documents show must be what happens."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

import ner
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


def test_the_readmes_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(
        r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, object] = {}
    exec(code, names)
    assert "(0, 3, 'LOC')" in capsys.readouterr().out
    assert [ent.text for ent in names["doc"].ents] == ["重庆市渝北区人民法院"]  # type: ignore[attr-defined]


def test_the_front_door_is_what_it_says() -> None:
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
        assert any(re.match(r"  [A-Z“周法].*[a-z]{3}", line) for line in rest), f"no English: {rule}"


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
