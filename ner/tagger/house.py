"""A newsroom's own word lists: names that are to be found, and strings that are none.

The names are evidence, not orders: the network's logit of a listed string is raised, so that only where the
sentence speaks strongly against a name none is marked. `docs/names.md` tells the form of the files.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ner.errors import NerError
from ner.tagger.decode import Found
from ner.tagger.features import MAX_SPAN_LENGTH

RAISE = 7.0
"""By how much the logit of a listed name is raised. The network then looks as far below its threshold."""
# Names that hold no name of their own label, as those of places and bodies do.
_WITHOUT_PARTS = ("PER", "BRAND")
_AROUND = 6  # code points to either side of a part in which its whole name is looked for


@dataclass(frozen=True)
class HouseWords:
    """Word lists.

    Args:
        names: labels of each string that is to be found, aliases too.
        never: strings that are never marked.
    """

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    never: frozenset[str] = frozenset()

    def to_json(self) -> bytes:
        """Both lists as one JSON object."""
        names = {name: sorted(labels) for name, labels in sorted(self.names.items())}
        listed = {"names": names, "never": sorted(self.never)}
        return json.dumps(listed, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "HouseWords":
        """Read what `to_json` wrote.

        Raises:
            NerError: it is something else.
        """
        try:
            listed = json.loads(data)
            names = {name: frozenset(labels) for name, labels in listed["names"].items()}
            return cls(names, frozenset(listed["never"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NerError(
                "the model's word lists are damaged",
                remedy="save it again with the lists, see docs/names.md",
            ) from None

    @property
    def reach(self) -> float:
        """How far below its threshold the network has to look."""
        return RAISE if self.names else 0.0

    def weigh(self, text: str, found: Iterable[Found], labels: tuple[str, ...]) -> Iterator[Found]:
        """What a network found, listed names raised; without parts of these and what is never a name."""
        if not self.names and not self.never:
            yield from found
            return
        for start, end, number, logit in found:
            string, label = text[start:end], labels[number]
            if string in self.never:
                continue
            if label in _WITHOUT_PARTS and self._is_part(text, start, end, label):
                continue
            if label in self.names.get(string, ()):
                logit += RAISE
            yield start, end, number, logit

    def _is_part(self, text: str, start: int, end: int, label: str) -> bool:
        """Whether a listed name of the label stands around it, a few characters longer on either side."""
        return any(
            label in self.names.get(text[before:after], ())
            for before in range(max(0, start - _AROUND), start + 1)
            for after in range(end, min(len(text), end + _AROUND) + 1)
            if after - before > end - start
        )


def read_house_words(names: Path | None, never: Path | None, labels: tuple[str, ...]) -> HouseWords:
    """Read word lists.

    Args:
        names: lines of a name, a tab, its label, and perhaps aliases after further tabs.
        never: lines of a string each.
        labels: what the model marks.

    Raises:
        NerError: a file cannot be read, a line has another form, or a string is in both; with its line.
    """
    listed: dict[str, set[str]] = {}
    for where, (name, *others) in _lines(names):
        label, aliases = (others[0], others[1:]) if others else ("", [])
        if label not in labels:
            said = (
                f"label {label!r} of {name} is not the model's" if label else f"{name} has no label"
            )
            raise NerError(
                said,
                where=where,
                remedy=f"write the name, a tab and one of {', '.join(labels)}",
            )
        for string in (name, *aliases):
            if len(string) > MAX_SPAN_LENGTH:
                raise NerError(
                    f"{string} is longer than {MAX_SPAN_LENGTH} characters, which no model finds",
                    where=where,
                    remedy="give a shorter form",
                )
            listed.setdefault(string, set()).add(label)
    left_out: set[str] = set()
    for where, (string, *others) in _lines(never):
        if others:
            raise NerError(
                f"{string} has more in its line",
                where=where,
                remedy="one string a line, without label",
            )
        if string in listed:
            raise NerError(
                f"{string} is among the names too",
                where=where,
                remedy="take it out of one of the two",
            )
        left_out.add(string)
    return HouseWords(
        {name: frozenset(found) for name, found in listed.items()}, frozenset(left_out)
    )


def _lines(path: Path | None) -> Iterator[tuple[str, list[str]]]:
    """Each line's place and its fields; blank lines and those that begin with # are left out."""
    if path is None:
        return
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NerError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="check the path"
        ) from None
    except UnicodeDecodeError:
        raise NerError("is not UTF-8", where=str(path), remedy="save it as UTF-8") from None
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            fields = [part.strip() for part in line.split("\t")]
            if not fields[0]:
                raise NerError(
                    "the line begins with a tab",
                    where=f"{path}:{number}",
                    remedy="begin with the name",
                )
            yield f"{path}:{number}", [part for part in fields if part]
