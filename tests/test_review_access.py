"""Who may do what over a network: a real server that wants a login, asked as an attacker would."""

import asyncio
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from conftest import PATIENCE, make_article
from viewer import serving

from ner.article import Span
from ner.cli.review import listen
from ner.store import Account, ModelKey, ReviewStore

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
Answer = tuple[int, Message, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewStore]:
    argon2 = pytest.importorskip("argon2", reason="the extra review is not installed")
    articles = [make_article(number, spans=(Span(8, 11, "LOC", 0.9),)) for number in range(3)]
    with ReviewStore(f"sqlite:///{tmp_path_factory.mktemp('access')}/a.db", create=True) as opened:
        list(opened.add(articles))
        opened.write_results(opened.start_run(ModelKey("news", "1.0", "a" * 64)), articles)
        for role in ("reader", "reviewer", "admin"):
            opened.put_account(Account(role, role, argon2.PasswordHasher().hash(PASSWORD)))
        yield opened


@pytest.fixture(scope="module")
def address(store: ReviewStore) -> Iterator[str]:
    with serving(str(store._engine.url), "--login") as found:
        yield found


def ask(address: str, path: str, body: object = None, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        address + path, data, {"content-type": "application/json", **named}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, parse(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, parse(error.read())


def parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()


def log_in(address: str, name: str) -> dict[str, str]:
    """The headers of somebody who is logged in."""
    status, headers, _ = ask(address, "api/login", {"name": name, "password": PASSWORD})
    assert status == 200
    cookie = {"cookie": headers["set-cookie"].partition(";")[0]}
    return {**cookie, "x_csrf_token": ask(address, "api/me", **cookie)[2]["csrf"]}


ACT = {"id": "action-0001", "article": make_article(1).id, "text_hash": make_article(1).text_hash}
ACT |= {"changes": [{"start": 8, "end": 11, "label": "LOC", "verdict": "right"}]}  # type: ignore[dict-item]
QUEUE = {"name": "q", "kind": "random"}


def test_without_a_login_nothing_is_shown_or_done(address: str) -> None:
    spec = ask(address, "openapi.json")[2]
    asked = [(path, method) for path, methods in spec["paths"].items() for method in methods]
    assert len(asked) >= 10
    for path, method in asked:
        if path != "/api/login":
            body = {} if method == "post" else None
            assert ask(address, path[1:], body)[0] in (401, 422), path
    for page in ("", "queues", "figures", "improve"):
        assert 'data-api="/api/login"' in ask(address, page)[2]


def test_each_role_may_do_what_it_is_for(address: str) -> None:
    may = {
        "reader": (200, 403, 403),
        "reviewer": (200, 200, 403),
        "admin": (200, 200, 201),
    }
    for role, expected in may.items():
        who = log_in(address, role)
        seen = ask(address, f"api/article?id={ACT['article']}", **who)[0]
        acted = ask(address, "api/act", {**ACT, "id": f"by-{role}-0"}, **who)[0]
        made = ask(address, "api/queues", QUEUE, **who)[0]
        assert (seen, acted, made) == expected, role
        compared = ask(address, "api/compare", {"model": "none"}, **who)[0]
        assert compared == (403 if role == "reader" else 422), role


def test_another_sites_page_can_change_nothing(address: str) -> None:
    who = log_in(address, "reviewer")
    assert ask(address, "api/act", ACT, cookie=who["cookie"])[0] == 403
    assert ask(address, "api/act", ACT, **{**who, "x_csrf_token": "é"})[0] == 403
    assert ask(address, "api/act", ACT, origin="http://evil.example", **who)[0] == 403
    assert ask(address, "api/act", ACT, host="evil.example", **who)[0] == 400  # DNS rebinding
    assert ask(address, "api/act", ACT, **who)[0] == 200


def test_cookies_and_headers_are_strict(address: str) -> None:
    body = {"name": "reader", "password": PASSWORD}
    cookie = ask(address, "api/login", body)[1]["set-cookie"]
    assert cookie.startswith("__Host-ner=")
    assert all(flag in cookie for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    for path in ("", "api/me", "static/article.js"):
        headers = ask(address, path)[1]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["server"] is None


def test_after_a_logout_the_cookie_is_worth_nothing(address: str) -> None:
    who = log_in(address, "reader")
    assert ask(address, "api/logout", {}, **who)[0] == 200
    assert ask(address, "api/me", cookie=who["cookie"])[0] == 401


def test_guessing_passwords_is_slowed_down(address: str) -> None:
    tries = [ask(address, "api/login", {"name": "nobody", "password": "x"}) for _ in range(6)]
    assert [status for status, *_ in tries] == [401] * 5 + [429]
    assert int(tries[-1][1]["retry-after"]) >= 1
    log_in(address, "reader")  # others at the same address are not shut out


def test_a_program_tags_with_name_and_password(address: str) -> None:
    basic = "Basic cmVhZGVyOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ=="
    status, _, answer = ask(
        address, "api/tag", {"text": "😀南岸区政府昨天开会。"}, authorization=basic
    )
    assert status == 200
    found = [(span["start"], span["end"], span["label"], span["text"]) for span in answer["spans"]]
    assert (1, 4, "LOC", "南岸区") in found
    assert ask(address, "api/tag", {"text": "南岸区"}, authorization="Basic eDp5")[0] == 401
    too_long = {"authorization": basic, "content_length": "5000000"}
    assert ask(address, "api/tag", {"text": "南岸区"}, **too_long)[0] == 413


JUNK: list[object] = [
    *(b"", b"{", b"[]", b'"\\ud800"', b"\xff\xfe", b"[" * 100_000, b"null"),
    {**ACT, "article": "\0"},
    {**ACT, "article": "\ud800"},
    {**ACT, "changes": [{"start": 5, "end": 5, "label": "LOC", "verdict": "right"}]},
    {**ACT, "changes": [{"start": 0, "end": 2**40, "label": "LOC", "verdict": "right"}]},
    {
        **ACT,
        "changes": [{"start": 0, "end": 9999, "label": "LOC", "verdict": "right"}],
        "id": "x" * 9,
    },
    {**ACT, "seen": -1},
    {"queue": 10**30, "after": "x"},
    {"queue": 99, "after": "\ud800"},
    {"text": "\ud800"},
    {"text": "\0"},
    {**QUEUE, "date": "2025-99"},
    {**QUEUE, "size": 10**30},
    {"id": "junk-undo-1"},
    {"name": "\ud800", "password": "\0"},
]


@pytest.mark.parametrize("path", ["act", "undo", "next", "queues", "tag", "login"])
def test_no_body_breaks_it(address: str, path: str) -> None:
    who = log_in(address, "admin")
    for body in JUNK:
        assert ask(address, f"api/{path}", body, **who)[0] < 500, body


def test_an_address_that_others_reach_needs_https_and_accounts(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with ReviewStore(url, create=True) as opened:
        list(opened.add([make_article(1)]))

    def ner(*words: str, typed: str = "") -> str:
        command = [sys.executable, "-m", "ner", "review", *words, "--store", url]
        done = subprocess.run(command, input=typed, capture_output=True, text=True)
        return done.stdout + done.stderr

    assert "passwords could be read on the way" in ner("--host", "0.0.0.0", "--no-open")
    assert "nobody may log in yet (ner review user add NAME)" in ner("--login", "--no-open")
    assert "10 characters at least" in ner("user", "add", "陈静", typed="short\n")
    assert "陈静 may log in as reader" in ner(
        "user", "add", "陈静", "--role", "reader", typed=f"{PASSWORD}\n"
    )
    assert ner("user", "list") == "陈静\treader\n"
    with ReviewStore(url) as opened:
        assert PASSWORD not in opened.accounts()[0].password_hash


def test_an_answer_does_not_wait_for_the_clients_acknowledgement() -> None:
    """Where Nagle's algorithm is on, each answer in two parts takes 40 ms more."""

    async def nagle_is_off() -> bool:
        connected: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            connected.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            await writer.wait_closed()

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(take, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            off = await connected
            writer.close()
            await writer.wait_closed()
        return bool(off)

    assert asyncio.run(nagle_is_off())
