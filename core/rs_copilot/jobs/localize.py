"""Where every sampled frame of a clip lies on a satellite raster."""

from __future__ import annotations

import math
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot import __version__
from rs_copilot.errors import BadInputError, CancelledError, UsageError
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.gallery import RankedTile, candidates_table, open_retriever, provenance_of
from rs_copilot.jobs.telemetry import read_told
from rs_copilot.learned.matcher import open_matcher
from rs_copilot.localization.alignment import Alignment, align, offset_of_photos
from rs_copilot.localization.controls import read_controls
from rs_copilot.localization.pipeline import (
    ElevationAt,
    Listener,
    Located,
    Options,
    Prior,
    locate,
    search_bounds,
    status_counts,
    telemetry_reader,
)
from rs_copilot.localization.propose import Proposer
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.retrieve import Retriever
from rs_copilot.matching.matcher import Matcher
from rs_copilot.raster.source import RasterSource, open_raster, read_elevation
from rs_copilot.types import Frame, LonLat, Placement, Telemetry, TelemetryUse
from rs_copilot.vector import build, schema
from rs_copilot.vector.store import append_layer, ensure_scene, write_layers
from rs_copilot.video.clip import Clip, open_clip
from rs_copilot.video.telemetry import TelemetryTrack

METHOD = "orientation-correlation"
# First placements reach the map at most this often; each write costs some milliseconds of disk.
PARTIAL_EVERY_S = 1.0
# Frames this far apart still overlap enough to be chained; wider sampling visits frames in between.
MAX_STEP_S = 0.25
LAYERS = ["frames", "footprints", "trajectory"]


class LocalizeParams(BaseModel):
    """What to locate, on what, and with how much help."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    clip: Path
    satellite: str
    out: Path
    telemetry: Path | None = None
    use_telemetry: TelemetryUse = TelemetryUse.ALL
    prior: tuple[float, float, float] | None = Field(
        default=None, description="longitude, latitude in degrees and radius in metres"
    )
    every_s: float | None = Field(default=None, gt=0)
    dem: str | None = None
    control: Path | None = Field(default=None, description="CSV of control points")
    index: Path | None = None
    weights: Path | None = None
    matcher: str | None = Field(default=None, description="sift, or a folder with a learned matcher")


class LocalizeResult(BaseModel):
    """What was found: counts by status, and the corrections that the clip's telemetry needs."""

    scene: Path
    clip: str
    frames: int
    located: int
    tracked: int
    unlocated: int
    median_error_m: float | None
    telemetry: str | None
    scale_correction: float | None
    yaw_correction_deg: float | None
    lag_s: float | None = Field(default=None, description="how much telemetry positions trail the video")
    lag_sigma_s: float | None = None
    map_offset_east_m: float | None = Field(default=None, description="map minus telemetry positions")
    map_offset_north_m: float | None = None
    map_offset_sigma_m: float | None = None
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        placed = self.located + self.tracked
        sure = (
            "" if self.median_error_m is None else f", 90 % radius {self.median_error_m:.1f} m in the median"
        )
        return (
            f"{self.clip}: {placed} of {self.frames} frames placed "
            f"({self.located} matched to the map, {self.tracked} carried){sure}, in {self.seconds:.1f} s"
        )


