"""Folders, archives and web pages as newsrooms have them: every file is read, counted or refused."""

import gzip
import json
import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from benchmarks.fuzz import sample, zipped
from ner import article
from ner.article import Article, Rejected
from ner.cli import app
from ner.errors import NerError
from ner.formats import FORMATS, Source, find, read

TEXT = "南岸区后堡社区的杨丽说，“邻里汇”办得好。"


def articles(path: Path, **options: object) -> list[Article]:
    items = list(read([path], **options))  # type: ignore[arg-type]
    assert all(isinstance(item, Article) for item in items), items
    return items  # type: ignore[return-value]


def test_an_article_knows_its_file_and_line(tmp_path: Path) -> None:
    """Also where the form's reader does not say it: of a page the file is all there is to say."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        f"{json.dumps({'id': '1', 'text': TEXT})}\n{json.dumps({'id': '2', 'text': TEXT})}\n"
    )
    assert [item.where for item in articles(path)] == [f"{path}:1", f"{path}:2"]
    page = ROOT / "data/pages/jzrb-2025-03-18-001.txt"
    assert {item.where for item in articles(page)} == {str(page)}


def test_an_article_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking takes about as long as all the rest of reading."""
    path = tmp_path / "a.jsonl"
    rows = [{"id": str(n), "text": TEXT, "spans": [[0, 3, "LOC"]]} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked: list[str] = []
    check = article.check_spans
    monkeypatch.setattr(article, "check_spans", lambda s, t: [checked.append(t), check(s, t)][1])
    assert len(articles(path)) == len(checked) == 3


def test_a_folder_is_accounted_for(tmp_path: Path) -> None:
    for name in (
        "a.txt",
        "b.html",
        "c.pdf",
        "d.pdf",
        "e",
        "f.jpg",
        "g.ann",
        "h.txt",
        "h.ann",
        "~$n.docx",
    ):
        (tmp_path / name).write_text("x")
    os.mkfifo(tmp_path / "i.txt")
    (tmp_path / "j.txt").symlink_to("nowhere")
    (tmp_path / "k").mkdir()
    (tmp_path / "l").symlink_to("k")
    skipped: Counter[str] = Counter()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "m.txt"))
        found = find([str(tmp_path)], recursive=True, skipped=skipped)
    assert [path.name for path in found if path] == ["a.txt", "b.html", "h.txt"]
    assert +skipped == {
        ".pdf files": 2,
        ".jpg files": 1,
        "files without a suffix": 1,
        ".ann files without their .txt": 1,
        "FIFOs": 1,
        "lock files of Word or Excel": 1,
        "sockets": 1,
        "broken links": 1,
        "links to folders": 1,
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_counted(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    skipped: Counter[str] = Counter()
    assert find([str(tmp_path)], recursive=True, skipped=skipped) == []
    assert skipped["folders that cannot be listed"] == 1


def test_ingest_says_what_it_skipped_and_fails_where_nothing_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    store = f"sqlite:///{tmp_path}/store.db"
    result = CliRunner().invoke(app, ["ingest", "-r", str(tmp_path), "--store", store])
    assert result.exit_code == 1
    assert "1 .pdf files" in result.stderr


def test_files_of_one_name_in_two_folders_are_two_articles(tmp_path: Path) -> None:
    for day in ("0318", "0319"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "001.txt").write_text(f"{day}的题\n{TEXT}", encoding="utf-8")
    files = find([str(tmp_path)], recursive=True)
    ids = [item.id for item in read(files)]
    assert [i.rsplit("/", 1)[0].rsplit("/", 1)[-1] for i in ids] == ["0318", "0319"]
    assert [item.id for item in read(files)] == ids, "another id at the second reading"
    store = f"sqlite:///{tmp_path}/store.db"
    options = ["--store", store, "--replace"]
    for day in ("0318", "0319"):
        result = CliRunner().invoke(app, ["ingest", "-r", str(tmp_path / day), *options])
        assert "1 added" in result.stderr
    result = CliRunner().invoke(app, ["ingest", "-r", str(tmp_path), *options])
    assert "2 unchanged" in result.stderr


def test_two_files_that_would_get_one_id_are_an_error(tmp_path: Path) -> None:
    name = "jzrb-2025-03-18-003.txt"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(f"题{folder}\n{TEXT}", encoding="utf-8")
    first, second = read(find([str(tmp_path)], recursive=True))
    assert isinstance(first, Article) and first.id == "jzrb-2025-03-18-003"
    assert isinstance(second, Rejected) and "would have the id" in second.why


def test_a_name_that_is_not_utf8_is_written_with_escapes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
    path.write_text(TEXT, encoding="utf-8")
    [item] = read([path])
    assert isinstance(item, Article) and item.id.endswith("/\\xff")
    path.write_bytes(b"")
    [item] = read([path])
    assert str(item).encode() and "\\xff.txt: is empty" in str(item)


def test_a_zip_of_files_is_read_member_by_member(tmp_path: Path) -> None:
    members = {
        "../../etc/001.txt": f"题\n{TEXT}",
        "新闻/b.jsonl": json.dumps({"id": "b", "text": TEXT}),
        "c.docx": sample("docx"),
        "d.jpg": b"x",
        "e.zip": b"x",
        "f.txt": b"",
    }
    (tmp_path / "0320.zip").write_bytes(zipped(members))
    skipped: Counter[str] = Counter()
    items = list(read([tmp_path / "0320.zip"], skipped=skipped))
    good = [item for item in items if isinstance(item, Article)]
    assert [item.id for item in good][1:] == [f"{tmp_path.name}/0320/c.docx", "b"]
    assert good[0].id.endswith("etc/001") and ".." not in good[0].id
    [bad] = [item for item in items if isinstance(item, Rejected)]
    assert bad.where.endswith("0320.zip/f.txt") and bad.why == "is empty"
    assert +skipped == {".jpg files in archives": 1, "zip files in archives": 1}


def test_names_in_gbk_in_an_archive_are_read(tmp_path: Path) -> None:
    data = zipped({"cp437.txt": TEXT})
    assert len("新闻".encode("gbk")) + 5 == len("cp437.txt")
    renamed = data.replace(b"cp437.txt", "新闻".encode("gbk") + b"a.txt")
    (tmp_path / "a.zip").write_bytes(renamed)
    [item] = articles(tmp_path / "a.zip")
    assert item.id.endswith("/a/新闻a")


def test_what_unpacks_to_far_more_than_text_does_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner.formats.source.MAX_WHOLE", 1 << 20)
    monkeypatch.setattr("ner.formats.paths.MAX_WHOLE", 1 << 20)
    line = b'{"id": "1", "text": "' + b"a" * 1000 + b'"}\n'
    for name, data in (
        ("a.jsonl.gz", gzip.compress(b"a" * (30 << 20), 9)),
        ("b.txt.gz", gzip.compress(line * 20_000, 9)),
        ("c.zip", zipped({"c.txt": line * 20_000})),
    ):
        (tmp_path / name).write_bytes(data)
        *_, last = read([tmp_path / name])
        assert isinstance(last, Rejected) and "unpacks to over" in last.why, name


def test_a_cut_gz_gives_what_it_holds_and_an_error(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"id": str(n), "text": TEXT * 9}) + "\n" for n in range(3000))
    data = gzip.compress(rows.encode())
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2])
    *good, last = read([tmp_path / "a.jsonl.gz"])
    assert len(good) > 100 and isinstance(last, Rejected) and "cannot be read" in last.why


