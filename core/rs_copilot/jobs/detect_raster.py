"""Detection over a raster: tiles to objects to rows of the scene, while the sweep goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.detection.found import Detector, Found
from rs_copilot.detection.sweep import objects, work_of
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detectors import DetectorSpec, lent_detector, open_detector
from rs_copilot.jobs.raster_sweep import RasterSweep, Where, open_sweep
from rs_copilot.tiles.sweep import Work
from rs_copilot.vector import schema
from rs_copilot.vector.build import Provenance, build_columns, centroids_lonlat


@dataclass(frozen=True)
class DetectWork:
    """A detector that every worker of a cluster opens for itself."""

    spec: DetectorSpec
    device: str

    def open(self) -> Work:
        """Load the network.

        Raises:
            BadInputError: the worker does not have the same file.
            MissingDependencyError: packages, weights or the device are missing there.
        """
        return work_of(open_detector(self.spec, self.device, threads=1))


@dataclass
class RasterRun:
    """One sweep and what came of it."""

    spec: DetectorSpec
    detector: Detector
    sweep: RasterSweep
    labels: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Sweep, and write objects as they become complete; rows of an earlier run are replaced.

        Raises:
            CancelledError: stopped; what was found is in the scene, and the journal goes on from there.
        """
        sweep, method = self.sweep, self.spec.method
        with sweep.journal(asdict(self.spec)) as (journal, made):
            provenance = Provenance(sweep.clip, method, self.detector.model, self.detector.sha256, made)
            maker = DetectWork(self.spec, sweep.context.device)

            def make(found: list[Found]) -> gpd.GeoDataFrame:
                return self._table(self._wanted(Found.join(found)), provenance)

            found = objects(sweep.plan, sweep.answers(journal, work_of(self.detector), maker))
            said = f"Looking at {sweep.clip}"
            sweep.write("detections", method, make, found, lambda count: f"{said}: {count} found")

    def _wanted(self, found: Found) -> Found:
        """Objects whose centre lies on the raster and in the region."""
        (x, y), size = found.centers_px.T, self.sweep.plan.size
        inside = (x >= 0) & (y >= 0) & (x <= size.width_px) & (y <= size.height_px)
        if self.sweep.region is not None:
            inside &= shapely.contains_xy(self.sweep.region, x, y)
        return found.take(inside)

    def _table(self, found: Found, provenance: Provenance) -> gpd.GeoDataFrame:
        """Rows of the layer ``detections``; `Found` is in pixels of the plan."""
        pictures, plan = self.sweep.pictures, self.sweep.plan
        boxes = found.bounds_px * np.tile(plan.scale_xy, 2)
        names = [self.detector.class_names[label] for label in found.labels]
        for name in names:
            self.labels[name] = self.labels.get(name, 0) + 1
        columns = {
            "label": names,
            "score": found.scores.astype(np.float64) if self.spec.has_scores else None,
            "box_px": [",".join(f"{value:.1f}" for value in box) for box in boxes.tolist()],
            "source": self.spec.name,
        }
        drawn, metric = pictures.on_map(_polygons(found), plan)
        lonlat = centroids_lonlat(metric, pictures.info.metric_crs)
        return build_columns(schema.DETECTIONS, columns, drawn, lonlat, pictures.info.crs, provenance)


def _polygons(found: Found) -> NDArray[np.object_]:
    """Outlines, or boxes where there are none, in pixels of the plan. Shape (N,)."""
    if found.outlines_px is None:
        return np.asarray(shapely.polygons(found.quads_px.astype(np.float64)), dtype=object)
    return np.array([shapely.Polygon(ring) for ring in found.outlines_px], dtype=object)


def detect_on_raster(where: Where, spec: DetectorSpec, context: JobContext) -> RasterRun:
    """Sweep a raster and write what is found.

    Raises:
        BadInputError: the raster, the region's file, the network or the scene cannot be used.
        UsageError: the region lies beside the raster.
        MissingDependencyError: packages, weights or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    # One thread a picture: the sweep keeps every core busy with a tile of its own.
    with lent_detector(spec, context, threads=1) as detector, open_sweep(where, detector, context) as sweep:
        run = RasterRun(spec, detector, sweep)
        run.run()
        return run
