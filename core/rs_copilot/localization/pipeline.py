"""The whole chain for one clip: visit every frame, search, choose, adjust, and say how sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics
from rs_copilot.geo.crs import convergence_deg, from_lonlat, to_lonlat
from rs_copilot.localization import placements as placing
from rs_copilot.localization.assumptions import Assumptions, Calibration
from rs_copilot.localization.controls import Control, with_controls
from rs_copilot.localization.field_look import FieldMap
from rs_copilot.localization.keyframes import Recording, TelemetryAt, record
from rs_copilot.localization.matched import MatchedRegister
from rs_copilot.localization.path import Fix
from rs_copilot.localization.pose import camera_from_attitude, camera_from_homography, grid_px
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.register import register
from rs_copilot.localization.relief_clip import ReliefClip
from rs_copilot.localization.relief_pose import AttitudePrior
from rs_copilot.localization.relief_register import Terrain
from rs_copilot.localization.relief_search import ReliefSearch
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.search_area import SearchArea, areas_of
from rs_copilot.localization.solve import Propose, Solver
from rs_copilot.localization.sweep import CoarseMap
from rs_copilot.matching.matcher import Matcher
from rs_copilot.retrieval.dense import open_dense
from rs_copilot.types import (
    CameraPosition,
    FloatArray,
    Frame,
    FrameStatus,
    LonLat,
    Placement,
    SizeWH,
    Telemetry,
    TelemetryUse,
)

ElevationAt = Callable[[FloatArray], FloatArray]
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
    assumptions = _assumptions(reference, options)
    dense = open_dense()
    solver = Solver(
        recording=recording,
        coarse=CoarseMap(reference),
        assumptions=assumptions,
        bounds_m=search_bounds(reference, options.prior),
        use_position=options.use is TelemetryUse.ALL,
        report=lambda share, text: listener.progress(RECORD_SHARE + int((99 - RECORD_SHARE) * share), text),
        on_fix=lambda fix: listener.first(_preliminary(recording, fix)),
        propose=options.propose,
        verify=register if options.matcher is None else MatchedRegister(options.matcher),
        fields=None if dense is None else FieldMap(reference, dense),
    )
    fixes = solver.solve()
    cameras = _CameraFinder(recording, reference, assumptions, solver.calibration, options)
    terrain = None if options.elevation_at is None else Terrain(reference, options.elevation_at)
    if terrain is not None:
        again = ReliefSearch(recording, terrain, assumptions, cameras.attitude_prior, solver.bounds_m)
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
    considered = _considered(recording, solver.candidates)
    return Located(placed, considered, solver.calibration, judged, areas, unused)


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


def _considered(recording: Recording, candidates: dict[int, list[Candidate]]) -> list[Considered]:
    return [
        Considered(visit.index, visit.time_s, rank, visit.size, candidate)
        for key in sorted(candidates)
        for visit in [recording.visits[recording.keyframes[key].visit]]
        for rank, candidate in enumerate(candidates[key], start=1)
    ]


@dataclass(frozen=True)
class _CameraFinder:
    """Adds the camera's position to placements, where focal length and height allow."""

    recording: Recording
    reference: Reference
    assumptions: Assumptions
    calibration: Calibration
    options: Options

    def complete(self, number: int, placement: Placement) -> Placement:
        visit = self.recording.visits[number]
        if placement.status is FrameStatus.UNLOCATED or placement.map_from_px is None:
            return placement
        telemetry = visit.telemetry if self.options.use is not TelemetryUse.NONE else None
        if telemetry is None or telemetry.hfov_deg is None:
            return placement
        # The clip's scale against its barometer and focal length: taken as the focal length's error.
        intrinsics = Intrinsics.from_hfov(visit.size, telemetry.hfov_deg)
        ground = self._ground_z_m(placement.map_from_px, intrinsics)
        position = self._position(placement.map_from_px, intrinsics, telemetry, ground)
        if position is None:
            return placement
        lon, lat = to_lonlat(position[None, :2], self.reference.crs)[0]
        level = None if ground is None else float(ground.mean())
        msl = None if level is None else float(position[2])
        agl = float(position[2]) - (level or 0.0)
        camera = CameraPosition(LonLat(float(lon), float(lat)), agl, msl)
        return replace(placement, camera=camera)

    def attitude_prior(self, telemetry: Telemetry) -> AttitudePrior | None:
        """The camera's attitude in the map's grid, by gimbal and compass as far as the clip corrects them."""
        if telemetry.yaw_deg is None or telemetry.pitch_deg is None:
            return None
        yaw = telemetry.yaw_deg - self.assumptions.convergence_deg + self.calibration.yaw_deg
        return AttitudePrior(Attitude(yaw, telemetry.pitch_deg, telemetry.roll_deg or 0.0))

    def _ground_z_m(self, map_from_px: FloatArray, intrinsics: Intrinsics) -> FloatArray | None:
        if self.options.elevation_at is None:
            return None
        heights = self.options.elevation_at(hg.apply(map_from_px, grid_px(intrinsics)))
        return heights if np.isfinite(heights).all() else None

    def _position(
        self, map_from_px: FloatArray, intrinsics: Intrinsics, telemetry: Telemetry, ground: FloatArray | None
    ) -> FloatArray | None:
        prior = self.attitude_prior(telemetry)
        if prior is None:
            return camera_from_homography(map_from_px, intrinsics, ground)
        camera = camera_from_attitude(map_from_px, intrinsics, prior.attitude)
        if camera is None or ground is None:
            return camera
        return np.asarray(camera + np.array([0.0, 0.0, float(ground.mean())]))


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
