"""A textured map over hills, and what a camera above it sees: known truth for poses over terrain."""

from __future__ import annotations

import cv2
import numpy as np
import pyproj
from scipy.interpolate import RectBivariateSpline

from rs_copilot.geo.camera import Intrinsics, rays
from rs_copilot.geo.relief import HeightAt, meet_terrain
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.relief_pose import CameraPose
from rs_copilot.raster.grid import MapImage
from rs_copilot.types import ByteImage, FloatArray, SizeWH

CRS = pyproj.CRS.from_epsg(32633)
SIZE = SizeWH(480, 270)
LENS = Intrinsics.from_hfov(SIZE, 68.0)
WEST_M, NORTH_M, SIDE_M, GSD_M = 504_000.0, 5_340_700.0, 360.0, 0.5
MIDDLE = np.array([WEST_M + SIDE_M / 2, NORTH_M - SIDE_M / 2])


def heights(points: FloatArray) -> FloatArray:
    """Ground of 250 m with hills of 12 m."""
    x, y = points[:, 0] - WEST_M, points[:, 1] - NORTH_M
    return 250.0 + 12.0 * np.sin(x / 24.0) * np.cos(y / 31.0)


def mountains(points: FloatArray) -> FloatArray:
    """The same hills more than twice as high: no plane comes near them."""
    return 250.0 + 2.4 * (heights(points) - 250.0)


def ground_picture(seed: int = 4) -> ByteImage:
    """North-up picture of the whole ground: rectangles of any size, colour and turn."""
    rng = np.random.default_rng(seed)
    count = round(SIDE_M / GSD_M)
    picture = np.full((count, count, 3), 110, dtype=np.uint8)
    for _ in range(900):
        middle, sides = rng.uniform(0, count, 2), rng.uniform(6, 40, 2)
        box = cv2.boxPoints((tuple(middle), tuple(sides), float(rng.uniform(0, 90))))
        cv2.fillPoly(picture, [box.astype(np.int32)], tuple(int(v) for v in rng.integers(30, 226, 3)))
    return cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.uint8)


def reference(picture: ByteImage) -> Reference:
    """The picture as the map."""

    def read(gsd_m: float, bounds: Bounds) -> MapImage:
        west, south, east, north = bounds
        shape = (round((north - south) / gsd_m), round((east - west) / gsd_m))
        scale = gsd_m / GSD_M
        matrix = np.array(
            [
                [scale, 0.0, (west - WEST_M) / GSD_M + 0.5 * scale - 0.5],
                [0.0, scale, (NORTH_M - north) / GSD_M + 0.5 * scale - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(picture, matrix, shape[::-1], flags=flags).astype(np.uint8)
        valid = cv2.warpAffine(np.ones(picture.shape[:2], np.uint8), matrix, shape[::-1], flags=flags) > 0
        return MapImage(image, valid, west, north, gsd_m, CRS)

    return Reference(read, (WEST_M, NORTH_M - SIDE_M, WEST_M + SIDE_M, NORTH_M), GSD_M, CRS)


def photo(picture: ByteImage, pose: CameraPose, height_at: HeightAt = heights) -> ByteImage:
    """What the camera sees: lines of sight followed to the hills, splines between every sixth pixel."""
    x, y = np.arange(0.5, SIZE.width_px + 6.0, 6.0), np.arange(0.5, SIZE.height_px + 6.0, 6.0)
    directions = rays(LENS, pose.attitude, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    met = meet_terrain(pose.xyz_m, directions, height_at, 400.0)[:, :2].reshape(len(y), len(x), 2)
    fine = [np.arange(side) + 0.5 for side in (SIZE.height_px, SIZE.width_px)]
    east, north = (RectBivariateSpline(y, x, met[..., k])(*fine) for k in (0, 1))
    col, row = (east - WEST_M) / GSD_M - 0.5, (NORTH_M - north) / GSD_M - 0.5
    return cv2.remap(picture, col.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR).astype(
        np.uint8
    )
