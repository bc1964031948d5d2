"""How well moving objects were tracked on the ground, measured against truth. Pure.

Truth and result are matched moment by moment by distance, one to one (Bernardin and Stiefelhagen,
"Evaluating multiple object tracking performance: the CLEAR MOT metrics", 2008, with distance for overlap):
on the ground, or in the picture where there are boxes, which tells errors of tracking from errors of
placement (a car on a bridge lies metres off on flat ground). An object counts as tracked when one track,
the one that covers it longest, holds it for at least half of the time that counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from rs_copilot.errors import MissingDependencyError
from rs_copilot.geo.paths import places_at
from rs_copilot.types import BoolArray, FloatArray

MATCH_RADIUS_M = 5.0
MIN_VISIBLE_S = 3.0
MIN_COVERED_SHARE = 0.5
_HINT = "Install it with: pip install 'rs-copilot[eval]'"


@dataclass(frozen=True)
class Moving:
    """One object over time: ``(N,)`` times in rising order, ``(N, 2)`` positions in metres (or pixels).

    ``counts`` ``(N,)`` marks the moments at which it should have been found (visible and moving); moments
    that do not count are neither asked for nor held against a track that follows the object there.
    ``reach`` is the distance within which something is this object, where it differs from the usual.
    """

    id: int
    label: str
    times_s: FloatArray
    points_m: FloatArray
    counts: BoolArray
    reach: float | None = None

    def __post_init__(self) -> None:
        count = len(self.times_s)
        if self.points_m.shape != (count, 2) or self.counts.shape != (count,):
            raise ValueError(
                f"expected {count} points and flags, found {self.points_m.shape}, {self.counts.shape}"
            )

    def at(self, times_s: FloatArray) -> FloatArray:
        """Positions between the known ones, ``(len(times_s), 2)``, NaN outside the object's time."""
        inside = (times_s >= self.times_s[0] - 1e-6) & (times_s <= self.times_s[-1] + 1e-6)
        points = places_at(times_s, self.times_s, self.points_m)
        points[~inside] = np.nan
        return points

    def mean_speed_mps(self, start_s: float, end_s: float) -> float:
        """Length of the path between two times over its duration."""
        inner = self.times_s[(self.times_s > start_s) & (self.times_s < end_s)]
        points = self.at(np.concatenate([[start_s], inner, [end_s]]))
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum() / (end_s - start_s))


@dataclass(frozen=True)
class MotScore:
    """What `score_tracks` found; shares are of ``wanted``, the objects that should be tracked.

    ``speed_errors`` and ``distances_m`` hold one value per tracked object: relative error of its mean speed,
    and its median distance on the ground from its track.
    """

    wanted: int
    tracked: int
    tracks: int
    false_tracks: int
    speed_errors: tuple[float, ...]
    distances_m: tuple[float, ...] = ()

    @property
    def tracked_share(self) -> float:
        """Share of the wanted objects that were tracked; NaN where none was wanted."""
        return self.tracked / self.wanted if self.wanted else float("nan")

    @property
    def median_speed_error(self) -> float:
        """Median relative error of the mean speed of tracked objects; NaN where there is none."""
        return float(np.median(self.speed_errors)) if self.speed_errors else float("nan")

    @property
    def median_distance_m(self) -> float:
        """Median distance on the ground between tracked objects and their tracks; NaN where there is none."""
        return float(np.median(self.distances_m)) if self.distances_m else float("nan")


def score_tracks(
    truth: Sequence[Moving],
    tracks: Sequence[Moving],
    *,
    labels: frozenset[str] | None = None,
    seen: tuple[Sequence[Moving], Sequence[Moving]] | None = None,
    radius_m: float = MATCH_RADIUS_M,
    min_visible_s: float = MIN_VISIBLE_S,
) -> MotScore:
    """Share of objects tracked, tracks on nothing, and error of speed.

    Args:
        truth: every object, with the moments that count.
        tracks: the result.
        labels: of the objects that are wanted; all where ``None``. Others are matched but not counted.
        seen: the same objects and tracks in the picture, in the same order; matching is done there.
        radius_m: greatest distance of a match where an object has no reach of its own.
        min_visible_s: how long an object must count to be wanted.
    """
    times = _times(truth)
    pairs = match(*(seen or (truth, tracks)), times, radius_m)
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    wanted: int = 0
    errors: list[float] = []
    distances: list[float] = []
    for i, item in enumerate(truth):
        counted = [k for k, t in enumerate(times) if _counts(item, t)]
        if (labels is not None and item.label not in labels) or len(counted) * step_s < min_visible_s - 1e-6:
            continue
        wanted += 1
        found = Counter(pairs[k][i] for k in counted if i in pairs[k])
        if not found or found.most_common(1)[0][1] < MIN_COVERED_SHARE * len(counted):
            continue
        best = found.most_common(1)[0][0]
        moments = [times[k] for k in counted if pairs[k].get(i) == best]
        errors.append(_speed_error(item, tracks[best], moments))
        distances.append(_distance_m(item, tracks[best], np.array(moments)))
    held = Counter(j for pair in pairs for j in pair.values())
    alive = [int(np.isfinite(track.at(times)[:, 0]).sum()) for track in tracks]
    false = sum(held[j] < MIN_COVERED_SHARE * max(count, 1) for j, count in enumerate(alive))
    return MotScore(wanted, len(errors), len(tracks), false, tuple(errors), tuple(distances))


