"""Planar projective maps between a frame's pixels and map metres.

Points are ``(N, 2)`` x, y arrays; a homography is a ``(3, 3)`` float64 array that acts on columns
(Hartley and Zisserman, Multiple View Geometry, 2nd ed., section 2.3).
"""

from __future__ import annotations

import numpy as np

from rs_copilot.types import FloatArray, SizeWH


def apply(homography: FloatArray, points: FloatArray) -> FloatArray:
    """Map ``(N, 2)`` points; points on or behind the horizon come out as NaN."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    x, y, w = homography @ np.vstack([points.T, np.ones(len(points))])
    # The sign of w at the image centre tells the visible side; callers normalise with `orient`.
    with np.errstate(divide="ignore", invalid="ignore"):
        mapped = np.stack([x / w, y / w], axis=1)
    mapped[w <= 1e-12] = np.nan
    return mapped


def orient(homography: FloatArray, size: SizeWH) -> FloatArray:
    """The same map, scaled so that w = 1 at the image centre: visible points have w > 0.

    Raises:
        ValueError: the image centre lies on the horizon.
    """
    w = float(homography[2] @ np.append(size.center_px, 1.0))
    if abs(w) < 1e-12:
        raise ValueError("the image centre maps to infinity")
    return np.asarray(homography / w, dtype=np.float64)


def jacobian(homography: FloatArray, point: FloatArray) -> FloatArray:
    """The (2, 2) derivative of the map at one point: metres per pixel with direction."""
    x, y, w = homography @ np.append(np.asarray(point, dtype=np.float64), 1.0)
    top = homography[:2, :2] * w - np.outer([x, y], homography[2, :2])
    return np.asarray(top / w**2, dtype=np.float64)


def gsd_m(homography: FloatArray, point: FloatArray) -> float:
    """Ground sampling distance at a pixel: square root of the ground area of that pixel."""
    return float(np.sqrt(abs(np.linalg.det(jacobian(homography, point)))))


def grid_azimuth_deg(homography: FloatArray, point: FloatArray) -> float:
    """Azimuth of image-up at a pixel, clockwise from *grid* north."""
    east, north = jacobian(homography, point) @ np.array([0.0, -1.0])
    return float(np.degrees(np.arctan2(east, north)) % 360.0)


def similarity(scale: float, rotation_deg: float, shift: FloatArray) -> FloatArray:
    """Scale, counter-clockwise rotation in x-right y-up axes, then shift, as a homography."""
    angle = np.radians(rotation_deg)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]], [0.0, 0.0, 1.0]])


def translation(shift: FloatArray) -> FloatArray:
    """A pure shift as a homography."""
    return similarity(1.0, 0.0, shift)


def is_plausible(homography: FloatArray, size: SizeWH, *, max_anisotropy: float = 8.0) -> bool:
    """Whether a frame-to-map homography could come from a real camera over ground.

    It must be finite, keep the whole image on the visible side of the horizon, map it to a convex
    quadrilateral seen from above (image y runs down, map y up: orientation flips), and not stretch
    the centre by more than ``max_anisotropy``.
    """
    if not np.all(np.isfinite(homography)):
        return False
    try:
        oriented = orient(homography, size)
    except ValueError:
        return False
    corners = apply(oriented, size.corners_px)
    if np.isnan(corners).any() or not _is_convex_clockwise(corners):
        return False
    stretch = np.linalg.svd(jacobian(oriented, size.center_px), compute_uv=False)
    return bool(stretch[1] > 0 and stretch[0] / stretch[1] <= max_anisotropy)


def _is_convex_clockwise(quad: FloatArray) -> bool:
    edges = np.roll(quad, -1, axis=0) - quad
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return bool(np.all(turns < 0))
