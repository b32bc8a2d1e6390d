"""Tagging a store: nothing lost, nothing twice, whatever happens."""

import gzip
import json
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import PATIENCE, make_article, wait_until

from ner.article import Article, Span
from ner.batch.ends import model_key
from ner.batch.jsonl import tag_file
from ner.batch.local import tag_store
from ner.batch.resume import partial_file, tag_to_file
from ner.errors import NerError
from ner.store import Store
from ner.store.schema import runs, spans
from ner.tagger.loading import Tagger, load


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """The fast model: what is tested is not what it finds."""
    return load("news-fast")


def test_a_run_tags_what_is_left_and_says_so(store: Store, tagger: Tagger) -> None:
    list(store.add(make_article(number) for number in range(5)))
    steps = list(tag_store(store, tagger, ids=["article-00003"]))
    assert [step.id for step in steps] == ["article-00003"]
    assert [step.id for step in tag_store(store, tagger)] == [
        f"article-{n:05d}" for n in (0, 1, 2, 4)
    ]
    assert list(tag_store(store, tagger)) == []
    for article in store.articles():
        assert isinstance(article, Article)
        assert Span(8, 11, "LOC") in [Span(s.start, s.end, s.label) for s in article.spans]


def test_runs_with_nothing_to_do_leave_no_trace(store: Store, tagger: Tagger) -> None:
    list(store.add([make_article(1)]))
    for _ in range(3):
        list(tag_store(store, tagger))
    with store._engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(runs)) == 1


class Poisoned:
    """The shipped tagger's component, but one article makes it fail, as a bug would."""

    def __init__(self, component: object) -> None:
        self.component = component

    def stream(self, texts: Iterable[str]) -> object:
        texts = list(texts)
        if any("00002" in text for text in texts):
            raise RuntimeError("no memory")
        return self.component.stream(texts)  # type: ignore[attr-defined]


def test_an_article_that_cannot_be_tagged_is_set_aside_and_the_rest_goes_on(store: Store) -> None:
    tagger = load("news-fast")
    tagger.component = Poisoned(tagger.component)  # type: ignore[assignment]
    list(store.add(make_article(number) for number in range(5)))
    failed = [step.id for step in tag_store(store, tagger) if step.failure]
    assert failed == ["article-00002"]
    assert [article.id for article in store.articles_to_tag(model_key(tagger))] == failed
    assert "could not be tagged: RuntimeError: no memory" in store.failures()[0].why


@pytest.mark.slow
def test_damaged_articles_are_set_aside_and_the_rest_is_tagged(
    store: Store, tagger: Tagger
) -> None:
    list(store.add(make_article(number) for number in range(4)))
    with store._engine.begin() as connection:
        change = "UPDATE texts SET text = '' WHERE article = 2"
        connection.execute(sa.text(change))
    assert [step.id for step in tag_store(store, tagger) if step.failure] == ["article-00001"]
    assert store.count_untagged(model_key(tagger)) == 1
    list(store.add([make_article(1)], replace=True))  # the remedy
    assert [step.id for step in tag_store(store, tagger)] == ["article-00001"]
    assert store.failures() == []


def test_a_batch_ends_where_its_texts_are_long(store: Store, tagger: Tagger) -> None:
    """Tagging takes memory by the characters of a batch; what is written shows where batches end."""
    text = "昨天，张伟在重庆市南岸区开会。" + "今天很好。\n" * 10_000
    list(store.add(Article(f"long-{number}", text) for number in range(8)))
    steps = tag_store(store, tagger)
    assert sum(next(steps).spans.values()) >= 1
    assert store.count_untagged(model_key(tagger)) == 5
    steps.close()


