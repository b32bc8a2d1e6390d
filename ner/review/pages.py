"""The pages, as HTML. What they show comes from the store; what they change goes through the API."""

import datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Cookie, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ner.errors import NerError
from ner.evaluation.pages import environment
from ner.labels import LABELS, STYLES
from ner.report.agreement import agreements
from ner.report.figures import figures, weeks
from ner.report.sample import sample_page, sample_pdf, sample_report
from ner.report.texts import LANGUAGES
from ner.review.access import Anybody, Person, Reader
from ner.review.api import drawing_of, store_of
from ner.review.names import mentions, unmarked
from ner.review.refusals import refusal
from ner.review.texts import texts
from ner.store import KINDS, RECENT

_WEEKS = 26  # in the chart
_LAST_SEED = 2**31 - 1
_NEW = 12  # new names that are listed
_NAMES_LISTED = 200  # names that begin alike

router = APIRouter(include_in_schema=False)
Language = Annotated[str, Cookie(alias="ner-language")]


def page(template: str, person: Person | None, language: str, **values: Any) -> HTMLResponse:
    """A page in the reader's language."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    labels = [
        {"label": label, "name": getattr(STYLES[label], _NAMES[language])} for label in LABELS
    ]
    shared: dict[str, Any] = {"language": language, "person": person, "labels": labels}
    shared["t"] = texts(language)
    shared["here"] = template.removesuffix(".html")
    shared["refusal"] = partial(refusal, language=language)
    html = environment("ner.review").get_template(template).render(**shared, **values)
    return HTMLResponse(html)


_NAMES = {"zh": "chinese", "en": "english"}


@router.get("/")
def article(
    person: Anybody,
    language: Language = "",
    queue: Annotated[int | None, Query()] = None,
    id: str = "",
) -> HTMLResponse:
    """The article view; the article itself comes from the API."""
    if person is None:
        return page("login.html", None, language)
    return page("article.html", person, language, queue=queue, id=id)


@router.get("/queues")
def queues(request: Request, person: Anybody, language: Language = "") -> HTMLResponse:
    """The queues, and a form for a new one."""
    if person is None:
        return page("login.html", None, language)
    store = store_of(request)
    shown: dict[str, Any] = {"queues": store.queues(), "kinds": KINDS}
    if person.may("admin"):
        shown["models"] = store.latest_models()
        shown["papers"] = [paper for paper in store.counts("paper") if paper]
        # Another sample than before, unless somebody wants the same again.
        shown["next_seed"] = (
            1 + max((each.seed or 0 for each in shown["queues"]), default=0) % _LAST_SEED
        )
    shown["drawing"] = drawing_of(request).progress
    return page("queues.html", person, language, **shown)


@router.get("/settle")
def settle(
    person: Anybody,
    language: Language = "",
    queue: Annotated[int, Query(ge=1, lt=2**31)] = 1,
    id: str = "",
) -> HTMLResponse:
    """Where two people read an article independently and differ: both versions, to decide between them."""
    if person is None:
        return page("login.html", None, language)
    return page("settle.html", person, language, queue=queue, id=id)


@router.get("/figures")
def show_figures(
    request: Request,
    person: Anybody,
    language: Language = "",
    queue: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> HTMLResponse:
    """What a sample says about the model; made to be printed too. The newest random sample first."""
    if person is None:
        return page("login.html", None, language)
    store = store_of(request)
    queues = store.queues()
    # Of equals `max` gives the first, which is the newest.
    chosen = max(queues, key=lambda q: (q.number == queue, q.kind == "random"), default=None)
    pairs = store.reviewed_in(chosen.number, request.app.state.model) if chosen else ()
    model = request.app.state.model
    shown: dict[str, Any] = {"queues": queues, "queue": chosen, "figures": figures(pairs)}
    if chosen and chosen.readers > 1:
        shown["agreements"] = agreements(store.all_versions(chosen.number))
    shown["weeks"] = weeks(store.judged("random", model))[-_WEEKS:]
    shown["new"] = {
        label: store.new_names(label, model=model, limit=_NEW) for label in ("BRAND", "LOC")
    }
    return page(
        "figures.html", person, language, today=datetime.date.today(), days=RECENT.days, **shown
    )


@router.get("/report/{queue}.{form}")
def send_report(
    queue: Annotated[int, Path(ge=1, lt=2**31)],
    form: Literal["html", "pdf"],
    request: Request,
    person: Reader,
    language: Language = "",
) -> Response:
    """The report of a queue as a file: a page that needs nothing else, or PDF."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    try:
        found = sample_report(store_of(request), queue, request.app.state.model)
        made = sample_pdf(found, language) if form == "pdf" else sample_page(found, language)
    except NerError as error:
        raise HTTPException(404 if "no queue" in str(error) else 503, str(error)) from None
    kind = {"html": "text/html", "pdf": "application/pdf"}[form]
    name = f"report-{queue}-{found.made_on}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(made, media_type=kind, headers=headers)


@router.get("/names")
def show_names(
    request: Request,
    person: Anybody,
    language: Language = "",
    name: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = "",
    label: Annotated[str, Query(pattern=r"^([A-Za-z][\w.-]{0,15})?$")] = "",
) -> HTMLResponse:
    """Names by how they begin; of one every sentence, marked there or not, and how many articles a month."""
    if person is None:
        return page("login.html", None, language)
    store, model = store_of(request), request.app.state.model
    marked = list(mentions(store, name, label=label, model=model)) if name else []
    others = list(unmarked(store, name, model=model)) if name else []
    months = store.counts("month", name=name, label=label, model=model) if marked else {}
    found = store.names(name, label, model=model, limit=_NAMES_LISTED)
    shown: dict[str, Any] = {"mentions": marked, "unmarked": others, "found": found}
    shown["page_size"] = _NAMES_LISTED
    shown |= {"months": months.items(), "most": max(months.values(), default=1)}
    return page("names.html", person, language, name=name, label=label, **shown)


@router.get("/language/{language}")
def set_language(language: str, request: Request) -> RedirectResponse:
    """Show everything in another language from now on."""
    came_from = urlsplit(request.headers.get("referer", ""))
    query = f"?{came_from.query}" if came_from.query else ""
    back = RedirectResponse(f"/{came_from.path.lstrip('/')}{query}", 303)
    if language in LANGUAGES:
        back.set_cookie("ner-language", language, max_age=31_536_000, samesite="lax")
    return back


@router.get("/labels.css")
def labels() -> HTMLResponse:
    """The colours of the labels."""
    rules = [
        f'[data-label="{label}"] {{ --mark: {found.light}; --ink: {found.color}; }}'
        for label, found in STYLES.items()
    ]
    return HTMLResponse("\n".join(rules), media_type="text/css")
