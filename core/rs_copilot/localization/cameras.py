"""Where the camera was: from a frame's place, its telemetry and, where it is known, the terrain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.localization.assumptions import Assumptions, Calibration
from rs_copilot.localization.keyframes import Recording
from rs_copilot.localization.pose import camera_from_attitude, camera_from_homography, grid_px
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.relief_pose import AttitudePrior
from rs_copilot.types import (
    CameraPosition,
    FloatArray,
    FrameStatus,
    LonLat,
    Placement,
    Telemetry,
    TelemetryUse,
)

ElevationAt = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class CameraFinder:
    """Adds the camera's position to placements, where focal length and height allow."""

    recording: Recording
    reference: Reference
    assumptions: Assumptions
    calibration: Calibration
    use: TelemetryUse
    elevation_at: ElevationAt | None

    def complete(self, number: int, placement: Placement) -> Placement:
        """The placement of a visited frame with its camera, where that can be told."""
        visit = self.recording.visits[number]
        if placement.status is FrameStatus.UNLOCATED or placement.map_from_px is None:
            return placement
        telemetry = visit.telemetry if self.use is not TelemetryUse.NONE else None
        if telemetry is None or telemetry.hfov_deg is None:
            return placement
        # The clip's scale against its barometer and focal length: taken as the focal length's error.
        intrinsics = Intrinsics.from_hfov(visit.size, telemetry.hfov_deg)
        ground = self._ground_z_m(placement.map_from_px, intrinsics)
        position = self._position(placement.map_from_px, intrinsics, telemetry, ground)
        if position is None:
            return placement
        lon, lat = to_lonlat(position[None, :2], self.reference.crs)[0]
        level = None if ground is None else float(ground.mean())
        msl = None if level is None else float(position[2])
        agl = float(position[2]) - (level or 0.0)
        camera = CameraPosition(LonLat(float(lon), float(lat)), agl, msl)
        return replace(placement, camera=camera)

    def attitude_prior(self, telemetry: Telemetry) -> AttitudePrior | None:
        """The camera's attitude in the map's grid, by gimbal and compass as far as the clip corrects them."""
        if telemetry.yaw_deg is None or telemetry.pitch_deg is None:
            return None
        yaw = telemetry.yaw_deg - self.assumptions.convergence_deg + self.calibration.yaw_deg
        return AttitudePrior(Attitude(yaw, telemetry.pitch_deg, telemetry.roll_deg or 0.0))

    def _ground_z_m(self, map_from_px: FloatArray, intrinsics: Intrinsics) -> FloatArray | None:
        if self.elevation_at is None:
            return None
        heights = self.elevation_at(hg.apply(map_from_px, grid_px(intrinsics)))
        return heights if np.isfinite(heights).all() else None

    def _position(
        self, map_from_px: FloatArray, intrinsics: Intrinsics, telemetry: Telemetry, ground: FloatArray | None
    ) -> FloatArray | None:
        prior = self.attitude_prior(telemetry)
        if prior is None:
            return camera_from_homography(map_from_px, intrinsics, ground)
        camera = camera_from_attitude(map_from_px, intrinsics, prior.attitude)
        if camera is None or ground is None:
            return camera
        return np.asarray(camera + np.array([0.0, 0.0, float(ground.mean())]))
