"""A run's folder: it belongs to one config and its data, and keeps its metrics."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ner.errors import NerError
from ner.files import sha256, write_text
from ner.training.config import PretrainConfig, TrainConfig

CHECKPOINT, METRICS, CURVES, MODEL = "checkpoint.pt", "metrics.jsonl", "curves.png", "model"


def claim(
    run: Path,
    config: TrainConfig | PretrainConfig,
    files: Iterable[Path],
    *,
    test: Iterable[Path] = (),
) -> dict[str, str]:
    """Make the run's folder, or check that it was made for the same config and data.

    Args:
        files: what the run learns from.
        test: what it must not learn from.

    Returns:
        The files that the run learns from, by the end of their path, with their SHA-256.

    Raises:
        NerError: it was made for another config or other data, or a file cannot be read.
    """
    hashes = {str(file): sha256(file, _remedy(file, config)) for file in files}
    record = {
        "config": config.model_dump(mode="json", exclude={"device"}),  # it may go on on another
        "sha256": hashes,
        "test": {str(file): sha256(file) for file in test},
    }
    text = json.dumps(record, ensure_ascii=False, indent=1)
    path = run / "config.json"
    run.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_text(path, text)
    elif (before := path.read_text(encoding="utf-8")) != text:
        raise NerError(
            "the folder holds a run with another config or other data: "
            + _difference(before, text),
            where=str(run),
            remedy="delete it, or name another with --run",
        )
    # What was being written when the run was killed.
    for name in (CHECKPOINT, METRICS, CURVES, MODEL):
        for leftover in run.glob(f".{name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
    return {_distinct_end(name, hashes): digest for name, digest in hashes.items()}


def _remedy(file: Path, config: TrainConfig | PretrainConfig) -> str:
    """What to do where a file that a config names cannot be read."""
    remedy = "check the path: in a config it is relative to the config's folder"
    if isinstance(config, TrainConfig) and file == config.characters:
        remedy += "; leave characters out for the table of the model"
    return remedy


def _difference(before: str, now: str) -> str:
    """The first few values in which two records of runs differ: ``schedule.epochs is 6, was 4``."""
    try:
        old, new = _values(json.loads(before)), _values(json.loads(now))
    except ValueError:
        return "its config.json is damaged"
    changed = []
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            if name.startswith("config."):
                said = f"is {new.get(name, 'not set')}, was {old.get(name, 'not set')}"
            elif name in old:
                said = "is changed" if name in new else "is gone"
            else:
                said = "is new"
            changed.append(f"{name.split('.', 1)[1]} {said}")
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return "; ".join(changed[:3]) + more


def _values(record: Any, name: str = "") -> dict[str, Any]:
    """Each single value of a record, by the keys that lead to it, joined with dots."""
    if not isinstance(record, dict):
        return {name: record}
    inner = [_values(value, f"{name}.{key}" if name else key) for key, value in record.items()]
    return {key: value for values in inner for key, value in values.items()}


def write_metrics(run: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Replace the run's ``metrics.jsonl``: a line for each epoch."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(run / METRICS, "".join(lines))


def _distinct_end(name: str, names: Iterable[str]) -> str:
    """The shortest end of a path (folder and file at least) that no other path has.

    A model names its data by these: it goes to other machines, where our folders are not.
    """
    parts = Path(name).parts
    others = [Path(other).parts for other in names if other != name]
    lengths = (n for n in range(2, len(parts)) if all(p[-n:] != parts[-n:] for p in others))
    return "/".join(parts[-next(lengths, len(parts)) :])
