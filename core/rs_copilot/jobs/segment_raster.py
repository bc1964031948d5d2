"""Segmentation over a raster: classes of tiles to polygons to rows of the scene, while the sweep goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.raster_sweep import RasterSweep, Where, open_sweep
from rs_copilot.jobs.segmenters import SegmenterSpec, open_named, wanted_numbers
from rs_copilot.segmentation.polygons import Outlines, to_shapes
from rs_copilot.segmentation.segmenter import Segmenter
from rs_copilot.segmentation.simplify import simplify
from rs_copilot.segmentation.sweep import polygons, work_of
from rs_copilot.tiles.memory import return_freed_memory
from rs_copilot.tiles.sweep import Work
from rs_copilot.types import FloatArray
from rs_copilot.vector import schema
from rs_copilot.vector.build import Provenance, build_columns, centroids_lonlat

METHOD = "segmentation"


@dataclass(frozen=True)
class SegmentTask:
    """What to draw: classes of a network, areas above a size, borders straightened by so much."""

    spec: SegmenterSpec
    min_area_m2: float | None = None
    simplify_px: float = 1.0


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

    task: SegmentTask
    segmenter: Segmenter
    sweep: RasterSweep
    labels: dict[str, int] = field(default_factory=dict)
    areas_m2: dict[str, float] = field(default_factory=dict)

    @property
    def min_px(self) -> int:
        """Areas of fewer pixels of the plan are left out: by the task, else as the network says."""
        if self.task.min_area_m2 is None:
            return self.segmenter.small_segment_px**2
        (width_m, height_m), (scale_x, scale_y) = self.sweep.pictures.pixel_m, self.sweep.plan.scale_xy
        return int(np.ceil(self.task.min_area_m2 / (width_m * scale_x * height_m * scale_y)))

    def run(self) -> None:
        """Sweep, and write polygons as they become complete; rows of an earlier run are replaced.

        Raises:
            CancelledError: stopped; what was found is in the scene, and the journal goes on from there.
        """
        sweep, spec = self.sweep, self.task.spec
        with sweep.journal(asdict(spec), self.min_px) as (journal, made):
            provenance = Provenance(sweep.clip, METHOD, self.segmenter.model, self.segmenter.sha256, made)
            work = work_of(self.segmenter, wanted_numbers(self.segmenter, spec.classes), self.min_px)
            maker = SegmentWork(spec, sweep.context.device, self.min_px)

            def make(found: list[Outlines]) -> gpd.GeoDataFrame:
                return self._table(Outlines.join(found), provenance)

            found = polygons(sweep.plan, sweep.answers(journal, work, maker), self.min_px)
            said = f"Segmenting {sweep.clip}"
            sweep.write("segments", METHOD, make, found, lambda count: f"{said}: {count} areas")

    def _table(self, found: Outlines, provenance: Provenance) -> gpd.GeoDataFrame:
        """Rows of the layer ``segments``; outlines are in pixels of the plan."""
        pictures = self.sweep.pictures
        info = pictures.info
        shapes, rows = clipped(
            to_shapes(simplify(found, self.task.simplify_px)), self.sweep.region, self.min_px
        )
        drawn, metric = pictures.on_map(shapes, self.sweep.plan)
        kinds, names = found.classes[rows], self.segmenter.class_names
        labels = [names[number] for number in kinds]
        table = segments_table(
            metric, drawn, labels, info.metric_crs, info.crs, provenance, source=self.task.spec.name
        )
        counts, sums = np.bincount(kinds), np.bincount(kinds, weights=table["area_m2"])
        for number in np.flatnonzero(counts):
            name = names[number]
            self.labels[name] = self.labels.get(name, 0) + int(counts[number])
            self.areas_m2[name] = self.areas_m2.get(name, 0.0) + float(sums[number])
        return table


def clipped(
    shapes: NDArray[np.object_], region: BaseGeometry | None, min_px: float = 0.0
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Polygons within a region, and which of the given ones each is or is part of.

    Of those that the region cuts, parts of less than ``min_px`` pixels, or of next to none, are left out.
    """
    rows = np.arange(len(shapes))
    if region is None or not len(shapes):
        return shapes, rows
    inside = shapely.contains_properly(region, shapes)
    crossing = np.flatnonzero(~inside & shapely.intersects(region, shapes))
    parts, owners = shapely.get_parts(shapely.intersection(shapes[crossing], region), return_index=True)
    # What only touches the region leaves points and lines; collections hold such beside polygons.
    parts, deeper = shapely.get_parts(parts, return_index=True)
    # Areas of other types are 0. A thousandth of a pixel is what the cut of two straight edges leaves.
    real = shapely.area(parts) >= max(min_px, 1e-3)
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
    lonlat = centroids_lonlat(metric, metric_crs)
    columns = {
        "label": labels,
        "score": scores,
        "area_m2": areas_m2(metric, lonlat, metric_crs),
        "source": source,
    }
    return build_columns(schema.SEGMENTS, columns, drawn, lonlat, scene_crs, provenance)


def segment_raster(where: Where, task: SegmentTask, context: JobContext) -> RasterRun:
    """Sweep a raster and write what is found.

    Raises:
        BadInputError: the raster, the region's file, the network or the scene cannot be used.
        UsageError: the region lies beside the raster, or a class is unknown.
        MissingDependencyError: packages or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    return_freed_memory()
    # One thread a picture: the sweep keeps every core busy with a tile of its own.
    segmenter = open_named(task.spec, context.device, threads=1)
    with open_sweep(where, segmenter, context) as sweep:
        run = RasterRun(task, segmenter, sweep)
        run.run()
        return run
