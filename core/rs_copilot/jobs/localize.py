"""Where every sampled frame of a clip lies on a satellite raster."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np

from rs_copilot import __version__
from rs_copilot.errors import BadInputError, CancelledError, UsageError
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.gallery import RankedTile, candidates_table, open_retriever, provenance_of
from rs_copilot.jobs.localize_live import LiveWriter
from rs_copilot.jobs.localize_params import LocalizeParams, LocalizeResult
from rs_copilot.jobs.localize_scene import SceneRows
from rs_copilot.jobs.telemetry import read_told
from rs_copilot.learned.matcher import open_matcher
from rs_copilot.localization.alignment import Alignment, align, offset_of_photos
from rs_copilot.localization.cameras import ElevationAt
from rs_copilot.localization.controls import read_controls
from rs_copilot.localization.pipeline import (
    Listener,
    Located,
    Options,
    Prior,
    considered_places,
    follow,
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
from rs_copilot.vector import build
from rs_copilot.vector.store import append_layer, ensure_scene
from rs_copilot.video.clip import Clip, open_clip, open_stream
from rs_copilot.video.telemetry import TelemetryTrack

__all__ = ["LocalizeParams", "LocalizeResult", "run"]

METHOD = "orientation-correlation"
# First placements reach the map at most this often; each write costs some milliseconds of disk.
PARTIAL_EVERY_S = 1.0
# Frames this far apart still overlap enough to be chained; wider sampling visits frames in between.
MAX_STEP_S = 0.25
LAYERS = ["frames", "footprints", "trajectory"]


def run(params: LocalizeParams, context: JobContext) -> LocalizeResult:
    """Locate a clip and write its frames, footprints and trajectory into the scene.

    Raises:
        BadInputError: the clip, raster, telemetry or scene cannot be used.
        UsageError: the prior lies outside the raster; control points for a stream.
        MissingDependencyError: a learned matcher was asked for, and its packages are not there.
        CancelledError: stopped; the frames placed so far are in the scene.
    """
    started = time.monotonic()
    if params.causal and params.control is not None:
        raise UsageError(
            "--control cannot be used with --causal: a stream has no frames yet that could be corrected.",
            hint="Localise the recorded clip without --causal.",
        )
    with ExitStack() as stack:
        clip = stack.enter_context((open_stream if params.causal else open_clip)(params.clip))
        raster = stack.enter_context(open_raster(params.satellite))
        retriever = (
            open_retriever(params.index, params.weights, context) if params.index is not None else None
        )
        matcher = None if params.matcher is None else open_matcher(params.matcher, context.device)
        ensure_scene(params.out, raster.info.crs)
        uses = params.use_telemetry is not TelemetryUse.NONE
        telemetry = read_told(Path(params.clip), params.telemetry, clip, context) if uses else None
        work = _Work(params, context, clip, raster, telemetry, started, retriever, matcher)
        located = work.follow() if params.causal else work.locate()
        for warning in clip.warnings:
            context.warn(warning)
        if not params.causal:
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
    first_fix: tuple[float, float] | None = None
    _lookup: Proposer | None = None
    _retrieved: list[RankedTile] = field(default_factory=list)
    _first: dict[int, Placement] = field(default_factory=dict)
    _last_partial: float = 0.0
    _percent: int = 0

    @cached_property
    def rows(self) -> SceneRows:
        """Where rows go, and what each of them says about its origin."""
        grid = build.Grid(self.raster.info.metric_crs, self.raster.info.crs)
        provenance = build.Provenance(clip=self.params.clip_name, method=METHOD)
        if self.matcher is not None:
            name, sha256 = self.matcher.name, self.matcher.sha256
            provenance = build.Provenance(self.params.clip_name, f"{METHOD}+matcher", name, sha256)
        return SceneRows(self.params.out, self.params.clip_path, grid, provenance)

    @cached_property
    def reference(self) -> Reference:
        """The map."""
        info = self.raster.info
        return Reference(self.raster.read, info.bounds_m, info.gsd_m, info.metric_crs)

    def options(self) -> Options:
        """How to localise.

        Raises:
            UsageError: the prior lies outside the raster.
        """
        controls = read_controls(self.params.control) if self.params.control else ()
        use, prior = self.params.use_telemetry, self._prior()
        _check_prior(self.reference, prior)
        self._lookup = self._proposer(self.reference)
        return Options(use, prior, self._elevation(), self._lookup, controls, self.matcher)

    def locate(self) -> Located:
        """Search, and keep what is found so far where the user stops it."""
        options = self.options()
        step_s, keep_every = sampling(self.params.every_s, moving=self.moving)
        try:
            located = locate(
                self.clip.frames(every_s=step_s),
                self.clip.info.frame_count,
                telemetry_reader(self._telemetry_at, options.use),
                self.reference,
                options,
                Listener(self._progress, self._show_first),
                moving=self.moving,
            )
        except CancelledError:
            self._write_first()
            raise
        for frame in located.unused_controls:
            self.context.warn(
                f"Frame {frame}: one control point does not place a frame that nothing else does."
            )
        seen = {number: (p.frame, p.time_s) for number, p in enumerate(located.placements)}
        self._retrieved = self._ranked_tiles(seen)
        return _thinned(located, keep_every)

    def follow(self) -> Located:
        """Place frames as they come; their rows are in the scene already."""
        options = self.options()
        step_s, keep_every = sampling(self.params.every_s, moving=self.moving)
        live = follow(
            telemetry_reader(self._telemetry_at, options.use), self.reference, options, moving=self.moving
        )
        writer = LiveWriter(self.rows, self.context, self.started)
        writer.follow(live, self.clip.frames(every_s=step_s), keep_every)
        self.first_fix = writer.first_fix
        visits = live.recorder.recording.visits
        self._retrieved = self._ranked_tiles({n: (v.index, v.time_s) for n, v in enumerate(visits)})
        considered = considered_places(live.recorder.recording, live.solver.candidates)
        located = Located(writer.placements, considered, live.solver.calibration)
        self.rows.append({"candidates": self.candidates(located)})
        return located

    def _ranked_tiles(self, seen: Mapping[int, tuple[int, float]]) -> list[RankedTile]:
        """The proposed tiles of every keyframe that was looked up; ``seen`` is frame and time by visit."""
        found = {} if self._lookup is None else self._lookup.found
        return [
            RankedTile(*seen[visit], rank, hit.score, hit.tile)
            for visit in sorted(found)
            for rank, hit in enumerate(found[visit], 1)
        ]

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
    def moving(self) -> bool:
        """Whether neighbouring frames overlap."""
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
        if self.first_fix is None:
            self.first_fix = placements[0].time_s, time.monotonic() - self.started
        self._first.update({p.frame: p for p in placements})
        if time.monotonic() - self._last_partial < PARTIAL_EVERY_S:
            return
        self._write_first()
        self._last_partial = time.monotonic()
        partial = {"scene": str(self.params.out), "layers": LAYERS}
        self.context.progress(self._percent, 100, "First frames are on the map", partial)

    def _write_first(self) -> None:
        if self._first:
            self.rows.replace(self.rows.places([self._first[frame] for frame in sorted(self._first)]))

    def write(self, located: Located) -> None:
        """Replace this clip's rows by the final ones, and log the run."""
        areas = [(p, area) for p in located.placements for area in located.areas.get(p.frame, [])]
        tables = self.rows.places(located.placements)
        tables["candidates"] = self.candidates(located)
        tables["search_area"] = self.rows.search_areas(areas)
        self.rows.replace(tables)

    def candidates(self, located: Located) -> gpd.GeoDataFrame:
        """Tiles of the gallery; without one, the places that were looked at closely."""
        if self.retriever is None:
            return self.rows.considered(located.considered)
        gallery = self.retriever.gallery
        provenance = provenance_of(gallery, self.params.clip_name)
        return candidates_table(gallery, self._retrieved, self.rows.grid.scene, provenance)

    def finish(self, located: Located) -> LocalizeResult:
        """Log the run and sum it up."""
        alignment = self._alignment(located)
        if alignment is not None and alignment.is_notable:
            sentence = alignment.sentence()
            self.context.warn(f"{sentence[0].upper()}{sentence[1:]}.")
        result = self._result(located, alignment)
        run_row = build.runs_table(
            "localize",
            self.params.model_dump(mode="json") | {"clip": self.params.clip_path},
            self.rows.grid,
            self.rows.provenance,
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
        if not self.moving:
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
            clip=self.params.clip_name,
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
            first_fix_clip_s=self.first_fix[0] if self.first_fix else None,
            first_fix_wall_s=self.first_fix[1] if self.first_fix else None,
            seconds=time.monotonic() - self.started,
            warnings=list(self.context.warnings),
        )


def sampling(every_s: float | None, *, moving: bool) -> tuple[float | None, int]:
    """Seconds between visited frames, and of how many visited frames one is reported."""
    if every_s is None or not moving:
        return every_s, 1
    parts = max(1, math.ceil(every_s / MAX_STEP_S))
    return every_s / parts, parts


def _thinned(located: Located, keep_every: int) -> Located:
    return replace(located, placements=located.placements[::keep_every])


def _check_prior(reference: Reference, prior: Prior | None) -> None:
    west, south, east, north = search_bounds(reference, prior)
    if west >= east or south >= north:
        raise UsageError(
            "The area given with --prior does not touch the satellite raster.",
            hint="Give longitude before latitude, in degrees, and the radius in metres.",
        )
