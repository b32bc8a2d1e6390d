from ner.cli import app

app()
