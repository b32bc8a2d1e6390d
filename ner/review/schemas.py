"""What the JSON API takes and gives. Offsets are Unicode code points, half-open."""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ner.store import Decision, Queue, Review

MAX_TEXT = 1_000_000  # code points that are tagged in one request

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Label = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]{0,15}$")]
QueueNumber = Annotated[int, Field(ge=1, lt=2**31)]
ActionId = Annotated[str, Field(pattern=r"^[\w-]{8,64}$")]
"""Made in the browser: what arrives twice with the same counts once."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SpanBody(_Body):
    """A span, and what is decided about it. Offsets are Unicode code points, half-open."""

    start: int = Field(ge=0, lt=2**31)
    end: int = Field(gt=0, lt=2**31)
    label: Label
    verdict: Literal["right", "wrong"]

    @model_validator(mode="after")
    def _runs_forward(self) -> "SpanBody":
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class ActBody(_Body):
    """What a reviewer did to an article.

    Args:
        seen: the number of the newest decision that was shown.
        finish: the article was read as a whole.
        queue: that the article was given from.
    """

    id: ActionId
    article: Text
    text_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    seen: int = Field(0, ge=0, lt=2**63)
    changes: list[SpanBody] = Field(max_length=5_000)
    finish: bool = False
    model: Text = ""
    queue: QueueNumber | None = None


class SettleBody(_Body):
    """All differences between two independent readers of an article are decided."""

    id: ActionId
    article: Text
    text_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    queue: QueueNumber


class AlikeBody(_Body):
    """Decide on all spans of a string with a label that nobody has decided on.

    Args:
        becomes: their right label: the same where they are right, another, or empty where they are wrong.
        queue: only in its articles; in the whole store where it is null.
    """

    id: ActionId
    surface: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    label: Label
    becomes: Annotated[str, Field(pattern=r"^([A-Za-z][\w.-]{0,15})?$")]
    queue: QueueNumber | None = None


class UndoBody(_Body):
    """Take back what I did last."""

    id: ActionId


class NextBody(_Body):
    """Which article to review next: of a queue (the newest where it is null), after the one in view.

    Args:
        disputed: one whose independent readers differ, to settle that.
    """

    queue: QueueNumber | None = None
    after: Text = ""
    disputed: bool = False


class QueueBody(_Body):
    """A queue to draw.

    Args:
        readers: how many people read each article, independently.
        models: names and versions of the two whose spans are compared, for the kind ``differ``.
    """

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    kind: Literal["random", "uncertain", "brands", "newest", "retagged", "differ"]
    size: int = Field(200, ge=1, le=100_000)
    seed: int = Field(1, ge=0, lt=2**31)
    paper: Text = ""
    date: Annotated[str, Field(pattern=r"^(\d{4}(-\d\d){0,2})?$")] = ""
    label: Annotated[str, Field(pattern=r"^([A-Za-z][\w.-]{0,15})?$")] = ""
    surface: Text = ""
    readers: Literal[1, 2] = 1
    models: Annotated[list[Text], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _names_two_models(self) -> "QueueBody":
        if self.kind == "differ" and (not self.models or self.models[0] == self.models[1]):
            raise ValueError("two different models are compared")
        return self


class Made(BaseModel):
    """The number of a queue that was drawn."""

    queue: int


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
        apart: several read it independently, and these are one's own decisions only.
    """

    seen: int
    decisions: list[Decision]
    reviews: list[Review]
    holder: str | None = None
    conflict: list[Decision] = []
    apart: bool = False


class ArticleSpan(BaseModel):
    """A span of the model that tagged the article last."""

    start: int
    end: int
    label: str
    score: float
    model: str


class _ArticleState(State):
    """An article, and what was decided about it."""

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


class ArticleView(_ArticleState):
    """An article with the spans of the model, and what was decided about them."""

    spans: list[ArticleSpan]


class VersionSpan(BaseModel):
    """A span that a reader called right."""

    start: int
    end: int
    label: str


class Version(BaseModel):
    """An article as one of two independent readers left it."""

    name: str
    spans: list[VersionSpan]


class Difference(BaseModel):
    """A place on which two independent readers differ: what each has there, null for nothing."""

    spans: tuple[VersionSpan | None, VersionSpan | None]


class VersionsView(_ArticleState):
    """An article as two independent readers left it, where they differ, and what was decided on that."""

    versions: tuple[Version, Version]
    differences: list[Difference]


class Next(BaseModel):
    """The next article; its id is null where none is left.

    Args:
        mine: how many articles of the queue I have finished, where several read each independently.
    """

    id: str | None
    queue: Queue
    mine: int = 0
