"""Black collars of mosaics that declare no nodata (pure).

Black inside a scene is shadow or water; black that is connected to the raster's edge is missing data.
"""

from __future__ import annotations

import cv2
import numpy as np

from rs_copilot.raster.grid import MapImage
from rs_copilot.types import BoolArray, ByteImage

# JPEG compression rings a few grey levels into a black collar.
BLACK_LEVEL = 3


def is_black(image: ByteImage) -> BoolArray:
    """Pixels that are black up to compression noise: (H, W, 3) image to (H, W) mask."""
    return np.asarray(image.max(axis=2) <= BLACK_LEVEL, dtype=np.bool_)


def border_black(image: ByteImage, valid: BoolArray) -> BoolArray:
    """The black regions that touch invalid pixels or the edge of a whole raster; shape (H, W)."""
    dark = is_black(image) | ~valid
    framed = np.pad(dark, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(framed, connectivity=4)
    outside = (labels == labels[0, 0])[1:-1, 1:-1]
    return np.asarray(outside & valid, dtype=np.bool_)


def refine_border(coarse: BoolArray, image: ByteImage) -> BoolArray:
    """Sharpen a collar known at low resolution with the piece's own pixels.

    ``coarse`` (H, W) is the collar resampled to the grid of ``image``. Its inside is missing whatever
    noise says; along its rim the pixels that are black are.
    """
    height, width = coarse.shape
    reach = np.ones((3, 3), dtype=np.uint8)
    rim = cv2.dilate(coarse.astype(np.uint8), reach, iterations=1).astype(bool)
    return np.asarray(coarse | (rim & is_black(image)), dtype=np.bool_) if height and width else coarse


def resample_mask(coarse: MapImage, piece: MapImage) -> BoolArray:
    """``coarse.valid`` on the grid of ``piece`` (same CRS), nearest neighbour, outside false."""
    height, width = piece.valid.shape
    x_m = piece.west_m + (np.arange(width) + 0.5) * piece.gsd_m
    y_m = piece.north_m - (np.arange(height) + 0.5) * piece.gsd_m
    columns = np.floor((x_m - coarse.west_m) / coarse.gsd_m).astype(int)
    rows = np.floor((coarse.north_m - y_m) / coarse.gsd_m).astype(int)
    inside_x = (columns >= 0) & (columns < coarse.valid.shape[1])
    inside_y = (rows >= 0) & (rows < coarse.valid.shape[0])
    found = coarse.valid[np.ix_(np.where(inside_y, rows, 0), np.where(inside_x, columns, 0))]
    return np.asarray(found & inside_y[:, None] & inside_x[None, :], dtype=np.bool_)
