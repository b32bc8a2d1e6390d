"""The command line: options, composition, one-line errors, exit status. Nothing else.

Commands import what they need inside, since ``ner --help`` must not wait for spaCy.
"""

from ner.cli import (
    annotate,
    articles,
    brands,
    corpus,
    corpus_parts,
    doccano,
    export,
    models,
    organisations,
    places,
    report,
    review,
    runs,
    show,
    store,
    tag,
    words,
)
from ner.cli.app import app

__all__ = [
    "annotate",
    "app",
    "articles",
    "brands",
    "corpus",
    "corpus_parts",
    "doccano",
    "export",
    "models",
    "organisations",
    "places",
    "report",
    "review",
    "runs",
    "show",
    "store",
    "tag",
    "words",
]
