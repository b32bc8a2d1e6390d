"""What reports say, in Chinese and in English."""

from collections.abc import Mapping
from functools import cache

LANGUAGES = ("zh", "en")

SHARED = {
    "articles": ("文章", "Articles"),
    "label": ("类别", "Label"),
    "new_names": ("新出现的{label}", "New: {label}"),
    "in_articles": ("{count} 篇", "{count} articles"),
    "page_number": ("第 {page} 版", "page {page}"),
    "not_random": (
        "这个任务不是随机抽的，数字不代表全部文章。",
        "This queue is no random sample: its figures do not stand for all articles.",
    ),
    "not_settled": (
        "还有 {count} 篇两人不一致、没有定稿，不在这些数字里，所以数字偏高。",
        "{count} articles on which two people differ are not settled and not in these figures, which are"
        " therefore too good.",
    ),
    "model": ("模型", "Model"),
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
    "agreement_of": (
        "都审了 {articles} 篇，{alike} 篇完全一致",
        "{articles} articles read by both, {alike} of them alike in all",
    ),
    "candidates": ("名称", "Names"),
    "by_model": ("模型", "model"),
    "by_people": ("编辑", "editor"),
    "by_old": ("原模型", "old model"),
    "by_new": ("新模型", "new model"),
    "often_wrong": ("最常标错的", "Most often wrong"),
    "often_missed": ("最常漏标的", "Most often missed"),
    "nothing_read": ("还没有审完的文章。", "No article has been read as a whole yet."),
    "by_week": ("逐周", "By week"),
    "articles_read": ("审完（篇）", "Articles read"),
}
"""What the pages of the viewer say too."""

_TEXTS = {
    **SHARED,
    # a run
    "run_report": ("标注报告", "What a run found"),
    "run": ("第 {number} 次运行", "Run {number}"),
    "began": ("开始", "Began"),
    "goes_on": ("没有结束", "not finished"),
    "characters": ("字数", "Characters"),
    "failed": ("未能标注", "Could not be tagged"),
    "by_label": ("按类别", "By label"),
    "spans": ("处数", "Spans"),
    "names": ("不同名称", "Different names"),
    "unsure": ("把握不大（低于 {limit}）", "Unsure (below {limit})"),
    "frequent_names": ("最常见的{label}", "Most frequent: {label}"),
    "new_names_say": (
        "以前各次运行都没有标过的名称，按文章数排列。",
        "Names that no earlier run has marked, by the number of articles.",
    ),
    "least_certain": ("最没把握的", "The least certain"),
    "least_certain_say": (
        "得分最低的名称，每个名称只列一处。先看这些，最容易发现错误。",
        "The names with the lowest scores, each once. Mistakes are most easily found here.",
    ),
    "some_articles": ("文章抽样（{count} 篇）", "Some of the articles ({count})"),
    "none": ("没有", "none"),
    "made_on": ("{date} 生成", "Made on {date}"),
    "colours": ("颜色", "Colours"),
    # a sample
    "sample_report": ("抽查报告", "Report of a review sample"),
    "about_sample": (
        "从文章库中随机抽取 {size} 篇，已由编辑通读 {done} 篇。模型标出的名称与编辑的判定逐一比较，"
        "起止和类别都对才算对。",
        "{size} articles were drawn at random, of which editors have read {done} as a whole. What the model"
        " marked is compared with what they decided; a name is right with its boundaries and its label.",
    ),
    "about_queue": (
        "任务共 {size} 篇，已由编辑通读 {done} 篇。模型标出的名称与编辑的判定逐一比较，"
        "起止和类别都对才算对。",
        "{size} articles, of which editors have read {done} as a whole. What the model marked is compared"
        " with what they decided; a name is right with its boundaries and its label.",
    ),
    "summary": (
        "模型标出的名称中，{precision}% 是对的（95% 区间 {low}–{high}%）；文中的名称，模型标出了 {recall}%"
        "（{recall_low}–{recall_high}%）。",
        "Of the names that the model marked {precision}% are right (95% interval {low}–{high}%); of the names"
        " there are it marked {recall}% ({recall_low}–{recall_high}%).",
    ),
    "seed": ("种子 {seed}", "seed {seed}"),
    "interval": ("95% 区间", "95% interval"),
    "agreement": ("审阅人之间的一致性", "Agreement of reviewers"),
    "agreement_says": (
        "两人各自独立审同一篇，在多大程度上一致。F1 要求起止和类别都相同；κ 只看有人判定过的名称是对是错，"
        "并去掉碰巧一致的部分（1 为完全一致）。",
        "How far two people agree who read the same articles independently. F1 wants boundaries and label the"
        " same; κ asks of the names that one of them decided on whether they are right, beyond chance (1 at"
        " most).",
    ),
    "no_agreement": (
        "还没有由两人各自独立审阅的文章，所以没有一致性数字。",
        "No article has been read by two people independently, so there is no figure of agreement.",
    ),
    "examples": ("错误举例", "Examples of errors"),
    "no_examples": ("没有错误。", "No errors."),
    "missed": ("漏标", "missed"),
    "spurious": ("不该标", "should not be marked"),
    "boundary": ("起止不对", "wrong boundaries"),
    "wrong_label": ("类别不对", "wrong label"),
    "interval_says": (
        "95% 区间是威尔逊区间；同一篇里的名称彼此相近，真实的误差略大于它。",
        "The intervals are Wilson's, of 95%; names of one article are alike,"
        " so the true error is a little larger.",
    ),
    "of_pages": ("第 {page} / {pages} 页", "page {page} of {pages}"),
    "week": ("审阅周（周一）", "Week of review (Monday)"),
}


def in_language(table: Mapping[str, tuple[str, str]], language: str) -> dict[str, str]:
    """A column of a table of texts: key to text.

    Args:
        table: key to the text in each of `LANGUAGES`.
        language: one of these.
    """
    column = LANGUAGES.index(language)
    return {key: both[column] for key, both in table.items()}


@cache
def texts(language: str) -> dict[str, str]:
    """Key to what reports say, see `in_language`."""
    return in_language(_TEXTS, language)
