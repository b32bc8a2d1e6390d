"""Tables: CSV with the faults of real files, Excel, Parquet, and header words without options."""

import datetime
import io

import pytest

from benchmarks.fuzz import zipped
from ner.article import Article, Rejected
from ner.errors import NerError
from ner.formats import FORMATS, Item, Source, read_csv, read_jsonl, read_parquet


def csv(text: str, name: str = "a.csv") -> list[Item]:
    return list(read_csv(Source(name, text.encode())))


def texts(items: list[Item]) -> list[str]:
    return [item.text if isinstance(item, Article) else str(item) for item in items]


def test_a_row_with_more_values_than_columns_is_refused_with_its_line() -> None:
    first, second = csv("id,text\n1,刘芳到场,王强鼓掌\n2,好\n")
    assert str(first).startswith("a.csv:2: 3 values for 2 columns")
    assert isinstance(second, Article)


def test_quotation_marks_of_the_text_stay_in_tab_separated_text() -> None:
    assert texts(csv('id\ttext\n1\t"一表通"在渝北区上线。\n2\t王强说："好"。\n')) == [
        '"一表通"在渝北区上线。',
        '王强说："好"。',
    ]


def test_an_open_quotation_mark_never_swallows_the_next_rows() -> None:
    assert texts(csv('id\ttext\n1\t"一表通上线。\n2\t王强到场。\n3\t"李丽"\n')) == [
        '"一表通上线。',
        "王强到场。",
        "李丽",
    ]
    assert texts(csv('id\ttext\n1\t"一表通\n2\t王强说"好"\n3\t李丽说"\n')) == [
        '"一表通',
        '王强说"好"',
        '李丽说"',
    ]
    first, *others = csv('id,text\n1,"一表通上线。\n2,王强到场。\n3,李丽到场。\n')
    assert str(first).startswith("a.csv:2: a quotation mark opens a value and none closes it")
    assert texts(others) == ["王强到场。", "李丽到场。"]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_a_quoted_value_holds_separators_line_ends_and_doubled_marks(separator: str) -> None:
    row = separator.join(["1", f'"他说""好""{separator}一段。\r\n\r\n二段。"', "2025-03-18\r\n"])
    [item] = csv(f"id{separator}text{separator}date\r\n{row}")
    assert isinstance(item, Article) and item.date == datetime.date(2025, 3, 18)
    assert item.text == f'他说"好"{separator}一段。\n\n二段。'


def test_a_line_number_counts_the_lines_of_values_before() -> None:
    _, bad = csv('id,text\n1,"一\n二\n三"\n2,四,五\n')
    assert str(bad).startswith("a.csv:5: ")


HEADER = "编号,标题,正文,日期,版次,报纸,作者,引题,责编"
ROW = "7,邻里汇开张,渝北区的事。,2025年3月18日,第A02版,江州日报,陈晓,引题在上,吴敏"


def test_header_words_map_without_options() -> None:
    [item] = csv(f"{HEADER}\n{ROW}\n")
    assert item == Article(
        id="7",
        text="邻里汇开张\n渝北区的事。",
        title="邻里汇开张",
        body_start=6,
        paper="江州日报",
        date=datetime.date(2025, 3, 18),
        page="A02",
        author="陈晓",
        overtitle="引题在上",
        editor="吴敏",
    )


def test_a_named_field_comes_before_a_header_word() -> None:
    source = Source("a.csv", "正文,摘要,ID\n长文。,短文。,5\n".encode())
    [item] = read_csv(source, {"body": "摘要"})
    assert isinstance(item, Article) and (item.text, item.id) == ("短文。", "5")
    [row] = read_jsonl(Source("a.jsonl", '{"内容": "文。", "ID": 9, "版次": 3}'.encode()))
    assert isinstance(row, Article) and (row.text, row.id, row.page) == ("文。", "9", "3")


def sheet(rows: list[list[object]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("说明").append(["没有正文"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_sheet_is_articles_and_other_sheets_are_counted() -> None:
    from collections import Counter

    day = datetime.datetime(2025, 3, 18)
    data = sheet(
        [["编号", "标题", "内容", "日期", "版次"], [31, "题", "南岸区。", day, 3], [32, "题"]]
    )
    dropped: Counter[str] = Counter()
    first, second = FORMATS["xlsx"].read(Source("a.xlsx", data), {}, dropped)
    assert isinstance(first, Article) and isinstance(second, Rejected)
    assert (first.id, first.text, first.date, first.page) == ("31", "题\n南岸区。", day.date(), "3")
    assert str(second).startswith("a.xlsx:Sheet:3: has no text")
    assert +dropped == {"sheets without a column of texts": 1}


@pytest.mark.parametrize("form", ["xlsx", "docx"])
def test_a_damaged_office_file_is_one_error(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ner.formats.office.MAX_WHOLE", 1 << 20)
    bomb = zipped({"[Content_Types].xml": "x", "word/document.xml": b" " * (2 << 20)})
    with pytest.raises(NerError, match="unpacks to over 1 MB"):
        list(FORMATS[form].read(Source(f"a.{form}", bomb)))
    with pytest.raises(NerError, match="damaged"):
        list(FORMATS[form].read(Source(f"a.{form}", b"PK\3\4 no")))


def test_damaged_parquet_costs_the_rows_that_it_damages() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.table({"正文": [f"第{number}篇南岸区。" for number in range(4)]})
    pq.write_table(table, file, row_group_size=2, compression="none", use_dictionary=False)
    data = file.getvalue().replace("第1篇".encode(), b"\xff" * 7)
    items = list(read_parquet(Source("a.parquet", data)))
    assert [type(item).__name__ for item in items] == ["Article", "Rejected", "Article", "Article"]
    assert str(items[1]).startswith("a.parquet:row 2: damaged Parquet file")
    for end in range(20, len(data) - 1, 97):
        with pytest.raises(NerError, match="damaged Parquet file"):
            list(read_parquet(Source("a.parquet", data[:end])))
