"""The places of an article to division codes, all together, since each is evidence for the others.

A mention's candidates have what the string says for them, and what the article says for the divisions that
hold them: the other places, places in the names of bodies, the paper's home. What the article says depends on
what its mentions mean, so both are estimated in turn. `NIL`, no division, competes with a fixed amount of
evidence; a village that the article says nothing for loses against it.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from ner.places.aliases import aliases, simplified
from ner.places.candidates import FEATURES, Candidate, candidates, level_of
from ner.places.lexicon import CODE_LENGTHS, Lexicon, parents
from ner.places.names import CITY, COUNTY, PROVINCE, SUFFIX_ENDS, TOWN, VILLAGE, split

# Figures in units of evidence, chosen on data/annotations/places/dev.jsonl.
NIL = 2.2
SUPPORT = 2.0  # from a division that the article is all about, for each level
SHORT_SUPPORT = 0.5  # the same for 茶山 as a town or a village, as a factor
CHAIN = 4.0  # 南岸区 directly before or after 南坪街道
ELSEWHERE = 2.5  # less in another county, or city, than those that the article names
HOME = 2.0  # what the paper's home counts, in mentions
ROUNDS = 3
UNKNOWN = 2.0  # less directly behind a name of no division: 印度尼西亚泗水
FEATURE = 4.0  # less for 天山 before 南麓, 黑龙江 before 上游
MAX_CANDIDATES = 60  # of a name like 和平村, those in the regions that the article names
MAX_GAP = 1  # code points between the links of a chain
TEMPERATURE = 0.7
OTHERS = 3  # runners-up that are told
LEADING = 12  # code points of the longest chain of places at the beginning of a body's name
_FEATURE_PART = re.compile(
    "[上中下]游|流域|沿岸|[两南北]岸|[东南西北]麓|山脉|脚下|水系|[支干]流|入海|大桥|水[域位]|河段|沿线|之畔"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place name in an article: half-open, in code points, with the string it covers.

    Args:
        after: the code points that follow it, as many as are known, two are read.
    """

    start: int
    end: int
    text: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a mention may be; without a code no division.

    Args:
        score: how likely, 0 to 1; those of a mention's choices sum to at most 1.
    """

    code: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Link:
    """A mention with what it most likely is, and the runners-up."""

    mention: Mention
    best: Choice
    others: tuple[Choice, ...]


Weights = Mapping[str, float]


class Linker:
    """Links the places of one article after the other.

    Args:
        lexicon: the divisions.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._candidates = lru_cache(maxsize=16384)(self._find)

    def _find(self, text: str) -> tuple[Candidate, ...]:
        return tuple(candidates(self.lexicon, text))

    def link(
        self,
        mentions: Sequence[Mention],
        *,
        bodies: Iterable[str] = (),
        home: Sequence[str] = (),
    ) -> list[Link]:
        """Link the mentions of an article, in their order.

        Args:
            bodies: names of organisations in the article: 重庆市渝北区人民法院 speaks for 渝北区.
            home: codes of divisions that the paper is at home in.
        """
        given = self._evidence_of(bodies, home)
        texts = {mention.text for mention in mentions}
        options = self._options(texts, given)
        beliefs = {text: _believe(options[text], _Regions(given)) for text in texts}
        for _ in range(ROUNDS):
            total = _regions(beliefs, given)
            beliefs = {
                text: _believe(options[text], total.without(beliefs[text])) for text in texts
            }
        total = _regions(beliefs, given)
        bases = {text: _scores(options[text], total.without(beliefs[text])) for text in texts}
        chains = _chains(mentions)
        return [
            self._choose(mention, bases, beliefs, before, after)
            for mention, (before, after) in zip(mentions, chains)
        ]

    def _evidence_of(self, bodies: Iterable[str], home: Sequence[str]) -> Weights:
        found: dict[str, float] = defaultdict(float)
        for code in home:
            for region in (*parents(code), code):
                found[region] = max(found[region], HOME)
        for body in set(bodies):
            for code in self.leading(body):
                found[code] += 0.5
        return found

    def leading(self, name: str) -> list[str]:
        """The codes of divisions that a body's or a paper's name begins with: 重庆市渝北区人民法院."""
        return self.split_leading(name)[0]

    def split_leading(self, name: str) -> tuple[list[str], str]:
        """The same with what is left of the name behind them: 人民法院."""
        name = name.removeprefix("中共").removeprefix("中国")
        codes: list[str] = []
        while name:
            plain = simplified(name[:LEADING])
            for length in range(len(plain), 1, -1):
                if not self._may_end(plain, length):
                    continue
                found = [
                    one
                    for one in self._candidates(name[:length])
                    if one.division.level <= COUNTY
                    and one.prior > 2
                    and (not codes or one.code.startswith(codes[-1]))
                ]
                if found and (codes or len({one.division.level for one in found}) == len(found)):
                    codes.append(max(found, key=lambda one: one.prior).code)
                    name = name[length:]
                    break
            else:
                break
        return codes, name

    def _may_end(self, plain: str, end: int) -> bool:
        """Whether a division down to the county can be named right before an end, alone or in a chain.

        Much faster than to look for it, and true of few ends of few names.
        """
        for start in (0, *range(2, end - 1)):
            part = plain[start:end]
            if part in self._upper_stems or part in aliases():
                return True
            if part[-1] in SUFFIX_ENDS and split(part)[0] in self._upper_stems:
                return True
        return False

    @cached_property
    def _upper_stems(self) -> frozenset[str]:
        return self.lexicon.stems(COUNTY)

    def _options(self, texts: Iterable[str], given: Weights) -> dict[str, tuple[Candidate, ...]]:
        """The candidates of each text; of a name that is everywhere those in regions that are named."""
        found = {text: self._candidates(text) for text in texts}
        named = set(given)
        for options in found.values():
            if len(options) <= MAX_CANDIDATES:
                for one in options:
                    named.update((one.code, *parents(one.code)))
        for text, options in found.items():
            for level in (PROVINCE, CITY, COUNTY):
                if len(options) > MAX_CANDIDATES:
                    options = tuple(
                        one
                        for one in options
                        if any(
                            code in named for code in parents(one.code) if level_of(code) == level
                        )
                        or one.division.level <= COUNTY
                    )
            found[text] = options[: 4 * MAX_CANDIDATES]
        return found

    def _choose(
        self,
        mention: Mention,
        bases: Mapping[str, dict[str, float]],
        beliefs: Mapping[str, dict[str, float]],
        before: Sequence[str],
        after: Sequence[str],
    ) -> Link:
        scores = dict(bases[mention.text])
        is_behind_unknown = bool(before) and not bases[before[0]].keys() - {""}
        is_feature = bool(mention.text[-1] in FEATURES and _FEATURE_PART.match(mention.after))
        for code in filter(None, scores):
            scores[code] -= UNKNOWN * is_behind_unknown + FEATURE * is_feature
            above = [beliefs[text].get(part, 0.0) for text in before for part in parents(code)]
            below = [
                weight
                for text in after
                for part, weight in beliefs[text].items()
                if part != code and part.startswith(code)
            ]
            scores[code] += CHAIN * min(1.0, sum(above) + sum(below))
        ranked = sorted(_softmax(scores).items(), key=lambda item: -item[1])
        choices = [Choice(code or None, round(score, 4)) for code, score in ranked]
        others = tuple(one for one in choices[1 : 1 + OTHERS] if one.code and one.score >= 0.0005)
        return Link(mention, choices[0], others)


