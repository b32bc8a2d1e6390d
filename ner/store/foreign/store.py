"""A foreign article table with our tables beside it: what `ner tag`, `ner show` and `ner export` use."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected, outside_in
from ner.errors import NerError
from ner.store.articles import Filters, Summary, days, no_article
from ner.store.foreign import ledger
from ner.store.foreign.config import ForeignConfig, read_config
from ner.store.foreign.database import in_transaction, open_reader, open_writer, reading
from ner.store.foreign.rows import ForeignRow, id_from_text
from ner.store.foreign.schema import create_tables, has_tables, make_tables, our_id_type
from ner.store.foreign.table import TEXTS, ForeignTable, Range
from ner.store.runs import ModelKey, ModelUse, Run
from ner.store.searching import occurrences

Result = TypeVar("Result")


class ForeignStore:
    """Opened with its config. Our tables are made by the first results, never before.

    Raises:
        NerError: a database cannot be reached, or has not what the config says.
    """

    def __init__(self, config: ForeignConfig) -> None:
        self._reader = open_reader(config.articles.url)
        self._writer = open_writer(config.spans_url)
        try:
            self.table = ForeignTable(self._reader, config.articles)
            kind = our_id_type(self._reader, self.table.id_type, self._writer.dialect)
            if config.spans.schema_name and self._writer.dialect.name == "sqlite":
                raise NerError("SQLite has no schemas", remedy="name a prefix under [spans]")
            self._tables = make_tables(config.spans, kind)
            self._has_tables = has_tables(self._writer, self._tables)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path) -> "ForeignStore":
        """Open what a TOML file describes."""
        return cls(read_config(path))

    def close(self) -> None:
        """Close the connections."""
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- tagging

    def articles_to_tag(self, model: ModelKey, part: Range) -> Iterator[Article | Rejected]:
        """The articles of a part that a model has not tagged, or not with the text they have now."""
        for listed in self.table.listed(part):
            known = self._known(model, [key for key, _ in listed])
            wanted = [
                key
                for key, changed in listed
                if key not in known or changed is None or changed != known[key].changed
            ]
            for row in self.table.rows(wanted):
                if row.text and not (row.key in known and known[row.key].text_hash == row.hash):
                    yield row.article()

    def articles_by_id(self, ids: Sequence[str]) -> Iterator[Article | Rejected]:
        """The articles with these ids, without spans.

        Raises:
            NerError: one of them is not in the table.
        """
        rows = self.table.by_id_text(ids)
        for each in dict.fromkeys(ids):
            if each not in rows:
                raise no_article(each)
            if rows[each].text:
                yield rows[each].article()

    def start_run(self, model: ModelKey) -> Run:
        """Add a run of a model; makes our tables where there are none."""
        if not self._has_tables:
            self._make_tables()
        return self._write(lambda connection: ledger.start_run(connection, self._tables, model))

    def finish_run(self, run: Run) -> None:
        """Note that a run came to its end."""
        self._write(lambda connection: ledger.finish_run(connection, self._tables, run))

    def write_results(self, run: Run, results: Sequence[Article | Rejected]) -> None:
        """Write spans and ledger, in one transaction; what this model found before is replaced."""
        rows = self.table.by_id_text([item.id for item in results])
        self._write(lambda connection: ledger.write(connection, self._tables, run, results, rows))

    def _make_tables(self) -> None:
        try:
            create_tables(self._writer, self._tables)
        except NerError:
            if not has_tables(self._writer, self._tables):  # or another process was faster
                raise
        self._has_tables = True

    # -- what was found

    def articles(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Article | Rejected]:
        """Articles in the order of their key, with the spans of one model: those of `filters`'s ``model``.

        An article that has changed since it was tagged is a `Rejected`: its spans are another text's.

        Raises:
            NerError: one of the ids is not in the table, or the date is none.
        """
        if limit is not None:
            items = self.articles(**filters)
            yield from (item for item, _ in zip(items, range(limit)))
            return
        model = filters.get("model") or next((use.key for use in self.models()), None)
        matches = _matcher(filters)
        for rows in self._rows(filters.get("ids") or ()):
            for item in self._with_spans(rows, model):
                if isinstance(item, Rejected) or matches(item):
                    yield item

    def summaries(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Summary]:
        """The same articles as a list, with how many spans each has by label."""
        model = filters.get("model")
        for item in self.articles(limit=limit, **filters):
            if isinstance(item, Article):
                key = id_from_text(item.id, self.table.key_type)
                is_tagged = bool(model and self._known(model, [key]))
                counts = dict(Counter(span.label for span in item.spans)) if is_tagged else None
                title = " ".join((item.title or item.text[:40]).split())
                yield Summary(item.id, title, item.paper, item.date, item.page, counts)

    def count(self, **filters: Unpack[Filters]) -> int:
        """How many articles match: all rows are read, unless nothing is asked for but a model."""
        if not any(value for name, value in filters.items() if name != "model"):
            return self.table.count()
        return sum(1 for _ in self.articles(**filters))

    def models(self) -> list[ModelUse]:
        """The models that have tagged something, the one that did so last first."""
        return self._read(lambda connection: ledger.list_models(connection, self._tables), [])

    def find_model(self, name: str = "") -> ModelKey | None:
        """The model that tagged something last, of those with this name, or name and version."""
        for use in self.models():
            if name in ("", use.key.name, str(use.key)):
                return use.key
        return None

    def failures(self) -> list[Rejected]:
        """What could not be tagged, oldest first."""
        return self._read(lambda connection: ledger.list_failures(connection, self._tables), [])

    def _rows(self, ids: Sequence[str]) -> Iterator[list[ForeignRow]]:
        """Rows in lists: those of `ids`, or all."""
        if ids:
            rows = self.table.by_id_text(ids)
            if missing := [each for each in ids if each not in rows]:
                raise no_article(missing[0])
            yield list(rows.values())
            return
        for listed in self.table.listed((None, None)):
            keys = [key for key, _ in listed]
            for start in range(0, len(keys), TEXTS):
                yield list(self.table.rows(keys[start : start + TEXTS]))

    def _with_spans(
        self, rows: Sequence[ForeignRow], model: ModelKey | None
    ) -> Iterator[Article | Rejected]:
        keys = [row.key for row in rows]
        known = self._known(model, keys) if model else {}
        found = self._spans(model, keys) if model else {}
        for row in rows:
            if not row.text:
                continue
            if row.key in known and known[row.key].text_hash != row.hash:
                why, remedy = "has changed since it was tagged", "tag again: ner tag"
                yield Rejected(row.id, f"article {row.id}", why, remedy)
                continue
            spans = [
                row.span(
                    each.field, each.start_char, each.end_char, each.label, each.score, str(model)
                )
                for each in found.get(row.key, ())
            ]
            item = row.article()
            if isinstance(item, Article):
                item = replace(item, spans=tuple(outside_in(filter(None, spans))))
            yield item

    def _known(self, model: ModelKey, keys: Sequence[Any]) -> dict[Any, ledger.Known]:
        def work(connection: Connection) -> dict[Any, ledger.Known]:
            number = ledger.model_number(connection, self._tables, model)
            return ledger.known(connection, self._tables, number, keys) if number else {}

        return self._read(work, {})

    def _spans(self, model: ModelKey, keys: Sequence[Any]) -> dict[Any, list[Any]]:
        def work(connection: Connection) -> dict[Any, list[Any]]:
            number = ledger.model_number(connection, self._tables, model)
            return ledger.spans_of(connection, self._tables, number, keys) if number else {}

        return self._read(work, {})

    def _read(self, work: Callable[[Connection], Result], nothing: Result) -> Result:
        """What our tables hold; `nothing` while there are none."""
        return reading(self._writer, work) if self._has_tables else nothing

    def _write(self, work: Callable[[Connection], Result]) -> Result:
        return in_transaction(self._writer, work)


def _matcher(filters: Filters) -> Callable[[Article], bool]:
    """Whether an article with its spans is wanted."""
    paper, page = filters.get("paper"), (filters.get("page") or "").lstrip("0")
    first, last = days(str(filters["date"])) if filters.get("date") else (None, None)
    label, name = filters.get("label"), filters.get("name")
    text = filters.get("text") or ""

    def matches(article: Article) -> bool:
        if (paper and article.paper != paper) or (page and article.page.lstrip("0") != page):
            return False
        if first and last and not (article.date and first <= article.date <= last):
            return False
        if text and not any(occurrences(article.text, text)):
            return False
        return not (label or name) or any(
            label in ("", None, span.label) and name in ("", None, article.surface(span))
            for span in article.spans
        )

    return matches


class ForeignEnds:
    """Both ends of a run for the engines of `ner.batch`: what a model has not tagged, and its spans.

    Args:
        ids: only these articles, whether they were tagged or not.
    """

    def __init__(self, store: ForeignStore, model: ModelKey, ids: Sequence[str] = ()) -> None:
        self._store, self._model, self._ids = store, model, ids
        self._run: Run | None = None

    def parts(self) -> Iterator[Range | None]:
        """Ranges of keys; None for the articles of `ids`."""
        if self._ids:
            yield None
        else:
            yield from self._store.table.ranges()

    def read(self, part: Any) -> Iterator[Article | Rejected]:
        """The articles of a part that are to be tagged."""
        if part is None:
            return self._store.articles_by_id(self._ids)
        return self._store.articles_to_tag(self._model, part)

    def write(self, results: Sequence[Article | Rejected], part: Any = None) -> Sequence[Rejected]:
        """Write spans and ledger in one transaction; a run begins with the first results."""
        self._run = self._run or self._store.start_run(self._model)
        self._store.write_results(self._run, results)
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._run and error[0] is None:
            self._store.finish_run(self._run)
