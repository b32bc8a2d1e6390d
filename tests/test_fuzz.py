"""Damaged files of every form, and 10 MB of what once made a reader slow."""

import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import FORMS, check, damage, sample
from ner.article import Article
from ner.errors import NerError
from ner.formats import FORMATS, Source, detect_form

SAMPLES = {form: sample(form) for form in FORMS}


@pytest.mark.parametrize("form", FORMS)
def test_an_undamaged_file_is_read(form: str, tmp_path: Path) -> None:
    items = check(form, SAMPLES[form], tmp_path)
    assert items and all(isinstance(item, Article) for item in items)


@pytest.mark.parametrize("form", FORMS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_a_damaged_file_gives_articles_and_errors_only(
    form: str, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    data = damage(SAMPLES[form], random.Random(seed))
    check(form, data, tmp_path_factory.mktemp("damaged", numbered=True))


@given(data=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_under_any_name(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    for form in FORMS:
        if data and form not in ("ann", "docx", "xlsx"):
            check(form, data, folder)


SIZE = 10_000_000
SLOW = {
    "a page number and blanks": ("page", "第1版" + " " * SIZE + "\n上一篇\nx"),
    "blanks within a page number": ("page", "第1版:a\n上一篇\n第" + " " * SIZE + "1版"),
    "marks without an end": ("page", "第1版:a\n上一篇\n" + "(上接 " * (SIZE // 5)),
    "blanks in a line of a page": (
        "page",
        "第1版:a\n上一篇\n" + (" " * 999 + "(") * (SIZE // 1000),
    ),
    "navigation": ("page", "第1版:a\n上一篇\n" + ". " * (SIZE // 2)),
    "bylines without an end": ("txt", "（记者 " * (SIZE // 4)),
    "columns": ("bio", "a " * (SIZE // 2) + "X\n"),
    "blanks after a token": ("bio", "a" + " " * SIZE + "O\n"),
    "a line of quotation marks": ("csv", "id,text\n1," + '"a",' * (SIZE // 4)),
    "brackets": ("json", "[" * SIZE),
    "tags": ("html", "<html><body>" + "<div>" * 700_000),
    "an annotation each three units": (
        "web-annotation",
        json.dumps(
            {
                "@context": "x",
                "ner:source": {"value": "👍重" * 100_000},
                "items": [
                    {
                        "body": {"purpose": "tagging", "value": "LOC"},
                        "target": {
                            "selector": [
                                {"type": "TextPositionSelector", "start": 3 * n, "end": 3 * n + 2},
                                {"type": "TextQuoteSelector", "exact": "👍"},
                            ]
                        },
                    }
                    for n in range(40_000)
                ],
            }
        ),
    ),
    "a label for each span of the whole": (
        "json",
        json.dumps(
            {"text": "重" * 400_000, "spans": [[0, 400_000, f"L{n}"] for n in range(200_000)]}
        ),
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_ten_megabytes_take_seconds(name: str) -> None:
    form, text = SLOW[name]
    began = time.process_time()
    source = Source("x", text.encode())
    try:
        assert list(FORMATS[form].read(source)) or form == "bio"
        detect_form(Source("x.txt", text.encode()))
    except NerError:
        pass
    assert time.process_time() - began < 15
