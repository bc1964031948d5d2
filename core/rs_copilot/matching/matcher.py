"""Matchers: which points of a drawn frame are which points of the map, whoever finds them.

A matcher sees two pictures that have been brought to one scale and one heading already, so that it need not
be good at either. What it says is checked here before anything is computed from it: a network may return
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from rs_copilot.matching.orientation import to_gray
from rs_copilot.types import BoolArray, ByteImage, FloatArray

# Lowe, Distinctive Image Features from Scale-Invariant Keypoints, IJCV 2004, section 7.1.
RATIO = 0.8
SIFT_FEATURES = 4000


@dataclass(frozen=True)
class Picture:
    """An ``(H, W, 3)`` RGB picture and the ``(H, W)`` mask of where it has data."""

    image: ByteImage
    valid: BoolArray


@dataclass(frozen=True)
class Matches:
    """Points ``(N, 2)`` of the frame and of the map, pixels from the outer corner, and ``(N,)`` scores.

    Scores run from 0 to 1; what they mean is the matcher's own.
    """

    frame_px: FloatArray
    ground_px: FloatArray
    scores: FloatArray

    @classmethod
    def none(cls) -> Matches:
        """Nothing was found."""
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))

    def __len__(self) -> int:
        return len(self.scores)

    def within(self, frame: Picture, ground: Picture) -> Matches:
        """Those whose numbers are finite, whose scores lie in (0, 1], and whose points have data under them.

        Raises:
            ValueError: the arrays do not belong together.
        """
        count = len(self.scores)
        if not (self.frame_px.shape == self.ground_px.shape == (count, 2) and self.scores.ndim == 1):
            shapes = self.frame_px.shape, self.ground_px.shape, self.scores.shape
            raise ValueError(f"matches of shapes {shapes}, expected (N, 2), (N, 2) and (N,)")
        good = _has_data(self.frame_px, frame.valid) & _has_data(self.ground_px, ground.valid)
        good &= (self.scores > 0.0) & (self.scores <= 1.0)
        return Matches(self.frame_px[good], self.ground_px[good], self.scores[good])


class Matcher(Protocol):
    """Finds the points of a frame on a piece of the map."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def sha256(self) -> str | None:
        """Digest of its weights, for the record of the run; ``None`` where it has none."""

    @property
    def width_px(self) -> int:
        """How many pixels wide it wants the frame to be drawn."""

    def match(self, frame: Picture, ground: Picture) -> Matches:
        """Match a frame that was drawn north-up with the map around it, which is larger, at one scale."""


def _has_data(points_px: FloatArray, valid: BoolArray) -> BoolArray:
    height, width = valid.shape
    # NaN compares false, and infinities are outside.
    inside = np.all((points_px >= 0.0) & (points_px < [width, height]), axis=1)
    cells = np.where(inside[:, None], points_px, 0.0).astype(int)
    return np.asarray(inside & valid[cells[:, 1], cells[:, 0]])


@dataclass(frozen=True)
class SiftMatcher:
    """SIFT with the ratio test and mutual nearest neighbours, as OpenCV has it; needs no weights.

    Sharp where frame and map were taken in one season with one kind of camera; elsewhere it finds little.
    """

    name: str = "sift"
    sha256: str | None = None
    width_px: int = 1200

    def match(self, frame: Picture, ground: Picture) -> Matches:
        """See `Matcher`; a score is one minus the ratio of the nearest distance to the next."""
        (own_px, own), (there_px, there) = _sift(frame), _sift(ground)
        if min(len(own), len(there)) < 2:
            return Matches.none()
        matcher = cv2.BFMatcher(cv2.NORM_L2)
        back = {m.queryIdx: m.trainIdx for m in matcher.match(there, own)}
        pairs = [
            (first.queryIdx, first.trainIdx, 1.0 - first.distance / max(second.distance, 1e-6))
            for first, second in matcher.knnMatch(own, there, k=2)
            if first.distance < RATIO * second.distance and back.get(first.trainIdx) == first.queryIdx
        ]
        if not pairs:
            return Matches.none()
        indices = np.array([(i, j) for i, j, _ in pairs])
        scores = np.array([score for _, _, score in pairs])
        return Matches(own_px[indices[:, 0]], there_px[indices[:, 1]], scores)


def _sift(picture: Picture) -> tuple[FloatArray, Any]:
    """Places ``(N, 2)`` and descriptors ``(N, 128)`` where the picture has data."""
    gray = np.asarray(to_gray(picture.image), dtype=np.uint8)
    mask = picture.valid.astype(np.uint8)
    points, descriptors = cv2.SIFT.create(nfeatures=SIFT_FEATURES).detectAndCompute(gray, mask)
    if not points:
        return np.zeros((0, 2)), np.zeros((0, 128))
    # OpenCV counts from pixel centres, the project from the corner.
    return np.array([p.pt for p in points], dtype=np.float64) + 0.5, descriptors
