"""Articles to doccano, with their spans as pre-labels."""

import contextlib
import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ner.annotation.doccano.project import (
    SETTINGS,
    Project,
    Row,
    add_labels,
    examples_of,
    spans_of,
)
from ner.article import Article, Rejected, outside_in
from ner.errors import NerError
from ner.formats import dump
from ner.formats.rows import article_fields
from ner.formats.utf16 import utf16_edges

CHUNK = 100  # articles per upload; doccano writes up to 1,000 at once
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
    """Upload articles with their spans as pre-labels, and yield what became of each.

    An article that is there with the same text is left as people made it, so pushing twice, or again
    after a push that was interrupted, adds only what is missing. Labels that the project does not have
    are added.

    Args:
        chunk: articles per upload.
        timeout: seconds per upload to wait for doccano's task worker.

    Raises:
        NerError: doccano cannot be reached any more, or refused an upload.
    """
    existing, incomplete = _existing(project)
    hashes = {name: row["meta"]["text_hash"] for name, row in existing.items()}
    items = iter(items)
    sent: set[str] = set()
    while batch := list(itertools.islice(items, chunk)):
        new: list[Article] = []
        for item in batch:
            if isinstance(item, Rejected):
                yield Pushed(item.id, "failed", item)
            elif item.id in incomplete and hashes[item.id] == item.text_hash:
                project.client.delete(f"{project.path}/examples/{existing[item.id]['id']}")
                incomplete.discard(item.id)
                new.append(item)
            elif item.id not in hashes:
                hashes[item.id] = item.text_hash
                new.append(item)
            elif hashes[item.id] == item.text_hash:
                yield Pushed(item.id, "unchanged")
            else:
                yield Pushed(item.id, "failed", _other_text(project, item))
        if new:
            _upload(project, new, timeout)
            sent.update(article.id for article in new)
            yield from (Pushed(article.id, "pushed") for article in new)
    if sent and (missing := sent - _existing(project)[0].keys()):
        raise NerError(
            f"{len(missing)} articles did not arrive, among them {min(missing)}",
            where=project.url,
            remedy="run this again",
        )


def _other_text(project: Project, article: Article) -> Rejected:
    return Rejected(
        article.id,
        f"{project.url}: article {article.id}",
        "is in the project with another text",
        "delete it in doccano, or give the new text another id",
    )


def _existing(project: Project) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The examples by article id, and the ids of those whose upload ended before spans were written.

    doccano's task worker writes an upload's examples, then its spans. Killed in between it leaves
    examples without spans; started again it writes all of them again. Duplicates that nobody has worked
    on are deleted.
    """
    duplicates: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in examples_of(project):
        if "text_hash" in row["meta"]:  # else somebody uploaded it by hand
            duplicates[row["meta"]["id"]].append(row)
    existing = {name: _keep_one(project, rows) for name, rows in duplicates.items()}
    uploads: dict[str, list[str]] = defaultdict(list)
    for name, row in existing.items():
        if row["meta"]["prelabels"] != "0":
            uploads[row["upload_name"]].append(name)
    incomplete: set[str] = set()
    for names in uploads.values():
        # Annotators may have deleted the spans of one article, hardly those of a whole upload.
        empty = (
            _untouched(existing[name]) and not spans_of(project, existing[name]) for name in names
        )
        if len(names) > 1 and all(empty):
            incomplete.update(names)
    return existing, incomplete


def _untouched(row: Row) -> bool:
    return not row["is_confirmed"] and not row["comment_count"]


def _keep_one(project: Project, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the examples of one article the one most worked on; others are deleted if it has all of theirs."""
    if len(rows) == 1:
        return rows[0]
    spans = {
        row["id"]: {
            (s["start_offset"], s["end_offset"], s["label"]) for s in spans_of(project, row)
        }
        for row in rows
    }
    first, *others = sorted(
        rows, key=lambda row: (_untouched(row), -len(spans[row["id"]]), row["id"])
    )
    for row in others:
        if (
            _untouched(row)
            and row["text"] == first["text"]
            and spans[row["id"]] <= spans[first["id"]]
        ):
            project.client.delete(f"{project.path}/examples/{row['id']}")
    return first


_LOG = logging.getLogger(__name__)


def _upload(project: Project, articles: Sequence[Article], timeout: float) -> None:
    """One file to doccano, read by its task worker.

    Raises:
        NerError: the worker does not start on it, or fails. Then the file is deleted, so that a worker
            started later does not read it unnoticed.
    """
    client = project.client
    add_labels(project, sorted({span.label for article in articles for span in article.spans}))
    data = "".join(dump(_example_row(article)) for article in articles).encode("utf-8")
    name = f"ner-{sha256(data).hexdigest()[:16]}.jsonl"
    upload = client.post("v1/fp/process/", files={"filepond": (name, data)}, as_json=False).text
    request = {
        "format": "JSONL",
        "encoding": "utf_8",
        "task": SETTINGS["project_type"],
        "column_data": "text",
        "column_label": "label",
        "delimiter": "",
        "uploadIds": [upload],
    }
    _LOG.info("uploading %d articles", len(articles))
    try:
        task = client.post(f"{project.path}/upload", json=request)["task_id"]
        errors = _result(project, task, timeout)["error"]
        if errors:
            raise NerError(
                f"the upload was refused: {errors[0].get('message')}",
                where=project.url,
                remedy="look into the log of doccano's task worker; run this again",
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
                remedy="was the project deleted in the meantime? run this again",
            )
        if status["ready"]:
            result: dict[str, Any] = status["result"]
            return result
        if time.monotonic() > deadline:
            raise NerError(
                f"the upload was not processed in {timeout:g} s",
                where=project.url,
                remedy="is doccano's task worker running? start it with `doccano task`, run this again",
            )
        time.sleep(0.2)


def _example_row(article: Article) -> dict[str, Any]:
    """An article as doccano reads it: text, label, and all else as metadata, which are strings."""
    edges = utf16_edges(article.text)
    return {
        "text": article.text,
        "label": [
            [edges[span.start], edges[span.end], span.label] for span in outside_in(article.spans)
        ],
        **article_fields(article),
        "prelabels": str(len(article.spans)),
        "text_hash": article.text_hash,
    }
