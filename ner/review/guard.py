"""What holds for every request: which hosts and origins, how large a body, and the security headers."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    # No inline script and no inline style: text of an article that got into a page could not run.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps the application.

    Args:
        hosts: the names that the viewer is reached by; others are refused, since a page of somebody else
            could let its own name point here (DNS rebinding). All are taken where it is empty.
        limit: bytes that a body may have.
    """

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...], limit: int) -> None:
        self.app = app
        self.hosts = hosts
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise HTTPException(413, f"the body is larger than {self.limit:,} bytes")
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    added[name] = value
                added.setdefault("cache-control", "no-store")
            await send(message)

        if refused := self._refusal(scope["method"], headers):
            await refused(scope, receive, with_headers)
        else:
            await self.app(scope, limited, with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self.hosts and name not in self.hosts:
            return PlainTextResponse("this viewer is not known by that name: see --name", 400)
        origin = headers.get("origin")
        if method not in SAFE and origin and urlsplit(origin).netloc != host:
            return PlainTextResponse("a page of another site may not send this", 403)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.limit:
            return PlainTextResponse(f"the body is larger than {self.limit:,} bytes", 413)
        return None
