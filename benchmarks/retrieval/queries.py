"""Frames with their true place and shape on the ground, and what a method may know of that."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pyogrio
import pyproj

from benchmarks.retrieval.places import Place
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.geo.crs import WGS84, convergence_deg, transform
from rs_copilot.localization.view import View, nadir_view, view_of_placement
from rs_copilot.raster.source import open_raster
from rs_copilot.types import ByteImage, FloatArray, SizeWH
from rs_copilot.video.clip import open_clip

# What telemetry of small UAVs is off by.
YAW_ERROR_DEG, SCALE_ERROR = 3.0, 0.08
OBLIQUE_FROM_DEG = 20.0
MAX_WIDTH_PX = 1280
CLIPS = {
    "01_fengyuan": "images",
    "03_nust": "flight.mp4",
    "04_brighton": "queries",
    "05_seneca": "queries",
}


@dataclass(frozen=True)
class Query:
    """One frame; ``center_m`` is its true place in the metric CRS of the raster of ``place``."""

    group: str
    place: str
    image: ByteImage
    center_m: FloatArray
    told: View

    def shape(self, *, tilt_known: bool) -> View:
        """Its shape on the ground as telemetry tells it, or straight down."""
        return self.told if tilt_known else nadir_view(self.told.size, 100.0)


@dataclass(frozen=True)
class Condition:
    """What is known of a query. ``own_scale``: only tiles of the scale that suits it are compared."""

    name: str
    heading_known: bool
    scale_known: bool
    tilt_known: bool = True
    own_scale: bool = True


CONDITIONS = (
    Condition("attitude", heading_known=True, scale_known=True),
    Condition("attitude, all tiles", heading_known=True, scale_known=True, own_scale=False),
    Condition("no heading", heading_known=False, scale_known=True),
    Condition("no scale", heading_known=True, scale_known=False),
    Condition("nothing", heading_known=False, scale_known=False, tilt_known=False),
)


def read_queries(place: Place, limit: int) -> list[Query]:
    """At most ``limit`` frames of a place, evenly spread."""
    if place.world is None and place.name not in CLIPS:
        return []
    with open_raster(place.raster) as source:
        crs = source.info.metric_crs
    found = list(_of_world(place, crs) if place.world else _of_source(place, crs))
    chosen = np.unique(np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(int))
    rng = np.random.default_rng(len(place.name) + sum(map(ord, place.name)))
    return [_told_with_errors(found[i], rng) for i in chosen]


def _told_with_errors(query: Query, rng: np.random.Generator) -> Query:
    turn, scale = rng.normal(0.0, YAW_ERROR_DEG), float(np.exp(rng.normal(0.0, SCALE_ERROR)))
    return Query(query.group, query.place, query.image, query.center_m, query.told.turned(float(turn), scale))


def _of_world(place: Place, crs: pyproj.CRS) -> Iterator[Query]:
    table = pyogrio.read_dataframe(place.world / "truth.gpkg", layer="frames", read_geometry=False)
    with open_clip(place.world / "clip.mp4") as clip:
        for frame, row in zip(clip.frames(), table.itertuples(), strict=False):
            center = transform(np.array([[row.lon, row.lat]]), WGS84, crs)[0]
            yaw = row.yaw_deg - convergence_deg(center, crs)
            attitude = Attitude(yaw, row.pitch_deg, row.roll_deg)
            height = np.array([0.0, 0.0, row.cam_z - row.ground_z])
            ground = ground_from_px(Intrinsics.from_hfov(frame.size, row.hfov_deg), attitude, height)
            kind = "oblique" if row.pitch_deg > -90.0 + OBLIQUE_FROM_DEG else "nadir"
            view = view_of_placement(ground, frame.size)
            yield Query(f"simulated, {kind}", place.name, frame.image, center, view)


def _of_source(place: Place, crs: pyproj.CRS) -> Iterator[Query]:
    folder = place.raster.parent
    rows = list(csv.DictReader((folder / "ground_truth.csv").open(encoding="utf-8")))
    wanted = {row.get("file") or row["frame"]: row for row in rows if row.get("truth_quality") != "gps_only"}
    with open_clip(folder / CLIPS[place.name]) as clip:
        for frame in clip.frames():
            row = wanted.get(frame.file or str(frame.index))
            if row is not None and row["center_lat"]:
                image = _small(frame.image)
                size = SizeWH(image.shape[1], image.shape[0])
                yield Query(place.name, place.name, image, _center_m(row, crs), _view(row, size, crs))


def _small(image: ByteImage) -> ByteImage:
    scale = MAX_WIDTH_PX / image.shape[1]
    if scale >= 1.0:
        return image
    return np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def _center_m(row: dict[str, str], crs: pyproj.CRS) -> FloatArray:
    return transform(np.array([[float(row["center_lon"]), float(row["center_lat"])]]), WGS84, crs)[0]


def _view(row: dict[str, str], size: SizeWH, crs: pyproj.CRS) -> View:
    """From the true ground positions of the four corners."""
    lonlat = np.array([[float(row[f"{c}_lon"]), float(row[f"{c}_lat"])] for c in ("tl", "tr", "br", "bl")])
    corners = transform(lonlat, WGS84, crs)
    middle = corners.mean(axis=0)
    matrix = cv2.getPerspectiveTransform(
        size.corners_px.astype(np.float32), (corners - middle).astype(np.float32)
    )
    return view_of_placement(hg.translation(middle) @ matrix, size)
