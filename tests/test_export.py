"""What leaves the store for people and other programs: tables, pages, folders of a data lake."""

import csv
import datetime
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import ner, one_line_error
from test_exchange import articles as any_article
from typer.testing import CliRunner

from ner.article import Article, Span, outside_in
from ner.cli import app
from ner.errors import NerError
from ner.formats import FORMATS, WRITABLE, find, read
from ner.formats import by_date as lake
from ner.formats.save import save
from ner.formats.span_table import COLUMNS
from ner.store import ModelKey, Store

DAY = datetime.date(2025, 3, 18)
TEXT = "邻里汇开张\n南岸区后堡社区的陈晓来了。"
SPANS = (
    Span(6, 13, "LOC", 0.98765, "news-1"),
    Span(9, 13, "ORG", 0.5, "news-1"),
    Span(14, 16, "PER", 1.0, "news-1"),
)
ONE = Article(
    "1", TEXT, "邻里汇开张", 6, paper="江州日报", date=DAY, page="002", section="要闻", spans=SPANS
)


def written(form: str, *articles: Article, dropped: Counter[str] | None = None) -> bytes:
    write = FORMATS[form].write
    assert write
    return b"".join(
        part.data for part in write(articles, Counter() if dropped is None else dropped)
    )


def csv_rows(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf"), "without the mark Excel takes Chinese for GBK"
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_row_of_a_table_is_a_span() -> None:
    dropped: Counter[str] = Counter()
    head, *rows = csv_rows(written("csv", ONE, Article("2", "无"), dropped=dropped))
    assert head == list(COLUMNS)
    assert rows[1] == [
        *("1", "邻里汇开张", "江州日报", "2025-03-18", "002", "要闻"),
        *("9", "13", "ORG", "后堡社区", "0.5", "news-1"),
    ]
    assert [row[9] for row in rows] == ["南岸区后堡社区", "后堡社区", "陈晓"]
    assert +dropped == {"articles without spans": 1}


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM"]


@pytest.mark.parametrize("value", EVIL)
def test_no_value_of_a_table_is_calculated(value: str) -> None:
    import python_calamine

    article = Article(value, f"{value}好", paper=value, spans=(Span(0, len(value), "ORG"),))
    _, row = csv_rows(written("csv", article))
    assert [row[0], row[2], row[9]] == [f"'{value}"] * 3
    data = written("xlsx", article)
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    _, cells = sheet.iter_rows()
    assert [cells[0], cells[2], cells[9]] == [value] * 3  # exact, and a text, not a formula
    assert b"<f>" not in unzipped(data) and b"inlineStr" in unzipped(data)


def unzipped(data: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def test_a_link_in_a_name_is_no_link_in_excel() -> None:
    url = "https://example.org/a"
    sheet = unzipped(written("xlsx", Article("1", url, spans=(Span(0, len(url), "ORG"),))))
    assert b"hyperlink" not in sheet and url.encode() in sheet


def test_a_full_sheet_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    import python_calamine

    monkeypatch.setattr("ner.formats.table._MAX_ROWS", 3)
    many = [replace(ONE, id=str(number)) for number in range(3)]  # nine spans
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(written("xlsx", *many)))
    sheets = [list(book.get_sheet_by_index(n).iter_rows()) for n in range(len(book.sheet_names))]
    assert [len(rows) for rows in sheets] == [3, 3, 3, 3, 2]
    assert all(rows[0] == list(COLUMNS) for rows in sheets)
    assert [rows[1][0] for rows in sheets] == ["0", "0", "1", "2", "2"]


def test_long_values_of_an_excel_file_are_cut_and_counted() -> None:
    dropped: Counter[str] = Counter()
    written("xlsx", replace(ONE, section="长" * 40_000), dropped=dropped)
    assert +dropped == {"ends of long values": 3}


@pytest.mark.parametrize("form", ["csv", "xlsx", "html", "parquet"])
def test_of_no_article_a_file_is_made_that_opens(form: str) -> None:
    data = written(form)
    if form == "parquet":
        import pyarrow.parquet as pq

        assert pq.read_table(io.BytesIO(data)).num_rows == 0
    elif form == "xlsx":
        assert b"name" in unzipped(data)
    else:
        assert b"name" in data or data.startswith(b"<!doctype html>")


@given(many=st.lists(any_article(), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_page_shows_every_character_and_every_span(many: list[Article]) -> None:
    import lxml.html

    many = [replace(a, text=clean(a.text), title=clean(a.title)) for a in many if fits(a)]
    page = lxml.html.document_fromstring(written("html", *many).decode())
    shown = page.xpath("//div[@class='text']")
    assert [div.text_content() for div in shown] == [article.text for article in many]
    for div, article in zip(shown, many):
        marks = div.xpath(".//mark")
        assert [
            (int(m.get("data-start")), int(m.get("data-end")), m.get("data-label")) for m in marks
        ] == [(s.start, s.end, s.label) for s in outside_in(article.spans)]
        assert [m.text_content() for m in marks] == [
            article.surface(s) for s in outside_in(article.spans)
        ]


def clean(text: str) -> str:
    """Without what HTML cannot hold at all: control characters."""
    return "".join(c if c in "\n\r\t" or (c >= " " and c not in "\x7f") else "·" for c in text)


def fits(article: Article) -> bool:
    return all(not 0x7F <= ord(c) <= 0x9F and ord(c) & 0xFFFE != 0xFFFE for c in article.text)


def test_a_page_runs_no_script_of_an_article() -> None:
    text = '<script>alert("x")</script>'
    page = written("html", Article('"><img src=x>', text, paper="<b>", spans=(Span(0, 8, "ORG"),)))
    for tag in (b"<script", b"<img", b"<b>"):
        assert tag not in page


# -- folders of a lake


def days() -> Iterator[Article]:
    for number in range(6):
        date = DAY + datetime.timedelta(days=number % 2) if number < 5 else None
        yield replace(ONE, id=f"a{number}", date=date)


@pytest.mark.parametrize("form", lake.FORMS)
def test_a_lake_is_written_and_read_back(form: str, tmp_path: Path) -> None:
    save(form, days(), tmp_path / "lake", by_date=True)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("part-*"))
    assert files == [
        f"lake/date=2025-03-18/part-00000.{form}",
        f"lake/date=2025-03-19/part-00000.{form}",
        f"lake/date={lake.NO_DATE}/part-00000.{form}",
    ]
    again = list(read(find([str(tmp_path / "lake")], recursive=True)))
    assert sorted(again, key=lambda item: item.id) == list(days())
    assert [item.spans[0].model for item in again if isinstance(item, Article)] == ["news-1"] * 6


def test_a_lake_is_a_dataset_of_other_programs(tmp_path: Path) -> None:
    import pyarrow.dataset as ds

    save("parquet", days(), tmp_path / "lake", by_date=True)
    table = ds.dataset(tmp_path / "lake", partitioning="hive").to_table()
    assert Counter(table.column("date").to_pylist()) == {
        "2025-03-18": 3,
        "2025-03-19": 2,
        None: 1,
    }
    assert table.column("spans").to_pylist()[0][1]["text"] == "后堡社区"


def test_a_lake_is_written_with_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "HELD", 4)
    parts = list(lake.write_by_date("jsonl", days()))
    assert [(part.name, part.data.count(b"\n")) for part in parts] == [
        ("date=2025-03-18/part-00000.jsonl", 2),
        ("date=2025-03-19/part-00000.jsonl", 2),
        ("date=2025-03-18/part-00001.jsonl", 1),
        (f"date={lake.NO_DATE}/part-00000.jsonl", 1),
    ]


@pytest.mark.parametrize(
    ("path", "date"),
    [
        ("lake/dt=20250318/a.parquet", DAY),
        ("s/year=2025/month=3/day=18/a.jsonl", DAY),
        ("s/paper=x/date=2025-03-18/a.jsonl", DAY),
        ("s/day=18/a.jsonl", None),
        ("s/date=soon/a.jsonl", None),
        ("date=2025-03-18", None),
    ],
)
def test_folders_name_dates(path: str, date: datetime.date | None) -> None:
    assert lake.date_of_folders(path) == date


def test_a_date_of_its_own_counts_more_than_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / "date=2025-01-01"
    folder.mkdir()
    line = {"id": "1", "text": "一", "date": "2024-12-31"}
    (folder / "a.jsonl").write_text(f'{json.dumps(line)}\n{{"id": "2", "text": "二"}}\n')
    found = [item.date for item in read([folder / "a.jsonl"]) if isinstance(item, Article)]
    assert found == [datetime.date(2024, 12, 31), datetime.date(2025, 1, 1)]


def test_only_two_forms_are_written_by_date(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="docbin is not written by date .--format jsonl or parquet"):
        save("docbin", days(), tmp_path / "lake", by_date=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NerError, match="name a new folder: --output"):
        save("parquet", days(), io.BytesIO(), by_date=True)


def test_row_groups_of_a_large_file_are_written_as_they_come() -> None:
    write = FORMATS["parquet"].write
    assert write
    taken = 0

    def many() -> Iterator[Article]:
        nonlocal taken
        for number in range(12_000):
            taken = number
            yield replace(ONE, id=str(number))

    parts = write(many())
    first = next(parts)
    assert taken < 5001 and first.data.startswith(b"PAR1")
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(first.data + b"".join(part.data for part in parts)))
    assert file.num_row_groups == 3
    assert file.read(["id"]).column("id").to_pylist() == [str(n) for n in range(12_000)]


