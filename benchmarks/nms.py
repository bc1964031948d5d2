"""Non-maximum suppression at a thousand to two hundred thousand boxes, beside what everyone uses.

Boxes are made up: objects at random, six candidates for each, moved, resized and turned a little, as a
network lists them before suppression. Every method runs on one thread; one that takes longer than the limit
is not tried on more boxes. The compiled loops of RS Copilot are warm: the first call in a process loads them,
and how long that takes is printed.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.localization.store import OUT, hash_of
from benchmarks.rows import PACKAGE, Job, Kept, measured, table
from rs_copilot.detection import boxes
from rs_copilot.types import FloatArray

COUNTS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
QUICK_COUNTS = (500, 1_000, 2_000)
PER_OBJECT = 6
MAX_IOU = 0.5
# Longer than this a method need not be shown on more boxes.
LIMIT_S = 8.0
OURS = "RS Copilot"
COLUMNS = ("boxes", "method", *(f"{count:,}" for count in COUNTS), "growth", "kept of the first")
COLORS = ("#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7")


@dataclass(frozen=True)
class Candidates:
    """Boxes with scores, as quads and as the parameters that they were made of."""

    quads: FloatArray
    scores: FloatArray
    centers: FloatArray
    sizes: FloatArray
    angles_rad: FloatArray

    @property
    def bounds(self) -> FloatArray:
        """Horizontal boxes around them, x1, y1, x2, y2."""
        return boxes.bounds_of(self.quads)


Method = Callable[[Candidates], Sequence[int] | NDArray[np.integer]]


def candidates(count: int, *, turned: bool, seed: int = 0) -> Candidates:
    """Six boxes on each object: vehicles of 8 to 30 by 4 to 15 px, one in 900 square pixels."""
    rng = np.random.default_rng(seed)
    objects = max(1, count // PER_OBJECT)
    of = rng.integers(0, objects, count)
    middles = rng.uniform(0.0, 30.0 * math.sqrt(objects), (objects, 2))
    sizes = rng.uniform([8.0, 4.0], [30.0, 15.0], (objects, 2))
    angles = rng.uniform(-math.pi / 2, math.pi / 2, objects)
    centers = middles[of] + rng.normal(0.0, 1.5, (count, 2))
    given = sizes[of] * np.clip(rng.normal(1.0, 0.08, (count, 2)), 0.5, 1.5)
    turns = (angles[of] + rng.normal(0.0, 0.08, count)) * turned
    scores = np.asarray(rng.permutation(count) / count, dtype=np.float64)
    return Candidates(boxes.turned_quads(centers, given, turns), scores, centers, given, turns)


def ours(given: Candidates) -> NDArray[np.integer]:
    """The engine's."""
    return boxes.nms(given.quads, given.scores, max_iou=MAX_IOU)


def loop_numpy(given: Candidates) -> list[int]:
    """The loop that is in most programs: the best box against all that are left, by arrays."""
    x1, y1, x2, y2 = given.bounds.T
    areas, order, kept = (x2 - x1) * (y2 - y1), np.argsort(-given.scores), []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        common = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        order = rest[common / (areas[best] + areas[rest] - common) <= MAX_IOU]
    return kept


def loop_shapely(given: Candidates) -> list[int]:
    """The same loop over polygons."""
    shapes = shapely.polygons(given.quads)
    areas, order, kept = shapely.area(shapes), np.argsort(-given.scores), []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        common = shapely.area(shapely.intersection(shapes[best], shapes[rest]))
        order = rest[common / (areas[best] + areas[rest] - common) <= MAX_IOU]
    return kept


def opencv(given: Candidates) -> Sequence[int]:
    """OpenCV's, for horizontal boxes x, y, width, height."""
    x1, y1, x2, y2 = given.bounds.T
    found = cv2.dnn.NMSBoxes(np.stack([x1, y1, x2 - x1, y2 - y1], axis=1), given.scores, 0.0, MAX_IOU)
    return np.asarray(found).ravel()


def opencv_turned(given: Candidates) -> Sequence[int]:
    """OpenCV's for turned boxes."""
    degrees = np.degrees(given.angles_rad)
    listed = [
        (center, size, float(angle))
        for center, size, angle in zip(given.centers.tolist(), given.sizes.tolist(), degrees, strict=True)
    ]
    return np.asarray(cv2.dnn.NMSBoxesRotated(listed, given.scores.tolist(), 0.0, MAX_IOU)).ravel()


def torchvision(given: Candidates) -> Sequence[int]:
    """torchvision's, where it is installed."""
    import torch
    import torchvision as tv

    torch.set_num_threads(1)
    found: NDArray[np.integer] = tv.ops.nms(
        torch.from_numpy(given.bounds), torch.from_numpy(given.scores), MAX_IOU
    ).numpy()
    return found


