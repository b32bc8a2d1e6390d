"""The log of the library's modules on standard error, as text or as JSON."""

import json
import logging
import sys
from datetime import UTC, datetime

FORMATS = ("text", "json")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, and figures or a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        from ner.cli.terminal import hide_secrets

        row = {key: hide_secrets(value) for key, value in row.items()}
        row |= getattr(record, "fields", {})  # figures: numbers by name
        return json.dumps(row)  # ASCII: nothing in it can reach a terminal as a control character


class TextFormatter(logging.Formatter):
    """A line a record, control characters made visible."""

    def format(self, record: logging.LogRecord) -> str:
        from ner.cli.terminal import hide_secrets, safe

        return safe(hide_secrets(super().format(record)))


def configure(*, debug: bool, form: str) -> None:
    """Log what the modules of ``ner`` do, and only theirs: other libraries may log data and secrets.

    Args:
        debug: everything; without it, warnings, and with a `form` also what is done.
        form: one of `FORMATS`, or empty for text.
    """
    if not logging.root.handlers:  # else Python prints warnings of others, and as no JSON
        logging.root.addHandler(logging.NullHandler())
    logger = logging.getLogger("ner")
    for old in list(logger.handlers):
        logger.removeHandler(old)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter()
        if form == "json"
        else TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO if form else logging.WARNING)
    logger.propagate = False


def is_json() -> bool:
    """True where messages for the user go to the log as well, since a program reads it."""
    handlers = logging.getLogger("ner").handlers
    return any(isinstance(handler.formatter, JsonFormatter) for handler in handlers)


def is_debug() -> bool:
    """True with ``--debug``."""
    return logging.getLogger("ner").isEnabledFor(logging.DEBUG)
