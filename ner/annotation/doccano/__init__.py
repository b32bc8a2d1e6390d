"""doccano, where people annotate: articles are pushed with pre-labels and pulled as people left them.

doccano's page is JavaScript, so it counts offsets in UTF-16 units, and its API stores what the page
sends: both directions are converted here and nowhere else. Line ends and blanks stay as uploaded.
Each example carries its article's id and the hash of its text: so a push knows what it need not send
again, and a pull that nobody edited the text.
"""

from ner.annotation.doccano.project import Project, guideline, make_project, open_project
from ner.annotation.doccano.pull import Labelled, count_open, labelled_row, pull
from ner.annotation.doccano.push import Pushed, push
from ner.annotation.doccano.server import connect

__all__ = [
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
