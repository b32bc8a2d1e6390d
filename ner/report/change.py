"""What another model would change in the articles that people read: which spans, and who was right."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ner.article import Article, Span
from ner.errors import NerError
from ner.evaluation.evaluate import compare
from ner.evaluation.score import Counts, by_label
from ner.evaluation.significance import Difference
from ner.labels import ordered
from ner.report import draw

LISTED = 40  # changes for the worse that are shown, and as many for the better

Pair = tuple[Article, Article]


@dataclass(frozen=True, slots=True)
class Changed:
    """A span that one of two models marks and the other does not.

    Args:
        better: what the new one does there is what people decided.
        sides: the stretch of the text as the old model, the new one and people marked it.
    """

    article: str
    surface: str
    label: str
    added: bool
    better: bool
    sides: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True, slots=True)
class RowChange:
    """What changes in a label (empty: in all).

    Args:
        old: strict counts of the old model, with what people decided as gold.
        new: the same of the new one.
        mended: spans on which the old model was wrong, and the new one is not.
        broken: the reverse.
        test: whether the difference in F1 is more than chance; None where the articles are too few to tell.
    """

    label: str
    old: Counts
    new: Counts
    mended: int
    broken: int
    test: Difference | None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What another model would change.

    Args:
        old: the models whose spans were judged.
        articles: how many people have read.
        differing: in how many of them the two differ.
        changes: those for the worse first; of either `LISTED` at most.
    """

    old: list[str]
    new: str
    articles: int
    differing: int
    rows: list[RowChange]
    changes: list[Changed]


def change(pairs: Sequence[Pair], new: str, found: Sequence[Sequence[Span]]) -> ModelChange:
    """Compare what a model stored with what another finds, by what people decided.

    Args:
        pairs: each article as it was tagged and as people decided.
        new: the name of the other model.
        found: its spans of each article.
    """
    tagged = [before for before, _ in pairs]
    decided = [after for _, after in pairs]
    try:
        tests = compare(decided, [article.spans for article in tagged], found)
    except NerError:  # too few
        tests = {}
    old_counts: dict[str, Counts] = defaultdict(Counts)
    new_counts: dict[str, Counts] = defaultdict(Counts)
    mended: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    changes: list[Changed] = []
    for before, after, spans in zip(tagged, decided, found, strict=True):
        right = set(after.spans)
        labels = {span.label for each in (before.spans, after.spans, spans) for span in each}
        for counts, marked in ((old_counts, before.spans), (new_counts, spans)):
            for label, counted in by_label(after.spans, marked, labels).items():
                counts[label] += counted
        for span in sorted(set(before.spans) ^ set(spans)):
            better = (span in set(spans)) == (span in right)
            (mended if better else broken)[span.label] += 1
            changes.append(_changed(before, after, spans, span, better=better))
    models = {span.model for article in tagged for span in article.spans if span.model}
    rows = [
        RowChange(
            *(label, old_counts[label], new_counts[label], mended[label], broken[label]),
            tests.get(label),
        )
        for label in ordered(old_counts)
        if label in old_counts
    ]
    every = RowChange(
        "",
        sum(old_counts.values(), Counts()),
        sum(new_counts.values(), Counts()),
        mended.total(),
        broken.total(),
        tests.get("all"),
    )
    differing = len({each.article for each in changes})
    worse = [each for each in changes if not each.better][:LISTED]
    shown = worse + [each for each in changes if each.better][:LISTED]
    return ModelChange(sorted(models), new, len(pairs), differing, [every, *rows], shown)


def _changed(
    before: Article, after: Article, spans: Sequence[Span], span: Span, *, better: bool
) -> Changed:
    text = before.text
    shown = draw.window(text, span.start, span.end)
    sides = (("by_old", before.spans), ("by_new", spans), ("by_people", after.spans))
    drawn = tuple((key, draw.as_html(text, each, shown, [span])) for key, each in sides)
    return Changed(before.id, before.surface(span), span.label, span in set(spans), better, drawn)
