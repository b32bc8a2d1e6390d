"""doccano, where people annotate: articles go there with pre-labels and come back as people left them.

doccano's page is JavaScript, so it counts offsets in UTF-16 units, and its API stores what the page
sends: both directions are converted here and nowhere else. Line ends and blanks stay as uploaded.
Each example carries its article's id and the hash of its text, which is how a push knows what is there
already and how a pull knows that nobody edited the text.
"""

from ner.annotation.doccano.pull import Labelled, count_open, labelled_row, pull
from ner.annotation.doccano.push import TIMEOUT, Pushed, push
from ner.annotation.doccano.server import Project, connect, guideline, make_project, open_project

__all__ = [
    "TIMEOUT",
    "Labelled",
    "Project",
    "Pushed",
    "connect",
    "count_open",
    "guideline",
    "labelled_row",
    "make_project",
    "open_project",
    "pull",
    "push",
]
