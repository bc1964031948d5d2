"""What is clicked on in a raster, outlined by a network of the SAM family, as rows of the scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rs_copilot.errors import UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.segment_raster import segments_table
from rs_copilot.segmentation.polygons import Outlines, to_shapes, trace_tile
from rs_copilot.segmentation.simplify import simplify
from rs_copilot.segmentation.stitch import Stitcher
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import Tile, TilePlan, plan_tiles, scale_for
from rs_copilot.types import BoolArray, FloatArray, SizeWH
from rs_copilot.vector.build import Provenance
from rs_copilot.vector.store import ensure_scene, write_layers

METHOD = "segmentation by click"
LABEL = "object"
WINDOW_PX = 1024
# What is in a box is seen with as much around it.
AROUND = 2.0
# Specks that come with a mask.
MIN_SHARE = 0.02


@dataclass(frozen=True)
class ClickTask:
    """What is pointed at, in longitude and latitude. ``beside`` are points that are not on the object."""

    source: str
    out: str
    place: str
    points: tuple[tuple[float, float], ...] = ()
    beside: tuple[tuple[float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None
    label: str = LABEL
    gsd_m: float | None = None
    simplify_px: float = 1.0


@dataclass(frozen=True)
class Clicked:
    """What came of it."""

    model: str
    device: str
    labels: dict[str, int]
    areas_m2: dict[str, float]
    score: float


def segment_click(task: ClickTask, context: JobContext) -> Clicked:
    """Outline one object and add it to the layer ``segments``; rows that are there stay.

    Raises:
        UsageError: nothing is pointed at, or a place beside the raster.
        BadInputError: the raster, the network or the scene cannot be used.
        MissingDependencyError: packages, the network or the device are missing.
    """
    from rs_copilot.learned.sam import open_sam

    context.progress(0, 3, "Opening the network")
    with open_tile_pictures(task.source) as pictures:
        plan, tile, asked = _seen(task, pictures)
        sam = open_sam(task.place, context.device)
        context.progress(1, 3, "Looking at the raster")
        image = pictures.read(plan, tile)
        if image is None:
            raise UsageError("The raster has no data at the place that is pointed at.")
        mask, score = sam.masks(np.ascontiguousarray(image), *asked)
        context.progress(2, 3, "Drawing the outline")
        outlines = _outlines(mask, plan, tile)
        shapes = to_shapes(simplify(outlines, task.simplify_px))
        drawn, metric = pictures.on_map(shapes, plan)
        info = pictures.info
    table = segments_table(
        metric, drawn, [task.label] * len(shapes), info.metric_crs, info.crs,
        Provenance(Path(task.source).name, METHOD, sam.name, sam.sha256),
        source=f"sam:{task.place}", scores=np.full(len(shapes), score),
    )  # fmt: skip
    ensure_scene(task.out, info.crs)
    write_layers(task.out, {"segments": table})
    context.progress(3, 3, "Outlined", {"scene": task.out, "layers": ["segments"]})
    found = {task.label: len(table)} if len(table) else {}
    return Clicked(sam.name, sam.device, found, dict.fromkeys(found, float(table["area_m2"].sum())), score)


def _seen(
    task: ClickTask, pictures: TilePictures
) -> tuple[TilePlan, Tile, tuple[FloatArray | None, FloatArray | None, FloatArray | None]]:
    """A window around all that is pointed at, and points, labels and box in its pixels."""
    if not task.points and task.box is None:
        raise UsageError("sam: needs --point LON,LAT or --box LON1,LAT1,LON2,LAT2.")
    size = pictures.info.size
    scale = scale_for(pictures.pixel_m, task.gsd_m)
    window = SizeWH(WINDOW_PX, WINDOW_PX)
    plan = plan_tiles(size, window, 0, scale)
    points, corners = _places(task, pictures, plan)
    every = np.concatenate([points, corners])
    widest = float(np.ptp(every, axis=0).max()) * AROUND
    if widest > WINDOW_PX:
        grown = widest / WINDOW_PX
        plan = plan_tiles(size, window, 0, (scale[0] * grown, scale[1] * grown))
        points, corners = _places(task, pictures, plan)
        every = np.concatenate([points, corners])
    limit = np.array([plan.size.width_px, plan.size.height_px])
    if not ((every >= 0).all() and (every <= limit).all()):
        raise UsageError("What is pointed at lies beside the raster.")
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    x, y = np.clip(np.round(middle - WINDOW_PX / 2), 0, np.maximum(limit - WINDOW_PX, 0)).astype(int)
    place = (int(x), int(y), int(x) + WINDOW_PX, int(y) + WINDOW_PX)
    own, around = points - [x, y], (corners - [x, y])
    labels = np.array([1] * len(task.points) + [0] * len(task.beside))
    box = np.concatenate([around.min(axis=0), around.max(axis=0)]) if len(around) else None
    asked = (own, labels, box) if len(own) else (None, None, box)
    return plan, Tile(0, 0, 0, place, place), asked


def _places(task: ClickTask, pictures: TilePictures, plan: TilePlan) -> tuple[FloatArray, FloatArray]:
    """Points and the corners of the box in pixels of a plan."""

    def to_px(lonlat: FloatArray) -> FloatArray:
        return pictures.pixels_of(geo_crs.transform(lonlat, geo_crs.WGS84, pictures.info.crs), plan)

    points = np.array([*task.points, *task.beside], dtype=np.float64).reshape(-1, 2)
    if task.box is None:
        return to_px(points), np.zeros((0, 2))
    lon1, lat1, lon2, lat2 = task.box
    corners = np.array([[lon1, lat1], [lon2, lat1], [lon2, lat2], [lon1, lat2]])
    return to_px(points), to_px(corners)


def _outlines(mask: BoolArray, plan: TilePlan, tile: Tile) -> Outlines:
    """Outlines of a mask in pixels of the plan; specks are left out, and small holes filled."""
    x, y = tile.window_px[:2]
    inside = mask[: plan.size.height_px - y, : plan.size.width_px - x].astype(np.uint8)
    min_px = int(MIN_SHARE * inside.sum())
    stitcher = Stitcher(plan.size.width_px, min_px=min_px)
    traced = trace_tile(np.ascontiguousarray(inside), x, y, min_px=min_px)
    return Outlines.join([stitcher.add(traced), stitcher.finish()])
