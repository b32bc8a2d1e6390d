"""Likely mistakes in a corpus: each finding with its place and its context."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ner.article import Rejected, Span
from ner.corpus.read import Entry

FINDING_KINDS = (
    "unreadable",
    "duplicate",
    "near duplicate",
    "boundary",
    "unmarked mention",
    "unmarked brand",
    "labels differ",
)
_CONTEXT = 8  # code points on either side of a finding

_PUNCTUATION = "，。、；：？！…,.;:?!·—～"
_PAIRS = dict(zip("“‘「『（(《〈【", "”’」』）)》〉】"))
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}
_EDGES = {*_PUNCTUATION, *_PAIRS, *_OPENING, '"', "'"}
_AFTER_PLACE = {*"人话语籍菜"}  # 贵州话, 中国人: the guideline leaves these unmarked
_SHINGLE = 10  # characters
_SAMPLE = 8  # one shingle in so many is compared
_NEAR = 0.3  # Jaccard index
_COMMON = 20  # a shingle in more articles than this is a set phrase, not a copy


@dataclass(frozen=True, slots=True)
class Finding:
    """A likely mistake.

    Args:
        kind: one of `FINDING_KINDS`.
        where: file and line.
        id: of the article.
        context: the text around it, with the place itself between 【 and 】.
    """

    kind: str
    where: str
    id: str
    message: str
    context: str = ""

    def __str__(self) -> str:
        context = f"  …{self.context}…" if self.context else ""
        return f"{self.where} ({self.id}): {self.kind}: {self.message}{context}"


def check(items: Iterable[Entry | Rejected]) -> Iterator[Finding]:
    """The findings in a corpus: unreadable lines first, then copies, then spans by article.

    A line with crossing spans is unreadable.
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
    labels = _labels_by_string(read)
    for entry in read:
        for span in entry.article.spans:
            yield from _boundary(entry, span)
        yield from _unmarked(entry)
        yield from _labels_differ(entry, labels)


def _finding(kind: str, entry: Entry, start: int, end: int, message: str) -> Finding:
    text = entry.article.text
    before, behind = text[max(start - _CONTEXT, 0) : start], text[end : end + _CONTEXT]
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
    articles_with: dict[int, list[int]] = defaultdict(list)
    for number, sketch in enumerate(sketches):
        for shingle in sketch:
            articles_with[shingle].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in articles_with.values():
        if len(numbers) <= _COMMON:
            shared.update(combinations(numbers, 2))
    for (a, b), both in sorted(shared.items()):
        similarity = both / len(sketches[a] | sketches[b])
        if similarity >= _NEAR and entries[a].article.text != entries[b].article.text:
            first, second = entries[a], entries[b]
            message = f"{similarity:.0%} of the text as in {first}"
            yield Finding("near duplicate", second.where, second.article.id, message)


def _sketch(text: str) -> frozenset[int]:
    letters = re.sub(r"\W", "", text)
    hashes = (
        int.from_bytes(hashlib.blake2b(letters[i : i + _SHINGLE].encode(), digest_size=8).digest())
        for i in range(len(letters) - _SHINGLE + 1)
    )
    return frozenset(number for number in hashes if number % _SAMPLE == 0)


def _boundary(entry: Entry, span: Span) -> Iterator[Finding]:
    """Punctuation or white space at an edge, or one of a pair of quotation marks or brackets."""
    text = entry.article.text
    surface = entry.article.surface(span)
    place = (entry, span.start, span.end)
    for edge, where in ((surface[0], "begins"), (surface[-1], "ends")):
        if edge.isspace() or edge in _EDGES:
            if edge in _OPENING and _OPENING[edge] in surface:
                continue  # both of the pair are inside: 商务部（驻渝）
            yield _finding("boundary", *place, f"{span.label} {where} with {edge!r}")
    unclosed: list[str] = []
    for mark in surface[1:-1]:
        if mark in _PAIRS:
            unclosed.append(_PAIRS[mark])
        elif unclosed and mark == unclosed[-1]:
            unclosed.pop()
        # The guideline lets “绿蚂蚁”志愿服务队 begin after its first mark.
        elif mark in _OPENING and text[span.start - 1 : span.start] != _OPENING[mark]:
            yield _finding(
                "boundary", *place, f"{span.label} holds {mark} without its opening mark"
            )
    if unclosed and not (
        unclosed == [surface[-1]] or text[span.end : span.end + 1] == unclosed[-1]
    ):
        yield _finding(
            "boundary", *place, f"{span.label} holds an opening mark without {unclosed[-1]}"
        )


def _unmarked(entry: Entry) -> Iterator[Finding]:
    """Mentions of a name that no span covers, though the same name is marked elsewhere in the article.

    Brands have a kind of their own, since the same string is often plain words. One finding per name,
    at the first such mention.
    """
    text, spans = entry.article.text, entry.article.spans
    covered = {place for span in spans for place in range(span.start, span.end)}
    names = {entry.article.surface(span): span.label for span in spans}
    longest_first = sorted((name for name in names if len(name) > 1), key=lambda name: -len(name))
    for name in longest_first:
        unmarked = []
        for match in re.finditer(re.escape(name), text):
            places = range(*match.span())
            not_a_place = (
                names[name] == "LOC" and text[match.end() : match.end() + 1] in _AFTER_PLACE
            )
            if covered.isdisjoint(places) and not not_a_place:
                covered.update(places)  # report only the longest name
                unmarked.append(match.span())
        if unmarked:
            kind = "unmarked brand" if names[name] == "BRAND" else "unmarked mention"
            times = f"{len(unmarked)}×"
            message = f"{name} is {names[name]} elsewhere in the article, unmarked {times}"
            yield _finding(kind, entry, *unmarked[0], message)


def _labels_by_string(entries: Sequence[Entry]) -> dict[str, Counter[str]]:
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for span in entry.article.spans:
            labels[entry.article.surface(span)][span.label] += 1
    return labels


def _labels_differ(entry: Entry, by_string: dict[str, Counter[str]]) -> Iterator[Finding]:
    """A label that is not the most frequent one of its string."""
    for span in entry.article.spans:
        surface = entry.article.surface(span)
        labels = by_string[surface]
        label, times = labels.most_common(1)[0]
        if label != span.label and len(surface) > 1:
            message = f"{surface} is {span.label} here, {label} elsewhere ({times}×)"
            yield _finding("labels differ", entry, span.start, span.end, message)
