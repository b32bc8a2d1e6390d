"""The part of `Store` that tells what runs did."""

from functools import partial

from ner.store import comparing, decided, history, run_report
from ner.store.articles import ids_of
from ner.store.comparing import ModelDifference
from ner.store.history import RunSummary
from ner.store.opened import Opened
from ner.store.run_report import LabelCount, RunNames, UnsureSpan
from ner.store.runs import ModelKey
from ner.store.schema import OURS


class Reporting(Opened):
    """What runs did, and what a new model changes."""

    def runs(self) -> list[RunSummary]:
        """The runs, the newest first."""
        return self._read(lambda connection: history.list_runs(connection, OURS))

    def run(self, number: int) -> RunSummary:
        """The run of a number.

        Raises:
            NerError: there is none.
        """
        return self._read(lambda connection: history.list_runs(connection, OURS, number))[0]

    def compare(self, old: ModelKey, new: ModelKey) -> ModelDifference:
        """What changed from one model to another, in the articles that both tagged.

        Raises:
            NerError: one of them has tagged nothing here.
        """
        return self._read(
            lambda connection: comparing.compare(
                connection, OURS, old, new, partial(ids_of, connection)
            )
        )

    def unrepeated(self, model: ModelKey) -> dict[str, int]:
        """Article id to how many spans called right there a model, which tagged it, does not find."""
        return self._read(lambda connection: decided.unrepeated(connection, model))

    def run_labels(self, run: RunSummary) -> list[LabelCount]:
        """The spans of a run by label, as far as no later run of its model replaced them."""
        return self._read(lambda connection: run_report.count_labels(connection, run))

    def least_certain(self, run: RunSummary, limit: int) -> list[UnsureSpan]:
        """The spans of a run with the lowest scores, of each name one."""
        return self._read(lambda connection: run_report.least_certain(connection, run, limit))

    def run_names(self, run: RunSummary, label: str, limit: int) -> RunNames:
        """The names of a label in the most articles of a run, and in none of an earlier run."""
        return self._read(lambda connection: run_report.names(connection, run, label, limit))

    def run_sample(self, run: RunSummary, limit: int) -> list[str]:
        """The ids of some of a run's articles: drawn at random, the same every time."""
        return self._read(lambda connection: run_report.sample(connection, run, limit))
