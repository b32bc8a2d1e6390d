"""The connection to a doccano server. No message shows a password, nor an address that holds one."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from doccano_client import DoccanoClient
from requests.adapters import HTTPAdapter

from ner.errors import NerError

REQUEST_TIMEOUT = 60.0  # seconds
_LOGIN = "/v1/auth/login/"


def connect(url: str, user: str, password: str) -> DoccanoClient:
    """Log in.

    Args:
        url: ``http://host:port/``, without a user or password.

    Raises:
        NerError: nothing answers there, it is not doccano, or it refuses the user.
    """
    parts = _split(url)
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    try:
        return _Client(address, user, password)
    except ValueError:  # the answer to the login is not JSON
        raise NerError("is not a doccano server", where=address, remedy="check --url") from None
    except requests.RequestException as error:  # raised before or after the adapter below
        raise NerError(
            f"cannot be reached ({type(error).__name__})", where=address, remedy="check --url"
        ) from None


def _split(url: str) -> SplitResult:
    """The parts of a server's address.

    Raises:
        NerError: it is not one, or has more than a server's address needs.
    """
    try:
        parts = urlsplit(url)
        valid = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:  # of ports and brackets
        valid = False
    # An address that is refused is not shown: any part of it may be a password.
    if not valid or "@" in url or parts.query or parts.fragment:
        raise NerError(
            "--url is not the address of a doccano server",
            remedy="write it as http://127.0.0.1:8000; user and password have options of their own",
        )
    return parts


class _Client(DoccanoClient):  # type: ignore[misc]
    def _login(self, username: str, password: str) -> Any:
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _CheckedAdapter())
        return super()._login(username, password)


class _CheckedAdapter(HTTPAdapter):
    """Gives requests a time limit and errors a message; doccano-client does neither.

    A redirect to another server is an error, since requests would send it the login as well.
    """

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or REQUEST_TIMEOUT
        parts = urlsplit(request.url or "")
        where = f"doccano at {parts.scheme}://{parts.netloc}"
        try:
            response = super().send(request, **options)
            _ = response.content  # read here, so that a broken answer raises here
        except requests.Timeout:
            raise NerError(
                f"no answer in {REQUEST_TIMEOUT:g} s",
                where=where,
                remedy="is it overloaded? run this again",
            ) from None
        except requests.RequestException:
            raise NerError(
                "cannot be reached",
                where=where,
                remedy="is `doccano webserver` running? check --url",
            ) from None
        target = urlsplit(response.headers.get("Location", "")) if response.is_redirect else None
        if target and target.netloc and target[:2] != parts[:2]:
            raise NerError(
                f"redirects to {target.scheme}://{target.hostname}",
                where=where,
                remedy="give the address of doccano itself as --url",
            )
        if response.status_code >= 400:
            raise _refusal(response, parts.path, where)
        return response


def _refusal(response: requests.Response, path: str, where: str) -> NerError:
    status = response.status_code
    login = path.endswith(_LOGIN)
    if login and status in (400, 401, 403):
        return NerError(
            "wrong user or password",
            where=where,
            remedy="check NER_DOCCANO_USER and NER_DOCCANO_PASSWORD",
        )
    if login and status == 404:
        return NerError("is not a doccano server", where=where, remedy="check --url")
    if status in (401, 403):
        return NerError(
            f"permission denied for {path}", where=where, remedy="log in as an admin of the project"
        )
    if status == 404 and "/v1/projects/" in path:
        return NerError(
            "the project was deleted in the meantime",
            where=where,
            remedy="ner annotate push makes it again",
        )
    # An answer to the login may repeat what was sent.
    detail = "" if login else f": {' '.join(response.text.split())[:200]}"
    return NerError(
        f"answered {status} to {path}{detail}",
        where=where,
        remedy="look into doccano's log; run this again",
    )
