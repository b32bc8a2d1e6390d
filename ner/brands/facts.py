"""What one article adds to the register: its brands, its organisations, and, apart from these, its places.

Pure: the same article adds the same, which is how it is taken off again. All numbers are whole.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ner.article import Article
from ner.brands.bodies import Bodies, sort_of
from ner.brands.forms import KINDS, Form, form_at
from ner.places import Linker, Mention
from ner.places.articles import CUE
from ner.store import Facts, KeyFacts, Mark, Source

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

    def names(self, source: Source) -> Facts:
        """The brands and organisations of an article."""
        bodies = self.body_keys(source)
        found = {
            "brand": self._brands(source, bodies),
            "organisation": self._bodies(source, bodies),
        }
        return {kind: keys for kind, keys in found.items() if keys}

    def places(self, source: Source) -> Facts:
        """The places of an article that are divisions, by code."""
        codes = self.place_codes(source)
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

    def mentions(self, source: Source, kind: str) -> list[tuple[Mark, str]]:
        """The marks of an article that are of a kind, with their keys."""
        if kind == "brand":
            return [(mark, form.key) for mark, form in _forms(source)]
        if kind == "place":
            return self.place_codes(source)
        keys = self.body_keys(source)
        return [
            (mark, keys[mark.surface])
            for mark in source.marks
            if mark.label == "ORG" and mark.surface in keys
        ]

    def body_keys(self, source: Source) -> dict[str, str]:
        """The key of each organisation's name."""
        names = [mark.surface for mark in source.marks if mark.label == "ORG"]
        keys = self.bodies.keys(names, source.paper) if names else {}
        return {name: key[:MOST] for name, key in keys.items()}

    def place_codes(self, source: Source) -> list[tuple[Mark, str]]:
        """The places with a code."""
        marks = [mark for mark in source.marks if mark.label == "LOC"]
        if not marks:
            return []
        after = [source.text[mark.end : mark.end + CUE] for mark in marks]
        mentions = [
            Mention(mark.start, mark.end, mark.surface, cue) for mark, cue in zip(marks, after)
        ]
        bodies = [mark.surface for mark in source.marks if mark.label == "ORG"]
        home = self.linker.leading(source.paper)[-1:]
        links = self.linker.link(mentions, bodies=bodies, home=home)
        return [(mark, link.best.code) for mark, link in zip(marks, links) if link.best.code]

    def _brands(self, source: Source, bodies: Mapping[str, str]) -> dict[str, KeyFacts]:
        forms = _forms(source)
        if not forms:
            return {}
        ends = [match.end() for match in _SENTENCE_END.finditer(source.text)]
        marks = {
            label: [mark for mark in source.marks if mark.label == label]
            for label in ("ORG", "LOC")
        }
        keys = {form.key for _, form in forms}
        places = {mark.surface for mark in marks["LOC"]}
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
            for name, weight in _weights(mark, marks["ORG"], ends).items():
                key = bodies.get(name, name)
                owners[key] = max(owners.get(key, 0), weight)
            found["body"].update({key: weight for key, weight in owners.items() if weight > FAR})
            found["place"].update(_weights(mark, marks["LOC"], ends))
        return {key: KeyFacts(mentions[key], _plain(counts[key])) for key in sorted(keys)}

    def _bodies(self, source: Source, bodies: Mapping[str, str]) -> dict[str, KeyFacts]:
        counts: dict[str, Counts] = {}
        mentions: Counter[str] = Counter()
        for mark in source.marks:
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


def source_of(article: Article) -> Source:
    """An article as the register reads it."""
    marks = [Mark(s.start, s.end, s.label, article.surface(s)[:MOST]) for s in article.spans]
    return Source(article.id, article.paper, article.date, article.text, marks)


def plain_of(key: str) -> str:
    """A brand's key without the noun that says its kind: 渝快办 of 渝快办平台."""
    return _NOUN_AT_END.sub("", key) or key


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the sentence that holds ``start:end`` begins and ends; half-open, without blanks around it."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
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


def _forms(source: Source) -> list[tuple[Mark, Form]]:
    return [
        (mark, form_at(source.text, mark.start, mark.end))
        for mark in source.marks
        if mark.label == "BRAND"
    ]


def _plain(counts: Counts) -> dict[str, dict[str, int]]:
    return {aspect: dict(sorted(values.items())) for aspect, values in sorted(counts.items())}


def _weights(brand: Mark, others: Iterable[Mark], ends: Sequence[int]) -> dict[str, int]:
    """What each string of other spans counts for a brand's mention: the nearest of its places."""
    sentence = bisect_right(ends, brand.start)
    found: dict[str, int] = {}
    for other in others:
        weight = FAR
        holds = other.start <= brand.start and brand.end <= other.end
        if bisect_right(ends, other.start) == sentence and not holds:
            weight = NEAR if other.end <= brand.start else BEHIND
        found[other.surface] = max(found.get(other.surface, 0), weight)
    return found
