"""Our own tagger as a teacher."""

from ner.annotation.teachers.teacher import Teacher
from ner.tagger.registry import DEFAULT_MODEL


def model(argument: str) -> Teacher:
    """A model of ours, by name or folder; the one in use if neither is given.

    Its labels are its own and are not translated.
    """
    from ner.tagger.loading import load  # imports spaCy, which the other teachers do without

    tagger = load(argument or DEFAULT_MODEL)
    labels = frozenset(tagger.component.settings.labels)
    return Teacher(str(tagger), labels, tagger.component.predict)