HORIZONTAL: dict[str, Method] = {
    OURS: ours,
    "loop over arrays": loop_numpy,
    "OpenCV NMSBoxes": opencv,
    "torchvision nms": torchvision,
}
TURNED: dict[str, Method] = {
    OURS: ours,
    "loop over shapely": loop_shapely,
    "OpenCV NMSBoxesRotated": opencv_turned,
}


def rows_of(kind: str, counts: tuple[int, ...]) -> list[list[str]]:
    """A line for every method that is installed: seconds for each number of boxes."""
    cv2.setNumThreads(1)
    methods = TURNED if kind == "turned" else HORIZONTAL
    start = time.perf_counter()
    ours(candidates(2 * boxes.FEW_UNLOADED, turned=False))
    print(f"first call {time.perf_counter() - start:.2f} s", flush=True)
    return [line for name, method in methods.items() if (line := _line(kind, name, method, counts))]


def _line(kind: str, name: str, method: Method, counts: tuple[int, ...]) -> list[str] | None:
    seconds: list[float] = []
    kept = 0
    for count in counts:
        given = candidates(count, turned=kind == "turned")
        try:
            kept = kept or len(method(given))
        except ImportError:
            return None
        seconds.append(_seconds(method, given))
        if seconds[-1] > LIMIT_S:
            break
    cells = [f"{value:.4f}" for value in seconds] + ["–"] * (len(counts) - len(seconds))
    return [kind, name, *cells, f"{_growth(counts, seconds):.2f}", str(kept)]


def _seconds(method: Method, given: Candidates) -> float:
    """The best of up to three: what disturbs only ever adds."""
    taken = []
    while len(taken) < 3 and sum(taken) < LIMIT_S / 2:
        start = time.perf_counter()
        method(given)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _growth(counts: Sequence[int], seconds: Sequence[float]) -> float:
    """The power of the number of boxes that the time follows, by its largest four numbers."""
    if len(seconds) < 2:
        return math.nan
    x, y = np.log(counts[: len(seconds)][-4:]), np.log(seconds[-4:])
    return float(np.polyfit(x, y, 1)[0])


def draw(rows: Sequence[Kept], counts: Sequence[int], path: Path) -> None:
    """Seconds over boxes, both on logarithmic axes, with lines for n and n²."""
    from benchmarks.localization.plots import STYLE, plt

    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), sharey=True, layout="constrained")
        for axis, kind in zip(axes, ("horizontal", "turned"), strict=True):
            lines = [line for row in rows for line in row.lines if line[0] == kind]
            for color, (_, name, *cells) in zip(COLORS, lines, strict=False):
                seconds = [float(cell) for cell in cells[: len(counts)] if cell != "–"]
                width = 2.6 if name == OURS else 1.5
                axis.plot(counts[: len(seconds)], seconds, "o-", color=color, lw=width, ms=4, label=name)
            _guides(axis, counts)
            axis.set(xscale="log", yscale="log", xlabel="boxes", title=f"{kind} boxes")
            axis.legend(fontsize=8, loc="upper left")
        axes[0].set_ylabel("seconds, one thread")
        figure.savefig(path, dpi=130)
        plt.close(figure)


def _guides(axis: object, counts: Sequence[int]) -> None:
    x = np.array([counts[0], counts[-1]], dtype=float)
    for power, style in ((1, ":"), (2, "--")):
        y = 1e-3 * (x / x[0]) ** power
        axis.plot(x, np.minimum(y, 1e3), style, color="#999999", lw=1, label=f"n{'²' * (power == 2)}")  # type: ignore[attr-defined]


def main() -> None:
    """Measure what is missing, print the table, draw the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "nms", help="rows are kept here")
    parser.add_argument("--data", type=Path, help="not used: boxes are rendered")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--images", type=Path, help="also draw nms.png into this folder")
    parser.add_argument(
        "--budget", type=float, default=math.inf, help="seconds; what is kept serves after it"
    )
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    counts = QUICK_COUNTS if options.quick else COUNTS
    jobs = [Job(kind, rows_of, (kind, counts)) for kind in ("horizontal", "turned")]
    key = hash_of([PACKAGE / "detection", Path(__file__)])
    rows = measured(jobs, options.work / "rows", key, budget_s=options.budget)
    head = (*COLUMNS[:2], *(f"{count:,}" for count in counts), *COLUMNS[-2:])
    text = "\n".join([*table(head, rows), ""])
    print(text)
    if options.images:
        draw(rows, counts, options.images / "nms.png")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
