"""Fit what `score` and `error_m` promise, and check the promise on places that took no part in the fit.

    python -m benchmarks.calibrate --work DIR --worlds DIR [--data DIR] [--fit] [--check]

Samples are collected once per place and use of telemetry into ``--work`` (minutes of processor time each) and
made again only when that folder is emptied. ``--worlds`` holds rendered worlds of `rs_copilot.training`, one
``SEED.npz`` each; every photo has a height, heading, tilt and season of its own. `FIT_REAL` and half of the
worlds are fitted on, `CHECK_REAL` and the others only checked. ``--fit`` writes
`rs_copilot.localization.calibrated`.

Truth of real photos is itself off by metres (2 to 4 for 01, 5 for 02). That is not taken off: a radius has to
hold the recorded truth, so that radii of such photos are rather too large than too small.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.calibration_samples import Batch, Row, case_batch, world_batches
from benchmarks.localization.cases import Case
from benchmarks.localization.sources import foreign_cases, real_cases
from rs_copilot.localization import calibrated, confidence
from rs_copilot.localization.judge import Judge, Radius
from rs_copilot.localization.placements import SHARED_ERROR
from rs_copilot.localization.register import Registration

NEAR_M = 25.0
FIT_REAL = ("01_fengyuan", "05_seneca", "01_fengyuan_on_03_nust")
CHECK_REAL = ("02_ariel", "03_nust", "04_brighton", "04_brighton_on_01_fengyuan", "02_ariel_on_01_fengyuan")
# Worlds with these last digits are only checked.
CHECK_DIGITS = "5790"
# Shrinks coefficients that few samples support.
RIDGE = 1.0
# Degrees of freedom of the errors' distribution.
FREEDOM = 4.0
# Floor, disagreement over floor, and relief that are tried.
GRID = list(
    itertools.product(
        np.geomspace(0.05, 4.0, 40).tolist(),
        np.geomspace(0.25, 64.0, 15).tolist(),
        [0.0, *np.geomspace(0.1, 2.0, 10)],
    )
)
HEADER = (
    "places", "telemetry", "photos", "placed", "within 25 m", "mean score", "calibration error",
    "inside `error_m`", "median `error_m`",
)  # fmt: skip
TEMPLATE = '''"""Constants of `confidence`, fitted by ``benchmarks/calibrate.py``; not to be edited by hand.

{when}: {count} registered places of {photos} photos, {right} of the places right, from
{places}.
"""

from __future__ import annotations

from rs_copilot.localization.judge import Judge, Radius

JUDGE = {judge}
RADIUS = {radius}
'''


def main() -> None:
    """Collect what is missing, fit if wanted, check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="samples are kept here")
    parser.add_argument("--worlds", type=Path, required=True, help="rendered worlds, SEED.npz each")
    parser.add_argument("--data", type=Path, default=os.environ.get("RS_COPILOT_DATA"))
    parser.add_argument("--uses", default="attitude,none")
    parser.add_argument("--fit", action="store_true", help="fit and write the constants")
    parser.add_argument("--check", action="store_true", help="collect and check the other places")
    args = parser.parse_args()
    uses = tuple(args.uses.split(","))
    if args.fit:
        judged, _ = _collect(args, uses, for_fit=True)
        _write_constants(judged)
    if args.check:
        _, placed = _collect(args, uses, for_fit=False)
        print("\n".join(table(placed)))


def _collect(
    args: argparse.Namespace, uses: tuple[str, ...], *, for_fit: bool
) -> tuple[list[Row], list[Row]]:
    """Samples of the places for the fit, or of those for the check."""
    judged: list[Row] = []
    placed: list[Row] = []
    for path in _missing_made(args, uses, for_fit=for_fit):
        stored = json.loads(path.read_text(encoding="utf-8"))
        judged += stored["judged"]
        placed += stored["placed"]
    return judged, placed


