"""The JSON API where two people read an article independently: both versions, and what settles them."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request

from ner.article import Rejected, Span
from ner.errors import NerError
from ner.evaluation.pairing import disagreements
from ner.review.access import Reader, Reviewer
from ner.review.api import SOURCE, load_article, shown, state_of, store_of
from ner.review.schemas import (
    Difference,
    QueueNumber,
    SettleBody,
    State,
    Text,
    Version,
    VersionSpan,
    VersionsView,
)
from ner.store import ReviewStore, Said, Versions

router = APIRouter(prefix="/api")


@router.get("/versions")
def versions(
    id: Annotated[Text, Query()],
    queue: Annotated[QueueNumber, Query()],
    request: Request,
    person: Reader,
) -> VersionsView:
    """An article as two independent readers left it; 404 where not two have finished it."""
    store = store_of(request)
    found = load_article(store, id, request.app.state.model)
    two = _versions(store, id, queue)
    if two is None:
        raise HTTPException(404, f"not two people have read {id}")
    first, second = (sorted(Span(*place) for place in two.right(side)) for side in (0, 1))
    differing = [
        Difference(spans=(_span(each.a) if each.a else None, _span(each.b) if each.b else None))
        for each in disagreements(first, second)
    ]
    both = (_version(two.names[0], first), _version(two.names[1], second))
    state = dict(state_of(store, id))
    return VersionsView(**shown(found), versions=both, differences=differing, **state)


@router.post("/settle", responses={422: {}})
def settle(body: SettleBody, request: Request, person: Reviewer) -> State:
    """All differences of two independent readers are decided: what they agree on counts now too."""
    store = store_of(request)
    two = _versions(store, body.article, body.queue)
    if two and person.name in two.names and not person.may("admin"):
        raise HTTPException(403, "settling is for somebody else, or an admin")
    said = Said(person.name, SOURCE)
    outcome = store.settle(body.article, body.text_hash, body.queue, body.id, said)
    if isinstance(outcome, Rejected):
        raise HTTPException(422, str(outcome))
    return state_of(store, body.article)


def _versions(store: ReviewStore, id: str, queue: int) -> Versions | None:
    try:
        return store.versions(queue, id)
    except NerError as error:
        raise HTTPException(404, str(error)) from None


def _version(name: str, spans: list[Span]) -> Version:
    return Version(name=name, spans=[_span(each) for each in spans])


def _span(span: Span) -> VersionSpan:
    return VersionSpan(start=span.start, end=span.end, label=span.label)