# -- the command


@pytest.fixture
def tagged(store_url: str) -> str:
    other = replace(ONE, id="2", paper="江北晚报", date=DAY + datetime.timedelta(days=40), page="1")
    none = replace(other, id="3", spans=())
    with Store(store_url, create=True) as store:
        list(store.add([ONE, other, none]))
        run = store.start_run(ModelKey("news", "1", "a" * 64))
        store.write_results(run, [ONE, replace(other, spans=SPANS[:1]), none])
    return store_url


def export(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["export", "--model", "news-1", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], "123"),
        (["--paper", "江州日报"], "1"),
        (["--date", "2025-04"], "23"),
        (["--date", "2025"], "123"),
        (["--page", "2"], "1"),
        (["--label", "PER"], "1"),
        (["--label", "LOC"], "12"),
    ],
)
def test_filters_choose_articles(tagged: str, options: list[str], ids: str) -> None:
    lines = export("--store", tagged, *options).splitlines()
    assert "".join(json.loads(line)["id"] for line in lines) == ids


def test_what_people_read_comes_with_what_they_said(tagged: str) -> None:
    right = Span(14, 16, "BRAND")
    with Store(tagged) as store:
        assert store.decide(replace(ONE, spans=(right,)), "李编辑")
    lines = export("--store", tagged, "--reviewed").splitlines()
    assert [(row["id"], row["spans"][0]["label"]) for row in map(json.loads, lines)] == [
        ("1", "BRAND")
    ]
    assert export("--store", tagged, "--reviewed", "--label", "LOC") == ""
    assert export("--store", tagged, "--reviewed", "--paper", "江北晚报") == ""
    lines = export("--store", tagged, "--unreviewed").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["2", "3"]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_an_article_without_names_is_told_from_one_that_was_not_tagged(
    tagged: str, form: str, tmp_path: Path
) -> None:
    new = replace(ONE, id="4", spans=())
    with Store(tagged) as store:
        list(store.add([new]))
    export("--store", tagged, "--by-date", "--format", form, "--output", f"{tmp_path}/lake")
    files = sorted((tmp_path / "lake").rglob(f"*.{form}"))
    items = [item for item in read(files) if isinstance(item, Article)]
    found = {item.id: (len(item.spans), item.tagged_by) for item in items}
    assert found == {"1": (3, "news-1"), "2": (1, "news-1"), "3": (0, "news-1"), "4": (0, "")}
    if form == "jsonl":
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        assert {row["id"]: row["tagged_by"] for row in rows}["4"] is None
    with Store(tagged) as store:
        other = store.articles(model=ModelKey("other", "1", "b" * 64))
        assert {item.tagged_by for item in other if isinstance(item, Article)} == {""}
        last = [item.tagged_by for item in store.articles() if isinstance(item, Article)]
        assert last == ["news-1", "news-1", "news-1", ""]
    with Store(f"sqlite:///{tmp_path}/b.db", create=True) as store:
        list(store.add(read(files)))
    shown = CliRunner().invoke(app, ["show", "4", "--store", f"sqlite:///{tmp_path}/b.db"])
    assert "not tagged" in shown.output


