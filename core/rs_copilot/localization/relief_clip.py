"""The cameras of a whole clip over terrain: keyframes compared with the map, the frames between by motion.

Only where the elevation is known and the telemetry says the focal length; every frame that it does not work
for keeps the place it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Intrinsics
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.relief_pose import (
    CameraPose,
    PriorOf,
    Sightings,
    center_on_terrain,
    ground_homography,
    outline_on_terrain,
    sightings,
    solve_pose,
)
from rs_copilot.localization.relief_register import OverTerrain, Terrain, noise_px, register_pose
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import CameraPosition, FloatArray, FrameStatus, LonLat, Placement

# A pose that moves the centre by more than this share of the frame's width is of another place.
MAX_CENTER_SHIFT = 0.12
# A plane may explain flat ground as well as the terrain does; by more than this, the terrain is wrong.
PLANE_MAY_BE_BETTER = 0.5
# Frame-to-frame motion carries windows over hills as if they were flat.
CARRIED_NOISE = 1.5
# So many windows fix a carried frame.
CARRIED_WINDOWS = 40


@dataclass(frozen=True)
class Anchored:
    """A keyframe's pose, and the windows that agree with it."""

    visit: int
    pose: CameraPose
    seen: Sightings


@dataclass(frozen=True)
class ReliefClip:
    """Improves the placements of one clip. ``prior_of`` says what telemetry means for the attitude."""

    recording: Recording
    terrain: Terrain
    prior_of: PriorOf

    def improve(self, placements: Sequence[Placement], fixes: Mapping[int, Fix]) -> list[Placement]:
        """Placements, one per visited frame, with camera, ground and outline where a pose explains them.

        Args:
            placements: of all visited frames in order.
            fixes: what keyframes were matched to, by keyframe.
        """
        anchored = [
            found
            for key in sorted(fixes)
            if placements[self.recording.keyframes[key].visit].status is FrameStatus.LOCATED
            if (found := self.anchored(self.recording.keyframes[key], fixes[key])) is not None
        ]
        visits = [item.visit for item in anchored]
        improved = list(placements)
        for number, placement in enumerate(placements):
            position = int(np.searchsorted(visits, number))
            improved[number] = self.placed(placement, number, anchored[max(position - 1, 0) : position + 1])
        return improved

    def placed(self, placement: Placement, number: int, around: Sequence[Anchored]) -> Placement:
        """The placement of a visited frame by the poses of keyframes around it, or as it was."""
        exact = [item for item in around if item.visit == number]
        pose = exact[0].pose if exact else self._carried(number, around)
        return placement if pose is None else self._with_pose(placement, number, pose)

    def anchored(self, keyframe: Keyframe, fix: Fix) -> Anchored | None:
        """The pose of a keyframe that was matched; ``None`` where the terrain does not explain it."""
        told = keyframe.telemetry
        if told is None or told.hfov_deg is None:
            return None
        intrinsics, prior = Intrinsics.from_hfov(keyframe.size, told.hfov_deg), self.prior_of(told)
        matched = fix.registration
        noise = noise_px(intrinsics)
        first = sightings(matched.points_px, matched.points_m, self.terrain.height_at)
        start = solve_pose(first, intrinsics, noise, prior=prior)
        if start is None:
            return None
        found = register_pose(OverTerrain(keyframe.image[..., :3], intrinsics, self.terrain), start, prior)
        if found is None:
            return None
        pose, seen = found.pose, found.seen
        plane = solve_pose(seen.flattened(), intrinsics, noise, start=pose, prior=prior)
        if plane is not None and pose.cost > plane.cost + PLANE_MAY_BE_BETTER:
            return None
        return Anchored(keyframe.visit, pose, seen.only(pose.agrees(seen, intrinsics, noise)))

    def _carried(self, number: int, around: Sequence[Anchored]) -> CameraPose | None:
        """The pose of a frame by the windows of the keyframes before and after it, carried by motion."""
        told = self.recording.visits[number].telemetry
        if told is None or told.hfov_deg is None:
            return None
        carried = [
            Sightings(hg.apply(hg.orient(motion, size), seen.points_px), seen.points_xyz_m)
            for item in around
            if (motion := self.recording.chain.between(item.visit, number)) is not None
            for size in [self.recording.visits[item.visit].size]
            for seen in [item.seen.thinned(CARRIED_WINDOWS)]
        ]
        if not carried:
            return None
        intrinsics = Intrinsics.from_hfov(self.recording.visits[number].size, told.hfov_deg)
        together = Sightings(
            np.vstack([item.points_px for item in carried]),
            np.vstack([item.points_xyz_m for item in carried]),
        )
        known = together.only(~np.isnan(together.points_px[:, 0]))
        noise = CARRIED_NOISE * noise_px(intrinsics)
        return solve_pose(known, intrinsics, noise, prior=self.prior_of(told), rounds=1)

    def _with_pose(self, placement: Placement, number: int, pose: CameraPose) -> Placement:
        told = self.recording.visits[number].telemetry
        if placement.map_from_px is None or placement.size is None or told is None or told.hfov_deg is None:
            return placement
        intrinsics = Intrinsics.from_hfov(placement.size, told.hfov_deg)
        center = center_on_terrain(pose, intrinsics, self.terrain.height_at)
        place = None if center is None else ground_homography(pose, intrinsics, float(center[2]))
        if center is None or place is None or not self._is_near(placement, center):
            return placement
        lon, lat = to_lonlat(pose.xyz_m[None, :2], self.terrain.reference.crs)[0]
        below = float(self.terrain.height_at(pose.xyz_m[None, :2])[0])
        ground_m = below if np.isfinite(below) else float(center[2])
        return replace(
            placement,
            map_from_px=place,
            camera=CameraPosition(
                LonLat(float(lon), float(lat)), float(pose.xyz_m[2]) - ground_m, float(pose.xyz_m[2])
            ),
            level_m=float(center[2]),
            outline_m=outline_on_terrain(pose, intrinsics, self.terrain.height_at),
        )

    @staticmethod
    def _is_near(placement: Placement, center: FloatArray) -> bool:
        if placement.map_from_px is None or placement.size is None:
            return False
        oriented = hg.orient(placement.map_from_px, placement.size)
        before = hg.apply(oriented, placement.size.center_px)[0]
        width_m = view_of_placement(placement.map_from_px, placement.size).width_m
        return bool(np.linalg.norm(center[:2] - before) <= MAX_CENTER_SHIFT * width_m)
