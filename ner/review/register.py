"""The register in the viewer: lists, a page for a brand, an organisation or a place, and the API of both."""

from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from ner.brands import Reader, describe, divide, rows, update
from ner.brands.divisions import parts, path
from ner.errors import NerError
from ner.places import Linker, shipped
from ner.review.access import Anybody, Program, Reviewer
from ner.review.access import Reader as Viewer
from ner.review.api import SOURCE, begin_work, store_of
from ner.review.background import Background, Progress, Watch
from ner.review.pages import Language, page
from ner.review.schemas import Text
from ner.review.treemap import treemap
from ner.store import DIVIDE, Entry, ReviewStore, Said

PAGE = 50  # entries in a page of the list
LISTED = 200  # divisions in a table
PARTS = ("names", "places")

Kind = Literal["brand", "organisation", "place"]
Trend = Literal["", "new", "rising", "dormant"]
Row = dict[str, Any]
Key = Annotated[Text, Query(min_length=1)]

api = APIRouter(prefix="/api/register", tags=["register"])
pages = APIRouter(include_in_schema=False)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MergeBody(_Body):
    """Two entries that are one: `into` is a key, or the other's name."""

    kind: Literal["brand", "organisation"]
    key: Annotated[Text, Field(min_length=1)]
    into: Annotated[Text, Field(min_length=1)]


class SplitBody(_Body):
    """A form, by its key, that is an entry of its own; or another brand of the same name.

    `by` is the code of the place, or the key of the organisation, that the other brand is of.
    """

    kind: Literal["brand", "organisation"]
    key: Annotated[Text, Field(min_length=1)]
    by: Text = ""


class JudgeBody(_Body):
    """Whether an entry is what it is listed as."""

    kind: Literal["brand", "organisation"]
    key: Annotated[Text, Field(min_length=1)]
    verdict: Literal["confirm", "reject"]


class UndoEditBody(_Body):
    """The edit to take back."""

    edit: int = Field(ge=1, lt=2**63)


class Left(BaseModel):
    """How many changes the register does not know yet."""

    left: int


class Edited(BaseModel):
    """The number of the edit, by which it is taken back."""

    edit: int


@cache
def reader() -> Reader:
    """What reads articles for the register; its lexicon is mapped once."""
    return Reader(Linker(shipped()))


@api.get("")
def list_entries(
    request: Request,
    person: Program,
    kind: Kind = "brand",
    prefix: Annotated[Text, Query()] = "",
    trend: Trend = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = PAGE,
) -> list[Row]:
    """Entries of the register, those in the most articles first, as `ner brands` writes them in JSONL."""
    store = store_of(request)
    found = store.entries(kind, prefix=prefix, trend=trend, offset=offset, limit=limit)
    return list(rows(store, reader().linker, found))


@api.get("/entry", responses={404: {}})
def show_entry(request: Request, person: Program, kind: Kind, key: Key) -> Row:
    """All that is known of an entry, as `ner brands show --format json` prints it."""
    store = store_of(request)
    return describe(store, reader(), _entry(store, kind, key))


@api.get("/update")
def how_far(request: Request, person: Viewer) -> Progress:
    """How far the counting of what changed is: the last one."""
    return counting_of(request).progress


@api.post("/update", responses={202: {"model": Progress}, 409: {}})
def count_changes(request: Request, response: Response, person: Reviewer) -> Left | Progress:
    """Count articles that changed; how many wait still. 202 where it takes longer: it goes on."""
    store, busy = store_of(request), "the register is being counted"

    def count(watch: Watch) -> int:
        for part in PARTS:
            for done, total in update(store, reader(), part):
                watch(done, total)
        return sum(store.register_waits(part) for part in PARTS)

    counted = begin_work(counting_of(request), "register", count, response, busy=busy)
    return counted if isinstance(counted, Progress) else Left(left=counted)


def counting_of(request: Request) -> Background[int]:
    """The counting that runs, or ran last."""
    found: Background[int] = request.app.state.counting
    return found


@api.post("/merge", responses={422: {}})
def merge(body: MergeBody, request: Request, person: Reviewer) -> Edited:
    """Make two entries one; it can be taken back."""
    store = store_of(request)
    keys = store.keys_of_name(body.kind, body.into)
    into = keys[0] if keys else body.into
    return _edited(lambda: store.merge(body.kind, body.key, into, Said(person.name, SOURCE)))


@api.post("/split", responses={422: {}})
def split(body: SplitBody, request: Request, person: Reviewer) -> Edited:
    """Make a form, or another brand of the same name, an entry of its own; it can be taken back."""
    store, said = store_of(request), Said(person.name, SOURCE)
    if body.by:
        return _edited(lambda: divide(store, reader(), body.key, body.by, said))
    return _edited(lambda: store.split(body.kind, body.key, said))


@api.post("/judge", responses={422: {}})
def judge(body: JudgeBody, request: Request, person: Reviewer) -> Edited:
    """Confirm or reject an entry; it can be taken back."""
    store, said = store_of(request), Said(person.name, SOURCE)
    return _edited(lambda: store.judge(body.kind, body.key, body.verdict, said))


@api.post("/undo", responses={422: {}})
def undo(body: UndoEditBody, request: Request, person: Reviewer) -> Edited:
    """Take an edit back."""
    store = store_of(request)
    if not store.undo_edit(body.edit, Said(person.name, SOURCE)):
        raise HTTPException(422, f"there is no edit {body.edit} to take back")
    [*_] = update(store, reader())
    return Edited(edit=body.edit)


