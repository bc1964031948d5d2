"""Doors to truth and results of tracking."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely

from rs_copilot.errors import SceneError
from rs_copilot.evaluation.mot import Moving
from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import FloatArray
from rs_copilot.vector.store import read_layer

# Half of a box's diagonal is the reach of an object in the picture, but at least this much.
MIN_REACH_PX = 8.0
# An object that shows less of itself than this is not asked for.
MIN_VISIBLE_SHARE = 0.5


def read_truth(path: str | Path, crs: pyproj.CRS) -> list[Moving]:
    """Objects of a demo world's ``truth.gpkg`` in metres of ``crs``; visible and moving moments count.

    Raises:
        SceneError: the file holds no observations.
    """
    objects = []
    for rows in _observations(path):
        xy = np.stack([rows.geometry.x, rows.geometry.y], axis=1)
        objects.append(_object(rows, geo_crs.transform(xy, rows.crs, crs)))
    return objects


def read_truth_px(path: str | Path) -> list[Moving]:
    """The same objects in the same order, as centres of their boxes in the picture.

    Raises:
        SceneError: the file holds no observations.
    """
    objects = []
    for rows in _observations(path):
        boxes = _boxes(rows["box_px"])
        half = float(np.median(np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]))) / 2.0
        objects.append(_object(rows, 0.5 * (boxes[:, :2] + boxes[:, 2:]), max(half, MIN_REACH_PX)))
    return objects


def _observations(path: str | Path) -> list[gpd.GeoDataFrame]:
    try:
        table = pyogrio.read_dataframe(path, layer="observations")
    except pyogrio.errors.DataSourceError as error:
        raise SceneError(
            f"{path} holds no observations: {error}", hint="Give the truth.gpkg of a demo world."
        ) from error
    return [rows for _, rows in table.sort_values("time_s").groupby("track_id")]


def _object(rows: gpd.GeoDataFrame, points: FloatArray, reach: float | None = None) -> Moving:
    counts = rows["moving"].to_numpy(dtype=bool) & (rows["visible"].to_numpy() >= MIN_VISIBLE_SHARE)
    times = rows["time_s"].to_numpy(dtype=float)
    return Moving(int(rows["track_id"].iloc[0]), str(rows["label"].iloc[0]), times, points, counts, reach)


def _boxes(texts: Iterable[str]) -> FloatArray:
    return np.array([[float(value) for value in text.split(",")] for text in texts])


def read_tracks(scene: str | Path, clip: str, crs: pyproj.CRS) -> list[Moving]:
    """Tracks of one clip of a scene in metres of ``crs``; every moment counts.

    Raises:
        SceneError: the file is no scene.
    """
    table = read_layer(scene, "tracks", clip=clip)
    found = []
    for track_id, label, line in zip(table["track_id"], table["label"], table.geometry, strict=True):
        xym = shapely.get_coordinates(line, include_m=True)
        points = geo_crs.transform(xym[:, :2], table.crs, crs)
        found.append(Moving(int(track_id), str(label), xym[:, 2], points, np.ones(len(xym), dtype=bool)))
    return found


def read_tracks_px(scene: str | Path, clip: str) -> list[Moving]:
    """The same tracks in the same order, as centres of their detections in the picture.

    Raises:
        SceneError: the file is no scene.
    """
    detections = read_layer(scene, "detections", clip=clip).sort_values("time_s")
    found = []
    for track_id in read_layer(scene, "tracks", clip=clip)["track_id"]:
        rows = detections[detections["track_id"] == track_id]
        boxes = _boxes(rows["box_px"])
        times = rows["time_s"].to_numpy(dtype=float)
        centers = 0.5 * (boxes[:, :2] + boxes[:, 2:])
        found.append(
            Moving(int(track_id), str(rows["label"].iloc[0]), times, centers, np.ones(len(rows), bool))
        )
    return found
