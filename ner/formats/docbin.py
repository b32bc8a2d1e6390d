"""spaCy's DocBin: a Doc an article, a token a character or a word."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ner.article import Article, Span, outside_in
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
from ner.words import Segment, tokens, word_tokens

KEY = "ner"
"""Where a Doc has its nested spans, as our pipeline sets them: ``doc.spans["ner"]``."""
_MISFITS = "misfits"


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
        *(
            Span(span.start_char, span.end_char, span.label_, score, model)
            for span, (score, model) in zip(group, known)
        ),
        *(Span(*fields) for fields in doc.user_data.get(_MISFITS, ())),
    ]


def write_docbin(
    articles: Iterable[Article], lost: Lost = UNCOUNTED, segment: Segment | None = None
) -> Iterator[Part]:
    """``doc.spans["ner"]`` holds all spans, ``doc.ents`` the outermost, ``doc.user_data`` the fields.

    Scores and models are in the group's ``attrs["scores"]``, in its order. With ``segment`` tokens are
    words, and spans that begin or end inside one, which a Doc cannot have, are in
    ``doc.user_data["misfits"]`` with their offsets. Loses nothing.
    """
    from spacy.tokens import Doc, DocBin, SpanGroup
    from spacy.tokens import Span as DocSpan
    from spacy.vocab import Vocab

    vocab, docs = Vocab(), DocBin(attrs=["ENT_IOB", "ENT_TYPE"], store_user_data=True)
    for article in articles:
        made = word_tokens(article.spans, tokens(article.text, segment))
        first = {token.start: number for number, token in enumerate(made.tokens)}
        after = {token.end: number for number, token in enumerate(made.tokens, 1)}
        doc = Doc(
            vocab,
            words=[article.text[token.start : token.end] for token in made.tokens],
            spaces=[False] * len(made.tokens),
            user_data={"article": article_fields(article)},
        )
        if made.misfits:
            doc.user_data[_MISFITS] = [
                [s.start, s.end, s.label, round(s.score, 4), s.model] for s in made.misfits
            ]
        spans = outside_in((*made.tagged, *made.inner))
        doc.spans[KEY] = SpanGroup(
            doc,
            name=KEY,
            attrs={"scores": [[round(span.score, 4), span.model] for span in spans]},
            spans=[DocSpan(doc, first[s.start], after[s.end], s.label) for s in spans],
        )
        doc.ents = [DocSpan(doc, first[s.start], after[s.end], s.label) for s in made.tagged]
        docs.add(doc)
    yield Part(docs.to_bytes())
