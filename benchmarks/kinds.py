"""How well does a model do on each kind of sentence on which models failed?

Example: ``python -m benchmarks.kinds news news-fast``

Sixty sentences of each kind are made up from `kinds.toml`, with every name in them marked: people, places and
companies are invented or well known. The figure is strict F1 over all their spans; where nothing is to be
marked, the share of the sentences in which nothing was.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ner.corpus import Example
from ner.evaluation.score import Counts, count
from ner.tagger.loading import Tagger, load
from ner.training.passages import Grammar, read_grammar

GRAMMAR = Path(__file__).with_name("kinds.toml")
KINDS = (
    "bracketed_companies",
    "name_first",
    "people_in_a_list",
    "initials",
    "addresses",
    "compound_surnames",
    "blanks_in_names",
    "short_provinces",
    "kinship",
    "lists_of_quoted_brands",
    "brand_then_unquoted",
    "numbers_as_brands",
    "plain_words_in_quotes",
)


def sentences(grammar: Grammar, kind: str, number: int) -> list[Example]:
    """Different sentences of a kind, the same each time."""
    rng = np.random.default_rng(KINDS.index(kind))
    made: dict[str, Example] = {}
    for _ in range(20 * number):
        example = grammar.make(kind, rng)
        made.setdefault(example.text, example)
        if len(made) == number:
            break
    return list(made.values())


def figure(tagger: Tagger, examples: list[Example]) -> float:
    """Strict F1 of a model on sentences, or the share it leaves unmarked where none has a span. 0 to 1."""
    found = list(tagger.tag(example.text for example in examples))
    if not any(example.spans for example in examples):
        return sum(not spans for spans in found) / len(examples)
    pairs = (count(example.spans, spans) for example, spans in zip(examples, found, strict=True))
    return sum(pairs, Counts()).f1


def table(taggers: list[Tagger], number: int) -> list[str]:
    """A Markdown table: a row a kind, a column a model."""
    grammar = read_grammar(GRAMMAR)
    lines = ["| kind | sentences |" + "".join(f" {tagger} |" for tagger in taggers)]
    lines.append("|---|---|" + "---|" * len(taggers))
    for kind in KINDS:
        examples = sentences(grammar, kind, number)
        figures = "".join(f" {100 * figure(tagger, examples):.1f} |" for tagger in taggers)
        lines.append(f"| {kind.replace('_', ' ')} | {len(examples)} |{figures}")
    return lines


def main(
    models: Annotated[list[str] | None, typer.Argument(help="Names or folders.")] = None,
    number: Annotated[int, typer.Option(min=1, help="Sentences of each kind.")] = 60,
) -> None:
    """Print the table."""
    typer.echo("\n".join(table([load(model) for model in models or ["news"]], number)))


if __name__ == "__main__":
    typer.run(main)
