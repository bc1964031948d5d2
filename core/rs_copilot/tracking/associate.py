"""Which detection belongs to which object, from frame to frame, on the ground plane in metres.

The trackers of the field's libraries work on overlapping boxes in pixels (supervision, trackers, norfair,
motpy): objects of a few pixels that move by more than their size do not overlap, and the libraries bring
a second OpenCV or hold numpy below 2. Stone Soup works on the plane but asks for each pair in Python,
seconds per frame of dense traffic. So this is the textbook tracker: Kalman filters and optimal
assignment by `scipy.optimize.linear_sum_assignment`, well-tried tracks before new ones (Wojke, Bewley and
Paulus, "Simple online and realtime tracking with a deep association metric", ICIP 2017, section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from rs_copilot.tracking.kalman import Filters
from rs_copilot.types import FloatArray


@dataclass(frozen=True)
class TrackerSettings:
    """Seconds, metres and their derivatives; ``gate`` is a squared Mahalanobis distance."""

    gate: float = 14.0
    acceleration_mps2: float = 4.0
    start_speed_mps: float = 12.0
    max_step_m: float = 8.0
    confirm_hits: int = 4
    max_gap_s: float = 2.0
    max_new_gap_s: float = 0.35


DEFAULT_TRACKER = TrackerSettings()


@dataclass
class Path:
    """What one object did: per detection its time, position in the frame list and among its blobs."""

    id: int
    times_s: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    blobs: list[int] = field(default_factory=list)

    def add(self, time_s: float, frame: int, blob: int) -> None:
        """One more detection."""
        self.times_s.append(time_s)
        self.frames.append(frame)
        self.blobs.append(blob)


class Tracker:
    """Feed it frames in order of time; `paths` holds every object that was confirmed."""

    def __init__(self, settings: TrackerSettings = DEFAULT_TRACKER) -> None:
        self.settings = settings
        self.finished: list[Path] = []
        self._filters = Filters.start(np.empty((0, 2)), np.empty(0), 1.0)
        self._alive: list[Path] = []
        self._time_s: float | None = None
        self._next_id = 1

    @property
    def paths(self) -> list[Path]:
        """Confirmed objects, those still alive included, in order of appearance."""
        every = self.finished + [path for path in self._alive if self._is_confirmed(path)]
        return sorted(every, key=lambda path: path.id)

    def step(self, frame: int, time_s: float, points: FloatArray, noise_m: FloatArray) -> None:
        """Assign the detections of one frame: ``(N, 2)`` points in metres with noise ``(N,)``."""
        if self._time_s is not None:
            elapsed = time_s - self._time_s
            self._filters = self._filters.predicted(elapsed, self.settings.acceleration_mps2)
        self._time_s = time_s
        self._end_stale(time_s)
        free = np.arange(len(points))
        confirmed = np.array([self._is_confirmed(path) for path in self._alive], dtype=bool)
        for group in (np.flatnonzero(confirmed), np.flatnonzero(~confirmed)):
            free = self._assign(group, free, frame, time_s, points, noise_m)
        self._begin(free, frame, time_s, points, noise_m)

    def _is_confirmed(self, path: Path) -> bool:
        return len(path.frames) >= self.settings.confirm_hits

    def _end_stale(self, time_s: float) -> None:
        keep = []
        for i, path in enumerate(self._alive):
            confirmed = self._is_confirmed(path)
            limit = self.settings.max_gap_s if confirmed else self.settings.max_new_gap_s
            if time_s - path.times_s[-1] <= limit + 1e-9:
                keep.append(i)
            elif confirmed:
                self.finished.append(path)
        self._alive = [self._alive[i] for i in keep]
        self._filters = self._filters.take(np.array(keep, dtype=np.int64))

    def _assign(
        self,
        group: np.ndarray,
        free: np.ndarray,
        frame: int,
        time_s: float,
        points: FloatArray,
        noise_m: FloatArray,
    ) -> np.ndarray:
        """Give free detections to a group of objects; returns those that stay free."""
        if len(group) == 0 or len(free) == 0:
            return free
        filters = self._filters.take(group)
        cost = filters.distances(points[free], noise_m[free])
        offset = np.linalg.norm(filters.position[:, None] - points[free][None], axis=2)
        # A doubtful velocity must not let an object jump to the far side of the road.
        cost[(cost > self.settings.gate) | (offset > self.settings.max_step_m)] = 1e6
        rows, columns = linear_sum_assignment(cost)
        good = cost[rows, columns] < 1e6
        rows, taken = group[rows[good]], free[columns[good]]
        updated = self._filters.take(rows).updated(points[taken], noise_m[taken])
        self._filters = self._filters.put(rows, updated)
        for row, blob in zip(rows, taken, strict=True):
            self._alive[row].add(time_s, frame, int(blob))
        return np.setdiff1d(free, taken)

    def _begin(
        self, free: np.ndarray, frame: int, time_s: float, points: FloatArray, noise_m: FloatArray
    ) -> None:
        started = Filters.start(points[free], noise_m[free], self.settings.start_speed_mps)
        self._filters = self._filters.joined(started)
        for blob in free:
            path = Path(self._next_id)
            path.add(time_s, frame, int(blob))
            self._alive.append(path)
            self._next_id += 1
