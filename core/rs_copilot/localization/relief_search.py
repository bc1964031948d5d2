"""Search over strong relief: where no plane comes near the ground, frames are laid over the terrain.

The ordinary search draws a frame on a plane. Over a slope as high as a third of the flight no plane fits, and
the frame matches nothing. With attitude, height and focal length known, an orthophoto of the frame can be
drawn for a camera anywhere; a grid of cameras, each trusted within a fifth of the frame's width, covers a
small map. It is the second try, and only over relief that deserves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Intrinsics, world_from_camera
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.localization import confidence
from rs_copilot.localization.assumptions import Assumptions
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.register import Registration, extrapolation_of, spread_of
from rs_copilot.localization.relief_pose import (
    AttitudePrior,
    CameraPose,
    PriorOf,
    center_on_terrain,
    ground_homography,
)
from rs_copilot.localization.relief_register import (
    SHIFT_REACH,
    OverTerrain,
    Registered,
    Shifted,
    Terrain,
    best_shift,
    register_pose,
)
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import FloatArray, Telemetry

# Standard deviation of the terrain over the flying height from which a plane fails.
STRONG_RELIEF = 0.1
# Cameras of the grid stand this share of their reach apart, so that neighbours overlap.
GRID_SHARE = 1.6
# A frame costs about 0.03 s per camera; beyond this the map is too large for a second try.
MAX_CAMERAS = 400
# After so many frames in a row that are found nowhere, the clip is of another place.
MAX_FAILURES = 2
# Windows that a pose was fitted to, after the best of many places was chosen: wrong places of real frames
# reach a strength of 0.11, right ones start at 0.34. In between lie even odds, so much above those of
# `confidence`.
RELIEF_EVIDENCE = float(np.log(0.16 / confidence.STRENGTH_EVEN_ODDS))
LEAST_LOG_ODDS = 3.0
# A camera whose position telemetry knows is looked for this near to it.
POSITION_REACH_M = 60.0
TRIED = 4


@dataclass(frozen=True)
class ReliefSearch:
    """Tries the keyframes of one clip again that the ordinary search found no place for."""

    recording: Recording
    terrain: Terrain
    assumptions: Assumptions
    prior_of: PriorOf
    bounds_m: Bounds

    def found_again(self, fixes: Mapping[int, Fix], check: Callable[[], None]) -> dict[int, Fix]:
        """Fixes of keyframes that have none, over relief that deserves it.

        ``check`` is called for each keyframe and may raise to stop.
        """
        found: dict[int, Fix] = {}
        failures = 0
        for key, keyframe in enumerate(self.recording.keyframes):
            if key in fixes or failures >= MAX_FAILURES:
                continue
            check()
            fix = self._search(key, keyframe)
            failures = 0 if fix is not None else failures + 1
            if fix is not None:
                found[key] = fix
        return found

    def _search(self, key: int, keyframe: Keyframe) -> Fix | None:
        told = keyframe.telemetry
        prior = None if told is None else self.prior_of(told)
        height_m = None if told is None else self.assumptions.height_m(told)
        if told is None or told.hfov_deg is None or prior is None or height_m is None or height_m <= 1.0:
            return None
        intrinsics = Intrinsics.from_hfov(keyframe.size, told.hfov_deg)
        everywhere = self._cameras(intrinsics, prior, height_m)
        cameras = [camera for camera in everywhere if self._may_be(camera, told)]
        if not cameras:
            return None
        frame = OverTerrain(keyframe.image[..., :3], intrinsics, self.terrain)
        shifted = [one for camera in cameras if (one := best_shift(frame, camera)) is not None]
        return None if not shifted else self._best(key, frame, prior, shifted)

    def _cameras(self, intrinsics: Intrinsics, prior: AttitudePrior, height_m: float) -> list[CameraPose]:
        """A grid of cameras whose views cover the map; none where the relief is weak or the map too large."""
        forward = world_from_camera(prior.attitude)[:, 2]
        if forward[2] >= -0.2:
            return []
        extent_m = self.bounds_m[2] - self.bounds_m[0]
        ground_m = self.terrain.height_at(_grid(self.bounds_m, extent_m / 16.0))
        if not np.isfinite(ground_m).any() or np.nanstd(ground_m) < STRONG_RELIEF * height_m:
            return []
        level_m = float(np.nanmedian(ground_m))
        distance_m = height_m / -forward[2]
        width_m = distance_m * intrinsics.size.width_px / intrinsics.focal_px
        centers = _grid(self.bounds_m, GRID_SHARE * SHIFT_REACH * width_m)
        if len(centers) > MAX_CAMERAS:
            return []
        known = np.isfinite(self.terrain.height_at(centers))
        places = np.column_stack([centers[known], np.full(known.sum(), level_m)]) - forward * distance_m
        return [CameraPose(place, prior.attitude) for place in places]

    def _may_be(self, camera: CameraPose, told: Telemetry) -> bool:
        """Whether a camera stands near enough to where telemetry says, if it does."""
        if told.position is None:
            return True
        position = np.array(from_lonlat(told.position, self.terrain.reference.crs))
        return bool(np.linalg.norm(camera.xyz_m[:2] - position) <= POSITION_REACH_M)

    def _best(self, key: int, frame: OverTerrain, prior: AttitudePrior, shifted: list[Shifted]) -> Fix | None:
        values = np.array([one.correlation for one in shifted])
        order = np.argsort(values)[::-1]
        found = [(one, register_pose(frame, shifted[one].pose, prior)) for one in order[:TRIED]]
        registered = [(one, good) for one, good in found if good is not None]
        if not registered:
            return None
        one, good = max(registered, key=lambda item: int(item[1].tight.sum()))
        registration = self._registration(frame, good)
        if registration is None:
            return None
        rest = np.delete(values, one)
        deviation = float(np.std(rest)) if len(rest) > 2 else float("inf")
        z = float((values[one] - np.mean(rest)) / max(deviation, 1e-3)) if len(rest) else 0.0
        view = view_of_placement(registration.map_from_px, frame.intrinsics.size)
        center = hg.apply(registration.map_from_px, frame.intrinsics.size.center_px)[0]
        candidate = Candidate(view, center, float(values[one]), z)
        evidence = confidence.evidence(registration) - RELIEF_EVIDENCE
        odds = float(min(confidence.STRENGTH_SLOPE * evidence, confidence.MAX_LOG_ODDS))
        return (
            Fix(key, candidate, registration, odds, float(len(shifted))) if odds >= LEAST_LOG_ODDS else None
        )

    def _registration(self, frame: OverTerrain, found: Registered) -> Registration | None:
        """The evidence as for a plane: a homography at the level of the ground in the centre."""
        center = center_on_terrain(found.pose, frame.intrinsics, self.terrain.height_at)
        place = None if center is None else ground_homography(found.pose, frame.intrinsics, float(center[2]))
        if center is None or place is None:
            return None
        tight = found.seen.only(found.tight)
        metre_px = frame.intrinsics.focal_px / float(np.linalg.norm(center - found.pose.xyz_m))
        residual_px = found.pose.distance_px(tight, frame.intrinsics)
        return Registration(
            map_from_px=place,
            support=float(found.tight.mean()),
            windows=len(found.seen),
            ncc=float(found.correlations[found.tight].mean()),
            residual_m=float(np.sqrt(np.mean(residual_px**2))) / metre_px,
            spread=spread_of(tight.points_px, frame.intrinsics.size),
            clarity=float(found.clarities[found.tight].mean()),
            points_px=tight.points_px,
            points_m=tight.points_xyz_m[:, :2],
            extrapolation=extrapolation_of(tight.points_px, frame.intrinsics.size),
        )


def _grid(bounds_m: Bounds, step_m: float) -> FloatArray:
    """Points ``(N, 2)`` over a rectangle, at most ``step_m`` apart."""
    west, south, east, north = bounds_m
    axes = [
        low + (np.arange(count) + 0.5) * (high - low) / count
        for low, high in ((west, east), (south, north))
        for count in [max(1, int(np.ceil((high - low) / step_m)))]
    ]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
