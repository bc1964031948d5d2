"""A camera's pose from windows that agree with the map, over terrain of known height. Pure.

A homography knows one plane. Over relief, and the more the farther from straight down a camera looks, the
ground's true height decides where a line of sight meets it; with the focal length known, position and
attitude follow from points of the picture and their places in space (the perspective-n-point problem).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.optimize import least_squares

from rs_copilot.geo.camera import (
    Attitude,
    Intrinsics,
    attitude_from_rotation,
    ground_from_px,
    project,
    rays,
    world_from_camera,
)
from rs_copilot.geo.relief import HeightAt, meet_terrain
from rs_copilot.types import BoolArray, FloatArray, Telemetry

MIN_POINTS = 8
# Points this many standard deviations away belong to something else: a roof, a car, a wrong match.
OUTLIER_SIGMA = 3.5
MIN_SUPPORT = 0.35
# A camera lower than this above the ground that it sees is not flying.
MIN_CLEARANCE_M = 2.0
ROUNDS = 3
# Windows overlap by half along both axes: each spot is seen by four of them, and the gimbal by itself only.
OVERLAP = 4.0
# Points per side of a footprint over terrain, and how far the eye follows a line of sight.
OUTLINE_STEPS = 16
REACH_HEIGHTS = 8.0
DEFAULT_HEIGHT_M = 150.0


@dataclass(frozen=True)
class Sightings:
    """Points of a picture ``(N, 2)`` and their places: easting, northing and height ``(N, 3)``."""

    points_px: FloatArray
    points_xyz_m: FloatArray

    def __post_init__(self) -> None:
        if self.points_px.shape != (len(self.points_xyz_m), 2) or self.points_xyz_m.shape[1:] != (3,):
            raise ValueError(
                f"expected (N, 2) pixels and (N, 3) places, "
                f"found {self.points_px.shape} and {self.points_xyz_m.shape}"
            )

    def __len__(self) -> int:
        return len(self.points_px)

    def only(self, chosen: BoolArray) -> Sightings:
        """Some of them."""
        return Sightings(self.points_px[chosen], self.points_xyz_m[chosen])

    def thinned(self, count: int) -> Sightings:
        """At most so many, evenly taken."""
        return self.only(np.arange(len(self)) % max(1, -(-len(self) // count)) == 0)

    def flattened(self) -> Sightings:
        """The same with all points at their mean height: what a plane would say."""
        flat = self.points_xyz_m.copy()
        flat[:, 2] = flat[:, 2].mean()
        return Sightings(self.points_px, flat)


def sightings(points_px: FloatArray, points_m: FloatArray, height_at: HeightAt) -> Sightings:
    """Pixels ``(N, 2)`` and their map points ``(N, 2)``, those of unknown height left out."""
    heights = height_at(points_m)
    known = np.isfinite(heights)
    return Sightings(points_px[known], np.column_stack([points_m[known], heights[known]]))


@dataclass(frozen=True)
class AttitudePrior:
    """What the gimbal says, with grid yaw, and its standard deviations about the vertical and otherwise."""

    attitude: Attitude
    heading_sigma_deg: float = 3.0
    tilt_sigma_deg: float = 0.7


# What telemetry means for the attitude; ``None`` where it says too little.
PriorOf = Callable[[Telemetry], AttitudePrior | None]


@dataclass(frozen=True)
class CameraPose:
    """Camera position ``(3,)`` easting, northing, height in the terrain's datum, and attitude (grid yaw).

    ``residual_px`` is the root mean square distance of the agreeing points to where this camera sees them,
    ``support`` their share, ``cost`` the mean squared distance of all in standard deviations, cut off where
    points count as outliers.
    """

    xyz_m: FloatArray
    attitude: Attitude
    residual_px: float = float("nan")
    support: float = 0.0
    cost: float = float("inf")

    def agrees(self, seen: Sightings, intrinsics: Intrinsics, noise_px: float) -> BoolArray:
        """Which points this camera sees where they were seen, shape (N,)."""
        return np.asarray(self.distance_px(seen, intrinsics) <= OUTLIER_SIGMA * noise_px)

    def distance_px(self, seen: Sightings, intrinsics: Intrinsics) -> FloatArray:
        """How far from there it sees them, shape (N,); infinite for points behind it."""
        pixels = project(intrinsics, self.attitude, self.xyz_m, seen.points_xyz_m)
        distance = np.linalg.norm(pixels - seen.points_px, axis=1)
        return np.where(np.isfinite(distance), distance, np.inf)


def solve_pose(
    seen: Sightings,
    intrinsics: Intrinsics,
    noise_px: float,
    *,
    start: CameraPose | None = None,
    prior: AttitudePrior | None = None,
    rounds: int = ROUNDS,
) -> CameraPose | None:
    """The camera that sees points of known place where they were seen, or ``None`` where none does.

    Starts from planar and general PnP (Collins and Bartoli, Infinitesimal plane-based pose estimation, IJCV
    2014; Terzakis and Lourakis, A consistently fast and globally optimal solution to the perspective-n-point
    problem, ECCV 2020) and from ``start``, whichever explains most; then least squares over position
    and attitude with a robust loss, outliers chosen anew each round.

    Args:
        seen: at least 8 points.
        intrinsics: of the full frame.
        noise_px: standard deviation of the pixels, per axis.
        start: a pose that is roughly right.
        prior: attitude by telemetry; near nadir tilt and shift look alike, and it decides.
        rounds: how often outliers are chosen anew.
    """
    if len(seen) < MIN_POINTS:
        return None
    problem = _Problem(seen, intrinsics, noise_px, _Told.by(prior))
    starts = problem.starts() + ([] if start is None else [start])
    if not starts:
        return None
    best = min((problem.judged(pose) for pose in starts), key=lambda pose: pose.cost)
    for _ in range(rounds):
        refined = problem.refined(best)
        if refined is None:
            return None
        best = problem.judged(refined)
    lowest_m = float(best.xyz_m[2] - seen.points_xyz_m[:, 2].max())
    return best if best.support >= MIN_SUPPORT and lowest_m >= MIN_CLEARANCE_M else None


@dataclass(frozen=True)
class _Told:
    """A prior as least squares want it: world from camera, and weights per world axis in 1/radian."""

    rotation: FloatArray
    weights: FloatArray

    @classmethod
    def by(cls, prior: AttitudePrior | None) -> _Told | None:
        if prior is None:
            return None
        sigmas = [prior.tilt_sigma_deg, prior.tilt_sigma_deg, prior.heading_sigma_deg]
        return cls(world_from_camera(prior.attitude), np.sqrt(OVERLAP) / np.radians(sigmas))


@dataclass(frozen=True)
class _Problem:
    """One frame's points; works in metres from their centre, where numbers are small."""

    seen: Sightings
    intrinsics: Intrinsics
    noise_px: float
    told: _Told | None

    def judged(self, pose: CameraPose) -> CameraPose:
        """The pose with how well it explains the points."""
        distance = pose.distance_px(self.seen, self.intrinsics) / self.noise_px
        agree = distance <= OUTLIER_SIGMA
        residual = float(np.sqrt(np.mean(distance[agree] ** 2))) * self.noise_px if agree.any() else np.nan
        cost = float(np.mean(np.minimum(distance, OUTLIER_SIGMA) ** 2))
        return replace(pose, residual_px=residual, support=float(agree.mean()), cost=cost)

    def starts(self) -> list[CameraPose]:
        """Poses by closed-form solvers: of the plane through the points, and of the points as they are."""
        found = []
        for points, method in (
            (self.seen.flattened(), cv2.SOLVEPNP_IPPE),
            (self.seen, cv2.SOLVEPNP_SQPNP),
        ):
            origin = points.points_xyz_m.mean(axis=0)
            try:
                good, turn, shift = cv2.solvePnP(
                    points.points_xyz_m - origin, points.points_px, self.intrinsics.matrix, None, flags=method
                )
            except cv2.error:  # points on one line, or fewer than the method needs
                continue
            if good:
                rotation = np.asarray(cv2.Rodrigues(turn)[0].T, dtype=np.float64)
                position = origin - (rotation @ shift).ravel()
                found.append(CameraPose(position, attitude_from_rotation(rotation)))
        return found

    def refined(self, pose: CameraPose) -> CameraPose | None:
        """Least squares over the points that agree with a pose."""
        distance = pose.distance_px(self.seen, self.intrinsics)
        agree = distance <= OUTLIER_SIGMA * self.noise_px
        if agree.sum() < MIN_POINTS:
            # Nothing agrees yet: the robust loss has to find its way from the nearer half.
            agree = np.isfinite(distance) & (distance <= np.median(distance))
        if agree.sum() < MIN_POINTS // 2:
            return None
        chosen, base = self.seen.only(agree), world_from_camera(pose.attitude)

        def residuals(change: FloatArray) -> FloatArray:
            rotation = cv2.Rodrigues(change[:3])[0] @ base
            return self._residuals(chosen, rotation, pose.xyz_m + change[3:])

        scale = np.array([0.01, 0.01, 0.01, 1.0, 1.0, 1.0])
        fit = least_squares(residuals, np.zeros(6), x_scale=scale, loss="soft_l1", max_nfev=30)
        rotation = cv2.Rodrigues(fit.x[:3])[0] @ base
        return CameraPose(pose.xyz_m + fit.x[3:], attitude_from_rotation(rotation))

    def _residuals(self, chosen: Sightings, rotation: FloatArray, position: FloatArray) -> FloatArray:
        """Everything in standard deviations: pixels, then the turn from the prior in world axes."""
        local = (chosen.points_xyz_m - position) @ rotation
        depth = np.maximum(local[:, 2:], 1e-3)
        pixels = local[:, :2] / depth * self.intrinsics.focal_px + self.intrinsics.size.center_px
        misses = ((pixels - chosen.points_px) / self.noise_px).ravel()
        if self.told is None:
            return np.asarray(misses, dtype=np.float64)
        turn, _ = cv2.Rodrigues(rotation @ self.told.rotation.T)
        return np.concatenate([misses, turn.ravel() * self.told.weights])


