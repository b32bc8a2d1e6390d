"""Label Studio's JSON: an array of tasks.

Offsets are code points: since 2022 its page turns JavaScript's units into them before it saves
(label-studio-frontend pull request 308). Older exports hold UTF-16 units; the quoted text tells.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ner.article import Article, Span, outside_in
from ner.errors import NerError, at
from ner.formats.rows import (
    UNCOUNTED,
    Item,
    Lost,
    article_fields,
    count_unknown,
    dump,
    item,
    make_article,
    rename,
)
from ner.formats.source import Part, Source, decode
from ner.formats.utf16 import from_utf16

_REMEDY = "export as JSON, the form with 'data' and 'annotations'"


def read_label_studio(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """A task an article: its ground truth, else its last annotation, else its last prediction.

    Other annotations of the same task, and regions that are no labels (choices, relations), are left
    out and counted.

    Args:
        fields: our names to those of a task's ``data``, for example ``text`` to ``content``.

    Raises:
        NerError: the file is not JSON.
    """
    with at(source.name):
        try:
            tasks = json.loads(decode(source.data))
        except (ValueError, RecursionError) as error:
            raise NerError(f"not JSON: {error}", remedy=_REMEDY) from None
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        data = task.get("data") if isinstance(task, dict) else None
        known = str(data.get("id", "")) if isinstance(data, dict) else ""
        where = f"{source.name}:task {number}"
        yield item(partial(_article, task, fields, lost), where, known)


def _article(task: Any, fields: Mapping[str, str], lost: Lost) -> Article:
    try:
        row = rename(task["data"], fields)
        text, regions = str(row["text"]), list(_regions(task, lost))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NerError(
            "no task with text and labels", remedy=f"{_REMEDY}; --field text=NAME"
        ) from None
    count_unknown(row, fields.values(), lost)
    spans = [span for span, _ in regions]
    if not all(_agree(text, span, said) for span, said in regions):
        spans = from_utf16(text, spans)
        for span, (_, said) in zip(spans, regions):
            if not _agree(text, span, said):
                raise NerError(
                    f"region {said!r} is not what stands there: {text[span.start : span.end]!r}",
                    remedy="was the text changed after it was labelled?",
                )
    return make_article({"id": task.get("id"), **row, "spans": spans})


def _agree(text: str, span: Span, said: str | None) -> bool:
    """Whether a region quotes what its offsets hold; white space is not always kept as it was."""
    return said is None or _bare(text[span.start : span.end]) == _bare(said.replace("\\n", ""))


def _bare(text: str) -> str:
    return "".join(text.replace("\\n", "").split())


def _regions(task: Mapping[str, Any], lost: Lost) -> Iterator[tuple[Span, str | None]]:
    """Spans as the file counts them, each with the text it quotes."""
    done = [a for a in task.get("annotations") or () if not a.get("was_cancelled")]
    done.sort(key=lambda annotation: bool(annotation.get("ground_truth")))
    predicted = task.get("predictions") or []
    lost["other annotations of a task"] += max(len(done) - 1, 0)
    lost["other predictions of a task"] += max(len(predicted) - (not done), 0)
    chosen = (done or predicted or [{"result": []}])[-1]
    model = "" if done else str(chosen.get("model_version") or "")
    for region in chosen["result"]:
        if region.get("type") != "labels" or "start" not in region["value"]:
            lost[f"regions of type {region.get('type')!r}"] += 1
            continue
        value, meta = region["value"], region.get("meta") or {}
        for label in value["labels"]:
            score = region.get("score")
            yield (
                Span(
                    int(value["start"]),
                    int(value["end"]),
                    str(label),
                    1.0 if score is None else float(score),
                    str(meta.get("model", model)),
                ),
                value.get("text"),
            )


def write_label_studio(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
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
