"""A model folder as a loaded tagger: a spaCy pipeline, and texts or articles through it."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import spacy
from spacy.language import Language

from ner.article import Article, Rejected, Span
from ner.errors import NerError, first_line
from ner.tagger import checksums
from ner.tagger.component import SpanTagger, Threshold
from ner.tagger.house import read_house_words
from ner.tagger.registry import DEFAULT_MODEL, FOLDER_NAME, find_model


def make_pipeline(name: str, version: str, component: SpanTagger, *, license: str = "") -> Language:
    """A spaCy pipeline around a filled component, ready for ``nlp.to_disk``."""
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "ner.characters.v1"}}})
    # spaCy's default is the version at hand and later, though any 3.8 reads the model.
    nlp.meta.update(name=name, version=version, license=license, spacy_version=">=3.8,<3.9")
    cast(SpanTagger, nlp.add_pipe("span_tagger")).from_bytes(component.to_bytes())
    return nlp


_LOG = logging.getLogger(__name__)


class Tagger:
    """A loaded model: call it on a text, or `tag` many.

    Args:
        nlp: the spaCy pipeline, for displaCy and the rest of spaCy's world.
        folder: where it was loaded from.

    Its ``data`` are the files it was trained on, with their SHA-256. Its ``hash`` is the model's, whatever
    threshold it was loaded with.

    Raises:
        NerError: the pipeline has no span tagger of ours, or no name and version that name a folder.
    """

    def __init__(self, nlp: Language, folder: Path) -> None:
        if not nlp.has_pipe("span_tagger"):
            raise _other_pipeline(folder)
        for field in ("name", "version"):
            value = nlp.meta.get(field)
            if not isinstance(value, str) or not FOLDER_NAME.fullmatch(value):
                raise NerError(
                    f"{field} {value!r} of the model cannot name a folder",
                    where=str(folder / "meta.json"),
                    remedy="letters, digits, - _ + . after a letter or digit",
                )
        self.nlp = nlp
        self.folder = folder
        self.component = cast(SpanTagger, nlp.get_pipe("span_tagger"))
        self.name: str = nlp.meta["name"]
        self.version: str = nlp.meta["version"]
        self.hash = self.component.hash
        self.data: dict[str, str] = nlp.meta.get("data", {})

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"

    def __call__(self, text: str) -> list[Span]:
        """Spans of one text; any string goes, the empty one too."""
        return self.component.predict([_checked(text)])[0]

    def tag(self, texts: Iterable[str]) -> Iterator[list[Span]]:
        """Spans of each text, in order; texts are read a little ahead.

        Raises:
            TypeError: it is one string (call the tagger itself for that), or one of them is none.
        """
        if isinstance(texts, str | bytes) or texts is None:
            raise TypeError(
                f"tag takes several texts, not one {type(texts).__name__}; for one text: tagger(text)"
            )
        return self.component.stream(map(_checked, texts))

    def pipe(self, items: Iterable[Article | Rejected]) -> Iterator[Article | Rejected]:
        """Articles with this model's spans in place of what they had; the rejected pass through."""
        waiting: deque[Article | Rejected] = deque()

        def texts() -> Iterator[str]:
            for item in items:
                waiting.append(item)
                if isinstance(item, Article):
                    yield item.text

        for found in self.component.stream(texts()):
            while isinstance(waiting[0], Rejected):
                yield waiting.popleft()
            article = cast(Article, waiting.popleft())
            yield replace(article, spans=tuple(replace(span, model=str(self)) for span in found))
        yield from waiting


def _other_pipeline(folder: Path) -> NerError:
    return NerError(
        "is a spaCy pipeline without our span tagger",
        where=str(folder),
        remedy="name a model of ours; another pipeline can be a teacher, --teacher spacy:PATH",
    )


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}: {text!r:.40}")
    return text


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    threshold: Threshold = None,
    threads: int = 0,
    names: str | Path | None = None,
    never: str | Path | None = None,
) -> Tagger:
    """Load a model by name (the newest version of it), by name and version, or by folder.

    Args:
        threshold: the least score of a span that is given, for more precision or more recall: of all
            labels (0.7: of such spans at least seven in ten are right), or of some (``{"BRAND": 0.8}``).
            None for the model's own thresholds, which give the best F1.
        threads: how many batches run side by side; 0 for as many as there are processors.
        names: a file of names that are to be found, see `house.read_house_words`.
        never: a file of strings that are never to be marked. Either is in place of both lists that the
            model was saved with.

    Raises:
        NerError: there is none, or it is damaged or from a newer version of ner; or a threshold is not
            between 0 and 1, or of a label that the model does not have; or a line of a word list is wrong.
    """
    folder = find_model(model)
    checksums.verify(folder)
    try:
        if "span_tagger" not in spacy.util.load_config(folder / "config.cfg")["components"]:
            raise _other_pipeline(folder)
        tagger = Tagger(
            spacy.load(folder, config={"components.span_tagger.threads": threads}), folder
        )
    except NerError:
        raise
    except Exception as error:  # spaCy's, confection's and msgpack's own, whatever the damage
        raise NerError(
            f"the model is damaged: {first_line(error)}",
            where=str(folder),
            remedy="install it again",
        ) from None
    if threshold is not None:
        tagger.component.set_threshold(threshold)
        tagger.nlp.get_pipe_config("span_tagger")["threshold"] = threshold
    if names or never:
        tagger.component.house = read_house_words(
            Path(names) if names else None,
            Path(never) if never else None,
            tagger.component.labels,
        )
        tagger.component.set_threshold(threshold)  # looks lower for listed names
    _LOG.info("loaded the model %s from %s", tagger, folder)
    return tagger


def model_path(model: str | Path = DEFAULT_MODEL) -> Path:
    """The folder of a model, for ``spacy.load``; names as in `load`.

    Raises:
        NerError: there is none.
    """
    return find_model(model)
