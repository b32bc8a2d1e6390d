"""Folders of files as data lakes keep articles: tagged into a folder, a file for each."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event

import pytest
from cms import ner
from conftest import make_article

from ner.article import Article, Rejected
from ner.batch.folders import MADE_BY, FolderEnds
from ner.batch.local import run
from ner.batch.tagging import settings_key
from ner.batch.workers import this_process
from ner.formats import article_row, dump
from ner.formats.reader import read
from ner.formats.save import save
from ner.tagger import loading
from ner.tagger.loading import Tagger, load


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", cache(loading.load))
        yield


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The fast model: what is tested is not what it finds."""
    return load("news-fast")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A day in Parquet, one in JSONL with a bad line, a text without a date."""
    folder = tmp_path / "lake"
    for day in ("18", "19"):
        (folder / f"date=2025-03-{day}").mkdir(parents=True)
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    save("parquet", map(make_article, range(40)), folder / "date=2025-03-18" / "a.parquet")
    lines = [dump(article_row(make_article(number))) for number in range(40, 43)]
    (folder / "date=2025-03-19" / "b.jsonl").write_text("".join([lines[0], "{}\n", *lines[1:]]))
    (folder / "c.txt").write_text("昨天，陈晓在南岸区开会。\n")
    return folder


def tag(folder: Path, output: Path, *options: str) -> tuple[int, str]:
    command = ["tag", "--model", "news-fast", "--input", folder, "--output", f"{output}/"]
    result = ner(*command, *options)
    return result.exit_code, result.output


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def articles(*paths: Path) -> list[Article]:
    found = list(read(paths))
    assert not [item for item in found if isinstance(item, Rejected)]
    return [item for item in found if isinstance(item, Article)]


def test_a_file_out_for_each_file_in(lake: Path, tmp_path: Path, tagger: Tagger) -> None:
    out = tmp_path / "out"
    status, said = tag(lake, out)
    assert status == 1 and "44 articles tagged" in said
    assert "b.jsonl:2: has no text (needs a field body or text; `ner ingest --field` maps" in said
    parquet, lines = "date=2025-03-18/a.parquet", "date=2025-03-19/b.jsonl"
    failed = "date=2025-03-19/_b.jsonl.failed"
    assert files(out) == sorted([MADE_BY, "c.txt.jsonl", parquet, lines, failed])
    [why] = (out / failed).read_text().splitlines()
    assert json.loads(why)["id"] is None and "has no text" in json.loads(why)["error"]
    for name in (parquet, lines):
        before, after = list(read([lake / name])), articles(out / name)
        expected = [item for item in before if isinstance(item, Article)]
        assert [item.text for item in after] == [item.text for item in expected]
        found = list(tagger.tag(item.text for item in expected))
        assert [list(item.spans) for item in after] == found and found[0]
        assert {str(item.date) for item in after} == {name[5:15]}
        assert {span.model for item in after for span in item.spans} == {str(tagger)}
        assert {item.tagged_by for item in after} == {str(tagger)}
    import pyarrow.parquet as pq

    assert "date" not in pq.ParquetFile(out / parquet).schema_arrow.names
    [text] = articles(out / "c.txt.jsonl")
    assert [text.surface(span) for span in text.spans] == ["陈晓", "南岸区"]


def test_only_files_that_are_new_or_changed_are_tagged_again(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (lake / "date=2025-03-19" / "b.jsonl").unlink()
    tag(lake, out)
    assert "nothing left to tag" in tag(lake, out)[1]
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    (lake / "d.txt").write_text("渝北区也开会了。\n")
    (lake / "c.txt").write_text("陈晓去了巴南区。\n")
    later = before["c.txt.jsonl"] + 10**9
    os.utime(lake / "c.txt", ns=(later, later))
    assert tag(lake, out) == (0, tag_said(2, 3))
    assert "巴南区" in (out / "c.txt.jsonl").read_text()
    changed = {name for name in before if (out / name).stat().st_mtime_ns != before[name]}
    assert changed == {"c.txt.jsonl"}


def test_what_spark_writes_beside_its_files_is_passed_over(lake: Path, tmp_path: Path) -> None:
    out, day = tmp_path / "out", lake / "date=2025-03-18"
    (lake / "date=2025-03-19" / "b.jsonl").unlink()
    (lake / "_temporary").mkdir()
    article = dump(article_row(make_article(90)))
    for name in ("_temporary/a.jsonl", ".hidden.jsonl", "_metadata.jsonl"):
        (lake / name).write_text(article)
    for name in ("_SUCCESS", ".part.jsonl.crc", "part-00001.jsonl"):
        (day / name).touch()
    status, said = tag(lake, out)
    assert status == 0 and "41 articles tagged" in said
    assert "1 empty file" in said and "4 files whose names begin with . or _" in said
    assert files(out) == [MADE_BY, "c.txt.jsonl", "date=2025-03-18/a.parquet"]
    result = ner("tag", "--model", "news-fast", "--input", day, "--output", tmp_path / "a.jsonl")
    assert result.exit_code == 0, result.output


def test_what_an_earlier_run_could_not_tag_is_told_of(lake: Path, tmp_path: Path) -> None:
    out, bad = tmp_path / "out", lake / "date=2025-03-19" / "b.jsonl"
    first, said = tag(lake, out)
    assert first == 1 and "1 article in 1 file could not be tagged" not in said
    status, said = tag(lake, out)
    assert status == 1 and "nothing left" not in said and "nothing new to tag" in said
    assert f"{bad}: 1 article could not be tagged" in said
    assert "1 article in 1 file could not be tagged: _NAME.failed beside" in said
    (lake / "d.txt").write_text("渝北区也开会了。\n")
    status, said = tag(lake, out)
    assert status == 1 and "1 article tagged" in said and "1 article in 1 file" in said
    bad.write_text(bad.read_text().replace("{}\n", ""))
    os.utime(out / "date=2025-03-19" / "b.jsonl", (0, 0))
    assert tag(lake, out)[0] == 0
    status, said = tag(lake, out)
    assert status == 0 and "nothing left to tag" in said


def test_a_failure_that_was_deleted_is_told_of_no_more(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tag(lake, out)
    (out / "date=2025-03-19" / "_b.jsonl.failed").unlink()
    assert tag(lake, out)[0] == 0


def tag_said(articles: int, spans: int) -> str:
    return f"{articles} articles tagged by {load('news-fast')}, {spans} spans\n"


def test_what_was_stopped_leaves_no_half_file(tmp_path: Path, tagger: Tagger) -> None:
    """Ctrl-C ends a run in good order: all that was read is tagged, which is not all of the file."""
    lake, out, stop = tmp_path / "lake", tmp_path / "out", Event()
    lake.mkdir()
    save("jsonl", map(make_article, range(400)), lake / "a.jsonl")
    ends = FolderEnds(lake, out, str(tagger), settings_key(tagger))
    steps = run(ends, ends, this_process(tagger), model=str(tagger), stop=stop)
    next(steps)
    stop.set()
    assert 0 < len(list(steps)) < 399
    assert files(out) == [MADE_BY]


def test_what_was_interrupted_leaves_no_half_file(tmp_path: Path, tagger: Tagger) -> None:
    """Also where a file was read to its end, but not all of it written."""
    lake, out = tmp_path / "lake", tmp_path / "out"
    lake.mkdir()
    save("jsonl", map(make_article, range(100)), lake / "a.jsonl")
    ends = FolderEnds(lake, out, str(tagger), settings_key(tagger))
    steps = run(ends, ends, this_process(tagger), model=str(tagger))
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert files(out) == [MADE_BY]
    done = list(run(ends, ends, this_process(tagger), model=str(tagger)))
    assert len(done) == 100 and len(articles(out / "a.jsonl")) == 100


def test_a_large_file_is_written_group_by_group(
    tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("ner.batch.folders.GROUP", 40)
    lake, out = tmp_path / "lake", tmp_path / "out"
    lake.mkdir()
    save("parquet", map(make_article, range(100)), lake / "a.parquet")
    assert tag(lake, out)[0] == 0
    assert pq.ParquetFile(out / "a.parquet").num_row_groups == 2  # of 64 and 36
    assert [item.id for item in articles(out / "a.parquet")] == [
        make_article(number).id for number in range(100)
    ]


def test_a_folder_holds_what_one_model_found(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tag(lake, out)
    status, said = tag(lake, out, "--least", "0.9")
    assert status == 1 and "was tagged by news-fast-" in said and "with other --least" in said
    result = ner("tag", "--input", lake, "--output", f"{out}/")
    assert "was tagged by news-fast-" in result.output and "name a new folder" in result.output
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.doc").write_text("x")
    assert "holds something else" in tag(lake, tmp_path / "mine")[1]
    assert files(tmp_path / "mine") == ["a.doc"]


def test_what_cannot_be_tagged_into_a_folder_says_why(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "lies in the other folder" in tag(lake, lake / "out")[1]
    assert "name a file, or a folder as --input" in tag(lake / "c.txt", out)[1]
    missing = tag(tmp_path / "nothing", out)
    assert missing == (
        1,
        f"error: {tmp_path}/nothing: cannot be read: No such file or directory (check the path)\n",
    )
    result = ner("tag", "--engine", "ray", "--input", lake / "c.txt", "--output", out)
    assert "--input FOLDER --output FOLDER" in result.output
    result = ner("tag", "--engine", "ray", "--input", lake)
    assert "--input FOLDER --output FOLDER" in result.output
    for option in (["--again"], ["--retry-failed"], ["--article", "1"]):
        assert "go with a store" in tag(lake, out, *option)[1]
    assert not out.exists()
