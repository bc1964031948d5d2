"""RS Copilot itself as a method: the job `localize`, read back from the scene that it wrote."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from benchmarks.localization.cases import Case
from rs_copilot.evaluation.localization_scores import SCORE_RADIUS_M, Outcome, outcomes_of
from rs_copilot.geo.crs import transform
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.localize import LocalizeParams, run
from rs_copilot.raster.source import open_raster
from rs_copilot.types import FloatArray, TelemetryUse
from rs_copilot.vector.placements import ClipPlacements, read_placements
from rs_copilot.vector.store import read_layer

NAME = "ours"
# A folder with a learned matcher, to compare it too.
MATCHER_VARIABLE = "RS_COPILOT_MATCHER"


@dataclass
class FirstFix:
    """Hears when the first frames reach the map."""

    started: float
    seconds: float | None = None

    def __call__(self, progress: Progress) -> None:
        """Note the first partial result."""
        if progress.partial is not None and self.seconds is None:
            self.seconds = time.monotonic() - self.started


def matchers() -> dict[str, str]:
    """Ours with a matcher's help: what `localize --matcher` is given, by the name of the method."""
    learned = os.environ.get(MATCHER_VARIABLE)
    return {"ours-sift": "sift"} | ({"ours-learned": learned} if learned else {})


def measure(case: Case, use: str, matcher: str | None = None) -> tuple[list[Outcome], int, dict[str, Any]]:
    """Outcomes, number of frames worked on, and more that is only known of ours."""
    first = FirstFix(time.monotonic())
    with TemporaryDirectory() as folder:
        scene = Path(folder) / "scene.gpkg"
        params = LocalizeParams(
            clip=case.clip,
            satellite=str(case.satellite),
            out=scene,
            telemetry=case.telemetry if use != TelemetryUse.NONE.value else None,
            use_telemetry=TelemetryUse(use),
            matcher=matcher,
        )
        result = run(params, JobContext(on_progress=first))
        found = read_placements(scene, result.clip)
        candidates = read_layer(scene, "candidates", clip=result.clip)
        areas = read_layer(scene, "search_area", clip=result.clip)
    with open_raster(case.satellite) as raster:
        crs, bounds = raster.info.metric_crs, raster.info.bounds_m
    map_m2 = (bounds.xmax - bounds.xmin) * (bounds.ymax - bounds.ymin)
    truth = _by_frame(found, case.centers_m(crs))
    outcomes = outcomes_of(found.placements, truth)
    # The end of a run is a partial result too.
    first_s = first.seconds if any(o.is_placed for o in outcomes) else None
    more: dict[str, Any] = {"first_fix_s": first_s, "map_km2": map_m2 / 1e6}
    if truth is not None:
        outcomes = _with_candidates(outcomes, found, truth, _centers_m(candidates, crs), map_m2)
        more["search_areas"] = _search_areas(areas, truth, crs, map_m2)
    return outcomes, result.frames, more


def _by_frame(
    found: ClipPlacements, centers_m: Mapping[str, FloatArray] | None
) -> dict[int, FloatArray] | None:
    if centers_m is None:
        return None
    names = {p.frame: p.file or str(p.frame) for p in found.placements}
    return {frame: centers_m[name] for frame, name in names.items() if name in centers_m}


def _centers_m(candidates: gpd.GeoDataFrame, crs: pyproj.CRS) -> dict[int, FloatArray]:
    """By frame, the image centres of its candidates, best first, shape (N, 2)."""
    places: dict[int, list[FloatArray]] = {}
    for row in candidates.sort_values(["frame", "rank"]).itertuples():
        places.setdefault(int(row.frame), []).append(_image_center(row.geometry))
    return {frame: transform(np.array(found), candidates.crs, crs) for frame, found in places.items()}


def _image_center(outline: shapely.Polygon) -> FloatArray:
    """The image centre lies where the diagonals cross, in any perspective."""
    ring = np.asarray(outline.exterior.coords)[:-1, :2]
    if len(ring) != 4:
        return np.asarray(outline.centroid.coords[0])
    lines = shapely.LineString(ring[[0, 2]]), shapely.LineString(ring[[1, 3]])
    cross = lines[0].intersection(lines[1])
    return np.asarray((cross if cross.geom_type == "Point" else outline.centroid).coords[0])


def _with_candidates(
    outcomes: list[Outcome],
    found: ClipPlacements,
    truth: dict[int, FloatArray],
    candidates_m: dict[int, FloatArray],
    map_m2: float,
) -> list[Outcome]:
    """Add distances of the candidates and the share of the map that they keep.

    A candidate keeps the disc of `SCORE_RADIUS_M` around it; the answer itself comes first.
    """
    frames = {p.file or str(p.frame): p.frame for p in found.placements}
    completed = []
    for outcome in outcomes:
        frame = frames[outcome.query]
        places = candidates_m.get(frame)
        distances = None if places is None else np.linalg.norm(places - truth[frame], axis=1)
        ranked = ([] if outcome.error_m is None else [outcome.error_m]) + list(
            [] if distances is None else distances
        )
        near = np.flatnonzero(np.array(ranked) <= SCORE_RADIUS_M)
        disc = np.pi * SCORE_RADIUS_M**2 / map_m2
        share = float(min(1.0, (near[0] + 1) * disc)) if len(near) else np.inf
        found_m = None if distances is None else tuple(float(d) for d in distances)
        completed.append(replace(outcome, candidates_m=found_m, area_share=share))
    return completed


def _search_areas(
    areas: gpd.GeoDataFrame, truth: dict[int, FloatArray], crs: pyproj.CRS, map_m2: float
) -> list[dict[str, Any]]:
    """For every frame with truth and every level: probability of the area, whether it holds, and its size."""
    if areas.empty:
        return []
    shapes = areas.to_crs(crs).dissolve(["frame", "level"], aggfunc={"probability": "sum"}).reset_index()
    return [
        {
            "query": int(row.frame),
            "probability": float(row.probability),
            "holds": bool(row.geometry.covers(shapely.Point(truth[int(row.frame)]))),
            "share": float(row.geometry.area / map_m2),
        }
        for row in shapes.itertuples()
        if int(row.frame) in truth
    ]
