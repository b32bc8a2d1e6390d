"""The page of figures: each section is replaced on its own and names machine, versions and command."""

import datetime
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def conditions(module: str = "benchmarks") -> list[str]:
    """Date, machine, versions, load and command (``python -m`` of a module), as lines of Markdown."""
    versions = [f"{name} {version(name)}" for name in ("onnxruntime", "numpy", "spacy")]
    return [
        f"{datetime.date.today()} · {_processor()}, {os.cpu_count()} cores ·"
        f" Python {platform.python_version()}, {', '.join(versions)} ·"
        f" load average at the start {os.getloadavg()[0]:.1f}",
        "",
        "```sh",
        f"python -m {module} {shlex.join(sys.argv[1:])}",
        "```",
    ]


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def replaced(page: str, section: str, lines: Iterable[str]) -> str:
    """The page with the text between a section's marks replaced; a new section is added at the end."""
    begin, end = f"<!-- {section} -->", f"<!-- end {section} -->"
    body = "\n".join([begin, f"## {section}", "", *lines, end])
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: body, page)
    return f"{page.rstrip()}\n\n{body}\n".lstrip()


def write(path: Path, section: str, lines: Iterable[str]) -> None:
    """Put a section's lines into the page, which is made if it is not there."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(replaced(page, section, lines), encoding="utf-8")
    beside.replace(path)
