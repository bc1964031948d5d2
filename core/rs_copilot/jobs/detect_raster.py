"""Detection over a raster: tiles to objects to rows of the scene, while the sweep goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.detection.found import Detector, Found
from rs_copilot.detection.sweep import Answers, objects, work_of
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detectors import DetectorSpec, open_detector
from rs_copilot.jobs.region import read_region, region_px
from rs_copilot.tiles.cluster import ClusterSweep
from rs_copilot.tiles.journal import Journal, open_journal
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import TilePlan, plan_tiles, scale_for
from rs_copilot.tiles.sweep import Sweep, Tally, Work, pace_for
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.store import ensure_scene, write_layers

# Goes into rows of rasters and of clips alike, and tells them from what motion found.
METHOD = "detector"
LAYERS = ["detections"]


@dataclass(frozen=True)
class RasterTask:
    """What to look for where. ``gsd_m`` overrides what the detector was made for."""

    source: str
    out: str
    spec: DetectorSpec
    region: str | None = None
    gsd_m: float | None = None
    resume: bool = True
    scheduler: str | None = None


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

    task: RasterTask
    context: JobContext
    detector: Detector
    pictures: TilePictures
    plan: TilePlan
    region: BaseGeometry | None
    labels: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def clip(self) -> str:
        """Rows are named after the raster's file."""
        return Path(self.task.source).name

    @property
    def grid(self) -> Grid:
        """CRS of the work and of the scene."""
        return Grid(self.pictures.info.metric_crs, self.pictures.info.crs)

    def run(self) -> None:
        """Sweep, and write objects as they become complete; rows of an earlier run are replaced.

        Raises:
            CancelledError: stopped; what was found is in the scene, and the journal goes on from there.
        """
        ensure_scene(self.task.out, self.pictures.info.crs)
        with self._open_journal() as journal:
            made = datetime.fromisoformat(journal.started_at)
            provenance = Provenance(self.clip, METHOD, self.detector.model, self.detector.sha256, made)
            self._write(Found.nothing(), provenance, replaces=True)
            for done, found in objects(self.plan, self._answers(journal)):
                partial = self._write(self._wanted(found), provenance) if len(found) else None
                text = f"Looking at {self.clip}: {sum(self.labels.values())} found"
                self.context.progress(done, len(self.plan), text, partial)
            self._end(journal)

    def _answers(self, journal: Journal) -> Answers:
        check = self.context.check
        if self.task.scheduler is not None:
            maker = DetectWork(self.task.spec, self.context.device)
            source, scheduler = self.task.source, self.task.scheduler
            return ClusterSweep(self.plan, source, maker, scheduler, journal, check, self.tally).answers()
        pace = pace_for(self.detector.device, self.detector.batch)
        work = work_of(self.detector)
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
        words = {
            "source": self.task.source,
            "file": None if file is None else (file.st_size, file.st_mtime),
            "detector": (self.detector.model, self.detector.sha256, asdict(self.task.spec)),
            "plan": (
                asdict(self.plan.size),
                asdict(self.plan.tile),
                self.plan.overlap_px,
                self.plan.scale_xy,
            ),
            "region": None if self.region is None else shapely.to_wkb(self.region, hex=True),
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()

    def _wanted(self, found: Found) -> Found:
        """Objects whose centre lies on the raster and in the region."""
        x, y = found.centers_px.T
        inside = (x >= 0) & (y >= 0) & (x <= self.plan.size.width_px) & (y <= self.plan.size.height_px)
        if self.region is not None:
            inside &= shapely.contains_xy(self.region, x, y)
        return found.take(inside)

    def _write(
        self, found: Found, provenance: Provenance, *, replaces: bool = False
    ) -> dict[str, object] | None:
        for label in found.labels:
            name = self.detector.class_names[label]
            self.labels[name] = self.labels.get(name, 0) + 1
        table = self._table(found, provenance)
        if replaces:
            write_layers(self.task.out, {"detections": table}, replace_clip=self.clip, replace_method=METHOD)
        else:
            write_layers(self.task.out, {"detections": table})
        return {"scene": self.task.out, "layers": LAYERS}

    def _table(self, found: Found, provenance: Provenance) -> gpd.GeoDataFrame:
        """Rows of the layer ``detections``; `Found` is in pixels of the plan."""
        boxes = found.bounds_px * np.tile(self.plan.scale_xy, 2)
        rows = [
            {
                "label": self.detector.class_names[label],
                "score": float(score),
                "box_px": ",".join(f"{value:.1f}" for value in box),
                "source": self.task.spec.name,
            }
            for label, score, box in zip(found.labels, found.scores, boxes, strict=True)
        ]
        return build_table(schema.DETECTIONS, rows, list(self._shapes(found)), self.grid, provenance)

    def _shapes(self, found: Found) -> Iterator[BaseGeometry]:
        rings = found.quads_px if found.outlines_px is None else found.outlines_px
        for ring in rings:
            yield shapely.Polygon(self.pictures.map_points(ring.astype(np.float64), self.plan))

    def _end(self, journal: Journal) -> None:
        if self.tally.damaged:
            self.context.warn(
                f"{len(self.tally.damaged)} of {len(self.plan)} tiles could not be read "
                f"({self.tally.first_damage}); run again to try only them"
            )
        else:
            journal.remove()


def journal_path(out: str, key: str) -> Path:
    """Beside the scene; for a scene in a database in the working folder."""
    if "://" in out:
        return Path(f".rs-copilot-{key[:16]}.journal")
    path = Path(out)
    return path.with_name(f".{path.name}.{key[:16]}.journal")


def detect_on_raster(task: RasterTask, context: JobContext) -> RasterRun:
    """Sweep a raster and write what is found.

    Raises:
        BadInputError: the raster, the region's file, the network or the scene cannot be used.
        UsageError: the region lies beside the raster.
        MissingDependencyError: packages, weights or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    with ExitStack() as stack:
        pictures = stack.enter_context(open_tile_pictures(task.source))
        # One thread a picture: the sweep keeps every core busy with a tile of its own.
        detector = open_detector(task.spec, context.device, threads=1)
        scale = scale_for(pictures.pixel_m, task.gsd_m or detector.gsd_m)
        plan = plan_tiles(pictures.info.size, detector.tile, detector.overlap_px, scale)
        region = None
        if task.region is not None:
            region = region_px(read_region(task.region), pictures, plan)
            shapely.prepare(region)
            plan = plan.within(region)
        run = RasterRun(task, context, detector, pictures, plan, region)
        run.run()
        return run
