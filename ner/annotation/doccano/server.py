"""The connection to a doccano server, and our project on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from doccano_client import DoccanoClient
from requests.adapters import HTTPAdapter

from ner.errors import NerError
from ner.files import package_data
from ner.labels import LABELS, style

SETTINGS = {
    "resourcetype": "SequenceLabelingProject",
    "project_type": "SequenceLabeling",
    "allow_overlapping": True,  # else nested spans are dropped on upload
    "collaborative_annotation": True,  # else everyone is shown their own spans only
    "grapheme_mode": False,  # else offsets count what looks like one character
}
PAGE = 100  # rows a request
ANSWER = 60.0  # seconds to wait for one answer

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


class _Door(HTTPAdapter):
    """Gives every request a time limit and every refusal a message; doccano-client has neither."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or ANSWER
        parts = urlsplit(request.url or "")
        where = f"doccano at {parts.scheme}://{parts.netloc}"
        try:
            response = super().send(request, **options)
            _ = response.content  # read here, so that an answer cut short is met here too
        except requests.Timeout:
            raise NerError(
                f"no answer in {ANSWER:g} s", where=where, remedy="is it overloaded? run this again"
            ) from None
        except requests.RequestException:
            raise NerError(
                "cannot be reached",
                where=where,
                remedy="is `doccano webserver` running? check --url",
            ) from None
        if response.status_code >= 400:
            raise _refusal(response, parts.path, where)
        return response


def _refusal(response: requests.Response, path: str, where: str) -> NerError:
    status = response.status_code
    if path.endswith("/v1/auth/login/"):
        return NerError(
            "refuses this user and password",
            where=where,
            remedy="check NER_DOCCANO_USER and NER_DOCCANO_PASSWORD",
        )
    if status in (401, 403):
        return NerError(
            f"does not let this user at {path}",
            where=where,
            remedy="log in as an admin of the project",
        )
    if status == 404 and "/v1/projects/" in path:
        return NerError(
            "the project was deleted meanwhile",
            where=where,
            remedy="ner annotate push makes it anew",
        )
    detail = " ".join(response.text.split())[:200]
    return NerError(
        f"answered {status} to {path}: {detail}",
        where=where,
        remedy="look into its log; run this again",
    )


class _Client(DoccanoClient):  # type: ignore[misc]
    def _login(self, username: str, password: str) -> Any:
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _Door())
        return super()._login(username, password)


def connect(url: str, user: str, password: str) -> DoccanoClient:
    """Log in.

    Raises:
        NerError: nothing answers there, it is no doccano, or it refuses the user.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise NerError(
            "not the address of a doccano",
            remedy="--url http://127.0.0.1:8000, no user or password in it",
        )
    try:
        return _Client(url, user, password)
    except ValueError:  # the answer to the login is not JSON
        raise NerError(
            "answers, but not as doccano does", where=url, remedy="check --url"
        ) from None


def open_project(client: DoccanoClient, name: str) -> Project:
    """The project of that name.

    Raises:
        NerError: there is none, or more than one, or it is of a kind that cannot hold our spans.
    """
    found = _find(client, name)
    if found is None:
        raise NerError("no such project", where=name, remedy="ner annotate push makes it")
    if not found["collaborative_annotation"]:
        raise NerError(
            "the project shows everyone their own spans only",
            where=name,
            remedy="ner annotate push sets it right",
        )
    return Project(client, found["id"], name)


def make_project(client: DoccanoClient, name: str, *, guideline: str) -> Project:
    """The project of that name with our labels, settings and guideline; made where there is none.

    Labels and styles that people added or changed in doccano stay.
    """
    wanted = {**SETTINGS, "guideline": guideline.strip()}
    found = _find(client, name)
    if found is None:
        found = client.post("v1/projects", json={**wanted, "name": name, "description": "ner"})
    elif any(found[key] != value for key, value in wanted.items()):
        client.update(f"v1/projects/{found['id']}", wanted)
    project = Project(client, found["id"], name)
    there = {row["text"] for row in client.get(f"{project.path}/span-types")}
    for label in LABELS:
        if label not in there:
            look = style(label)
            row = {"background_color": look.color, "text_color": "#ffffff", "suffix_key": look.key}
            client.post(f"{project.path}/span-types", json={"text": label, **row})
    return project


def _find(client: DoccanoClient, name: str) -> dict[str, Any] | None:
    named = [row for row in rows_of(client, "v1/projects", q=name) if row["name"] == name]
    if not named:
        return None
    if len(named) > 1:
        raise NerError("two projects have this name", where=name, remedy="rename one in doccano")
    if named[0]["project_type"] != SETTINGS["project_type"] or named[0]["grapheme_mode"]:
        raise NerError(
            "the project is not for sequence labelling, or counts graphemes",
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
        page = client.get(path, params={**params, "limit": PAGE, "offset": seen})
        yield from page["results"]
        seen += len(page["results"])
        if not page["results"] or seen >= page["count"]:
            return


def examples_of(project: Project) -> list[dict[str, Any]]:
    """Every example, oldest first.

    Raises:
        NerError: examples came or went while they were read.
    """
    rows = {row["id"]: row for row in rows_of(project.client, f"{project.path}/examples")}
    count = project.client.get(f"{project.path}/examples", params={"limit": 1})["count"]
    if count != len(rows):
        raise NerError(
            "the project changed while it was read", where=project.url, remedy="run this again"
        )
    return [rows[number] for number in sorted(rows)]


def spans_of(project: Project, row: Row) -> list[dict[str, Any]]:
    """The spans of an example, whoever drew them; offsets are UTF-16 units."""
    found: list[dict[str, Any]] = project.client.get(f"{project.path}/examples/{row['id']}/spans")
    return found