def center_on_terrain(pose: CameraPose, intrinsics: Intrinsics, height_at: HeightAt) -> FloatArray | None:
    """The ground point ``(3,)`` in the image centre, or ``None`` where no known terrain is seen there."""
    point = _on_terrain(pose, intrinsics, intrinsics.size.center_px[None], height_at)[0]
    return None if np.isnan(point).any() else point


def ground_homography(pose: CameraPose, intrinsics: Intrinsics, level_m: float) -> FloatArray | None:
    """Pixels to the level plane at a height, ``None`` where the camera looks at the horizon or is below.

    With the level of the ground in the image centre it is exact there; elsewhere the line of sight leads
    from this plane to the terrain (`geo.relief.onto_terrain`).
    """
    try:
        return ground_from_px(intrinsics, pose.attitude, pose.xyz_m, level_m)
    except ValueError:
        return None


def outline_on_terrain(pose: CameraPose, intrinsics: Intrinsics, height_at: HeightAt) -> FloatArray | None:
    """The border of what a frame sees, ``(N, 2)`` map points, or ``None`` where part of it is not known."""
    corners = intrinsics.size.corners_px
    shares = np.linspace(0.0, 1.0, OUTLINE_STEPS, endpoint=False)[:, None]
    border = np.vstack(
        [a + shares * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    )
    points = _on_terrain(pose, intrinsics, border, height_at)
    return None if np.isnan(points).any() else points[:, :2]


def _on_terrain(
    pose: CameraPose, intrinsics: Intrinsics, points_px: FloatArray, height_at: HeightAt
) -> FloatArray:
    below = float(height_at(pose.xyz_m[None, :2])[0])
    height_m = pose.xyz_m[2] - below if np.isfinite(below) else DEFAULT_HEIGHT_M
    directions = rays(intrinsics, pose.attitude, points_px)
    return meet_terrain(pose.xyz_m, directions, height_at, REACH_HEIGHTS * max(height_m, 10.0))
