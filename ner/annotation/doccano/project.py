"""A project of ours on a doccano server: its settings, labels, guideline and rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from doccano_client import DoccanoClient

from ner.errors import NerError
from ner.files import package_data
from ner.labels import LABELS, style

SETTINGS = {
    "resourcetype": "SequenceLabelingProject",
    "project_type": "SequenceLabeling",
    "allow_overlapping": True,  # else nested spans are dropped on upload
    "collaborative_annotation": True,  # else everyone sees only their own spans
    "grapheme_mode": False,  # else offsets count what looks like one character
}
_PAGE_ROWS = 100

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Project:
    """A project of ours in doccano; ``number`` is doccano's."""

    client: DoccanoClient
    number: int
    name: str

    @property
    def path(self) -> str:
        return f"v1/projects/{self.number}"

    @property
    def url(self) -> str:
        return f"{self.client.baseurl}projects/{self.number}"


def open_project(client: DoccanoClient, name: str) -> Project:
    """The project of that name.

    Raises:
        NerError: there is none, or more than one, or it cannot represent our spans.
    """
    found = _find(client, name)
    if found is None:
        raise NerError("no such project", where=name, remedy="ner annotate push creates it")
    if not found["collaborative_annotation"]:
        raise NerError(
            "in this project everyone sees only their own spans",
            where=name,
            remedy="ner annotate push changes that setting",
        )
    return Project(client, found["id"], name)


def make_project(client: DoccanoClient, name: str, *, guideline: str) -> Project:
    """The project of that name with our settings, labels and guideline; created where there is none.

    Labels that people added, and colours and keys that they changed, stay.

    Raises:
        NerError: there is more than one, or it cannot represent our spans.
    """
    wanted = {**SETTINGS, "guideline": guideline.strip()}
    found = _find(client, name)
    if found is None:
        found = client.post("v1/projects", json={**wanted, "name": name, "description": "ner"})
    elif any(found[key] != value for key, value in wanted.items()):
        client.update(f"v1/projects/{found['id']}", wanted)
    project = Project(client, found["id"], name)
    add_labels(project, LABELS)
    return project


def add_labels(project: Project, labels: Iterable[str]) -> None:
    """Create the labels that the project does not have, each with its colour and its key, if it has one."""
    path = f"{project.path}/span-types"
    rows = project.client.get(path)
    existing = {row["text"] for row in rows}
    keys = {row["suffix_key"] for row in rows}
    for label in labels:
        if label not in existing:
            look = style(label)
            key = look.key if look.key and look.key not in keys else None
            row = {"background_color": look.color, "text_color": "#ffffff", "suffix_key": key}
            project.client.post(path, json={"text": label, **row})
            existing.add(label)


def _find(client: DoccanoClient, name: str) -> dict[str, Any] | None:
    named = [row for row in rows_of(client, "v1/projects", q=name) if row["name"] == name]
    if not named:
        return None
    if len(named) > 1:
        raise NerError("two projects have this name", where=name, remedy="rename one in doccano")
    if named[0]["project_type"] != SETTINGS["project_type"] or named[0]["grapheme_mode"]:
        raise NerError(
            "is not a project for sequence labelling, or counts grapheme clusters",
            where=name,
            remedy="use another name: --project",
        )
    return named[0]


def guideline() -> str:
    """What annotators read: docs/guideline.md, which comes with the package."""
    return package_data("guideline.md", "docs/guideline.md").read_text(encoding="utf-8")


def rows_of(client: DoccanoClient, path: str, **params: str) -> Iterator[dict[str, Any]]:
    """Every row of a paged list."""
    seen = 0
    while True:
        page = client.get(path, params={**params, "limit": _PAGE_ROWS, "offset": seen})
        yield from page["results"]
        seen += len(page["results"])
        if not page["results"] or seen >= page["count"]:
            return


def examples_of(project: Project) -> list[dict[str, Any]]:
    """Every example, oldest first.

    Raises:
        NerError: examples were added or deleted while they were read.
    """
    rows = {row["id"]: row for row in rows_of(project.client, f"{project.path}/examples")}
    count = project.client.get(f"{project.path}/examples", params={"limit": 1})["count"]
    if count != len(rows):
        raise NerError(
            "the project changed while it was being read",
            where=project.url,
            remedy="run this again",
        )
    return [rows[number] for number in sorted(rows)]


def spans_of(project: Project, row: Row) -> list[dict[str, Any]]:
    """The spans of an example, whoever drew them; offsets are UTF-16 units."""
    found: list[dict[str, Any]] = project.client.get(f"{project.path}/examples/{row['id']}/spans")
    return found
