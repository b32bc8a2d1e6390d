"""Raw texts to the rows that pretraining learns from: ids of characters or pieces, and tags by a teacher."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.annotation.teachers import Word, lac_words
from ner.article import Article
from ner.errors import NerError
from ner.files import replacing
from ner.formats import open_source, read_jsonl
from ner.training.config import PretrainConfig

TEACHERS: dict[str, Callable[[str], Iterator[Word]]] = {"lac": lac_words}
NO_TAG = -100  # the tag of a character for which the teacher has none; the loss ignores it
TAGS = 64  # at most: two (first character, further ones) for each word class

Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class TextsRead:
    """How far reading and tagging of the texts is; ``skipped`` are lines that are no article."""

    file: int
    files: int
    articles: int
    skipped: int


class _Part(NamedTuple):
    """Some articles end to end, with their lengths, and the position in the texts after them."""

    ids: Array
    tags: Array
    lengths: npt.NDArray[np.int64]
    lines: int
    skipped: int
    word_classes: list[str]


def read_texts(
    config: PretrainConfig,
    encode: Callable[[str], npt.NDArray[np.integer]],
    run: Path,
    *,
    checkpoint_seconds: float,
) -> Iterator[TextsRead]:
    """Encode and tag all texts into ``run/rows.npz``, if that is not there.

    Killed and called again, it goes on: what is done is saved in parts every `checkpoint_seconds`.

    Args:
        encode: gives the ids of a text; where texts are tagged, one for each code point.

    Raises:
        NerError: a file cannot be read, or all have too little text for one row.
    """
    if (run / "rows.npz").exists():
        return
    folder = run / "parts"
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*.npz")))
    last = _load_part(folder / f"{number - 1:06}.npz") if number else None
    lines, skipped = (last.lines, last.skipped) if last else (0, 0)
    word_classes = last.word_classes if last else []
    batch: list[tuple[Array, Array]] = []
    saved = time.monotonic()
    for file, item in itertools.islice(items(config), lines, None):
        lines += 1
        if item:
            tag = TEACHERS[config.teacher] if config.texts[file] in config.tagged else None
            text = item.text + "\n"
            ids = encode(text).astype(np.int16)
            batch.append((ids, _tag(text, len(ids), tag, word_classes)))
        else:
            skipped += 1
        if time.monotonic() - saved >= checkpoint_seconds:
            _save_part(folder / f"{number:06}.npz", batch, lines, skipped, word_classes)
            batch, number, saved = [], number + 1, time.monotonic()
            yield TextsRead(file + 1, len(config.texts), lines - skipped, skipped)
    _save_part(folder / f"{number:06}.npz", batch, lines, skipped, word_classes)
    yield TextsRead(len(config.texts), len(config.texts), lines - skipped, skipped)
    parts = [_load_part(path) for path in sorted(folder.glob("*.npz"))]
    _write_rows(parts, config, run / "rows.npz")
    shutil.rmtree(folder)


def load_rows(run: Path) -> tuple[Array, Array]:
    """Ids and tags that `read_texts` wrote. Shape of both: ``(rows, block length)``."""
    with np.load(run / "rows.npz") as arrays:
        return arrays["ids"], arrays["tags"]


def items(config: PretrainConfig) -> Iterator[tuple[int, Article | None]]:
    """The articles of all files, each with the number of its file; None for a line that is none."""
    for file, path in enumerate(config.texts):
        with open_source(path) as source:
            for item in read_jsonl(source):
                yield file, item if isinstance(item, Article) else None


def _write_rows(parts: list[_Part], config: PretrainConfig, path: Path) -> None:
    """All articles in random order, cut into rows of one length."""
    lengths = np.concatenate([part.lengths for part in parts])
    starts = np.cumsum(lengths) - lengths
    order = np.random.default_rng(config.seed).permutation(len(lengths))
    columns = []
    for column in ("ids", "tags"):
        joined = np.concatenate([getattr(part, column) for part in parts])
        shuffled = [joined[starts[k] : starts[k] + lengths[k]] for k in order]
        columns.append(np.concatenate([*shuffled, np.empty(0, np.int16)]))
    total = len(columns[0]) // config.block_length * config.block_length
    if not total:
        raise NerError(
            f"the texts have a length of {len(columns[0])}, less than one row has",
            where=", ".join(map(str, config.texts)),
            remedy="name more texts, or a smaller block_length",
        )
    ids, tags = (column[:total].reshape(-1, config.block_length) for column in columns)
    with replacing(path) as beside:
        np.savez(beside, ids=ids, tags=tags)


def _save_part(
    path: Path, batch: list[tuple[Array, Array]], lines: int, skipped: int, word_classes: list[str]
) -> None:
    empty = (np.empty(0, np.int16), np.empty(0, np.int16))
    ids, tags = (np.concatenate(column) for column in zip(empty, *batch))
    lengths = np.array([len(each) for each, _ in batch], np.int64)
    with replacing(path) as beside:
        np.savez(
            beside,
            ids=ids,
            tags=tags,
            lengths=lengths,
            lines=lines,
            skipped=skipped,
            word_classes=np.array(word_classes, np.str_),
        )


def _load_part(path: Path) -> _Part:
    with np.load(path) as arrays:
        return _Part(
            arrays["ids"],
            arrays["tags"],
            arrays["lengths"],
            int(arrays["lines"]),
            int(arrays["skipped"]),
            arrays["word_classes"].tolist(),
        )


def _tag(
    text: str,
    length: int,
    teacher: Callable[[str], Iterator[Word]] | None,
    word_classes: list[str],
) -> Array:
    """A tag per character: one for the first of a word, another for the others, by word class.

    Args:
        length: how many ids the text has.
        word_classes: those met so far, in the order of their tags; new ones are added.
    """
    tags = np.full(length, NO_TAG, np.int16)
    for start, end, word_class in teacher(text) if teacher else ():
        if word_class not in word_classes:
            word_classes.append(word_class)
        number = 2 * word_classes.index(word_class)
        tags[start:end] = number + 1
        tags[start] = number
    return tags
