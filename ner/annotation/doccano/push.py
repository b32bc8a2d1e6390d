"""Articles to doccano, with their spans as pre-labels."""

import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ner.annotation.doccano.server import SETTINGS, Project, Row, examples_of, spans_of
from ner.article import Article, Rejected, outside_in
from ner.errors import NerError
from ner.formats import dump
from ner.formats.utf16 import utf16_edges

CHUNK = 100  # articles an upload; doccano writes up to 1,000 in one go
TIMEOUT = 120.0  # seconds to wait for doccano's task worker


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one item given to `push`: ``pushed``, ``unchanged`` or ``failed``."""

    id: str
    outcome: str
    failure: Rejected | None = None


def push(
    project: Project,
    items: Iterable[Article | Rejected],
    *,
    chunk: int = CHUNK,
    timeout: float = TIMEOUT,
) -> Iterator[Pushed]:
    """Upload articles with their spans as pre-labels; say what became of each.

    What is there with the same text is left as people made it, so pushing twice, or again after a
    push that broke off, changes nothing that is there and adds what is missing.

    Args:
        chunk: articles an upload.
        timeout: seconds to wait for doccano's task worker, an upload.

    Raises:
        NerError: doccano went away, or did not take an upload; run it again.
    """
    there, hollow = _survey(project)
    hashes = {name: row["meta"]["text_hash"] for name, row in there.items()}
    items = iter(items)
    sent: set[str] = set()
    while batch := list(itertools.islice(items, chunk)):
        fresh: list[Article] = []
        for item in batch:
            if isinstance(item, Rejected):
                yield Pushed(item.id, "failed", item)
            elif item.id in hollow and hashes[item.id] == item.text_hash:
                project.client.delete(f"{project.path}/examples/{there[item.id]['id']}")
                hollow.discard(item.id)
                fresh.append(item)
            elif item.id not in hashes:
                hashes[item.id] = item.text_hash
                fresh.append(item)
            elif hashes[item.id] == item.text_hash:
                yield Pushed(item.id, "unchanged")
            else:
                yield Pushed(item.id, "failed", _other_text(project, item))
        if fresh:
            _upload(project, fresh, timeout)
            sent.update(article.id for article in fresh)
            yield from (Pushed(article.id, "pushed") for article in fresh)
    if sent and (lost := sent - _survey(project)[0].keys()):
        raise NerError(
            f"{len(lost)} articles did not arrive, {min(lost)} among them",
            where=project.url,
            remedy="run this again",
        )


def _other_text(project: Project, article: Article) -> Rejected:
    return Rejected(
        article.id,
        f"{project.url}: article {article.id}",
        "is there with another text",
        "delete it in doccano, or give the new text another id",
    )


def _survey(project: Project) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The examples by article id, and those whose upload broke off before their spans were written.

    doccano's task worker writes an upload's examples, then its spans. Killed in between it leaves
    examples without spans; started anew it uploads all of them again. Twins that nobody has worked on
    are deleted.
    """
    twins: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in examples_of(project):
        if "text_hash" in row["meta"]:  # else somebody uploaded it by hand
            twins[row["meta"]["id"]].append(row)
    there = {name: _keep_one(project, rows) for name, rows in twins.items()}
    uploads: dict[str, list[str]] = defaultdict(list)
    for name, row in there.items():
        if row["meta"]["prelabels"] != "0":
            uploads[row["upload_name"]].append(name)
    hollow: set[str] = set()
    for names in uploads.values():
        # One article without spans may be an annotator's doing; a whole upload is not.
        bare = (_idle(there[name]) and not spans_of(project, there[name]) for name in names)
        if len(names) > 1 and all(bare):
            hollow.update(names)
    return there, hollow


def _idle(row: Row) -> bool:
    return not row["is_confirmed"] and not row["comment_count"]


def _keep_one(project: Project, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of examples of one article the one most worked on; the others go if nothing is lost with them."""
    if len(rows) == 1:
        return rows[0]
    spans = {
        row["id"]: {
            (s["start_offset"], s["end_offset"], s["label"]) for s in spans_of(project, row)
        }
        for row in rows
    }
    first, *others = sorted(rows, key=lambda row: (_idle(row), -len(spans[row["id"]]), row["id"]))
    for row in others:
        if _idle(row) and row["text"] == first["text"] and spans[row["id"]] <= spans[first["id"]]:
            project.client.delete(f"{project.path}/examples/{row['id']}")
    return first


def _upload(project: Project, articles: Sequence[Article], timeout: float) -> None:
    """One file to doccano, read by its task worker.

    Raises:
        NerError: the worker does not take it up, or fails; then the file is taken back, so that a
            worker started later cannot read it behind our back.
    """
    client = project.client
    data = "".join(dump(_example_row(article)) for article in articles).encode("utf-8")
    name = f"ner-{sha256(data).hexdigest()[:16]}.jsonl"
    upload = client.post("v1/fp/process/", files={"filepond": (name, data)}, as_json=False).text
    order = {
        "format": "JSONL",
        "encoding": "utf_8",
        "task": SETTINGS["project_type"],
        "column_data": "text",
        "column_label": "label",
        "delimiter": "",
        "uploadIds": [upload],
    }
    try:
        task = client.post(f"{project.path}/upload", json=order)["task_id"]
        errors = _result(project, task, timeout)["error"]
        if errors:
            raise NerError(
                f"refused an upload: {errors[0].get('message')}",
                where=project.url,
                remedy="look into the task worker's log; run this again",
            )
    except BaseException:
        with contextlib.suppress(NerError):
            client.delete("v1/fp/revert/", data=upload, headers={"Content-Type": "text/plain"})
        raise


def _result(project: Project, task: str, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        status = project.client.get(f"v1/tasks/status/{task}")
        if status["error"]:
            raise NerError(
                f"the upload failed: {status['error']['text']}",
                where=project.url,
                remedy="was the project deleted meanwhile? run this again",
            )
        if status["ready"]:
            result: dict[str, Any] = status["result"]
            return result
        if time.monotonic() > deadline:
            raise NerError(
                f"the upload was not read in {timeout:g} s",
                where=project.url,
                remedy="is the doccano task worker running? start it with `doccano task`, run this again",
            )
        time.sleep(0.2)


def _example_row(article: Article) -> dict[str, Any]:
    """An article as doccano reads it: text, label, and the rest as metadata, all of it strings."""
    edges = utf16_edges(article.text)
    return {
        "text": article.text,
        "label": [
            [edges[span.start], edges[span.end], span.label] for span in outside_in(article.spans)
        ],
        "id": article.id,
        "title": article.title,
        "paper": article.paper,
        "date": article.date.isoformat() if article.date else "",
        "page": article.page,
        "section": article.section,
        "prelabels": str(len(article.spans)),
        "text_hash": article.text_hash,
    }
