"""Doors to truth and results of tracking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import shapely

from rs_copilot.errors import SceneError
from rs_copilot.evaluation.mot import Moving
from rs_copilot.geo import crs as geo_crs
from rs_copilot.vector.store import read_layer

# An object that shows less of itself than this is not asked for.
MIN_VISIBLE_SHARE = 0.5


def read_truth(path: str | Path, crs: pyproj.CRS) -> list[Moving]:
    """Objects of a demo world's ``truth.gpkg`` in metres of ``crs``; visible and moving moments count.

    Raises:
        SceneError: the file holds no observations.
    """
    try:
        table = pyogrio.read_dataframe(path, layer="observations")
    except pyogrio.errors.DataSourceError as error:
        raise SceneError(
            f"{path} holds no observations: {error}", hint="Give the truth.gpkg of a demo world."
        ) from error
    objects = []
    for track_id, rows in table.sort_values("time_s").groupby("track_id"):
        xy = np.stack([rows.geometry.x, rows.geometry.y], axis=1)
        counts = rows["moving"].to_numpy(dtype=bool) & (rows["visible"].to_numpy() >= MIN_VISIBLE_SHARE)
        points = geo_crs.transform(xy, table.crs, crs)
        label = str(rows["label"].iloc[0])
        objects.append(Moving(int(track_id), label, rows["time_s"].to_numpy(dtype=float), points, counts))
    return objects


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
