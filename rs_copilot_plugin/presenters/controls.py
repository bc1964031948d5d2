"""Control points: a place in a picture and the same place on the map, said by the user.

They are kept beside the clip in the table that ``rs-copilot localize --control`` reads. A point belongs to a
frame by its time, because frames have no other name that holds for videos and folders alike.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from .projection import XY

COLUMNS = ("time_s", "x_px", "y_px", "lon", "lat")
# Only points of dragged frames have one.
SIGMA_COLUMN = "sigma_m"
# Times go through text and through containers with coarse clocks; frames are farther apart than this.
SAME_FRAME_S = 0.002


class ControlFileError(Exception):
    """The table beside the clip cannot be read or written."""


@dataclass(frozen=True)
class ControlPoint:
    """One pair: pixels of the clip's own frames, (0, 0) at the outer corner, and degrees on WGS 84.

    ``sigma_m`` is the standard deviation of the place where a frame was dragged as a whole.
    """

    time_s: float
    x_px: float
    y_px: float
    lon: float
    lat: float
    sigma_m: float | None = None


Entry = tuple[ControlPoint, ...]


def entries_of(points: Iterable[ControlPoint]) -> list[Entry]:
    """What the user did, in order: single pairs, and the points of each dragged frame together."""
    entries: list[Entry] = []
    for point in points:
        last = entries[-1] if entries else ()
        if (
            last
            and point.sigma_m is not None
            and last[0].sigma_m is not None
            and is_same_frame(last[0], point)
        ):
            entries[-1] = (*last, point)
        else:
            entries.append((point,))
    return entries


def is_same_frame(one: ControlPoint, other: ControlPoint) -> bool:
    """Whether two points are of one frame."""
    return abs(one.time_s - other.time_s) <= SAME_FRAME_S


def dragged_at(points: Iterable[ControlPoint], time_s: float) -> list[ControlPoint]:
    """The points of the frame of a time, if it was dragged."""
    return [p for p in points if p.sigma_m is not None and abs(p.time_s - time_s) <= SAME_FRAME_S]


def control_file(clip: Path) -> Path:
    """Where the points of a clip are kept: beside it."""
    return clip.with_name(f"{clip.stem}_control.csv")


def read_points(path: Path) -> list[ControlPoint]:
    """The points of a table; none where there is no such file.

    Raises:
        ControlFileError: the file is no table of control points.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        points = [
            replace(ControlPoint(*(float(row[name]) for name in COLUMNS)), sigma_m=_sigma_m(row))
            for row in rows
        ]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ControlFileError(f"{path.name} cannot be read as control points: {error}") from error
    return [point for point in points if all(map(math.isfinite, (point.lon, point.lat)))]


def _sigma_m(row: Mapping[str, str | None]) -> float | None:
    said = row.get(SIGMA_COLUMN)
    return float(said) if said else None


def count_points(clip: Path) -> int:
    """How many points and dragged frames a clip has; a table that cannot be read counts for none."""
    try:
        return len(entries_of(read_points(control_file(clip))))
    except ControlFileError:
        return 0


def write_points(path: Path, points: Sequence[ControlPoint]) -> None:
    """Keep the points; without any, the file is removed.

    Raises:
        ControlFileError: the folder cannot be written.
    """
    try:
        if not points:
            path.unlink(missing_ok=True)
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow((*COLUMNS, SIGMA_COLUMN))
            table.writerows(_texts(point) for point in points)
    except OSError as error:
        raise ControlFileError(f"{path} cannot be written: {error}") from error


def _texts(point: ControlPoint) -> tuple[str, ...]:
    return (
        f"{point.time_s:.6f}",
        f"{point.x_px:.2f}",
        f"{point.y_px:.2f}",
        f"{point.lon:.8f}",
        f"{point.lat:.8f}",
        "" if point.sigma_m is None else f"{point.sigma_m:.3f}",
    )


def nearest_sample(times_s: Iterable[float], time_s: float) -> float | None:
    """The sampled frame to point in instead of the one that is shown; None where that one is sampled.

    Only sampled frames are located: a point in another frame would be taken for one in its neighbour.
    """
    nearest = min(times_s, key=lambda sampled: abs(sampled - time_s), default=None)
    return None if nearest is None or abs(nearest - time_s) <= SAME_FRAME_S else nearest


class PickStage(Enum):
    """What the next click means."""

    OFF = "off"
    PICTURE = "picture"
    MAP = "map"


@dataclass
class ControlPicker:
    """First the picture, then the map, and so on until it is switched off."""

    stage: PickStage = PickStage.OFF
    _time_s: float = 0.0
    _place_px: XY = (0.0, 0.0)

    def switch(self, on: bool) -> None:
        """Begin with the picture, or forget what was begun."""
        self.stage = PickStage.PICTURE if on else PickStage.OFF

    def take_picture(self, time_s: float, place_px: XY) -> bool:
        """A click in the picture; a second one replaces the first. Returns whether it was wanted."""
        if self.stage is PickStage.OFF:
            return False
        self._time_s, self._place_px = time_s, place_px
        self.stage = PickStage.MAP
        return True

    def take_map(self, lonlat: XY) -> ControlPoint | None:
        """A click on the map; the pair, if a place in the picture was waiting for it."""
        if self.stage is not PickStage.MAP:
            return None
        self.stage = PickStage.PICTURE
        return ControlPoint(self._time_s, *self._place_px, *lonlat)
