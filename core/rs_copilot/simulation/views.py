"""Where each pixel looks: the drone's perspective camera with a rolling shutter, and the satellite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rs_copilot.geo.camera import Attitude, Intrinsics, project, world_from_camera
from rs_copilot.simulation.fields import Rays
from rs_copilot.simulation.world import World
from rs_copilot.types import FloatArray, SizeWH


@dataclass(frozen=True)
class Pose:
    """Camera centre in local metres (x, y, z above sea level) and attitude on the grid."""

    xyz_m: FloatArray
    attitude: Attitude


class View(Protocol):
    """What the renderer needs of a camera."""

    @property
    def size(self) -> SizeWH:
        """Picture size."""

    def rays(self) -> Rays:
        """One ray per pixel."""

    def project(self, points_xyz_m: FloatArray) -> FloatArray:
        """Pixels (N, 2) of local points (N, 3); NaN behind the camera."""


@dataclass(frozen=True)
class DroneView:
    """A perspective camera: ``first`` and ``last`` are its poses while the top and bottom rows are read."""

    intrinsics: Intrinsics
    pose: Pose
    first: Pose
    last: Pose

    @property
    def size(self) -> SizeWH:
        """Picture size."""
        return self.intrinsics.size

    def rays(self) -> Rays:
        """Rays through pixel centres; between the two end poses rotation is blended, which is exact to
        second order for the fraction of a degree that a camera turns during one readout.
        """
        from rs_copilot.simulation.raycast import fill_rays

        size, focal = self.size, self.intrinsics.focal_px
        shape = (size.height_px, size.width_px, 3)
        origins, directions = np.empty(shape, np.float32), np.empty(shape, np.float32)
        turns = world_from_camera(self.first.attitude), world_from_camera(self.last.attitude)
        fill_rays(turns[0], turns[1], self.first.xyz_m, self.last.xyz_m, focal, origins, directions)
        return Rays(origins, directions, 0.0, 1.0 / focal)

    def project(self, points_xyz_m: FloatArray) -> FloatArray:
        """Pixels of the middle row's pose."""
        return project(self.intrinsics, self.pose.attitude, self.pose.xyz_m, points_xyz_m)


@dataclass(frozen=True)
class SatelliteView:
    """Parallel rays, ortho-rectified on the terrain: ground is in place, roofs lean outwards.

    ``corner_xy`` is the local position of the tile's north-west corner.
    """

    world: World
    corner_xy: FloatArray
    gsd_m: float
    lean_deg: float
    lean_azimuth_deg: float
    size: SizeWH

    @property
    def direction(self) -> FloatArray:
        """Unit vector along which the satellite looks."""
        lean, azimuth = np.radians([self.lean_deg, self.lean_azimuth_deg])
        return np.array([np.sin(azimuth) * np.sin(lean), np.cos(azimuth) * np.sin(lean), -np.cos(lean)])

    def rays(self) -> Rays:
        """Rays that meet the terrain at pixel centres."""
        x = self.corner_xy[0] + (np.arange(self.size.width_px) + 0.5) * self.gsd_m
        y = self.corner_xy[1] - (np.arange(self.size.height_px) + 0.5) * self.gsd_m
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        ground = self.world.ground_z(grid.reshape(-1, 2)).reshape(grid.shape[:2])
        points = np.concatenate([grid, ground[:, :, None]], axis=2)
        origin = points - 60.0 * self.direction
        direction = np.broadcast_to(self.direction, origin.shape)
        return Rays(origin.astype(np.float32), np.ascontiguousarray(direction, np.float32), self.gsd_m, 0.0)

    def project(self, points_xyz_m: FloatArray) -> FloatArray:
        """Pixels of points, dropped along the rays to the terrain below them."""
        points = np.asarray(points_xyz_m, dtype=np.float64)
        direction = self.direction
        above = points[:, 2] - self.world.ground_z(points[:, :2])
        xy = points[:, :2] + direction[:2] / -direction[2] * above[:, None]
        return np.stack([xy[:, 0] - self.corner_xy[0], self.corner_xy[1] - xy[:, 1]], axis=1) / self.gsd_m