def test_a_json_array_is_articles() -> None:
    rows = [{"标题": 2025, "正文": TEXT, "编号": 7}, {"正文": 4}, [], {"text": "文", "x": 1}]
    dropped: Counter[str] = Counter()
    source = Source("a.json", json.dumps(rows).encode())
    first, second, third, fourth = FORMATS["json"].read(source, {}, dropped)
    assert isinstance(first, Article) and (first.id, first.title) == ("7", "2025")
    assert str(second).startswith("a.json:item 2: field 'body' is int, not text (write it as text")
    assert str(third).startswith("a.json:item 3: list is not a JSON object")
    assert isinstance(fourth, Article) and +dropped == {"fields 'x'": 1}


HTML = """<!DOCTYPE html><html><head><meta charset="{encoding}"><title>邻里汇开张_江州新闻</title>
<script>var 脚本 = "不该出现";</script><style>.x {{ color: red }}</style></head><body>
<div class="nav"><a href="/">首页</a> <a href="/a">要闻</a></div>
<h1>邻里汇开张</h1><div>2025年3月18日 09:30 来源：江州日报 <a>打印</a></div>
<div class="content"><p>　　本报讯（记者 陈晓、吴敏）后堡社区的杨丽说，&ldquo;邻里汇&rdquo;&nbsp;办得好。</p>
<script>alert("不该出现")</script><p>　　居民&#29579;强也来了，1 &lt; 2。</p></div>
<div class="footer">版权所有 江州日报</div></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_saved_web_page_is_its_article(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.html").write_bytes(HTML.format(encoding=encoding).encode(encoding))
    [item] = articles(tmp_path / "a.html")
    assert item.title == "邻里汇开张"
    assert "“邻里汇”" in item.text and "居民王强也来了，1 < 2。" in item.text
    assert not any(word in item.text for word in ("不该出现", "首页", "打印", "版权", "color", "&"))
    assert (str(item.date), item.paper, item.author) == ("2025-03-18", "江州日报", "陈晓、吴敏")


def test_a_saved_epaper_page_in_html_is_its_articles(tmp_path: Path) -> None:
    text = (ROOT / "data/pages/jzrb-2025-03-18-003.txt").read_text(encoding="utf-8")
    blocks = "".join(
        f"<p>　　{line.strip()}</p>" if line.startswith("  ") else f"<div>{line}</div>"
        for line in text.split("\n")
    )
    page = f"<html><head><script>第009版:假</script></head><body>{blocks}</body></html>"
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    found = articles(tmp_path / "a.html")
    expected = articles(ROOT / "data/pages/jzrb-2025-03-18-003.txt")
    assert [(a.text, a.page, a.date) for a in found] == [(a.text, a.page, a.date) for a in expected]


def test_a_page_without_an_article_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<html><body><script>x</script></body></html>")
    [item] = read([tmp_path / "a.html"])
    assert isinstance(item, Rejected) and item.why == "no article found on the page"


def test_a_word_file_is_an_article(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(sample("docx"))
    [item] = articles(tmp_path / "a.docx")
    assert (item.title, item.body.split("\n")[0][:5]) == ("邻里汇开张", "南岸区后堡")
    assert item.body.endswith("又一段。\n表")


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"%PDF-1.7 x", "is a PDF file"), (b"Rar!\x1a", "RAR"), (b"\x89PNG\r\n", "is a picture")],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    [item] = read([tmp_path / "a.txt"])
    assert isinstance(item, Rejected) and why in item.why


def test_a_file_that_holds_no_article_is_not_passed_over(tmp_path: Path) -> None:
    for name, data in (("a.csv", "id,text\n"), ("b.json", "[]"), ("c.bio", "\n\n \n# x")):
        (tmp_path / name).write_text(data)
        [item] = read([tmp_path / name])
        assert isinstance(item, Rejected), name


def test_an_ann_needs_its_txt(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tLOC 0 1\t南")
    [item] = read([tmp_path / "a.ann"])
    assert "an .ann needs its .txt" in str(item)


def test_lines_are_a_stream(tmp_path: Path) -> None:
    """A file over the limit of forms that are read whole, in a process that may hold little."""
    import resource
    import subprocess
    import sys

    path = tmp_path / "a.jsonl"
    line = json.dumps({"text": TEXT * 40}, ensure_ascii=False) + "\n"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(20_000):
            file.write(line)
    code = (
        "import sys, resource; from pathlib import Path; from ner.formats import read\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "count = sum(1 for _ in read([Path(sys.argv[1])]))\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    count, kilobytes = map(int, run.stdout.split())
    assert count == 20_000, run.stderr
    assert kilobytes < path.stat().st_size / 1024 / 2
    assert resource  # the module is not on every system


def test_find_names_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="no such file"):
        find([f"{tmp_path}/none.txt"])
