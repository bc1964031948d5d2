"""What a frame would show if its attitude were known: its shape on the ground, without its place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.types import BoolArray, ByteImage, FloatArray, SizeWH, Telemetry

# Ground beyond this many times the camera's height is seen at a glancing angle and matches nothing.
MAX_REACH_HEIGHTS = 2.5
# What a phone-like wide lens of small UAVs sees when the clip does not say.
TYPICAL_HFOV_DEG = 70.0


@dataclass(frozen=True)
class View:
    """A frame's shape on the ground.

    ``local_from_px`` maps frame pixels to metres east and north of the ground point at the image centre;
    ``reach_m`` is how far from that point the view is worth matching.
    """

    size: SizeWH
    local_from_px: FloatArray
    reach_m: float

    @cached_property
    def width_m(self) -> float:
        """Ground width of the frame at its centre."""
        return (
            float(np.linalg.norm(hg.jacobian(self.local_from_px, self.size.center_px)[:, 0]))
            * self.size.width_px
        )

    def turned(self, yaw_deg: float, scale: float) -> View:
        """The same view turned clockwise by ``yaw_deg`` and enlarged."""
        change = hg.similarity(scale, -yaw_deg, np.zeros(2))
        return View(self.size, change @ self.local_from_px, self.reach_m * scale)

    def at(self, center_xy_m: FloatArray) -> FloatArray:
        """Homography from frame pixels to the map when the image centre lies at ``center_xy_m``."""
        return hg.translation(center_xy_m) @ self.local_from_px


def view_of_placement(map_from_px: FloatArray, size: SizeWH) -> View:
    """The view of a frame whose place is (roughly) known."""
    oriented = hg.orient(map_from_px, size)
    center = hg.apply(oriented, size.center_px)[0]
    local = hg.translation(-center) @ oriented
    return View(size, local, _reach_m(local, size))


def nadir_view(size: SizeWH, width_m: float, yaw_deg: float = 0.0) -> View:
    """A view straight down that is ``width_m`` wide, image-up at grid azimuth ``yaw_deg``."""
    flip = np.diag([1.0, -1.0, 1.0])
    local = (
        hg.similarity(width_m / size.width_px, -yaw_deg, np.zeros(2)) @ flip @ hg.translation(-size.center_px)
    )
    return View(size, local, _reach_m(local, size))


@dataclass(frozen=True)
class Tilt:
    """How a camera is tilted against the ground, whatever its heading, and its assumed field of view."""

    pitch_deg: float
    roll_deg: float
    hfov_deg: float = TYPICAL_HFOV_DEG

    @classmethod
    def of_down(cls, down: FloatArray, hfov_deg: float) -> Tilt:
        """From the direction to the ground below, a unit vector in camera axes (x right, y down, z forward).

        It is the negative of the upward row of `geo.camera.world_from_camera`.
        """
        pitch = -np.degrees(np.arcsin(np.clip(down[2], -1.0, 1.0)))
        return cls(float(pitch), float(np.degrees(np.arctan2(down[0], down[1]))), hfov_deg)

    @property
    def off_nadir_deg(self) -> float:
        """Angle between the optical axis and the plumb line."""
        return 90.0 + self.pitch_deg


def tilted_view(size: SizeWH, width_m: float, yaw_deg: float, tilt: Tilt) -> View | None:
    """A view of a tilted camera that is ``width_m`` wide at its centre, image-up at grid azimuth ``yaw_deg``.

    Returns ``None`` where the camera looks at the horizon.
    """
    telemetry = Telemetry(pitch_deg=tilt.pitch_deg, roll_deg=tilt.roll_deg, yaw_deg=0.0)
    unit = attitude_view(size, telemetry, 100.0, 0.0, tilt.hfov_deg)
    if unit is None:
        return None
    azimuth = hg.grid_azimuth_deg(unit.local_from_px, size.center_px)
    return unit.turned(yaw_deg - azimuth, width_m / unit.width_m)


def attitude_view(
    size: SizeWH, telemetry: Telemetry, height_m: float, convergence_deg: float, hfov_deg: float | None = None
) -> View | None:
    """The view by the telemetry's attitude over flat ground ``height_m`` below the camera.

    Returns ``None`` where the camera looks at the horizon.
    """
    attitude = Attitude(
        (telemetry.yaw_deg or 0.0) - convergence_deg,
        -90.0 if telemetry.pitch_deg is None else telemetry.pitch_deg,
        telemetry.roll_deg or 0.0,
    )
    intrinsics = Intrinsics.from_hfov(size, hfov_deg or telemetry.hfov_deg or TYPICAL_HFOV_DEG)
    try:
        ground = ground_from_px(intrinsics, attitude, np.array([0.0, 0.0, height_m]))
    except ValueError:
        return None
    center = hg.apply(ground, size.center_px)[0]
    if np.linalg.norm(center) > MAX_REACH_HEIGHTS * height_m:
        return None
    return View(size, hg.translation(-center) @ ground, _reach_m(ground, size))


def _reach_m(local_from_px: FloatArray, size: SizeWH) -> float:
    """Distance from the centre to the farthest useful ground point.

    Oblique views grow without bound towards the horizon; twice the width at the centre is what still
    carries detail at the map's resolution.
    """
    jacobian = hg.jacobian(local_from_px, size.center_px)
    width = float(np.linalg.norm(jacobian[:, 0])) * size.width_px
    corners = hg.apply(local_from_px, size.corners_px) - hg.apply(local_from_px, size.center_px)
    farthest = np.nanmax(np.linalg.norm(corners, axis=1)) if not np.isnan(corners).all() else width
    if np.isnan(corners).any():
        farthest = width
    return float(min(farthest, width))


@dataclass(frozen=True)
class Patch:
    """A view drawn north-up: ``image`` and ``mask`` of ``(2r, 2r)`` pixels around ``local_origin``."""

    image: ByteImage
    mask: BoolArray
    gsd_m: float


def render(image: ByteImage, view: View, gsd_m: float, center_offset_px: FloatArray | None = None) -> Patch:
    """Draw a frame as a north-up ground patch whose centre pixel corner is the view's local origin.

    Args:
        image: ``(h, w, 3)`` picture of the frame at any scale; with a fourth channel, it shows something
            where that is 255.
        view: the frame's shape; its size is that of the full frame.
        gsd_m: ground sampling distance of the patch.
        center_offset_px: shift of the local origin within the patch, x right and y down, for patches
            that must fall on another image's pixel grid.
    """
    radius = max(8, int(np.ceil(view.reach_m / gsd_m)))
    offset = np.zeros(2) if center_offset_px is None else center_offset_px
    patch_from_local = np.array(
        [[1 / gsd_m, 0.0, radius + offset[0]], [0.0, -1 / gsd_m, radius + offset[1]], [0.0, 0.0, 1.0]]
    )
    source, source_size = _prefiltered(image, view, gsd_m)
    full_from_source = np.diag(
        [view.size.width_px / source_size.width_px, view.size.height_px / source_size.height_px, 1.0]
    )
    patch_from_source = hg.orient(patch_from_local @ view.local_from_px @ full_from_source, source_size)
    return _warp(source, source_size, patch_from_source, radius, gsd_m)


def _prefiltered(image: ByteImage, view: View, gsd_m: float) -> tuple[ByteImage, SizeWH]:
    """Shrink by area averaging to just above the patch's resolution, so that warping does not alias.

    Returns the picture and its size; the same picture where it is small enough already.
    """
    given = SizeWH(int(image.shape[1]), int(image.shape[0]))
    stretch = np.linalg.svd(hg.jacobian(view.local_from_px, view.size.center_px), compute_uv=False)
    given_gsd_m = float(stretch[1]) * view.size.width_px / given.width_px
    factor = given_gsd_m / gsd_m
    if factor >= 0.8:
        return image, given
    size = SizeWH(max(16, round(given.width_px * factor)), max(16, round(given.height_px * factor)))
    small = cv2.resize(image, (size.width_px, size.height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), size


def _warp(image: ByteImage, size: SizeWH, patch_from_image: FloatArray, radius: int, gsd_m: float) -> Patch:
    half = hg.translation(np.array([0.5, 0.5]))
    opencv = np.linalg.inv(half) @ patch_from_image @ half
    side = 2 * radius
    flags = cv2.INTER_LINEAR
    drawn = cv2.warpPerspective(image, opencv, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inverse = np.linalg.inv(patch_from_image)
    inverse /= inverse[2] @ (patch_from_image @ np.append(size.center_px, 1.0))
    axis = np.arange(side) + 0.5
    x, y, w = (
        inverse[i, 0] * axis[None, :] + inverse[i, 1] * axis[:, None] + inverse[i, 2] for i in range(3)
    )
    inside = (w > 1e-9) & (x >= 0) & (y >= 0) & (x <= w * size.width_px) & (y <= w * size.height_px)
    inside &= (axis[None, :] - radius) ** 2 + (axis[:, None] - radius) ** 2 <= radius**2
    if image.shape[2] == 4:
        inside &= drawn[..., 3] == 255
        drawn = np.ascontiguousarray(drawn[..., :3])
    return Patch(np.asarray(drawn, dtype=np.uint8), np.asarray(inside), gsd_m)
