"""Rows as Markdown tables."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

from benchmarks.localization.store import OURS, Row, git
from rs_copilot.evaluation.localization_scores import (
    Outcome,
    Summary,
    success_share,
    summarise,
    wilson_interval,
)

METHOD_ORDER = (
    OURS,
    "ours-sift",
    "ours-learned",
    "learned-field",
    "double-angle",
    "grey-ncc",
    "sift-gated",
    "sift-homography",
    "retriever",
)
METHOD_NAMES = {
    OURS: "**RS Copilot**",
    "ours-sift": "RS Copilot, `--matcher sift`",
    "ours-learned": "RS Copilot, `--matcher FOLDER`",
    "double-angle": "double-angle FFT, best peak",
    "learned-field": "learned dense field FFT, best peak",
    "grey-ncc": "grey NCC by FFT, best peak",
    "sift-gated": "SIFT, gated, similarity",
    "sift-homography": "SIFT + MAGSAC homography",
    "retriever": "retriever, best tile",
}
ACCURACY = (
    "telemetry",
    "method",
    "n",
    "placed",
    "≤ 5 m",
    "≤ 10 m (95 % interval)",
    "≤ 25 m",
    "≤ 50 m",
    "median m",
    "mean m",
    "s per frame",
    "CPU-s per frame",
    "peak MB",
)
HONESTY = (
    "telemetry",
    "n",
    "placed",
    "score ≥ 0.5 and > 50 m off",
    "inside `error_m`",
    "median `error_m`",
    "ECE of `score`",
    "candidates: Recall@1 / 5 / 10",
    "map kept for 95 % recall",
    "search area 90 %: holds, share of map",
    "first fix s",
    "clip s",
)


def document(rows: Sequence[Row], images: Sequence[str]) -> str:
    """Everything that goes between the markers of docs/benchmarks.md."""
    parts = [provenance(rows), *_pictures(images)]
    sections: tuple[tuple[str, Callable[[Sequence[Row]], list[str]]], ...] = (
        ("Real sources", lambda found: accuracy_table(_of(found, "real"), "source")),
        (
            "Unseen towns by angle off nadir",
            lambda found: accuracy_table(pooled(_of(found, "tilt"), "tilt", "° off nadir"), "camera"),
        ),
        (
            "Season pairs, 30° off nadir",
            lambda found: accuracy_table(pooled(_of(found, "season"), "season", ""), "seasons"),
        ),
        ("Size of the map", area_table),
        ("How honest, and how much was searched (RS Copilot)", honesty_table),
        ("A clip of one place on the map of another (every placed frame is wrong)", foreign_table),
        ("Other sensors, weather and maps: placed within 25 m, with attitude", modality_table),
        ("Rows without a result, or from an earlier commit", problem_lines),
    )
    for title, make in sections:
        lines = make(rows)
        if lines:
            parts += [f"### {title}", "", *lines, ""]
    return "\n".join(parts)


def provenance(rows: Sequence[Row]) -> str:
    """Date, machine, commit, and how busy the machine was."""
    commit = git("rev-parse", "--short", "HEAD") + (
        " with uncommitted changes" if git("status", "--porcelain", "--", "core") else ""
    )
    machine = f"Measured {date.today()}, commit {commit}, {cpu_model()}, {os.cpu_count()} cores, no GPU"
    if not rows:
        return f"{machine}; load {os.getloadavg()[0]:.1f}.\n"
    load = statistics.median([row.load for row in rows])
    return f"{machine}; median load of the machine when a row began: {load:.1f}.\n"


def cpu_model() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _pictures(images: Sequence[str]) -> list[str]:
    captions = {
        "localization-errors.png": "Error of every query by method",
        "localization-tilt.png": "Success by angle off nadir",
        "localization-honesty.png": "Score against share of hits, and coverage of error_m",
        "localization-area.png": "Recall against the part of the map kept, and cost against its area",
    }
    return [f"![{captions.get(name, name)}](images/{name})\n" for name in images]


def _of(rows: Iterable[Row], group: str) -> list[Row]:
    return [row for row in rows if row.group == group]


def pooled(rows: Sequence[Row], tag: str, suffix: str) -> list[Row]:
    """One row per value of a tag, method and use: queries together, seconds and frames summed."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if not row.problem:
            groups.setdefault((row.tags[tag], row.method, row.use), []).append(row)
    return [
        replace(
            found[0],
            case=f"{key[0]}{suffix}",
            outcomes=list(chain.from_iterable(row.outcomes for row in found)),
            frames=sum(row.frames for row in found),
            wall_s=sum(row.wall_s for row in found),
            cpu_s=sum(row.cpu_s for row in found),
            peak_mb=max(row.peak_mb for row in found),
            more=_more_of(found) if key[1] == OURS else _seconds_of(found),
        )
        for key, found in groups.items()
    ]


