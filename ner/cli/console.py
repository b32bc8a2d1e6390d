"""Where commands print for people: rich's console, safe for the terminal."""

from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from ner.cli.terminal import safe

COLORS = ("auto", "always", "never")


class SafeConsole(Console):
    """A console that takes no markup and shows control characters escaped."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text of a string, wherever it is printed: a line, a cell, a rule."""
        return super().render_str(safe(text), **options)

    @property
    def shows_color(self) -> bool:
        """True where marks can be told apart by their colour."""
        return self.is_terminal and self.color_system is not None and not self.no_color


def console(*, stderr: bool = False, color: str = "auto") -> SafeConsole:
    """The console of standard output or standard error.

    Args:
        color: one of `COLORS`; ``auto`` is only on a terminal, and not where NO_COLOR is set.
    """
    make = partial(SafeConsole, stderr=stderr, highlight=False, markup=False, emoji=False)
    if color == "auto":
        return make()
    if color == "never":
        return make(no_color=True)
    made = make(no_color=False, force_terminal=True)
    if made.color_system is None:  # TERM is unset or dumb, as in a scheduled job
        made = make(no_color=False, force_terminal=True, color_system="standard")
    return made
