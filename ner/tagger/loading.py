"""A model folder as a loaded tagger: a spaCy pipeline, and texts or articles through it."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import spacy
from spacy.language import Language

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.tagger.component import BATCH_TEXTS, SpanTagger
from ner.tagger.registry import DEFAULT_MODEL, find_model


def make_pipeline(name: str, version: str, component: SpanTagger) -> Language:
    """A spaCy pipeline around a filled component, ready for ``nlp.to_disk``."""
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "ner.characters.v1"}}})
    nlp.meta.update(name=name, version=version, license="Apache-2.0")
    made = cast(SpanTagger, nlp.add_pipe("span_tagger"))
    made.load_network(component.settings, component.characters, component._network)
    return nlp


class Tagger:
    """A loaded model.

    Args:
        nlp: the spaCy pipeline, for displaCy and the rest of spaCy's world.
        folder: where it was loaded from.

    Its ``data`` are the files it was trained on, with their SHA-256.
    """

    def __init__(self, nlp: Language, folder: Path) -> None:
        self.nlp = nlp
        self.folder = folder
        self.component = cast(SpanTagger, nlp.get_pipe("span_tagger"))
        self.name: str = nlp.meta["name"]
        self.version: str = nlp.meta["version"]
        self.hash = self.component.hash
        self.data: dict[str, str] = nlp.meta.get("data", {})

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"

    def tag(self, texts: Iterable[str]) -> Iterator[list[Span]]:
        """Spans of each text, in order; any string goes, the empty one too."""
        texts = iter(texts)
        while batch := list(itertools.islice(texts, BATCH_TEXTS)):
            yield from self.component.predict(batch)

    def pipe(self, items: Iterable[Article | Rejected]) -> Iterator[Article | Rejected]:
        """Articles with this model's spans in place of what they had; the rejected pass through."""
        items = iter(items)
        while batch := list(itertools.islice(items, BATCH_TEXTS)):
            found = self.tag([item.text for item in batch if isinstance(item, Article)])
            for item in batch:
                if isinstance(item, Article):
                    spans = tuple(replace(span, model=str(self)) for span in next(found))
                    item = replace(item, spans=spans)
                yield item


def load(
    model: str | Path = DEFAULT_MODEL, *, threshold: float | Mapping[str, float] | None = None
) -> Tagger:
    """Load a model by name (the newest version of it), by name and version, or by folder.

    Args:
        threshold: the least score of a span that is given, for more precision or more recall: of all
            labels (0.7: of such spans at least seven in ten are right), or of some (``{"BRAND": 0.8}``).
            None for the model's own thresholds, which give the best F1.

    Raises:
        NerError: there is none, or it is damaged or from a newer version of ner; or a threshold is not
            between 0 and 1, or of a label that the model does not have.
    """
    folder = find_model(model)
    try:
        nlp = spacy.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise NerError(
            f"the model is damaged: {str(error).splitlines()[0]}",
            where=str(folder),
            remedy="install it again",
        ) from None
    if not nlp.has_pipe("span_tagger"):
        raise NerError("is a spaCy pipeline without our span tagger", where=str(folder))
    tagger = Tagger(nlp, folder)
    if threshold is not None:
        tagger.component.set_threshold(threshold)
        nlp.get_pipe_config("span_tagger")["threshold"] = threshold
    return tagger
