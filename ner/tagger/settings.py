"""What the numbers of a model's network mean: ``settings.json`` in a model folder."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ner.errors import NerError
from ner.labels import LABELS
from ner.tagger.features import MAX_SPAN_LENGTH

FORMAT = 3  # of the component's files

Label = Annotated[str, Field(pattern=r"^[^\W\d_][\w.-]{0,15}$")]


class Settings(BaseModel):
    """How a network is run, what it marks, and what its logits mean.

    Args:
        labels: label of each score plane.
        core: code points a window answers for.
        context: code points it sees to either side; at least the network's reach and the longest
            span, so that where a text is cut changes nothing.
        thresholds: for each label the logit above which a span is taken; 0 where it has none.
        pieces: whether the network takes the pieces of a pretrained encoder beside the characters.
        calibration: for each label (a, b): the probability of a logit x is sigmoid(a x + b); (1, 0)
            where it has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    labels: Annotated[tuple[Label, ...], Field(min_length=1)] = LABELS
    core: Annotated[int, Field(ge=1, le=65536)] = 1024
    context: Annotated[int, Field(ge=MAX_SPAN_LENGTH, le=65536)] = 64
    pieces: bool = False
    thresholds: dict[str, float] = {}
    calibration: dict[str, tuple[Annotated[float, Field(gt=0)], float]] = {}
    format: int = FORMAT

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label stands twice")
        if others := {*self.thresholds, *self.calibration} - set(self.labels):
            raise ValueError(f"{', '.join(sorted(others))} is not among the labels")
        return self

    @classmethod
    def from_json(cls, data: str | bytes) -> "Settings":
        """Read what `to_json` wrote.

        Raises:
            NerError: it is damaged, or of another format.
        """
        try:
            values: Any = json.loads(data)
            found = values["format"]
            if type(found) is int and found != FORMAT:
                newer = found > FORMAT
                raise NerError(
                    f"model format {found} is {'newer' if newer else 'older'} than {FORMAT},"
                    " the one known here",
                    remedy="upgrade ner" if newer else "train it again, or install a newer model",
                )
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            why = f"{field}: {first['msg']}" if field else first["msg"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"no settings: {error}"
        raise NerError(f"the model is damaged: {why}", remedy="install it again")

    def to_json(self) -> bytes:
        """The form that `from_json` reads, UTF-8."""
        return self.model_dump_json(indent=1).encode()

    def probability(self, label: str, logit: float) -> float:
        """How likely a span of this logit is right, 0 to 1."""
        slope, shift = self.calibration.get(label, (1.0, 0.0))
        x = min(max(slope * logit + shift, -700.0), 700.0)
        return 1 / (1 + math.exp(-x))

    def logit(self, label: str, probability: float) -> float:
        """The inverse of `probability`."""
        slope, shift = self.calibration.get(label, (1.0, 0.0))
        return (math.log(probability / (1 - probability)) - shift) / slope

    def thresholds_at(self, least: float | Mapping[str, float] | None) -> dict[str, float]:
        """The threshold of each label, as a logit.

        Args:
            least: the least probability of a span that is taken: of all labels, or of each label that it
                names; None, and for labels it does not name, the model's own thresholds.

        Raises:
            NerError: it is not between 0 and 1, or names a label that the model does not have.
        """
        own = {label: self.thresholds.get(label, 0.0) for label in self.labels}
        if least is None:
            return own
        asked = dict(least) if isinstance(least, Mapping) else dict.fromkeys(self.labels, least)
        if others := [str(label) for label in asked if label not in own]:
            raise NerError(
                f"the model has no label {', '.join(others)}, so there is no threshold to set",
                remedy=f"its labels are {', '.join(self.labels)}",
            )
        for label, value in asked.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
                raise NerError(
                    f"threshold {value!r} is not a probability between 0 and 1",
                    remedy="for example 0.7: only spans of which at least seven in ten are right",
                )
            own[label] = self.logit(label, value)
        return own
