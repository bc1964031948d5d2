"""Homographies between a frame's pixels and map metres, in plain Python.

A homography is nine numbers, row by row. It is oriented so that the third homogeneous coordinate is
positive on the visible side of the horizon (Hartley and Zisserman, Multiple View Geometry, 2nd ed., 2.3).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

Homography = tuple[float, float, float, float, float, float, float, float, float]
XY = tuple[float, float]

# Below this, a point is on the horizon or behind the camera.
_HORIZON = 1e-12


def parse(text: object, width_px: float, height_px: float) -> Homography | None:
    """The homography in a ``homography`` field; None where the field is empty or not nine numbers."""
    try:
        values = json.loads(text) if isinstance(text, (str, bytes)) else None
        flat = (
            [float(v) for row in values for v in (row if isinstance(row, list) else [row])] if values else []
        )
    except (TypeError, ValueError):
        return None
    if len(flat) != 9:
        return None
    return orient(tuple(flat), (width_px / 2.0, height_px / 2.0))  # type: ignore[arg-type]


def orient(h: Homography, center_px: XY) -> Homography | None:
    """The same map, scaled to w = 1 at the image centre; None where that centre lies on the horizon."""
    w = h[6] * center_px[0] + h[7] * center_px[1] + h[8]
    if abs(w) < _HORIZON:
        return None
    return tuple(v / w for v in h)  # type: ignore[return-value]


def apply(h: Homography, point: XY) -> XY | None:
    """The image of a point; None on or behind the horizon."""
    x, y = point
    w = h[6] * x + h[7] * y + h[8]
    if w <= _HORIZON:
        return None
    return (h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w


def invert(h: Homography) -> Homography | None:
    """Map metres to frame pixels, oriented like ``h``; None where ``h`` is singular.

    The inverse of a 3x3 matrix is its adjugate over its determinant; dividing by the determinant keeps the
    sign of the third coordinate: points in front of the camera map back with w > 0.
    """
    a, b, c, d, e, f, g, i, j = h
    adjugate = (
        e * j - f * i, c * i - b * j, b * f - c * e,
        f * g - d * j, a * j - c * g, c * d - a * f,
        d * i - e * g, b * g - a * i, a * e - b * d,
    )  # fmt: skip
    determinant = a * adjugate[0] + b * adjugate[3] + c * adjugate[6]
    if determinant == 0:
        return None
    return tuple(v / determinant for v in adjugate)  # type: ignore[return-value]


def corners(h: Homography, width_px: float, height_px: float) -> list[XY] | None:
    """Ground corners of a frame, clockwise from top-left; None where one is beyond the horizon."""
    found = [apply(h, p) for p in ((0.0, 0.0), (width_px, 0.0), (width_px, height_px), (0.0, height_px))]
    return None if any(p is None for p in found) else [p for p in found if p is not None]


def lerp(a: XY, b: XY, share: float) -> XY:
    """The point ``share`` of the way from ``a`` to ``b``."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def lerp_all(a: Sequence[XY], b: Sequence[XY], share: float) -> list[XY]:
    """Points of two equally long rings, blended one by one."""
    return [lerp(p, q, share) for p, q in zip(a, b)]
