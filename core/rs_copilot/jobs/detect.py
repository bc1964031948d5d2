"""Find objects in a raster or in a clip, as polygons on the map."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rs_copilot.errors import UsageError
from rs_copilot.jobs.backends import backend_of
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detect_raster import detect_on_raster
from rs_copilot.jobs.detectors import DEFAULT, VLM, DetectorSpec
from rs_copilot.jobs.raster_sweep import Where, told_tiles
from rs_copilot.jobs.run_note import note_run
from rs_copilot.jobs.sources import is_map, placed_clip
from rs_copilot.vector.build import Provenance
from rs_copilot.vector.placements import read_placements

MOTION = "motion"


class DetectParams(BaseModel):
    """What to look for, where, and where to write it.

    ``source`` is a raster, or a clip that the scene ``out`` has placed or that ``satellite`` is to place.
    ``thresholds`` are lowest scores by class, ``calibration`` is a file of ``eval calibration``,
    ``region`` is LON1,LAT1,LON2,LAT2 or a file with polygons. ``model`` and what follows it are for the
    detector ``vlm``: which vision-language model, and whether it sees tiles enlarged (``max_mode``) or in
    both sizes (``fuse``).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    out: str
    detector: str = DEFAULT
    classes: list[str] = Field(default_factory=list)
    satellite: str | None = None
    min_score: float | None = Field(default=None, ge=0, le=1)
    thresholds: Mapping[str, float] = Field(default_factory=dict)
    calibration: str | None = None
    region: str | None = None
    gsd_m: float | None = Field(default=None, gt=0)
    every_s: float = Field(default=0.2, gt=0)
    dem: str | None = None
    resume: bool = True
    scheduler: str | None = None
    model: str | None = None
    precision: str = "auto"
    adapter: str | None = None
    family: str | None = None
    key: SecretStr | None = None
    max_mode: bool = False
    fuse: bool = False


class DetectResult(BaseModel):
    """What was found. ``tiles`` are those of the region; ``empty`` had no data, ``resumed`` were known."""

    scene: str
    source: str
    kind: str
    detector: str
    model: str | None
    detections: int
    labels: dict[str, int]
    tiles: int | None = None
    tiles_of_raster: int | None = None
    empty: int | None = None
    resumed: int | None = None
    damaged: int | None = None
    frames: int | None = None
    tracks: int | None = None
    standing: int | None = None
    device: str
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        labels = ", ".join(f"{count} {label}" for label, count in sorted(self.labels.items())) or "nothing"
        if self.kind == "raster":
            where = told_tiles(self.tiles, self.tiles_of_raster, self.resumed)
        else:
            where = f"{self.frames} frames, {self.tracks} moving and {self.standing} standing objects"
        return f"{self.source}: {labels} ({where}), in {self.seconds:.1f} s -> {self.scene}"


def run(params: DetectParams, context: JobContext) -> DetectResult:
    """Look for objects and write them into the layer ``detections`` of the scene.

    Raises:
        BadInputError: source, network, region or scene cannot be used.
        UsageError: no such detector or class, or an option that does not go with the source.
        MissingDependencyError: packages, weights or the device are missing.
        CancelledError: stopped; what was found is in the scene.
    """
    started = time.monotonic()
    if is_map(params.source):
        result = _on_raster(params, context, started)
    elif params.detector == MOTION:
        result = _motion(params, context, started)
    else:
        result = _on_clip(params, context, started)
    provenance = Provenance(result.source, _spec(params).method, result.model)
    note_run(params.out, "detect", params, provenance, context, seconds=result.seconds, device=result.device)
    return result


def _spec(params: DetectParams) -> DetectorSpec:
    thresholds = tuple(sorted(params.thresholds.items()))
    if params.calibration is not None and thresholds:
        raise UsageError("--min-score A=S: with --calibration one probability goes for all classes.")
    classes = tuple(params.classes)
    spec = DetectorSpec(params.detector, classes, params.min_score, thresholds, params.calibration)
    if params.detector == VLM:
        backend = backend_of(params.model, params.precision, params.adapter, params.family, params.key)
        return replace(spec, backend=backend, max_mode=params.max_mode, fuse=params.fuse)
    if params.model is not None or params.max_mode or params.fuse:
        raise UsageError("--model, --max-mode and --fuse go with --detector vlm.")
    return spec


def _on_raster(params: DetectParams, context: JobContext, started: float) -> DetectResult:
    if params.detector == MOTION:
        raise UsageError(
            "--detector motion: nothing moves in a raster.", hint="Give a clip, or another detector."
        )
    where = Where(params.source, params.out, params.region, params.gsd_m, params.resume, params.scheduler)
    done = detect_on_raster(where, _spec(params), context)
    return DetectResult(
        scene=params.out,
        kind="raster",
        detector=params.detector,
        model=done.detector.model,
        detections=sum(done.labels.values()),
        labels=done.labels,
        **done.sweep.counts,
        device=done.detector.device,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )


def _on_clip(params: DetectParams, context: JobContext, started: float) -> DetectResult:
    from rs_copilot.jobs.detect_clip import ClipTask, detect_on_clip

    if params.scheduler is not None or params.region is not None:
        raise UsageError("--region and --scheduler go with a raster, found a clip.")
    name = placed_clip(params, context)
    task = ClipTask(params.out, _spec(params), params.every_s, params.gsd_m, params.dem)
    done = detect_on_clip(task, read_placements(params.out, name), context)
    return DetectResult(
        scene=params.out,
        source=name,
        kind="clip",
        detector=params.detector,
        model=done.detector.model,
        detections=sum(done.labels.values()),
        labels=done.labels,
        frames=len(done.sightings),
        tracks=done.tracks,
        standing=done.standing,
        device=done.detector.device,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )


def _motion(params: DetectParams, context: JobContext, started: float) -> DetectResult:
    from rs_copilot.jobs import track

    name = placed_clip(params, context)
    done = track.run(track.TrackParams(scene=params.out, clip=name, dem=params.dem), context)
    (found,) = done.clips
    return DetectResult(
        scene=params.out,
        source=name,
        kind="clip",
        detector=MOTION,
        model=None,
        detections=found.detections,
        labels=found.labels,
        frames=found.frames,
        tracks=found.tracks,
        standing=0,
        device="cpu",
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )
