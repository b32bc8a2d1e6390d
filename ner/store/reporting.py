"""The part of `Store` that tells what runs did."""

from ner.store import history
from ner.store.history import ModelDifference, RunSummary
from ner.store.opened import Opened
from ner.store.runs import ModelKey


class Reporting(Opened):
    """What runs did, and what a new model changes."""

    def runs(self) -> list[RunSummary]:
        """The runs, the newest first."""
        return self._read(history.list_runs)

    def run(self, number: int) -> RunSummary:
        """The run of a number.

        Raises:
            NerError: there is none.
        """
        return self._read(lambda connection: history.list_runs(connection, number))[0]

    def compare(self, old: ModelKey, new: ModelKey) -> ModelDifference:
        """What changed from one model to another, in the articles that both tagged.

        Raises:
            NerError: one of them has tagged nothing here.
        """
        return self._read(lambda connection: history.compare(connection, old, new))