def run(params: LocalizeParams, context: JobContext) -> LocalizeResult:
    """Locate a clip and write its frames, footprints and trajectory into the scene.

    Raises:
        BadInputError: the clip, raster, telemetry or scene cannot be used.
        UsageError: the prior lies outside the raster.
        MissingDependencyError: a learned matcher was asked for, and its packages are not there.
        CancelledError: stopped; the frames placed so far are in the scene.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(params.clip))
        raster = stack.enter_context(open_raster(params.satellite))
        retriever = (
            open_retriever(params.index, params.weights, context) if params.index is not None else None
        )
        matcher = None if params.matcher is None else open_matcher(params.matcher, context.device)
        ensure_scene(params.out, raster.info.crs)
        uses = params.use_telemetry is not TelemetryUse.NONE
        telemetry = read_told(params.clip, params.telemetry, clip, context) if uses else None
        work = _Work(params, context, clip, raster, telemetry, started, retriever, matcher)
        located = work.locate()
        for warning in clip.warnings:
            context.warn(warning)
        work.write(located)
        return work.finish(located)


@dataclass
class _Work:
    """One run of the job and what it knows."""

    params: LocalizeParams
    context: JobContext
    clip: Clip
    raster: RasterSource
    telemetry: TelemetryTrack | None
    started: float
    retriever: Retriever | None = None
    matcher: Matcher | None = None
    _retrieved: list[RankedTile] = field(default_factory=list)
    _first: dict[int, Placement] = field(default_factory=dict)
    _last_partial: float = 0.0
    _percent: int = 0

    @property
    def grid(self) -> build.Grid:
        """CRS of the work and of the scene."""
        return build.Grid(self.raster.info.metric_crs, self.raster.info.crs)

    @property
    def provenance(self) -> build.Provenance:
        """Goes into every row."""
        if self.matcher is None:
            return build.Provenance(clip=self.params.clip.name, method=METHOD)
        method = f"{METHOD}+matcher"
        return build.Provenance(self.params.clip.name, method, self.matcher.name, self.matcher.sha256)

    def locate(self) -> Located:
        """Search, and keep what is found so far where the user stops it."""
        info = self.raster.info
        reference = Reference(self.raster.read, info.bounds_m, info.gsd_m, info.metric_crs)
        proposer = self._proposer(reference)
        controls = read_controls(self.params.control) if self.params.control else ()
        options = Options(
            self.params.use_telemetry, self._prior(), self._elevation(), proposer, controls, self.matcher
        )
        _check_prior(reference, options.prior)
        step_s, keep_every = _sampling(self.params.every_s, moving=self._moving)
        try:
            located = locate(
                self.clip.frames(every_s=step_s),
                self.clip.info.frame_count,
                telemetry_reader(self._telemetry_at, options.use),
                reference,
                options,
                Listener(self._progress, self._show_first),
                moving=self._moving,
            )
        except CancelledError:
            self._write_first()
            raise
        if proposer is not None:
            self._retrieved = _ranked_tiles(proposer, located)
        for frame in located.unused_controls:
            self.context.warn(
                f"Frame {frame}: one control point does not place a frame that nothing else does."
            )
        return _thinned(located, keep_every)

    def _proposer(self, reference: Reference) -> Proposer | None:
        if self.retriever is None:
            return None
        proposer = Proposer(self.retriever, reference)
        if not proposer.is_on_map.any():
            raise BadInputError(
                f"no tile of the index {self.params.index} lies on {self.params.satellite}",
                hint="Index this raster with `rs-copilot index`, or leave --index out.",
            )
        return proposer

    @property
    def _moving(self) -> bool:
        return self.clip.info.kind == "video"

    def _prior(self) -> Prior | None:
        if self.params.prior is None:
            return None
        lon, lat, radius_m = self.params.prior
        try:
            return Prior(LonLat(lon, lat), radius_m)
        except ValueError as error:
            raise UsageError(f"--prior: {error}") from error

    def _elevation(self) -> ElevationAt | None:
        if self.params.dem is None:
            return None
        info = self.raster.info
        terrain = read_elevation(self.params.dem, info.bounds_m, max(info.gsd_m, 1.0), info.metric_crs)
        return terrain.at

    def _telemetry_at(self, frame: Frame) -> Telemetry | None:
        if self.telemetry is None:
            return None
        return self.telemetry.at(frame.time_s, frame.index, frame.file)

    def _progress(self, percent: int, text: str) -> None:
        self._percent = percent
        self.context.progress(percent, 100, text)

    def _show_first(self, placements: list[Placement]) -> None:
        """Write first placements now and then, so that the map shows them as they come."""
        self._first.update({p.frame: p for p in placements})
        if time.monotonic() - self._last_partial < PARTIAL_EVERY_S:
            return
        self._write_first()
        self._last_partial = time.monotonic()
        partial = {"scene": str(self.params.out), "layers": LAYERS}
        self.context.progress(self._percent, 100, "First frames are on the map", partial)

    def _write_first(self) -> None:
        if self._first:
            self._write(self._tables([self._first[frame] for frame in sorted(self._first)]))

    def write(self, located: Located) -> None:
        """Replace this clip's rows by the final ones, and log the run."""
        tables = self._tables(located.placements)
        tables["candidates"] = self._candidates(located)
        tables["search_area"] = self._search_areas(located)
        self._write(tables)

    def _write(self, tables: dict[str, gpd.GeoDataFrame]) -> None:
        write_layers(self.params.out, tables, replace_clip=self.params.clip.name)

    def _tables(self, placements: list[Placement]) -> dict[str, gpd.GeoDataFrame]:
        path = str(self.params.clip.resolve())
        return {
            "frames": build.frames_table(placements, self.grid, self.provenance, clip_path=path),
            "footprints": build.footprints_table(placements, self.grid, self.provenance),
            "trajectory": build.trajectory_table(placements, self.grid, self.provenance),
        }

    def _candidates(self, located: Located) -> gpd.GeoDataFrame:
        """Tiles of the gallery; without one, the places that were looked at closely."""
        if self.retriever is not None:
            gallery = self.retriever.gallery
            provenance = provenance_of(gallery, self.params.clip.name)
            return candidates_table(gallery, self._retrieved, self.grid.scene, provenance)
        rows = [
            {"frame": item.frame, "time_s": item.time_s, "rank": item.rank, "score": item.candidate.peak}
            for item in located.considered
        ]
        shapes = [build.footprint(item.candidate.map_from_px, item.size) for item in located.considered]
        return build.build_table(schema.CANDIDATES, rows, shapes, self.grid, self.provenance)

    def _search_areas(self, located: Located) -> gpd.GeoDataFrame:
        found = [(p, area) for p in located.placements for area in located.areas.get(p.frame, [])]
        rows = [
            {"frame": p.frame, "time_s": p.time_s, "probability": a.probability, "area_km2": a.area_km2}
            for p, a in found
        ]
        return build.build_table(
            schema.SEARCH_AREA, rows, [area.polygon for _, area in found], self.grid, self.provenance
        )

    def finish(self, located: Located) -> LocalizeResult:
        """Log the run and sum it up."""
        alignment = self._alignment(located)
        if alignment is not None and alignment.is_notable:
            sentence = alignment.sentence()
            self.context.warn(f"{sentence[0].upper()}{sentence[1:]}.")
        result = self._result(located, alignment)
        run_row = build.runs_table(
            "localize",
            self.params.model_dump(mode="json"),
            self.grid,
            self.provenance,
            version=__version__,
            seconds=result.seconds,
            device="cpu",
            warnings=result.warnings,
        )
        append_layer(self.params.out, "runs", run_row)
        self.context.progress(100, 100, "Located", {"scene": str(self.params.out), "layers": LAYERS})
        return result

    def _alignment(self, located: Located) -> Alignment | None:
        """Lag and offset of the telemetry's positions, which had no say in the places."""
        if self.telemetry is None:
            return None
        told = [(p, self.telemetry.at(p.time_s, p.frame, p.file)) for p in located.placements]
        known = [(p, t.position) for p, t in told if t is not None and t.position is not None]
        both = [(p.camera.position, position) for p, position in known if p.camera is not None]
        if not both:
            return None
        metric = self.raster.info.metric_crs
        camera_m = np.array([from_lonlat(camera, metric) for camera, _ in both])
        if not self._moving:
            return offset_of_photos(
                camera_m, np.array([from_lonlat(position, metric) for _, position in both])
            )
        return align(
            np.array([p.time_s for p, _ in known if p.camera is not None]),
            camera_m,
            np.array([p.time_s for p, _ in known]),
            np.array([from_lonlat(position, metric) for _, position in known]),
        )

    def _result(self, located: Located, alignment: Alignment | None) -> LocalizeResult:
        counts = status_counts(located.placements)
        errors = [p.error_m for p in located.placements if p.error_m is not None]
        learned = located.calibration
        return LocalizeResult(
            scene=self.params.out,
            clip=self.params.clip.name,
            frames=len(located.placements),
            located=counts["located"],
            tracked=counts["tracked"],
            unlocated=counts["unlocated"],
            median_error_m=statistics.median(errors) if errors else None,
            telemetry=self.telemetry.dialect if self.telemetry else None,
            scale_correction=learned.scale if learned.is_known else None,
            yaw_correction_deg=learned.yaw_deg if learned.is_known else None,
            lag_s=alignment.lag_s if alignment else None,
            lag_sigma_s=alignment.lag_sigma_s if alignment else None,
            map_offset_east_m=alignment.east_m if alignment else None,
            map_offset_north_m=alignment.north_m if alignment else None,
            map_offset_sigma_m=alignment.offset_sigma_m if alignment else None,
            seconds=time.monotonic() - self.started,
            warnings=list(self.context.warnings),
        )


def _sampling(every_s: float | None, *, moving: bool) -> tuple[float | None, int]:
    """Seconds between visited frames, and of how many visited frames one is reported."""
    if every_s is None or not moving:
        return every_s, 1
    parts = max(1, math.ceil(every_s / MAX_STEP_S))
    return every_s / parts, parts


def _ranked_tiles(proposer: Proposer, located: Located) -> list[RankedTile]:
    """The proposed tiles of every keyframe that was looked up; there is one placement a visit."""
    return [
        RankedTile(seen.frame, seen.time_s, rank, hit.score, hit.tile)
        for visit in sorted(proposer.found)
        for seen in [located.placements[visit]]
        for rank, hit in enumerate(proposer.found[visit], 1)
    ]


def _thinned(located: Located, keep_every: int) -> Located:
    return replace(located, placements=located.placements[::keep_every])


def _check_prior(reference: Reference, prior: Prior | None) -> None:
    west, south, east, north = search_bounds(reference, prior)
    if west >= east or south >= north:
        raise UsageError(
            "The area given with --prior does not touch the satellite raster.",
            hint="Give longitude before latitude, in degrees, and the radius in metres.",
        )
