"""The part of `Store` that tells what runs did."""

from functools import partial

from ner.store import comparing, decided, history, run_report
from ner.store.articles import ids_of
from ner.store.comparing import ModelDifference
from ner.store.history import RunSummary
from ner.store.opened import Opened, reads
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

    unrepeated = reads(decided.unrepeated)
    run_labels = reads(run_report.count_labels)
    least_certain = reads(run_report.least_certain)
    run_names = reads(run_report.names)
    run_sample = reads(run_report.sample)
