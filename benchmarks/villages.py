"""Does the model find villages and communities that no annotated article names?

Example: ``python -m benchmarks.villages``

Random names from the national list of divisions, each in a few plain sentences; the figure is the recall of
the name as a LOC with both boundaries right.
"""

import random
from pathlib import Path
from typing import Annotated

import typer

from ner.tagger.loading import load
from ner.training import augment

SENTENCES = (
    "{}党委书记杨莉说，“一表通”真省事。",
    "{}的王大爷今年七十三岁。",
    "近日，记者来到{}，看到居民正在广场上跳舞。",
    "南坪街道{}网格员李敏说，活动办了三年。",
)


def main(
    data: Annotated[Path, typer.Option(envvar="NER_DATA", help="The team's data.")],
    model: str = "news",
    number: int = 1000,
) -> None:
    """Print the recall in each sentence."""
    names = augment.collect_names([], [data / "gazetteer/villages.csv.gz"])
    pool = [name for suffix in ("社区", "村") for name in names.get(suffix, ()) if len(name) <= 6]
    chosen = random.Random(0).sample(pool, min(number, len(pool)))
    tagger = load(model)
    for sentence in SENTENCES:
        start = sentence.index("{")
        found = tagger.tag(sentence.format(name) for name in chosen)
        right = sum(
            any((s.start, s.end, s.label) == (start, start + len(name), "LOC") for s in spans)
            for name, spans in zip(chosen, found)
        )
        print(f"{right / len(chosen):6.1%}  {sentence.format('…')}")


if __name__ == "__main__":
    typer.run(main)
