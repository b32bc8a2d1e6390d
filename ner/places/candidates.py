"""The divisions that a string may name, each with how well the string alone speaks for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ner.places.aliases import aliases, simplified
from ner.places.lexicon import CODE_LENGTHS, Division, Lexicon, is_filler
from ner.places.names import CITY, COUNTY, PROVINCE, TOWN, VILLAGE, kind, split

# Figures in units of evidence, chosen on data/annotations/places/dev.jsonl; only sums are compared.
FULL = {PROVINCE: 3.0, CITY: 3.0, COUNTY: 2.5, TOWN: 1.3, VILLAGE: 0.3}
SHORT = {PROVINCE: 3.0, CITY: 2.7, COUNTY: 1.8, TOWN: -0.2, VILLAGE: -1.2}
ALIAS = {"short": 1.2, "nickname": 1.5, "former": 2.0}
OTHER_KIND = 1.2  # less for 江津市, where the lexicon has 江津区
NEW_AREA = 0.5  # less: 兰州 is not 兰州新区, but 浦东 is 浦东新区
INSIDE = 2.0  # more behind a division that holds it, within one string
LONG = 5  # code points from which a name may be a chain
ONLY = 1.0  # more where no other division of the level has the name
# A river, a road or a building has its name from a place, or gives it to one, and is none.
FEATURES = frozenset("路街巷弄道河江湖海溪山岭峰岛线渠库峡谷泊")
_SAME_KINDS = (
    frozenset("区县市旗"),
    frozenset(("街道", "镇", "乡", "苏木", "区")),
    frozenset(("村", "社区", "嘎查")),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A division that a string may name.

    Args:
        prior: how much the string speaks for it, in units of evidence.
        is_short: the string leaves its suffix out.
        is_feature: the string reads like a river's, a road's or a building's name.
    """

    division: Division
    prior: float
    is_short: bool
    is_feature: bool

    @property
    def code(self) -> str:
        """Its division's code."""
        return self.division.code


def candidates(lexicon: Lexicon, text: str) -> list[Candidate]:
    """What a string may name; a full name before short ones of the same division."""
    found: dict[str, Candidate] = {}
    for candidate in _all(lexicon, simplified(text)):
        known = found.get(candidate.code)
        if known is None or known.prior < candidate.prior:
            found[candidate.code] = candidate
    levels = [candidate.division.level for candidate in found.values()]
    return [
        replace(one, prior=one.prior + ONLY) if levels.count(one.division.level) == 1 else one
        for one in found.values()
    ]


def _all(lexicon: Lexicon, text: str) -> Iterator[Candidate]:
    for code, sort in aliases().get(text, ()):
        if division := lexicon.upper(code):
            yield Candidate(division, ALIAS[sort], sort == "short", False)
    stem, suffix = split(text)
    if suffix:
        yield from _full(lexicon, stem, suffix)
    if len(text) > 1:
        yield from _short(lexicon, text)
    if len(text) >= LONG:
        yield from _joined(lexicon, text)


def _joined(lexicon: Lexicon, text: str) -> Iterator[Candidate]:
    """A chain marked as one name: 重庆市南岸区 is 南岸区."""
    for cut in range(2, len(text) - 1):
        stem, suffix = split(text[:cut])
        above = {one.code for one in _full(lexicon, stem, suffix)} if suffix else set()
        if above:
            for one in _all(lexicon, text[cut:]):
                if any(one.code != code and one.code.startswith(code) for code in above):
                    yield replace(one, prior=one.prior + INSIDE)


def _full(lexicon: Lexicon, stem: str, suffix: str) -> Iterator[Candidate]:
    levels, wanted = kind(suffix)
    for division in lexicon.find(stem):
        if is_filler(division):
            continue
        theirs = kind(division.suffix)[1]
        level = division.level
        if division.suffix == suffix or (level in levels and theirs == wanted):
            yield Candidate(division, FULL[level], False, False)
        elif any(wanted in kinds and theirs in kinds for kinds in _SAME_KINDS) and (
            level in levels or wanted in "区县市旗"
        ):
            yield Candidate(division, FULL[level] - OTHER_KIND, False, False)


def _short(lexicon: Lexicon, text: str) -> Iterator[Candidate]:
    is_feature = text[-1] in FEATURES
    for division in lexicon.find(text):
        level = division.level
        if level in (TOWN, VILLAGE) and is_feature and division.suffix:
            continue
        prior = SHORT[level] if division.suffix else FULL[level]
        if division.suffix == "新区":
            prior -= NEW_AREA
        yield Candidate(division, prior, bool(division.suffix), is_feature)


def level_of(code: str) -> int:
    """0 for a province's code to 4 for a village's."""
    return CODE_LENGTHS.index(len(code))
