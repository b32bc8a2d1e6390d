import datetime
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.formats import (
    MAX_LINE,
    Source,
    article_row,
    decode,
    dump,
    find,
    json_lines,
    normalise,
    open_source,
    parse_date,
    read_csv,
    read_jsonl,
    read_parquet,
    read_text,
)


def jsonl(*rows: object) -> Source:
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    return Source("news.jsonl", "\n".join(lines).encode())


def articles(items: object) -> list[Article]:
    return [item for item in items if isinstance(item, Article)]  # type: ignore[attr-defined]


def test_title_and_body_share_one_offset_space() -> None:
    [article] = articles(
        read_jsonl(jsonl({"id": "1", "title": "题目", "body": "　　正文。\r\n　　又一段。"}))
    )
    assert article.text == "题目\n正文。\n又一段。"
    assert article.body == "正文。\n又一段。"


def test_a_text_that_comes_with_spans_keeps_every_character() -> None:
    text = "\n　　南岸区\r\n后堡社区  \n"
    [article] = articles(
        read_jsonl(jsonl({"id": "1", "title": "题", "text": text, "spans": [[3, 6, "LOC"]]}))
    )
    assert article.text == text
    assert article.text[3:6] == "南岸区"


def test_printed_punctuation_stays_as_printed() -> None:
    [article] = articles(read_jsonl(jsonl({"body": "他说:“好,很好！” 完 ＡＢ１２"})))
    assert article.text == "他说:“好,很好！” 完 ＡＢ１２"


def test_a_bad_line_is_rejected_in_its_place_and_the_rest_is_read() -> None:
    items = list(
        read_jsonl(jsonl({"id": "1", "text": "一"}, {"id": "2", "text": "二"}, "{bad", {"text": 4}))
    )
    assert [type(item).__name__ for item in items] == ["Article", "Article", "Rejected", "Rejected"]
    bad = items[2]
    assert isinstance(bad, Rejected)
    assert str(bad).startswith("news.jsonl:3: not JSON: ")
    assert "line" in bad.remedy


def test_without_an_id_the_text_names_itself() -> None:
    first, second = (articles(read_jsonl(jsonl({"body": "同一篇"})))[0] for _ in range(2))
    assert first.id == second.id


def test_fields_of_another_name_are_mapped() -> None:
    source = jsonl({"nid": "7", "head": "题", "content": "文", "day": "20241205"})
    fields = {"id": "nid", "title": "head", "body": "content", "date": "day"}
    [article] = articles(read_jsonl(source, fields))
    assert (article.id, article.text, article.date) == ("7", "题\n文", datetime.date(2024, 12, 5))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_utf8_and_gb18030_are_recognised(encoding: str) -> None:
    [article] = articles(read_text(Source("a.txt", "南岸区后堡社区，𠮷林村".encode(encoding))))
    assert article.text == "南岸区后堡社区，𠮷林村"


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"\x89PNG\0\0", "binary"), ("字".encode() + b"\xff\xff\xff", "neither|nor GB18030")],
)
def test_what_is_not_text_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(NerError, match=said):
        decode(data)


def test_csv_with_quotes_and_line_ends_inside_a_field() -> None:
    data = 'id,title,body,date\n1,题,"一段。\n“引”,二段。",2024-12-05\n2,题二,文,昨天\n'.encode()
    first, second = read_csv(Source("a.csv", data))
    assert isinstance(first, Article) and first.body == "一段。\n“引”,二段。"
    assert isinstance(second, Rejected) and "'昨天' is not a date" in second.why


def test_csv_without_a_text_column_names_what_it_has() -> None:
    with pytest.raises(NerError, match=r"only nid, foo \(map one with --field body=COLUMN\)"):
        list(read_csv(Source("a.csv", b"nid,foo\n1,x\n")))


def test_parquet_rows_are_articles() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    day = datetime.date(2024, 12, 5)
    pq.write_table(pa.table({"id": ["1"], "title": ["题"], "body": ["文"], "date": [day]}), file)
    [article] = articles(read_parquet(Source("a.parquet", file.getvalue())))
    assert (article.text, article.date) == ("题\n文", day)
    with pytest.raises(NerError, match=r"a\.parquet: damaged Parquet file"):
        list(read_parquet(Source("a.parquet", b"PAR1 no")))


@pytest.mark.parametrize(
    "printed", ["2024-12-05", "20241205", "2024/12/5", "2024 年 12 月 05 日 星期四"]
)
def test_dates_as_newspapers_print_them(printed: str) -> None:
    assert parse_date(printed) == datetime.date(2024, 12, 5)


def test_a_line_of_any_length_costs_bounded_memory_and_one_error() -> None:
    file = io.BytesIO(b'{"a": "' + b"x" * (2 * MAX_LINE) + b'"}\n{"b": 1}\n')
    (_, first), (where, second) = json_lines(file, "f")
    assert isinstance(first, NerError) and "4,000,000" in first.message
    assert (where, second) == ("f:2", {"b": 1})


@pytest.mark.parametrize("character", ["\0", "\ud83d"])
def test_half_a_character_is_refused_by_name(character: str) -> None:
    [item] = read_jsonl(jsonl(json.dumps({"id": "1", "text": f"前{character}后"})))
    assert isinstance(item, Rejected)
    assert f"U+{ord(character):04X} at 1" in item.why


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(normalise))
def test_an_article_survives_export_and_ingest(text: str) -> None:
    stored = normalise(text)
    article = Article(id="1", text=stored, spans=(Span(0, 1, "LOC", 0.5, "m-1"),))
    [again] = articles(read_jsonl(Source("x", dump(article_row(article)).encode())))
    assert again == article
    assert again.spans[0].score == 0.5


def test_paths_globs_and_folders(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.jsonl", "d.png"):
        (tmp_path / name).write_text("x")
    assert find([f"{tmp_path}/*.txt"]) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    names = [path.name for path in find([str(tmp_path)], recursive=True) if path]
    assert names == ["a.txt", "b.txt", "c.jsonl"]
    with pytest.raises(NerError, match="--recursive"):
        find([str(tmp_path)])
    with pytest.raises(NerError, match="no such file"):
        find([f"{tmp_path}/*.csv"])


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" \n")
    with pytest.raises(NerError, match=r"a\.txt: is empty"):
        open_source(tmp_path / "a.txt")
