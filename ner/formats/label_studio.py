"""Label Studio's JSON, an array of tasks, and its JSON-MIN, an array of annotations.

Offsets are code points: since 2022 its page turns JavaScript's units into them before it saves
(label-studio-frontend pull request 308). Older exports hold UTF-16 units; the quoted text tells.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ner.article import Article, Rejected, Span, outside_in
from ner.errors import NerError, at
from ner.formats.fields import UNCOUNTED, Dropped, Row, count_unknown, rename
from ner.formats.jsonl import load_json
from ner.formats.rows import Item, article_fields, brief, dump, item, make_article, parse_span
from ner.formats.source import Part, Source
from ner.formats.utf16 import place_quoted

_REMEDY = "export as JSON, the form with 'data' and 'annotations'"
# What JSON-MIN has of an annotation beside the fields of its task's data and the regions of each control.
_OF_ANNOTATION = (
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
)


def is_label_studio(row: Row) -> bool:
    """True for a task, and for an annotation as JSON-MIN has it."""
    return isinstance(row.get("data"), dict) or _is_minimal(row)


def _is_minimal(row: Any) -> bool:
    return isinstance(row, dict) and "annotation_id" in row and "lead_time" in row


def read_label_studio(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """A task an article: its ground truth, else its newest annotation, else its last prediction.

    A task that a person skipped is left out, whatever was predicted for it. Other annotations of the
    same task, and regions that are no labels (choices, relations) or have none, are left out; all this
    is counted. Exports from before Label Studio 1.0 call annotations completions. In JSON-MIN the
    annotations of a task are those with its id.

    Args:
        fields: our names to those of a task's ``data``, for example ``text`` to ``content``.

    Raises:
        NerError: the file is not JSON.
    """
    with at(source.name):
        tasks = load_json(source.text, remedy=_REMEDY)
    tasks = tasks if isinstance(tasks, list) else [tasks]
    for number, task in enumerate(_with_minimal(tasks), 1):
        where = f"{source.name}:task {number}"
        try:
            with at(where):
                data, made = _parts(task)
        except NerError as error:
            yield Rejected.from_error(error)
            continue
        if made and all(each.get("was_cancelled") for each in made):
            dropped["skipped tasks"] += 1
            continue
        row = rename(data, fields)
        yield item(partial(_article, task, row, made, dropped), where, row.get("id"))


def _with_minimal(rows: list[Any]) -> list[Any]:
    """Tasks; annotations as JSON-MIN has them are put together as tasks, each where its first one is."""
    tasks: list[Any] = []
    minimal: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if not _is_minimal(row):
            tasks.append(row)
            continue
        task = str(row.get("id"))
        if task not in minimal:
            minimal[task] = []
            data = {k: v for k, v in row.items() if not (k in _OF_ANNOTATION or _are_regions(v))}
            tasks.append({"id": row.get("id"), "data": data, "annotations": minimal[task]})
        regions = [each for value in row.values() if _are_regions(value) for each in value]
        result = [{"type": "labels", "value": region} for region in regions]
        minimal[task].append({"created_at": row.get("created_at"), "result": result})
    return tasks


def _are_regions(value: Any) -> bool:
    """Whether a field of JSON-MIN is what was drawn with a control, and no field of the data."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and {"start", "end"} <= each.keys() for each in value)
    )


