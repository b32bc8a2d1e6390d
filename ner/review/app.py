"""The web application: its parts put together."""

import json
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

import ner
from ner.errors import NerError
from ner.review import api, improve, pages, register, settling
from ner.review.access import Access
from ner.review.background import Background
from ner.review.guard import Guard
from ner.review.refusals import refusal
from ner.store import ModelKey, ReviewStore
from ner.tagger.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from ner.tagger.loading import Tagger

_TAGGING_AT_ONCE = 2
# What any endpoint may answer besides what it is for.
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It is reached by another name, or this is no request."},
    401: {"description": "Nobody is logged in, or name or password are wrong."},
    403: {"description": "Not for this role, or without the page's token."},
    404: {"description": "There is no such thing in the store."},
    413: {"description": "The body is too large."},
    422: {"description": "Something in the request cannot be: the answer says what."},
    429: {"description": "Too many wrong passwords: wait."},
    503: {"description": "The store cannot be reached now, or too much is asked at once."},
}
BODY_LIMIT = 4_000_000  # bytes: a text of a million characters


@dataclass(frozen=True, slots=True)
class Settings:
    """How a viewer is run.

    Args:
        reviewer: the name of whoever works at this computer; None where everybody has to log in.
        hosts: the names that it is reached by; all where it is empty.
        model: whose spans are shown; of each article those of the model that tagged it last, if None.
        tagger: the model that ``POST /api/tag`` uses.
    """

    reviewer: str | None
    hosts: tuple[str, ...] = ()
    model: ModelKey | None = None
    tagger: str = DEFAULT_MODEL


def create_app(store: ReviewStore, settings: Settings) -> FastAPI:
    """The viewer of a store, an ASGI application."""

    @cache
    def load_tagger() -> "Tagger":
        from ner.tagger.loading import load  # spaCy takes seconds, and reviewing does not need it

        return load(settings.tagger)

    app = FastAPI(
        title="ner review",
        summary="Articles with the names that were found in them, and what reviewers decided.",
        version=ner.__version__,
        docs_url=None,  # its page takes its script from another server
        redoc_url=None,
        responses=_REFUSALS,
        middleware=[Middleware(Guard, hosts=settings.hosts, limit=BODY_LIMIT)],
        exception_handlers={
            HTTPException: _refused,
            NerError: _unavailable,
            RequestValidationError: _invalid,
        },
    )
    app.state.store = store
    app.state.model = settings.model
    app.state.access = Access(store, settings.reviewer)
    app.state.load_tagger = load_tagger
    app.state.comparison = Background()
    app.state.drawing = Background()
    app.state.counting = Background()
    app.state.taggers = threading.Semaphore(_TAGGING_AT_ONCE)
    app.include_router(api.router)
    app.include_router(settling.router)
    app.include_router(pages.router)
    app.include_router(improve.router)
    app.include_router(register.api)
    app.include_router(register.pages)
    app.mount("/static", StaticFiles(directory=Path(__file__).with_name("static")), "static")
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """Why not, in the language of the page that asks; programs ask for none and read English."""
    assert isinstance(error, HTTPException)
    if isinstance(error.detail, str):
        error.detail = refusal(error.detail, request.headers.get("accept-language", ""))
    return await http_exception_handler(request, error)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    """The store cannot be read or written now: whoever asks may try again."""
    return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request, without repeating it: it may hold what is no text, or a password."""
    assert isinstance(error, RequestValidationError)
    wrong = [{"loc": each["loc"], "msg": each["msg"]} for each in error.errors()]
    return JSONResponse({"detail": json.loads(json.dumps(wrong, default=str))}, 422)
