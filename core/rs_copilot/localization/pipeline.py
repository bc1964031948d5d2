"""The whole chain for one clip: visit every frame, search, choose, adjust, and say how sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rs_copilot.geo.crs import convergence_deg, from_lonlat
from rs_copilot.localization import placements as placing
from rs_copilot.localization.assumptions import Assumptions, Calibration
from rs_copilot.localization.cameras import CameraFinder, ElevationAt
from rs_copilot.localization.controls import Control, seeds_of, with_controls
from rs_copilot.localization.field_look import FieldMap
from rs_copilot.localization.keyframes import Recorder, Recording, TelemetryAt, record
from rs_copilot.localization.live import LiveLocator
from rs_copilot.localization.matched import MatchedRegister
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.register import register
from rs_copilot.localization.relief_clip import ReliefClip
from rs_copilot.localization.relief_register import Terrain
from rs_copilot.localization.relief_search import ReliefSearch
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.search_area import SearchArea, areas_of
from rs_copilot.localization.solve import Propose, Report, Solver
from rs_copilot.localization.sweep import CoarseMap
from rs_copilot.matching.matcher import Matcher
from rs_copilot.retrieval.dense import open_dense
from rs_copilot.types import (
    Frame,
    FrameStatus,
    LonLat,
    Placement,
    SizeWH,
    Telemetry,
    TelemetryUse,
)

# Shares of the progress bar: one pass over the clip, then the map.
RECORD_SHARE = 40


@dataclass(frozen=True)
class Prior:
    """Where the clip was taken, roughly."""

    center: LonLat
    radius_m: float


@dataclass(frozen=True)
class Options:
    """How to localise: what telemetry may be used, where to look, and the terrain where it is known.

    ``elevation_at`` gives metres above sea level at ``(N, 2)`` map points, NaN where unknown; ``propose``
    where to look for a keyframe first; ``controls`` are points that a user gave, which are hard evidence;
    ``matcher`` helps to register the places that the search finds.
    """

    use: TelemetryUse = TelemetryUse.ALL
    prior: Prior | None = None
    elevation_at: ElevationAt | None = None
    propose: Propose | None = None
    controls: Sequence[Control] = ()
    matcher: Matcher | None = None


@dataclass(frozen=True)
class Considered:
    """One place that was considered for a keyframe, best first from rank 1."""

    frame: int
    time_s: float
    rank: int
    size: SizeWH
    candidate: Candidate


@dataclass(frozen=True)
class Located:
    """What localisation says about a clip.

    ``judged`` has, by frame, every place that was registered, with its evidence before the clip as a whole
    was heard; ``areas`` where unlocated frames may be; ``unused_controls`` frames whose control points were
    too few to place them.
    """

    placements: list[Placement]
    considered: list[Considered] = field(default_factory=list)
    calibration: Calibration = field(default_factory=Calibration)
    judged: dict[int, list[Fix]] = field(default_factory=dict)
    areas: dict[int, list[SearchArea]] = field(default_factory=dict)
    unused_controls: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Listener:
    """Who hears about progress (percent, text) and about first placements as they come."""

    progress: Callable[[int, str], None]
    first: Callable[[list[Placement]], None]


def locate(
    frames: Iterable[Frame],
    frame_count: int | None,
    telemetry_at: TelemetryAt,
    reference: Reference,
    options: Options,
    listener: Listener,
    *,
    moving: bool,
) -> Located:
    """Find where every frame lies.

    Args:
        frames: of one clip in time order.
        frame_count: how many there will be, for the progress bar.
        telemetry_at: what the aircraft said about a frame.
        reference: the map.
        options: see `Options`.
        listener: may raise from ``progress`` to stop.
        moving: whether neighbouring frames overlap (a video).
    """

    def visited(frame: Frame) -> None:
        share = min(1.0, (frame.index + 1) / frame_count) if frame_count else 0.5
        listener.progress(int(RECORD_SHARE * share), f"Reading the clip, {frame.time_s:.1f} s")

    recording = record(frames, telemetry_at, moving=moving, on_frame=visited)
    solver = _solver(
        recording,
        reference,
        options,
        report=lambda share, text: listener.progress(RECORD_SHARE + int((99 - RECORD_SHARE) * share), text),
        on_fix=lambda fix: listener.first(_preliminary(recording, fix)),
    )
    fixes = solver.solve()
    cameras = _cameras(solver, options)
    terrain = None if options.elevation_at is None else Terrain(reference, options.elevation_at)
    if terrain is not None:
        again = ReliefSearch(recording, terrain, solver.assumptions, cameras.attitude_prior, solver.bounds_m)
        fixes |= again.found_again(fixes, lambda: listener.progress(99, "Searching over the terrain"))
    found = placing.anchors(recording, fixes)
    anchors, unused = with_controls(recording, found, options.controls, reference.crs)
    kept = {anchor.visit for anchor in set(found) & set(anchors)}
    fixes = {key: fix for key, fix in fixes.items() if recording.keyframes[key].visit in kept}
    placed = [cameras.complete(number, p) for number, p in enumerate(placing.placements(recording, anchors))]
    if terrain is not None:
        placed = ReliefClip(recording, terrain, cameras.attitude_prior).improve(placed, fixes)
    judged = {
        recording.visits[recording.keyframes[key].visit].index: list(found)
        for key, found in solver.judged.items()
    }
    areas = areas_of(recording, solver.judged, placed, reference.bounds_m)
    considered = considered_places(recording, solver.candidates)
    return Located(placed, considered, solver.calibration, judged, areas, unused)


def follow(telemetry_at: TelemetryAt, reference: Reference, options: Options, *, moving: bool) -> LiveLocator:
    """What places a clip frame by frame as it comes; see `LiveLocator`. Control points are not used.

    Args:
        telemetry_at: what the aircraft said about a frame.
        reference: the map.
        options: see `Options`.
        moving: whether neighbouring frames overlap (a video).
    """
    recorder = Recorder(telemetry_at, moving=moving)
    solver = _solver(recorder.recording, reference, options, report=lambda *_: None, on_fix=lambda _: None)
    cameras = _cameras(solver, options)
    relief = None
    if options.elevation_at is not None:
        terrain = Terrain(reference, options.elevation_at)
        relief = ReliefClip(recorder.recording, terrain, cameras.attitude_prior)
    return LiveLocator(recorder, solver, cameras, relief, moving)


def _solver(
    recording: Recording,
    reference: Reference,
    options: Options,
    *,
    report: Report,
    on_fix: Callable[[Fix], None],
) -> Solver:
    """What searches the map for a recording, begun or finished."""
    dense = open_dense()
    return Solver(
        recording=recording,
        coarse=CoarseMap(reference),
        assumptions=_assumptions(reference, options),
        bounds_m=search_bounds(reference, options.prior),
        use_position=options.use is TelemetryUse.ALL,
        report=report,
        on_fix=on_fix,
        propose=options.propose,
        verify=register if options.matcher is None else MatchedRegister(options.matcher),
        fields=None if dense is None else FieldMap(reference, dense),
        known=seeds_of(recording, options.controls, reference.crs),
    )


def _cameras(solver: Solver, options: Options) -> CameraFinder:
    return CameraFinder(
        solver.recording,
        solver.coarse.reference,
        solver.assumptions,
        solver.calibration,
        options.use,
        options.elevation_at,
    )


def search_bounds(reference: Reference, prior: Prior | None) -> Bounds:
    """The part of the map to search, west, south, east, north in metres."""
    if prior is None:
        return reference.bounds_m
    x, y = from_lonlat(prior.center, reference.crs)
    west, south, east, north = reference.bounds_m
    radius = prior.radius_m
    return max(west, x - radius), max(south, y - radius), min(east, x + radius), min(north, y + radius)


def _assumptions(reference: Reference, options: Options) -> Assumptions:
    west, south, east, north = reference.bounds_m
    center = np.array([(west + east) / 2, (south + north) / 2])
    ground = None
    if options.elevation_at is not None:
        axis_x, axis_y = np.linspace(west, east, 16), np.linspace(south, north, 16)
        heights = options.elevation_at(np.stack(np.meshgrid(axis_x, axis_y), axis=-1).reshape(-1, 2))
        ground = float(np.nanmedian(heights)) if np.isfinite(heights).any() else None
    return Assumptions(options.use, convergence_deg(center, reference.crs), reference.size_m, ground)


def _preliminary(recording: Recording, fix: Fix) -> list[Placement]:
    """A fix as it is found, before the clip is adjusted as a whole."""
    keyframe = recording.keyframes[fix.key]
    anchor = placing.anchors(recording, {fix.key: fix})
    return [placing.place_visit(recording, keyframe.visit, anchor)]


def considered_places(recording: Recording, candidates: dict[int, list[Candidate]]) -> list[Considered]:
    """All places that were considered for keyframes, in order."""
    return [
        Considered(visit.index, visit.time_s, rank, visit.size, candidate)
        for key in sorted(candidates)
        for visit in [recording.visits[recording.keyframes[key].visit]]
        for rank, candidate in enumerate(candidates[key], start=1)
    ]


def telemetry_reader(samples: Callable[[Frame], Telemetry | None], use: TelemetryUse) -> TelemetryAt:
    """What localisation may know: nothing, everything but the position, or everything."""

    def at(frame: Frame) -> Telemetry | None:
        if use is TelemetryUse.NONE:
            return None
        found = samples(frame)
        if found is None or use is TelemetryUse.ALL:
            return found
        return replace(found, position=None)

    return at


def status_counts(placed: Sequence[Placement]) -> dict[str, int]:
    """How many frames have each status."""
    return {status.value: sum(p.status is status for p in placed) for status in FrameStatus}
