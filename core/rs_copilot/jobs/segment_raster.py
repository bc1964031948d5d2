"""Segmentation over a raster: classes of tiles to polygons to rows of the scene, while the sweep goes on."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detect_raster import journal_path
from rs_copilot.jobs.region import read_region, region_px
from rs_copilot.jobs.segmenters import SegmenterSpec, open_named, wanted_numbers
from rs_copilot.segmentation.polygons import Outlines, to_shapes
from rs_copilot.segmentation.segmenter import Segmenter
from rs_copilot.segmentation.simplify import simplify
from rs_copilot.segmentation.sweep import Answers, polygons, work_of
from rs_copilot.tiles.cluster import ClusterSweep
from rs_copilot.tiles.journal import Journal, open_journal
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import TilePlan, plan_tiles, scale_for
from rs_copilot.tiles.sweep import Sweep, Tally, Work, pace_for
from rs_copilot.types import FloatArray
from rs_copilot.vector import schema
from rs_copilot.vector.build import Provenance
from rs_copilot.vector.store import ensure_scene, write_layers

METHOD = "segmentation"
LAYERS = ["segments"]


@dataclass(frozen=True)
class RasterTask:
    """What to segment where. ``gsd_m`` overrides what the network was made for."""

    source: str
    out: str
    spec: SegmenterSpec
    region: str | None = None
    gsd_m: float | None = None
    min_area_m2: float | None = None
    simplify_px: float = 1.0
    resume: bool = True
    scheduler: str | None = None


@dataclass(frozen=True)
class SegmentWork:
    """A segmenter that every worker of a cluster opens for itself."""

    spec: SegmenterSpec
    device: str
    min_px: int

    def open(self) -> Work:
        """Load the network.

        Raises:
            BadInputError: the worker does not have the same file.
            MissingDependencyError: packages or the device are missing there.
        """
        segmenter = open_named(self.spec, self.device, threads=1)
        return work_of(segmenter, wanted_numbers(segmenter, self.spec.classes), self.min_px)


@dataclass
class RasterRun:
    """One sweep and what came of it. ``labels`` counts polygons, ``areas_m2`` adds their areas."""

    task: RasterTask
    context: JobContext
    segmenter: Segmenter
    pictures: TilePictures
    plan: TilePlan
    region: BaseGeometry | None
    labels: dict[str, int] = field(default_factory=dict)
    areas_m2: dict[str, float] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def clip(self) -> str:
        """Rows are named after the raster's file."""
        return Path(self.task.source).name

    @property
    def min_px(self) -> int:
        """Areas of fewer pixels of the plan are left out: by the task, else as the network says."""
        if self.task.min_area_m2 is None:
            return self.segmenter.small_segment_px**2
        (width_m, height_m), (scale_x, scale_y) = self.pictures.pixel_m, self.plan.scale_xy
        return int(np.ceil(self.task.min_area_m2 / (width_m * scale_x * height_m * scale_y)))

    def run(self) -> None:
        """Sweep, and write polygons as they become complete; rows of an earlier run are replaced.

        Raises:
            CancelledError: stopped; what was found is in the scene, and the journal goes on from there.
        """
        ensure_scene(self.task.out, self.pictures.info.crs)
        with self._open_journal() as journal:
            made = datetime.fromisoformat(journal.started_at)
            provenance = Provenance(self.clip, METHOD, self.segmenter.model, self.segmenter.sha256, made)
            self._write(Outlines.nothing(), provenance, replaces=True)
            for done, found in polygons(self.plan, self._answers(journal), self.min_px):
                partial = self._write(found, provenance) if len(found) else None
                text = f"Segmenting {self.clip}: {sum(self.labels.values())} areas"
                self.context.progress(done, len(self.plan), text, partial)
            self._end(journal)

    def _answers(self, journal: Journal) -> Answers:
        check, spec = self.context.check, self.task.spec
        if self.task.scheduler is not None:
            maker = SegmentWork(spec, self.context.device, self.min_px)
            source, scheduler = self.task.source, self.task.scheduler
            return ClusterSweep(self.plan, source, maker, scheduler, journal, check, self.tally).answers()
        pace = pace_for(self.segmenter.device, self.segmenter.batch)
        work = work_of(self.segmenter, wanted_numbers(self.segmenter, spec.classes), self.min_px)
        return Sweep(self.plan, self.pictures, work, pace, check, journal, self.tally).answers()

    def _open_journal(self) -> Journal:
        started = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        path = journal_path(self.task.out, self._key)
        if not self.task.resume:
            path.unlink(missing_ok=True)
        return open_journal(path, self._key, started)

    @property
    def _key(self) -> str:
        """Everything that decides what a tile answers."""
        path = Path(self.task.source)
        file = path.stat() if path.is_file() else None
        plan = self.plan
        words = {
            "source": self.task.source,
            "file": None if file is None else (file.st_size, file.st_mtime),
            "segmenter": (self.segmenter.model, self.segmenter.sha256, asdict(self.task.spec), self.min_px),
            "plan": (asdict(plan.size), asdict(plan.tile), plan.overlap_px, plan.scale_xy),
            "region": None if self.region is None else shapely.to_wkb(self.region, hex=True),
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()

    def _write(
        self, found: Outlines, provenance: Provenance, *, replaces: bool = False
    ) -> dict[str, object] | None:
        shapes = to_shapes(simplify(found, self.task.simplify_px))
        shapes, rows = clipped(shapes, self.region)
        metric = shapely.transform(shapes, lambda xy: self.pictures.map_points(xy, self.plan))
        scale = np.array(self.plan.scale_xy)
        drawn = shapely.transform(shapes, lambda xy: self.pictures.place.apply(xy * scale))
        labels = [self.segmenter.class_names[number] for number in found.classes[rows]]
        table = segments_table(
            metric, drawn, labels, self.pictures.info.metric_crs, self.pictures.info.crs, provenance,
            source=self.task.spec.name,
        )  # fmt: skip
        for label, area_m2 in zip(labels, table["area_m2"], strict=True):
            self.labels[label] = self.labels.get(label, 0) + 1
            self.areas_m2[label] = self.areas_m2.get(label, 0.0) + float(area_m2)
        if replaces:
            write_layers(self.task.out, {"segments": table}, replace_clip=self.clip, replace_method=METHOD)
        else:
            write_layers(self.task.out, {"segments": table})
        return {"scene": self.task.out, "layers": LAYERS}

    def _end(self, journal: Journal) -> None:
        if self.tally.damaged:
            self.context.warn(
                f"{len(self.tally.damaged)} of {len(self.plan)} tiles could not be read "
                f"({self.tally.first_damage}); run again to try only them"
            )
        else:
            journal.remove()


def clipped(
    shapes: NDArray[np.object_], region: BaseGeometry | None
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Polygons within a region, and which of the given ones each is or is part of."""
    rows = np.arange(len(shapes))
    if region is None or not len(shapes):
        return shapes, rows
    inside = shapely.contains_properly(region, shapes)
    crossing = np.flatnonzero(~inside & shapely.intersects(region, shapes))
    parts, owners = shapely.get_parts(shapely.intersection(shapes[crossing], region), return_index=True)
    # What only touches the region leaves points and lines; collections hold such beside polygons.
    parts, deeper = shapely.get_parts(parts, return_index=True)
    real = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    together = np.concatenate([shapes[inside], parts[real]])
    numbers = np.concatenate([rows[inside], crossing[owners[deeper[real]]]]).astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    return together[order], numbers[order]


def areas_m2(shapes: NDArray[np.object_], lonlat: FloatArray, crs: pyproj.CRS) -> FloatArray:
    """Areas on the ellipsoid: those in a metric CRS over its scale of area at ``lonlat`` ``(N, 2)``."""
    if not len(shapes):
        return np.zeros(0)
    factors = pyproj.Proj(crs).get_factors(lonlat[:, 0], lonlat[:, 1])
    return np.asarray(shapely.area(shapes) / factors.areal_scale, dtype=np.float64)


def segments_table(
    metric: NDArray[np.object_],
    drawn: NDArray[np.object_],
    labels: list[str],
    metric_crs: pyproj.CRS,
    scene_crs: pyproj.CRS,
    provenance: Provenance,
    *,
    source: str,
    scores: FloatArray | None = None,
) -> gpd.GeoDataFrame:
    """Rows of the layer ``segments``, all at once: a raster may have a hundred thousand.

    Args:
        metric: polygons ``(N,)`` in metres of ``metric_crs``.
        drawn: the same in ``scene_crs``, as they are stored.
        labels: classes.
        metric_crs: what areas are measured in.
        scene_crs: what the scene stores.
        provenance: goes into every row.
        source: the network, as it was asked for.
        scores: ``(N,)``; without it null.
    """
    count = len(metric)
    lonlat: FloatArray = np.zeros((0, 2))
    if count:
        lonlat = geo_crs.to_lonlat(shapely.get_coordinates(shapely.centroid(metric)), metric_crs)
    values: dict[str, Any] = {
        "label": labels,
        "score": [None] * count if scores is None else scores,
        "area_m2": areas_m2(metric, lonlat, metric_crs),
        "source": [source] * count,
        "lon": lonlat[:, 0],
        "lat": lonlat[:, 1],
        "clip": [provenance.clip] * count,
        "method": [provenance.method] * count,
        "model": [provenance.model] * count,
        "model_hash": [provenance.model_hash] * count,
        "created_at": [provenance.created_at] * count,
    }
    columns = {name: values.get(name, [None] * count) for name in schema.SEGMENTS.field_names}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(drawn, crs=scene_crs), crs=scene_crs)


def segment_raster(task: RasterTask, context: JobContext) -> RasterRun:
    """Sweep a raster and write what is found.

    Raises:
        BadInputError: the raster, the region's file, the network or the scene cannot be used.
        UsageError: the region lies beside the raster, or a class is unknown.
        MissingDependencyError: packages or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    with ExitStack() as stack:
        pictures = stack.enter_context(open_tile_pictures(task.source))
        # One thread a picture: the sweep keeps every core busy with a tile of its own.
        segmenter = open_named(task.spec, context.device, threads=1)
        scale = scale_for(pictures.pixel_m, task.gsd_m or segmenter.gsd_m)
        plan = plan_tiles(pictures.info.size, segmenter.tile, segmenter.overlap_px, scale)
        region = None
        if task.region is not None:
            region = region_px(read_region(task.region), pictures, plan)
            shapely.prepare(region)
            plan = plan.within(region)
        run = RasterRun(task, context, segmenter, pictures, plan, region)
        run.run()
        return run
