"""Keep objects that a model named, as rows of a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.look_params import LayerName, Object, Source
from rs_copilot.jobs.run_note import note_run
from rs_copilot.raster.source import open_raster
from rs_copilot.types import LonLat
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.postgis import is_database
from rs_copilot.vector.store import append_layer, ensure_scene, read_scene_info
from rs_copilot.video.clip import open_clip

METHOD = "look"
MAX_OBJECTS = 100_000


class LookKeepParams(BaseModel):
    """Objects of an answer, what was asked about which picture, and who answered."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    source: Source
    question: str = ""
    objects: tuple[Object, ...] = Field(max_length=MAX_OBJECTS)
    model: str
    model_hash: str | None = None
    layer: LayerName = "groundings"


class LookKeepResult(BaseModel):
    """The new rows, by ``fid``."""

    layer: LayerName
    rows: list[int]

    def summary(self) -> str:
        """For people."""
        return f"{len(self.rows)} rows in {self.layer}"


def run(params: LookKeepParams, context: JobContext) -> LookKeepResult:
    """Write the objects that lie on the map; the scene is made where there is none.

    Raises:
        UsageError: no object lies on the map, or there is no scene for those of a clip.
        SceneError: the file is no scene.
        StorageError: it cannot be written.
    """
    placed = [item for item in params.objects if item.polygon is not None]
    if not placed:
        raise UsageError(
            "None of the objects lies on the map.",
            hint="Locate the clip first (rs-copilot localize), or look at a raster.",
        )
    context.progress(0, 1, "Keeping objects")
    scene_crs = crs_to_keep_in(params.scene, params.source)
    ensure_scene(params.scene, scene_crs)
    provenance = Provenance(Path(params.source.path).name, METHOD, params.model, params.model_hash)
    rows = append_layer(params.scene, params.layer, _table(params, placed, scene_crs, provenance))
    # The objects themselves are in the layer.
    told = params.model_copy(update={"objects": ()})
    note_run(params.scene, "look.keep", told, provenance, context, seconds=0.0, device=context.device)
    done = {"scene": params.scene, "layers": [params.layer]}
    context.progress(1, 1, "Kept", done)
    return LookKeepResult(layer=params.layer, rows=rows)


def crs_to_keep_in(scene: str, source: Source) -> pyproj.CRS:
    """The CRS of the scene; a new one takes that of the raster that is looked at.

    Raises:
        UsageError: there is no scene, and no raster to make one for.
        SceneError: the file is no scene.
    """
    if is_database(scene) or Path(scene).exists():
        return read_scene_info(scene).crs
    if source.kind != "raster":
        raise UsageError(f"There is no scene {scene}.", hint="Locate the clip first: rs-copilot localize.")
    with open_raster(source.path) as raster:
        return raster.info.crs


def _table(
    params: LookKeepParams, placed: list[Object], scene_crs: pyproj.CRS, provenance: Provenance
) -> gpd.GeoDataFrame:
    quads = [np.array(item.polygon) for item in placed]
    lon_deg, lat_deg = (float(value) for value in quads[0].mean(axis=0))
    metric = geo_crs.metric_crs_for(scene_crs, LonLat(lon_deg, lat_deg))
    shapes = [shapely.Polygon(geo_crs.transform(quad, geo_crs.WGS84, metric)) for quad in quads]
    frames = _frames(params.source, placed)
    rows = [_row(params, item, frames.get(item.time_s)) for item in placed]
    layer = schema.LAYER_BY_NAME[params.layer]
    return build_table(layer, rows, shapes, Grid(metric, scene_crs), provenance)


def _row(params: LookKeepParams, item: Object, frame: int | None) -> dict[str, Any]:
    row = {
        "label": item.label,
        "score": item.score,
        "frame": frame,
        "time_s": item.time_s,
        "box_px": ",".join(f"{value:.1f}" for value in item.box_px),
    }
    if params.layer == "groundings":
        return {**row, "phrase": params.question}
    return {**row, "source": f"vlm:{params.model}"}


def _frames(source: Source, placed: list[Object]) -> dict[float | None, int]:
    """The numbers of the frames that objects were seen in, by time; none for rasters."""
    times = {item.time_s for item in placed if item.time_s is not None}
    if source.kind != "frame" or not times:
        return {}
    with open_clip(source.path) as clip:
        return {time_s: clip.frame_at(time_s).index for time_s in times}
