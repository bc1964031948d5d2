"""The figures of docs/benchmarks.md, in one style."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.localization.cases import ATTITUDE, NONE
from benchmarks.localization.report import METHOD_ORDER
from benchmarks.localization.store import OURS, Row
from rs_copilot.evaluation.localization_scores import (
    Outcome,
    recall_versus_area,
    reliability,
    success_share,
    wilson_interval,
)

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLORS = {
    OURS: "#0072B2",
    "ours-sift": "#000000",
    "ours-learned": "#999933",
    "double-angle": "#009E73",
    "grey-ncc": "#E69F00",
    "sift-gated": "#CC79A7",
    "sift-homography": "#D55E00",
    "retriever": "#56B4E9",
    "learned-field": "#882255",
}
LABELS = {
    OURS: "RS Copilot",
    "ours-sift": "with SIFT matcher",
    "ours-learned": "with learned matcher",
    "double-angle": "double-angle FFT",
    "grey-ncc": "grey NCC",
    "sift-gated": "SIFT, gated",
    "sift-homography": "SIFT homography",
    "retriever": "retriever",
    "learned-field": "learned field FFT",
}
MARKERS = dict(zip(METHOD_ORDER, "o*hXsD^vP", strict=True))
TITLES = {ATTITUDE: "with attitude and height", NONE: "pixels alone"}
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "figure.facecolor": "white",
}
SMALLEST_M, LARGEST_M = 0.05, 1000.0
LEAST_AREA = 1e-3


def _width(method: str) -> float:
    return 2.6 if method == OURS else 1.5


def draw_all(rows: Sequence[Row], folder: Path) -> list[str]:
    """Every figure that the rows allow; their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    done = [row for row in rows if not row.problem]
    makers: dict[str, Callable[[Sequence[Row]], Figure | None]] = {
        "localization-errors.png": error_figure,
        "localization-tilt.png": tilt_figure,
        "localization-honesty.png": honesty_figure,
        "localization-area.png": area_figure,
    }
    drawn = []
    for name, make in makers.items():
        with mpl.rc_context(STYLE):
            figure = make(done)
            if figure is None:
                continue
            figure.savefig(folder / name, dpi=110, metadata={"Software": None})
            plt.close(figure)
            drawn.append(name)
    return drawn


@contextmanager
def _panels(count: int, height_in: float = 3.7) -> Iterator[tuple[Figure, list[Axes]]]:
    figure, axes = plt.subplots(1, count, figsize=(4.6 * count, height_in), layout="constrained")
    yield figure, list(np.atleast_1d(axes))


def _outcomes(rows: Sequence[Row], method: str, use: str) -> list[Outcome]:
    return [o for row in rows if (row.method, row.use) == (method, use) for o in row.outcomes]


def on_same_queries(rows: Sequence[Row]) -> list[Row]:
    """Rows cut down to the queries that every method of the same case and telemetry was given.

    Cases that ours has no result of are left out.
    """
    ours = {(row.case, row.use) for row in rows if row.method == OURS}
    rows = [row for row in rows if (row.case, row.use) in ours]
    shared: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        names = {o.query for o in row.outcomes}
        shared[row.case, row.use] = shared.get((row.case, row.use), names) & names
    return [
        replace(row, outcomes=[o for o in row.outcomes if o.query in shared[row.case, row.use]])
        for row in rows
    ]


def error_figure(rows: Sequence[Row]) -> Figure | None:
    """Share of the queries of the real sources within a distance, by method."""
    real = on_same_queries([row for row in rows if row.group == "real"])
    if not real:
        return None
    with _panels(2) as (figure, axes):
        for axis, use in zip(axes, (ATTITUDE, NONE), strict=True):
            wanted = len(_outcomes(real, OURS, use))
            for method in METHOD_ORDER:
                outcomes = _outcomes(real, method, use)
                # A method that lacks a source, perhaps the hardest one, is not comparable.
                if len(outcomes) == wanted:
                    _error_curve(axis, outcomes, method)
            axis.set(xscale="log", xlim=(SMALLEST_M, LARGEST_M), ylim=(0, 1.02), title=TITLES[use])
            axis.set(xlabel="distance from the truth, m")
            axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.legend(loc="lower right", fontsize=8)
        axes[0].set_ylabel("share of queries within it")
        figure.suptitle(
            "Real sources, the same pictures for every method: how far from the truth", fontsize=12
        )
    return figure


