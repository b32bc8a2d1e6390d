"""A foreign article table with our tables beside it, as `ner.store.Store` is a store of ours."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Self, Unpack

from ner.article import Article, Rejected
from ner.store.articles import Filters, Summary, days, no_article, with_spans
from ner.store.decided import Found, as_decided, count_missing
from ner.store.foreign import decisions, ledger
from ner.store.foreign.deciding import Deciding
from ner.store.foreign.opened import reads
from ner.store.foreign.rows import ForeignRow
from ner.store.foreign.table import PART, TEXTS, Range
from ner.store.foreign.tagging import Tagging
from ner.store.runs import ModelKey, Run, SpanRow
from ner.store.schema import chunks
from ner.store.searching import occurrences

SpansOf = Callable[[Sequence[ForeignRow]], Found]
_REMEDY = "tag it again: ner tag --article {id}"  # of spans that do not fit the text


class ForeignStore(Tagging, Deciding):
    """Opened with its config. Our tables are made by the first results, never before.

    Raises:
        NerError: a database cannot be reached, or has not what the config says; or our tables there were
            made by an earlier version.
    """

    _spans_of = reads(ledger.spans_of, dict)
    _last_words = reads(decisions.last_words, dict)
    _right = reads(decisions.right_spans, dict)
    _read_as_a_whole = reads(decisions.read_as_a_whole, set)
    _confirmed = reads(decisions.confirmed_articles, list)

    def articles(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Article | Rejected]:
        """Articles in the order of their key, with the spans of one model: those of `filters`'s ``model``.

        An article that has changed since it was tagged is a `Rejected`: its spans are another text's.

        Raises:
            NerError: one of the ids is not in the table, or the date is none.
        """
        return (item for item, _ in islice(self._with_spans(filters), limit))

    def reviewed(self, **filters: Unpack[Filters]) -> Iterator[Article | Rejected]:
        """Articles that a person read as a whole, with the spans decided to be right."""
        asked: Filters = {**filters, "reviewed": True, "label": "", "name": ""}
        return (item for item, _ in self._stream(self._right, None, asked))

    def summaries(
        self, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Summary]:
        """The same articles as a list, with how many spans each has by label."""
        for item, is_tagged in islice(self._with_spans(filters), limit):
            if isinstance(item, Article):
                counts = dict(Counter(span.label for span in item.spans)) if is_tagged else None
                title = " ".join((item.title or item.text[:40]).split())
                yield Summary(item.id, title, item.paper, item.date, item.page, counts)

    def count(self, **filters: Unpack[Filters]) -> int:
        """How many articles match: all rows are read, unless nothing is asked for but a model."""
        asked = {name for name, value in filters.items() if value not in (None, "", (), [])}
        if asked <= {"model", "as_tagged"}:
            return self.table.count()
        return sum(1 for _ in self._with_spans(filters))

    def unrepeated(self, model: ModelKey) -> dict[str, int]:
        """Article id to how many spans called right there a model, which tagged it, does not find."""
        lost: dict[str, int] = {}
        for chunk in chunks(self._confirmed(model), TEXTS):
            rows = [row for row in self.table.rows(chunk) if row.text]
            found, said = self._found(rows, model), self._last_words(rows)
            lost |= count_missing(found, said, {row.key: row.id for row in rows})
        return lost

    def _with_spans(self, filters: Filters) -> Iterator[tuple[Article | Rejected, bool]]:
        """Articles with the spans of a model, and whether it has tagged them."""
        model = filters.get("model") or next((use.key for use in self.models()), None)

        def spans_of(rows: Sequence[ForeignRow]) -> Found:
            found = self._found(rows, model)
            return found if filters.get("as_tagged") else as_decided(found, self._last_words(rows))

        return self._stream(spans_of, model, filters)

    def _stream(
        self, spans_of: SpansOf, model: ModelKey | None, filters: Filters
    ) -> Iterator[tuple[Article | Rejected, bool]]:
        """Articles that match, and whether a model has tagged them."""
        matches = _matcher(filters)
        for rows in map(partial(self._chosen, filters.get("reviewed")), self._rows(filters)):
            known = self._tagged_before(model, [row.key for row in rows]) if model else {}
            found = spans_of(rows)
            for row in rows:
                item = _item(row, known.get(row.key), found.get(row.key, ()), model)
                if isinstance(item, Rejected) or matches(item):
                    yield item, row.key in known

    def _rows(self, filters: Filters) -> Iterator[list[ForeignRow]]:
        """Rows that have a text in lists: those with the ids that a filter names, or all."""
        if ids := filters.get("ids"):
            rows = self.table.by_id_text(ids)
            if missing_ids := [each for each in ids if each not in rows]:
                raise no_article(missing_ids[0])
            yield [row for row in rows.values() if row.text]
            return
        for listed in self.table.listed((None, None)):
            for chunk in chunks([key for key, _ in listed], TEXTS):
                yield [row for row in self.table.rows(chunk) if row.text]

    def _chosen(self, is_read: bool | None, rows: list[ForeignRow]) -> list[ForeignRow]:
        """Those of some rows that a person read as a whole, or those that nobody did; all if None."""
        if is_read is None:
            return rows
        read = self._read_as_a_whole(rows)
        return [row for row in rows if (row.key in read) is is_read]

    def _found(self, rows: Sequence[ForeignRow], model: ModelKey | None) -> Found:
        """The spans that a model found, by the key of their article."""
        if model is None:
            return {}
        by_key = {row.key: row for row in rows}
        stored = self._spans_of(model, list(by_key))
        return {
            key: [span for each in spans if (span := _span(by_key[key], each, str(model)))]
            for key, spans in stored.items()
        }


def _item(
    row: ForeignRow, known: ledger.Known | None, spans: Sequence[SpanRow], model: ModelKey | None
) -> Article | Rejected:
    """The article of a row with its spans, or why it has none."""
    if known and known.text_hash != row.hash:
        why, remedy = "has changed since it was tagged", "tag again: ner tag"
        if row.changed is not None and row.changed == known.changed:
            why = f"{why}, but its column `changed` under [articles] has not"
            remedy = f"ner tag --article {row.id}; another column may tell of every change"
        return Rejected(row.id, f"article {row.id}", why, remedy)
    tagged_by = str(model) if known else "" if model else None
    return with_spans(row.article(), spans, _REMEDY, tagged_by)


def _span(row: ForeignRow, stored: Any, model: str) -> SpanRow | None:
    """A span of the text by its row; None where the column has no such place any more."""
    span = row.span(stored.field, stored.start_char, stored.end_char, stored.label)
    return SpanRow(span.start, span.end, span.label, stored.score, model) if span else None


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
        run: one that others started and will finish; a new one, with the first results, if None.
        size: rows of a part.
    """

    def __init__(
        self,
        store: ForeignStore,
        model: ModelKey,
        ids: Sequence[str] = (),
        *,
        run: Run | None = None,
        size: int = PART,
    ) -> None:
        self._store, self._model, self._ids, self._size = store, model, ids, size
        self._run = run
        self._is_mine = run is None

    def parts(self) -> Iterator[Range | None]:
        """Ranges of keys; None for the articles of `ids`."""
        if self._ids:
            yield None
        else:
            yield from self._store.table.ranges(self._size)

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
        if self._run and self._is_mine and error[0] is None:
            self._store.finish_run(self._run)
