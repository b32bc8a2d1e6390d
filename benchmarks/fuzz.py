"""Damaged files of every form against the readers: `python -m benchmarks.fuzz --examples 10000`.

A file is made in each form, then damaged at random: bytes changed, cut, repeated, and values put in that
broke a reader once. Every reader must give articles and `Rejected`\\ s, and nothing else: no other error,
no span that does not fit its text, nothing that cannot be written as JSON, and no line lost in silence.
"""

import argparse
import datetime
import gzip
import io
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ner.article import Article, Rejected, Span, check_spans
from ner.formats import EXCHANGE, FORMATS, article_row, dump, read

ARTICLES = (
    Article(
        id="jz-1",
        text="邻里汇开张\n南岸区后堡社区的杨丽说，“邻里汇”👍好。\n又一段。",
        title="邻里汇开张",
        body_start=6,
        paper="江州日报",
        date=datetime.date(2025, 3, 18),
        page="A02",
        author="陈晓",
        spans=(
            Span(6, 9, "LOC", 0.9, "news-1.0"),
            Span(6, 13, "ORG", 0.8, "news-1.0"),
            Span(14, 16, "PER"),
            Span(19, 22, "BRAND"),
        ),
    ),
    Article(id="jz-2", text="王强到渝北区开会。", spans=(Span(0, 2, "PER"), Span(3, 6, "LOC"))),
)
PAGE = """甲标题乙标题
第A02版：综合
上一版 下一版
甲标题
乙标题

江州日报
江州日报社主办
上一篇  下一篇
2025 年 03 月 18 日 星期二 放大 缩小 默认
引题在此
甲标题
(上接1版)
　　本报讯（记者 陈晓）南岸区后堡社区的杨丽说好。
　　又一段。(下转3版)
上一篇  下一篇
江州日报版权所有 未经书面授权 不得复制
"""
_NASTY = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b'"',
        b"\r\n",
        b"\n",
        b"\t",
        b",",
        b"\\ud83d",
        b"\xe6\xb8",
    ),
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"0.9", b"true", b"null", b"{}", b"[]", b"[" * 3000),
    *(b"9" * 5000, b"2147483648", "第1版".encode() + b" " * 3000, "👍".encode(), b"<", b"&#0;"),
    *(
        b'"text":',
        b'"spans":',
        b"T9\tLOC 0 99\tx\n",
        b"# article = {}",
        b"\\u0000",
        b"\x1b]2;x\x07",
    ),
)


def sample(form: str) -> bytes:
    """A file in a form that can be read and is one file, undamaged."""
    write = FORMATS[form].write if form in EXCHANGE else None
    if write and not FORMATS[form].folder:
        return b"".join(part.data for part in write(ARTICLES))
    rows = [article_row(article) for article in ARTICLES]
    fields = ("id", "title", "text", "paper", "date", "page")
    table = [[str(row[name] or "") for name in fields] for row in rows]
    return _OTHERS[form](table, fields)


def _json(table: list[list[str]], fields: tuple[str, ...]) -> bytes:
    lines = [dump(article_row(article)).strip() for article in ARTICLES]
    return f"[{', '.join(lines)}]".encode()


def _csv(table: list[list[str]], fields: tuple[str, ...]) -> bytes:
    import csv

    file = io.StringIO()
    csv.writer(file).writerows([fields, *table])
    return file.getvalue().encode()


def _xlsx(table: list[list[str]], fields: tuple[str, ...]) -> bytes:
    def cells(values: Sequence[str]) -> str:
        return "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)

    sheet = "".join(f"<row>{cells(values)}</row>" for values in (fields, *table))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" ContentType="application/xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
            f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/s.xml"/>'
            "</Relationships>",
            "xl/worksheets/s.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData>'
            "</worksheet>",
        }
    )


def _docx(table: list[list[str]], fields: tuple[str, ...]) -> bytes:
    import docx

    document: Any = docx.Document()
    document.add_heading(ARTICLES[0].title, 1)
    for line in ARTICLES[0].body.split("\n"):
        document.add_paragraph(line)
    document.add_table(1, 2).cell(0, 1).text = "表"
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _html(table: list[list[str]], fields: tuple[str, ...]) -> bytes:
    body = "".join(f"<p>{line}</p>" for line in ARTICLES[0].body.split("\n"))
    return (
        f"<!DOCTYPE html><html><head><title>{ARTICLES[0].title}</title><script>var x;</script></head>"
        f"<body><h1>{ARTICLES[0].title}</h1><div>2025-03-18 来源：江州日报</div>{body}</body></html>"
    ).encode()


