"""Motion between neighbouring frames: tracked corners and a robust homography."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.types import BoolArray, ByteImage, FloatArray

# Enough for a stable homography at 20 ms a pair; more corners do not lower the drift measurably.
MAX_CORNERS = 600
MIN_INLIERS = 20
MAX_FORWARD_BACKWARD_PX = 0.7


@dataclass(frozen=True)
class Motion:
    """``to_from``: homography from pixels of the first frame to pixels of the second."""

    to_from: FloatArray
    inlier_count: int
    inlier_share: float


def working_gray(image: ByteImage, max_width_px: int = 640) -> tuple[ByteImage, float]:
    """Grey image no wider than ``max_width_px``, and its scale (small / full)."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    scale = min(1.0, max_width_px / gray.shape[1])
    if scale < 1.0:
        size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(gray, dtype=np.uint8), scale


def frame_motion(first: ByteImage, second: ByteImage, scale: float = 1.0) -> Motion | None:
    """Homography between two grey frames of equal size by corner tracking and MAGSAC.

    Args:
        first: ``(H, W)`` grey frame.
        second: ``(H, W)`` grey frame, a moment later or earlier.
        scale: size of these frames relative to the full frames; the result is in full-frame pixels.

    Returns:
        The motion, or ``None`` where too few corners agree (a cut, a blur, a blank view).
    """
    corners = cv2.goodFeaturesToTrack(first, MAX_CORNERS, 0.005, 8, blockSize=5)
    if corners is None or len(corners) < MIN_INLIERS:
        return None
    start, end = _track(first, second, np.asarray(corners, dtype=np.float32))
    if len(start) < MIN_INLIERS:
        return None
    found, inliers = cv2.findHomography(start, end, cv2.USAC_MAGSAC, 1.0, maxIters=2000, confidence=0.999)
    count = 0 if inliers is None else int(inliers.sum())
    if found is None or count < MIN_INLIERS:
        return None
    return Motion(_to_full_pixels(np.asarray(found, dtype=np.float64), scale), count, count / len(corners))


def _track(first: ByteImage, second: ByteImage, corners: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners that survive tracking forth and back, in both frames; two ``(N, 2)`` arrays."""
    moved, found = _follow(first, second, corners)
    returned, found_back = _follow(second, first, moved)
    drift = np.linalg.norm((returned - corners).reshape(-1, 2), axis=1)
    good = found & found_back & (drift < MAX_FORWARD_BACKWARD_PX)
    return corners.reshape(-1, 2)[good].astype(np.float64), moved.reshape(-1, 2)[good].astype(np.float64)


def _follow(first: ByteImage, second: ByteImage, corners: FloatArray) -> tuple[FloatArray, BoolArray]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]  # None is how it is called
        first, second, corners, None, winSize=(21, 21), maxLevel=4
    )
    return moved, found.ravel() == 1


def _to_full_pixels(opencv_small: FloatArray, scale: float) -> FloatArray:
    # OpenCV counts from pixel centres, the project from the corner: half a small pixel apart.
    full_from_small = np.array([[1 / scale, 0, 0.5 / scale], [0, 1 / scale, 0.5 / scale], [0, 0, 1.0]])
    full = full_from_small @ opencv_small @ np.linalg.inv(full_from_small)
    return np.asarray(full / full[2, 2], dtype=np.float64)
