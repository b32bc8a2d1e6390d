"""From decisions to a better model: export them, train on them, see what another model would change."""

import shlex
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from ner.article import Article, Span
from ner.errors import NerError
from ner.files import user_models
from ner.formats import FORMATS
from ner.report.change import ModelChange, change
from ner.review.access import Anybody, Program, Reader, Reviewer
from ner.review.api import store_of
from ner.review.background import Background, Progress, Watch
from ner.review.pages import Language, page
from ner.review.schemas import CompareBody
from ner.store import ModelKey, ReviewStore
from ner.tagger.registry import find_model, installed_models

router = APIRouter()


class _Lines(StreamingResponse):
    """One JSON object a line; the description of the API says so."""

    media_type = "application/jsonl"


@router.get("/api/export", response_class=_Lines)
def export(request: Request, person: Program) -> Response:
    """The articles that were read as a whole with the spans called right, one JSON object a line."""
    items = store_of(request).reviewed()
    articles: Iterator[Article] = (item for item in items if isinstance(item, Article))
    write = FORMATS["jsonl"].write
    assert write
    parts = (part.data for part in write(articles))
    headers = {"content-disposition": 'attachment; filename="reviewed.jsonl"'}
    return _Lines(parts, headers=headers)


@router.get("/api/compare")
def progress(request: Request, person: Reader) -> Progress:
    """How far the comparison is."""
    return work_of(request).progress


@router.post("/api/compare", status_code=202, responses={409: {}})
def start(body: CompareBody, request: Request, person: Reviewer) -> Progress:
    """Have another model tag the articles that were read, to see what it would change."""
    if body.model not in _installed():
        raise HTTPException(422, f"no model {body.model}")
    store, shown = store_of(request), request.app.state.model

    def compare(watch: Watch) -> ModelChange:
        return _compare(store, shown, body.model, watch)

    if not work_of(request).start(body.model, compare):
        raise HTTPException(409, "another comparison is running")
    return work_of(request).progress


@router.get("/improve", include_in_schema=False)
def improve(request: Request, person: Anybody, language: Language = "") -> HTMLResponse:
    """What to do with the decisions."""
    if person is None:
        return page("login.html", None, language)
    store, work = store_of(request), work_of(request)
    values: dict[str, Any] = {
        "reviewed": store.count(reviewed=True),
        "models": _installed(),
        "progress": work.progress,
        "change": work.result,
        "command": f"ner train configs/own.toml --from-store --store {shlex.quote(store.portable_url)}"
        f" --output {shlex.quote(_next_model())}",
    }
    return page("improve.html", person, language, **values)


def work_of(request: Request) -> Background[ModelChange]:
    """The comparison that runs, or ran last."""
    found: Background[ModelChange] = request.app.state.comparison
    return found


def _compare(store: ReviewStore, shown: ModelKey | None, model: str, watch: Watch) -> ModelChange:
    from ner.tagger.loading import load  # spaCy takes seconds, and reviewing does not need it

    pairs = list(store.reviewed_in(None, shown))
    if not pairs:
        raise NerError("no article has been read as a whole yet")
    watch(0, len(pairs))
    tagger = load(model)
    found: list[list[Span]] = []
    for spans in tagger.tag(before.text for before, _ in pairs):
        found.append(spans)
        watch(len(found), len(pairs))
    return change(pairs, str(tagger), found)


def _installed() -> list[str]:
    """The installed models, the one in use first, then the newest."""
    names = list(dict.fromkeys(folder.name for folder in reversed(installed_models())))
    used = find_model().name
    return sorted(names, key=lambda name: name != used)


def _next_model() -> str:
    """Where a model has to be put to be found by its name."""
    folder = user_models()
    return str(folder / "own-0.1.0") if folder else "models/own-0.1.0"
