"""Are the names of villages and communities found that no annotated article holds?

Example: ``python -m benchmarks.villages``

Names drawn by lot from the national list of divisions, each put into a few plain sentences; the figure is the
share found as a place with both edges right.
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
    names = augment.collect([], [str(data / "gazetteer/villages.csv.gz")])
    pool = [name for kind in ("社区", "村") for name in names[kind] if len(name) <= 6]
    drawn = random.Random(0).sample(pool, number)
    tagger = load(model)
    for sentence in SENTENCES:
        start = sentence.index("{")
        found = tagger.tag(sentence.format(name) for name in drawn)
        right = sum(
            any((s.start, s.end, s.label) == (start, start + len(name), "LOC") for s in spans)
            for name, spans in zip(drawn, found)
        )
        print(f"{right / number:6.1%}  {sentence.format('…')}")


if __name__ == "__main__":
    typer.run(main)
