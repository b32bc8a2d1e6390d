"""The JSON API: articles with their decisions, what reviewers do, queues; and tagging for programs."""

import threading
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.report.figures import Figures, figures
from ner.review.access import COOKIE, SESSION, Access, Admin, Person, Program, Reader, Reviewer
from ner.review.background import Background, Progress, Result, Watch
from ner.review.names import Mention, mentions
from ner.review.schemas import (
    ActBody,
    AlikeBody,
    ArticleSpan,
    ArticleView,
    LoginBody,
    Made,
    Next,
    NextBody,
    QueueBody,
    QueueNumber,
    State,
    TagBody,
    Tagged,
    TaggedSpan,
    Text,
    UndoBody,
)
from ner.store import (
    Action,
    Alike,
    Change,
    Conflict,
    Filters,
    ModelKey,
    Name,
    Queue,
    Reach,
    ReviewStore,
    Said,
    Undone,
)

SOURCE = "web"  # where decisions of the viewer were said
# Drawn where there is none yet.
FIRST_QUEUE = QueueBody(name="随机抽样 200 篇", kind="random", size=200, seed=1)
_WAIT = 20.0  # seconds
_PATIENCE = 2.0  # seconds that a request waits for work that may take longer

router = APIRouter(prefix="/api")


def store_of(request: Request) -> ReviewStore:
    """The store that the viewer shows."""
    store: ReviewStore = request.app.state.store
    return store


@router.get("/me")
def me(person: Reader) -> dict[str, str]:
    """Who is asking, and the token that changes need."""
    return {"name": person.name, "role": person.role, "csrf": person.csrf}


@router.post("/login")
def log_in(body: LoginBody, request: Request, response: Response) -> dict[str, str]:
    """Log in: sets a cookie."""
    access: Access = request.app.state.access
    address = request.client.host if request.client else ""
    token = access.log_in(body.name, body.password, address)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION.total_seconds()),
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return {"name": body.name}


