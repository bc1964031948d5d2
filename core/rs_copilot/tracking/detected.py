"""What a detector found in the frames of a placed clip, followed over the ground. Pure.

Detectors see what stands as well as what moves. Paths of what stands break where it is missed for a while, or
leaves the picture and comes back; they are put together by place: a parked car seen in 300 frames is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from rs_copilot.tracking.associate import Path, Tracker, TrackerSettings
from rs_copilot.tracking.tracks import GroundTrack, local_lines
from rs_copilot.types import FloatArray

# A detector misses more frames than it invents objects: two sightings in a row begin a track.
TRACKER = TrackerSettings(confirm_hits=2, max_new_gap_s=1.0)
SMOOTHING_S = 0.5
# What strays no farther than this from its middle stands: placements of frames differ by as much.
STANDS_WITHIN_M = 3.0
# Two that stand are one where their middles are closer than a share of their length, and no less than this.
SAME_SHARE, SAME_MIN_M = 0.4, 1.0


@dataclass(frozen=True)
class Sighting:
    """The objects of one frame on the ground.

    ``quads_m`` ``(N, 4, 2)`` in map metres, ``boxes_px`` ``(N, 4)`` x1, y1, x2, y2 in pixels of the frame,
    ``scores`` and ``labels`` ``(N,)``, ``noise_m`` ``(N,)`` how far a centre may be off.
    """

    frame: int
    time_s: float
    quads_m: FloatArray
    boxes_px: FloatArray
    scores: FloatArray
    labels: NDArray[np.integer]
    noise_m: FloatArray

    @property
    def points_m(self) -> FloatArray:
        """Centres. Shape (N, 2)."""
        return np.asarray(self.quads_m.mean(axis=1), dtype=np.float64)

    @property
    def lengths_m(self) -> FloatArray:
        """The longer side of each. Shape (N,)."""
        sides = np.linalg.norm(np.diff(self.quads_m[:, :3], axis=1), axis=2)
        return np.asarray(sides.max(axis=1, initial=0.0), dtype=np.float64)


@dataclass(frozen=True)
class Standing:
    """An object that stands: its track, class, and the middle ``(2,)`` of where it was seen."""

    track: int
    label: int
    middle_m: FloatArray


@dataclass(frozen=True)
class Followed:
    """Which track every object belongs to, 0 for none; tracks that move, with their labels; what stands."""

    ids: tuple[NDArray[np.int64], ...]
    moving: tuple[GroundTrack, ...]
    labels: tuple[int, ...]
    standing: tuple[Standing, ...]


def follow_detected(sightings: Sequence[Sighting], settings: TrackerSettings = TRACKER) -> Followed:
    """Follow the objects of each class; numbers of tracks start at 1.

    Args:
        sightings: in order of time.
        settings: how they are associated.
    """
    ids = tuple(np.zeros(len(item.scores), dtype=np.int64) for item in sightings)
    moving: list[GroundTrack] = []
    labels: list[int] = []
    standing: list[Standing] = []
    known = {int(label) for item in sightings for label in item.labels}
    for label in sorted(known):
        rows = [np.flatnonzero(item.labels == label) for item in sightings]
        for group in _same_objects(_paths(sightings, rows, settings)):
            number = len(moving) + len(standing) + 1
            for track in group:
                for frame, blob in zip(track.frames, track.blobs, strict=True):
                    ids[frame][rows[frame][blob]] = number
            if _stands(group[0]):
                standing.append(Standing(number, label, _middle(group[0])))
            else:
                moving.append(replace(group[0], id=number))
                labels.append(label)
    return Followed(ids, tuple(moving), tuple(labels), tuple(standing))


def same_places(
    ones: FloatArray, one_labels: Sequence[str], others: FloatArray, other_labels: Sequence[str]
) -> NDArray[np.int64]:
    """Which of the other standing objects each one is, -1 for none; no two are the same.

    Two flights are each placed to a metre or two, and so are the objects in them: all pairs are chosen
    together, so that a row of parked cars that is off by a metre stays a row.

    Args:
        ones: ``(N, 2)`` map metres.
        one_labels: their classes.
        others: ``(M, 2)``.
        other_labels: their classes.
    """
    found = np.full(len(ones), -1, dtype=np.int64)
    if not len(ones) or not len(others):
        return found
    far = np.linalg.norm(ones[:, None] - others[None], axis=2)
    far[np.array(one_labels)[:, None] != np.array(other_labels)[None]] = np.inf
    cost = np.where(far <= STANDS_WITHIN_M, far, 1e6)
    rows, columns = linear_sum_assignment(cost)
    good = cost[rows, columns] < 1e6
    found[rows[good]] = columns[good]
    return found


def _paths(
    sightings: Sequence[Sighting], rows: Sequence[NDArray[np.intp]], settings: TrackerSettings
) -> list[GroundTrack]:
    tracker = Tracker(settings)
    for position, (item, own) in enumerate(zip(sightings, rows, strict=True)):
        tracker.step(position, item.time_s, item.points_m[own], item.noise_m[own])
    return [_track(path, sightings, rows) for path in tracker.paths]


def _track(path: Path, sightings: Sequence[Sighting], rows: Sequence[NDArray[np.intp]]) -> GroundTrack:
    seen = [
        (sightings[frame], rows[frame][blob]) for frame, blob in zip(path.frames, path.blobs, strict=True)
    ]
    raw = np.array([item.points_m[row] for item, row in seen])
    times_s = np.array(path.times_s)
    points, velocities = local_lines(times_s, raw, SMOOTHING_S)
    lengths_m = np.array([item.lengths_m[row] for item, row in seen])
    return GroundTrack(
        id=path.id,
        frames=tuple(path.frames),
        blobs=tuple(path.blobs),
        times_s=times_s,
        points_m=points,
        velocities_mps=velocities,
        length_m=float(np.median(lengths_m)),
        area_m2=float(np.median(lengths_m) ** 2 / 2.0),
        noise_m=float(np.median(np.linalg.norm(raw - points, axis=1))),
    )


def _stands(track: GroundTrack) -> bool:
    return bool(np.linalg.norm(track.points_m - _middle(track), axis=1).max() <= STANDS_WITHIN_M)


def _middle(track: GroundTrack) -> FloatArray:
    return np.asarray(np.median(track.points_m, axis=0), dtype=np.float64)


def _same_objects(tracks: Sequence[GroundTrack]) -> list[list[GroundTrack]]:
    """Tracks of one object together, in order of their first sighting."""
    stands = [track for track in tracks if _stands(track)]
    groups = [[track] for track in tracks if not _stands(track)]
    if stands:
        groups += _by_place(stands)
    return sorted(groups, key=lambda group: group[0].id)


def _by_place(tracks: Sequence[GroundTrack]) -> list[list[GroundTrack]]:
    """The longest-seen first; what stands close to it is the same."""
    middles = np.array([_middle(track) for track in tracks])
    tree = cKDTree(middles)
    free = np.ones(len(tracks), dtype=np.bool_)
    groups = []
    for row in sorted(range(len(tracks)), key=lambda item: (-len(tracks[item].frames), tracks[item].id)):
        if not free[row]:
            continue
        near = tree.query_ball_point(middles[row], max(SAME_MIN_M, SAME_SHARE * tracks[row].length_m))
        members = sorted((item for item in near if free[item]), key=lambda item: tracks[item].id)
        free[members] = False
        groups.append([tracks[item] for item in members])
    return groups
