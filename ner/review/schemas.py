"""What the JSON API takes and gives. Offsets are Unicode code points, half-open."""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ner.store import Decision, Queue, Review

MAX_TEXT = 1_000_000  # code points that are tagged in one request

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SpanBody(_Body):
    """A span, and what is decided about it. Offsets are Unicode code points, half-open."""

    start: int = Field(ge=0, lt=2**31)
    end: int = Field(gt=0, lt=2**31)
    label: str = Field(pattern=r"^[A-Za-z][\w.-]{0,15}$")
    verdict: Literal["right", "wrong"]

    @model_validator(mode="after")
    def _runs_forward(self) -> "SpanBody":
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class ActBody(_Body):
    """What a reviewer did to an article.

    Args:
        id: made in the browser; sent twice, it counts once.
        seen: the number of the newest decision that was shown.
        finish: the article was read as a whole.
    """

    id: str = Field(pattern=r"^[\w-]{8,64}$")
    article: Text
    text_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    seen: int = Field(0, ge=0, lt=2**63)
    changes: list[SpanBody] = Field(max_length=5_000)
    finish: bool = False
    model: Text = ""


class UndoBody(_Body):
    """Take back what I did last."""

    id: str = Field(pattern=r"^[\w-]{8,64}$")


class NextBody(_Body):
    """Which article to review next: of a queue (the newest where it is null), after the one in view."""

    queue: int | None = Field(None, ge=1, lt=2**31)
    after: Text = ""


class QueueBody(_Body):
    """A queue to draw."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    kind: Literal["random", "uncertain", "brands", "newest"]
    size: int = Field(200, ge=1, le=100_000)
    seed: int = Field(1, ge=0, lt=2**31)
    paper: Text = ""
    date: Annotated[str, Field(pattern=r"^(\d{4}(-\d\d){0,2})?$")] = ""
    label: Annotated[str, Field(pattern=r"^([A-Za-z][\w.-]{0,15})?$")] = ""
    surface: Text = ""


class LoginBody(_Body):
    """Name and password."""

    name: Text
    password: Annotated[str, Field(max_length=1000)]


class TagBody(_Body):
    """A text to tag."""

    text: str = Field(max_length=MAX_TEXT)


class CompareBody(_Body):
    """Which installed model to compare with: its name and version."""

    model: Annotated[str, Field(max_length=200)]


class TaggedSpan(BaseModel):
    """A span that the model found."""

    start: int
    end: int
    label: str
    text: str
    score: float


class Tagged(BaseModel):
    """What the model found, and which model."""

    model: str
    spans: list[TaggedSpan]


class State(BaseModel):
    """What was decided about an article.

    Args:
        seen: the number of the newest decision.
        decisions: all, oldest first; those that stand count, the last of each span.
        reviews: who read it as a whole.
        holder: who has it in hand.
        conflict: decisions of others that were not seen, so that one's own was not added.
    """

    seen: int
    decisions: list[Decision]
    reviews: list[Review]
    holder: str | None = None
    conflict: list[Decision] = []


class ArticleSpan(BaseModel):
    """A span of the model that tagged the article last."""

    start: int
    end: int
    label: str
    score: float
    model: str


class ArticleView(State):
    """An article with the spans of the model, and what was decided about them."""

    id: str
    text: str
    text_hash: str
    title: str
    body_start: int
    overtitle: str
    author: str
    paper: str
    date: datetime.date | None
    page: str
    section: str
    spans: list[ArticleSpan]


class Next(BaseModel):
    """The next article; its id is null where none is left."""

    id: str | None
    queue: Queue
