"""What in a corpus is worth a second look: each finding with its place and its context."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ner.article import Rejected, Span
from ner.corpus.read import Entry

KINDS = (
    "unreadable",
    "duplicate",
    "near duplicate",
    "boundary",
    "left bare",
    "brand left bare",
    "labels differ",
)
AROUND = 8
"""Characters of context on either side."""

_MARKS = "，。、；：？！…,.;:?!·—～"
_PAIRS = dict(zip("“‘「『（(《〈【", "”’」』）)》〉】"))
_HALVES = {close: opening for opening, close in _PAIRS.items()}
_EDGES = {*_MARKS, *_PAIRS, *_HALVES, '"', "'"}
_NOT_PLACE = {*"人话语籍菜"}  # 贵州话, 中国人: the guideline leaves these unmarked
_SHINGLE = 10
_SAMPLE = 8  # of the shingles one in so many is looked at
_NEAR = 0.3
_COMMON = 20  # a shingle in more articles than this is a formula, not a copy


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: ``where`` is file and line, ``context`` has the place between 【 and 】."""

    kind: str
    where: str
    id: str
    message: str
    context: str = ""

    def __str__(self) -> str:
        context = f"  …{self.context}…" if self.context else ""
        return f"{self.where} ({self.id}): {self.kind}: {self.message}{context}"


def check(items: Iterable[Entry | Rejected]) -> Iterator[Finding]:
    """Findings of a whole corpus: unreadable lines first, then copies, then spans by article.

    Kinds are `KINDS`; a line with crossing spans is unreadable.
    """
    read: list[Entry] = []
    for item in items:
        if isinstance(item, Rejected):
            why = f"{item.why} ({item.remedy})" if item.remedy else item.why
            yield Finding("unreadable", item.where, item.id or "?", why)
        else:
            read.append(item)
    yield from _duplicates(read)
    yield from _near_duplicates(read)
    usual = _usual_labels(read)
    for entry in read:
        for span in entry.article.spans:
            yield from _boundary(entry, span)
        yield from _left_bare(entry)
        yield from _labels_differ(entry, usual)


def _finding(kind: str, entry: Entry, start: int, end: int, message: str) -> Finding:
    text = entry.article.text
    before, behind = text[max(start - AROUND, 0) : start], text[end : end + AROUND]
    context = f"{before}【{text[start:end]}】{behind}".replace("\n", "⏎")
    return Finding(kind, entry.where, entry.article.id, message, context)


def _duplicates(entries: Sequence[Entry]) -> Iterator[Finding]:
    ids: dict[str, Entry] = {}
    texts: dict[str, Entry] = {}
    for entry in entries:
        article = entry.article
        for known, key, what in ((ids, article.id, "id"), (texts, article.text_hash, "text")):
            first = known.setdefault(key, entry)
            if first is not entry:
                yield Finding("duplicate", entry.where, article.id, f"same {what} as {first}")


def _near_duplicates(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Pairs with much text in common, by the Jaccard index of sampled shingles (Broder 1997)."""
    sketches = [_sketch(entry.article.text) for entry in entries]
    holders: dict[int, list[int]] = defaultdict(list)
    for number, sketch in enumerate(sketches):
        for shingle in sketch:
            holders[shingle].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if len(numbers) <= _COMMON:
            shared.update(combinations(numbers, 2))
    for (a, b), both in sorted(shared.items()):
        alike = both / len(sketches[a] | sketches[b])
        if alike >= _NEAR and entries[a].article.text != entries[b].article.text:
            first, second = entries[a], entries[b]
            message = f"{alike:.0%} of the text as in {first}"
            yield Finding("near duplicate", second.where, second.article.id, message)


def _sketch(text: str) -> frozenset[int]:
    bare = re.sub(r"\W", "", text)
    hashes = (
        int.from_bytes(hashlib.blake2b(bare[i : i + _SHINGLE].encode(), digest_size=8).digest())
        for i in range(len(bare) - _SHINGLE + 1)
    )
    return frozenset(number for number in hashes if number % _SAMPLE == 0)


def _boundary(entry: Entry, span: Span) -> Iterator[Finding]:
    """A mark or white space at an edge, or half a pair of quotation marks or brackets."""
    text = entry.article.text
    surface = entry.article.surface(span)
    place = (entry, span.start, span.end)
    for edge, where in ((surface[0], "begins"), (surface[-1], "ends")):
        if edge.isspace() or edge in _EDGES:
            if edge in _HALVES and _HALVES[edge] in surface:
                continue  # the name has both halves within: 商务部（驻渝）
            yield _finding("boundary", *place, f"{span.label} {where} with {edge!r}")
    waiting = list[str]()
    for mark in surface[1:-1]:
        if mark in _PAIRS:
            waiting.append(_PAIRS[mark])
        elif waiting and mark == waiting[-1]:
            waiting.pop()
        # The guideline lets “绿蚂蚁”志愿服务队 begin behind its first mark.
        elif mark in _HALVES and text[span.start - 1 : span.start] != _HALVES[mark]:
            yield _finding("boundary", *place, f"{span.label} holds {mark} without its other half")
    if waiting and not (waiting == [surface[-1]] or text[span.end : span.end + 1] == waiting[-1]):
        yield _finding(
            "boundary", *place, f"{span.label} holds an opening mark without {waiting[-1]}"
        )


def _left_bare(entry: Entry) -> Iterator[Finding]:
    """A name that is marked at one place and stands at others of the article outside every span.

    Brands have a kind of their own, since the same string is plain words as often as not. One finding
    a name, at the first such place.
    """
    text, spans = entry.article.text, entry.article.spans
    covered = {place for span in spans for place in range(span.start, span.end)}
    names = {entry.article.surface(span): span.label for span in spans}
    longest_first = sorted((name for name in names if len(name) > 1), key=lambda name: -len(name))
    for name in longest_first:
        bare = []
        for match in re.finditer(re.escape(name), text):
            places = range(*match.span())
            people_or_tongue = (
                names[name] == "LOC" and text[match.end() : match.end() + 1] in _NOT_PLACE
            )
            if covered.isdisjoint(places) and not people_or_tongue:
                covered.update(places)  # say it of the longest name only
                bare.append(match.span())
        if bare:
            kind = "brand left bare" if names[name] == "BRAND" else "left bare"
            message = f"{name} is {names[name]} elsewhere in the article, bare {len(bare)}×"
            yield _finding(kind, entry, *bare[0], message)


def _usual_labels(entries: Sequence[Entry]) -> dict[str, Counter[str]]:
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for span in entry.article.spans:
            labels[entry.article.surface(span)][span.label] += 1
    return labels


def _labels_differ(entry: Entry, usual: dict[str, Counter[str]]) -> Iterator[Finding]:
    """A label that its string has nowhere near as often as another."""
    for span in entry.article.spans:
        surface = entry.article.surface(span)
        labels = usual[surface]
        label, times = labels.most_common(1)[0]
        if label != span.label and len(surface) > 1:
            message = f"{surface} is {span.label} here, {label} elsewhere ({times}×)"
            yield _finding("labels differ", entry, span.start, span.end, message)
