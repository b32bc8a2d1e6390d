"""Against a real doccano, on loopback: what is pushed comes back as people left it."""

import contextlib
import datetime
import http.server
import io
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, ROOT, make_article
from doccano_server import ADMIN, NotInstalled, Server, free_port, serve
from test_cli import ner, one_line_error

from ner import corpus
from ner.annotation import doccano
from ner.annotation.doccano import Project, push
from ner.article import Article, Rejected, Span
from ner.cli.terminal import count
from ner.errors import NerError
from ner.labels import LABELS, style
from ner.store import Store

pytestmark = pytest.mark.slow

ANNOTATOR = ("lihua", "xiao-lihua-2025")
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with serve(tmp_path_factory.mktemp("doccano")) as running:
            client = doccano.connect(running.url, *ADMIN)
            name, password = ANNOTATOR
            user = {"username": name, "password1": password, "password2": password}
            client.post("v1/users/create", json=user)
            yield running
    except NotInstalled as error:
        pytest.skip(str(error))


@pytest.fixture
def project(server: Server, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project of the test's own, and the environment of somebody who works on it."""
    monkeypatch.setenv("NER_DOCCANO_URL", server.url)
    monkeypatch.setenv("NER_DOCCANO_PASSWORD", ADMIN[1])
    client = doccano.connect(server.url, *ADMIN)
    made = doccano.make_project(client, f"project-{next(NUMBERS)}", guideline="# 说明")
    client.post_members(made.number, [ANNOTATOR[0]], ["annotator"])
    return made


def lihua(project: Project) -> Project:
    """The project as the annotator meets it."""
    client = doccano.connect(project.client.baseurl, *ANNOTATOR)
    return Project(client, project.number, project.name)


def examples(project: Project) -> dict[str, dict[str, Any]]:
    params = {"limit": 1000}
    rows = project.client.get(f"{project.path}/examples", params=params)["results"]
    by_id = {row["meta"].get("id", ""): row for row in rows}
    assert len(by_id) == len(rows), "an article is there twice"
    return by_id


def spans(project: Project, article: str) -> list[dict[str, Any]]:
    number = examples(project)[article]["id"]
    found: list[dict[str, Any]] = project.client.get(f"{project.path}/examples/{number}/spans")
    return found


def draw(project: Project, article: str, start: int, end: int, label: str) -> None:
    number = examples(project)[article]["id"]
    types = {row["text"]: row["id"] for row in project.client.get(f"{project.path}/span-types")}
    row = {"start_offset": start, "end_offset": end, "label": types[label], "prob": 0}
    project.client.post(f"{project.path}/examples/{number}/spans", json=row)


def tick(project: Project, article: str) -> None:
    project.client.post(f"{project.path}/examples/{examples(project)[article]['id']}/states")


def outcomes(pushed: Iterator[doccano.Pushed]) -> list[tuple[str, str]]:
    return [(one.id, one.outcome) for one in pushed]


def pulled(project: Project) -> list[Article]:
    items = list(doccano.pull(project, unfinished=True))
    assert all(isinstance(item, doccano.Labelled) for item in items), items
    return [item.article for item in items if isinstance(item, doccano.Labelled)]


def articles(number: int) -> list[Article]:
    return [make_article(n, spans=(Span(8, 11, "LOC"), Span(8, 13, "ORG"))) for n in range(number)]


UNUSUAL = [
    "石桥村",
    "😀石桥村",
    "𠮷石桥村",
    "👨‍👩‍👧 石桥村",
    "\r\n\r石桥村\r\n",
    "  \u3000石桥村 \n\n",
    "e\u0301\t石桥村\u2028",
]


def test_articles_come_back_as_they_went(project: Project) -> None:
    sent = []
    for number, text in enumerate(UNUSUAL):
        at = text.index("石桥村")
        nested = (Span(at, at + 3, "LOC"), Span(at, at + 3, "ORG"), Span(at, at + 2, "BRAND"))
        date = datetime.date(2025, 1, number + 1)
        fields = {"paper": "江城日报", "date": date, "page": "007", "section": "要闻"}
        fields |= {"overtitle": "引题", "author": "甲、乙", "editor": "丙", "continued_from": "1"}
        sent.append(Article(f"a-{number}", text, spans=nested, **fields))
    sent.append(Article("titled", "石桥村\n开会。", title="石桥村", body_start=4))
    assert all(outcome == "pushed" for _, outcome in outcomes(push(project, sent)))
    back = pulled(project)
    assert back == sent


def test_what_annotators_did_comes_back(project: Project, tmp_path: Path) -> None:
    list(push(project, articles(3)))
    hers = lihua(project)
    first, second = (article.id for article in articles(2))
    [gone, _] = spans(hers, first)
    number = examples(project)[first]["id"]
    hers.client.delete_span(project.number, number, gone["id"])
    draw(hers, first, 13, 15, "PER")
    hers.client.post(f"{project.path}/comments?example={number}", json={"text": "昨天是人名？"})
    tick(hers, first)
    tick(hers, second)
    for _ in range(2):  # an approver takes the tick off, and sets it again
        tick(project, second)
    target = tmp_path / "out.jsonl"
    result = ner("annotate", "pull", "--project", project.name, "--output", target)
    assert (result.exit_code, result.stderr) == (0, "2 articles pulled, 1 not ticked yet\n")
    row, other = (json.loads(line) for line in target.read_text(encoding="utf-8").splitlines())
    assert (row["state"], row["confirmed_by"]) == ("confirmed", ["lihua"])
    assert sorted(row["annotators"]) == ["admin", "lihua"]
    assert row["comments"] == [{"user": "lihua", "text": "昨天是人名？"}]
    assert [span["text"] for span in row["spans"] if span["label"] == "PER"] == ["昨天"]
    assert len(row["spans"]) == 2
    assert (other["state"], other["confirmed_by"]) == ("approved", ["admin"])
    before = target.read_bytes()
    ner("annotate", "pull", "--project", project.name, "--output", target)
    assert target.read_bytes() == before
    # The same into a store: as decisions, and again nothing new.
    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        assert [added.outcome for added in store.add(articles(2))] == ["added"] * 2
        for entered in (len(row["spans"]) + len(other["spans"]) + 2, 0):  # and two read as a whole
            into = ner("annotate", "pull", "--project", project.name, "--store", url)
            assert (into.exit_code, into.stderr) == (
                0,
                f"2 articles pulled, {count(entered, 'decision')} stored, 1 not ticked yet\n",
            )
        taught = [set(item.spans) for item in store.reviewed() if isinstance(item, Article)]
    assert taught[0] == {Span(s["start"], s["end"], s["label"]) for s in row["spans"]}
    assert "no output" in one_line_error(ner("annotate", "pull", "-p", project.name))


def test_what_the_store_does_not_hold_is_pulled_into_the_file(
    project: Project, tmp_path: Path
) -> None:
    whole = make_article(0)
    sentence = Article(f"{whole.id}:8-13", whole.text[8:13], spans=(Span(0, 5, "ORG"),))
    other = replace(make_article(1), id="elsewhere")
    list(push(project, [sentence, other]))
    tick(project, sentence.id)
    tick(project, other.id)
    url, target = f"sqlite:///{tmp_path}/a.db", tmp_path / "out.jsonl"
    with Store(url, create=True) as store:
        list(store.add([whole]))
    command = ["annotate", "pull", "--project", project.name, "--store", url, "--output", target]
    result = ner(*command)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"error: article {sentence.id}: is not in the store (pull it with --output FILE, and name"
        " the file under [data] in the config)",
        "error: article elsewhere: is not in the store (ner ingest it)",
        "2 articles pulled, 0 decisions stored, 0 not ticked yet",
    ]
    assert len(target.read_text(encoding="utf-8").splitlines()) == 2


