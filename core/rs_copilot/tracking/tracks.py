"""From blobs to tracks on the ground: positions, speeds, and which of them really move. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.paths import places_at
from rs_copilot.tracking.associate import DEFAULT_TRACKER, Path, Tracker, TrackerSettings
from rs_copilot.tracking.motion import DEFAULT_MOTION, Blobs, MotionSettings
from rs_copilot.tracking.relief import Sight
from rs_copilot.types import BoolArray, FloatArray

# Ground farther than this many times the distance of the image centre is left out: see vector.build.
MAX_RELATIVE_DISTANCE = 4.0


@dataclass(frozen=True)
class TrackSettings:
    """When a path counts as a moving object; metres and seconds."""

    min_duration_s: float = 1.0
    min_hits: int = 5
    min_firm_hits: int = 3
    min_hit_share: float = 0.35
    min_extent_m: float = 3.0
    min_extent_per_noise: float = 4.0
    min_extent_per_length: float = 1.5
    min_straightness: float = 0.45
    leg_s: float = 2.0
    min_speed_mps: float = 0.7
    smoothing_s: float = 0.5
    max_stitch_gap_s: float = 2.5
    max_stitch_error_m: float = 4.0
    min_compactness: float = 0.2
    small_area_m2: float = 2.2
    small_max_speed_mps: float = 4.0
    small_min_duration_s: float = 2.5
    small_min_straightness: float = 0.8
    parallax_share: float = 0.3
    parallax_angle_deg: float = 35.0


DEFAULT_TRACKS = TrackSettings()


@dataclass(frozen=True)
class GroundBlobs:
    """Blobs of one frame on the ground; rows as in ``blobs``.

    ``points_m`` ``(N, 2)`` centres, ``noise_m``, ``area_m2`` and ``length_m`` ``(N,)``.
    """

    blobs: Blobs
    points_m: FloatArray
    noise_m: FloatArray
    area_m2: FloatArray
    length_m: FloatArray

    def chosen(self, mask: BoolArray) -> GroundBlobs:
        """The rows where ``mask`` is true."""
        return GroundBlobs(
            self.blobs.chosen(mask),
            self.points_m[mask],
            self.noise_m[mask],
            self.area_m2[mask],
            self.length_m[mask],
        )


@dataclass(frozen=True)
class GroundTrack:
    """One moving object: ``(N,)`` times, ``(N, 2)`` smoothed positions in map metres, ``(N, 2)`` velocities.

    ``frames`` and ``blobs`` say which detection each point came from; ``noise_m`` is the scatter of the
    detections about the path.
    """

    id: int
    frames: tuple[int, ...]
    blobs: tuple[int, ...]
    times_s: FloatArray
    points_m: FloatArray
    velocities_mps: FloatArray
    length_m: float
    area_m2: float
    noise_m: float

    @property
    def speeds_mps(self) -> FloatArray:
        """Smoothed speed at every point, shape (N,)."""
        return np.asarray(np.linalg.norm(self.velocities_mps, axis=1), dtype=np.float64)

    @property
    def path_m(self) -> float:
        """Length of the smoothed path."""
        return float(np.linalg.norm(np.diff(self.points_m, axis=0), axis=1).sum())

    @property
    def extent_m(self) -> float:
        """Greatest distance from where it was first seen."""
        return float(np.linalg.norm(self.points_m - self.points_m[0], axis=1).max())

    def legs(self, every_s: float) -> tuple[FloatArray, FloatArray]:
        """The path in equal parts of about so many seconds: their times (K + 1,) and places (K + 1, 2)."""
        count = max(1, round(self.duration_s / every_s))
        times = np.linspace(self.times_s[0], self.times_s[-1], count + 1)
        return times, places_at(times, self.times_s, self.points_m)

    @property
    def duration_s(self) -> float:
        """From the first to the last detection."""
        return float(self.times_s[-1] - self.times_s[0])


def to_ground(
    blobs: Blobs,
    map_from_px: FloatArray | None,
    settings: MotionSettings = DEFAULT_MOTION,
    *,
    sight: Sight | None = None,
) -> GroundBlobs:
    """Blobs on the ground; those too far off, too small or too large in metres are dropped.

    With a ``sight`` they lie on the terrain, else on the plane of the homography.
    """
    if map_from_px is None or len(blobs) == 0:
        none = np.empty(0)
        return GroundBlobs(Blobs.empty(), np.empty((0, 2)), none, none, none)
    points = hg.apply(map_from_px, blobs.centers_px)
    if sight is not None:
        points = sight.onto_terrain(points)
    stretch = np.array([_stretch(map_from_px, center) for center in blobs.centers_px])
    w = blobs.centers_px @ map_from_px[2, :2] + map_from_px[2, 2]
    side_px = blobs.boxes_px[:, 2:] - blobs.boxes_px[:, :2]
    found = GroundBlobs(
        blobs,
        points,
        # Centres wander by about a pixel and a half along the longer ground axis of a pixel.
        np.maximum(0.4, 1.5 * stretch[:, 1]),
        blobs.area_px * stretch[:, 0] * stretch[:, 1],
        side_px.max(axis=1) * np.sqrt(stretch[:, 0] * stretch[:, 1]),
    )
    good = (
        (w > 1.0 / MAX_RELATIVE_DISTANCE)
        & ~np.isnan(points).any(axis=1)
        & (found.area_m2 >= settings.min_area_m2)
        & (found.area_m2 <= settings.max_area_m2)
        & (found.length_m <= settings.max_length_m)
    )
    return found.chosen(good)


def _stretch(map_from_px: FloatArray, point_px: FloatArray) -> FloatArray:
    """Shorter and longer ground size of a pixel in metres, shape (2,)."""
    values = np.linalg.svd(hg.jacobian(map_from_px, point_px), compute_uv=False)
    return np.asarray(values[::-1], dtype=np.float64)


def follow(
    grounds: Sequence[GroundBlobs], times_s: Sequence[float], settings: TrackerSettings = DEFAULT_TRACKER
) -> list[Path]:
    """Run the tracker over all frames."""
    tracker = Tracker(settings)
    for i, (ground, time_s) in enumerate(zip(grounds, times_s, strict=True)):
        tracker.step(i, time_s, ground.points_m, ground.noise_m)
    return tracker.paths


def ground_tracks(
    grounds: Sequence[GroundBlobs],
    times_s: Sequence[float],
    camera_m: FloatArray | None = None,
    *,
    firm: BoolArray | None = None,
    settings: TrackSettings = DEFAULT_TRACKS,
    tracker: TrackerSettings = DEFAULT_TRACKER,
) -> list[GroundTrack]:
    """All objects that really move, with smoothed positions and speeds; ids from 1 without gaps.

    Args:
        grounds: detections of every frame.
        times_s: of every frame.
        camera_m: ``(len(times_s), 2)`` ground position of the camera, NaN where unknown; tells the
            apparent motion of roofs and tree tops from real motion.
        firm: ``(len(times_s),)``, frames that can vouch for a track; all where ``None``.
        settings: what counts as moving.
        tracker: association.
    """
    paths = follow(grounds, times_s, tracker)
    tracks = [_smoothed(path, grounds, settings) for path in paths if len(path.frames) >= 3]
    tracks = stitch(tracks, settings)
    frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.1
    moving = [track for track in tracks if is_moving(track, frame_s, settings)]
    if firm is not None:
        moving = [t for t in moving if int(firm[list(t.frames)].sum()) >= settings.min_firm_hits]
    if camera_m is not None:
        moving = [track for track in moving if not looks_like_parallax(track, camera_m, times_s, settings)]
    return [replace(track, id=i) for i, track in enumerate(moving, start=1)]


def _smoothed(path: Path, grounds: Sequence[GroundBlobs], settings: TrackSettings) -> GroundTrack:
    rows = list(zip(path.frames, path.blobs, strict=True))
    raw = np.array([grounds[f].points_m[b] for f, b in rows])
    times = np.array(path.times_s)
    points, velocities = local_lines(times, raw, settings.smoothing_s)
    return GroundTrack(
        id=path.id,
        frames=tuple(path.frames),
        blobs=tuple(path.blobs),
        times_s=times,
        points_m=points,
        velocities_mps=velocities,
        length_m=float(np.median([grounds[f].length_m[b] for f, b in rows])),
        area_m2=float(np.median([grounds[f].area_m2[b] for f, b in rows])),
        noise_m=float(np.median(np.linalg.norm(raw - points, axis=1))),
    )


def local_lines(times_s: FloatArray, points: FloatArray, reach_s: float) -> tuple[FloatArray, FloatArray]:
    """Position and velocity at every time from a robust line through the points around it.

    Locally weighted regression with tricube weights and one bisquare round against outliers (Cleveland
    1979). The reach grows where fewer than four points lie in it.

    Args:
        times_s: ``(N,)``, rising.
        points: ``(N, 2)`` metres.
        reach_s: half width of the window.
    """
    positions, velocities = np.empty_like(points), np.zeros_like(points)
    for i, at in enumerate(times_s):
        distance = np.abs(times_s - at)
        reach = max(reach_s, np.sort(distance)[min(4, len(distance) - 1)] * 1.01, 1e-6)
        near = distance < reach
        weights = (1.0 - (distance[near] / reach) ** 3) ** 3
        fit = _line(times_s[near] - at, points[near], weights)
        residual = np.linalg.norm(points[near] - fit[0] - np.outer(times_s[near] - at, fit[1]), axis=1)
        limit = 6.0 * max(float(np.median(residual)), 1e-3)
        robust = np.clip(1.0 - (residual / limit) ** 2, 0.0, 1.0) ** 2
        positions[i], velocities[i] = _line(times_s[near] - at, points[near], weights * robust)
    return positions, velocities


def _line(offsets_s: FloatArray, points: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted least-squares value and slope at offset 0, shape (2, 2)."""
    total = float(weights.sum())
    mean_t, mean = float(weights @ offsets_s) / total, weights @ points / total
    centred = offsets_s - mean_t
    spread = float(weights @ centred**2)
    slope = (weights * centred) @ (points - mean) / spread if spread > 1e-9 else np.zeros(2)
    return np.stack([mean - slope * mean_t, slope])


