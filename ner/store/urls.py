"""Store URLs: which are accepted, and what of one may be shown. A password is never part of that."""

import re
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from ner.errors import NerError

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
"""What a URL begins with, and the driver that is used."""

_REMEDY = "write sqlite:///articles.db or postgresql://user@host/name"
# Only these are shown: a part with other characters may hold a piece of a mistyped password.
_SHOWN = re.compile(r"[\w.-]*|[0-9A-Fa-f:.]+")
_PLAIN_OPTIONS = ("host", "port", "dbname")
_PATH = re.compile(r"[^@?;=&]*")


def parse_url(url: str, drivers: Mapping[str, str] = DRIVERS) -> URL:
    """A store's URL in its parts.

    Args:
        drivers: what it may begin with, and the driver of each.

    Raises:
        NerError: it begins with something else, or cannot be read without guessing. The message shows
            nothing that could be a password.
    """
    if url.endswith(".toml"):
        raise NerError(
            "is the config of a table that others own; this command needs a store of ner's own",
            where=_safe_text(url),
            remedy=f"ner export --store {_safe_text(url)} --output a.jsonl, then ner ingest a.jsonl",
        )
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: a port that is not a number
        raise _refused(url, _REMEDY) from None
    if parsed.drivername not in drivers:
        raise _refused(url, _REMEDY)
    if parsed.drivername == "sqlite":
        if parsed.host or parsed.username or parsed.password:
            raise _refused(url, "a file has three slashes: sqlite:///articles.db")
        if parsed.query and "uri" not in parsed.query:
            raise _refused(url, "options need the form sqlite:///file:articles.db?mode=ro&uri=true")
        return parsed
    rest = url.partition("://")[2]
    if rest.count("@") > 1 or "@" in rest[len(re.split("[/?#]", rest)[0]) :]:
        raise _refused(url, "in a password write @ as %40, / as %2F, ? as %3F, # as %23")
    if not _SHOWN.fullmatch(parsed.host or "") or re.search("[@:]", parsed.database or ""):
        raise _refused(url, _REMEDY)
    return parsed.set(drivername=drivers[parsed.drivername])


def safe_url(url: str | URL) -> str:
    """What of a store's URL may be shown: its kind, host, port and database.

    User, password and options never are. Of what is no store's URL only the scheme is shown, or all if
    it looks like a file's name.
    """
    if isinstance(url, str):
        try:
            url = parse_url(url)
        except NerError:
            return _safe_text(str(url))
    if url.get_backend_name() == "sqlite":
        path = url.database or ""
        return f"sqlite:///{path if _PATH.fullmatch(path) else '…'}"
    host = url.host or ""
    port = f":{url.port}" if url.port else ""
    shown_host = f"[{host}]" if ":" in host else host
    return f"{url.get_backend_name()}://{shown_host}{port}/{_part(url.database)}"


def secrets(url: URL) -> list[str]:
    """The parts of a URL that no message may repeat, not even the database's own."""
    values = [
        value
        for key, given in url.query.items()
        for value in ((given,) if isinstance(given, str) else given)
        if key not in _PLAIN_OPTIONS or not _PATH.fullmatch(value)
    ]
    unusual = [part for part in (url.username, url.database) if _part(part) != (part or "")]
    password = str(url.password) if url.password else ""
    return [secret for secret in (password, *values, *unusual) if secret]


def _part(text: str | None) -> str:
    return text if text and _SHOWN.fullmatch(text) else "…" if text else ""


def _safe_text(url: str) -> str:
    scheme = re.match(r"[a-z][a-z0-9+]{0,20}(?=://)", url)
    if scheme:
        return f"{scheme[0]}://…"
    return url if re.fullmatch(r"[\w./\\ -]+", url) else "…"


def _refused(url: str, remedy: str) -> NerError:
    return NerError(f"{_safe_text(url)!r} is not a store", remedy=remedy)
