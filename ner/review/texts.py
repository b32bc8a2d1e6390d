"""What the pages say, in Chinese and in English."""

from functools import cache

LANGUAGES = ("zh", "en")

_TEXTS = {
    # every page
    "product": ("抽查", "Spot check"),
    "review": ("审阅", "Review"),
    "queues": ("任务", "Queues"),
    "dashboard": ("统计", "Figures"),
    "names": ("名称", "Names"),
    "log_out": ("退出", "Log out"),
    "other_language": ("English", "中文"),
    "skip_to_text": ("跳到正文", "Skip to the text"),
    # login
    "log_in": ("登录", "Log in"),
    "name": ("姓名", "Name"),
    "password": ("密码", "Password"),
    # the article view
    "loading": ("正在读取……", "Loading …"),
    "page_number": ("第 {page} 版", "page {page}"),
    "panel": ("选中的名称", "The name in focus"),
    "nothing_focused": (
        "点一个名称，或按 → 。选中文字可以补标。",
        "Click a name, or press →. Select text to add one that was missed.",
    ),
    "score": ("把握", "Score"),
    "model": ("模型", "Model"),
    "history": ("经过", "History"),
    "by_hand": ("人工标注", "added by hand"),
    "accept": ("对", "Right"),
    "reject": ("错", "Wrong"),
    "relabel": ("类别", "Label"),
    "boundaries": ("边界", "Boundaries"),
    "start_out": ("左边多一字", "Start one character earlier"),
    "start_in": ("左边少一字", "Start one character later"),
    "end_in": ("右边少一字", "End one character earlier"),
    "end_out": ("右边多一字", "End one character later"),
    "same": ("本文其余 {count} 处也这样", "The same for the other {count} here"),
    "undo": ("撤销", "Undo"),
    "next": ("下一篇", "Next"),
    "finish": ("其余都对，完成", "Rest is right, finish"),
    "help": ("按键", "Keys"),
    "close": ("关闭", "Close"),
    "open": ("未定", "open"),
    "right": ("对", "right"),
    "wrong": ("错", "wrong"),
    "undone": ("已撤销", "taken back"),
    "progress": ("{done} / {size} 篇", "{done} of {size}"),
    "left_here": ("还有 {count} 处未定", "{count} open"),
    "none_left_here": ("都定了，按 A 完成", "All decided: A finishes"),
    "reviewed_by": ("{names} 已审完", "Reviewed by {names}"),
    "held_by": ("{name} 正在审这篇", "{name} has this article in hand"),
    "saved": ("已保存", "Saved"),
    "saving": ("正在保存", "Saving"),
    "offline": (
        "连不上服务器：{count} 个决定留在本机，恢复后自动发送",
        "Not connected: {count} decisions are kept here and sent later",
    ),
    "logged_out": (
        "登录已过期：{count} 个决定留在本机，请重新登录",
        "Logged out: {count} decisions are kept here, please log in again",
    ),
    "refused": ("没有保存：{why}", "Not saved: {why}"),
    "conflict": (
        "{name} 刚才判定「{surface}」{verdict}，与您不同",
        "{name} has just decided that {surface} is {verdict}, other than you",
    ),
    "keep_theirs": ("采用对方的", "Keep theirs"),
    "keep_mine": ("仍按我的", "Keep mine"),
    "crosses": (
        "会与已定的「{surface}」交叉：先把它判为错",
        "Would cross {surface}, which was decided: mark that as wrong first",
    ),
    "one_paragraph": ("名称不能跨段", "A name lies within one paragraph"),
    "nothing_to_undo": ("没有可撤销的了", "Nothing left to take back"),
    "undo_offline": (
        "已发送的要等连上后才能撤销",
        "What was sent can be taken back when connected",
    ),
    "undid": ("已撤销", "Taken back"),
    "done": (
        "这个任务审完了。",
        "This queue is done.",
    ),
    "other_hands": (
        "剩下的文章在别人手里，或者已经审完。",
        "What is left is in others' hands, or done.",
    ),
    "see_queues": ("看全部任务", "See all queues"),
    "nothing_tagged": ("库里还没有标注过的文章：", "The store holds no tagged article yet:"),
    "add_as": ("标为", "Add as"),
    "caret": (
        "移动光标：← →，按住 Shift 选字，1–4 标注，Esc 退出",
        "Move with ← →, select with Shift, 1–4 adds, Esc leaves",
    ),
    "low": ("把握不大", "not sure"),
    "first_time": (
        "按 a 表示对、x 表示错，选中文字按 1–4 补标，A 完成本篇。? 看全部按键。",
        "Press a for right, x for wrong; select text and press 1–4 to add; A finishes. ? shows all keys.",
    ),
    "got_it": ("知道了", "Got it"),
    # keys
    "key_a": ("对，跳到下一处未定的", "right; on to the next open one"),
    "key_x": ("错，跳到下一处未定的", "wrong; on to the next open one"),
    "key_label": ("改类别；选中文字时补标", "change the label; add where text is selected"),
    "key_arrows": ("上一处、下一处（嵌套的逐个经过）", "previous, next name (nested ones too)"),
    "key_rows": ("上一段、下一段", "previous, next paragraph"),
    "key_boundary": (
        "左、右边界向外一字；加 Shift 向内；加 Alt 按词",
        "start, end outwards by a character; with Shift inwards; with Alt by a word",
    ),
    "key_same": ("本文其余相同的也这样", "the same for all like it here"),
    "key_caret": ("用键盘选字补标", "select text by keyboard, to add a name"),
    "key_n": ("下一篇（本篇留着）", "next article; this one stays"),
    "key_u": ("撤销，可一直撤下去", "undo, without limit"),
    "key_A": ("其余都对，完成本篇", "the rest is right, finish this article"),
    "key_help": ("这张表", "this table"),
    # queues
    "new_queue": ("新任务", "A new queue"),
    "queue_name": ("任务名", "Its name"),
    "kind": ("怎样选", "Which articles"),
    "kind_random": ("随机抽样（统计可信）", "random sample (for honest figures)"),
    "kind_uncertain": ("最没把握的在前", "least certain first"),
    "kind_brands": ("新出现的品牌", "only new brands"),
    "kind_newest": ("按日期，新的在前", "by date, newest first"),
    "size": ("篇数", "Articles"),
    "seed": ("随机种子", "Seed"),
    "paper": ("报纸", "Paper"),
    "date": ("日期", "Date"),
    "date_hint": ("2025、2025-03 或 2025-03-18", "2025, 2025-03 or 2025-03-18"),
    "label": ("类别", "Label"),
    "any": ("不限", "any"),
    "surface": ("名称", "Name in it"),
    "make": ("建立任务", "Make the queue"),
    "start": ("开始", "Start"),
    "no_queues": (
        "还没有任务。打开“审阅”会自动抽 200 篇。",
        "No queue yet. “Review” draws 200 articles by itself.",
    ),
    "made_by": ("建立", "Made by"),
    # names
    "name_search": ("名称，或它的开头", "A name, or how it begins"),
    "search": ("查找", "Search"),
    "by_month": ("每月的文章数", "Articles by month"),
    "mentions": ("{count} 处", "{count} places"),
    "unmarked": ("{count} 处未标为名称", "{count} places where it is not marked"),
    "begin_with": ("这样开头的名称", "Names that begin so"),
    "no_name": ("没有这样的名称。", "No such name."),
    # figures
    "report": ("抽查报告", "Report of a sample"),
    "show": ("显示", "Show"),
    "all": ("全部", "all"),
    "precision": ("准确率", "Precision"),
    "recall": ("召回率", "Recall"),
    "precision_says": (
        "模型标出的名称里，有多少是对的",
        "Of the names that the model marked, how many are right",
    ),
    "recall_says": (
        "文中该标的名称里，模型标出了多少（按审阅时的补标估计）",
        "Of the names there are, how many the model marked (estimated from those that reviewers added)",
    ),
    "count": ("个数", "Count"),
    "more": ("到 ±2 个百分点还需审（篇）", "Articles to go for ±2 points"),
    "no_figure": ("样本里没有", "none in the sample"),
    "not_random": (
        "这个任务不是随机抽的，数字不代表全部文章。",
        "This queue is no random sample: its figures do not stand for all articles.",
    ),
    "often_wrong": ("最常标错的", "Most often wrong"),
    "often_missed": ("最常漏标的", "Most often missed"),
    "interval_says": (
        "只算审完的文章；名称的起止和类别都对才算对。95% 是威尔逊区间；"
        "同一篇里的名称彼此相近，真实的误差略大于它。",
        "Only articles that were read as a whole count; a name is right with its boundaries and its label. "
        "95% is Wilson's interval; names of one article are alike, so the true error is a little larger.",
    ),
    "nothing_read": ("还没有审完的文章。", "No article has been read as a whole yet."),
    "failed": ("没有成功：{why}", "Failed: {why}"),
    "by_week": ("逐周", "By week"),
    "by_week_says": (
        "随机样本，按审阅的那一周；竖线是 95% 区间。",
        "Random samples, by the week in which they were read; the lines are intervals of 95%.",
    ),
    "week": ("周一", "Monday"),
    "articles_read": ("审完（篇）", "Articles read"),
    "new_names": ("新出现的{label}", "New: {label}"),
    "new_names_say": (
        "文章库最近 {days} 天里第一次出现的名称。",
        "Names that stand for the first time in the last {days} days of the store.",
    ),
    "in_articles": ("{count} 篇", "{count} articles"),
    "nothing_new": ("没有", "none"),
    # from decisions to a better model
    "improve": ("改进", "Improve"),
    "improve_title": ("用审阅结果改进模型", "Improve the model with what was decided"),
    "corpus": ("导出语料", "The decisions as a corpus"),
    "corpus_says": (
        "{count} 篇已通读的文章，连同判为对的名称，每行一个 JSON；与 ner export --reviewed 相同。",
        "{count} articles that were read as a whole, with the names called right, one JSON object a line;"
        " the same as ner export --reviewed.",
    ),
    "download": ("下载 JSONL", "Download JSONL"),
    "train": ("训练", "Train"),
    "train_says": (
        "在装有训练组件的电脑上运行（pip install '.[train]'；配置见仓库的 configs/own.toml）。"
        "训练好的模型会出现在下面的列表里。",
        "Run this where training is installed (pip install '.[train]'; the config is configs/own.toml of the"
        " repository). The model then appears in the list below.",
    ),
    "train_password": (
        "用户名和密码不在这里显示：请补上。",
        "User and password are not shown here: add them.",
    ),
    "compare": ("换一个模型会怎样", "What another model would change"),
    "compare_says": (
        "用另一个模型重新标注已通读的文章，与审阅结果比较。文章库里的标注不变。审阅人看到的是原模型的标注，"
        "所以比较略偏向它。",
        "Another model tags the articles that were read, and is compared with what was decided."
        " Nothing in the store is changed. Reviewers saw the old model's marks, which favours it a little.",
    ),
    "compare_with": ("模型", "Model"),
    "compare_start": ("比较", "Compare"),
    "comparing": ("{model} 正在标注：", "{model} is tagging:"),
    "in_use": ("现用", "in use"),
    "old_new": ("{old} → {new}", "{old} → {new}"),
    "compared": (
        "{articles} 篇已通读的文章中，{differing} 篇有变化。",
        "Of {articles} articles that were read {differing} change.",
    ),
    "f1_old": ("原 F1", "F1 old"),
    "f1_new": ("新 F1", "F1 new"),
    "difference": ("差（95% 区间）", "Difference (95%)"),
    "mended": ("改对", "mended"),
    "broken": ("改错", "broken"),
    "verdict_better": ("更好", "better"),
    "verdict_worse": ("更差", "worse"),
    "verdict_cannot tell": ("看不出差别", "cannot tell"),
    "too_few": ("文章太少，不能检验", "too few articles for a test"),
    "changes": ("变化", "Changes"),
    "added": ("新标", "added"),
    "dropped": ("不再标", "dropped"),
    "no_changes": ("没有变化。", "Nothing changes."),
    "changes_listed": (
        "改错的在前，列出 {count} 处。",
        "Those for the worse first; {count} are listed.",
    ),
}


@cache
def texts(language: str) -> dict[str, str]:
    """Key to text.

    Args:
        language: one of `LANGUAGES`.
    """
    column = LANGUAGES.index(language)
    return {key: both[column] for key, both in _TEXTS.items()}