def stitch(tracks: Sequence[GroundTrack], settings: TrackSettings = DEFAULT_TRACKS) -> list[GroundTrack]:
    """Join tracks that continue each other: behind a tree, or after two objects had merged into one."""
    waiting = sorted(tracks, key=lambda track: float(track.times_s[0]))
    joined: list[GroundTrack] = []
    for track in waiting:
        costs = [_stitch_error_m(earlier, track, settings) for earlier in joined]
        best = int(np.argmin(costs)) if costs else -1
        if best >= 0 and costs[best] <= settings.max_stitch_error_m:
            joined[best] = _concatenated(joined[best], track)
        else:
            joined.append(track)
    return joined


def _stitch_error_m(earlier: GroundTrack, later: GroundTrack, settings: TrackSettings) -> float:
    """How far two tracks are from being one, in metres; infinite where they cannot be."""
    gap = float(later.times_s[0] - earlier.times_s[-1])
    if not 0.0 < gap <= settings.max_stitch_gap_s:
        return float("inf")
    before, after = earlier.velocities_mps[-1], later.velocities_mps[0]
    if float(np.linalg.norm(before - after)) > 3.0 + 0.3 * float(np.linalg.norm(before)):
        return float("inf")
    expected = earlier.points_m[-1] + gap * 0.5 * (before + after)
    return float(np.linalg.norm(later.points_m[0] - expected))


