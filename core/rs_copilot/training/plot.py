"""The course of a training as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rs_copilot.errors import StorageError


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines of a training's log in order of steps; of a step that was made twice, the last one."""
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    return [item for _, item in sorted({line["step"]: line for line in lines}.items())]


def draw_losses(log: Path, out: Path, parts: Mapping[str, str], held_out: str) -> None:
    """Losses over steps, parts and held-out ones, as PNG.

    Args:
        log: of the training.
        out: the picture.
        parts: what is drawn: names in the log, and what they are called.
        held_out: what the loss of checks is called.

    Raises:
        StorageError: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_log(log)
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    steps = [line["step"] for line in lines]
    for name, title in parts.items():
        axes.plot(steps, [line[name] for line in lines], label=title, linewidth=1.0)
    checked = [line for line in lines if line["held_out"] is not None]
    axes.plot(
        [line["step"] for line in checked],
        [line["held_out"] for line in checked],
        "k.-",
        label=held_out,
    )
    axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    try:
        FigureCanvasAgg(figure).print_png(str(out))
    except OSError as error:
        raise StorageError(f"cannot write the plot {out}: {error}") from error
