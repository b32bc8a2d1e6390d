"""``python -m ner`` is ``ner``."""

from ner.cli import app

app()