def test_push_makes_the_project_and_again_changes_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.jsonl"
    row = {"id": "1", "text": "石桥村开会。", "spans": [[0, 3, "LOC"]]}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    name = f"{project.name}&q=Ü 新"
    first = ner("annotate", "push", file, "--project", name)
    assert (first.exit_code, first.stderr.startswith("1 pushed; http://127.0.0.1:")) == (0, True)
    made = doccano.open_project(project.client, name)
    before = spans(made, "1"), project.client.get(f"{made.path}/span-types")
    assert "1 unchanged" in ner("annotate", "push", file, "--project", name).stderr
    assert (spans(made, "1"), project.client.get(f"{made.path}/span-types")) == before
    types = {row["text"]: row for row in before[1]}
    assert list(types) == ["PER", "LOC", "ORG", "BRAND"]
    assert len({row["background_color"] for row in types.values()}) == 4
    assert [row["suffix_key"] for row in types.values()] == ["p", "l", "o", "b"]
    settings = project.client.get(made.path)
    assert settings["allow_overlapping"] and settings["collaborative_annotation"]
    assert settings["guideline"] == (ROOT / "docs/guideline.md").read_text("utf-8").strip()
    own = tmp_path / "own.md"
    own.write_text("# 我们的说明\n", encoding="utf-8")
    ner("annotate", "push", file, "--project", name, "--guideline", own)
    assert project.client.get(made.path)["guideline"] == "# 我们的说明"