def _error_curve(axis: Axes, outcomes: Sequence[Outcome], method: str) -> None:
    if not outcomes:
        return
    distances = np.sort([o.off_m for o in outcomes])
    finite = np.clip(distances[np.isfinite(distances)], SMALLEST_M, None)
    share = np.arange(1, len(finite) + 1) / len(outcomes)
    x = np.concatenate([[SMALLEST_M], finite, [LARGEST_M]])
    y = np.concatenate([[0.0], share, share[-1:] if len(share) else [0.0]])
    label = f"{LABELS[method]} (n = {len(outcomes)})"
    axis.step(x, y, where="post", color=COLORS[method], lw=_width(method), label=label)


def tilt_figure(rows: Sequence[Row]) -> Figure | None:
    """Success within 10 m over the angle off nadir, with 95 % intervals of ours."""
    tilted = [row for row in rows if row.group == "tilt"]
    if not tilted:
        return None
    angles = sorted({int(row.tags["tilt"]) for row in tilted})
    with _panels(2) as (figure, axes):
        for axis, use in zip(axes, (ATTITUDE, NONE), strict=True):
            for method in METHOD_ORDER:
                _tilt_curve(axis, tilted, method, use, angles)
            axis.set(ylim=(-0.02, 1.05), title=TITLES[use], xlabel="angle off nadir, degrees", xticks=angles)
            axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
        axes[0].set_ylabel("share of all frames within 10 m")
        axes[0].legend(loc="lower left", fontsize=8)
        figure.suptitle("Unseen towns in another season: success by tilt", fontsize=12)
    return figure


def _tilt_curve(axis: Axes, rows: Sequence[Row], method: str, use: str, angles: list[int]) -> None:
    points = []
    for angle in angles:
        found = _outcomes([row for row in rows if int(row.tags["tilt"]) == angle], method, use)
        if found:
            share = success_share(found, 10.0)
            points.append((angle, share, *wilson_interval(share, len(found))))
    if not points:
        return
    x, y, low, high = np.array(points).T
    axis.plot(x, y, marker=MARKERS[method], color=COLORS[method], lw=_width(method),
              label=LABELS[method])  # fmt: skip
    if method == OURS:
        axis.fill_between(x, low, high, color=COLORS[method], alpha=0.12, lw=0)


def honesty_figure(rows: Sequence[Row]) -> Figure | None:
    """Reliability of the score, and coverage of the radius at every level."""
    ours = [row for row in rows if row.method == OURS and row.group in ("real", "tilt", "season")]
    groups = {
        "real sources": [o for row in ours if row.group == "real" for o in row.outcomes],
        "unseen towns": [o for row in ours if row.group != "real" for o in row.outcomes],
    }
    groups = {name: found for name, found in groups.items() if any(o.is_placed for o in found)}
    if not groups:
        return None
    with _panels(2, 4.2) as (figure, axes):
        for (name, found), color in zip(groups.items(), ("#0072B2", "#D55E00"), strict=False):
            bins = reliability(found)
            sizes = [20 + 240 * item.count / sum(b.count for b in bins) for item in bins]
            x, y = [item.mean_score for item in bins], [item.hit_share for item in bins]
            axes[0].plot(x, y, color=color, lw=1.2, alpha=0.6, marker="o", ms=4, label=name)
            axes[0].scatter(x, y, s=sizes, color=color, alpha=0.5, lw=0)
            levels, inside = _coverage_curve(found)
            axes[1].plot(levels, inside, color=color, lw=2.2, label=name)
        for axis in axes:
            axis.plot([0, 1], [0, 1], color="#888888", ls="--", lw=1)
            axis.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        axes[0].set(xlabel="score given", ylabel="share truly within 25 m", title="score (area: number)")
        axes[1].set(xlabel="probability that the radius promises", ylabel="share of truths inside it")
        axes[1].set(title="radius (error_m promises 0.9)")
        axes[1].axvline(0.9, color="#bbbbbb", lw=1)
        axes[0].legend(loc="upper left")
        figure.suptitle("Does RS Copilot know when it is right? The diagonal is perfect.", fontsize=12)
    return figure


