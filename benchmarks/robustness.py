"""How much accuracy a model loses on noisy pages: annotated articles with one kind of noise at a time.

Example: ``python -m benchmarks.robustness news data/annotations/dev.jsonl``
"""

import random
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from ner import corpus
from ner.corpus import Example
from ner.evaluation import score
from ner.tagger.loading import Tagger, load
from ner.training import augment

Noise = Callable[[Example, Tagger, random.Random], Example]
_HALF_WIDTH = str.maketrans("，：；？！（）", ",:;?!()")
_OTHER_QUOTES = {
    "straight quotes": str.maketrans("“”‘’", "\"\"''"),
    "corner quotes": str.maketrans("“”‘’", "「」『』"),
}


def main(
    model: Annotated[str, typer.Argument(help="A model's name, or its folder.")],
    files: Annotated[list[str], typer.Argument(help="Annotated JSONL.")],
) -> None:
    """Score a model on noisy copies of annotated articles."""
    tagger = load(model)
    examples = corpus.examples(corpus.read(files))
    kinds: dict[str, Noise] = {
        "unchanged": lambda example, _, __: example,
        "half-width punctuation": _translated(_HALF_WIDTH),
        **{name: _translated(table) for name, table in _OTHER_QUOTES.items()},
        "variant characters": _variants,
        "stray spaces (0.5 %)": _insert_spaces,
        "scanning errors (0.5 %)": _scanning_errors,
    }
    for name, add_noise in kinds.items():
        rng = random.Random(0)
        changed = [add_noise(example, tagger, rng) for example in examples]
        found = list(tagger.tag(example.text for example in changed))
        counts = score.table([example.spans for example in changed], found)
        cells = " ".join(f"{label} {100 * c.f1:5.1f}" for label, c in counts.items())
        print(f"{name:30} {cells}", flush=True)


def _translated(table: Mapping[int, str | int]) -> Noise:
    def translate(example: Example, tagger: Tagger, rng: random.Random) -> Example:
        return Example(example.text.translate(table), example.spans)

    return translate


def _variants(example: Example, tagger: Tagger, rng: random.Random) -> Example:
    """Every Han character that has a variant replaced by it: mostly traditional for simplified."""
    others = {
        character: [other for other in row if other != character]
        for row in tagger.component.characters.rows
        for character in row
        if "一" <= character <= "鿿" and len(row) > 1
    }
    text = "".join(rng.choice(others.get(c) or [c]) for c in example.text)
    return Example(text, example.spans)


def _insert_spaces(example: Example, tagger: Tagger, rng: random.Random) -> Example:
    places = [k for k in range(len(example.text)) if rng.random() < 0.005]
    return augment.apply_edits(example, [(k, k, " ") for k in places])


def _scanning_errors(example: Example, tagger: Tagger, rng: random.Random) -> Example:
    """Han characters replaced by another one of the same text."""
    han = [c for c in example.text if "一" <= c <= "鿿"]
    text = "".join(
        rng.choice(han) if "一" <= c <= "鿿" and rng.random() < 0.005 else c for c in example.text
    )
    return Example(text, example.spans)


if __name__ == "__main__":
    typer.run(main)
