"""spaCy's default CNN recogniser, trained on the same articles as ours, characters as tokens."""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ner import corpus
from ner.article import Article, outermost

STEPS = 20_000  # spaCy's own default; it stops by itself when dev no longer gets better


def trained(
    train_files: Sequence[Path], dev_file: Path, cache: Path, *, steps: int = STEPS
) -> Path:
    """The folder of the pipeline; trained when the cache has none for this data."""
    data = b"".join(path.read_bytes() for path in (*train_files, dev_file)) + str(steps).encode()
    folder = cache / f"spacy-cnn-{hashlib.sha256(data).hexdigest()[:12]}"
    if not (folder / "meta.json").is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _train(train_files, dev_file, folder, steps)
    return folder


def _train(train_files: Sequence[Path], dev_file: Path, folder: Path, steps: int) -> None:
    from spacy.cli.init_config import init_config
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train

    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        config = init_config(lang="zh", pipeline=["ner"], optimize="efficiency", gpu=False)
        for name, files in (("train", train_files), ("dev", [dev_file])):
            path = Path(scratch, f"{name}.spacy")
            _write(list(corpus.read(files)), path)
            config["paths"][name] = str(path)
        config["training"]["max_steps"] = steps
        train(init_nlp(config), Path(scratch), stdout=sys.stderr)
        Path(scratch, "model-best").rename(folder)


def _write(articles: Sequence[Article], path: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.blank("zh")  # its tokenizer cuts characters unless told otherwise
    docs = DocBin()
    for article in articles:
        doc = nlp.make_doc(article.text)
        names = [doc.char_span(s.start, s.end, s.label) for s in outermost(article.spans)]
        doc.ents = tuple(name for name in names if name)
        docs.add(doc)
    docs.to_disk(path)