@router.post("/logout")
def log_out(person: Reader, request: Request, response: Response) -> dict[str, str]:
    """Log out."""
    access: Access = request.app.state.access
    access.log_out(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return {"name": person.name}


@router.get("/article", response_model=ArticleView)
def article(
    id: Annotated[Text, Query()],
    request: Request,
    person: Reader,
    queue: Annotated[QueueNumber | None, Query()] = None,
) -> Response:
    """An article with the spans of the model that tagged it last, and what was decided about them.

    Of a queue whose articles several people read independently, only what one has decided oneself.
    """
    store = store_of(request)
    found = load_article(store, id, request.app.state.model)
    spans = [
        ArticleSpan(start=s.start, end=s.end, label=s.label, score=s.score, model=s.model)
        for s in found.spans
    ]
    state = state_of(store, id, queue, person.name)
    return as_json(ArticleView(**shown(found), spans=spans, **dict(state)))


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """An answer written at once: FastAPI would check it again, in a thread of its own."""
    return Response(answer.model_dump_json(), status, media_type="application/json")


def shown(article: Article) -> dict[str, Any]:
    """What is shown of an article but its spans."""
    fields = ("id", "text", "text_hash", "title", "body_start", "overtitle", "author")
    place = ("paper", "date", "page", "section")
    return {name: getattr(article, name) for name in (*fields, *place)}


def load_article(store: ReviewStore, id: str, model: ModelKey | None) -> Article:
    """An article with its spans.

    Raises:
        HTTPException: 404 where there is none, 500 where it is damaged.
    """
    try:
        found = store.article(id, model=model)
    except NerError as error:
        raise HTTPException(404, str(error)) from None
    if isinstance(found, Rejected):
        raise HTTPException(500, str(found))
    return found


@router.post("/act", response_model=State, responses={409: {"model": State}, 422: {}})
def act(body: ActBody, request: Request, person: Reviewer) -> Response:
    """Add decisions on spans of an article, all of them or none; 409 where others decided otherwise."""
    store = store_of(request)
    changes = [Change(Span(c.start, c.end, c.label), c.verdict) for c in body.changes]
    action = Action(body.id, changes, body.seen, body.finish)
    model = store.find_model(body.model) if body.model else None
    said = Said(person.name, SOURCE)
    key = (body.article, body.text_hash, action, said)
    outcome = store.act(*key, model=model, queue=body.queue)
    if isinstance(outcome, Rejected):
        raise HTTPException(422, str(outcome))
    state = state_of(store, body.article, body.queue, person.name)
    if isinstance(outcome, Conflict):
        state.conflict = list(outcome.decisions)
    return as_json(state, 409 if state.conflict else 200)


@router.post("/undo")
def undo(body: UndoBody, request: Request, person: Reviewer) -> Undone | None:
    """Take back what I did last: where that was, null where nothing is left."""
    return store_of(request).undo_last(body.id, Said(person.name, SOURCE))


@router.post("/reach", responses={422: {}})
def reach(body: AlikeBody, request: Request, person: Reviewer) -> Reach:
    """What the same body sent to /api/alike would decide on; nothing is written."""
    try:
        return store_of(request).reach(_alike(body), request.app.state.model)
    except NerError as error:
        raise HTTPException(422, str(error)) from None


@router.post("/alike", responses={422: {}})
def decide_alike(body: AlikeBody, request: Request, person: Reviewer) -> Reach:
    """Decide on all spans of a string that nobody has decided on; one undo takes all of it back."""
    said, model = Said(person.name, SOURCE), request.app.state.model
    try:
        return store_of(request).decide_alike(_alike(body), body.id, said, model=model)
    except NerError as error:
        raise HTTPException(422, str(error)) from None


def _alike(body: AlikeBody) -> Alike:
    return Alike(body.surface, body.label, body.becomes, body.queue)


@router.post("/next", response_model=Next)
def next_article(body: NextBody, request: Request, person: Reviewer) -> Response:
    """The next article of a queue, in one's hands for half an hour: nobody else is given it."""
    store = store_of(request)
    number = body.queue or store.newest_queue() or _draw_first(request, person)
    if body.disputed:
        own = person.may("admin")
        id = store.take_disputed(number, person.name, body.after, own=own)
    else:
        id = store.take_next(number, person.name, body.after)
    queue = store.queue(number)
    if queue is None:
        raise HTTPException(404, f"no queue {number}")
    mine = store.count_finished(number, person.name) if queue.readers > 1 else 0
    return as_json(Next(id=id, queue=queue, mine=mine))


@router.get("/queues")
def list_queues(request: Request, person: Reader) -> list[Queue]:
    """The queues, newest first."""
    return store_of(request).queues()


@router.get("/queues/drawing")
def how_far(request: Request, person: Reader) -> Progress:
    """How far the drawing of a queue is: the last one."""
    return drawing_of(request).progress


@router.post("/queues", status_code=201, responses={202: {"model": Progress}, 409: {}})
def make_queue(
    body: QueueBody, request: Request, response: Response, person: Admin
) -> Made | Progress:
    """Draw a queue; its number. 202 where that takes longer: it goes on in the background."""
    work, busy = _drawing(body, request, person), "another queue is being drawn"
    try:
        drawn = begin_work(drawing_of(request), body.name, work, response, busy=busy)
    except NerError as error:
        raise HTTPException(422, str(error)) from None
    return drawn if isinstance(drawn, Progress) else Made(queue=drawn)


def begin_work(
    background: Background[Result],
    what: str,
    work: Callable[[Watch], Result],
    response: Response,
    *,
    busy: str,
) -> Result | Progress:
    """Begin work; its result, or with status 202 how far it is where that takes longer: it goes on.

    Args:
        busy: what is said with status 409 where other such work runs.
    """
    begun = background.start(what, work)
    if begun is None:
        raise HTTPException(409, busy)
    try:
        return begun.result(_PATIENCE)
    except TimeoutError:
        response.status_code = 202
        return background.progress


@router.get("/figures")
def show_figures(
    queue: Annotated[int, Query(ge=1, lt=2**31)], request: Request, person: Reader
) -> Figures:
    """What a queue's articles that were read as a whole say about the model."""
    return figures(store_of(request).reviewed_in(queue, request.app.state.model))


@router.get("/names")
def list_names(
    request: Request,
    person: Program,
    prefix: Annotated[Text, Query()] = "",
    label: Annotated[str, Query(pattern=r"^([A-Za-z][\w.-]{0,15})?$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[Name]:
    """Names that begin with a prefix, with how often each is marked."""
    model = request.app.state.model
    return store_of(request).names(prefix, label, model=model, limit=limit)


@router.get("/mentions")
def list_mentions(
    request: Request,
    person: Program,
    name: Annotated[Text, Query(min_length=1)],
    label: Annotated[str, Query(pattern=r"^([A-Za-z][\w.-]{0,15})?$")] = "",
) -> list[Mention]:
    """Where a name is marked, with the text around it."""
    return list(mentions(store_of(request), name, label=label, model=request.app.state.model))


@router.post("/tag", responses={503: {}})
def tag(body: TagBody, request: Request, person: Program) -> Tagged:
    """The names in a text; nothing is stored. Offsets are Unicode code points, half-open."""
    waiting: threading.Semaphore = request.app.state.taggers
    if not waiting.acquire(timeout=_WAIT):
        raise HTTPException(503, "too many texts at once", {"Retry-After": "10"})
    try:
        load: Callable[[], Any] = request.app.state.load_tagger
        tagger = load()
        spans = tagger(body.text)
    finally:
        waiting.release()
    found = [
        TaggedSpan(
            start=s.start,
            end=s.end,
            label=s.label,
            text=body.text[s.start : s.end],
            score=round(s.score, 4),
        )
        for s in spans
    ]
    return Tagged(model=str(tagger), spans=found)


def _model(store: ReviewStore, name: str) -> ModelKey:
    """A model by its name and version."""
    found = store.find_model(name)
    if found is None:
        raise HTTPException(422, f"{name} has not tagged this store")
    return found


def state_of(store: ReviewStore, id: str, queue: int | None = None, reviewer: str = "") -> State:
    """What was decided about an article; of one that this reviewer reads independently what they decided."""
    found = store.standing(id, queue, reviewer)
    seen = found.decisions[-1].number if found.decisions else 0
    return State(
        seen=seen,
        decisions=found.decisions,
        reviews=found.reviews,
        holder=found.holder,
        apart=found.apart,
    )


def _draw_first(request: Request, person: Person) -> int:
    try:
        return _drawing(FIRST_QUEUE, request, person)(lambda done, total: None)
    except NerError as error:
        raise HTTPException(422, str(error)) from None


def drawing_of(request: Request) -> Background[int]:
    """The drawing of a queue that runs, or ran last."""
    found: Background[int] = request.app.state.drawing
    return found


def _drawing(body: QueueBody, request: Request, person: Person) -> Callable[[Watch], int]:
    """What draws a queue, and gives its number.

    Raises:
        HTTPException: 422 where a model has tagged nothing.
    """
    filters: Filters = {"paper": body.paper, "date": body.date, "label": body.label}
    filters |= {"name": body.surface, "model": request.app.state.model}
    store = store_of(request)
    models = [_model(store, name) for name in body.models or ()]
    return lambda watch: store.make_queue(
        body.name,
        body.kind,
        filters,
        size=body.size,
        seed=body.seed,
        made_by=person.name,
        readers=body.readers,
        models=(models[0], models[1]) if models else None,
        watch=watch,
    )
