"""Divide a raster into areas of one class each, or outline what is clicked on, as polygons on the map."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.raster_sweep import Where, told_tiles
from rs_copilot.jobs.run_note import note_run
from rs_copilot.jobs.segment_click import LABEL, ClickTask, segment_click
from rs_copilot.jobs.segment_raster import METHOD, SegmentTask, segment_raster
from rs_copilot.jobs.segmenters import SegmenterSpec
from rs_copilot.vector.build import Provenance

SAM = "sam:"


class SegmentParams(BaseModel):
    """What to segment, how, and where to write it.

    ``model`` is ``onnx:FILE``, or ``sam:FOLDER`` to outline what ``points`` (longitude, latitude; those of
    ``beside`` are not on it) and ``box`` tell of; ``label`` is then the class of the outline. ``region`` is
    LON1,LAT1,LON2,LAT2 or a file with polygons. Areas and holes below ``min_area_m2`` are left out; without
    it the network's own limit holds. Outlines stay within ``simplify_px`` pixels of the pixels' edges; with
    0 they are the edges.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    out: str
    model: str
    classes: list[str] = Field(default_factory=list)
    region: str | None = None
    gsd_m: float | None = Field(default=None, gt=0)
    min_area_m2: float | None = Field(default=None, ge=0)
    simplify_px: float = Field(default=1.0, ge=0, le=100)
    resume: bool = True
    scheduler: str | None = None
    points: list[tuple[float, float]] = Field(default_factory=list)
    beside: list[tuple[float, float]] = Field(default_factory=list)
    box: tuple[float, float, float, float] | None = None
    label: str = LABEL


class SegmentResult(BaseModel):
    """What was found. ``tiles`` are those of the region; ``empty`` had no data, ``resumed`` were known."""

    scene: str
    source: str
    model: str
    segments: int
    labels: dict[str, int]
    areas_m2: dict[str, float]
    tiles: int
    tiles_of_raster: int
    empty: int = 0
    resumed: int = 0
    damaged: int = 0
    score: float | None = None
    device: str
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        found = ", ".join(
            f"{count} {label} ({self.areas_m2[label]:,.0f} m²)"
            for label, count in sorted(self.labels.items())
        )
        where = told_tiles(self.tiles, self.tiles_of_raster, self.resumed)
        return f"{self.source}: {found or 'nothing'} ({where}), in {self.seconds:.1f} s -> {self.scene}"


def run(params: SegmentParams, context: JobContext) -> SegmentResult:
    """Segment, and write polygons into the layer ``segments`` of the scene.

    Raises:
        BadInputError: raster, network, region or scene cannot be used.
        UsageError: no such segmenter or class, or a region beside the raster.
        MissingDependencyError: packages or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    started = time.monotonic()
    result = (_clicked if params.model.startswith(SAM) else _on_raster)(params, context, started)
    provenance = Provenance(result.source, METHOD, result.model)
    note_run(params.out, "segment", params, provenance, context, seconds=result.seconds, device=result.device)
    return result


def _on_raster(params: SegmentParams, context: JobContext, started: float) -> SegmentResult:
    if params.points or params.box:
        raise UsageError("--point and --box go with sam:FOLDER.")
    where = Where(params.source, params.out, params.region, params.gsd_m, params.resume, params.scheduler)
    spec = SegmenterSpec(params.model, tuple(params.classes))
    done = segment_raster(where, SegmentTask(spec, params.min_area_m2, params.simplify_px), context)
    return SegmentResult(
        scene=params.out,
        model=done.segmenter.model,
        segments=sum(done.labels.values()),
        labels=done.labels,
        areas_m2=done.areas_m2,
        **done.sweep.counts,
        device=done.segmenter.device,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )


def _clicked(params: SegmentParams, context: JobContext, started: float) -> SegmentResult:
    if params.region is not None or params.scheduler is not None or params.classes:
        raise UsageError("--region, --classes and --scheduler go with onnx:FILE.")
    task = ClickTask(
        source=params.source,
        out=params.out,
        place=params.model.removeprefix(SAM),
        points=tuple(params.points),
        beside=tuple(params.beside),
        box=params.box,
        label=params.label,
        gsd_m=params.gsd_m,
        simplify_px=params.simplify_px,
    )
    done = segment_click(task, context)
    return SegmentResult(
        scene=params.out,
        source=Path(params.source).name,
        model=done.model,
        segments=sum(done.labels.values()),
        labels=done.labels,
        areas_m2=done.areas_m2,
        tiles=1,
        tiles_of_raster=1,
        score=done.score,
        device=done.device,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )
