"""What a review sample says about the tagger, as a page and as PDF for whoever decides about it."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ner.article import Article
from ner.errors import NerError
from ner.evaluation.pages import environment
from ner.evaluation.pairing import Disagreement, disagreements
from ner.labels import STYLES, style
from ner.report import draw, typst
from ner.report.agreement import PairAgreement, agreements
from ner.report.figures import Figures, Share, figures
from ner.report.texts import texts
from ner.store import ModelKey, Queue, ReviewStore

EXAMPLES = 4  # of each kind
# `Disagreement.kind`, with what people decided as A, to the key of its name.
KINDS = {
    "only in B": "spurious",
    "only in A": "missed",
    "boundary": "boundary",
    "label": "wrong_label",
}

Pair = tuple[Article, Article]


@dataclass(frozen=True, slots=True)
class Example:
    """An error where it stands.

    Args:
        kind: one of the values of `KINDS`.
        pair: as people decided (A) and as the model had it (B).
    """

    kind: str
    tagged: Article
    decided: Article
    pair: Disagreement

    @property
    def labels(self) -> list[str]:
        """The model's, then that of people where it is another."""
        return list(dict.fromkeys(span.label for span in reversed(self.pair.spans)))

    @property
    def surface(self) -> str:
        """The string that it is about: the model's, then that of people where it is another."""
        strings = (_shortened(self.tagged.surface(span)) for span in reversed(self.pair.spans))
        return " → ".join(dict.fromkeys(strings))

    def sides(self, drawn: Any) -> list[tuple[str, Any]]:
        """What the model marked and what people did, drawn by a function of `ner.report.draw`."""
        shown = draw.window(self.tagged.text, self.pair.start, self.pair.end)
        sides = (
            ("by_model", self.tagged, self.pair.b),
            ("by_people", self.decided, self.pair.a),
        )
        return [
            (key, drawn(side.text, side.spans, shown, [about] if about else []))
            for key, side, about in sides
        ]


@dataclass(frozen=True, slots=True)
class SampleReport:
    """The figures of a queue's articles that were read as a whole.

    Args:
        models: whose spans were judged.
        agreements: of each two people who read the same articles independently.
    """

    queue: Queue
    figures: Figures
    models: list[str]
    examples: list[Example]
    made_on: datetime.date
    agreements: list[PairAgreement]


def sample_report(store: ReviewStore, number: int, model: ModelKey | None = None) -> SampleReport:
    """What a queue says.

    Args:
        model: whose spans; of each article those of the model that tagged it last, if None.

    Raises:
        NerError: there is no such queue.
    """
    queue = store.queue(number)
    if queue is None:
        known = ", ".join(f"{each.number} ({each.name})" for each in store.queues()) or "none"
        raise NerError(f"no queue {number}", remedy=f"the store's queues: {known}")
    gathered = _Gathered()
    found = figures(gathered.watch(store.reviewed_in(number, model)))
    return SampleReport(
        queue,
        found,
        sorted(gathered.models),
        gathered.chosen(),
        datetime.date.today(),
        agreements(store.all_versions(number)),
    )


class _Gathered:
    """What is kept of the articles while they are counted: a few examples, and which models they are of."""

    def __init__(self) -> None:
        self.models: set[str] = set()
        self._examples: dict[str, list[Example]] = defaultdict(list)
        self._seen: Counter[tuple[str, str]] = Counter()

    def watch(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Pass the articles on."""
        for tagged, decided in pairs:
            self.models |= {span.model for span in tagged.spans if span.model}
            for pair in disagreements(decided.spans, tagged.spans):
                self._keep(Example(KINDS[pair.kind], tagged, decided, pair))
            yield tagged, decided

    def chosen(self) -> list[Example]:
        """Some of each kind."""
        return [each for kind in KINDS.values() for each in self._examples[kind]]

    def _keep(self, example: Example) -> None:
        """Keep it where there are few of its kind yet, and none like it."""
        kept = self._examples[example.kind]
        key = (example.kind, example.surface)
        self._seen[key] += 1
        of_label = sum(each.labels == example.labels for each in kept)
        if self._seen[key] == 1 and (len(kept) < EXAMPLES or not of_label):
            kept.append(example)


def sample_page(report: SampleReport, language: str = "zh") -> str:
    """HTML that needs nothing else."""
    values = _values(report, language)
    examples = [(each, each.sides(draw.as_html)) for each in report.examples]
    page = environment("ner.report").get_template("sample.html")
    return page.render({**values, "examples": examples})


def sample_pdf(report: SampleReport, language: str = "zh") -> bytes:
    """The same as PDF (A4), tagged for screen readers.

    Raises:
        NerError: no Chinese font is installed.
        ModuleNotFoundError: Typst is not installed.
    """
    values = _values(report, language)
    rows = [
        {
            "label": row.label,
            "name": _row_name(row.label, language),
            "precision": _share(row.precision),
            "recall": _share(row.recall),
            "more": row.more,
        }
        for row in report.figures.rows
    ]
    examples = [
        {
            "kind": each.kind,
            "names": " → ".join(_name(label, language) for label in each.labels),
            "surface": each.surface,
            "article": each.tagged.id,
            "sides": each.sides(draw.as_lists),
        }
        for each in report.examples
    ]
    data = {
        "language": language,
        "t": values["t"],
        "title": values["t"]["sample_report"],
        "about": values["about"],
        "facts": values["facts"],
        "summary": values["summary"],
        "random": report.queue.kind == "random",
        "disputed": report.queue.disputed,
        "rows": rows,
        "examples": examples,
        "agreements": [_agreement(pair, language) for pair in report.agreements],
        "wrong": report.figures.wrong,
        "missed": report.figures.missed,
        "colours": {label: asdict(each) for label, each in STYLES.items()},
    }
    return typst.compile("sample.typ", data)


def _values(report: SampleReport, language: str) -> dict[str, Any]:
    t, queue, found = texts(language), report.queue, report.figures
    size = {"size": f"{queue.size:,}", "done": f"{found.articles:,}"}
    facts = [queue.name, *(value for key, value in queue.filters.items() if key != "model")]
    facts += [t["seed"].format(seed=queue.seed)] if queue.seed is not None else []
    facts += [f"{t['model']} {', '.join(report.models)}"] if report.models else []
    facts.append(t["made_on"].format(date=report.made_on))
    return {
        "t": t,
        "language": language,
        "styles": STYLES,
        "report": report,
        "about": t["about_sample" if queue.kind == "random" else "about_queue"].format(**size),
        "facts": " · ".join(facts),
        "summary": _summary(found.rows[0].precision, found.rows[0].recall, t),
    }


def _summary(precision: Share, recall: Share, t: dict[str, str]) -> str:
    """The figures of all labels in a sentence; empty where there are none."""
    if not precision.whole or not recall.whole:
        return ""
    values = {
        "precision": precision.value,
        "low": precision.low,
        "high": precision.high,
        "recall": recall.value,
        "recall_low": recall.low,
        "recall_high": recall.high,
    }
    return t["summary"].format(**{key: _decimal(100 * v, 1) for key, v in values.items()})


def _agreement(pair: PairAgreement, language: str) -> dict[str, Any]:
    rows = [
        {
            "label": row.label,
            "name": _row_name(row.label, language),
            "kappa": _decimal(row.kappa, 2),
            "f1": _decimal(100 * row.counts.f1, 1),
            "candidates": row.candidates,
        }
        for row in pair.rows
    ]
    names = " · ".join(pair.names)
    return {"names": names, "articles": pair.articles, "alike": pair.alike, "rows": rows}


def _share(share: Share) -> dict[str, Any]:
    known = {"value": share.value, "low": share.low, "high": share.high} if share.whole else {}
    return {"part": share.part, "whole": share.whole, **known}


def _shortened(string: str) -> str:
    return string if len(string) <= 40 else f"{string[:39]}…"


def _name(label: str, language: str) -> str:
    return style(label).chinese if language == "zh" else style(label).english


def _row_name(label: str, language: str) -> str:
    """A label's name; that of all labels where it is empty."""
    return _name(label, language) if label else texts(language)["all"]


def _decimal(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"