class _Regions:
    """How much of an article is in each division, in mentions."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._most: dict[int, float] = defaultdict(float)
        for code, weight in weights.items():
            level = level_of(code)
            self._most[level] = max(self._most[level], weight)

    def without(self, belief: Mapping[str, float]) -> "_Regions":
        """The same without what one name adds."""
        weights = dict(self._weights)
        for code, weight in _spread(belief).items():
            weights[code] = max(0.0, weights.get(code, 0.0) - weight)
        return _Regions(weights)

    def share(self, code: str) -> float:
        """How near a division comes to the one of its level that is named most, 0 to 1."""
        return math.sqrt(self._weights.get(code, 0.0) / max(1.0, self._most[level_of(code)]))

    def is_settled(self, level: int) -> bool:
        """True where some division of the level is named."""
        return self._most[level] >= 0.7


def _regions(beliefs: Mapping[str, Mapping[str, float]], given: Weights) -> _Regions:
    total: Counter[str] = Counter(given)
    for belief in beliefs.values():
        total.update(_spread(belief))
    return _Regions(total)


def _spread(belief: Mapping[str, float]) -> dict[str, float]:
    """What is believed of a name, for the divisions themselves and for those that hold them."""
    found: dict[str, float] = defaultdict(float)
    for code, weight in belief.items():
        if code:
            for region in (*parents(code), code):
                found[region] += weight
    return found


def _scores(options: Iterable[Candidate], regions: _Regions) -> dict[str, float]:
    """The evidence for each candidate, and for none of them (the empty code)."""
    scores = {one.code: one.prior + _support(one, regions) for one in options}
    return {**scores, "": NIL}


def _support(one: Candidate, regions: _Regions) -> float:
    level = one.division.level
    support = SUPPORT * sum(regions.share(code) for code in (*parents(one.code), one.code))
    if one.is_short and level in (TOWN, VILLAGE):
        support *= SHORT_SUPPORT
    for held, depth in ((COUNTY, VILLAGE), (CITY, TOWN)):
        if level >= depth and regions.is_settled(held):
            inside = regions.share(one.code[: CODE_LENGTHS[held]])
            support -= ELSEWHERE * (1 - min(1.0, 2 * inside))
    if one.is_feature and level == COUNTY and regions.is_settled(CITY):
        support -= ELSEWHERE * (1 - regions.share(one.code[:4]))
    return support


def _softmax(scores: Mapping[str, float]) -> dict[str, float]:
    most = max(scores.values())
    weights = {code: math.exp((score - most) / TEMPERATURE) for code, score in scores.items()}
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


def _believe(options: Iterable[Candidate], regions: _Regions) -> dict[str, float]:
    return _softmax(_scores(options, regions))


def _chains(mentions: Sequence[Mention]) -> list[tuple[list[str], list[str]]]:
    """For each mention the names directly before and directly after it, of one chain."""
    order = sorted(range(len(mentions)), key=lambda index: mentions[index].start)
    found: list[tuple[list[str], list[str]]] = [([], []) for _ in mentions]
    for here, there in pairwise(order):
        first, second = mentions[here], mentions[there]
        if 0 <= second.start - first.end <= MAX_GAP:
            found[there][0].extend((first.text, *found[here][0]))
    for here, there in reversed(list(pairwise(order))):
        first, second = mentions[here], mentions[there]
        if 0 <= second.start - first.end <= MAX_GAP:
            found[here][1].extend((second.text, *found[there][1]))
    return found
