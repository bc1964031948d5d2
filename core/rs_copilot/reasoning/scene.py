"""The door to what is remembered: a scene and layers of the user's become a `Memory`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from rs_copilot.errors import BadInputError, SceneError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.fragments import joined
from rs_copilot.reasoning.layers import things_of_layer
from rs_copilot.reasoning.levelling import levelled, without_roofs
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.things import Kind, Path, Thing
from rs_copilot.reasoning.views import Views
from rs_copilot.types import FloatArray, LonLat
from rs_copilot.vector.store import SceneInfo, read_layer, read_scene_info

# Features of the user's that are farther from everything the clip saw than this are not read.
SURROUNDINGS_M = 1500.0
# What is read of the rows of a scene; reading all of them takes twice as long.
FRAME_FIELDS = (
    "clip", "frame", "time_s", "homography", "width_px", "height_px", "cam_lon", "cam_lat", "cam_alt_m",
    "level_m", "error_m", "metric_crs", "file",
)  # fmt: skip
TRACK_FIELDS = ("clip", "track_id", "label")
OBJECT_FIELDS = ("clip", "object_id", "label", "score")
SHAPE_FIELDS = ("clip", "label")
# How far a track's places may be off beyond the frames' own error: half a vehicle.
TRACK_ERROR_M = 1.5


def read_memory(scene: str, clip: str | None = None, layers: Mapping[str, str] | None = None) -> Memory:
    """All that is known of one clip of a scene, and what lies around it in layers of the user's.

    Args:
        scene: a GeoPackage or a ``postgresql://`` URL.
        clip: its name; without it the only one, or the one with most placed frames.
        layers: files by name; the names ``zones``, ``roads``, ``occluders`` and ``places`` say what they
            hold, others are judged by their geometry. ``FILE|layername=NAME`` names a layer of a file.

    Raises:
        SceneError: no scene, or no such clip.
        BadInputError: a layer cannot be read.
    """
    info = read_scene_info(scene)
    if clip is not None and clip not in info.clips:
        raise SceneError(
            f"{scene} has no clip {clip!r}", hint=f"Its clips are: {', '.join(info.clips) or 'none'}."
        )
    frames = read_layer(scene, "frames", clip=clip, fields=FRAME_FIELDS)
    chosen = clip if clip is not None else _most_placed(frames)
    frames = frames[frames["clip"] == chosen]
    crs = _metric_crs(frames, info)
    views = views_of(frames, chosen or "", crs)
    error_m = float(np.median(views.error_m)) if len(views) else 0.0
    tracks = joined(_tracks(read_layer(scene, "tracks", clip=chosen, fields=TRACK_FIELDS), crs, error_m))
    found = [
        *_standing(read_layer(scene, "detections", without="track_id", fields=OBJECT_FIELDS), crs, error_m),
        *_shapes(read_layer(scene, "segments", fields=SHAPE_FIELDS), Kind.SEGMENT, crs),
        *_shapes(read_layer(scene, "groundings", fields=SHAPE_FIELDS), Kind.GROUNDING, crs),
    ]
    around = _surroundings(views, [*tracks, *found], crs)
    for name, place in (layers or {}).items():
        found += things_of_layer(name, read_user_layer(place, around, crs), crs)
    memory = Memory(crs, views, tuple(found))
    standing = without_roofs(tracks, memory.occluders, views)
    return replace(memory, things=(*levelled(standing, memory.by_kind[Kind.ROAD], views), *found))


def _most_placed(frames: gpd.GeoDataFrame) -> str | None:
    placed = frames[frames["homography"].notna()]["clip"].value_counts()
    if len(placed):
        return str(placed.index[0])
    return str(frames["clip"].iloc[0]) if len(frames) else None


def _metric_crs(frames: gpd.GeoDataFrame, info: SceneInfo) -> pyproj.CRS:
    names = frames["metric_crs"].dropna()
    if len(names):
        return pyproj.CRS.from_user_input(names.iloc[0])
    area = info.crs.area_of_use
    middle = (
        LonLat(0.0, 0.0)
        if area is None
        else LonLat((area.west + area.east) / 2, (area.south + area.north) / 2)
    )
    return geo_crs.metric_crs_for(info.crs, middle)


def views_of(frames: gpd.GeoDataFrame, clip: str, crs: pyproj.CRS) -> Views:
    """The placed frames of a table of ``frames``.

    Raises:
        SceneError: a homography is not nine numbers.
    """
    table = frames.sort_values("time_s")
    placed = table[table["homography"].notna()]
    try:
        homographies = np.array(json.loads(f"[{','.join(placed['homography'])}]"), dtype=np.float64)
        homographies = homographies.reshape(-1, 3, 3)
    except ValueError as error:
        raise SceneError(f"a frame of {clip} has no homography of 9 numbers: {error}") from error
    sizes = placed[["width_px", "height_px"]].to_numpy(dtype=np.float64)
    origin = _origin(homographies, sizes)
    shift = np.array([[1.0, 0.0, -origin[0]], [0.0, 1.0, -origin[1]], [0.0, 0.0, 1.0]])
    return Views(
        clip=clip,
        frames=placed["frame"].to_numpy(dtype=np.float64),
        times_s=placed["time_s"].to_numpy(dtype=np.float64),
        map_from_px=shift @ homographies,
        sizes=sizes,
        cameras_m=_cameras(placed, crs, origin),
        error_m=placed["error_m"].fillna(5.0).to_numpy(dtype=np.float64),
        origin_m=origin,
        fids=placed.index.to_numpy(dtype=np.float64),
        files=tuple(placed["file"].where(placed["file"].notna(), None)) if "file" in placed else (),
    )


def _origin(homographies: FloatArray, sizes: FloatArray) -> FloatArray:
    """A point near the first frame, so that numbers stay small."""
    if not len(homographies):
        return np.zeros(2)
    xyw = homographies[0] @ np.append(sizes[0] / 2.0, 1.0)
    return np.asarray(np.round(xyw[:2] / xyw[2]))


def _cameras(placed: gpd.GeoDataFrame, crs: pyproj.CRS, origin: FloatArray) -> FloatArray:
    """Easting and northing from the origin, and height above the ground (N, 3); NaN where unknown."""
    lonlat = placed[["cam_lon", "cam_lat"]].to_numpy(dtype=np.float64)
    cameras = np.full((len(placed), 3), np.nan)
    known = np.isfinite(lonlat).all(axis=1)
    if known.any():
        cameras[known, :2] = geo_crs.transform(lonlat[known], geo_crs.WGS84, crs) - origin
    # Heights are above the sea where localisation knew the terrain, and above the ground elsewhere.
    level_m = placed["level_m"].fillna(0.0).to_numpy(dtype=np.float64)
    cameras[:, 2] = placed["cam_alt_m"].to_numpy(dtype=np.float64) - level_m
    return cameras


def _tracks(table: gpd.GeoDataFrame, crs: pyproj.CRS, error_m: float) -> list[Thing]:
    found = []
    xym, owners = shapely.get_coordinates(table.geometry.to_numpy(), include_m=True, return_index=True)
    if len(xym):
        # All at once: a thousand small transforms take longer than everything else.
        xym[:, :2] = geo_crs.transform(xym[:, :2], table.crs, crs)
    bounds = np.searchsorted(owners, np.arange(len(table) + 1))
    xym = xym[np.lexsort((xym[:, 2], owners))]
    many = np.diff(bounds) > 1
    lines = np.empty(len(table), dtype=object)
    lines[many] = shapely.linestrings(
        xym[many[owners], :2], indices=(np.cumsum(many) - 1)[owners[many[owners]]]
    )
    for place, row in enumerate(table.itertuples()):
        own = xym[bounds[place] : bounds[place + 1]]
        if len(own) < 2:
            continue
        path = Path(own[:, 2], own[:, :2])
        key = f"track {row.track_id}"
        found.append(
            Thing(
                key, Kind.TRACK, key, str(row.label), lines[place], error_m + TRACK_ERROR_M,
                path, layer="tracks", fid=int(row.Index), clip=row.clip,
            )
        )  # fmt: skip
    return found


def _standing(table: gpd.GeoDataFrame, crs: pyproj.CRS, error_m: float) -> list[Thing]:
    """Standing objects, each once however often it was seen: its best view stands for it."""
    table = table.to_crs(crs)
    numbers = table["object_id"].astype("object").where(table["object_id"].notna(), None)
    keys = [
        f"object {number}" if number is not None else f"detection {fid}" for fid, number in numbers.items()
    ]
    best = table.assign(key=keys).sort_values("score", ascending=False).drop_duplicates("key")
    return [
        Thing(
            row.key, Kind.OBJECT, row.key, str(row.label), row.geometry, error_m, layer="detections",
            fid=int(row.Index), clip=row.clip,
        )
        for row in best.itertuples() if row.geometry is not None
    ]  # fmt: skip


def _shapes(table: gpd.GeoDataFrame, kind: Kind, crs: pyproj.CRS) -> list[Thing]:
    layer = f"{kind.value}s"
    return [
        Thing(
            f"{kind.value} {row.Index}", kind, f"{row.label} {row.Index}", str(row.label), row.geometry,
            layer=layer, fid=int(row.Index), clip=row.clip,
        )
        for row in table.to_crs(crs).itertuples() if row.geometry is not None
    ]  # fmt: skip


def _surroundings(views: Views, things: list[Thing], crs: pyproj.CRS) -> shapely.Geometry | None:
    """Where features of the user's may matter, in degrees; ``None`` for everywhere."""
    bounds = shapely.bounds(np.array([item.shape for item in things], dtype=object)).reshape(-1, 2)
    xy = np.concatenate([views.centers_m, bounds])
    if not len(xy):
        return None
    box = shapely.box(*xy.min(axis=0), *xy.max(axis=0)).buffer(SURROUNDINGS_M)
    return shapely.transform(box, lambda places: geo_crs.to_lonlat(places, crs))


