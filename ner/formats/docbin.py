"""spaCy's DocBin: a Doc an article, a token a character."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ner.article import Article, Span, outermost, outside_in
from ner.errors import NerError
from ner.formats.rows import (
    UNCOUNTED,
    Item,
    Lost,
    Row,
    article_fields,
    item,
    make_article,
    rename,
)
from ner.formats.source import Part, Source

KEY = "ner"
"""Where a Doc has its nested spans, as our pipeline sets them: ``doc.spans["ner"]``."""


def read_docbin(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """Spans are ``doc.spans["ner"]``, else those of its one other group, else ``doc.ents``.

    Any tokenisation will do. Groups that were not taken are counted.

    Raises:
        NerError: the file is no DocBin.
    """
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        docs = list(DocBin().from_bytes(source.data).get_docs(Vocab()))
    except Exception as error:  # zlib's, msgpack's and numpy's own, whatever the damage
        raise NerError(
            f"is no DocBin: {error}", where=source.name, remedy="made by DocBin.to_disk?"
        ) from None
    for number, doc in enumerate(docs, 1):
        where = f"{source.name}:document {number}"
        row = rename(doc.user_data.get("article") or {"id": f"{source.stem}-{number}"}, fields)
        yield item(partial(_article, doc, row, lost), where, str(row.get("id", "")))


def _article(doc: Any, row: Row, lost: Lost) -> Article:
    return make_article({**row, "text": doc.text, "spans": _spans(doc, lost)})


def _spans(doc: Any, lost: Lost) -> list[Span]:
    key = KEY if KEY in doc.spans or len(doc.spans) != 1 else next(iter(doc.spans))
    lost["span groups of other names"] += len(doc.spans) - (key in doc.spans)
    group = doc.spans.get(key, doc.ents)
    known = getattr(group, "attrs", {}).get("scores", ())
    if len(known) != len(group):  # somebody else's, or changed since
        known = [(1.0, "")] * len(group)
    return [
        Span(span.start_char, span.end_char, span.label_, score, model)
        for span, (score, model) in zip(group, known)
    ]


def write_docbin(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """``doc.spans["ner"]`` holds all spans, ``doc.ents`` the outermost, ``doc.user_data`` the fields.

    Scores and models are in the group's ``attrs["scores"]``, in its order. Loses nothing.
    """
    from spacy.tokens import Doc, DocBin, SpanGroup
    from spacy.tokens import Span as DocSpan
    from spacy.vocab import Vocab

    vocab, docs = Vocab(), DocBin(attrs=["ENT_IOB", "ENT_TYPE"], store_user_data=True)
    for article in articles:
        words = list(article.text)
        doc = Doc(
            vocab,
            words=words,
            spaces=[False] * len(words),
            user_data={"article": article_fields(article)},
        )
        spans = outside_in(article.spans)
        doc.spans[KEY] = SpanGroup(
            doc,
            name=KEY,
            attrs={"scores": [[round(span.score, 4), span.model] for span in spans]},
            spans=[DocSpan(doc, s.start, s.end, s.label) for s in spans],
        )
        doc.ents = [DocSpan(doc, s.start, s.end, s.label) for s in outermost(spans)]
        docs.add(doc)
    yield Part(docs.to_bytes())
