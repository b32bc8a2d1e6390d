"""The part of `Store` for whoever looks around in it: a viewer, a register of brands."""

from collections.abc import Sequence
from typing import Unpack

from ner.store import articles as queries
from ner.store import finding, newest, runs
from ner.store.articles import Filters
from ner.store.finding import By, Name, Page
from ner.store.newest import NewName
from ner.store.opened import Opened
from ner.store.runs import ModelKey

PAGE = 50  # articles in a page of a list


class Browsing(Opened):
    """Pages, names and counts; no texts are read."""

    def page(self, *, after: str = "", limit: int = PAGE, **filters: Unpack[Filters]) -> Page:
        """A part of the list of articles: by date, the newest first; undated ones last.

        The next part takes as long as the first, however far down the list it is.

        Args:
            after: `Page.after` of the part before; empty for the first.
            limit: the most articles.
            filters: see `Filters`.

        Raises:
            NerError: one of the ids is not in the store, the date is not one, or `after` is from no page.
        """
        numbers = self._numbers(filters)
        return self._read(
            lambda connection: finding.page(connection, filters, numbers, after, limit)
        )

    def names(
        self, prefix: str = "", label: str = "", *, model: ModelKey | None = None, limit: int = PAGE
    ) -> list[Name]:
        """The strings that a model marked and that begin with a prefix, sorted by code point.

        Args:
            label: only those marked with this label; all if empty.
            model: the model that tagged something last, if None.
            limit: the most names.
        """
        key = model or next(iter(self._read(runs.latest_models)), None)
        if key is None:
            return []
        return self._read(lambda connection: finding.names(connection, prefix, label, key, limit))

    def counts(self, by: By, **filters: Unpack[Filters]) -> dict[str, int]:
        """How many articles match, by ``paper``, ``month`` or ``model``; or how many spans, by ``label``.

        Raises:
            NerError: the date is not one.
        """
        return self._read(lambda connection: finding.counts(connection, by, filters))

    def new_names(
        self, label: str, *, model: ModelKey | None = None, limit: int = PAGE
    ) -> list[NewName]:
        """Names that stand in articles of the store's last `RECENT` days and in no earlier one."""
        return self._read(lambda connection: newest.new_names(connection, label, model, limit))

    def _numbers(self, filters: Filters) -> list[int] | None:
        """The primary keys of the articles with the ids that a filter names, sorted; None for all."""
        ids: Sequence[str] = filters.get("ids", ())
        if not ids:
            return None
        return self._read(lambda connection: queries.numbers_of(connection, ids))