def _missing_made(args: argparse.Namespace, uses: tuple[str, ...], *, for_fit: bool) -> list[Path]:
    args.work.mkdir(parents=True, exist_ok=True)
    worlds = [p for p in sorted(args.worlds.glob("*.npz")) if (p.stem[-1] in CHECK_DIGITS) != for_fit]
    paths = []
    for position, world in enumerate(worlds):
        for use in uses:
            path = args.work / f"{world.stem}_{use}.json"
            if not path.exists():
                foreign = worlds[(position + 1) % len(worlds)]
                _keep(path, world_batches(world, foreign, (use,), int(world.stem)))
            paths.append(path)
    for case in _real(args, FIT_REAL if for_fit else CHECK_REAL):
        for use in set(case.uses) & set(uses):
            path = args.work / f"{case.name}_{use}.json"
            if not path.exists():
                _keep(path, [case_batch(case, use)])
            paths.append(path)
    return paths


def _real(args: argparse.Namespace, names: Sequence[str]) -> list[Case]:
    if args.data is None:
        return []
    own = real_cases(Path(args.data), args.work)
    return [case for case in [*own, *foreign_cases(own)] if case.name in names]


def _keep(path: Path, batches: Iterable[Batch]) -> None:
    rows = list(batches)
    stored = {
        "judged": [row for batch in rows for row in batch.judged],
        "placed": [row for batch in rows for row in batch.placed],
    }
    path.write_text(json.dumps(stored), encoding="utf-8")
    print(f"{path.stem}: {len(stored['placed'])} photos", flush=True)


def _write_constants(judged: Sequence[Row]) -> None:
    right = np.array([row["off_m"] <= NEAR_M for row in judged])
    judge = fit_judge(judged, right)
    found = accepted(judged, judge)
    radius, wider = fit_radius(found), widening(found)
    places = sorted({row["place"] for row in judged})
    text = TEMPLATE.format(
        judge=Judge(*(round(float(value), 3) for value in judge)),
        radius=Radius(*(round(float(value) * wider, 3) for value in astuple(radius))),
        when=date.today(),
        count=len(judged),
        photos=len({(row["place"], row["use"], row["frame"]) for row in judged}),
        right=int(right.sum()),
        places=", ".join(places[:4]) + f" and {len(places) - 4} more"
        if len(places) > 5
        else ", ".join(places),
    )
    Path(calibrated.__file__).write_text(text, encoding="utf-8")
    print(text)


def registration_of(row: Row) -> Registration:
    """The evidence of a row as `confidence` reads it; where it lies is left out."""
    nothing = np.zeros((0, 2))
    names = ("support", "windows", "ncc", "residual_m", "spread", "clarity")
    values = (row[name] for name in names)
    return Registration(np.eye(3), *values, nothing, nothing, row.get("extrapolation", 1.0))


def features(row: Row) -> list[float]:
    """Evidence, height and margin as `confidence.found_log_odds` weighs them."""
    evidence = confidence.evidence(registration_of(row))
    return [
        float(np.clip(evidence, -confidence.MAX_EVIDENCE, confidence.MAX_EVIDENCE)),
        min(row["z"], confidence.MAX_Z),
        float(np.log(np.clip(row["margin"], 0.6, 2.0))),
    ]


def fit_judge(judged: Sequence[Row], right: np.ndarray) -> tuple[float, float, float, float]:
    """Logistic regression on standardised features: constant, and weights of evidence, height, margin."""
    from sklearn.linear_model import LogisticRegression

    table = np.array([features(row) for row in judged])
    mean, spread = table.mean(axis=0), table.std(axis=0)
    model = LogisticRegression(C=RIDGE).fit((table - mean) / spread, right)
    weights = model.coef_[0] / spread
    return float(model.intercept_[0] - weights @ mean), *(float(w) for w in weights)


def accepted(judged: Sequence[Row], judge: Sequence[float]) -> list[Row]:
    """The best place of every photo, where it is more likely right than wrong, and right."""
    best: dict[tuple[str, str, int], tuple[float, Row]] = {}
    for row in judged:
        odds = judge[0] + float(np.dot(judge[1:], features(row)))
        photo = (row["place"], row["use"], row["frame"])
        if odds > best.get(photo, (0.0, row))[0]:
            best[photo] = (odds, row)
    return [row for _, row in best.values() if row["off_m"] <= NEAR_M]