def test_a_table_of_a_label_has_its_spans_only(tagged: str) -> None:
    rows = csv_rows(export("--store", tagged, "--label", "PER", "--format", "csv").encode())
    assert [row[9] for row in rows[1:]] == ["陈晓"]


@pytest.mark.parametrize("form", [form for form in WRITABLE if not FORMATS[form].folder])
def test_every_form_is_exported(tagged: str, form: str, tmp_path: Path) -> None:
    export("--store", tagged, "--format", form, "--output", str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_size > 100


def test_the_form_is_told_by_the_name_of_the_output(tagged: str, tmp_path: Path) -> None:
    for name in ("a.csv", "a.xlsx", "a.parquet", "a.html", "a.spacy"):
        export("--store", tagged, "--output", str(tmp_path / name))
    heads = {path.suffix: path.read_bytes()[:4] for path in tmp_path.iterdir()}
    heads = {s: h for s, h in heads.items() if s in (".csv", ".xlsx", ".parquet", ".html")}
    assert heads == {
        ".csv": b"\xef\xbb\xbfi",
        ".xlsx": b"PK\3\4",
        ".parquet": b"PAR1",
        ".html": b"<!do",
    }


def test_a_name_that_no_written_form_has_is_refused(tagged: str, tmp_path: Path) -> None:
    """JSONL under such a name would open in no program."""
    for name in ("a.xls", "a.tsv", "a.docx", "a.json", "a.jsonl.gz", "a.nosuch"):
        file = tmp_path / name
        error = one_line_error(ner("export", "--store", tagged, "--output", file))
        assert f"no format for {file} (--format jsonl" in error and not file.exists()


def test_a_store_becomes_a_lake_and_a_store_again(tagged: str, tmp_path: Path) -> None:
    export("--store", tagged, "--format", "parquet", "--by-date", "--output", str(tmp_path / "l"))
    url = f"sqlite:///{tmp_path}/again.db"
    result = CliRunner().invoke(app, ["ingest", "-r", str(tmp_path / "l"), "--store", url])
    assert result.exit_code == 0, result.output
    with Store(url) as again, Store(tagged) as first:
        assert {a.id: a.date for a in again.articles() if isinstance(a, Article)} == {
            a.id: a.date for a in first.articles() if isinstance(a, Article)
        }
