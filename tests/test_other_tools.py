"""Files of annotation tools as they are met: marks, old exports, skipped tasks, other ways of counting."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ner.article import Article, Rejected, Span
from ner.cli import app
from ner.errors import NerError
from ner.formats import FORMATS, Item, Source, detect_form, read, read_jsonl
from ner.formats.utf16 import place_quoted

TEXT = "江北区石马河街道的陈岚说"


def region(start: int, end: int, quoted: str, **more: object) -> dict[str, object]:
    value = {"start": start, "end": end, "text": quoted, "labels": ["LOC"]} | more
    return {"id": "r", "type": "labels", "from_name": "label", "to_name": "text", "value": value}


def studio(*tasks: dict[str, object], mark: bytes = b"") -> tuple[list[Item], Counter[str]]:
    dropped: Counter[str] = Counter()
    source = Source("a.json", mark + json.dumps(tasks).encode())
    assert detect_form(source) == "label-studio"
    return list(FORMATS["label-studio"].read(source, {}, dropped)), +dropped


def names(item: Item) -> list[str]:
    assert isinstance(item, Article), str(item)
    return [item.surface(span) for span in item.spans]


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    task = {"data": {"text": TEXT}, "annotations": [{"result": [region(0, 3, "江北区")]}]}
    [item], _ = studio(task, mark=mark)
    assert names(item) == ["江北区"]
    row = json.dumps({"id": 7, "text": TEXT, "label": [[0, 3, "LOC"]]})
    source = Source("a.jsonl", mark + row.encode())
    assert detect_form(source) == "doccano"
    assert names(next(iter(FORMATS["doccano"].read(source)))) == ["江北区"]
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.ann").write_bytes(mark + "T1\tLOC 0 3\t江北区\nT2\tPER 9 11\t陈岚\n".encode())
    assert names(next(iter(read([tmp_path / "a.txt"])))) == ["江北区", "陈岚"]


def test_completions_of_old_exports_are_annotations() -> None:
    both = [{"result": [region(0, 3, "江北区"), region(9, 11, "陈岚")]}, {"result": []}]
    [item], dropped = studio({"data": {"text": TEXT}, "completions": both})
    assert names(item) == ["江北区", "陈岚"]
    assert dropped == {"other annotations of a task": 1}


def test_the_newest_annotation_counts_unless_one_is_the_ground_truth() -> None:
    old = {"created_at": "2024-01-01", "result": [region(0, 3, "江北区")]}
    new = {"created_at": "2024-01-02", "result": [region(9, 11, "陈岚")]}
    [item], _ = studio({"data": {"text": TEXT}, "annotations": [old, new]})
    assert names(item) == ["陈岚"]
    [item], _ = studio(
        {"data": {"text": TEXT}, "annotations": [{**old, "ground_truth": True}, new]}
    )
    assert names(item) == ["江北区"]


def test_a_skipped_task_is_left_out_and_a_prediction_is_not_a_person() -> None:
    data, result = {"text": TEXT}, [region(0, 3, "江北区")]
    skipped = {"was_cancelled": True, "result": result}
    items, dropped = studio(
        {"data": data, "annotations": [skipped], "predictions": [{"result": result}]},
        {"data": data, "annotations": [{"result": result}, skipped]},
        {"data": data, "annotations": [], "predictions": [{"result": result}]},
    )
    first, second = items
    assert isinstance(first, Article) and first.spans[0].model == ""
    assert isinstance(second, Article) and second.spans[0].model == "prediction"
    assert dropped == {"skipped tasks": 1, "skipped annotations": 1}


def test_label_studios_short_form_is_read_as_the_long_one() -> None:
    def annotation(number: int, *regions: dict[str, object], **more: object) -> dict[str, object]:
        drawn = {"label": [{**each, "labels": ["LOC"]} for each in regions]} if regions else {}
        times = {"created_at": f"2024-01-0{number}", "updated_at": "2024-02-01", "lead_time": 3.2}
        row = {"text": TEXT, "paper": "江城日报", "id": 7, **drawn, "annotator": 1}
        return {**row, "annotation_id": number, **times, **more}

    place = {"start": 0, "end": 3, "text": "江北区"}
    street = {"start": 3, "end": 9, "text": "石马河街道的"}
    items, dropped = studio(annotation(1, street), annotation(2, place), annotation(3, id=8))
    first, second = items
    assert isinstance(first, Article) and (first.id, first.paper) == ("7", "江城日报")
    assert names(first) == ["江北区"] and names(second) == []
    assert dropped == {"other annotations of a task": 1}
    [wrong], _ = studio(annotation(1, {"start": 0, "end": 3, "text": "石马河"}))
    assert isinstance(wrong, Rejected) and wrong.where == "a.json:task 1"
    filler = [annotation(n, place, id=n, text=TEXT * 500) for n in range(3)]
    assert len(studio(*filler)[0]) == 3  # of which the beginning shows one task in part


def test_a_region_without_a_label_is_left_out_and_counted() -> None:
    regions = [region(0, 3, "江北区"), region(9, 11, "陈岚", labels=[])]
    [item], dropped = studio({"data": {"text": TEXT}, "annotations": [{"result": regions}]})
    assert names(item) == ["江北区"] and dropped == {"regions without a label": 1}


def test_a_value_that_is_no_text_is_refused_with_its_task() -> None:
    task = {"data": {"text": TEXT}, "annotations": [{"result": [region(0, 3, "", text=4)]}]}
    [item], _ = studio(task)
    assert isinstance(item, Rejected) and item.where == "a.json:task 1"


def test_spans_are_placed_by_their_text_where_a_tool_counts_otherwise() -> None:
    text = "👍江北区\r\n石马河街道\r\n陈岚"
    code_points = [Span(6, 11, "LOC", text="石马河街道"), Span(13, 15, "PER", text="陈岚")]
    ways = {
        "code points": [(6, 11), (13, 15)],
        "UTF-16": [(7, 12), (14, 16)],
        "a line end as one": [(5, 10), (11, 13)],
        "a line end as one, UTF-16": [(6, 11), (12, 14)],
    }
    for way, offsets in ways.items():
        drawn = [
            Span(start, end, span.label, text=span.text)
            for (start, end), span in zip(offsets, code_points)
        ]
        assert place_quoted(text, drawn) == code_points, way
    with pytest.raises(NerError, match="should be '江北', but '区"):
        place_quoted(text, [Span(3, 5, "LOC", text="江北")])


def test_brat_and_label_studio_with_line_ends_counted_once(tmp_path: Path) -> None:
    text = "江北区\r\n石马河街道\r\n陈岚"
    spans = [region(4, 9, "石马河街道"), region(10, 12, "陈岚")]
    [item], _ = studio({"data": {"text": text}, "annotations": [{"result": spans}]})
    assert names(item) == ["石马河街道", "陈岚"]
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_text(
        "T1\tLOC 4 9\t石马河街道\nT2\tPER 10 12\t陈岚\n", encoding="utf-8"
    )
    assert names(next(iter(read([tmp_path / "a.txt"])))) == ["石马河街道", "陈岚"]


def lines(*rows: object, form: str = "doccano") -> tuple[list[Item], Counter[str]]:
    dropped: Counter[str] = Counter()
    data = "\n".join(json.dumps(row) for row in rows).encode()
    return list(FORMATS[form].read(Source("a.jsonl", data), {}, dropped)), +dropped


def test_unknown_fields_are_counted_whatever_their_type() -> None:
    row = {"text": TEXT, "label": [[0, 3, "LOC"]], "comments": 3, "meta": {"a": 1}, "x": [1]}
    [item], dropped = lines(row)
    assert names(item) == ["江北区"]
    assert dropped == {"comments": 3, "fields 'meta'": 1, "fields 'x'": 1}


@pytest.mark.parametrize("form", ["doccano", "jsonl"])
def test_the_same_span_twice_is_one_span_and_counted(form: str) -> None:
    spans = [[0, 3, "LOC"], [9, 11, "PER"], [0, 3, "LOC"]]
    [item], dropped = lines(
        {"text": TEXT, "label" if form == "doccano" else "spans": spans}, form=form
    )
    assert names(item) == ["江北区", "陈岚"] and dropped == {"repeated spans": 1}


def test_conll_has_blanks_as_tokens_and_biluo() -> None:
    [item] = FORMATS["bio"].read(
        Source("a.bio", "陈\tB-PER\n岚\tL-PER\n \tO\n渝\tU-LOC\n".encode())
    )
    assert isinstance(item, Article) and item.text == "陈岚 渝"
    assert names(item) == ["陈岚", "渝"]


def test_conll_leaves_out_spans_over_a_line_end_and_counts_them() -> None:
    article = Article(id="1", text="陈岚\n江北区", spans=(Span(0, 6, "ORG"), Span(0, 2, "PER")))
    dropped: Counter[str] = Counter()
    write = FORMATS["bio"].write
    assert write
    [part] = write([article], dropped)
    assert part.data.decode().split("\n")[1:] == [
        "陈 B-PER",
        "岚 I-PER",
        "",
        *(f"{character} O" for character in "江北区"),
        "",
        "",
    ]
    assert +dropped == {"spans over a line end": 1}


def annotation(selector: object) -> dict[str, object]:
    body = {"type": "TextualBody", "purpose": "tagging", "value": "LOC"}
    return {"type": "Annotation", "body": body, "target": {"selector": selector}}


def test_a_web_annotation_is_a_range_and_its_keys_stand_in_any_order() -> None:
    def position(start: int) -> dict[str, object]:
        return {"type": "TextPositionSelector", "start": start, "end": start}

    quote = {"type": "TextQuoteSelector", "exact": "陈岚"}
    ranges = [
        {"type": "RangeSelector", "startSelector": position(0), "endSelector": position(3)},
        {"type": "RangeSelector", "startSelector": position(3), "endSelector": quote},
    ]
    page = {"items": [*map(annotation, ranges)], "ner:source": {"value": TEXT}, "@context": "x"}
    source = Source("a.json", json.dumps(page).encode())
    assert detect_form(source) == "web-annotation"
    [item] = FORMATS["web-annotation"].read(source)
    assert names(item) == ["江北区", "石马河街道的"]


def test_our_own_pipeline_and_spancat_read_back_with_labels_and_scores() -> None:
    import numpy as np
    import spacy
    from spacy.tokens import DocBin

    doc = spacy.blank("zh")("江北区的陈岚")
    for key in ("ner", "sc"):
        doc.spans.clear()
        doc.spans[key] = [doc.char_span(0, 3, "LOC"), doc.char_span(4, 6, "PER")]
        doc.spans[key].attrs["scores"] = np.array([0.5, 0.75], "float32")
        [item] = FORMATS["docbin"].read(Source("a.spacy", DocBin(docs=[doc]).to_bytes()))
        assert isinstance(item, Article)
        assert [(s.start, s.end, s.label, s.score) for s in item.spans] == [
            (0, 3, "LOC", 0.5),
            (4, 6, "PER", 0.75),
        ]


def test_a_span_past_its_document_costs_that_document() -> None:
    import spacy
    from spacy.tokens import DocBin
    from spacy.tokens import Span as DocSpan

    nlp = spacy.blank("zh")
    docs = [nlp("江北区的陈岚"), nlp("渝北区的陈岚住在这里很久了")]
    for doc in docs:
        doc.spans["ner"] = [DocSpan(doc, len(doc) - 2, len(doc), "LOC")]
    file = DocBin(docs=docs)
    file.span_groups[0] = file.span_groups[1]
    first, second = FORMATS["docbin"].read(Source("a.spacy", file.to_bytes()))
    assert isinstance(first, Rejected) and "a document of" in first.why
    assert isinstance(second, Article)


BAD_SPANS = (
    *(7, "x", {"a": 1}, [3], [[0, 2]], [[0, 0.9, "LOC"]], [["0", 2, "LOC"]], [[True, 2, "LOC"]]),
    *([[0, 2, 5]], [[0, 10**30, "LOC"]], [[-1, 2, "LOC"]], [[2, 0, "LOC"]], [[0, 1, "LOC"], None]),
    [{"start": 0, "end": 1, "label": "LOC", "score": "0.5"}],
    [{"start": 0, "end": 1, "label": "LOC", "score": True}],
    [{"start": 0, "end": 1, "label": "LOC", "score": 2}],
    [{"start": 0, "end": 1, "label": "LOC", "text": "重"}],
    [{"start": 0, "end": 1, "label": "LOC", "text": 4}],
    [{"start": 0, "end": 1, "label": "LOC", "model": []}],
)


@pytest.mark.parametrize("spans", BAD_SPANS, ids=repr)
@pytest.mark.parametrize("form", ["jsonl", "doccano"])
def test_a_bad_span_is_refused_with_its_line_and_the_rest_is_read(form: str, spans: object) -> None:
    key = "spans" if form == "jsonl" else "label"
    rows = [{"id": str(number), "text": TEXT, key: []} for number in range(3)]
    rows[1][key] = spans  # type: ignore[assignment]
    [first, bad, last], _ = lines(*rows, form=form)
    assert isinstance(first, Article) and isinstance(last, Article)
    assert isinstance(bad, Rejected) and (bad.id, bad.where) == ("1", "a.jsonl:2")


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "文", "spans": [{"start": 0, "end": 1, "label": "LOC", "score": NaN}]}',
        '{"text": "文", "spans": [[0, Infinity, "LOC"]]}',
        '{"text": "文", "spans": [[0, 1e999, "LOC"]]}',
        '{"text": "文", "id": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"id": "\\ud83d", "text": "文"}',
        '{"id": "a\\u0000", "text": "文"}',
        '{"id": "' + "x" * 3000 + '", "text": "文"}',
        '{"id": {"a": []}, "text": "文"}',
        '{"paper": "\\udc00", "text": "文"}',
        "\x00\x01",
    ],
    ids=lambda line: line[:40],
)
def test_a_poisoned_line_costs_only_itself(line: str) -> None:
    good = '{"id": "1", "text": "文"}'
    first, bad, last = read_jsonl(Source("a.jsonl", f"{good}\n{line}\n{good}\n".encode()))
    assert isinstance(first, Article) and isinstance(last, Article)
    assert isinstance(bad, Rejected) and bad.where == "a.jsonl:2"
    f"{bad} {bad.id}".encode()  # it can be printed and stored
    assert "\0" not in bad.id and len(bad.id) <= 500


def test_brat_offsets_of_thousands_of_digits_are_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.ann").write_text(f"T1\tLOC 0 {'9' * 5000}\t江北区\n", encoding="utf-8")
    [item] = read([tmp_path / "a.txt"])
    assert isinstance(item, Rejected) and item.where.endswith("a.ann:1") and len(item.why) < 200


def read_as(name: str, content: str) -> tuple[str, list[Item], Counter[str]]:
    """The form that a file is taken for, its items, and what was dropped."""
    dropped: Counter[str] = Counter()
    form = detect_form(Source(name, content.encode()))
    return form, list(FORMATS[form].read(Source(name, content.encode()), {}, dropped)), +dropped


BIOES = "陈 B-PER\n岚 E-PER\n在 O\n\n渝 S-LOC\n说 O\n"


@pytest.mark.parametrize("name", ["a.txt", "demo.train.char", "train", "a.tsv"])
@pytest.mark.parametrize("separator", [" ", "\t", "\t_\t_\t"])
def test_conll_is_known_by_its_lines_whatever_its_name(name: str, separator: str) -> None:
    for start, end in (("", "\n"), ("-DOCSTART- -X- -X- O\n\n", "\r\n")):
        content = (start + BIOES.replace(" ", separator)).replace("\n", end)
        form, items, _ = read_as(name, content)
        assert form == "bio"
        assert [found for item in items for found in names(item)] == ["陈岚", "渝"]


@pytest.mark.parametrize("text", ["维生素 O\n", "他说 好\n她说 O\n都是 B-2\n真的 吗\n"])
def test_a_text_whose_lines_end_with_a_letter_is_no_conll(text: str) -> None:
    assert read_as("a.txt", text)[0] == "txt"


def test_tokens_that_are_numbered_are_read_without_their_numbers_and_comments() -> None:
    lines = "# sent_id = 1\n1\t陈\t_\tB-PER\n2\t岚\t_\tI-PER\n\n# sent_id = 2\n1\t渝\t_\tB-LOC\n"
    for name in ("a.conll", "a.conllu", "a.txt"):
        form, items, _ = read_as(name, lines)
        assert form == "bio" and [names(item) for item in items] == [["陈岚"], ["渝"]]
    counted = "1 O\n2 O\n3 B-LOC\n"  # two columns: the text is made of numbers
    assert [names(item) for item in read_as("a.bio", counted)[1]] == [["3"]]


def test_doccano_is_read_from_an_array_and_from_annotations() -> None:
    spans = [{"label": "LOC", "start_offset": 0, "end_offset": 3, "user": 1}]
    for name, content in (
        ("a.json", [{"id": 1, "text": TEXT, "label": [[0, 3, "LOC"]]}]),
        ("a.json", [{"id": 1, "text": TEXT, "entities": spans}]),
        ("a.json", [{"id": 1, "text": TEXT, "annotations": spans}]),
        ("a.jsonl", {"id": 1, "text": TEXT, "annotations": spans}),
    ):
        form, [item], dropped = read_as(name, json.dumps(content))
        assert form == "doccano" and names(item) == ["江北区"] and not dropped
    # The number of a label says nothing of its name.
    numbered = {"id": 1, "text": TEXT, "annotations": [{**spans[0], "label": 3}]}
    _, [item], _ = read_as("a.jsonl", json.dumps(numbered))
    assert isinstance(item, Rejected) and item.why == "label 3 is a number, not a name"
    assert "JSONL" in item.remedy


@pytest.mark.parametrize(
    "annotations",
    [
        {"ents": [{"start": 0, "end": 3, "label": "LOC"}]},  # spaCy's Doc.to_json
        {"label": {"address": {"江北区": [[0, 2]]}}},  # CLUENER
        {"annotations": [{"from": 0, "to": 3, "type": "LOC"}]},
        {"tags": [{"start": 0, "end": 3, "type": "LOC"}]},
    ],
)
def test_annotations_in_a_form_that_is_not_read_are_no_lack_of_names(
    tmp_path: Path, annotations: dict[str, object]
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = json.dumps({"id": "1", "text": TEXT, **annotations})
    source.write_text(f"{row}\n{row}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["corpus", "convert", str(source), str(output)])
    assert result.exit_code == 1 and not output.exists()
    [name] = annotations
    assert f"in.jsonl:1: the annotations in {name!r} are not read" in result.stderr
    assert '"spans"' in result.stderr


def test_words_about_an_article_are_no_annotations(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"id": "1", "text": TEXT, "label": "时政", "tags": ["区县", "人物"]}
    source.write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["corpus", "convert", str(source), str(output)])
    assert result.exit_code == 0 and output.exists(), result.stderr
    assert "fields 'label'" in result.stderr and "fields 'tags'" in result.stderr


@pytest.mark.parametrize(
    "span", [{"start": 0, "end": 3, "type": "LOC"}, {"start": 0, "end": 3, "labels": ["LOC"]}]
)
def test_a_span_of_another_tool_is_named_as_it_stands(span: dict[str, object]) -> None:
    row = json.dumps({"id": 1, "text": TEXT, "entities": [span]})
    form, [item], _ = read_as("a.jsonl", row)
    assert form == "doccano" and isinstance(item, Rejected)
    assert item.why == f"{span} is not a span of doccano" and "start_offset" in item.remedy


def test_a_folder_in_which_nothing_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tLOC 0 3\t江北区\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    result = CliRunner().invoke(app, ["corpus", "convert", str(tmp_path), str(output)])
    assert result.exit_code == 1 and not output.exists()
    assert "holds no file that is read" in result.stderr
    assert "1 .ann files without their .txt" in result.stderr


def test_what_was_rejected_in_prodigy_is_not_read_as_right() -> None:
    spans = [{"start": 0, "end": 3, "label": "LOC", "token_start": 0, "token_end": 0}]
    lines = [
        json.dumps({"text": f"{TEXT}{answer}", "spans": spans, "answer": answer})
        for answer in ("accept", "reject", "ignore")
    ]
    accepted, *others = read_jsonl(Source("a.jsonl", "\n".join(lines).encode()))
    assert names(accepted) == ["江北区"]
    for item, answer, line in zip(others, ("reject", "ignore"), (2, 3)):
        assert isinstance(item, Rejected) and item.where == f"a.jsonl:{line}"
        assert f"was answered '{answer}' in Prodigy" in str(item)