def _concatenated(a: GroundTrack, b: GroundTrack) -> GroundTrack:
    weight = len(a.frames) / (len(a.frames) + len(b.frames))
    return GroundTrack(
        id=a.id,
        frames=a.frames + b.frames,
        blobs=a.blobs + b.blobs,
        times_s=np.concatenate([a.times_s, b.times_s]),
        points_m=np.concatenate([a.points_m, b.points_m]),
        velocities_mps=np.concatenate([a.velocities_mps, b.velocities_mps]),
        length_m=weight * a.length_m + (1 - weight) * b.length_m,
        area_m2=weight * a.area_m2 + (1 - weight) * b.area_m2,
        noise_m=weight * a.noise_m + (1 - weight) * b.noise_m,
    )


def is_moving(track: GroundTrack, frame_s: float, settings: TrackSettings = DEFAULT_TRACKS) -> bool:
    """Whether a path is that of something that goes somewhere, not of a swaying tree or a flicker."""
    if len(track.frames) < settings.min_hits or track.duration_s < settings.min_duration_s:
        return False
    if track.area_m2 < settings.small_area_m2 and not _is_small_but_sure(track, settings):
        return False
    # What goes no farther than it is long may be a part of something that comes into sight and goes.
    needed = max(
        settings.min_extent_m,
        settings.min_extent_per_noise * track.noise_m,
        settings.min_extent_per_length * track.length_m,
    )
    return (
        hit_share(track, frame_s) >= settings.min_hit_share
        and track.extent_m >= needed
        and _legs_m(track, settings) >= settings.min_straightness * track.path_m
        and track.path_m / track.duration_s >= settings.min_speed_mps
        and track.area_m2 >= settings.min_compactness * track.length_m**2
    )


