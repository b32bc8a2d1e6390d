"""Names of organisations that are one body: 市委社会工作部 is 中共重庆市委社会工作部.

Inside an article short names are joined to full ones; across articles names are one body where they have the
same place, by its code, and the same head. A short name whose article has no full one is of the paper's home.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from ner.places import Linker
from ner.places.lexicon import parents

# What a short name begins with: whose body it is, which only the article tells.
_LEVEL = re.compile("自治区|街道|社区|[省市州盟区县旗镇乡村]")
_SAME = (
    (re.compile("^中国共产党|^中共"), ""),
    (re.compile("人民(?=法院|检察院|政府)"), ""),
    (re.compile("委员会"), "委"),
    (re.compile("办公室$"), "办"),
)
# What is named after a place that many have, so that only the paper's home tells them apart.
_OF_SMALL_PLACE = re.compile("^.{1,8}?(?:街道|社区|[区县旗镇乡村])")
SORTS = {
    "party": "党委 党组 工委 支部 总支 纪委 省委 市委 区委 县委 州委 旗委 宣传部 组织部 统战部 社会工作部",
    "government": "政府 局 厅 部 委 委员会 办公室 办 署 街道办事处 管委会 指挥部 公安 派出所 队",
    "court": "法院 检察院",
    "company": "公司 集团 厂 银行 企业 有限责任公司",
    "school": "大学 学院 学校 中学 小学 幼儿园",
    "hospital": "医院 卫生院 卫生服务中心 诊所",
    "association": "协会 学会 联合会 商会 基金会 研究会 总会 工会 妇联 共青团",
    "media": "报社 日报 电视台 出版社 通讯社 融媒体中心",
}
_SORT = re.compile(
    "|".join(
        f"(?P<{sort}>{'|'.join(sorted(ends.split(), key=len, reverse=True))})$"
        for sort, ends in SORTS.items()
    )
)


def sort_of(name: str) -> str:
    """What kind of body a name says it is, one of `SORTS`, by how it ends; empty if it does not."""
    found = _SORT.search(name)
    return found.lastgroup or "" if found else ""


class Bodies:
    """Organisations' names to keys, by which one body is known across articles."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._home = lru_cache(maxsize=4096)(self._find_home)
        self._key = lru_cache(maxsize=65536)(self._find_key)

    def keys(self, names: Iterable[str], paper: str) -> dict[str, str]:
        """The key of each name of an article: a division's code, ``|`` and the head; else the plain name.

        Short names that neither the article nor the paper's home completes are left out.
        """
        names = list(dict.fromkeys(names))
        full = full_names(names)
        home = self._home(paper)
        found = {}
        for name in names:
            whole = full.get(name) or self._whole(name, home)
            if whole:
                found[name] = self._key(whole, home)
        return found

    def name(self, key: str) -> str:
        """The name that a key stands for: 重庆市委社会工作部 of ``50|委社会工作部``."""
        code, _, head = key.partition("|")
        division = self._linker.lexicon.upper(code) if head else None
        return division.name + head if division else head or key

    def is_short(self, name: str) -> bool:
        """Whether only its article tells whose body it is: 市委, 县法院."""
        return bool(_LEVEL.match(_plain(name)))

    def _whole(self, name: str, home: str) -> str:
        """A name with its place before it; empty where that is not known."""
        plain = _plain(name)
        level = _LEVEL.match(plain)
        if not level:
            return name
        for code in reversed([*parents(home), home]) if home else ():
            division = self._linker.lexicon.upper(code)
            if division and division.name.endswith(level[0]):
                return division.name + plain[level.end() :]
        return ""

    def _find_home(self, paper: str) -> str:
        return next(reversed(self._linker.leading(paper)), "")

    def _find_key(self, name: str, home: str) -> str:
        codes, head = self._linker.split_leading(name)
        if not codes or _LEVEL.match(head):  # none, or a part of 和平社区 taken for 和平县
            if not home or not _OF_SMALL_PLACE.match(_plain(name)):
                return _plain(name)
            codes, head = self._linker.split_leading(self._path(home) + _plain(name))
        return f"{codes[-1]}|{_plain(head)}" if codes and head else _plain(name)

    def _path(self, code: str) -> str:
        division = self._linker.lexicon.upper(code)
        return "".join(self._linker.lexicon.path(division)) if division else ""


def full_names(names: Iterable[str]) -> dict[str, str]:
    """Each short name of an article to its full one, where exactly one of the others can be it.

    A short name begins with a level (市, 县, 街道 …). The full name ends with it (市委社会工作部), or has its
    characters in their order and ends with its last (市卫健委, 重庆市卫生健康委员会).
    """
    plain = {name: _plain(name) for name in dict.fromkeys(names)}
    longer = [other for other, full in plain.items() if not _LEVEL.match(full)]
    found: dict[str, str] = {}
    for name, short in plain.items():
        level = _LEVEL.match(short)
        if not level or len(short) < len(level[0]) + 2:
            continue
        whole = [other for other in longer if plain[other].endswith(short)]
        if not whole:
            whole = [
                other
                for other in longer
                if len(plain[other]) > len(short) and _abbreviates(short, level[0], plain[other])
            ]
        if len({plain[other] for other in whole}) == 1:
            found[name] = max(whole, key=len)
    return found


@lru_cache(maxsize=65536)
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
