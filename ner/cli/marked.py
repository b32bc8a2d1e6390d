"""Articles for people: the text with its spans marked, and tables of what was found."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from ner.article import Article, Span
from ner.cli.console import SafeConsole
from ner.cli.terminal import safe
from ner.labels import ordered, style
from ner.segments import segments
from ner.store import Summary, around, occurrences
from ner.store.searching import CONTEXT


def show_article(screen: SafeConsole, article: Article, *, scores: bool = False) -> None:
    """Print an article: where it stood, its text with the spans marked, and what was found.

    Lines are as long as the paragraphs; the terminal wraps them, so that a copied text is whole and
    a long article costs time linear in its length.
    """
    place = " · ".join(
        filter(
            None,
            (
                article.id,
                article.paper,
                article.date.isoformat() if article.date else "",
                f"第{article.page}版" if article.page else "",
                article.section,
            ),
        )
    )
    screen.print(_heading(safe(place), screen.width), soft_wrap=True)
    text = marked(article, screen, scores=scores)
    for paragraph in text.split("\n"):
        if paragraph.plain.strip():
            screen.print(paragraph, soft_wrap=True)
            screen.print()
    screen.print(found_table([article], screen))
    model = next((span.model for span in article.spans if span.model), article.tagged_by)
    if model:
        kept = sum(not span.model for span in article.spans)
        note = f"; {kept} called right by people, not found by it" if kept else ""
        screen.print(Text(safe(model + note), style="dim"), justify="right")
    elif model == "":
        screen.print(Text("not tagged", style="dim"), justify="right")
    screen.print()


def _heading(place: str, width: int) -> Text:
    return Text(f"── {place} {'─' * (width - cell_len(place) - 4)}", style="bold")


def marked(article: Article, screen: SafeConsole, *, scores: bool = False) -> Text:
    """A text with its spans in colour, or where there is none in brackets: ``[南岸区 LOC]``.

    An inner span's colour lies over that of the span that holds it, underlined; between two spans of
    one colour that touch there is a bar.
    """
    color = screen.shows_color
    text = Text()
    closed: Span | None = None
    for start, end, span, step, depth, _ in segments(article.spans, 0, len(article.text)):
        label = span.label if span else ""
        score = f"{span.score:.2f}" if span and scores else ""
        if not step:
            look = f"{_look(label, screen)}{' underline' * (depth > 1)}" if span and color else ""
            in_body = max(start, min(end, article.body_start))
            text.append(safe(article.text[start:in_body]), style=f"bold {look}")
            text.append(safe(article.text[in_body:end]), style=look)
        elif step > 0:
            touching = closed and span and (closed.end, closed.label) == (span.start, span.label)
            text.append("[" if not color else "|" if touching else "")
        else:
            closed = span
            shown = score if color else f"{label} {score}".strip()
            text.append(f" {shown}" if shown else "", style="dim")
            text.append("" if color else "]")
    return text


def _look(label: str, screen: SafeConsole) -> str:
    if screen.color_system == "standard":
        return style(label).ansi
    return f"black on {style(label).light}"


def found_table(articles: Iterable[Article], screen: SafeConsole) -> Table:
    """Names by label, the most frequent first, with how often each occurs."""
    articles = list(articles)
    labels = ordered(span.label for article in articles for span in article.spans)
    names: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for article in articles:
        for span in article.spans:
            names[span.label][article.surface(span)] += 1
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("label", no_wrap=True)
    table.add_column("spans", justify="right")
    table.add_column("names", ratio=1, overflow="fold")  # Chinese has no blanks to break at
    for label, counter in names.items():
        listed = "、".join(
            name if times == 1 else f"{name}×{times}" for name, times in counter.most_common()
        )
        table.add_row(
            Text(label, style=_look(label, screen) if screen.shows_color else ""),
            str(counter.total()),
            listed,
        )
    return table


def concordance(article: Article, string: str) -> Iterator[Text]:
    """A line for each place where a string stands in an article, one under the other."""
    size = 2 * CONTEXT  # cells: a Chinese character takes two
    for start, end in occurrences(article.text, string):
        before, after = map(safe, around(article.text, start, end))
        place = (str(article.date or ""), article.paper, article.id)
        line = Text(" " * (size - cell_len(before)) + before)
        line.append(safe(article.text[start:end]), style="bold reverse")
        line.append(after + " " * (size - cell_len(after)))
        line.append(f"  {safe(' · '.join(filter(None, place)))}", style="dim")
        yield line


def list_lines(summaries: Iterable[Summary], width: int | None) -> Iterator[str]:
    """A heading and a line per article: its id, its spans by label, its title.

    Args:
        width: cells that a line may take, by which titles are cut; None for whole titles.
    """
    rows = list(summaries)
    labels = ordered(label for row in rows for label in row.spans or ())
    cells = [("id", *labels)]
    cells += [
        (safe(row.id), *("–" if row.spans is None else str(row.spans.get(x, 0)) for x in labels))
        for row in rows
    ]
    widths = [max(map(cell_len, column)) for column in zip(*cells)]
    for line, title in zip(cells, ["title", *(safe(row.title) for row in rows)]):
        first, *counts = (
            " " * (size - cell_len(cell)) + cell if number else set_cell_size(cell, size)
            for number, (cell, size) in enumerate(zip(line, widths))
        )
        text = "  ".join((first, *counts, title))
        yield (
            text
            if width is None or cell_len(text) <= width
            else f"{set_cell_size(text, width - 1).rstrip()}…"
        )