def _seconds_of(rows: Sequence[Row]) -> dict[str, float]:
    return {name: sum(row.more.get(name, 0.0) for row in rows) for name in ("answer_s", "answer_cpu_s")}


def _more_of(rows: Sequence[Row]) -> dict[str, object]:
    """The slowest first fix, and all search areas."""
    firsts = [row.more["first_fix_s"] for row in rows if row.more.get("first_fix_s") is not None]
    areas = [area for row in rows for area in row.more.get("search_areas", [])]
    return {"first_fix_s": max(firsts, default=None), "search_areas": areas}


def accuracy_table(rows: Sequence[Row], head: str) -> list[str]:
    """How many queries ended up where, by method."""
    done = _sorted([row for row in rows if not row.problem])
    if not done:
        return []
    lines = _header((head, *ACCURACY))
    for row in done:
        lines.append(_line([row.case, row.use, METHOD_NAMES.get(row.method, row.method), *_accuracy(row)]))
    return lines


def _sorted(rows: list[Row]) -> list[Row]:
    """By case as it came, then telemetry, then method."""
    cases = list(dict.fromkeys(row.case for row in rows))
    return sorted(rows, key=lambda r: (cases.index(r.case), r.use, METHOD_ORDER.index(r.method)))


def _accuracy(row: Row) -> list[str]:
    summary = summarise(row.outcomes)
    low, high = wilson_interval(summary.success[10.0], summary.queries)
    wall_s, cpu_s = seconds_per_frame(row)
    return [
        str(summary.queries),
        percent(summary.placed_share),
        percent(summary.success[5.0]),
        f"{percent(summary.success[10.0])} ({low * 100:.0f}–{high * 100:.0f})",
        percent(summary.success[25.0]),
        percent(summary.success[50.0]),
        number(summary.median_m),
        number(summary.mean_m),
        number(wall_s),
        number(cpu_s),
        f"{row.peak_mb:.0f}",
    ]


def seconds_per_frame(row: Row) -> tuple[float, float]:
    """Wall and CPU seconds; of the simpler methods without decoding, of ours with everything."""
    frames = max(row.frames, 1)
    wall_s = row.more.get("answer_s", row.wall_s) if row.method != OURS else row.wall_s
    cpu_s = row.more.get("answer_cpu_s", row.cpu_s) if row.method != OURS else row.cpu_s
    return wall_s / frames, cpu_s / frames


def honesty_table(rows: Sequence[Row]) -> list[str]:
    """What ours says of itself, by group and by source."""
    ours = [r for r in rows if r.method == OURS and not r.problem and r.group in ("real", "tilt", "season")]
    if not ours:
        return []
    lines = _header(("source", *HONESTY))
    shown = _of(ours, "real") + pooled(_of(ours, "tilt"), "tilt", "° off nadir")
    for row in shown:
        lines.append(_line([row.case, row.use, *_honesty(row)]))
    for title, groups in (("all real sources", ("real",)), ("all unseen towns", ("tilt", "season"))):
        found = [row for row in ours if row.group in groups]
        everything = [outcome for row in found for outcome in row.outcomes]
        if everything:
            summary = summarise(everything)
            lines.append(_line([f"**{title}**", "both", *_honesty_cells(summary), "", "", ""]))
    return lines


def _honesty(row: Row) -> list[str]:
    areas = [a for a in row.more.get("search_areas", []) if a["probability"] > 0.7]
    held = "–"
    if areas:
        share = statistics.median([a["share"] for a in areas])
        held = f"{percent(sum(a['holds'] for a in areas) / len(areas))} of {len(areas)}, {share * 100:.1f} %"
    first = row.more.get("first_fix_s")
    first_fix = "–" if first is None else number(first)
    return [*_honesty_cells(summarise(row.outcomes)), held, first_fix, number(row.wall_s)]


