"""Articles back from doccano, as people left them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ner.annotation.doccano.project import Project, Row, examples_of, rows_of, spans_of
from ner.article import Article, Rejected, Span, outside_in, text_hash
from ner.errors import NerError, at
from ner.formats import FIELDS, article_row, parse_date
from ner.formats.utf16 import utf16_edges

_REVIEWERS = ("annotation_approver", "project_admin")
_FIELDS = tuple(name for name in FIELDS if name not in ("id", "text", "title", "body", "date"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article as it is in doccano.

    Args:
        article: with the spans that people left.
        state: ``open``, ``confirmed`` (ticked as done) or ``approved`` (ticked by an approver or admin).
        annotators: who made the spans; a pre-label that nobody changed belongs to who pushed it.
        confirmed_by: who ticked it.
        comments: user and text, oldest first.
    """

    article: Article
    state: str
    annotators: tuple[str, ...]
    confirmed_by: tuple[str, ...]
    comments: tuple[tuple[str, str], ...]


def count_open(project: Project) -> int:
    """How many examples nobody has ticked as done."""
    params = {"confirmed": "false", "limit": 1}
    return int(project.client.get(f"{project.path}/examples", params=params)["count"])


def pull(project: Project, *, unfinished: bool = False) -> Iterator[Labelled | Rejected]:
    """The articles that annotators have ticked, with their spans, in the order they were pushed.

    It only reads, so pulling twice gives the same. An article is a `Rejected` where its text was edited
    in doccano, where its spans cross, or where it is there twice.

    Args:
        unfinished: also those that nobody has ticked.

    Raises:
        NerError: doccano cannot be reached any more, or the project was deleted.
    """
    client = project.client
    labels = {row["id"]: row["text"] for row in client.get(f"{project.path}/span-types")}
    members = {row["user"]: row for row in client.get(f"{project.path}/members")}
    comments: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in rows_of(client, f"{project.path}/comments"):
        comments[row["example"]].append((row["username"], row["text"]))
    rows = [row for row in examples_of(project) if row["is_confirmed"] or unfinished]
    chosen: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (not row["is_confirmed"], row["id"])):
        chosen.setdefault(_article_id(row), row["id"])
    for row in rows:
        spans = spans_of(project, row)
        states = f"{project.path}/examples/{row['id']}/states"
        ticks = [tick["confirmed_by"] for tick in rows_of(client, states)]
        name = _article_id(row)
        try:
            with at(f"{project.url}: article {name}"):
                if chosen[name] != row["id"]:
                    raise NerError(
                        "is in the project twice", remedy="delete one of the two in doccano"
                    )
                article = _article(row, spans, labels)
        except NerError as error:
            yield Rejected.from_error(error, name)
            continue
        approved = any(members.get(user, {}).get("rolename") in _REVIEWERS for user in ticks)
        yield Labelled(
            article,
            "approved" if approved else "confirmed" if ticks else "open",
            tuple(dict.fromkeys(_user(members, span["user"]) for span in spans)),
            tuple(_user(members, user) for user in ticks),
            tuple(comments[row["id"]]),
        )


def _article_id(row: Row) -> str:
    return str(row["meta"].get("id") or f"number {row['id']}")


def _user(members: Mapping[int, Row], number: int) -> str:
    return str(members[number]["username"]) if number in members else f"user {number}"


def _article(row: Row, spans: Iterable[Row], labels: Mapping[int, str]) -> Article:
    meta, text = row["meta"], row["text"]
    if "text_hash" not in meta:
        raise NerError("was not pushed by ner", remedy="push it: ner annotate push")
    if text_hash(text) != meta["text_hash"]:
        raise NerError(
            "its text was edited in doccano, so offsets are no longer valid",
            remedy="delete it there and push it again",
        )
    points = {unit: point for point, unit in enumerate(utf16_edges(text))}
    title = meta["title"]
    return Article(
        id=meta["id"],
        text=text,
        title=title,
        body_start=len(title) + 1 if title and text.startswith(f"{title}\n") else 0,
        date=parse_date(meta["date"]),
        # Those pushed long ago have not all of them.
        **{name: meta.get(name, "") for name in _FIELDS},
        spans=tuple(outside_in({_span(span, points, labels) for span in spans})),
    )


def _span(row: Row, points: Mapping[int, int], labels: Mapping[int, str]) -> Span:
    start, end = row["start_offset"], row["end_offset"]
    if start not in points or end not in points:
        raise NerError(
            f"span {start}:{end} begins or ends within a character or past the text",
            remedy="delete it in doccano and draw it again",
        )
    return Span(points[start], points[end], labels[row["label"]])


def labelled_row(labelled: Labelled) -> dict[str, Any]:
    """An article as ``ner annotate pull`` writes it: a corpus line, and who annotated and confirmed it."""
    return {
        **article_row(labelled.article),
        "state": labelled.state,
        "annotators": list(labelled.annotators),
        "confirmed_by": list(labelled.confirmed_by),
        "comments": [{"user": user, "text": text} for user, text in labelled.comments],
    }