def test_killed_at_random_moments_nothing_is_lost_and_nothing_is_twice(
    store_url: str, tagger: Tagger
) -> None:
    articles = [make_article(number) for number in range(400)]
    with Store(store_url, create=True) as store:
        list(store.add(articles))
        command = [sys.executable, "-m", "ner", "tag", "--model", "news-fast", "--store", store_url]
        rng = random.Random(1)
        for _ in range(2):
            before = store.count_untagged(model_key(tagger))
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            wait_until(lambda n=before: store.count_untagged(model_key(tagger)) < n, process)
            time.sleep(rng.random() * 0.03)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
        finished = list(tag_store(store, tagger))
        assert 0 < len(finished) < 400
        expected = list(tagger.tag(article.text for article in articles))
        stored = [item for item in store.articles() if isinstance(item, Article)]
        assert [item.id for item in stored] == [article.id for article in articles]
        assert [list(item.spans) for item in stored] == expected
        with store._engine.connect() as connection:
            rows = connection.scalar(sa.select(sa.func.count()).select_from(spans))
    assert rows == sum(map(len, expected))


def write_lines(path: Path, rows: Iterable[object]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def answers(tagger: Tagger, path: Path) -> list[dict[str, Any]]:
    """The lines out, each strict JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    lines = [line.json for line in tag_file(tagger, path)]
    assert all(line.endswith("\n") for line in lines)
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_a_line_out_for_every_line_in_whatever_they_hold(tagger: Tagger, tmp_path: Path) -> None:
    text = "南岸区政府昨天开会。"
    rows: list[object] = [
        {"id": "1", "text": text},
        {"id": 7, "text": "👍🏽𠮷，" + text},
        '{"id": NaN, "text": "南岸区"}',
        '{"id": "x", "text": "南岸区", "score": Infinity}',
        {"id": True, "text": text},
        {"id": 1.5, "text": text},
        {"id": ["a"], "text": text},
        {"id": "3", "text": 5},
        {"id": "4", "text": "a\0b"},
        '{"id": "5", "text": "\\ud800"}',
        {"id": "6", "标题": "题", "正文": text},
        "[" * 100_000,
        '{"id": "8", "text": "' + "长" * 2_000_000 + '"}',
        "",
        {"id": "9", "text": ""},
        {"id": "10", "text": text, "spans": [[0, 99, "LOC"]], "label": "其他"},
    ]
    found = answers(tagger, write_lines(tmp_path / "a.jsonl", rows))
    assert [row["id"] for row in found] == [
        *("1", 7, None, None, None, None, None, "3", "4", "5", "6"),
        *(None, None, None, "9", "10"),
    ]
    good = {0: 0, 1: 4, 10: 2, 15: 0}
    assert {number for number, row in enumerate(found) if row.get("spans")} == set(good)
    for number, start in good.items():
        first = found[number]["spans"][0]
        assert (first["start"], first["end"], first["text"]) in [
            (start, start + 3, "南岸区"),
            (start, start + 5, "南岸区政府"),
        ]
    assert found[10]["text"] == f"题\n{text}"  # the text that its offsets count in
    assert found[14] == {"id": "9", "spans": []}


def test_other_forms_are_tagged_too_with_the_text_that_offsets_count_in(
    tagger: Tagger, tmp_path: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("编号,标题,正文\nc1,题,南岸区政府昨天开会。\nc2,题,\n", encoding="utf-8")
    first, second = answers(tagger, table)
    assert first["id"] == "c1" and first["text"].startswith("题\n南岸区")
    assert first["text"][first["spans"][0]["start"] :].startswith("南岸区")
    assert set(second) == {"id", "error"} or second["spans"] == []
    old = tmp_path / "old.jsonl"
    old.write_bytes('{"id": "1", "text": "南岸区政府昨天开会。"}\n'.encode("gb18030"))
    assert [span["start"] for span in answers(tagger, old)[0]["spans"]][:1] == [0]
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(
        gzip.compress(b'{"id": "1", "text": "\xe5\x8d\x97\xe5\xb2\xb8\xe5\x8c\xba"}\n{bad\n')
    )
    assert [sorted(row) for row in answers(tagger, packed)] == [["id", "spans"], ["error", "id"]]


def test_a_text_that_cannot_be_tagged_costs_only_itself(tmp_path: Path) -> None:
    tagger = load("news-fast")
    tagger.component = Poisoned(tagger.component)  # type: ignore[assignment]
    rows = [{"id": str(n), "text": make_article(n).text} for n in range(5)]
    found = answers(tagger, write_lines(tmp_path / "a.jsonl", rows))
    assert ["error" in row for row in found] == [False, False, True, False, False]
    assert "no memory" in found[2]["error"]


def test_an_answer_does_not_wait_for_further_lines() -> None:
    command = [sys.executable, "-m", "ner", "tag", "--model", "news-fast", "--input", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        for number in range(3):
            line = json.dumps({"id": str(number), "text": "南岸区开会"}) + "\n"
            process.stdin.write(line.encode())
            process.stdin.flush()
            if number == 1:  # a line and a half: the whole one is answered
                process.stdin.write(b'{"id": ')
                process.stdin.flush()
            assert select.select([process.stdout], [], [], PATIENCE)[0], "no answer"
            assert json.loads(process.stdout.readline())["id"] == str(number)
            if number == 1:
                process.stdin.write(b'"half", "text": ""}\n')
                process.stdin.flush()
                assert json.loads(process.stdout.readline())["id"] == "half"
        process.stdin.close()
        assert process.stdout.read() == b"" and process.wait(PATIENCE) == 0


def test_an_interrupted_command_keeps_what_is_done_and_goes_on(
    tagger: Tagger, tmp_path: Path
) -> None:
    rows = [{"id": str(number), "text": f"南岸区第{number}次开会。"} for number in range(12_000)]
    source = write_lines(tmp_path / "in.jsonl", [*rows[:5], "{bad", *rows[5:]])
    output = tmp_path / "out.jsonl"
    output.write_text("old\n")
    partial = partial_file(tagger, source, output)
    command = [
        sys.executable,
        "-m",
        "ner",
        "tag",
        "--model",
        "news-fast",
        "--input",
        str(source),
        "--output",
        str(output),
    ]
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        before = partial.stat().st_size if partial.exists() else 0
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        wait_until(lambda size=before: partial.exists() and partial.stat().st_size > size, process)
        process.send_signal(stop)
        errors = process.communicate()[1].decode()
        assert process.returncode != 0 and output.read_text() == "old\n"
        assert stop == signal.SIGKILL or partial.name in errors
    kept = partial.read_bytes()
    with partial.open("ab") as file:
        file.write(b'{"id": "cut off')
    lines = list(tag_to_file(tagger, source, output))
    assert [line.is_old for line in lines] == sorted((line.is_old for line in lines), reverse=True)
    assert sum(line.is_old for line in lines) == kept.count(b"\n")
    assert [number for number, line in enumerate(lines) if line.error] == [5]
    straight = "".join(line.json for line in tag_file(tagger, source))
    assert output.read_text(encoding="utf-8") == straight
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_only_the_same_command_goes_on(tagger: Tagger, tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "in.jsonl", [{"id": str(n), "text": "南岸区"} for n in range(99)]
    )
    output = tmp_path / "out.jsonl"
    begun = tag_to_file(tagger, source, output)
    next(begun)
    with pytest.raises(NerError, match="another command is writing it"):
        list(tag_to_file(tagger, source, output))
    begun.close()
    partial = partial_file(tagger, source, output)
    assert (tmp_path / "out.jsonl.part").resolve() == partial.resolve()
    assert partial.exists() and not output.exists()
    write_lines(source, [{"id": "new", "text": "南岸区"}])  # other input: nothing of it is taken
    assert [line.is_old for line in tag_to_file(tagger, source, output)] == [False]
    assert json.loads(output.read_text(encoding="utf-8"))["id"] == "new"
    assert partial.exists()  # nobody else's file is deleted


def test_an_input_that_cannot_be_read_leaves_nothing(tagger: Tagger, tmp_path: Path) -> None:
    with pytest.raises(NerError, match="cannot be read"):
        list(tag_to_file(tagger, tmp_path / "none.jsonl", tmp_path / "out.jsonl"))
    assert list(tmp_path.iterdir()) == []
