"""The ground under every frame: placements steadied and carried by frame-to-frame motion. Pure.

Each placement is noisy by itself, and the noise of neighbours would become speed. Frame-to-frame motion
is exact over seconds but drifts. So every frame's ground is a robust mean of what the placements within a
window say of it, each carried over by the chained motion; the weight of a placement falls off smoothly
with time, lest its coming into the window make the ground jump.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, SizeWH

# Placements this near in time vote on a frame; the chain's drift stays far below a metre over it.
WINDOW_S = 1.5
# A frame without any placement in the window may lean on one this far away, not farther.
MAX_CARRY_S = 4.0


@dataclass
class Chain:
    """Motion of the image from frame to frame, summed up from the start of each unbroken stretch.

    ``to_start[i]`` maps pixels of frame ``i`` to pixels of the first frame of its stretch.
    """

    times_s: list[float] = field(default_factory=list)
    to_start: list[FloatArray] = field(default_factory=list)
    stretch: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times_s)

    def add(self, time_s: float, to_previous: FloatArray | None) -> None:
        """Append a frame; ``None`` starts a new stretch (the first frame, a cut, motion not measurable)."""
        if to_previous is None or not self.times_s:
            self.to_start.append(np.eye(3))
            self.stretch.append(self.stretch[-1] + 1 if self.stretch else 0)
        else:
            total = self.to_start[-1] @ to_previous
            self.to_start.append(total / total[2, 2])
            self.stretch.append(self.stretch[-1])
        self.times_s.append(time_s)

    def between(self, source: int, target: int) -> FloatArray | None:
        """Homography from pixels of one frame to pixels of another; ``None`` across a break."""
        if self.stretch[source] != self.stretch[target]:
            return None
        return np.linalg.inv(self.to_start[target]) @ self.to_start[source]


def steady_ground(
    chain: Chain, placed: Mapping[int, FloatArray], size: SizeWH, *, untrusted: frozenset[int] = frozenset()
) -> list[FloatArray | None]:
    """For every frame of the chain the homography from its pixels to map metres, or ``None``.

    Args:
        chain: motion of the clip.
        placed: map_from_px by position in the chain.
        size: of the frames.
        untrusted: positions that localisation looked at and left unlocated; they stay without ground.
    """
    grid = _control_points(size)
    order = np.array(sorted(placed), dtype=np.int64)
    times = np.array([chain.times_s[i] for i in order])
    result: list[FloatArray | None] = []
    for i in range(len(chain)):
        votes = [] if i in untrusted else _votes(chain, order, times, i)
        result.append(_agreed(chain, placed, votes, i, grid))
    return result


def _control_points(size: SizeWH) -> FloatArray:
    """A 3 x 3 grid over the lower part and middle of the frame, shape (9, 2).

    The upper edge of an oblique view may be near the horizon, where small errors are huge.
    """
    x, y = np.meshgrid(np.array([0.1, 0.5, 0.9]) * size.width_px, np.array([0.3, 0.6, 0.9]) * size.height_px)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _votes(chain: Chain, order: np.ndarray, times: FloatArray, frame: int) -> Sequence[int]:
    """Placed frames that say something about this one: those in the window, else the nearest."""
    if len(order) == 0:
        return []
    distance = np.abs(times - chain.times_s[frame])
    same = np.array([chain.stretch[i] == chain.stretch[frame] for i in order])
    near = np.flatnonzero(same & (distance <= WINDOW_S))
    if len(near) == 0:
        near = np.flatnonzero(same & (distance <= MAX_CARRY_S))
        near = near[np.argsort(distance[near])][:1]
    return [int(order[i]) for i in near]


def _agreed(
    chain: Chain, placed: Mapping[int, FloatArray], votes: Sequence[int], frame: int, grid: FloatArray
) -> FloatArray | None:
    said, distance_s = [], []
    for vote in votes:
        carried = chain.between(frame, vote)
        points = None if carried is None else hg.apply(placed[vote] @ carried, grid)
        if points is not None and not np.isnan(points).any():
            said.append(points)
            distance_s.append(abs(chain.times_s[vote] - chain.times_s[frame]))
    if not said:
        return None
    agreed = _robust_mean(np.array(said), np.array(distance_s))
    # Map coordinates are in the millions; centring keeps the linear system well conditioned.
    origin = agreed.mean(axis=0)
    matrix, _ = cv2.findHomography(grid, agreed - origin, 0)
    return None if matrix is None else np.asarray(hg.translation(origin) @ matrix, dtype=np.float64)


def _robust_mean(points: FloatArray, distance_s: FloatArray) -> FloatArray:
    """Mean of ``(V, 9, 2)`` points over the votes: near ones count most, outliers little. Shape (9, 2).

    Tricube weights in time, Cauchy weights in space around the median (Huber and Ronchetti, Robust
    Statistics, 2nd ed., section 4.8, one step).
    """
    offset_m = np.linalg.norm(points - np.median(points, axis=0), axis=2).mean(axis=1)
    scale_m = max(1.5 * float(np.median(offset_m)), 0.2)
    reach_s = max(WINDOW_S, float(distance_s.max())) * 1.01
    weights = (1.0 - (distance_s / reach_s) ** 3) ** 3 / (1.0 + (offset_m / scale_m) ** 2)
    return np.asarray(np.einsum("v,vpc->pc", weights, points) / weights.sum(), dtype=np.float64)
