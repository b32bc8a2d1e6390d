"""A run's metrics as a picture."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ner.files import replacing


def draw(rows: Sequence[dict[str, Any]], picture: Path) -> None:
    """Draw loss and dev F1 by epoch, from the rows of `run_folder.write_metrics`, as a PNG."""
    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, f1 = figure.subplots(1, 2)
    loss.plot(epochs, [row["loss"] for row in rows], color="black")
    loss.set(title="loss per character", xlabel="epoch", yscale="log")
    for name in rows[0]["dev_f1"] if rows else ():
        width = 2.5 if name == "all" else 1.2
        f1.plot(epochs, [100 * row["dev_f1"][name] for row in rows], label=name, linewidth=width)
    f1.set(title="strict F1 on dev", xlabel="epoch")
    if rows:
        f1.legend()
    with replacing(picture) as path, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # labels in Chinese, which the font may lack
        figure.savefig(path, dpi=110)
