"""How a brand stands in a text: with or without quotation marks, and a noun that says its kind."""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 100  # code points of a key: longer ones cannot be indexed everywhere
QUOTES = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "《": "》"}
KINDS = {
    "platform": "平台 系统 小程序 应用 组件 客户端 公众号 门户 数据库 智能体 APP App",
    "mechanism": "机制 制度 模式 工作法 调解法 体系 清单 议事会 议事厅 指数 工作站",
    "campaign": "专项行动 行动 工程 计划 攻坚战 试点 项目",
    "activity": "活动 大赛 联赛 比赛 邀请赛 杯 节 课堂 讲堂 讲座 论坛 夜校 集市 晚会 展演 夏令营 训练营",
    "honour": "奖 奖章 称号 荣誉 评选 榜 之星",
    "fund": "贷款 贷 基金 保险 消费券 奖学金 助学金",
    "service": "服务 服务站 服务队 热线 专线 快线 班车 专列 驿站 食堂 专区 窗口 门诊 志愿者 品牌",
}
_KIND_OF = {noun: kind for kind, nouns in KINDS.items() for noun in nouns.split()}
_NOUNS = "|".join(sorted(_KIND_OF, key=len, reverse=True))
# A noun behind a brand, with up to four characters between them, none of which ends a phrase.
_BEHIND = re.compile(
    rf"[^\W\d_的了在和与及或是将已为等让把被从到给对向一两三几个]{{0,4}}?({_NOUNS})"
)
_AT_END = re.compile(rf"({_NOUNS})$")


@dataclass(frozen=True, slots=True)
class Form:
    """One mention of a brand.

    Args:
        key: what mentions of the same brand share, at most 100 code points.
        variant: the mention as it stands, with its quotation marks and the noun behind it.
        noun: the noun that says what kind it is, at its end or behind it; empty if there is none.
    """

    key: str
    variant: str
    noun: str

    @property
    def kind(self) -> str:
        """One of `KINDS`, or empty."""
        return _KIND_OF.get(self.noun, "")


def form_at(text: str, start: int, end: int) -> Form:
    """The form of the brand that stands at ``start:end`` of a text."""
    name, quoted = text[start:end], False
    while len(name) > 2 and QUOTES.get(name[0]) == name[-1]:  # marked with its quotation marks
        name, quoted = name[1:-1], True
    shown = text[start:end]
    before, after = text[start - 1 : start], text[end : end + 1]
    if not quoted and before and QUOTES.get(before) == after:
        shown, end, quoted = before + shown + after, end + 1, True
    behind = _BEHIND.match(text, end, end + 12)
    inside = _AT_END.search(name)
    noun = behind[1] if behind and (quoted or not inside) else inside[1] if inside else ""
    if behind and quoted:
        shown += behind[0]
    return Form(key_of(name), shown, noun)


def key_of(name: str) -> str:
    """What forms of one name share: letters and digits alone, in one width and case."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKC", name).casefold()
        if character.isalnum()
    )
    return (plain or name)[:LONGEST]
