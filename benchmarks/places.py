"""Places linked to division codes: how often the first choice is right, and others on the same mentions.

The others read one string, so they get the mention with the places directly before it, as an address. They
know no villages (cpca: no towns either), so they are compared on the mentions whose answer they can give.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ner import corpus
from ner.article import Article
from ner.places import Linker, link_article, shipped

DATA = Path(__file__).parents[1] / "data/annotations"
LEVELS = {2: "province", 4: "city", 6: "county", 9: "town", 12: "village", 0: "none"}
System = Callable[["Case"], str | None]


@dataclass(frozen=True, slots=True)
class Case:
    """A mention with the code that a person gave it.

    Args:
        chain: the mention with the places directly before it.
    """

    article: Article
    start: int
    end: int
    chain: str
    code: str | None


def cases(gold: Path, articles: Mapping[str, Article]) -> Iterator[Case]:
    """The mentions of a gold file, without those that the article alone does not decide (``open``)."""
    for line in gold.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row.get("open"):
            continue
        article = articles[row["article"]]
        start, end = row["start"], row["end"]
        ends = {span.end: span.start for span in article.spans if span.label == "LOC"}
        first = start
        while first in ends:
            first = ends[first]
        yield Case(article, start, end, article.text[first:end], row["code"])


def ours() -> System:
    """Our linker: all places of an article at once, each article once."""
    linker = Linker(shipped())
    known: dict[str, dict[tuple[int, int], Any]] = {}

    def code(case: Case) -> str | None:
        if case.article.id not in known:
            rows = link_article(linker, case.article)
            known[case.article.id] = {(row["start"], row["end"]): row["code"] for row in rows}
        found: str | None = known[case.article.id][case.start, case.end]
        return found

    return code


def cpca() -> System:
    """cpca (chinese_province_city_area_mapper): provinces, cities and counties."""
    import cpca

    def code(case: Case) -> str | None:
        row = cpca.transform([case.chain]).iloc[0]
        return _shortened(row["adcode"])

    return code


def jionlp() -> System:
    """jionlp's location parser: names of provinces, cities and counties, here looked up as codes."""
    import jionlp

    linker = Linker(shipped())

    def code(case: Case) -> str | None:
        found = jionlp.parse_location(case.chain)
        path = [found[part] for part in ("province", "city", "county") if found[part]]
        codes = linker.leading("".join(dict.fromkeys(path)))
        return codes[-1] if codes else None

    return code


def _shortened(adcode: str | None) -> str | None:
    """500000000000 or 500000 as 50."""
    if not adcode:
        return None
    digits = adcode[:6]
    while len(digits) > 2 and digits.endswith("00"):
        digits = digits[:-2]
    return digits


SYSTEMS: dict[str, Callable[[], System]] = {"ner": ours, "cpca": cpca, "jionlp": jionlp}


def row(name: str, gold: list[Case], deepest: int) -> str:
    """A line of a table: right of how many, in all and by level, and the processor's time for each."""
    system = SYSTEMS[name]()
    right, total = Counter[str](), Counter[str]()
    began = time.process_time()
    for case in gold:
        level = LEVELS[len(case.code or "")]
        if len(case.code or "") > deepest:
            continue
        total[level] += 1
        right[level] += system(case) == case.code
    seconds = time.process_time() - began
    parts = " | ".join(f"{right[level]}/{total[level]}" for level in LEVELS.values())
    return (
        f"| {name} | **{100 * right.total() / total.total():.1f}** ({right.total()}/{total.total()})"
        f" | {parts} | {1000 * seconds / total.total():.1f} ms |"
    )


def main(
    gold: Annotated[Path, typer.Argument(help="Mentions with codes.")] = DATA / "places/dev.jsonl",
    systems: Annotated[str, typer.Option(help="Their names, separated by commas.")] = "ner",
    deepest: Annotated[int, typer.Option(help="Only codes of up to so many digits.")] = 12,
) -> None:
    """Print a table.

    Example: `python -m benchmarks.places data/annotations/places/dev.jsonl --systems ner,cpca --deepest 6`
    """
    articles = {article.id: article for article in corpus.read(sorted(DATA.glob("*.jsonl")))}
    chosen = list(cases(gold, articles))
    print(f"| | right | {' | '.join(LEVELS.values())} | a mention |")
    print("|---" * (3 + len(LEVELS)) + "|")
    for name in systems.split(","):
        print(row(name, chosen, deepest))


if __name__ == "__main__":
    typer.run(main)
