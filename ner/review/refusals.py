"""What the server refuses, in Chinese: programs read the English, which the log has too."""

import re

_CHINESE = {
    r"wrong name or password": "姓名或密码不对",
    r"wait (\d+) seconds": "输错太多次，请等 {} 秒再试",
    r"log in first": "请先登录",
    r"only a reviewer may do this": "要有审阅权限",
    r"only an admin may do this": "要有管理权限",
    r"settling is for somebody else, or an admin": "自己审过的由别人或管理员定稿",
    r"another queue is being drawn": "正在建立另一个任务，请稍候",
    r"the register is being counted": "正在计入名录，请稍候",
    r"another comparison is running": "正在进行另一次比较，请稍候",
    r"no queue (\d+)": "没有任务 {}",
    r"no article matches \(.*\)": "没有符合这些条件的文章",
    r"(.*) is not a date \(.*\)": "{} 不是日期：请写 2025、2025-03 或 2025-03-18",
    r"only one model has tagged this store \(.*\)": "库里只有一个模型的标注",
    r"(.*) has not tagged this store": "{} 没有标注过这个库",
    r"(.*) is marked more than ([\d,]+) times \(.*\)": "“{}”有 {} 多处，太多了：请在一个任务里判定",
    r"no model (.*)": "没有模型 {}",
    r"no kind of queue .*": "没有这样的选法",
    r"article .*: (is )?not in the store \(.*\)": "库里没有这篇文章",
    r".*is stored with another text.*": "这篇文章的正文已经变了，请刷新本页",
    r".* ends past the text .*": "超出了正文，请刷新本页",
    r".* crosses .*, which was decided to be right .*": "会与已判为对的名称交叉，先把那个判为错",
    r"(.*) and (.*) are one entry already": "“{}”和“{}”已经是同一条",
    r"(.*) is an entry of its own already": "“{}”本来就是单独的一条",
    r"(.*) was split off already": "“{}”已经分出去了",
    r"(.*) is not in the register": "名录里没有“{}”",
    r"there is no edit (\d+) to take back": "没有可以撤回的第 {} 号判定",
}
"""English, as a pattern of the whole, to Chinese; a blank stands for what the parentheses found."""


def refusal(detail: str, language: str) -> str:
    """Why something is refused, in a language of the pages; in English where there is no translation."""
    if language == "zh":
        for english, chinese in _CHINESE.items():
            if found := re.fullmatch(english, detail):
                return chinese.format(*found.groups())
    return detail