def _honesty_cells(summary: Summary) -> list[str]:
    area = "–" if math.isnan(summary.area_95) else f"{summary.area_95 * 100:.2g} %"
    return [
        str(summary.queries),
        percent(summary.placed_share),
        percent(summary.confident_wrong_share),
        percent(summary.coverage),
        number(summary.radius_m),
        number(summary.ece, 3),
        " / ".join(percent(share) for share in summary.recall.values()),
        area,
    ]


def foreign_table(rows: Sequence[Row]) -> list[str]:
    """Frames that were put on a map of another place."""
    found = [row for row in _of(rows, "foreign") if not row.problem]
    if not found:
        return []
    lines = _header(("clip and map", "telemetry", "frames", "placed", "with score ≥ 0.5", "s per frame"))
    for row in found:
        summary = summarise(row.outcomes)
        cells = [row.case.replace("_on_", " on "), row.use, str(summary.queries)]
        shares = [percent(summary.placed_share), percent(summary.confident_wrong_share)]
        lines.append(_line([*cells, *shares, number(row.wall_s / max(row.frames, 1))]))
    total = summarise([outcome for row in found for outcome in row.outcomes])
    shares = [percent(total.placed_share), percent(total.confident_wrong_share)]
    lines.append(_line(["**all**", "both", str(total.queries), *shares, ""]))
    return lines


def area_table(rows: Sequence[Row]) -> list[str]:
    """The same flight on maps of growing size."""
    found = _sorted([row for row in _of(rows, "area") if not row.problem])
    if not found:
        return []
    head = ("map", "telemetry", "method", "placed", "≤ 10 m", "first fix s", "clip s", "CPU-s", "peak MB")
    lines = _header(head)
    for row in found:
        summary = summarise(row.outcomes)
        first = row.more.get("first_fix_s")
        lines.append(
            _line(
                [
                    f"{row.tags['area_km2']} km²",
                    row.use,
                    METHOD_NAMES[row.method],
                    percent(summary.placed_share),
                    percent(summary.success[10.0]),
                    "–" if first is None else number(first),
                    number(row.wall_s),
                    number(row.cpu_s),
                    f"{row.peak_mb:.0f}",
                ]
            )
        )
    return lines


def modality_table(rows: Sequence[Row]) -> list[str]:
    """Within 25 m, for every change and source: ours, then the two dense baselines."""
    found = [row for row in _of(rows, "modality") if not row.problem]
    if not found:
        return []
    methods = [m for m in METHOD_ORDER if any(row.method == m for row in found)]
    lines = _header(("what", "source", "n", *(METHOD_NAMES[m] for m in methods)))
    for kind, source in dict.fromkeys((row.tags["modality"], row.tags["source"]) for row in found):
        here = {
            row.method: row for row in found if (row.tags["modality"], row.tags["source"]) == (kind, source)
        }
        count = len(next(iter(here.values())).outcomes)
        shares = [percent(success_share(here[m].outcomes, 25.0)) if m in here else "–" for m in methods]
        lines.append(_line([kind, source, str(count), *shares]))
    return lines


def problem_lines(rows: Sequence[Row]) -> list[str]:
    """What could not be measured, and why; and what is from an earlier state of the code."""
    told: dict[str, list[str]] = {}
    for row in rows:
        reason = row.problem or (f"measured at {row.commit}" if row.is_old else None)
        if reason:
            told.setdefault(reason, []).append(f"{row.case} ({row.method}, {row.use})")
    return [f"* {reason[0].upper()}{reason[1:]}: {', '.join(names)}." for reason, names in told.items()]


def _header(cells: Sequence[str]) -> list[str]:
    return [_line(cells), _line(["---"] * len(cells))]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def percent(share: float) -> str:
    """Whole per cent; a dash of nothing."""
    return "–" if math.isnan(share) else f"{share * 100:.0f} %"


def number(value: float, digits: int = 2) -> str:
    """Few digits; a dash of nothing."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{0 if value >= 100 else 1 if value >= 10 else digits}f}"


__all__ = ["Outcome", "accuracy_table", "document", "provenance"]
