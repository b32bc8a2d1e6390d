"""A run's metrics as a picture."""

import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ner.files import replacing


def draw(metrics: Path, picture: Path) -> None:
    """Loss and dev F1 by epoch, from the lines of `train.fit`, as a PNG."""
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, f1 = figure.subplots(1, 2)
    loss.plot(epochs, [row["loss"] for row in rows], color="black")
    loss.set(title="loss a character", xlabel="epoch", yscale="log")
    for name in rows[0]["dev_f1"]:
        width = 2.5 if name == "all" else 1.2
        f1.plot(epochs, [100 * row["dev_f1"][name] for row in rows], label=name, linewidth=width)
    f1.set(title="strict F1 on dev", xlabel="epoch")
    f1.legend()
    with replacing(picture) as written:
        figure.savefig(written, dpi=110)
