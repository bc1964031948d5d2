"""Points that were laid on a plane, moved along their line of sight onto the terrain. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rs_copilot.types import FloatArray

# Each step shrinks the error by terrain slope times obliqueness: 0.5 at 25 degrees both is gone in twenty.
MAX_STEPS = 20
# A line of sight that has not met the terrain to this height by then grazes it; its point stays put.
MAX_MISS_M = 0.25

HeightAt = Callable[[FloatArray], FloatArray]


def onto_terrain(
    points_m: FloatArray, level_m: float, camera_xyz_m: FloatArray, height_at: HeightAt
) -> FloatArray:
    """Where the lines of sight from a camera through points of a level plane meet the terrain.

    Fixed-point iteration of ``p = g + (c - g) (z(p) - z0) / (zc - z0)``, which puts p on the line from the
    camera c to the point g of the plane at the height that the terrain has below p.

    Args:
        points_m: ``(N, 2)`` points of the plane, map metres.
        level_m: height z0 of the plane, in the datum of the terrain.
        camera_xyz_m: ``(3,)`` easting, northing and height of the camera, same datum.
        height_at: terrain heights ``(N,)`` of ``(N, 2)`` points, NaN where unknown.

    Returns:
        Shape (N, 2). A point stays where it was when the terrain is unknown there or rises to the camera,
        or when the line of sight grazes it.
    """
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
    above_m = float(camera_xyz_m[2]) - level_m
    if above_m <= 0.0 or len(points) == 0:
        return points.copy()
    towards = camera_xyz_m[:2] - points
    share: FloatArray = np.zeros(len(points))
    for _ in range(MAX_STEPS):
        share = (height_at(points + share[:, None] * towards) - level_m) / above_m
    moved = points + share[:, None] * towards
    miss_m = np.abs(height_at(moved) - level_m - share * above_m)
    met = (miss_m <= MAX_MISS_M) & (share < 1.0)
    return np.asarray(np.where(met[:, None], moved, points), dtype=np.float64)
