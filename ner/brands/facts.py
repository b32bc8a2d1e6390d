"""What one article adds to the register: its brands, its organisations, and, apart from these, its places.

Pure: the same article adds the same, which is how it is taken off again. All numbers are whole.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ner.article import Article
from ner.brands.bodies import Bodies, sort_of
from ner.brands.forms import KINDS, Form, form_at
from ner.places import Linker, Mention
from ner.places.articles import CUE
from ner.store import Facts, KeyFacts, Mark, MarkedArticle

NEAR = 10  # what a body or a place in the brand's sentence, before it, counts
BEHIND = 5  # behind it
FAR = 1  # a place elsewhere in the article
MOST = 100  # code points of a key or a value
_SENTENCE_END = re.compile("[。！？!?；;\n]")
_NOUN_AT_END = re.compile(
    rf"({'|'.join(noun for nouns in KINDS.values() for noun in nouns.split() if len(noun) > 1)})$"
)
Counts = dict[str, Counter[str]]


class Reader:
    """Reads articles for the register."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        self.bodies = Bodies(linker)

    def names(self, marked: MarkedArticle) -> Facts:
        """The brands and organisations of an article."""
        bodies = self.body_keys(marked)
        found = {
            "brand": self._brands(marked, bodies),
            "organisation": self._bodies(marked, bodies),
        }
        return {kind: keys for kind, keys in found.items() if keys}

    def places(self, marked: MarkedArticle) -> Facts:
        """The places of an article that are divisions, by code."""
        codes = self.place_codes(marked)
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for mark, code in codes:
            counts[code][mark.surface[:MOST]] += 1
        keys = {}
        for code, forms in counts.items():
            division = self.linker.lexicon.upper(code)
            if division:
                names = {"name": {division.name: forms.total()}, "variant": dict(forms)}
                keys[code] = KeyFacts(forms.total(), names)
        return {"place": keys} if keys else {}

    def mentions(self, marked: MarkedArticle, kind: str) -> list[tuple[Mark, str]]:
        """The marks of an article that are of a kind, with their keys."""
        if kind == "brand":
            return [(mark, form.key) for mark, form in self._forms(marked)]
        if kind == "place":
            return self.place_codes(marked)
        keys = self.body_keys(marked)
        return [
            (mark, keys[mark.surface])
            for mark in marked.marks
            if mark.label == "ORG" and mark.surface in keys
        ]

    def body_keys(self, marked: MarkedArticle) -> dict[str, str]:
        """The key of each organisation's name."""
        names = [mark.surface for mark in marked.marks if mark.label == "ORG"]
        keys = self.bodies.keys(names, marked.paper) if names else {}
        return {name: key[:MOST] for name, key in keys.items()}

    def place_codes(self, marked: MarkedArticle) -> list[tuple[Mark, str]]:
        """The places with a code."""
        marks = [mark for mark in marked.marks if mark.label == "LOC"]
        if not marks:
            return []
        after = [marked.text[mark.end : mark.end + CUE] for mark in marks]
        mentions = [
            Mention(mark.start, mark.end, mark.surface, cue) for mark, cue in zip(marks, after)
        ]
        bodies = [mark.surface for mark in marked.marks if mark.label == "ORG"]
        home = self.linker.leading(marked.paper)[-1:]
        links = self.linker.link(mentions, bodies=bodies, home=home)
        return [(mark, link.best.code) for mark, link in zip(marks, links) if link.best.code]

    def _brands(self, marked: MarkedArticle, bodies: Mapping[str, str]) -> dict[str, KeyFacts]:
        forms = self._forms(marked)
        if not forms:
            return {}
        ends = _sentence_ends(marked.text)
        organisations, locations = (
            [(mark, bisect_right(ends, mark.start)) for mark in marked.marks if mark.label == label]
            for label in ("ORG", "LOC")
        )
        keys = sorted({form.key for _, form in forms})
        places = dict.fromkeys((mark.surface for mark, _ in locations), 1)
        counts: dict[str, Counts] = {key: defaultdict(Counter) for key in keys}
        mentions: Counter[str] = Counter()
        for key, found in counts.items():
            plain = plain_of(key)
            if plain != key:
                found["plain"][plain] = 1
            if len(key) > 1:
                for other in keys:
                    is_longer = other.startswith(key) or other.endswith(key)
                    if other != key and is_longer and plain_of(other) != key:
                        found["longer"][other] = 1
            found["place_in"].update(places)
        for mark, form in forms:
            found = counts[form.key]
            mentions[form.key] += 1
            found["name"][bare(mark.surface)] += 1
            found["variant"][form.variant[:MOST]] += 1
            if form.kind:
                found["sort"][form.kind] += 1
            owners: dict[str, int] = {}
            sentence = bisect_right(ends, mark.start)
            for name, weight in _weights(mark, sentence, organisations).items():
                key = bodies.get(name, name)
                owners[key] = max(owners.get(key, 0), weight)
            found["body"].update({key: weight for key, weight in owners.items() if weight > FAR})
            found["place"].update(_weights(mark, sentence, locations))
        return {key: KeyFacts(mentions[key], _plain(counts[key])) for key in keys}

    def _forms(self, marked: MarkedArticle) -> list[tuple[Mark, Form]]:
        """The brands of an article; of a name that several have with the key of the one that it is about."""
        forms = [
            (mark, form_at(marked.text, mark.start, mark.end))
            for mark in marked.marks
            if mark.label == "BRAND"
        ]
        if not marked.divided:
            return forms
        marks: dict[str, list[Mark]] = defaultdict(list)
        for mark, form in forms:
            shared = form.key if form.key in marked.divided else plain_of(form.key)
            if shared in marked.divided:
                marks[shared].append(mark)
        own = {key: self._own(marked, marks[key], marked.divided[key]) for key in marks}
        return [(mark, replace(form, key=_divided(form.key, own))) for mark, form in forms]

    def _own(self, marked: MarkedArticle, brand: Sequence[Mark], parts: Sequence[str]) -> str:
        """Which of the places and owners of brands with one name an article is about; empty if none.

        An owner that it names; else the place that more of its places, its bodies and the paper's home lie
        in than outside of it, those in the brand's sentences counting `NEAR`.
        """
        ends = _sentence_ends(marked.text)
        sentences = {bisect_right(ends, mark.start) for mark in brand}

        def weight(mark: Mark) -> int:
            return NEAR if bisect_right(ends, mark.start) in sentences else FAR

        keys = self.body_keys(marked)
        owners: Counter[str] = Counter()
        codes: Counter[str] = Counter(self.linker.leading(marked.paper)[-1:])
        for mark in marked.marks:
            if mark.label == "ORG" and (key := keys.get(mark.surface)):
                owners[key] += weight(mark)
                code, bar, _ = key.partition("|")
                codes[code if bar else ""] += weight(mark)
        for mark, code in self.place_codes(marked):
            codes[code] += weight(mark)
        if named := [part for part in parts if owners[part]]:
            return max(named, key=lambda part: owners[part])
        held = [part for part in parts if part.isdecimal() and _balance(codes, part) > 0]
        return max(held, key=lambda part: (len(part), _balance(codes, part)), default="")

    def _bodies(self, marked: MarkedArticle, bodies: Mapping[str, str]) -> dict[str, KeyFacts]:
        counts: dict[str, Counts] = {}
        mentions: Counter[str] = Counter()
        for mark in marked.marks:
            if mark.label == "ORG" and (key := bodies.get(mark.surface)):
                found = counts.setdefault(key, defaultdict(Counter))
                mentions[key] += 1
                if self.bodies.is_short(mark.surface):
                    found["short"][mark.surface] += 1
                    found["whole"][self.bodies.name(key)[:MOST]] += 1
                else:
                    found["name"][mark.surface] += 1
                if sort := sort_of(mark.surface):
                    found["sort"][sort] += 1
        return {key: KeyFacts(mentions[key], _plain(counts[key])) for key in counts}


