"""Where the camera was, from the place of its picture."""

from __future__ import annotations

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, world_from_camera
from rs_copilot.types import FloatArray

# A pose whose corners miss by more than this share of the width is not a camera over flat ground.
MAX_REPROJECTION = 0.02


def camera_from_homography(
    map_from_px: FloatArray, intrinsics: Intrinsics, ground_z_m: FloatArray | None = None
) -> FloatArray | None:
    """Camera position (east, north, up) in map metres from a frame's homography and focal length.

    A grid of pixels and their ground points is solved by planar PnP (Collins and Bartoli, Infinitesimal
    plane-based pose estimation, IJCV 2014) and refined by Levenberg-Marquardt.

    Args:
        map_from_px: homography to map metres.
        intrinsics: of the full frame.
        ground_z_m: (25,) terrain heights under the grid of `grid_px`, or ``None`` for flat ground at 0.

    Returns:
        Shape (3,), or ``None`` where no camera above ground explains the homography.
    """
    pixels = grid_px(intrinsics)
    ground = hg.apply(hg.orient(map_from_px, intrinsics.size), pixels)
    if np.isnan(ground).any():
        return None
    origin = ground.mean(axis=0)
    heights = np.zeros(len(ground)) if ground_z_m is None else ground_z_m
    level = float(np.mean(heights))
    points = np.column_stack([ground - origin, heights - level])
    position = _solve(points, pixels, intrinsics)
    if position is None or position[2] <= 0:
        return None
    return np.asarray(position + np.array([*origin, level]), dtype=np.float64)


def grid_px(intrinsics: Intrinsics) -> FloatArray:
    """A 5x5 grid over the central half of the frame, shape (25, 2)."""
    axis = np.linspace(-0.25, 0.25, 5)
    steps = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    size = np.array([intrinsics.size.width_px, intrinsics.size.height_px], dtype=np.float64)
    return np.asarray(intrinsics.size.center_px + steps * size)


def _solve(points: FloatArray, pixels: FloatArray, intrinsics: Intrinsics) -> FloatArray | None:
    flat = points * [1.0, 1.0, 0.0]
    try:
        found, turn, shift = cv2.solvePnP(flat, pixels, intrinsics.matrix, None, flags=cv2.SOLVEPNP_IPPE)
        if not found:
            return None
        turn, shift = cv2.solvePnPRefineLM(points, pixels, intrinsics.matrix, None, turn, shift)
    except cv2.error:
        return None
    seen, _ = cv2.projectPoints(points, turn, shift, intrinsics.matrix, None)
    worst = np.max(np.linalg.norm(seen.reshape(-1, 2) - pixels, axis=1))
    if not worst <= MAX_REPROJECTION * intrinsics.size.width_px:
        return None
    rotation, _ = cv2.Rodrigues(turn)
    return np.asarray(-(rotation.T @ shift).ravel(), dtype=np.float64)


def camera_from_attitude(
    map_from_px: FloatArray, intrinsics: Intrinsics, attitude: Attitude
) -> FloatArray | None:
    """Camera position above flat ground from a frame's place and scale and a known attitude.

    The direction to the image centre comes from the attitude, the distance from the ground sampling
    distance across the view. More stable than PnP near nadir, where tilt and shift look alike.
    """
    forward = world_from_camera(attitude)[:, 2]
    if forward[2] >= -0.05:
        return None
    oriented = hg.orient(map_from_px, intrinsics.size)
    center_px = intrinsics.size.center_px
    # Across the view one pixel spans range / focal length; along it the ground is foreshortened.
    across = float(np.linalg.norm(hg.jacobian(oriented, center_px)[:, 0]))
    center = hg.apply(oriented, center_px)[0]
    camera = np.array([*center, 0.0]) - forward * across * intrinsics.focal_px
    return np.asarray(camera, dtype=np.float64)