def fit_radius(right: Sequence[Row]) -> Radius:
    """Constants with which 90 % of the centres lie inside their radius.

    Their ratios are those of highest likelihood on a grid, of a two-dimensional Student distribution: a few
    photos are off by more than a normal one allows. The scale is then the quantile.
    """
    off_m, parts = np.array([row["off_m"] for row in right]), error_parts(right)

    def likelihood(tried: Radius) -> float:
        sigma = sigmas_m(parts, tried)
        tail = np.log1p((off_m / sigma) ** 2 / FREEDOM) * (FREEDOM + 2.0) / 2.0
        return float(np.mean(-2.0 * np.log(sigma) - tail))

    shape = max((Radius(f, f * ratio, relief) for f, ratio, relief in GRID), key=likelihood)
    scale = float(np.quantile(off_m / sigmas_m(parts, shape), 0.9)) / confidence.RADIUS_90
    return Radius(*(value * scale for value in astuple(shape)))


def widening(right: Sequence[Row]) -> float:
    """By how much radii have to be wider at a place that the fit has not seen, from leaving places out."""
    ratios: list[float] = []
    for place in sorted({row["place"] for row in right}):
        rest, left = ([row for row in right if (row["place"] == place) is out] for out in (False, True))
        if len(rest) < len(right) / 4:
            continue
        radii_m = confidence.RADIUS_90 * sigmas_m(error_parts(left), fit_radius(rest))
        ratios += [row["off_m"] / radius for row, radius in zip(left, radii_m, strict=True)]
    return max(1.0, float(np.quantile(ratios, 0.9))) if ratios else 1.0


def error_parts(rows: Sequence[Row]) -> np.ndarray:
    """Scatter as placements widen it, squared share of disagreement, and tangent off nadir; ``(3, N)``."""
    scatter = [confidence.scatter_m(registration_of(row)) for row in rows]
    apart = [(1.0 - row["support"]) ** 2 for row in rows]
    tangent = [row["tangent"] for row in rows]
    return np.array([np.multiply(scatter, np.hypot(1.0, SHARED_ERROR)), apart, tangent])


def sigmas_m(parts: np.ndarray, radius: Radius) -> np.ndarray:
    """What `confidence.sigma_m` and `confidence.relief_sigma_m` say together of `error_parts`."""
    scatter, apart, tangent = parts
    return np.hypot(scatter * (radius.floor + radius.disagreement * apart), radius.relief_m * tangent)


def table(placed: Sequence[Row]) -> list[str]:
    """Markdown: what was promised and what was kept, by kind of place."""
    lines = ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    kinds = (
        ("rendered", lambda row: row["place"][:1] == "1" and not row["foreign"]),
        ("real", lambda row: row["place"][:1] == "0" and not row["foreign"]),
        ("foreign maps", lambda row: row["foreign"]),
        ("all", lambda row: True),
    )
    for name, belongs in kinds:
        for use in ("attitude", "none"):
            rows = [row for row in placed if belongs(row) and row["use"] == use]
            if rows:
                lines.append("| " + " | ".join([name, use, *_cells(rows)]) + " |")
    return lines


def _cells(rows: Sequence[Row]) -> list[str]:
    found = [row for row in rows if row["off_m"] is not None]
    hit = np.array([row["off_m"] <= NEAR_M for row in found])
    score = np.array([row["score"] for row in found])
    cells = [str(len(rows)), f"{len(found) / len(rows):.0%}"]
    if not found:
        return [*cells, "–", "–", "–", "–", "–"]
    inside = [row["off_m"] <= row["radius_m"] for row in found]
    return [
        *cells,
        f"{hit.mean():.0%}",
        f"{score.mean():.2f}",
        f"{calibration_error(score, hit):.3f}",
        f"{np.mean(inside):.0%}",
        f"{np.median([row['radius_m'] for row in found]):.1f} m",
    ]


def calibration_error(score: np.ndarray, hit: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean distance of score and share of hits, over bins of equal width."""
    which = np.minimum((score * bins).astype(int), bins - 1)
    gaps = [
        abs(score[which == b].mean() - hit[which == b].mean()) * (which == b).sum()
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps) / len(score))


if __name__ == "__main__":
    main()
