"""`ner show` as a person reads it: marks, lists, filters, and whose spans are shown."""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import copy_model
from test_cli import PAGE, lines, ner, one_line_error

from ner.article import Article, Span
from ner.batch.ends import model_key
from ner.labels import STYLES
from ner.store import ModelKey, Store
from ner.tagger.loading import load
from ner.tagger.registry import find_model

TEXT = "南岸区委开会\n\n陈晓说“一表通”真省事。"
SPANS = (
    *(Span(0, 4, "ORG", 0.9), Span(0, 3, "LOC", 0.8)),
    *(Span(8, 10, "PER", 0.7), Span(12, 15, "BRAND", 0.6)),
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with two articles, tagged by the model in use."""
    url = f"sqlite:///{tmp_path}/articles.db"
    first = Article("a", TEXT, "南岸区委开会", 7, paper="江州日报", page="003", spans=SPANS)
    second = Article("b", "雨还在下。", paper="晚报", page="A2")
    with Store(url, create=True) as store:
        list(store.add([first, second]))
        store.write_results(store.start_run(model_key(load())), [first, second])
    return url


def test_without_colour_spans_stand_in_brackets_and_paragraphs_apart(url: str) -> None:
    shown = ner("show", "a", "--store", url).stdout.splitlines()
    assert shown[0].startswith("── a · 江州日报 · 第003版 ──")
    assert shown[1:5] == [
        "[[南岸区 LOC]委 ORG]开会",
        "",
        "[陈晓 PER]说“[一表通 BRAND]”真省事。",
        "",
    ]
    scores = ner("show", "a", "--scores", "--store", url).stdout
    assert "[[南岸区 LOC 0.80]委 ORG 0.90]开会" in scores


def test_colour_is_shown_when_it_is_asked_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = ner("show", "a", "--store", url).stdout
    color = ner("show", "a", "--color", "always", "--store", url).stdout
    assert "\x1b" not in plain and "[陈晓 PER]" in plain
    assert "\x1b[30;43m陈晓\x1b[0m说" in color and "[陈晓" not in color
    assert "unknown colour mode" in one_line_error(ner("show", "--color", "red", "--store", url))


def test_spans_of_one_label_that_touch_are_told_apart(url: str) -> None:
    spans = (Span(0, 2, "PER"), Span(2, 4, "PER"))
    with Store(url) as store:
        [*_] = store.add([Article("c", "陈晓杨莉来了")])
        store.write_results(
            store.start_run(model_key(load())), [Article("c", "陈晓杨莉来了", spans=spans)]
        )
    shown = ner("show", "c", "--color", "always", "--store", url).stdout
    assert "陈晓\x1b[0m|\x1b" in shown


def test_a_score_asked_for_leaves_out_the_spans_below(url: str) -> None:
    shown = ner("show", "a", "--least", "0.75", "--least", "BRAND=0.5", "--store", url).stdout
    assert "[[南岸区 LOC]委 ORG]开会" in shown and "[一表通 BRAND]" in shown
    assert "[陈晓" not in shown
    for wrong in ("x", "BRAND=2", "nan"):
        error = one_line_error(ner("show", "--least", wrong, "--store", url))
        assert f"--least {wrong} is not a score" in error


def test_the_list_has_a_line_for_each_article(url: str) -> None:
    result = ner("show", "--list", "--store", url)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["id", "PER", "LOC", "ORG", "BRAND", "title"],
        ["a", "1", "1", "1", "1", "南岸区委开会"],
        ["b", "0", "0", "0", "0", "雨还在下。"],
    ]
    assert result.stderr == "2 articles\n"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--paper", "晚报"), "b"),
        (("--page", "3"), "a"),
        (("--label", "BRAND"), "a"),
        (("--name", "一表通"), "a"),
    ],
)
def test_filters_choose_articles(options: tuple[str, str], found: str, url: str) -> None:
    for more in ((), ("--list",)):
        result = ner("show", *options, *more, "--store", url)
        ids = [line.split()[0] for line in result.stdout.replace("── ", "").splitlines() if line]
        assert found in ids and ({"a", "b"} - {found}).isdisjoint(ids)
    nothing = ner("show", options[0], "无", "--store", url)
    assert (nothing.stdout, nothing.stderr) == ("", "no article matches\n")


def test_the_spans_are_those_of_the_model_in_use(url: str, tmp_path: Path) -> None:
    """Another model that was tried does not change what is shown and exported."""
    with Store(url) as store:
        run = store.start_run(ModelKey("other", "1.0", "0"))
        store.write_results(run, [Article("a", TEXT, spans=(Span(8, 9, "LOC"),))])
    assert "[陈晓 PER]" in ner("show", "a", "--store", url).stdout
    assert "[陈 LOC]晓" in ner("show", "a", "--model", "other", "--store", url).stdout
    assert '"PER"' in ner("export", "--store", url).stdout
    assert '"PER"' not in ner("export", "--model", "other-1.0", "--store", url).stdout
    error = one_line_error(ner("show", "--model", "third", "--store", url))
    assert "no model 'third' (this store was tagged by: other-1.0, news-" in error
    new = copy_model(find_model(), tmp_path / "new", version="9.0")
    unused = ner("show", "a", "--model", new, "--store", url)
    assert "陈晓说" in unused.stdout and "news-9.0 has not tagged this store" in unused.stderr


def test_where_the_model_in_use_has_tagged_nothing_the_last_that_has_is_taken(
    tmp_path: Path,
) -> None:
    """An export without any span would look as if nothing had been found."""
    url = f"sqlite:///{tmp_path}/other.db"
    with Store(url, create=True) as store:
        list(store.add([Article("a", TEXT)]))
        for name, span in (("first", Span(8, 9, "ORG")), ("last", Span(8, 9, "LOC"))):
            run = store.start_run(ModelKey(name, "1.0", "0"))
            store.write_results(run, [Article("a", TEXT, spans=(span,))])
    for command in ("show", "export", "places"):
        result = ner(command, "--store", url)
        assert "has not tagged this store: the spans are those of last-1.0" in result.stderr
        assert ("[陈 LOC]" if command == "show" else "陈") in result.stdout
    assert '"ORG"' in ner("export", "--model", "first", "--store", url).stdout
    assert '"spans": []' in ner("export", "--model", "news", "--store", url).stdout


def test_no_failures_is_said(url: str) -> None:
    result = ner("show", "--failures", "--store", url)
    assert (result.stdout, result.stderr) == ("", "no failures: everything was read and tagged\n")


def test_a_long_article_is_shown_in_time_linear_in_its_length(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/long.db"
    spans = tuple(Span(place, place + 2, "PER", 0.9) for place in range(0, 400_000, 10))
    article = Article("long", "陈晓说今天很好真的。" * 40_000, spans=spans)
    with Store(url, create=True) as store:
        list(store.add([article]))
        store.write_results(store.start_run(model_key(load())), [article])
    start = time.process_time()
    shown = ner("show", "--store", url, "--color", "always").stdout
    assert shown.count("陈晓\x1b[0m说") == 40_000
    assert time.process_time() - start < 20  # 200 s where every span looks at every other


def test_a_cut_list_says_how_to_see_the_rest(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/articles.db"
    ner("ingest", PAGE, "--store", url)
    assert "2 more articles: --limit 3" in ner("show", "--limit", "1", "--store", url).stderr
    assert "1 more article: --limit 3" in ner("show", "--limit", "2", "--store", url).stderr


def test_brackets_of_a_file_name_are_no_markup(tmp_path: Path) -> None:
    file = tmp_path / "[red]x.jsonl"
    file.write_bytes(lines({"id": "[/b]", "text": "南岸区", "spans": []}))
    result = ner("corpus", "stats", file)
    assert result.exit_code == 0 and "[red]" in result.stdout.replace("\n", "")


# How the colour-blind see linear RGB: Machado, Oliveira & Fernandes 2009, severity 1.
_SEEN = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
    "deuteranopia": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "tritanopia": np.array(
        [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]
    ),
}


@pytest.mark.parametrize("sight", _SEEN)
def test_colours_differ_for_every_sight(sight: str) -> None:
    seen = [_lab(_SEEN[sight] @ _linear(style.light)) for style in STYLES.values()]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 35
    assert len({style.ansi for style in STYLES.values()}) == len(STYLES)


def _linear(color: str) -> np.ndarray:
    parts = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = np.cbrt(np.clip(to_xyz @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089), 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
