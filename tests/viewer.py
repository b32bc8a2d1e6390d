"""A real viewer in a process of its own, and a real browser; for the tests of `ner review`."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import PATIENCE, ROOT

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextmanager
def serving(url: str, *options: str, port: int = 0) -> Iterator[str]:
    """The address of `ner review`, which runs until the block ends."""
    pytest.importorskip("fastapi", reason="the extra review is not installed")
    command = [sys.executable, "-m", "ner", "review", "--store", url, "--no-open"]
    server = subprocess.Popen(
        [*command, "--port", str(port), *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        address = re.match(r"https?://[^ ]+/", line)
        assert address, line + server.stderr.read()
        yield address[0]
    finally:
        server.terminate()
        try:
            server.communicate(timeout=20)
        except subprocess.TimeoutExpired:  # a failed test may have left a connection open
            server.kill()
            server.communicate()


@contextmanager
def chromium(**options: Any) -> Iterator[Any]:
    """A browser; the test is skipped where there is none.

    Args:
        options: of the browser's context, such as ``has_touch``.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with playwright.sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        context = started.chromium.launch_persistent_context(
            folder,
            executable_path=CHROMIUM,
            args=QUIET,
            locale="zh-CN",
            **{"viewport": {"width": 1280, "height": 860}, **options},
        )
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        context.close()


@contextmanager
def clean_tab(browser: Any) -> Iterator[Any]:
    """A tab in which no error, no alert and no refused script may happen."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on(
        "console", lambda said: wrong.append(said.text) if "Content Security" in said.text else 0
    )
    yield page
    page.close()
    assert wrong == []


PLACE = """
(words) => {
  const texts = document.createTreeWalker(document.querySelector('#text'), NodeFilter.SHOW_TEXT)
  for (let node; (node = texts.nextNode()); ) {
    const at = node.data.indexOf(words)
    if (at < 0) continue
    const range = document.createRange()
    range.setStart(node, at)
    range.setEnd(node, at + words.length)
    node.parentElement.scrollIntoView({block: 'center'})
    const {left, right, top, bottom} = range.getBoundingClientRect()
    return {left, right, y: (top + bottom) / 2}
  }
}
"""


def drag_over(page: Any, words: str) -> None:
    """Select words of the article with the mouse; they lie within one text node."""
    place = page.evaluate(PLACE, words)
    page.mouse.move(place["left"] + 1, place["y"])
    page.mouse.down()
    page.mouse.move(place["right"] - 1, place["y"], steps=4)
    page.mouse.up()


def saved(page: Any) -> None:
    """Wait until the server has everything that was decided."""
    page.wait_for_function(
        "() => document.querySelector('#saved').dataset.state === 'saved'"
        " && !Object.keys(localStorage).some((key) => key.match(/^ner .* 0/))"
    )
