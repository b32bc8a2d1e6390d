"""`ner review`: serve the spot-check viewer; and who may use it over a network."""

import getpass
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl, group
from ner.cli.terminal import echo, needing, say
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.store import ReviewStore

reviewing = group("review", invoke_without_command=True)
users = group(
    "user", of=reviewing, no_args_is_help=True, help="Accounts: who may review over a network."
)

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@reviewing.callback()
def review(
    context: typer.Context,
    store: StoreUrl = DEFAULT_STORE,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8765,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open the page in the browser.")
    ] = False,
    reviewer: Annotated[
        str, typer.Option(help="Your name in what you decide; that of your login if omitted.")
    ] = "",
    model: Annotated[
        str, typer.Option(help="Whose spans; of each article those of the last model if omitted.")
    ] = "",
    login: Annotated[
        bool, typer.Option("--login", help="Everybody logs in, on this computer too.")
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A name that the viewer is reached by, for example behind a proxy."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="A TLS certificate (PEM): serve HTTPS.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")] = None,
) -> None:
    """Check in a web browser what the tagger found, and see how good it is.

    On this computer no login is needed. For others, add accounts (`ner review user add`), and give an
    address, a certificate and its key, or put a proxy with HTTPS before it and give `--login` and `--name`.

    Example: `ner review --store sqlite:///articles.db`
    """
    if context.invoked_subcommand:
        return
    local = host in LOOPBACK and not login
    if host not in LOOPBACK and not (certificate and key):
        raise NerError(
            f"{host} can be reached by others, and without HTTPS passwords could be read on the way",
            remedy="--certificate and --key; or a proxy with HTTPS before --host 127.0.0.1 --login",
        )
    with needing("review"):
        from ner.review.app import Settings
        from ner.review.guard import LOOPBACK as names
    from ner.store import ReviewStore

    known = () if host not in LOOPBACK and not name else (*names, *(name or ()))
    with ReviewStore(store) as opened:
        if not local and not opened.accounts():
            raise NerError("nobody may log in yet", remedy="ner review user add NAME")
        chosen = opened.find_model(model) if model else None
        if model and chosen is None:
            raise NerError(f"{model} has not tagged this store", remedy="ner tag --model")
        person = (reviewer or getpass.getuser()) if local else None
        settings = Settings(person, tuple(known), chosen)
        _serve(opened, settings, host, port, certificate, key, not no_open)


def _serve(
    store: "ReviewStore",
    settings: object,
    host: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    open_browser: bool,
) -> None:
    import threading
    import webbrowser

    import uvicorn

    from ner.review.app import Settings, create_app

    assert isinstance(settings, Settings)
    listening = listen(host, port)
    scheme = "https" if certificate else "http"
    shown = f"[{host}]" if ":" in host else host
    address = f"{scheme}://{shown}:{listening.getsockname()[1]}/"
    config = uvicorn.Config(
        create_app(store, settings),
        log_level="warning",
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        limit_concurrency=200,
        timeout_graceful_shutdown=5,
    )
    say(f"{address} (Ctrl-C ends it)")
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    uvicorn.Server(config).run([listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, so that the address may be shown: who reads it may come at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where it is told that this is TCP; with it an answer in two
    # parts waits 40 ms for an acknowledgement that the client delays.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise NerError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}",
            remedy="another --port, or end the viewer that runs there",
        ) from None
    return listening


Role = Annotated[str, typer.Option(help="reader (sees), reviewer (decides), admin (makes queues).")]


@users.command()
def add(name: str, role: Role = "reviewer", store: StoreUrl = DEFAULT_STORE) -> None:
    """Add an account, or give one another password and role. The password is asked for, or read from a pipe.

    Example: `ner review user add 陈静 --role reviewer`
    """
    with needing("review"):
        from ner.review.access import hash_password
    from ner.store import Account, ReviewStore

    with ReviewStore(store) as opened:
        if sys.stdin.isatty():
            password = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        else:
            password = sys.stdin.readline().rstrip("\n")
        if len(password) < 10:
            raise NerError("the password is short", remedy="10 characters at least")
        opened.put_account(Account(name, role, hash_password(password)))
    say(f"{name} may log in as {role}")


@users.command()
def remove(name: str, store: StoreUrl = DEFAULT_STORE) -> None:
    """Remove an account, and log it out. What was decided by it stays.

    Example: `ner review user remove 陈静`
    """
    from ner.store import ReviewStore

    with ReviewStore(store) as opened:
        if not opened.remove_account(name):
            raise NerError(f"no account {name}", remedy="ner review user list")
    say(f"{name} may no longer log in")


@users.command("list")
def list_users(store: StoreUrl = DEFAULT_STORE) -> None:
    """The accounts with their roles.

    Example: `ner review user list`
    """
    from ner.store import ReviewStore

    with ReviewStore(store) as opened:
        for account in opened.accounts():
            echo(f"{account.name}\t{account.role}")