def _speed_error(item: Moving, track: Moving, moments: Sequence[float]) -> float:
    """Relative error of the mean speed between the first and the last common moment."""
    true_mps = item.mean_speed_mps(moments[0], moments[-1])
    return abs(track.mean_speed_mps(moments[0], moments[-1]) - true_mps) / max(true_mps, 0.1)


def _distance_m(item: Moving, track: Moving, moments: FloatArray) -> float:
    return float(np.median(np.linalg.norm(item.at(moments) - track.at(moments), axis=1)))


def _times(truth: Sequence[Moving]) -> FloatArray:
    every = [item.times_s for item in truth]
    return np.unique(np.concatenate(every).round(6)) if every else np.empty(0)


def _counts(item: Moving, time_s: float) -> bool:
    k = int(np.argmin(np.abs(item.times_s - time_s)))
    return bool(abs(item.times_s[k] - time_s) < 1e-4 and item.counts[k])


def match(
    truth: Sequence[Moving], tracks: Sequence[Moving], times_s: FloatArray, radius_m: float
) -> list[dict[int, int]]:
    """For every time a mapping from index in ``truth`` to index in ``tracks``, least distance in sum.

    A pair that matched a moment before stays together as long as it may (as in CLEAR MOT): otherwise
    objects that pass each other would swap.
    """
    true_m = np.array([item.at(times_s) for item in truth]).reshape(len(truth), len(times_s), 2)
    found_m = np.array([item.at(times_s) for item in tracks]).reshape(len(tracks), len(times_s), 2)
    reach = np.array([radius_m if item.reach is None else item.reach for item in truth]).reshape(-1, 1)
    result: list[dict[int, int]] = []
    before: Mapping[int, int] = {}
    for k in range(len(times_s)):
        distance = np.linalg.norm(true_m[:, None, k] - found_m[None, :, k], axis=2)
        cost = np.where(np.isnan(distance) | (distance > reach), 1e6, distance / reach)
        for i, j in before.items():
            if cost[i, j] < 1e6:
                cost[i, j] -= 1.0
        rows, columns = linear_sum_assignment(cost)
        before = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if cost[i, j] < 1e6}
        result.append(dict(before))
    return result


def clear_mot(
    truth: Sequence[Moving], tracks: Sequence[Moving], *, radius_m: float = MATCH_RADIUS_M
) -> dict[str, float]:
    """MOTA, IDF1, precision, recall and identity switches by `motmetrics`, over the moments that count.

    Raises:
        MissingDependencyError: motmetrics is not installed.
    """
    try:
        import motmetrics
    except ModuleNotFoundError as error:
        raise MissingDependencyError("tracking scores need the package motmetrics", hint=_HINT) from error
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for wanted, here, distances in moments(truth, tracks, radius_m):
        accumulator.update(wanted, here, distances)
    names = ["mota", "idf1", "precision", "recall", "num_switches"]
    table = motmetrics.metrics.create().compute(accumulator, metrics=names, name="all")
    return {name: float(table[name].iloc[0]) for name in names}


def moments(
    truth: Sequence[Moving], tracks: Sequence[Moving], radius_m: float
) -> Iterator[tuple[list[int], list[int], FloatArray]]:
    """For every time the objects that count, the tracks that are held to account, and their distances as
    shares of the reach, ``(len(objects), len(tracks))``, NaN beyond it.
    """
    times = _times(truth)
    for k, pair in enumerate(match(truth, tracks, times, radius_m)):
        idle = {i for i, item in enumerate(truth) if not _counts(item, times[k])}
        ignored = {pair[i] for i in idle if i in pair}
        wanted = [i for i in range(len(truth)) if i not in idle]
        here = [
            j for j, t in enumerate(tracks) if j not in ignored and np.isfinite(t.at(times[k : k + 1])[0, 0])
        ]
        yield wanted, here, _distances(truth, tracks, wanted, here, times[k], radius_m)


def _distances(
    truth: Sequence[Moving],
    tracks: Sequence[Moving],
    wanted: Sequence[int],
    here: Sequence[int],
    time_s: float,
    radius_m: float,
) -> FloatArray:
    at = np.array([time_s])
    result = np.full((len(wanted), len(here)), np.nan)
    for row, i in enumerate(wanted):
        for column, j in enumerate(here):
            distance = float(np.linalg.norm(truth[i].at(at)[0] - tracks[j].at(at)[0]))
            reach = truth[i].reach
            limit = radius_m if reach is None else reach
            result[row, column] = distance / limit if distance <= limit else np.nan
    return result
