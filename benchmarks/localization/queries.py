"""What the simpler methods are given: single pictures, and what telemetry says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pyproj

from benchmarks.localization.cases import ATTITUDE, Case
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.geo.crs import convergence_deg
from rs_copilot.types import BoolArray, ByteImage, FloatArray, Frame, Telemetry
from rs_copilot.video.clip import open_clip
from rs_copilot.video.telemetry import TelemetryTrack, find_telemetry, read_telemetry

MAX_WIDTH_PX = 1000
# Widths and headings that are tried where nothing is known of them.
WIDTHS_M = tuple(60.0 * 1.25**step for step in range(9))
YAWS_DEG = tuple(range(0, 360, 10))


@dataclass(frozen=True)
class View:
    """A frame's shape on the ground: pixels to metres east and north of the image centre's ground point."""

    local_from_px: FloatArray
    width_m: float
    yaw_deg: float


@dataclass(frozen=True)
class Query:
    """One picture, its true place in map metres, and what is known of its view."""

    name: str
    image: ByteImage
    truth_m: FloatArray
    yaw_deg: float | None = None
    width_m: float | None = None
    exact: View | None = None

    def views(self) -> Iterator[View]:
        """Every view that what is known allows."""
        if self.exact is not None:
            yield self.exact
            return
        for width_m in WIDTHS_M if self.width_m is None else (self.width_m,):
            for yaw_deg in YAWS_DEG if self.yaw_deg is None else (self.yaw_deg,):
                yield nadir_view(self.image, width_m, yaw_deg)


def nadir_view(image: ByteImage, width_m: float, yaw_deg: float) -> View:
    """Straight down, image-up at grid azimuth ``yaw_deg``."""
    height, width = image.shape[:2]
    scale = width_m / width
    flip = np.diag([1.0, -1.0, 1.0])
    turn = hg.similarity(scale, -yaw_deg, np.zeros(2))
    return View(turn @ flip @ hg.translation(np.array([-width / 2, -height / 2])), width_m, yaw_deg)


def read_queries(case: Case, use: str, crs: pyproj.CRS, limit: int) -> list[Query]:
    """At most ``limit`` frames with truth, evenly spread."""
    centers_m = case.centers_m(crs) or {}
    names = list(centers_m)
    wanted = {names[i] for i in np.unique(np.linspace(0, len(names) - 1, limit).round().astype(int))}
    telemetry = _telemetry(case) if use == ATTITUDE else None
    found = []
    with open_clip(case.clip) as clip:
        for frame in clip.frames():
            name = frame.file or str(frame.index)
            if name in wanted:
                said = telemetry.at(frame.time_s, frame.index, frame.file) if telemetry else None
                found.append(_query(name, frame, centers_m, said, crs))
    return found


def _telemetry(case: Case) -> TelemetryTrack | None:
    path = case.telemetry or find_telemetry(case.clip)
    return None if path is None else read_telemetry(path)


def _query(
    name: str, frame: Frame, centers_m: Mapping[str, FloatArray], said: Telemetry | None, crs: pyproj.CRS
) -> Query:
    image = frame.image
    if image.shape[1] > MAX_WIDTH_PX:
        size = (MAX_WIDTH_PX, round(image.shape[0] * MAX_WIDTH_PX / image.shape[1]))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    truth_m = centers_m[name]
    if said is None:
        return Query(name, image, truth_m)
    yaw = None if said.yaw_deg is None else said.yaw_deg - convergence_deg(truth_m, crs)
    height, hfov = said.alt_agl_m, said.hfov_deg
    width_m = None
    if height is not None and hfov is not None:
        width_m = 2.0 * height * float(np.tan(np.radians(hfov) / 2.0))
    exact = None if yaw is None else _exact(image, said, yaw)
    return Query(name, image, truth_m, yaw, width_m, exact)


def _exact(image: ByteImage, said: Telemetry, yaw_deg: float) -> View | None:
    """The one view that full attitude and height leave."""
    if said.alt_agl_m is None or said.hfov_deg is None or said.alt_agl_m <= 1.0:
        return None
    size = Frame(0, 0.0, image).size
    pitch = -90.0 if said.pitch_deg is None else said.pitch_deg
    intrinsics = Intrinsics.from_hfov(size, said.hfov_deg)
    attitude = Attitude(yaw_deg, pitch, said.roll_deg or 0.0)
    ground = ground_from_px(intrinsics, attitude, np.array([0.0, 0.0, said.alt_agl_m]))
    local = hg.translation(-hg.apply(ground, size.center_px)[0]) @ ground
    width_m = float(np.linalg.norm(hg.jacobian(local, size.center_px)[:, 0])) * size.width_px
    return View(local, width_m, yaw_deg)


def draw(
    image: ByteImage, view: View, gsd_m: float, radius_px: int | None = None
) -> tuple[ByteImage, BoolArray]:
    """A frame drawn north-up around its centre, and where it has data; both of even side."""
    height, width = image.shape[:2]
    # As far as the corners of a nadir view, and no farther where an oblique one runs to the horizon.
    radius = radius_px or max(8, int(np.ceil(0.58 * view.width_m / gsd_m)))
    shrink = min(1.0, 1.2 * view.width_m / gsd_m / width)
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    grown = np.diag([width / small.shape[1], height / small.shape[0], 1.0])
    patch_from_local = np.array([[1 / gsd_m, 0.0, radius], [0.0, -1 / gsd_m, radius], [0.0, 0.0, 1.0]])
    half = hg.translation(np.array([0.5, 0.5]))
    matrix = np.linalg.inv(half) @ patch_from_local @ view.local_from_px @ grown @ half
    side = (2 * radius, 2 * radius)
    drawn = cv2.warpPerspective(small, matrix, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full = np.full(small.shape[:2], 255, dtype=np.uint8)
    mask = cv2.warpPerspective(full, matrix, side, flags=cv2.INTER_NEAREST) > 0
    return np.asarray(drawn, dtype=np.uint8), np.asarray(mask)