def _legs_m(track: GroundTrack, settings: TrackSettings) -> float:
    """How far a track gets leg by leg: what turns a corner gets on, what sways does not."""
    return float(np.linalg.norm(np.diff(track.legs(settings.leg_s)[1], axis=0), axis=1).sum())


def _is_small_but_sure(track: GroundTrack, settings: TrackSettings) -> bool:
    """What is as small as a person must move like one for a while: windows and leaves flicker, too."""
    return (
        track.duration_s >= settings.small_min_duration_s
        and track.path_m / track.duration_s <= settings.small_max_speed_mps
        and _legs_m(track, settings) >= settings.small_min_straightness * track.path_m
    )


def looks_like_parallax(
    track: GroundTrack,
    camera_m: FloatArray,
    times_s: Sequence[float],
    settings: TrackSettings = DEFAULT_TRACKS,
) -> bool:
    """Whether the motion is that of something tall that stands still.

    Seen from height H, a point h above the ground that is taken for ground moves with -V h / (H - h)
    while the camera flies with V: straight against the flight, and slower by the share of its height. It does
    so most of the time: what turns a corner may do so between its ends, but not on the way.
    """
    known = ~np.isnan(camera_m).any(axis=1)
    seen = np.asarray(times_s)[known]
    if not len(seen) or seen[0] > track.times_s[-1] or seen[-1] < track.times_s[0]:
        return False
    whole, legs = (
        _moves_against(*track.legs(every_s), seen, camera_m[known], settings)
        for every_s in (np.inf, settings.leg_s)
    )
    return bool(whole.all() and legs.mean() >= 0.5)


def _moves_against(
    times: FloatArray, places: FloatArray, seen_s: FloatArray, camera_m: FloatArray, settings: TrackSettings
) -> BoolArray:
    """Of each leg of a path, whether it goes slowly against the flight (K,)."""
    camera = places_at(times, seen_s, camera_m)
    seconds = np.diff(times)[:, None]
    flight, apparent = np.diff(camera, axis=0) / seconds, np.diff(places, axis=0) / seconds
    flight_mps, apparent_mps = np.linalg.norm(flight, axis=1), np.linalg.norm(apparent, axis=1)
    cosine = -(flight * apparent).sum(axis=1) / np.maximum(flight_mps * apparent_mps, 1e-9)
    return np.asarray(
        (flight_mps >= 0.5)
        & (apparent_mps <= settings.parallax_share * flight_mps)
        & (cosine >= np.cos(np.radians(settings.parallax_angle_deg)))
    )


def hit_share(track: GroundTrack, frame_s: float) -> float:
    """In which share of the frames of its life the object was seen, at most 1."""
    return min(1.0, len(track.frames) * frame_s / (track.duration_s + frame_s))


def label_of(track: GroundTrack, gsd_m: float) -> str:
    """``vehicle``, ``person`` or ``unknown`` by size and speed alone.

    A person fills at most a metre and a half and walks or runs; that can be told only where a pixel is
    small against it.
    """
    speed = float(np.percentile(track.speeds_mps, 75))
    if track.length_m >= 2.5 or speed >= 5.0:
        return "vehicle"
    if track.length_m <= 1.6 and speed <= 3.5 and gsd_m <= 0.15:
        return "person"
    return "unknown"
