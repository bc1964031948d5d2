"""What moves against the ground between neighbouring frames. Pure: arrays in, blobs out.

Neighbours are warped into the current frame by frame-to-frame homographies of the ground; their median
is the empty scene. A pixel counts as changed when it leaves the local range of that median, so that a
misregistration of a pixel, which any edge has, is no motion. Images are grey uint8 at working size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.types import BoolArray, ByteImage, FloatArray, SizeWH


@dataclass(frozen=True)
class MotionSettings:
    """How sensitive detection is; lengths in metres on the ground, brightness in grey levels of 255."""

    weak_level: int = 9
    strong_level: int = 18
    noise_factor: float = 4.0
    tolerance_px: int = 1
    edge_share: float = 0.2
    unrest_share: float = 0.6
    join_m: float = 1.2
    min_area_m2: float = 0.5
    max_area_m2: float = 150.0
    max_length_m: float = 26.0
    min_area_px: int = 6
    min_side_px: int = 3
    max_changed_share: float = 0.25


DEFAULT_MOTION = MotionSettings()
# So many neighbours must see a place to tell what it looks like empty.
MIN_SEEN = 2
MAX_STILL_LEVELS = 15
# Where fillings take part the spread says little.
MAX_EDGE_UNREST = 12


@dataclass(frozen=True)
class Blobs:
    """Changed regions of one frame, in pixels of the image that they were found in (GDAL convention).

    ``boxes_px`` is ``(N, 4)`` x1, y1, x2, y2; ``centers_px`` ``(N, 2)``; ``area_px`` and ``level``
    (strongest change, grey levels) ``(N,)``.
    """

    boxes_px: FloatArray
    centers_px: FloatArray
    area_px: FloatArray
    level: FloatArray

    def __post_init__(self) -> None:
        shapes = (self.boxes_px.shape, self.centers_px.shape, self.area_px.shape, self.level.shape)
        count = len(self.boxes_px)
        if shapes != ((count, 4), (count, 2), (count,), (count,)):
            raise ValueError(f"expected shapes (N, 4), (N, 2), (N,), (N,), found {shapes}")

    def __len__(self) -> int:
        return len(self.boxes_px)

    @classmethod
    def empty(cls) -> Blobs:
        """No blobs."""
        return cls(np.empty((0, 4)), np.empty((0, 2)), np.empty(0), np.empty(0))

    def chosen(self, mask: BoolArray) -> Blobs:
        """The blobs where ``mask`` is true."""
        return Blobs(self.boxes_px[mask], self.centers_px[mask], self.area_px[mask], self.level[mask])

    def scaled(self, factor: float) -> Blobs:
        """The same blobs in an image that is ``factor`` times as large."""
        return Blobs(
            self.boxes_px * factor, self.centers_px * factor, self.area_px * factor**2, self.level.copy()
        )


@dataclass(frozen=True)
class Background:
    """The scene without what moves: ``median``, and how much it changes by itself, both ``(H, W)`` uint8.

    ``known`` ``(H, W)`` is true where enough neighbours see the place.
    """

    median: ByteImage
    unrest: ByteImage
    known: BoolArray


def background(
    current: ByteImage, neighbours: Sequence[ByteImage], to_current: Sequence[FloatArray]
) -> Background:
    """The empty scene from a frame and its warped neighbours.

    Args:
        current: ``(H, W)`` grey.
        neighbours: an even number of grey frames of equal size, at least two; those before and those
            after the frame each in order of time, so that fillings alternate on either side.
        to_current: for each, the homography from its pixels to the current frame's (GDAL convention).

    Raises:
        ValueError: an odd number of neighbours, which leaves no middle.
    """
    if len(neighbours) % 2 or not neighbours:
        raise ValueError(f"expected an even number of neighbours, found {len(neighbours)}")
    stack, seen = [current], np.zeros(current.shape, dtype=np.uint8)
    for i, (image, matrix) in enumerate(zip(neighbours, to_current, strict=True)):
        warped, valid = _warp(image, matrix, current)
        # Blackest and whitest by turns take themselves out of the median of what is seen.
        warped[valid == 0] = 255 * (i % 2)
        stack.append(warped)
        seen += valid
    ordered = _sorted_pixels(stack)
    middle = len(ordered) // 2
    # One object that passes takes one or two of the extremes; what is left of the spread is the scene's own.
    unrest = cv2.subtract(ordered[middle + 1], ordered[middle - 1])
    unrest[seen < len(neighbours)] = np.minimum(unrest[seen < len(neighbours)], MAX_EDGE_UNREST)
    return Background(ordered[middle], np.asarray(unrest, dtype=np.uint8), seen >= MIN_SEEN)


def _warp(image: ByteImage, matrix: FloatArray, current: ByteImage) -> tuple[ByteImage, ByteImage]:
    """A neighbour in the current frame, exposure adapted, and where it sees something (0 or 1)."""
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    opencv = np.linalg.inv(half) @ matrix @ half
    height, width = current.shape
    warped: Any = cv2.warpPerspective(
        image, opencv, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    valid: Any = np.zeros(current.shape, dtype=np.uint8)
    size = SizeWH(width, height)
    corners = hg.apply(hg.orient(matrix, size), size.corners_px)
    if not np.isnan(corners).any():
        corners = np.clip(corners, -10.0 * width, 11.0 * width) - 0.5
        cv2.fillConvexPoly(valid, np.round(corners * 16).astype(np.int32), 1, shift=4)
        valid = cv2.erode(valid, np.ones((3, 3), np.uint8))
    inside = valid[::8, ::8] > 0
    if inside.any():
        difference = current[::8, ::8][inside].astype(np.int16) - warped[::8, ::8][inside]
        # The mean of what does not move: a median of whole grey levels would be too coarse.
        middle = float(np.median(difference))
        still = difference[np.abs(difference - middle) <= MAX_STILL_LEVELS]
        shift = float(np.mean(still)) if len(still) else middle
        # A Scalar of one channel; a bare number would be taken for one by OpenCV, but not by its types.
        warped = cv2.add(warped, (shift, 0.0, 0.0, 0.0))  # type: ignore[call-overload]
    return np.asarray(warped, dtype=np.uint8), np.asarray(valid, dtype=np.uint8)


def _sorted_pixels(images: Sequence[ByteImage]) -> list[ByteImage]:
    """The images with every pixel's values in rising order.

    Odd-even transposition sort (Knuth, The Art of Computer Programming 3, section 5.3.4): minimum and
    maximum of whole images are far quicker than sorting along an axis.
    """
    rows: list[Any] = list(images)
    for turn in range(len(rows)):
        for i in range(turn % 2, len(rows) - 1, 2):
            rows[i], rows[i + 1] = cv2.min(rows[i], rows[i + 1]), cv2.max(rows[i], rows[i + 1])
    return [np.asarray(row, dtype=np.uint8) for row in rows]


def change(current: ByteImage, empty: Background, settings: MotionSettings = DEFAULT_MOTION) -> ByteImage:
    """By how many grey levels each pixel leaves what the empty scene may look like, ``(H, W)`` uint8.

    The range of the scene within ``tolerance_px`` is no change at all, and beyond it a share of that
    range and of the scene's unrest is taken off: edges and leaves flicker by a part of their contrast.
    """
    side = 2 * settings.tolerance_px + 1
    kernel = np.ones((side, side), dtype=np.uint8)
    high, low = cv2.dilate(empty.median, kernel), cv2.erode(empty.median, kernel)
    beyond = cv2.max(cv2.subtract(current, high), cv2.subtract(low, current))
    unrest = cv2.dilate(empty.unrest, kernel)
    allowed = cv2.addWeighted(
        cv2.subtract(high, low), settings.edge_share, unrest, settings.unrest_share, 0.0
    )
    changed = np.asarray(cv2.subtract(beyond, allowed), dtype=np.uint8)
    changed[~empty.known] = 0
    return changed


def noise_level(current: ByteImage, empty: Background) -> float:
    """Standard deviation of the difference where nothing moves, from its median (grey levels)."""
    difference = cv2.absdiff(current[::4, ::4], empty.median[::4, ::4])
    # Whole grey levels make the median coarse; half a level keeps it from being zero.
    return 1.4826 * max(float(np.median(difference)), 0.5)


def find_blobs(
    changed: ByteImage, noise: float, gsd_m: float, settings: MotionSettings = DEFAULT_MOTION
) -> Blobs:
    """Regions of change that are large enough to be something.

    Args:
        changed: result of `change`.
        noise: result of `noise_level`.
        gsd_m: metres per pixel at the image centre, which sets how far parts of one object are joined.
        settings: thresholds.
    """
    weak = max(float(settings.weak_level), settings.noise_factor * noise)
    strong = max(float(settings.strong_level), 1.6 * settings.noise_factor * noise)
    mask = np.asarray(changed > weak, dtype=np.uint8)
    if float(mask.mean()) > settings.max_changed_share:
        return Blobs.empty()  # a cut, a flash or a lost registration: not an object
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(settings.join_m / gsd_m))
    count, labels, stats, centers = cv2.connectedComponentsWithStats(joined, connectivity=8)
    level = _strongest(changed, labels, count)
    x, y, w, h, area = (stats[1:, i].astype(np.float64) for i in range(5))
    blobs = Blobs(np.stack([x, y, x + w, y + h], axis=1), centers[1:] + 0.5, area, level[1:])
    # Thin slivers are edges of something that stands still and is high.
    large = (area >= settings.min_area_px) & (np.minimum(w, h) >= settings.min_side_px)
    return blobs.chosen((level[1:] > strong) & large)


def _disc(diameter_px: float) -> ByteImage:
    side = int(np.clip(round(diameter_px), 1, 15)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)


def _strongest(changed: ByteImage, labels: np.ndarray, count: int) -> FloatArray:
    """Greatest change of every label, shape (count,)."""
    level = np.zeros(count)
    inside = labels > 0
    np.maximum.at(level, labels[inside], changed[inside])
    return level
