"""A map of roofs in all directions, and what a camera sees of it."""

from __future__ import annotations

import cv2
import numpy as np
import pyproj

from rs_copilot.geo import homography as hg
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.view import View
from rs_copilot.raster.source import MapImage
from rs_copilot.types import SizeWH

SIZE = SizeWH(320, 180)
SIDE_M = 600
CRS = pyproj.CRS.from_epsg(32633)


def town(seed: int = 5) -> np.ndarray:
    """A map of 1 m pixels with roofs of all directions."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE_M, SIDE_M, 3), 110, dtype=np.uint8)
    for _ in range(900):
        box = (tuple(rng.uniform(0, SIDE_M, 2)), tuple(rng.uniform(6, 30, 2)), float(rng.uniform(0, 180)))
        color = [int(c) for c in rng.integers(20, 235, 3)]
        cv2.fillPoly(image, [cv2.boxPoints(box).astype(np.int32)], color)
    return image


TOWN = town()


def read(gsd_m: float, bounds: Bounds) -> MapImage:
    west, south, east, north = bounds
    size = (int(np.ceil((east - west) / gsd_m)), int(np.ceil((north - south) / gsd_m)))
    to_map = np.array([[gsd_m, 0, west + gsd_m / 2 - 0.5], [0, gsd_m, SIDE_M - north + gsd_m / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    blurred = cv2.GaussianBlur(TOWN, (0, 0), max(0.3, 0.4 * gsd_m))
    image = cv2.warpAffine(blurred, to_map, size, flags=flags)
    valid = cv2.warpAffine(np.ones(TOWN.shape[:2], np.uint8), to_map, size, flags=flags) > 0
    return MapImage(image, valid, west, north, gsd_m, CRS)


def frame(view: View, center: np.ndarray) -> np.ndarray:
    """What a camera sees there."""
    flip = np.array([[1, 0, -0.5], [0, -1, SIDE_M - 0.5], [0, 0, 1.0]])
    half = hg.translation(np.array([0.5, 0.5]))
    pixels = flip @ view.at(center) @ half
    shape = (SIZE.width_px, SIZE.height_px)
    return cv2.warpPerspective(TOWN, pixels, shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def reference() -> Reference:
    return Reference(read, (0.0, 0.0, float(SIDE_M), float(SIDE_M)), 1.0, CRS)