def test_labels_beyond_ours_are_pushed_with_a_colour_and_come_back(project: Project) -> None:
    name = make_article(0, spans=(Span(8, 13, "GPE"), Span(8, 11, "LOC"), Span(13, 15, "日期")))
    assert outcomes(push(project, [name])) == [(name.id, "pushed")]
    rows = project.client.get(f"{project.path}/span-types")
    assert {row["text"] for row in rows} == {"PER", "LOC", "ORG", "BRAND", "GPE", "日期"}
    assert {row["background_color"] for row in rows if row["text"] not in LABELS} == {
        style("GPE").color
    }
    assert pulled(project) == [name]


def test_help_is_a_recipe_and_every_command_is_in_the_readme() -> None:
    recipe = ner("annotate", "--help").output
    for command in ("select", "suggest", "push", "pull"):
        assert f"ner annotate {command}" in recipe
    for command in ("push", "pull"):
        text = " ".join(ner("annotate", command, "--help").output.replace("│", " ").split())
        assert f"Example: ner annotate {command}" in text
        assert f"ner annotate {command}" in (ROOT / "README.md").read_text("utf-8")


def test_the_store_is_pushed_where_no_file_is_named(project: Project, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    ner("ingest", ROOT / "data/pages/jzrb-2025-03-18-003.txt", "--store", url)
    ner("tag", "--store", url)
    result = ner("annotate", "push", "--store", url, "--project", project.name)
    assert result.stderr.startswith("3 pushed")
    assert all(article.spans for article in pulled(project))


def test_uploads_and_lists_longer_than_one_page(project: Project) -> None:
    assert len(outcomes(push(project, articles(105), chunk=40))) == 105
    assert [a.id for a in pulled(project)] == [a.id for a in articles(105)]


def test_an_interrupted_push_can_be_repeated(project: Project) -> None:
    broken = push(project, articles(5), chunk=2)
    assert [next(broken).outcome for _ in range(2)] == ["pushed", "pushed"]
    broken.close()
    found = [outcome for _, outcome in outcomes(push(project, articles(5), chunk=2))]
    assert sorted(found) == ["pushed"] * 3 + ["unchanged"] * 2
    assert [article.id for article in pulled(project)] == [a.id for a in articles(5)]


def test_without_the_task_worker_push_says_so_and_goes_on_later(
    project: Project, server: Server
) -> None:
    server.stop("worker")
    with pytest.raises(NerError, match="not processed in 2 s .is doccano's task worker running"):
        list(push(project, articles(3), timeout=2))
    server.start_worker()
    assert [outcome for _, outcome in outcomes(push(project, articles(3)))] == ["pushed"] * 3
    time.sleep(2)  # the worker meets the first upload too, which has been taken back
    assert [set(a.spans) for a in pulled(project)] == [set(a.spans) for a in articles(3)]


def test_an_upload_that_stopped_before_its_spans_is_repeated(project: Project) -> None:
    """What a worker killed between its two writes leaves."""
    list(push(project, articles(3)))
    for article in articles(3):
        number = examples(project)[article.id]["id"]
        project.client.delete(f"{project.path}/examples/{number}/spans")
    assert [a.spans for a in pulled(project)] == [()] * 3
    assert [outcome for _, outcome in outcomes(push(project, articles(3)))] == ["pushed"] * 3
    assert [set(a.spans) for a in pulled(project)] == [set(a.spans) for a in articles(3)]


def upload_again(project: Project, row: dict[str, Any]) -> None:
    """As a task worker does whose first try failed half way."""
    label = [[8, 11, "LOC"], [8, 13, "ORG"]]
    line = json.dumps({"text": row["text"], "label": label, **row["meta"]}) + "\n"
    before = project.client.get(f"{project.path}/examples")["count"]
    project.client.post_doc_upload_binary(project.number, [io.BytesIO(line.encode())])
    deadline = time.monotonic() + PATIENCE
    while project.client.get(f"{project.path}/examples")["count"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(0.5)  # examples come before their spans


def test_duplicates_that_nobody_worked_on_are_deleted(project: Project) -> None:
    [article] = articles(1)
    list(push(project, [article]))
    upload_again(project, examples(project)[article.id])
    assert project.client.get(f"{project.path}/examples")["count"] == 2
    assert outcomes(push(project, [article])) == [(article.id, "unchanged")]
    assert len(spans(project, article.id)) == 2


def test_duplicates_that_differ_stay_and_are_reported(project: Project) -> None:
    [article] = articles(1)
    list(push(project, [article]))
    hers = lihua(project)
    [gone, _] = spans(hers, article.id)
    hers.client.delete_span(project.number, gone["example"], gone["id"])
    tick(hers, article.id)
    upload_again(project, examples(project)[article.id])
    list(push(project, [article]))
    duplicate, bad = doccano.pull(project, unfinished=True)
    assert isinstance(duplicate, doccano.Labelled) and duplicate.state == "confirmed"
    assert "is in the project twice (delete one of the two in doccano)" in str(bad)


def test_pushing_again_leaves_an_annotators_work(project: Project) -> None:
    list(push(project, articles(2)))
    hers = lihua(project)
    first, second = (article.id for article in articles(2))
    for span in spans(hers, first):
        hers.client.delete_span(project.number, span["example"], span["id"])
    draw(hers, second, 13, 15, "PER")
    before = spans(project, first), spans(project, second)
    assert [outcome for _, outcome in outcomes(push(project, articles(2)))] == ["unchanged"] * 2
    assert (spans(project, first), spans(project, second)) == before


def test_unusable_articles_are_reported_and_the_others_pulled(
    project: Project, tmp_path: Path
) -> None:
    list(push(project, [*articles(4), Article("emoji", "😀石桥村")]))
    edited, crossing, other, good = (article.id for article in articles(4))
    row = examples(project)[edited]
    project.client.update(
        f"{project.path}/examples/{row['id']}", {"text": row["text"].replace("南岸", "江北")}
    )
    draw(project, crossing, 10, 14, "ORG")
    project.client.post(f"{project.path}/span-types", json={"text": "GPE"})
    draw(project, other, 8, 11, "GPE")  # a label that people added there comes as it is
    draw(project, "emoji", 1, 3, "LOC")
    target = tmp_path / "out.jsonl"
    result = ner("annotate", "pull", "--unfinished", "-p", project.name, "-o", target)
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    for line, name, message in zip(
        errors,
        (edited, crossing, "emoji"),
        (
            "its text was edited in doccano, so offsets are no longer valid (delete it there and push",
            "span 10:14 ORG '区政府昨' crosses 8:11 LOC '南岸区' (spans may nest, not cross)",
            "span 1:3 begins or ends within a character or past the text (delete it in doccano and",
        ),
    ):
        assert f"article {name}: {message}" in line
    assert len(errors) == 3
    kept = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in kept] == [other, good]
    assert "GPE" in {span["label"] for span in kept[0]["spans"]}


def test_white_space_at_the_edges_survives_uploads_only(project: Project) -> None:
    """doccano's own form strips what it is given; uploads keep it, so nothing need be undone."""
    project.client.create_example(project.number, "  石桥村\n")
    assert [row["text"] for row in examples(project).values()] == ["石桥村"]
    assert outcomes(push(project, [Article("1", "  石桥村\n")])) == [("1", "pushed")]
    foreign, ours = doccano.pull(project, unfinished=True)
    assert "was not pushed by ner (push it: ner annotate push)" in str(foreign)
    assert isinstance(ours, doccano.Labelled) and ours.article.text == "  石桥村\n"


def test_another_text_under_a_known_id_fails_alone(project: Project, tmp_path: Path) -> None:
    list(push(project, [Article("1", "旧文。")]))
    bad = Rejected("x", "a.jsonl:3", "not JSON", "mend it")
    items = [Article("1", "新文。"), bad, Article("2", "新文。")]
    assert outcomes(push(project, items)) == [("1", "failed"), ("x", "failed"), ("2", "pushed")]
    [failed, _, _] = push(project, items)
    assert "article 1: is in the project with another text (delete it in doccano, or" in str(
        failed.failure
    )


def test_a_project_deleted_in_the_meantime(project: Project, tmp_path: Path) -> None:
    pushing = push(project, articles(4), chunk=2)
    next(pushing)
    pulling = doccano.pull(project, unfinished=True)
    next(pulling)
    project.client.delete_project(project.number)
    with pytest.raises(NerError, match="the project was deleted in the meantime"):
        list(pushing)
    with pytest.raises(
        NerError, match="the project was deleted in the meantime .ner annotate push makes"
    ):
        list(pulling)
    target = tmp_path / "out.jsonl"
    target.write_text("old\n")
    error = one_line_error(ner("annotate", "pull", "-p", project.name, "-o", target))
    assert f"{project.name}: no such project (ner annotate push creates it)" in error
    assert target.read_text() == "old\n"
    anew = doccano.make_project(project.client, project.name, guideline="")
    assert len(outcomes(push(anew, articles(4)))) == 4


def test_a_wrong_password_and_a_user_without_permission(project: Project) -> None:
    error = one_line_error(
        ner("annotate", "pull", "-p", project.name, "-o", "-", "--password", "wrong-one")
    )
    assert "wrong user or password (check NER_DOCCANO_USER and NER_DOCCANO_PASS" in error
    assert "wrong-one" not in error
    hers = lihua(project)
    with pytest.raises(
        NerError, match="permission denied for /v1/projects/.*log in as an admin of the pro"
    ):
        list(doccano.pull(hers))


def test_other_servers_are_refused_and_nothing_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def error(url: str) -> str:
        return one_line_error(ner("annotate", "pull", "-o", "-", "--url", url))

    assert "no password for doccano (set NER_DOCCANO_PASSWORD)" in error("http://127.0.0.1:1")
    monkeypatch.setenv("NER_DOCCANO_PASSWORD", "s3cret")
    down = error(f"http://127.0.0.1:{free_port()}")
    assert "cannot be reached (is `doccano webserver` running? check --url)" in down
    for url in (
        *("127.0.0.1:8000", "ftp://127.0.0.1", "http://127.0.0.1:s3cret", "http://[s3cret"),
        *("http://admin:s3cret@127.0.0.1", "admin:s3cret@127.0.0.1", "http://admin:s3@cret@host"),
        *("http://127.0.0.1/?password=s3cret", "http://127.0.0.1/#s3cret"),
    ):
        message = error(url)
        assert "--url is not the address of a doccano server (write it as http://" in message
        assert "s3cret" not in message and "s3@cret" not in message

    for status, headers, body, message in (
        (200, {}, b"hello", "is not a doccano server (check --url)"),
        (404, {}, b"s3cret", "is not a doccano server (check --url)"),
        (500, {}, b"password=s3cret", "answered 500 to /v1/auth/login/ (look into doccano's log"),
        (307, {"Location": "http://other.test/"}, b"", "redirects to http://other.test (give the"),
        (307, {"Location": "/v1/auth/login/"}, b"", "cannot be reached (TooManyRedirects)"),
    ):
        with answering(status, headers, body) as url:
            told = error(url)
            assert message in told and "s3cret" not in told


@contextlib.contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    """The address of a server that gives one answer to everything."""

    class Other(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()


def test_doccano_stopped_during_a_push(project: Project, server: Server) -> None:
    pushing = push(project, articles(4), chunk=2)
    next(pushing)
    server.stop("web")
    try:
        with pytest.raises(NerError, match="cannot be reached .is `doccano webserver` running"):
            list(pushing)
    finally:
        server.start_web()
    found = [outcome for _, outcome in outcomes(push(project, articles(4)))]
    assert sorted(found) == ["pushed"] * 2 + ["unchanged"] * 2


# -- the page, as an annotator meets it

CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
PLACE = """
(words) => {
  const texts = document.createTreeWalker(document.querySelector('#container'), NodeFilter.SHOW_TEXT)
  for (let node; (node = texts.nextNode()); ) {
    const at = node.data.indexOf(words)
    if (at < 0) continue
    const range = document.createRange()
    range.setStart(node, at)
    range.setEnd(node, at + words.length)
    const {left, right, top, bottom} = range.getBoundingClientRect()
    return {left, right, y: (top + bottom) / 2}
  }
}
"""
LINES = """
() => [...document.querySelectorAll('#container line')].map((line) => {
  const {left, right} = line.getBoundingClientRect()
  return [left, right]
})
"""


@pytest.fixture
def page(project: Project) -> Iterator[Any]:
    """doccano's page in Chromium, with the annotator logged in."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1100, "height": 620})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{project.client.baseurl}auth", wait_until="domcontentloaded")
        page.fill("input[type=text]", ANNOTATOR[0])
        page.fill("input[type=password]", ANNOTATOR[1])
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects**")
        yield page
        browser.close()


def drag_over(page: Any, words: str) -> None:
    place = page.evaluate(PLACE, words)
    page.mouse.move(place["left"] + 1, place["y"])
    page.mouse.down()
    page.mouse.move(place["right"] - 1, place["y"], steps=8)
    page.mouse.up()


def test_a_span_drawn_with_the_mouse_is_pulled(project: Project, page: Any, tmp_path: Path) -> None:
    """Before the name stand characters that count double in JavaScript."""
    images = Path(os.environ.get("DOCCANO_IMAGES", tmp_path))  # to make those in docs/images anew
    text = "𠮷庆里新事\n“板凳会”开到家门口😀石桥街道𠮷庆里社区的网格员周小满说，门口的路灯修好了。"
    prelabels = [
        Span(text.index(name), text.index(name) + len(name), label)
        for name, label in [("板凳会", "BRAND"), ("石桥街道", "LOC"), ("𠮷庆里社区", "LOC")]
    ]
    title = text.partition("\n")[0]
    article = Article("drawn", text, title, len(title) + 1, spans=tuple(prelabels))
    own = list(itertools.islice(corpus.read([ROOT / "data/annotations/dev.jsonl"]), 5))
    list(push(project, [article, *own]))
    doccano.make_project(project.client, project.name, guideline=doccano.guideline())

    page.goto(f"{project.url}/sequence-labeling?page=2", wait_until="domcontentloaded")
    page.wait_for_selector("#container line", state="attached")
    page.wait_for_timeout(1000)
    page.screenshot(path=images / "doccano-article.png")
    page.locator(".toolbar-control button").nth(3).click()
    page.get_by_role("heading", name="What to mark").wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=images / "doccano-guideline.png")

    page.goto(f"{project.url}/sequence-labeling?page=1", wait_until="domcontentloaded")
    page.wait_for_selector("#container line >> nth=2", state="attached")
    lines = page.evaluate(LINES)
    for span in prelabels:
        place = page.evaluate(PLACE, text[span.start : span.end])
        assert any(
            abs(left - place["left"]) < 6 and abs(right - place["right"]) < 6
            for left, right in lines
        ), (span, place, lines)
    drag_over(page, "周小满")
    menu = page.locator(".menuable__content__active")
    menu.get_by_text("PER").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=images / "doccano-label.png")
    menu.get_by_text("PER").click()
    page.wait_for_selector("#container line >> nth=3", state="attached")
    page.keyboard.press("b")
    drag_over(page, "石桥")
    page.wait_for_selector("#container line >> nth=4", state="attached")
    page.locator("#container g text", has_text="BRAND").first.click()
    menu.locator(".v-chip__close").click()
    page.wait_for_selector("#container line >> nth=4", state="detached")
    page.locator(".toolbar-control button").first.click()
    page.get_by_text("17%").wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=images / "doccano-ticked.png")

    [labelled] = doccano.pull(project)
    assert isinstance(labelled, doccano.Labelled)
    drawn = {
        Span(at := text.index("周小满"), at + 3, "PER"),
        Span(at := text.index("石桥"), at + 2, "BRAND"),
    }
    assert set(labelled.article.spans) == {*prelabels[1:], *drawn}
    assert labelled.annotators == ("admin", "lihua") and labelled.confirmed_by == ("lihua",)