def zipped(members: dict[str, str | bytes]) -> bytes:
    """A zip archive of members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


_OTHERS: dict[str, Callable[..., bytes]] = {
    "json": _json,
    "csv": _csv,
    "xlsx": _xlsx,
    "docx": _docx,
    "html": _html,
    "txt": lambda table, fields: ARTICLES[0].text.encode(),
    "page": lambda table, fields: PAGE.encode(),
    "gz": lambda table, fields: gzip.compress(sample("jsonl"), mtime=0),
    "zip": lambda table, fields: zipped({"a.txt": sample("txt"), "b.jsonl": sample("jsonl")}),
    "ann": lambda table, fields: (
        "T1\tLOC 0 3\t南岸区\n#1\tAnnotatorNotes T1\tscore 0.5 model m\n".encode()
    ),
}
FORMS = (*(name for name in EXCHANGE if name != "brat"), *_OTHERS)
SUFFIXES = {
    **{"doccano": ".jsonl", "doccano-relations": ".jsonl", "label-studio": ".json"},
    **{"docbin": ".spacy", "web-annotation": ".jsonld", "page": ".txt", "gz": ".jsonl.gz"},
}


def damage(data: bytes, random: random.Random) -> bytes:
    """The file with one to six faults."""
    inner = _members(data) if data.startswith(b"PK") and random.random() < 0.7 else {}
    if inner:  # what is in the archive, so that its checksums are right
        name = random.choice(sorted(inner))
        return zipped({**inner, name: damage(inner[name], random)})
    if data.startswith(b"\x1f\x8b") and random.random() < 0.7:
        return gzip.compress(damage(gzip.decompress(data), random), mtime=0)
    result = bytearray(data)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(result) + 1)
        length = min(int(random.expovariate(0.05)), 200)
        match random.randrange(6):
            case 0:
                result[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del result[at : at + length]
            case 2:
                result[at:at] = result[at : at + length]
            case 3:
                result[at:at] = random.choice(_NASTY)
            case 4:
                result[at : at + length] = random.choice(_NASTY)
            case _:
                if random.random() < 0.2:
                    del result[at:]
    return bytes(result)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check(form: str, data: bytes, folder: Path) -> list[Article | Rejected]:
    """Read a file as a user would, and hold what comes to the promise above.

    Raises:
        AssertionError: the promise is broken.
    """
    for beside in ("x.ann", "x.json"):
        (folder / beside).unlink(missing_ok=True)
    path = folder / f"x{SUFFIXES.get(form, f'.{form}')}"
    if form == "ann":
        (folder / "x.ann").write_bytes(data)
        path, data = folder / "x.txt", "南岸区的杨丽".encode()
    path.write_bytes(data)
    dropped, skipped = Counter[str](), Counter[str]()
    items = list(read([path], dropped=dropped, skipped=skipped))
    for item in items:
        if isinstance(item, Article):
            check_spans(item.spans, item.text)
            dump(article_row(item)).encode()
        else:
            assert item.why and item.where, item
            f"{item} {item.id}".encode()
    assert items or +dropped or +skipped, "a file was lost in silence"
    refused = len(items) == 1 and isinstance(items[0], Rejected) and items[0].where == str(path)
    by_line = form in ("jsonl", "doccano", "doccano-relations") and not refused
    if by_line and data.startswith(b'{"id": "jz-1"'):
        lines = data.rstrip().split(b"\n")
        assert len(items) == len(lines), f"{len(items)} items of {len(lines)} lines"
    return items


def examples(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damaged files, the forms in turn."""
    generator = random.Random(seed)
    samples = {form: sample(form) for form in FORMS}
    for number in range(count):
        form = FORMS[number % len(FORMS)]
        yield form, damage(samples[form], generator)


def main() -> None:
    """Run, and print for each form how many articles and errors came; a failing file is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for files that break a reader")
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = {form: Counter() for form in FORMS}
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        for number, (form, data) in enumerate(examples(options.examples, options.seed)):
            began = time.monotonic()
            try:
                items = check(form, data, Path(name))
            except Exception as error:
                failures += 1
                print(f"example {number} {form}: {type(error).__name__}: {str(error)[:200]}")
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{number}.{form}").write_bytes(data)
                continue
            counts[form].update(type(item).__name__ for item in items)
            if (seconds := time.monotonic() - began) > 5:
                failures += 1
                print(f"example {number} {form}: {seconds:.0f} s")
    for form, found in counts.items():
        print(f"{form:20}{found['Article']:8,} articles{found['Rejected']:8,} rejected")
    print(f"{options.examples:,} files, {failures} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
