"""The brands of many articles as one entity each, with where and when they stand and whose they are.

A register is filled article by article; what it costs depends on those. Names with and without the noun
that says their kind (渝快办, 渝快办平台) are one brand, and so is the short form of a name that never stands
in an article without it.
"""

import datetime
import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from ner.article import Article, Span
from ner.brands.bodies import full_names
from ner.brands.forms import KINDS, form_at
from ner.places import Linker, Mention
from ner.places.lexicon import CODE_LENGTHS, is_filler

Row = dict[str, Any]
Number = TypeVar("Number", int, float)
NEAR = 1.0  # what a body or a place in the brand's sentence, before it, counts
BEHIND = 0.5  # behind it
FAR = 0.1  # elsewhere in the article
LEAST_OWNER = 0.5  # of a brand's weight in all its articles: less is nobody's
PLACE_SHARE = 0.5  # of the weight of a brand's places, and of its articles: else it has no home
PLACES = 12  # of a brand's places, the weightiest are linked together
_SENTENCE_END = re.compile("[。！？!?；;\n]")
_NOUN_AT_END = re.compile(
    rf"({'|'.join(noun for nouns in KINDS.values() for noun in nouns.split() if len(noun) > 1)})$"
)


@dataclass
class Brand:
    """What is known of one brand."""

    names: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    articles: set[str] = field(default_factory=set)
    articles_by_place: Counter[str] = field(default_factory=Counter)
    dates: set[datetime.date] = field(default_factory=set)
    bodies: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    places: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def take(self, other: "Brand") -> None:
        """Make another brand part of this one."""
        self.names += other.names
        self.variants += other.variants
        self.kinds += other.kinds
        self.articles_by_place += other.articles_by_place
        _increase(self.bodies, other.bodies)
        _increase(self.places, other.places)
        self.articles |= other.articles
        self.dates |= other.dates


class Register:
    """Brands by their key, see `ner.brands.forms.key_of`."""

    def __init__(self) -> None:
        self._brands: dict[str, Brand] = defaultdict(Brand)
        self._longer: dict[str, Counter[str]] = defaultdict(Counter)  # in how many articles with it

    def add(self, article: Article) -> None:
        """Enter the brands of an article; entering one again adds to its counts."""
        spans = [span for span in article.spans if span.label == "BRAND"]
        if not spans:
            return
        ends = [match.end() for match in _SENTENCE_END.finditer(article.text)]
        others = {
            label: [span for span in article.spans if span.label == label]
            for label in ("ORG", "LOC")
        }
        full = full_names(article.surface(span) for span in others["ORG"])
        forms = [form_at(article.text, span.start, span.end) for span in spans]
        keys = {form.key for form in forms}
        for key in keys:
            longer = {one for one in keys if one.startswith(key) or one.endswith(key)}
            if len(key) > 1 and len(longer) > 1:
                self._longer[key].update(longer - {key})
        places = {article.surface(span) for span in others["LOC"]}
        for key in keys:
            self._brands[key].articles_by_place.update(places)
        for span, form in zip(spans, forms):
            brand = self._brands[form.key]
            brand.names[_bare(article.surface(span))] += 1
            brand.variants[form.variant] += 1
            brand.kinds[form.kind] += 1
            brand.articles.add(article.id)
            if article.date:
                brand.dates.add(article.date)
            bodies = _weights(article, span, others["ORG"], ends)
            _increase(brand.bodies, {full.get(body, body): bodies[body] for body in bodies})
            _increase(brand.places, _weights(article, span, others["LOC"], ends))

    def rows(self, linker: Linker) -> Iterator[Row]:
        """A row a brand, those in the most articles first."""
        brands = self._joined()
        ranked = sorted(
            brands.values(), key=lambda one: (-len(one.articles), -one.names.total(), _name(one))
        )
        spread = Counter(body for brand in ranked for body in brand.bodies)
        for brand in ranked:
            yield {
                "name": _name(brand),
                "variants": [variant for variant, _ in _ranked(brand.variants)],
                "kind": next((kind for kind, _ in _ranked(brand.kinds) if kind), "other"),
                "first": min(brand.dates).isoformat() if brand.dates else None,
                "last": max(brand.dates).isoformat() if brand.dates else None,
                "articles": len(brand.articles),
                "mentions": brand.names.total(),
                "owner": _owner(brand, spread),
                "place": _place(brand, linker),
            }

    def _joined(self) -> dict[str, Brand]:
        """The brands, where short and long forms are one; the register itself stays as it is."""
        joined: dict[str, Brand] = defaultdict(Brand)
        for key, brand in self._brands.items():
            target, seen = key, {key}
            while (further := self._joins(target)) and further not in seen:
                target = further
                seen.add(target)
            joined[target].take(brand)
        return joined

    def _joins(self, key: str) -> str:
        """The key that another is a form of: without the noun, or longer; empty if none."""
        plain = _NOUN_AT_END.sub("", key)
        if plain != key and plain in self._brands:
            return plain
        articles = len(self._brands[key].articles)
        longer = {
            other: number
            for other, number in self._longer.get(key, {}).items()
            if _NOUN_AT_END.sub("", other) != key
        }
        together = _ranked(longer)
        return together[0][0] if together and together[0][1] == articles else ""


