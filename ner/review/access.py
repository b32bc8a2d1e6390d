"""Who is asking, and what they may do: sessions, passwords, roles, CSRF tokens, throttled logins."""

import datetime
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from ner.review.guard import SAFE
from ner.store import ROLES, ReviewStore

COOKIE = "__Host-ner"  # the prefix lets a browser take it only over HTTPS or from this computer
SESSION = datetime.timedelta(hours=12)
# Wrong passwords before one has to wait; a whole office may share an address.
FREE_TRIES = {"name": 5, "address": 50}
LONGEST_WAIT = 15 * 60.0  # seconds
_REMEMBERED = 10_000  # names and addresses with wrong passwords that are kept in memory

_hasher = PasswordHasher()
# Verified where there is no such account, so that the time taken does not tell.
_NOBODY = _hasher.hash(secrets.token_hex(16))
hash_password = _hasher.hash


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking.

    Args:
        csrf: what their own pages send with every change, and no other site can know.
        local: they work at this computer, without a login.
    """

    name: str
    role: str
    csrf: str
    local: bool = False

    def may(self, role: str) -> bool:
        """True where the person has this role, or one that may do more."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Throttle:
    """Makes whoever gives wrong passwords wait, twice as long after each one."""

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[int, float]] = {}

    def wait(self, *keys: str) -> float:
        """Seconds until the next try is allowed, 0 for now."""
        ends = [0.0]
        for key in keys:
            times, at = self._wrong.get(key, (0, 0.0))
            too_many = times - FREE_TRIES[key.partition(" ")[0]]
            if too_many >= 0:
                ends.append(at + min(2.0 ** min(too_many, 20), LONGEST_WAIT) - time.monotonic())
        return max(ends)

    def wrong(self, *keys: str) -> None:
        """Note a wrong password for a name and an address."""
        for key in keys:
            times, _ = self._wrong.pop(key, (0, 0.0))
            self._wrong[key] = (times + 1, time.monotonic())
        while len(self._wrong) > _REMEMBERED:
            self._wrong.pop(next(iter(self._wrong)))

    def right(self, *keys: str) -> None:
        """Forget the wrong ones."""
        for key in keys:
            self._wrong.pop(key, None)


class Access:
    """The accounts of a viewer.

    Args:
        local: the name of whoever works at this computer; None where everybody has to log in.
    """

    def __init__(self, store: ReviewStore, local: str | None) -> None:
        self.store = store
        self.local = local
        self._secret = secrets.token_hex(32)
        self._throttle = Throttle()

    def log_in(self, name: str, password: str, address: str) -> str:
        """A new session's token.

        Raises:
            HTTPException: 401 for a wrong name or password, 429 after too many.
        """
        self.check_password(name, password, address)
        token = secrets.token_urlsafe(32)
        until = datetime.datetime.now(datetime.UTC) + SESSION
        self.store.start_session(name, _hash(token), until)
        return token

    def log_out(self, token: str) -> None:
        """End a session."""
        self.store.end_session(_hash(token))

    def check_password(self, name: str, password: str, address: str) -> str:
        """The role of an account.

        Raises:
            HTTPException: as `log_in`.
        """
        keys = (f"name {name}", f"address {address}")
        if wait := self._throttle.wait(*keys):
            seconds = str(int(wait) + 1)
            raise HTTPException(429, f"wait {seconds} seconds", {"Retry-After": seconds})
        account = next((each for each in self.store.accounts() if each.name == name), None)
        try:
            _hasher.verify(account.password_hash if account else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            account = None
        if account is None:
            self._throttle.wrong(*keys)
            raise HTTPException(401, "wrong name or password")
        self._throttle.right(*keys)
        return account.role

    def person(self, request: Request, basic: HTTPBasicCredentials | None) -> Person | None:
        """Who is asking; None where nobody is logged in."""
        if self.local is not None:
            return Person(self.local, "admin", _csrf(self._secret), local=True)
        if basic:
            address = request.client.host if request.client else ""
            return Person(
                basic.username,
                self.check_password(basic.username, basic.password, address),
                "",
            )
        token = request.cookies.get(COOKIE, "")
        account = self.store.account_of(_hash(token)) if token else None
        return Person(account.name, account.role, _csrf(token)) if account else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _csrf(secret: str) -> str:
    return hmac.new(secret.encode(), b"csrf", "sha256").hexdigest()


Basic = Annotated[HTTPBasicCredentials | None, Depends(HTTPBasic(auto_error=False))]


def find_person(request: Request, basic: Basic) -> Person | None:
    """Who is asking, for pages that send others to the login."""
    access: Access = request.app.state.access
    return access.person(request, basic)


Anybody = Annotated[Person | None, Depends(find_person)]


class _Needing:
    """Lets only those pass who have a role; a change needs the CSRF token of the page too."""

    def __init__(self, role: str, *, csrf: bool = True) -> None:
        self.role = role
        self.csrf = csrf

    async def __call__(self, request: Request, person: Anybody) -> Person:
        if person is None:
            raise HTTPException(401, "log in first")
        if not person.may(self.role):
            article = "an" if self.role == "admin" else "a"
            raise HTTPException(403, f"only {article} {self.role} may do this")
        if self.csrf and person.csrf and request.method not in SAFE:
            sent = request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(sent.encode(), person.csrf.encode()):
                raise HTTPException(403, "csrf")
        return person


Reader = Annotated[Person, Depends(_Needing("reader"))]
Reviewer = Annotated[Person, Depends(_Needing("reviewer"))]
Admin = Annotated[Person, Depends(_Needing("admin"))]
# Changes nothing, so that a program may send it without a page's token.
Program = Annotated[Person, Depends(_Needing("reader", csrf=False))]
