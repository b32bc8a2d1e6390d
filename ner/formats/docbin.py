"""spaCy's DocBin: a Doc an article, a token a character or a word."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ner.article import Article, Rejected, Span, outside_in
from ner.errors import NerError
from ner.formats.fields import UNCOUNTED, Dropped, Row, rename
from ner.formats.rows import (
    Item,
    article_fields,
    brief,
    item,
    make_article,
    parse_score,
    parse_span,
)
from ner.formats.source import MAX_WHOLE, MEGABYTE, Part, Source
from ner.words import Segment, tokens, word_tokens

KEY = "ner"
"""Where a Doc has its nested spans, as our pipeline sets them: ``doc.spans["ner"]``."""
_SPANCAT = "sc"  # where spaCy's own span categorizer has them
_MISALIGNED = "misaligned"


def read_docbin(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Spans are ``doc.spans["ner"]``, else ``["sc"]``, else its one other group, else ``doc.ents``.

    Any tokenisation will do. Scores are a group's ``attrs["scores"]``, as our pipeline and spancat set
    them. Groups that were not taken are counted.

    Raises:
        NerError: the file is no DocBin.
    """
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        _check_unpacked_size(source.data)
        docs = DocBin().from_bytes(source.data)
        count = len(docs)
    except NerError as error:
        error.where = source.name
        raise
    except Exception as error:  # zlib's, msgpack's and numpy's own, whatever the damage
        raise NerError(
            f"is no DocBin: {brief(str(error))}",
            where=source.name,
            remedy="made by DocBin.to_disk?",
        ) from None
    vocab = Vocab()
    for number in range(count):
        where = f"{source.name}:document {number + 1}"
        default_id = f"{source.default_id}-{number + 1}"
        yield _item(docs, number, vocab, fields, where, default_id, dropped)


def _item(
    docs: Any,
    number: int,
    vocab: Any,
    fields: Mapping[str, str],
    where: str,
    default_id: str,
    dropped: Dropped,
) -> Item:
    """The article of one document; damage in it costs none of the others."""
    try:
        [doc] = _only(docs, number).get_docs(vocab)
        known = doc.user_data.get("article")
        row = rename(known, fields) if isinstance(known, Mapping) else {"id": default_id}
    except Exception as error:  # numpy's, msgpack's and spaCy's own
        why = f"damaged document: {brief(str(error) or type(error).__name__)}"
        return Rejected(default_id, where, why, "make the file again")
    return item(partial(_article, doc, row, dropped), where, row.get("id"))


def _only(docs: Any, number: int) -> Any:
    """A DocBin of one document of another."""
    from spacy.tokens import DocBin

    one = DocBin(store_user_data=docs.store_user_data)
    one.attrs, one.version = docs.attrs, docs.version
    for name in ("tokens", "spaces", "cats", "flags", "user_data", "span_groups"):
        values = getattr(docs, name)
        setattr(one, name, values[number : number + 1])
    one.strings = docs.strings
    return one


def _check_unpacked_size(data: bytes) -> None:
    unpacker = zlib.decompressobj()
    unpacker.decompress(data, MAX_WHOLE)
    if unpacker.unconsumed_tail:
        raise NerError(
            f"unpacks to over {MAX_WHOLE // MEGABYTE} MB", remedy="split it into several files"
        )


def _article(doc: Any, row: Row, dropped: Dropped) -> Article:
    spans = _spans(doc, dropped)
    return make_article({**row, "text": doc.text, "spans": spans}, dropped=dropped)


def _spans(doc: Any, dropped: Dropped) -> list[Span]:
    groups = doc.spans
    key = next((key for key in (KEY, _SPANCAT) if key in groups), "")
    if not key and len(groups) == 1:
        key = next(iter(groups))
    dropped["span groups of other names"] += len(groups) - (key in groups)
    group = groups.get(key, doc.ents)
    made_by = _scores(getattr(group, "attrs", {}), len(group))
    spans = []
    for number in range(len(group)):
        try:
            span = group[number]
        except IndexError:
            raise NerError(
                f"span {number + 1} is not in a document of {len(doc)} tokens",
                remedy="make the file again",
            ) from None
        if not 0 <= span.start < span.end <= len(doc):
            raise NerError(
                f"span of tokens {span.start}:{span.end} in a document of {len(doc)}",
                remedy="make the file again",
            )
        spans.append(Span(span.start_char, span.end_char, span.label_, *made_by[number]))
    misaligned = doc.user_data.get(_MISALIGNED, ())
    return [*spans, *map(_misaligned_span, misaligned)]


def _misaligned_span(values: Any) -> Span:
    try:
        start, end, label, score, model = values
    except (TypeError, ValueError):
        raise NerError(f"{brief(values)} is not a span") from None
    return parse_span({"start": start, "end": end, "label": label, "score": score, "model": model})


def _scores(attrs: Mapping[str, Any], count: int) -> list[tuple[float, str]]:
    """Score and model of every span of a group, by its attributes."""
    scores = attrs.get("scores")
    if scores is None or len(scores) != count:  # none, or changed since
        return [(1.0, "")] * count
    model = str(attrs.get("model", ""))
    return [
        (parse_score(float(each[0])), str(each[1]))
        if isinstance(each, list | tuple) and len(each) == 2
        else (parse_score(min(float(each), 1.0)), model)
        for each in scores
    ]


def write_docbin(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED, segment: Segment | None = None
) -> Iterator[Part]:
    """``doc.spans["ner"]`` holds all spans, ``doc.ents`` the outermost, ``doc.user_data`` the fields.

    Scores and models are in the group's ``attrs["scores"]``, in its order. With ``segment`` tokens are
    words, and spans that begin or end inside one, which a Doc cannot have, are in
    ``doc.user_data["misaligned"]`` with their offsets. Drops nothing.
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
        if made.misaligned:
            doc.user_data[_MISALIGNED] = [
                [s.start, s.end, s.label, round(s.score, 4), s.model] for s in made.misaligned
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
