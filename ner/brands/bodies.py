"""Short and full names of one body, joined inside an article: 市委社会工作部 is 中共重庆市委社会工作部."""

import re
from collections.abc import Iterable

# What a short name begins with: whose body it is, which only the article tells.
_LEVEL = re.compile("自治区|街道|社区|[省市州盟区县旗镇乡村]")
_SAME = (
    (re.compile("^中国共产党|^中共"), ""),
    (re.compile("人民(?=法院|检察院|政府)"), ""),
    (re.compile("委员会"), "委"),
    (re.compile("办公室$"), "办"),
)


def full_names(names: Iterable[str]) -> dict[str, str]:
    """Each short name of an article to its full one, where exactly one of the others can be it.

    A short name begins with a level (市, 县, 街道 …). The full name ends with it (市委社会工作部), or has its
    characters in their order and ends with its last (市卫健委, 重庆市卫生健康委员会).
    """
    plain = {name: _plain(name) for name in dict.fromkeys(names)}
    found: dict[str, str] = {}
    for name, short in plain.items():
        level = _LEVEL.match(short)
        if not level or len(short) < len(level[0]) + 2:
            continue
        longer = [
            other
            for other, full in plain.items()
            if len(full) > len(short) and not _LEVEL.match(full)
        ]
        whole = [other for other in longer if plain[other].endswith(short)]
        if not whole:
            whole = [other for other in longer if _abbreviates(short, level[0], plain[other])]
        if len({plain[other] for other in whole}) == 1:
            found[name] = max(whole, key=len)
    return found


def _plain(name: str) -> str:
    for pattern, instead in _SAME:
        name = pattern.sub(instead, name)
    return name


def _abbreviates(short: str, level: str, full: str) -> bool:
    """Whether the characters of a short name stand in a full one, behind its level, in their order."""
    head, sign, rest = full.partition(level)
    if not head or not sign or short[-1] != full[-1]:
        return False
    place = 0
    for character in short[len(level) :]:
        place = rest.find(character, place) + 1
        if not place:
            return False
    return True
