"""A real doccano on loopback: web server and task worker, in a virtual environment of their own.

doccano wants older versions of half of what we use, so it never shares ours. Its environment is
``DOCCANO_VENV``, or made once under ``~/.cache/ner-doccano``.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conftest import PATIENCE

PACKAGES = ("doccano==1.8.4", "marshmallow<4", "setuptools<81", "numpy<2")
ADMIN = ("admin", "p a/ss#1")


class NotInstalled(Exception):
    """doccano is not here, and no package index is reached; the message is pip's."""


def environment() -> Path:
    """The virtual environment that holds doccano, made where there is none.

    Raises:
        NotInstalled: pip reaches no package index.
        RuntimeError: it cannot be installed for another reason.
    """
    if given := os.environ.get("DOCCANO_VENV"):
        if not Path(given, "bin/doccano").exists():
            raise RuntimeError(f"DOCCANO_VENV={given} holds no doccano")
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "ner-doccano")
    done = cache / "installed"
    if not done.exists():
        pip = [cache / "bin/python", "-m", "pip", "install", "--quiet"]
        for command in (
            [sys.executable, "-m", "venv", "--clear", cache],
            [*pip, *PACKAGES],
        ):
            out = subprocess.run(command, capture_output=True, text=True, check=False)
            if out.returncode:
                is_offline = re.search("connection|name resolution|timed out", out.stderr, re.I)
                why = f"doccano cannot be installed: {out.stderr.strip()[-300:]}"
                raise NotInstalled(why) if is_offline else RuntimeError(why)
        done.touch()
    return cache


@dataclass
class Server:
    """A running doccano. ``home`` holds its database, uploads and logs."""

    venv: Path
    home: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> None:
        """A doccano command, to its end."""
        command = [self.venv / "bin/doccano", *arguments]
        out = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        if out.returncode:
            raise RuntimeError(f"doccano {arguments[0]} failed:\n{out.stdout}\n{out.stderr}")

    def start_web(self) -> None:
        """The same application as ``doccano webserver``, which would listen on every interface."""
        [backend] = self.venv.glob("lib/*/site-packages/backend")
        options = ["--bind", f"127.0.0.1:{self.port}", "--threads", "4", "--timeout", "0"]
        self._start(
            "web",
            [self.venv / "bin/python", "-m", "gunicorn", *options, "config.wsgi"],
            cwd=backend,
        )
        self._wait("web", self._answers)

    def start_worker(self) -> None:
        self._start("worker", [self.venv / "bin/doccano", "task", "--concurrency", "1"])
        self._wait("worker", lambda: " ready." in self._log("worker"))

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @property
    def _env(self) -> dict[str, str]:
        return {
            **os.environ,
            "DOCCANO_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "STANDALONE": "True",
            "DATABASE_URL": f"sqlite:///{self.home}/db.sqlite3",
            "MEDIA_ROOT": f"{self.home}/media",
        }

    def _start(self, name: str, command: list[str | Path], cwd: Path | None = None) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=cwd,
                env=self._env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            died = self.processes[name].poll() is not None
            if died or time.monotonic() > deadline:
                what = "died" if died else f"is not ready after {PATIENCE} s"
                raise RuntimeError(f"doccano's {name} {what}:\n{self._log(name)}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/", timeout=10) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


@contextlib.contextmanager
def serve(home: Path) -> Iterator[Server]:
    """A doccano with an empty database in `home` and the user `ADMIN`."""
    server = Server(environment(), home, free_port())
    server.run("init")
    server.run("createuser", "--username", ADMIN[0], "--password", ADMIN[1])
    try:
        server.start_web()
        server.start_worker()
        yield server
    finally:
        for name in list(server.processes):
            server.stop(name)


def free_port() -> int:
    """A port nothing listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