def _weights(
    article: Article, brand: Span, others: Iterable[Span], sentence_ends: Sequence[int]
) -> dict[str, float]:
    """What each string of other spans counts for a brand's mention: the nearest of its places."""
    sentence = bisect_right(sentence_ends, brand.start)
    found: dict[str, float] = {}
    for other in others:
        weight = FAR
        if bisect_right(sentence_ends, other.start) == sentence and not other.holds(brand):
            weight = NEAR if other.end <= brand.start else BEHIND
        text = article.surface(other)
        found[text] = max(found.get(text, 0.0), weight)
    return found


def _owner(brand: Brand, spread: Counter[str]) -> str | None:
    """The body that stands nearest to a brand most often; one that stands by every brand counts less."""
    if not brand.bodies:
        return None
    weigh = {body: weight / math.sqrt(spread[body]) for body, weight in brand.bodies.items()}
    body = min(weigh, key=lambda body: (-weigh[body], -len(body), body))
    return body if brand.bodies[body] >= LEAST_OWNER * len(brand.articles) else None


def _place(brand: Brand, linker: Linker) -> Row | None:
    """The division that most of a brand's places lie in, in half of its articles, down to the county."""
    texts = tuple(sorted(text for text, _ in _ranked(brand.places)[:PLACES]))
    weights: dict[str, float] = defaultdict(float)
    most: dict[str, int] = defaultdict(int)  # in how many articles one of its places stands
    total: dict[int, float] = defaultdict(float)  # of the places that are as small, or smaller
    for text, code in zip(texts, _codes(linker, texts)):
        if code:
            for size in CODE_LENGTHS[:3]:
                if size <= len(code):
                    total[size] += brand.places[text]
                    weights[code[:size]] += brand.places[text]
                    most[code[:size]] = max(most[code[:size]], brand.articles_by_place[text])
    most = {code: most[code] for code in weights if weights[code] >= PLACE_SHARE * total[len(code)]}
    held = [code for code in most if most[code] >= PLACE_SHARE * len(brand.articles)]
    if not held:
        return None
    code = min(held, key=lambda code: (-len(code), -weights[code], code))
    division = linker.lexicon.upper(code)
    if division and is_filler(division):
        division = linker.lexicon.upper(code[:2])
    return {"code": division.code, "path": linker.lexicon.path(division)} if division else None


@lru_cache(maxsize=1024)
def _codes(linker: Linker, texts: tuple[str, ...]) -> list[str | None]:
    """Codes of places that stand together; the brands of one article share them."""
    return [found.best.code for found in linker.link([Mention(0, len(t), t) for t in texts])]


def _increase(sums: dict[str, float], more: Mapping[str, float]) -> None:
    for key, weight in more.items():
        sums[key] += weight


def _bare(surface: str) -> str:
    return surface.strip('“”‘’「」『』"《》 ') or surface


def _name(brand: Brand) -> str:
    return _ranked(brand.names)[0][0]


def _ranked(counts: Mapping[str, Number]) -> list[tuple[str, Number]]:
    """The most frequent first; of as frequent ones the first by code point."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
