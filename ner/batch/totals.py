"""What a run has done so far, for a screen, a log, a file of metrics."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ner.batch.ends import Progress
from ner.files import replacing


@dataclass(slots=True)
class Totals:
    """Sums over the steps of a run.

    Args:
        model: name and version.
        to_do: articles that were to be tagged when it began; None where that is not known.
        articles: how many were tagged.
        failed: how many could not be.
        characters: code points of those tagged.
        spans: label to how many were found.
    """

    model: str
    to_do: int | None
    articles: int = 0
    failed: int = 0
    characters: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    _began: float = field(default_factory=time.monotonic)

    def add(self, step: Progress) -> None:
        """Count one step."""
        if step.failure:
            self.failed += 1
        else:
            self.articles += 1
            self.characters += step.characters
            self.spans.update(step.spans)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began

    @property
    def left(self) -> int | None:
        """Articles that are still to be tagged, not below 0: some may have come meanwhile."""
        return None if self.to_do is None else max(0, self.to_do - self.articles - self.failed)

    def to_row(self) -> dict[str, object]:
        """The same for a log that programs read."""
        return {
            "model": self.model,
            "articles": self.articles,
            "failed": self.failed,
            "left": self.left,
            "characters": self.characters,
            "spans": dict(sorted(self.spans.items())),
            "seconds": round(self.seconds, 3),
            "characters_per_second": round(self.characters / max(self.seconds, 1e-9)),
        }


def write_metrics(path: Path, totals: Totals, *, is_running: bool) -> None:
    """Write totals in Prometheus' text format, for the textfile collector of its node exporter.

    The file is replaced whole: who reads it meets no half of it.

    Raises:
        OSError: it cannot be written.
    """
    model = totals.model.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    values = {
        "articles_tagged": ("Articles tagged by this run.", totals.articles),
        "articles_failed": ("Articles that could not be tagged.", totals.failed),
        "articles_left": ("Articles that are still to be tagged.", totals.left),
        "characters": ("Code points of the articles tagged.", totals.characters),
        "seconds": ("Seconds since the run began.", round(totals.seconds, 3)),
        "running": ("1 while the run goes on, 0 when it has ended.", int(is_running)),
        "updated_timestamp_seconds": ("When this was written.", round(time.time(), 3)),
    }
    lines = []
    for name, (meaning, value) in values.items():
        if value is None:
            continue
        lines += [f"# HELP ner_tag_{name} {meaning}", f"# TYPE ner_tag_{name} gauge"]
        lines.append(f'ner_tag_{name}{{model="{model}"}} {value}')
    lines += ["# HELP ner_tag_spans Spans found, by label.", "# TYPE ner_tag_spans gauge"]
    for label, number in sorted(totals.spans.items()):
        lines.append(f'ner_tag_spans{{model="{model}",label="{label}"}} {number}')
    with replacing(path) as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