def _parts(task: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A task's data and its annotations.

    Raises:
        NerError: it has none, or of another type.
    """
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        raise NerError("no task with 'data'", remedy=_REMEDY)
    return data, _objects(task, "annotations") or _objects(task, "completions")


def _objects(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise NerError(f"{name!r} is not a list of objects", remedy=_REMEDY)
    return values


def _article(
    task: Mapping[str, Any], row: Row, made: Sequence[dict[str, Any]], dropped: Dropped
) -> Article:
    text = row.get("text")
    if not isinstance(text, str):
        raise NerError("no task with text", remedy=f"{_REMEDY}; --field text=NAME")
    spans = list(_regions(task, made, dropped))
    count_unknown(row, (), dropped)
    if spans:
        spans = place_quoted(text, spans)
    return make_article({"id": task.get("id"), **row, "spans": spans}, dropped=dropped)


def _regions(
    task: Mapping[str, Any], made: Sequence[dict[str, Any]], dropped: Dropped
) -> Iterator[Span]:
    """Spans as the file counts them, each with the text it quotes."""
    done = [annotation for annotation in made if not annotation.get("was_cancelled")]
    predicted = _objects(task, "predictions")
    dropped["skipped annotations"] += len(made) - len(done)
    dropped["other annotations of a task"] += max(len(done) - 1, 0)
    dropped["other predictions of a task"] += max(len(predicted) - (not done), 0)
    newest = max(done, key=_rank) if done else None
    chosen = newest or (predicted or [{"result": []}])[-1]
    # A span without a model is a person's, and this is none.
    model = "" if done else _model_name(chosen.get("model_version")) or "prediction"
    for region in _objects(chosen, "result"):
        value = region.get("value")
        if region.get("type") != "labels" or not isinstance(value, dict):
            dropped[f"regions of type {brief(region.get('type'))}"] += 1
        elif not value.get("labels"):
            dropped["regions without a label"] += 1
        else:
            yield from _spans(region, value, model)


def _rank(annotation: Mapping[str, Any]) -> tuple[bool, str]:
    """The ground truth first, then the newest, as Label Studio's own converter has it."""
    return bool(annotation.get("ground_truth")), str(annotation.get("created_at") or "")


def _spans(region: Mapping[str, Any], value: Mapping[str, Any], model: str) -> Iterator[Span]:
    labels, meta, score = value["labels"], region.get("meta"), region.get("score")
    if not isinstance(labels, list):
        raise NerError(f"labels {brief(labels)} are not a list", remedy=_REMEDY)
    quoted = value.get("text")
    for label in labels:
        yield parse_span(
            {
                "start": value.get("start"),
                "end": value.get("end"),
                "label": label,
                "score": 1.0 if score is None else score,
                "model": (meta.get("model") or model) if isinstance(meta, dict) else model,
                "text": "" if quoted is None else quoted,
            }
        )


def _model_name(value: Any) -> str:
    """A model's name as a file gives it, which may be a number."""
    return (
        brief(value) if isinstance(value, int | float) else value if isinstance(value, str) else ""
    )


def write_label_studio(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """For a project with ``<Labels name="label" toName="text">`` and ``<Text name="text" value="$text">``.

    Spans of a model become a prediction, those of a person an annotation (which holds them all, where
    there are both). Ids of tasks are Label Studio's, so an article's own is in ``data``.
    """
    before = "[\n"
    for article in articles:
        yield Part((before + dump(_task(article)).rstrip("\n")).encode())
        before = ",\n"
    yield Part(b"[]\n" if before == "[\n" else b"\n]\n")


def _task(article: Article) -> dict[str, Any]:
    spans = outside_in(article.spans)
    result = [_region(article, number, span) for number, span in enumerate(spans)]
    models = {span.model for span in spans}
    task: dict[str, Any] = {"data": {**article_fields(article), "text": article.text}}
    if spans and "" not in models:
        mean = sum(span.score for span in spans) / len(spans)
        made_by = models.pop() if len(models) == 1 else "several"
        task["predictions"] = [{"model_version": made_by, "score": mean, "result": result}]
    elif spans:
        task["annotations"] = [{"result": result}]
    return task


def _region(article: Article, number: int, span: Span) -> dict[str, Any]:
    return {
        "id": f"span-{number}",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {
            "start": span.start,
            "end": span.end,
            "text": article.surface(span),
            "labels": [span.label],
        },
        "score": round(span.score, 4),
        **({"meta": {"model": span.model}} if span.model else {}),
    }
