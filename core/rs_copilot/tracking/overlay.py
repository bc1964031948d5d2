"""Logos and text burnt into a clip: they stand still in the picture and seem to fly over the ground.

Edges of the ground change from view to view; edges of an overlay stay. Long edges along the flight (kerbs,
roofs) stay as well, but only across one direction, so what counts is where lasting edges of more than
one direction meet: the lesser eigenvalue of their structure tensor (Shi and Tomasi 1994).
"""

from __future__ import annotations

import cv2
import numpy as np

from rs_copilot.types import BoolArray, ByteImage, Float32Array

# Views must have moved on by this much (pixels of the small image) to say something new.
MIN_STEP_PX = 12.0
MIN_VIEWS = 16
# Share of its mean strength that the mean vector of a lasting edge keeps, and its strength in grey levels.
LASTING_SHARE, LASTING_LEVELS = 0.75, 5.0
# Of the structure tensor: the noise of a strong edge is no second direction.
CORNER_LEVELS, CORNER_SHARE = 2.0, 0.04
WINDOW_PX = 9
MARGIN_PX = 7
# The straight sides of a logo lie between its corners.
FILL_PX = 31


class OverlayFinder:
    """Feed it small grey frames of a moving camera; `mask` tells where an overlay is."""

    def __init__(self) -> None:
        self.views = 0
        self._sum_x: Float32Array | None = None
        self._sum_y: Float32Array | None = None
        self._sum_strength: Float32Array | None = None

    def add(self, gray: ByteImage) -> None:
        """One more view, moved by at least `MIN_STEP_PX` against the last; ``(H, W)``, all of one size."""
        # A Sobel operator answers a step of one level with 4.
        x = np.asarray(cv2.Sobel(gray, cv2.CV_32F, 1, 0), dtype=np.float32) / 4.0
        y = np.asarray(cv2.Sobel(gray, cv2.CV_32F, 0, 1), dtype=np.float32) / 4.0
        strength = np.hypot(x, y)
        if self._sum_x is None or self._sum_y is None or self._sum_strength is None:
            self._sum_x, self._sum_y, self._sum_strength = x, y, strength
        else:
            self._sum_x, self._sum_y = self._sum_x + x, self._sum_y + y
            self._sum_strength = self._sum_strength + strength
        self.views += 1

    def mask(self) -> BoolArray | None:
        """``(H, W)`` of the small frames, true on overlays; ``None`` while too few views were seen."""
        if self._sum_x is None or self._sum_y is None or self._sum_strength is None or self.views < MIN_VIEWS:
            return None
        x, y, strength = (total / self.views for total in (self._sum_x, self._sum_y, self._sum_strength))
        kept = np.hypot(x, y)
        lasting = (kept > LASTING_SHARE * strength) & (kept > LASTING_LEVELS)
        x, y = np.where(lasting, x, 0.0), np.where(lasting, y, 0.0)
        xx, yy, xy = (cv2.blur(product, (WINDOW_PX, WINDOW_PX)) for product in (x * x, y * y, x * y))
        spread = np.sqrt((xx - yy) ** 2 + 4.0 * xy**2)
        lesser, greater = 0.5 * (xx + yy - spread), 0.5 * (xx + yy + spread)
        corners = np.asarray((lesser > CORNER_LEVELS**2) & (lesser > CORNER_SHARE * greater), dtype=np.uint8)
        filled = cv2.morphologyEx(corners, cv2.MORPH_CLOSE, np.ones((FILL_PX, FILL_PX), np.uint8))
        side = 2 * MARGIN_PX + 1
        return np.asarray(cv2.dilate(filled, np.ones((side, side), np.uint8)) > 0)