def _edited(work: Any) -> Edited:
    try:
        return Edited(edit=work())
    except NerError as error:
        raise HTTPException(422, error.message) from None


def _entry(store: ReviewStore, kind: str, key: str) -> Entry:
    found = store.entry(kind, key)
    if found is None and kind == "place":
        found = _unnamed(store, key)
    if found is None:
        raise HTTPException(404, f"no {kind} {key} in the register")
    return found


def _unnamed(store: ReviewStore, code: str) -> Entry | None:
    """A division that no article names, but one in it."""
    division = reader().linker.lexicon.upper(code)
    if division is None or not store.divisions(code, len(code)):
        return None
    return Entry("place", code, division.name, "", 0, 0, None, None, 0)


@pages.get("/register")
def show_register(
    request: Request,
    person: Anybody,
    language: Language = "",
    kind: Kind = "brand",
    name: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = "",
    trend: Trend = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> HTMLResponse:
    """The register as a list, with a search."""
    if person is None:
        return page("login.html", None, language)
    store = store_of(request)
    found = store.entries(kind, prefix=name, trend=trend, offset=offset, limit=PAGE + 1)
    waits = store.register_waits("places" if kind == "place" else "names")
    shown = {
        "kind": kind,
        "name": name,
        "trend": trend,
        "offset": offset,
        "entries": list(rows(store, reader().linker, found[:PAGE])),
        "more": len(found) > PAGE,
        "page_size": PAGE,
        "waits": waits,
        "counting": counting_of(request).progress,
        "where": _where(store, "") if kind == "place" and not (name or trend or offset) else None,
        "may_edit": person.may("reviewer"),
    }
    return page("register.html", person, language, **shown)


@pages.get("/entry")
def show_entry_page(
    request: Request,
    person: Anybody,
    kind: Kind,
    key: Key,
    language: Language = "",
    within: Annotated[str, Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})?$")] = "",
) -> HTMLResponse:
    """One brand, organisation or place: forms, months, where, articles, evidence, neighbours, edits.

    Args:
        within: the code of the division whose parts the map of a brand or an organisation shows.
    """
    if person is None:
        return page("login.html", None, language)
    store = store_of(request)
    entry = _entry(store, kind, key)
    row = describe(store, reader(), entry)
    for edit in row["edits"]:
        if edit["verdict"] == DIVIDE:
            edit["other"] = _by_name(store, edit["other"])
    shown = {
        "kind": kind,
        "entry": row,
        "months": _whole_months(row["months"]),
        "undated": row["months"].get("", 0),
        "evidence": {
            what: [{**each, "pieces": _pieces(each)} for each in found]
            for what, found in row["evidence"].items()
        },
        "articles": store.places_of(kind, entry.key, limit=PAGE),
        "others": _others(store, row) if kind == "brand" and "|" not in entry.key else [],
        "where": _where(store, entry.key)
        if kind == "place"
        else _where(store, within, (kind, entry.key)),
        "may_edit": person.may("reviewer") and kind != "place",
    }
    return page("entry.html", person, language, **shown)


def _whole_months(months: dict[str, int]) -> list[tuple[str, int]]:
    """The months from the first to the last, also those without an article."""
    known = sorted(month for month in months if month)
    if not known:
        return []
    year, number = map(int, known[0].split("-"))
    found = []
    while (month := f"{year:04}-{number:02}") <= known[-1]:
        found.append((month, months.get(month, 0)))
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)
    return found


def _pieces(each: Row) -> list[tuple[str, str]]:
    """A sentence cut into pieces: its text and what it marks (``entry``, ``other`` or nothing)."""
    marks = [(*each["mention"], "entry")] + ([(*each["other"], "other")] if each["other"] else [])
    text, start, at = each["text"], each["start"], 0
    pieces = []
    for begin, end, what in sorted(marks):
        begin, end = begin - start, end - start
        if begin < at:  # the one stands inside the other
            continue
        pieces += [(text[at:begin], ""), (text[begin:end], what)]
        at = end
    return [(piece, what) for piece, what in [*pieces, (text[at:], "")] if piece]


def _others(store: ReviewStore, row: Row) -> list[tuple[str, str, int]]:
    """What another brand of the same name may be of: code of a province or key of a body, name, articles."""
    lexicon, known = reader().linker.lexicon, store.divided().get(row["key"], [])
    provinces = [
        (one.code, one.name, one.count) for one in parts(store, lexicon, "", ("brand", row["key"]))
    ]
    bodies = [(one["key"], one["name"], one["articles"]) for one in row["related"]["organisation"]]
    found = [*(provinces if len(provinces) > 1 else []), *(bodies if len(bodies) > 1 else [])]
    return [each for each in found if each[0] not in known]


def _by_name(store: ReviewStore, by: str) -> str:
    """The name of the place or the body that a brand was split off by."""
    division = reader().linker.lexicon.upper(by) if by.isdecimal() else None
    return division.name if division else store.entry_names("organisation", [by]).get(by, by)


def _where(store: ReviewStore, code: str, of: tuple[str, str] | None = None) -> Row:
    """Where a division is, and as a tree map what is named in it; of an entry in its articles alone."""
    lexicon = reader().linker.lexicon
    found = parts(store, lexicon, code, of)
    return {
        "path": path(lexicon, code) if code else [],
        "parts": found[:LISTED],
        "cells": treemap(found) if found else [],
    }
