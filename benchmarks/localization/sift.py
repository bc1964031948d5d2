"""SIFT as it is usually used (homography, no telemetry), and as it works (gated by telemetry, similarity)."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.localization.dense import Answer, step_gsd_m
from benchmarks.localization.queries import Query
from rs_copilot.geo import homography as hg
from rs_copilot.raster.grid import MapImage
from rs_copilot.raster.source import RasterSource
from rs_copilot.types import BoolArray, ByteImage, Float32Array, FloatArray

QUERY_WIDTH_PX, MAP_SIDE_PX = 640, 1600
# Where the scale is known, frame and map are looked at with this many pixels across the frame.
DETAIL_PX = 260
QUERY_FEATURES, MAP_FEATURES = 4000, 20000
RATIO = 0.85
# Neighbours among which the gate may choose.
NEIGHBOURS = 6
RESIDUAL_PX = 5.0
MIN_MATCHES = 4
# Matches whose heading or scale differs from what telemetry says by more than this are dropped.
MAX_TURN_DEG, MAX_SCALE = 25.0, 1.6


@dataclass(frozen=True)
class Features:
    """Keypoints of one image: places ``(N, 2)`` px, sizes, angles (degrees clockwise), descriptors."""

    xy_px: FloatArray
    sizes_px: FloatArray
    angles_deg: FloatArray
    descriptors: Float32Array

    @classmethod
    def of(cls, image: ByteImage, count: int) -> Features:
        """SIFT of the grey image."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        points, descriptors = cv2.SIFT_create(nfeatures=count).detectAndCompute(grey, None)
        if descriptors is None:
            descriptors = np.zeros((0, 128), dtype=np.float32)
        xy = np.array([p.pt for p in points], dtype=np.float64).reshape(-1, 2) + 0.5
        sizes, angles = np.array([p.size for p in points]), np.array([p.angle for p in points])
        return cls(xy, sizes, angles, descriptors)


@dataclass
class SiftMethod:
    """Brute-force matches with the ratio test; a homography by MAGSAC, or a gated similarity."""

    name: str
    raster: RasterSource
    gated: bool
    _maps: dict[float, tuple[MapImage, Features]] = field(default_factory=dict)

    def answer(self, query: Query) -> Answer:
        """The place of the image centre; no answer where nothing fits."""
        known_m = query.width_m if self.gated else None
        piece, reference = self._features(known_m)
        width_px = QUERY_WIDTH_PX if known_m is None else known_m / piece.gsd_m
        shrink = min(1.0, width_px / query.image.shape[1])
        image = cv2.resize(query.image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        own = Features.of(np.asarray(image, dtype=np.uint8), QUERY_FEATURES)
        scale = None if known_m is None else width_px / image.shape[1]
        pairs = _matches(own, reference, query.yaw_deg if self.gated else None, scale)
        if len(pairs) < MIN_MATCHES:
            return Answer(None)
        found = self._fit(own.xy_px[pairs[:, 0]], reference.xy_px[pairs[:, 1]])
        if found is None:
            return Answer(None)
        center = np.array([[image.shape[1] / 2, image.shape[0] / 2]])
        x, y = hg.apply(found / found[2, 2], center)[0] * piece.gsd_m
        return Answer(np.array([piece.west_m + x, piece.north_m - y])) if np.isfinite(x + y) else Answer(None)

    def _fit(self, own: FloatArray, there: FloatArray) -> FloatArray | None:
        if not self.gated:
            return cv2.findHomography(own, there, cv2.USAC_MAGSAC, RESIDUAL_PX, maxIters=10000)[0]
        found, _ = cv2.estimateAffinePartial2D(
            own, there, method=cv2.RANSAC, ransacReprojThreshold=RESIDUAL_PX, maxIters=5000
        )
        return None if found is None else np.vstack([found, [0.0, 0.0, 1.0]])

    def _features(self, width_m: float | None) -> tuple[MapImage, Features]:
        bounds = self.raster.info.bounds_m
        side_m = max(bounds.xmax - bounds.xmin, bounds.ymax - bounds.ymin)
        wanted_m = side_m / MAP_SIDE_PX if width_m is None else width_m / DETAIL_PX
        gsd_m = step_gsd_m(max(self.raster.info.gsd_m, wanted_m))
        if gsd_m not in self._maps:
            piece = self.raster.read(gsd_m)
            self._maps[gsd_m] = (piece, Features.of(piece.image, MAP_FEATURES))
        return self._maps[gsd_m]


def _matches(
    own: Features, reference: Features, yaw_deg: float | None, scale: float | None
) -> NDArray[np.intp]:
    """Index pairs ``(N, 2)``: the nearest that fits heading and scale, where the next is clearly farther."""
    if len(own.descriptors) == 0 or len(reference.descriptors) < NEIGHBOURS:
        return np.zeros((0, 2), dtype=np.intp)
    found = cv2.BFMatcher(cv2.NORM_L2).knnMatch(own.descriptors, reference.descriptors, k=NEIGHBOURS)
    there = np.array([[m.trainIdx for m in row] for row in found])
    distance = np.array([[m.distance for m in row] for row in found], dtype=np.float64)
    distance[~_fits(own, reference, there, yaw_deg, scale)] = np.inf
    order = np.argsort(distance, axis=1, kind="stable")
    rows = np.arange(len(found))
    first, second = distance[rows, order[:, 0]], distance[rows, order[:, 1]]
    good = np.isfinite(first) & (first < RATIO * second)
    return np.stack([rows[good], there[rows, order[:, 0]][good]], axis=1)


def _fits(
    own: Features,
    reference: Features,
    there: NDArray[np.intp],
    yaw_deg: float | None,
    scale: float | None,
) -> BoolArray:
    """Which neighbours agree with the heading and the scale, as far as these are known."""
    keep = np.ones(there.shape, dtype=bool)
    if yaw_deg is not None:
        turn = reference.angles_deg[there] - own.angles_deg[:, None] - yaw_deg
        keep &= np.abs((turn + 180.0) % 360.0 - 180.0) <= MAX_TURN_DEG
    if scale is not None:
        ratio = reference.sizes_px[there] / own.sizes_px[:, None] / scale
        keep &= np.abs(np.log(ratio)) <= np.log(MAX_SCALE)
    return keep