def marked_article(article: Article, divided: Mapping[str, Sequence[str]]) -> MarkedArticle:
    """An article as the register reads it."""
    marks = [Mark(s.start, s.end, s.label, article.surface(s)[:MOST]) for s in article.spans]
    return MarkedArticle(article.id, article.paper, article.date, article.text, marks, divided)


def plain_of(key: str) -> str:
    """A brand's key without the noun that says its kind: 渝快办 of 渝快办平台."""
    name, bar, part = key.partition("|")
    return (_NOUN_AT_END.sub("", name) or name) + bar + part


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the sentence that holds ``start:end`` begins and ends; half-open, without blanks around it."""
    ends = _sentence_ends(text)
    first = bisect_right(ends, start)
    begin = ends[first - 1] if first else 0
    last = bisect_right(ends, max(start, end - 1))
    stop = ends[last] if last < len(ends) else len(text)
    whole = text[begin:stop]
    begin += len(whole) - len(whole.lstrip())
    return begin, begin + len(whole.strip())


def bare(surface: str) -> str:
    """A brand's name without quotation marks."""
    return surface.strip('“”‘’「」『』"《》 ') or surface


def _sentence_ends(text: str) -> list[int]:
    return [match.end() for match in _SENTENCE_END.finditer(text)]


def _divided(key: str, own: Mapping[str, str]) -> str:
    """The key of a brand that shares its name with others: 一表通|33, 一表通平台|33."""
    part = own.get(key) or own.get(plain_of(key))
    return f"{key}|{part}" if part else key


def _balance(codes: Mapping[str, int], place: str) -> int:
    """How much more is in a place than outside of it; what holds it is neither."""
    return sum(
        weight if code.startswith(place) else -weight
        for code, weight in codes.items()
        if code and not (place.startswith(code) and place != code)
    )


def _plain(counts: Counts) -> dict[str, dict[str, int]]:
    return {aspect: dict(values) for aspect, values in counts.items()}


def _weights(brand: Mark, sentence: int, others: Iterable[tuple[Mark, int]]) -> dict[str, int]:
    """What each string of other spans counts for a brand's mention: the nearest of its places.

    Args:
        sentence: the number of the one that it begins in.
        others: with the numbers of theirs.
    """
    found: dict[str, int] = {}
    for other, theirs in others:
        weight = FAR
        if theirs == sentence and not (other.start <= brand.start and brand.end <= other.end):
            weight = NEAR if other.end <= brand.start else BEHIND
        if weight > found.get(other.surface, 0):
            found[other.surface] = weight
    return found