def _coverage_curve(outcomes: Sequence[Outcome]) -> tuple[np.ndarray, np.ndarray]:
    """Share of errors inside the radius of every probability; ``radius_m`` is that of 90 % of a Gaussian."""
    pairs = np.array([(o.off_m, o.radius_m) for o in outcomes if o.is_placed and o.radius_m is not None])
    levels = np.linspace(0.01, 0.99, 99)
    factors = np.sqrt(np.log(1.0 - levels) / np.log(0.1))
    inside = [(pairs[:, 0] <= factor * pairs[:, 1]).mean() for factor in factors]
    return levels, np.array(inside)


def area_figure(rows: Sequence[Row]) -> Figure | None:
    """Recall over the part of the map that is kept, and seconds over the area of the map."""
    real = [row for row in rows if row.group == "real"]
    sized = [row for row in rows if row.group == "area"]
    if not real and not sized:
        return None
    with _panels(2) as (figure, axes):
        for method in (OURS, "double-angle", "grey-ncc", "retriever"):
            shares, recall = recall_versus_area(_outcomes(_in_discs(real), method, NONE))
            if len(shares):
                x, y = [LEAST_AREA, *shares, 1.0], [0.0, *recall, recall[-1]]
                axes[0].step(
                    x, y, where="post", color=COLORS[method], label=LABELS[method], lw=_width(method)
                )
        axes[0].set(xscale="log", xlim=(LEAST_AREA, 1), ylim=(0, 1.02), title="real sources, pixels alone")
        axes[0].set(
            xlabel="part of the map kept, best first, in discs of 25 m",
            ylabel="share of queries whose place is kept",
        )
        axes[0].yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
        if axes[0].lines:
            axes[0].legend(loc="lower right", fontsize=8)
        _cost_curves(axes[1], sized)
        figure.suptitle("How much of the map has to be kept, and what a larger map costs", fontsize=12)
    return figure


def _in_discs(rows: Sequence[Row]) -> list[Row]:
    """Rows whose kept parts are never smaller than the disc of 25 m that a candidate of ours keeps."""
    maps_km2 = {row.case: row.more["map_km2"] for row in rows if "map_km2" in row.more}
    disc_km2 = np.pi * 0.025**2
    return [
        replace(
            row,
            outcomes=[
                replace(o, area_share=max(o.area_share, disc_km2 / maps_km2[row.case]))
                for o in row.outcomes
                if o.area_share is not None
            ],
        )
        for row in on_same_queries(rows)
        if row.case in maps_km2
    ]


def _cost_curves(axis: Axes, sized: Sequence[Row]) -> None:
    for use, style in ((ATTITUDE, "-"), (NONE, "--")):
        found = [row for row in sized if row.method == OURS and row.use == use]
        points = sorted(
            (float(row.tags["area_km2"]), row.wall_s, row.more.get("first_fix_s")) for row in found
        )
        if points:
            area = [p[0] for p in points]
            axis.plot(area, [p[1] for p in points], style, marker="o", color=COLORS[OURS],
                      label=f"whole clip, {TITLES[use]}")  # fmt: skip
            fixed = [(p[0], p[2]) for p in points if p[2] is not None]
            axis.plot(*zip(*fixed, strict=True), style, marker="^", color="#E69F00",
                      label=f"first fix, {TITLES[use]}") if fixed else None  # fmt: skip
    areas = sorted({float(row.tags["area_km2"]) for row in sized})
    axis.set(xscale="log", yscale="log", xlabel="area of the map at 0.5 m, km²", ylabel="wall seconds")
    axis.set(title="one flight of 6 s, 30 frames", xticks=areas)
    axis.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter("{x:g}")
        scale.set_minor_formatter(mpl.ticker.NullFormatter())
    if axis.lines:
        axis.legend(fontsize=8)
