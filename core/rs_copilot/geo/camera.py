"""The pinhole camera of a UAV: intrinsics, attitude, and its view of the ground plane.

World axes are east, north, up; camera axes are x right, y down, z forward. Attitude follows the gimbal:
yaw clockwise from north, pitch 0 at the horizon and -90 at nadir, roll about the optical axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, SizeWH

# Below this depression angle a flat-ground view stretches to the horizon and says nothing about the map.
MIN_DEPRESSION_DEG = 5.0


@dataclass(frozen=True)
class Intrinsics:
    """Focal length and principal point in pixels of an image of the given size (square pixels)."""

    size: SizeWH
    focal_px: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.focal_px) and self.focal_px > 0):
            raise ValueError(f"expected a positive focal length in pixels, found {self.focal_px}")

    @classmethod
    def from_hfov(cls, size: SizeWH, hfov_deg: float) -> Intrinsics:
        """From the horizontal field of view.

        Raises:
            ValueError: the field of view is not between 0 and 180 degrees.
        """
        if not 0.0 < hfov_deg < 180.0:
            raise ValueError(f"expected a field of view in (0, 180) degrees, found {hfov_deg}")
        return cls(size, size.width_px / (2.0 * np.tan(np.radians(hfov_deg) / 2.0)))

    @property
    def matrix(self) -> FloatArray:
        """The (3, 3) calibration matrix K in the GDAL pixel convention."""
        cx, cy = self.size.center_px
        return np.array([[self.focal_px, 0.0, cx], [0.0, self.focal_px, cy], [0.0, 0.0, 1.0]])

    @property
    def hfov_deg(self) -> float:
        """Horizontal field of view."""
        return float(np.degrees(2.0 * np.arctan(self.size.width_px / (2.0 * self.focal_px))))


@dataclass(frozen=True)
class Attitude:
    """Yaw, pitch and roll of the camera in degrees."""

    yaw_deg: float
    pitch_deg: float = -90.0
    roll_deg: float = 0.0


def world_from_camera(attitude: Attitude) -> FloatArray:
    """The (3, 3) rotation whose columns are the camera's right, down and forward in east, north, up."""
    yaw, pitch, roll = np.radians([attitude.yaw_deg, attitude.pitch_deg, attitude.roll_deg])
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, -s * right + c * down, forward], axis=1)


def attitude_from_rotation(rotation: FloatArray) -> Attitude:
    """The inverse of `world_from_camera`; at exact nadir yaw carries the whole turn and roll is 0."""
    right, forward = rotation[:, 0], rotation[:, 2]
    pitch = np.arcsin(np.clip(forward[2], -1.0, 1.0))
    if np.cos(pitch) < 1e-6:
        up = -rotation[:, 1]
        return Attitude(float(np.degrees(np.arctan2(up[0], up[1])) % 360.0), float(np.degrees(pitch)), 0.0)
    yaw = np.arctan2(forward[0], forward[1])
    level_right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    level_down = np.cross(forward, level_right)
    roll = np.arctan2(right @ level_down, right @ level_right)
    return Attitude(*(float(np.degrees(a)) for a in (yaw % (2 * np.pi), pitch, roll)))


def project(
    intrinsics: Intrinsics, attitude: Attitude, camera_xyz_m: FloatArray, points_xyz_m: FloatArray
) -> FloatArray:
    """Pixels of ``(N, 3)`` world points; points behind the camera come out as NaN. Shape (N, 2)."""
    local = (np.asarray(points_xyz_m, dtype=np.float64) - camera_xyz_m) @ world_from_camera(attitude)
    depth = local[:, 2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = local[:, :2] / depth * intrinsics.focal_px + intrinsics.size.center_px
    pixels[depth[:, 0] <= 1e-9] = np.nan
    return np.asarray(pixels, dtype=np.float64)


def rays(intrinsics: Intrinsics, attitude: Attitude, points_px: FloatArray) -> FloatArray:
    """Unit viewing directions of ``(N, 2)`` pixels in east, north, up. Shape (N, 3)."""
    offsets = (
        np.asarray(points_px, dtype=np.float64).reshape(-1, 2) - intrinsics.size.center_px
    ) / intrinsics.focal_px
    local = np.column_stack([offsets, np.ones(len(offsets))])
    world = local @ world_from_camera(attitude).T
    return np.asarray(world / np.linalg.norm(world, axis=1, keepdims=True), dtype=np.float64)


def ground_from_px(
    intrinsics: Intrinsics, attitude: Attitude, camera_xyz_m: FloatArray, ground_z_m: float = 0.0
) -> FloatArray:
    """Homography from pixels to the horizontal plane at ``ground_z_m``, oriented to the image centre.

    Raises:
        ValueError: the camera is not above the plane, or looks less than 5 degrees below the horizon.
    """
    height = float(camera_xyz_m[2]) - ground_z_m
    if height <= 0:
        raise ValueError(f"the camera is {-height:.1f} m below the ground plane")
    if attitude.pitch_deg > -MIN_DEPRESSION_DEG:
        raise ValueError(
            f"expected a view at least {MIN_DEPRESSION_DEG:.0f} degrees below the horizon, "
            f"found gimbal pitch {attitude.pitch_deg:.1f}"
        )
    rotation = world_from_camera(attitude)
    # A ray K^-1 p in world axes meets the plane at camera + height * (rx, ry) / -rz.
    direction = rotation @ np.linalg.inv(intrinsics.matrix)
    plane = np.array(
        [
            height * direction[0] - camera_xyz_m[0] * direction[2],
            height * direction[1] - camera_xyz_m[1] * direction[2],
            -direction[2],
        ]
    )
    return hg.orient(plane, intrinsics.size)


# Half the diagonal of a 36 x 24 mm film frame: the "35 mm equivalent" compares diagonals (CIPA DCG-001).
_FILM_HALF_DIAGONAL_MM = float(np.hypot(36.0, 24.0) / 2.0)


def hfov_from_equivalent(focal_mm: float, image_aspect: float | None = None) -> float:
    """Horizontal field of view in degrees of a focal length in 35 mm equivalent.

    UAV sensors are 4:3, or 3:2 where the image is; wider images (video, 16:9 stills) are cut from the
    sensor's full width. ``image_aspect`` is width over height; without it the sensor counts as 4:3.
    """
    return float(2.0 * np.degrees(np.arctan(_sensor_half_width_mm(image_aspect) / focal_mm)))


def equivalent_from_hfov(hfov_deg: float, image_aspect: float | None = None) -> float:
    """The inverse of `hfov_from_equivalent`: 35 mm equivalent focal length in millimetres."""
    return float(_sensor_half_width_mm(image_aspect) / np.tan(np.radians(hfov_deg) / 2.0))


def _sensor_half_width_mm(image_aspect: float | None) -> float:
    is_three_to_two = image_aspect is not None and abs(image_aspect - 1.5) < 0.03
    aspect = 1.5 if is_three_to_two else 4.0 / 3.0
    return float(_FILM_HALF_DIAGONAL_MM * aspect / np.hypot(aspect, 1.0))
