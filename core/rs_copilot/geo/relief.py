"""Points that were laid on a plane, moved along their line of sight onto the terrain. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rs_copilot.types import FloatArray

# Each step shrinks the error by terrain slope times obliqueness: 0.5 at 25 degrees both is gone in twenty.
MAX_STEPS = 20
# A line of sight that has not met the terrain to this height by then grazes it; its point stays put.
MAX_MISS_M = 0.25

# Steps along a line of sight, and halvings of the step in which it goes under ground.
MARCH_STEPS = 256
HALVINGS = 18

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


def meet_terrain(
    camera_xyz_m: FloatArray, directions: FloatArray, height_at: HeightAt, reach_m: float
) -> FloatArray:
    """Where lines of sight first meet the terrain.

    Marches down each line and halves the step in which it goes under ground, so that a hill in front hides
    what is behind it; relief narrower than a 256th of ``reach_m`` may be missed.

    Args:
        camera_xyz_m: ``(3,)`` easting, northing and height of the camera, in the terrain's datum.
        directions: ``(N, 3)`` unit vectors.
        height_at: terrain heights ``(N,)`` of ``(N, 2)`` points, NaN where unknown.
        reach_m: how far to look.

    Returns:
        Shape (N, 3); NaN where the line meets nothing within reach, or where the terrain is unknown.
    """
    directions = np.asarray(directions, dtype=np.float64).reshape(-1, 3)
    ranges = np.linspace(0.0, reach_m, MARCH_STEPS + 1)
    points = camera_xyz_m + ranges[:, None] * directions[:, None, :]
    above = points[..., 2] - height_at(points[..., :2].reshape(-1, 2)).reshape(points.shape[:2])
    crossing = (above[:, :-1] > 0.0) & (above[:, 1:] <= 0.0)
    first = np.argmax(crossing, axis=1)
    near, far = ranges[first], ranges[first + 1]
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        point = camera_xyz_m + middle[:, None] * directions
        under = point[:, 2] <= height_at(point[:, :2])
        near, far = np.where(under, near, middle), np.where(under, middle, far)
    met = np.asarray(camera_xyz_m + far[:, None] * directions, dtype=np.float64)
    met[~crossing.any(axis=1)] = np.nan
    return met
