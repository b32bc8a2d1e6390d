"""A system in a process of its own, so that no other system's threads, memory or imports distort its figures.

``python -m benchmarks.worker NAME`` answers JSON lines: first its version, then for each ``{"texts": […]}``
seconds, spans and peak memory.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ner.article import Span
from ner.errors import NerError

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """One pass over texts: raw text in, spans out. Memory is the peak resident set, in bytes."""

    seconds: float
    memory: int
    spans: list[list[Span]]


class Worker:
    """A system's process; `run` tags texts in it, leaving the block ends it.

    Raises:
        NerError: the system cannot be loaded; why is in the message.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            hello = self._read()
            if "error" in hello:
                raise NerError(hello["error"], remedy=hello["remedy"])
        except NerError:
            self.close()
            raise
        self.version = str(hello["version"])
        self.load_seconds = float(hello["seconds"])

    def run(self, texts: list[str]) -> Answer:
        """Tag texts once, timed inside the process."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"texts": texts}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        spans = [[Span(*span) for span in found] for found in answer["spans"]]
        return Answer(answer["seconds"], answer["memory"], spans)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            last = self._log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise NerError(f"its process ended: {''.join(last) or 'no message'}", where=self.name)
        value: dict[str, Any] = json.loads(line)
        return value

    def close(self) -> None:
        """End the process and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve(name: str) -> None:
    """Load a system and answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that what libraries print is not taken for an answer

    def say(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    started = time.perf_counter()
    try:
        from benchmarks.systems import load

        find, version = load(name)
    except NerError as error:
        say(error=error.message, remedy=error.remedy)
        return
    say(version=version, seconds=time.perf_counter() - started)
    for line in sys.stdin:
        texts = json.loads(line)["texts"]
        started = time.perf_counter()
        found = [list(spans) for spans in find(texts)]
        took = time.perf_counter() - started
        rows = [[(span.start, span.end, span.label) for span in spans] for spans in found]
        say(seconds=took, memory=peak_memory(), spans=rows)


def peak_memory() -> int:
    """Peak resident set of this process in bytes. ``ru_maxrss`` would count the parent's before exec."""
    with open("/proc/self/status", encoding="ascii") as status:
        [line] = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    serve(sys.argv[1])
