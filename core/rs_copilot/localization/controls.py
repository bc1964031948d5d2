"""Control points: a user says where on the map a pixel of a frame lies, and that is hard evidence."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyproj

from rs_copilot.errors import BadInputError
from rs_copilot.geo import homography as hg
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.localization import confidence
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.keyframes import Recording, Visit
from rs_copilot.localization.placements import Anchor, place_visit
from rs_copilot.localization.smooth import Smoothed
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, LonLat, SizeWH

COLUMNS = ("x_px", "y_px", "lon", "lat")
KEYS = ("file", "frame", "time_s")
# How surely a point was placed, where that is not pointing: a dragged frame says it in every row.
SIGMA_COLUMN = "sigma_m"
# People point at a map and a frame to about this share of the frame's width.
POINTING_SHARE = 0.004
# A place that is farther from what the user says than this was wrong, and says nothing about its neighbours.
CONTRADICTION_M, CONTRADICTION_SIGMA = 10.0, 5.0
HINT = "Give a CSV with the columns x_px, y_px, lon, lat and one of file, frame, time_s."


@dataclass(frozen=True)
class Control:
    """One point: a frame by name, number or time, a pixel in it ``(2,)``, and where that lies.

    ``sigma_m`` is its standard deviation per axis where it was not pointed at but is a corner of a frame
    that was dragged as a whole.
    """

    key: str
    value: str
    point_px: FloatArray
    position: LonLat
    sigma_m: float | None = None

    def is_of(self, visit: Visit, visits: Sequence[Visit]) -> bool:
        """Whether the point belongs to a visited frame; a time belongs to the nearest one."""
        if self.key == "file":
            return visit.file == self.value
        if self.key == "frame":
            return visit.index == int(self.value)
        nearest = min(visits, key=lambda other: abs(other.time_s - float(self.value)))
        return visit is nearest


def read_controls(path: str | Path) -> list[Control]:
    """Control points of a CSV file.

    Raises:
        BadInputError: the file cannot be read, or lacks a column or a number.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            rows = [dict(zip(names, row.values(), strict=False)) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read as control points: {error}", hint=HINT) from error
    key = next((name for name in KEYS if name in names), None)
    missing = [name for name in COLUMNS if name not in names]
    if key is None or missing:
        raise BadInputError(f"{path}: expected the columns of control points, found {names}.", hint=HINT)
    return [_control(row, key, f"{path}, line {line}") for line, row in enumerate(rows, start=2)]


def _control(row: Mapping[str, str], key: str, where: str) -> Control:
    try:
        x, y, lon, lat = (float(row[name]) for name in COLUMNS)
        if key != "file":
            float(row[key])
        said = (row.get(SIGMA_COLUMN) or "").strip()
        sigma_m = float(said) if said else None
        if sigma_m is not None and not 0.0 < sigma_m < np.inf:
            raise ValueError(f"{SIGMA_COLUMN} is {said}, not a positive number of metres")
        return Control(key, row[key].strip(), np.array([x, y]), LonLat(lon, lat), sigma_m)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{where}: expected numbers, found {dict(row)}: {error}", hint=HINT) from error


def with_controls(
    recording: Recording, fixed: Sequence[Anchor], controls: Sequence[Control], crs: pyproj.CRS
) -> tuple[list[Anchor], list[int]]:
    """Anchors where the controlled frames lie exactly, without those that contradict them.

    Four points give a frame's homography, two or three turn, scale and shift it, one shifts it; fewer than
    two need a place that was found before. Points of a dragged frame place it first, pointed ones then
    correct that.

    Returns:
        The anchors in time order, and the frames whose points could not be used.
    """
    anchors, unused = list(fixed), []
    for number, visit in enumerate(recording.visits):
        points = [control for control in controls if control.is_of(visit, recording.visits)]
        if not points:
            continue
        found = _placed(place_visit(recording, number, anchors).map_from_px, points, visit.size, crs)
        if found is None:
            unused.append(visit.index)
            continue
        anchor = Anchor(number, Smoothed(*found, 0.0), confidence.MAX_LOG_ODDS)
        anchors = [other for other in anchors if not _contradicts(recording, anchor, other)]
        anchors = sorted([*anchors, anchor], key=lambda item: item.visit)
    return anchors, unused


@dataclass(frozen=True)
class Seed:
    """A visited frame whose place is known before anything is searched."""

    visit: int
    map_from_px: FloatArray
    sigma_m: float


def seeds_of(recording: Recording, controls: Sequence[Control], crs: pyproj.CRS) -> list[Seed]:
    """Frames that control points alone place: those with two or more points, or dragged ones."""
    return [
        Seed(number, *found)
        for number, visit in enumerate(recording.visits)
        if (points := [control for control in controls if control.is_of(visit, recording.visits)])
        and (found := _placed(None, points, visit.size, crs)) is not None
    ]


def _placed(
    before: FloatArray | None, points: Sequence[Control], size: SizeWH, crs: pyproj.CRS
) -> tuple[FloatArray, float] | None:
    """A frame's place by its points, and its standard deviation; ``None`` where they are too few."""
    dragged = [point for point in points if point.sigma_m is not None]
    pointed = [point for point in points if point.sigma_m is None]
    place, sigma_m = before, None
    for some in (dragged, pointed):
        if not some:
            continue
        pixels = np.array([point.point_px for point in some])
        ground_m = np.array([from_lonlat(point.position, crs) for point in some])
        found = _place(place, pixels, ground_m, size)
        if found is None:
            continue
        place, sigma_m = found, POINTING_SHARE * view_of_placement(found, size).width_m
        if some is dragged:
            sigma_m = max([sigma_m, *(point.sigma_m or 0.0 for point in dragged)])
    return None if place is None or sigma_m is None else (place, sigma_m)


def _place(
    before: FloatArray | None, pixels: FloatArray, ground_m: FloatArray, size: SizeWH
) -> FloatArray | None:
    """Homography through the points, as near to the place that was found before as they allow."""
    middle = ground_m.mean(axis=0)
    found: FloatArray | None = None
    if len(pixels) >= 4:
        # Large map coordinates lose their decimals in OpenCV: solve around the middle.
        local, _ = cv2.findHomography(pixels, ground_m - middle)
        found = None if local is None else hg.translation(middle) @ local
    elif before is not None:
        seen = hg.apply(hg.orient(before, size), pixels)
        found = _similarity(seen, ground_m) @ before
    elif len(pixels) >= 2:
        # Nothing else is known: a view straight down, whose y axis points down.
        flip = np.diag([1.0, -1.0, 1.0])
        found = _similarity(pixels * [1.0, -1.0], ground_m) @ flip
    if found is None or not hg.is_plausible(found, size):
        return None
    return hg.orient(found, size)


def _similarity(points: FloatArray, moved: FloatArray) -> FloatArray:
    """Least squares over complex numbers; of one point a shift."""
    start, end = points.mean(axis=0), moved.mean(axis=0)
    before = (points - start) @ np.array([1.0, 1.0j])
    after = (moved - end) @ np.array([1.0, 1.0j])
    power = float(np.sum(np.abs(before) ** 2))
    turn = complex(np.sum(after * np.conj(before)) / power) if power > 0 else 1.0 + 0.0j
    linear = np.array([[turn.real, -turn.imag, 0.0], [turn.imag, turn.real, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(hg.translation(end) @ linear @ hg.translation(-start))


def _contradicts(recording: Recording, control: Anchor, other: Anchor) -> bool:
    """Whether an anchor of the same stretch, or of the same frame, lies elsewhere than the control says."""
    if other.visit == control.visit:
        return True
    size = recording.visits[other.visit].size
    expected = recording.chain.predict(control.smoothed.map_from_px, control.visit, other.visit)
    if expected is None or not hg.is_plausible(expected, size):
        return False
    center = hg.apply(hg.orient(expected, size), size.center_px)[0]
    apart_m = float(np.linalg.norm(hg.apply(other.smoothed.map_from_px, size.center_px)[0] - center))
    drift_m = Chain.drift_m(abs(other.visit - control.visit), view_of_placement(expected, size).width_m)
    sigma_m = float(np.linalg.norm([control.smoothed.sigma_m, other.smoothed.sigma_m, drift_m]))
    return apart_m > max(CONTRADICTION_M, CONTRADICTION_SIGMA * sigma_m)
