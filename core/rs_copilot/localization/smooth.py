"""All keyframes at once: measured places and the motion between them, weighed by their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.linalg

from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, SizeWH

# A central quadrilateral stands for the frame: in oblique views the corners may lie beyond the horizon.
INNER_SHARE = 0.5
HUBER_SIGMA = 2.0
ITERATIONS = 6


@dataclass(frozen=True)
class Measured:
    """A keyframe's registered homography and its standard deviation per axis in metres."""

    map_from_px: FloatArray
    size: SizeWH
    sigma_m: float


@dataclass(frozen=True)
class Link:
    """What frame-to-frame motion says: keyframe ``after`` (``before`` + 1) seen from ``before``.

    ``before_from_after`` maps pixels of the later keyframe to pixels of the earlier one.
    """

    before: int
    after: int
    before_from_after: FloatArray
    sigma_m: float


@dataclass(frozen=True)
class Smoothed:
    """The adjusted homography, its standard deviation, and how far the measurement was from it in sigmas."""

    map_from_px: FloatArray
    sigma_m: float
    outlierness: float


def inner_quad(size: SizeWH) -> FloatArray:
    """Corners of the central part of a frame, shape (4, 2)."""
    center = size.center_px
    return np.asarray(center + INNER_SHARE * (size.corners_px - center), dtype=np.float64)


def smooth(measured: Sequence[Measured], links: Sequence[Link]) -> list[Smoothed]:
    """Least squares with Huber weights over the inner corners of all keyframes.

    Each corner coordinate is one unknown; the links' geometry is taken from the measured homographies,
    so that the system is linear and one factorisation serves all eight coordinates.
    """
    if not measured:
        return []
    corners = np.stack(
        [hg.apply(hg.orient(m.map_from_px, m.size), inner_quad(m.size)).ravel() for m in measured]
    )
    steps = [_step(measured, corners, link) for link in links]
    weights = np.array([1.0 / m.sigma_m**2 for m in measured])
    robust = np.ones(len(measured))
    for _ in range(ITERATIONS):
        solution, spread = _solve(corners, weights * robust, links, steps)
        distance = _center_distance(solution, corners) / np.array([m.sigma_m for m in measured])
        robust = np.minimum(1.0, HUBER_SIGMA / np.maximum(distance, 1e-9))
    return [
        Smoothed(_homography(solution[i], m.size), float(spread[i]), float(distance[i]))
        for i, m in enumerate(measured)
    ]


def _step(measured: Sequence[Measured], corners: FloatArray, link: Link) -> FloatArray:
    """Displacement of the eight corner coordinates from one keyframe to the next, by the link.

    Both ends' homographies give it; their mean keeps the adjustment symmetric in time.
    """
    before, after = measured[link.before], measured[link.after]
    seen = hg.apply(link.before_from_after, inner_quad(after.size))
    forward = hg.apply(hg.orient(before.map_from_px, before.size), seen).ravel() - corners[link.before]
    seen = hg.apply(np.linalg.inv(link.before_from_after), inner_quad(before.size))
    backward = corners[link.after] - hg.apply(hg.orient(after.map_from_px, after.size), seen).ravel()
    both = np.stack([forward, backward])
    return np.asarray(np.nanmean(both, axis=0) if np.isfinite(both).any(axis=0).all() else forward)


def _solve(
    corners: FloatArray, weights: FloatArray, links: Sequence[Link], steps: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares: the solution, and the standard deviation of each keyframe.

    Links join neighbours only, so the normal matrix is tridiagonal and long clips cost linear time.
    """
    diagonal, beside = weights.copy(), np.zeros(len(weights))
    right = weights[:, None] * corners
    for link, step in zip(links, steps, strict=True):
        if not np.isfinite(step).all():
            continue
        weight = 1.0 / link.sigma_m**2
        diagonal[[link.before, link.after]] += weight
        beside[link.after] -= weight
        right[link.before] -= weight * step
        right[link.after] += weight * step
    bands = np.stack([beside, diagonal])[-len(diagonal) :]
    solution = scipy.linalg.solveh_banded(bands, right)
    return solution, np.sqrt(_inverse_diagonal(diagonal, beside))


def _inverse_diagonal(diagonal: FloatArray, beside: FloatArray) -> FloatArray:
    """Diagonal of the inverse of a tridiagonal matrix; ``beside[i]`` couples i - 1 and i.

    Eliminating from both ends leaves, at each row, what it knows from either side (Usmani, Inversion of
    a tridiagonal Jacobi matrix, 1994).
    """
    squared = np.append(beside[1:] ** 2, 0.0)
    forward, backward = diagonal.copy(), diagonal.copy()
    for i in range(1, len(diagonal)):
        forward[i] -= squared[i - 1] / forward[i - 1]
    for i in range(len(diagonal) - 2, -1, -1):
        backward[i] -= squared[i] / backward[i + 1]
    return np.asarray(1.0 / (forward + backward - diagonal))


def _center_distance(solution: FloatArray, corners: FloatArray) -> FloatArray:
    shift = (solution - corners).reshape(len(corners), 4, 2).mean(axis=1)
    return np.asarray(np.linalg.norm(shift, axis=1))


def _homography(corners: FloatArray, size: SizeWH) -> FloatArray:
    target = corners.reshape(4, 2)
    center = target.mean(axis=0)
    # Large map coordinates lose their decimals in OpenCV's float32: solve around the centre.
    local = cv2.getPerspectiveTransform(
        inner_quad(size).astype(np.float32), (target - center).astype(np.float32)
    )
    return hg.orient(hg.translation(center) @ local, size)


def blend(first: FloatArray, second: FloatArray, share: float, size: SizeWH) -> FloatArray:
    """A homography between two: inner corners mixed, ``share`` of the second."""
    quad = inner_quad(size)
    corners = (1 - share) * hg.apply(hg.orient(first, size), quad) + share * hg.apply(
        hg.orient(second, size), quad
    )
    return _homography(corners.ravel(), size)