def read_user_layer(place: str, around: shapely.Geometry | None, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Features of a vector layer around what the clip saw, in the metric CRS.

    Raises:
        BadInputError: it cannot be read, or says not where on Earth it lies.
    """
    path, _, option = place.partition("|")
    name = option.removeprefix("layername=") or None
    try:
        own = pyogrio.read_info(path, layer=name)["crs"]
        if own is None:
            raise BadInputError(f"the layer {place} has no coordinate reference system")
        box = None
        if around is not None:
            degrees = shapely.get_coordinates(around)
            xy = geo_crs.transform(degrees, geo_crs.WGS84, pyproj.CRS.from_user_input(own))
            box = (*xy.min(axis=0), *xy.max(axis=0))
        table = pyogrio.read_dataframe(path, layer=name, bbox=box, fid_as_index=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise BadInputError(
            f"the layer {place} cannot be read: {error}",
            hint="Give a file that QGIS opens as a vector layer.",
        ) from error
    if not isinstance(table, gpd.GeoDataFrame):
        raise BadInputError(f"{FilePath(path).name} has no geometry, expected points, lines or areas")
    kept = table[table.geometry.notna() & ~table.geometry.is_empty]
    return gpd.GeoDataFrame(pd.DataFrame(kept), geometry=kept.geometry).to_crs(crs)
