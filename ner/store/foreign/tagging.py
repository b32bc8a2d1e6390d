"""The part of `ForeignStore` for taggers: what is to be tagged, runs, results, what could not be tagged."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import comparing, history
from ner.store.articles import no_article
from ner.store.comparing import ModelDifference
from ner.store.foreign import ledger
from ner.store.foreign.making import drop_tables
from ner.store.foreign.opened import Opened, reads, writes
from ner.store.foreign.rows import ForeignRow, id_text
from ner.store.foreign.table import Range
from ner.store.history import RunSummary, no_run
from ner.store.runs import ModelKey, Run
from ner.store.schema import chunks


class Tagging(Opened):
    """What `ner.store.tagging` and `ner.store.reporting` are for a store of ours. Nothing is claimed."""

    start_run = writes(ledger.start_run)
    finish_run = writes(ledger.finish_run)
    count_tried_enough = reads(ledger.count_tried_enough, int)
    quarantined = reads(ledger.quarantined, list)
    models = reads(ledger.list_models, list)
    runs = reads(history.list_runs, list)
    _tagged_before = reads(ledger.tagged_before, dict)
    _given_up = reads(ledger.given_up, dict)
    _note_changed = writes(ledger.note_changed)

    def articles_to_tag(self, model: ModelKey, part: Range) -> Iterator[Article | Rejected]:
        """The articles of a part that a model has not tagged, or not with the text they have now."""
        for listed in self.table.listed(part):
            keys = [key for key, _ in listed]
            known = self._tagged_before(model, keys) | self._given_up(model, keys)
            stale = {key for key, each in known.items() if each.is_stale}
            wanted = [
                key
                for key, changed in listed
                if key not in known
                or key in stale
                or changed is None
                or changed != known[key].changed
            ]
            same: dict[Any, str | None] = {}
            for row in self._with_text(self.table.rows(wanted)):
                is_new = row.key not in known or known[row.key].text_hash != row.hash
                if is_new or row.key in stale:
                    yield row.article()
                elif row.changed != known[row.key].changed:
                    same[row.key] = row.changed
            if same:
                self._note_changed(model, same)

    def articles_by_id(self, ids: Sequence[str]) -> Iterator[Article | Rejected]:
        """The articles with these ids, without spans.

        Raises:
            NerError: one of them is not in the table.
        """
        rows = self.table.by_id_text(ids)
        if missing := [each for each in ids if each not in rows]:
            raise no_article(missing[0])
        for row in self._with_text(rows[each] for each in dict.fromkeys(ids)):
            yield row.article()

    def drop_run(self, run: Run) -> None:
        """Note that a run failed: one that has written nothing leaves no trace, nor do tables made for it."""
        is_unused = self._write(lambda connection: ledger.drop_run(connection, self._tables, run))
        if is_unused and self._made:
            drop_tables(self._writer, self._made)
            self._made, self._has_tables = (), False

    def write_results(self, run: Run, results: Sequence[Article | Rejected]) -> None:
        """Write spans and ledger, in one transaction; what this model found before is replaced."""
        rows = self.table.by_id_text([item.id for item in results])
        self._write(lambda connection: ledger.write(connection, self._tables, run, results, rows))

    def tag_again(self, model: ModelKey) -> None:
        """Have a model tag all articles again. Until it has, each keeps the spans that it has."""
        if self._has_tables:
            self._write(lambda connection: ledger.tag_again(connection, self._tables, model))

    def retry_failed(self, model: ModelKey) -> int:
        """Have all articles that a model could not tag tried again, however often they were; how many."""
        if not self._has_tables:
            return 0
        return self._write(lambda connection: ledger.retry_failed(connection, self._tables, model))

    def failures(self) -> list[Rejected]:
        """The same as they are shown."""
        return [each.to_rejected() for each in self.quarantined()]

    def find_model(self, name: str = "") -> ModelKey | None:
        """The model that tagged something last, of those with this name, or name and version."""
        for use in self.models():
            if name in ("", use.key.name, str(use.key)):
                return use.key
        return None

    def run(self, number: int) -> RunSummary:
        """The run of a number.

        Raises:
            NerError: there is none.
        """
        found = self.runs(number)
        if not found:
            raise no_run(number)
        return found[0]

    def compare(self, old: ModelKey, new: ModelKey) -> ModelDifference:
        """What changed from one model to another, in the articles that both tagged with the same text.

        Raises:
            NerError: one of them has tagged nothing here.
        """

        def ids(keys: Sequence[Any]) -> dict[Any, str]:
            return {key: id_text(key) for key in keys}

        def work(connection: Connection) -> ModelDifference | None:
            return comparing.compare(connection, self._tables, old, new, ids)

        found = self._read(work, None)
        if found is None:
            raise comparing.tagged_nothing(old)
        return found

    def _with_text(self, rows: Iterable[ForeignRow]) -> Iterator[ForeignRow]:
        """Those of some rows that have a text; what any model found in the others goes."""
        emptied: list[Any] = []
        for row in rows:
            if row.text:
                yield row
            else:
                emptied.append(row.key)
        for keys in chunks(emptied):
            if self._read(partial(ledger.is_any_known, tables=self._tables, keys=keys), False):
                self._write(partial(ledger.forget, tables=self._tables, keys=keys))
