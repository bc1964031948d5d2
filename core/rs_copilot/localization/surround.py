"""Frames that fill only part of their picture: rectified views, letterboxed videos, fisheye circles."""

from __future__ import annotations

import cv2
import numpy as np

from rs_copilot.raster.border import BLACK_LEVEL, border_black
from rs_copilot.types import ByteImage

# Less black than this share at the picture's edge is shadow or water.
LEAST_SHARE = 0.03
# Compression mixes what is shown with the black around it over so many pixels.
RIM_PX = 3


def without_surround(image: ByteImage) -> ByteImage:
    """An RGB picture as it is, or RGBA where black surrounds what it shows.

    There alpha is 0 and the picture is continued, so that its edge is no edge. Shape ``(H, W, 3 or 4)``.
    """
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).max(axis=1) <= BLACK_LEVEL
    if edge.mean() < LEAST_SHARE:
        return image
    black = border_black(image, np.ones(image.shape[:2], dtype=np.bool_))
    if black.mean() < LEAST_SHARE or black.all():
        return image
    rim = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), dtype=np.uint8)
    outside = cv2.dilate(black.astype(np.uint8), rim)
    if outside.all():
        return image
    _, nearest = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Every pixel that shows something has a label of its own, which those beyond take over.
    shown = outside == 0
    colors = np.zeros((int(nearest.max()) + 1, 3), dtype=np.uint8)
    colors[nearest[shown]] = image[shown]
    alpha = np.where(shown, 255, 0).astype(np.uint8)
    return np.dstack([colors[nearest], alpha])
