"""Tracks in pieces: the same vehicle, followed twice at a time, or lost and found again, counts once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.reasoning.columns import Columns
from rs_copilot.reasoning.leaps import without_leaps
from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.types import BoolArray, FloatArray

# How long something may be out of sight, and how far from where it was expected it may come back.
GAP_S = 4.0
MISS_M, MISS_SHARE = 3.0, 0.5
PACE_S = 1.0
# Motion is lost where it ends: so long something may have stood where it is found again.
STOOD_S, STOOD_M, SLOW_MPS = 30.0, 3.5, 4.0
# The front and the rear of a long vehicle move as one: so near to one another, most of the time, one behind
# the other; for so long, or so much of the shorter piece. What may be people is no vehicle's end.
TOGETHER_M, SMALL_M, MOSTLY_M, ASIDE_M = 6.5, 3.5, 9.0, 2.5
TOGETHER_S, TOGETHER_SHARE, LOOKS = 1.0, 0.6, 16
# Below this nothing can be said of a direction; what goes another way by more than 45 degrees is another.
WENT_M, SAME_WAY = 2.0, 0.7


Numbers: TypeAlias = NDArray[np.int64]
# What a tracker calls what it cannot tell.
UNKNOWN = "unknown"


def joined(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks with their pieces put together: first those of the same time, then, without what was caught by
    mistake, those one after another.
    """
    return _in_turn(without_leaps(_at_once(tracks)))


def _at_once(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks without what is a part of another at the same time: the longer one stands for both."""
    known = [number for number, track in enumerate(tracks) if track.path is not None]
    first, second = _alongside([tracks[number] for number in known])
    of = list(range(len(tracks)))
    for a, b in zip(first, second, strict=True):
        one, other = of[known[a]], of[known[b]]
        of = [one if number == other else number for number in of] if one != other else of
    groups: dict[int, list[Thing]] = {}
    for track, number in zip(tracks, of, strict=True):
        groups.setdefault(number, []).append(track)
    return [group[0] if len(group) == 1 else _merged(group) for group in groups.values()]


def _alongside(tracks: Sequence[Thing]) -> tuple[Numbers, Numbers]:
    """Numbers of tracks that are two ends of one vehicle, pair by pair."""
    columns = Columns([track.path for track in tracks if track.path is not None])
    spans = columns.spans_s.reshape(-1, 2)
    first, second = _of_one_time(spans)
    bounds = shapely.bounds(np.array([track.shape for track in tracks], dtype=object)).reshape(-1, 2, 2)
    near = (bounds[first, 0] <= bounds[second, 1] + MOSTLY_M) & (
        bounds[second, 0] <= bounds[first, 1] + MOSTLY_M
    )
    first, second = first[near.all(axis=1)], second[near.all(axis=1)]
    start = np.maximum(spans[first, 0], spans[second, 0])
    common_s = np.minimum(spans[first, 1], spans[second, 1]) - start
    lives_s = spans[:, 1] - spans[:, 0]
    enough_s = np.maximum(TOGETHER_S, TOGETHER_SHARE * np.minimum(lives_s[first], lives_s[second]))
    kept = common_s >= enough_s
    first, second, start, common_s = first[kept], second[kept], start[kept], common_s[kept]
    times_s = start[:, None] + np.linspace(0.0, 1.0, LOOKS) * common_s[:, None]
    own, other = (
        columns.places(np.broadcast_to(side[:, None], times_s.shape), times_s) for side in (first, second)
    )
    is_small = np.array([track.label == UNKNOWN for track in tracks], dtype=bool)
    near_m = np.where(is_small[first] & is_small[second], SMALL_M, TOGETHER_M)
    is_one = _are_one(own, other, near_m) if len(first) else np.zeros(0, dtype=bool)
    return first[is_one], second[is_one]


def _of_one_time(spans_s: FloatArray) -> tuple[Numbers, Numbers]:
    """Numbers of spans (N, 2) that have `TOGETHER_S` in common, pair by pair, the smaller one first."""
    order = np.argsort(spans_s[:, 0], kind="stable")
    starts = spans_s[order, 0]
    after = np.searchsorted(starts, spans_s[order, 1] - TOGETHER_S, side="right")
    one, other = _ranges(np.arange(len(order)) + 1, after)
    pairs = np.stack([order[one], order[other]])
    return pairs.min(axis=0), pairs.max(axis=0)


def _ranges(low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Rows and members of ranges of numbers from ``low`` to before ``high``, all in turn."""
    counts = np.maximum(high - low, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    return rows, np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + low[rows]


def _are_one(own: FloatArray, other: FloatArray, near_m: FloatArray) -> BoolArray:
    """Whether two paths (K, S, 2) at the same moments are those of two ends of one vehicle (K,)."""
    ways = own[:, -1] - own[:, 0], other[:, -1] - other[:, 0]
    lengths = [np.linalg.norm(way, axis=1) for way in ways]
    is_same_way = (ways[0] * ways[1]).sum(axis=1) >= SAME_WAY * lengths[0] * lengths[1]
    way = ways[0] + ways[1]
    way /= np.maximum(np.linalg.norm(way, axis=1), 1e-9)[:, None]
    apart = other - own
    gaps = np.linalg.norm(apart, axis=2)
    aside = np.abs(apart[..., 1] * way[:, :1] - apart[..., 0] * way[:, 1:])
    is_near = (np.median(gaps, axis=1) <= near_m) & (np.quantile(gaps, 0.85, axis=1) <= MOSTLY_M)
    is_behind = np.median(aside, axis=1) <= ASIDE_M
    return np.asarray(is_near & is_behind & is_same_way & (np.minimum(*lengths) >= WENT_M))


def _merged(group: Sequence[Thing]) -> Thing:
    """The longest of pieces of the same time, drawn on by what others saw before and after it."""
    main, *rest = sorted(group, key=lambda piece: -len(piece.path.times_s) if piece.path else 0)
    path = main.path
    assert path is not None  # noqa: S101  # nosec B101 - only what has paths is put together
    for piece in rest:
        if piece.path is not None:
            path = _drawn_on(path, piece.path)
    return _whole([main, *rest], path)


def _drawn_on(path: Path, other: Path) -> Path:
    """A path with what another one has before and after it, moved so that nothing jumps."""
    start, end = path.span_s
    early, late = other.times_s < start, other.times_s > end
    before = other.xy_m[early] + (path.xy_m[0] - other.places(path.times_s[:1])[0])
    after = other.xy_m[late] + (path.xy_m[-1] - other.places(path.times_s[-1:])[0])
    times = np.concatenate([other.times_s[early], path.times_s, other.times_s[late]])
    return Path(times, np.concatenate([before, path.xy_m, after]))


def _in_turn(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks with pieces that follow one another put together. Each is used once, the best pairs first.

    Two pieces belong together where the second begins soon after the first has ended, near where the first
    would have gone at its last speed; or where the first stopped and the second started. The whole keeps key
    and row of its first piece.
    """
    after: dict[int, int] = {}
    before: set[int] = set()
    for _, first, second in sorted(_successors(tracks)):
        if first not in after and second not in before:
            after[first] = second
            before.add(second)
    whole = []
    for start, track in enumerate(tracks):
        if start in before:
            continue
        chain = [track]
        number = start
        while number in after:
            number = after[number]
            chain.append(tracks[number])
        paths = [piece.path for piece in chain if piece.path is not None]
        whole.append(track if len(chain) == 1 else _whole(chain, _through(paths)))
    return whole


def _through(paths: Sequence[Path]) -> Path:
    return Path(np.concatenate([p.times_s for p in paths]), np.concatenate([p.xy_m for p in paths]))


def _successors(tracks: Sequence[Thing]) -> Iterator[tuple[float, int, int]]:
    """Pairs of which the second may be the first one's: how ill they fit, and their numbers.

    A second of silence counts as a metre, so that the next piece comes before the one after it.
    """
    ends = _Ends(tracks)
    first, second = ends.pairs()
    gap_s = ends.starts_s[second] - ends.ends_s[first]
    out, onward = ends.out_mps[first], ends.in_mps[second]
    miss = np.hypot(*(ends.in_m[second] - ends.out_m[first] - out * gap_s[:, None]).T)
    stood = np.hypot(*(ends.in_m[second] - ends.out_m[first]).T)
    speeds, speeds_on = np.hypot(*out.T), np.hypot(*onward.T)
    turned_back = ((out * onward).sum(axis=1) < 0.0) & (np.minimum(speeds, speeds_on) > 2.0)
    goes_on = (gap_s <= GAP_S) & (miss <= MISS_M + MISS_SHARE * speeds * gap_s)
    starts_again = (stood <= STOOD_M) & (speeds <= SLOW_MPS) & (speeds_on <= SLOW_MPS)
    kept = (goes_on | starts_again) & ~turned_back
    misfit = np.where(goes_on, np.minimum(miss, np.where(starts_again, stood, np.inf)), stood) + gap_s
    for number in np.flatnonzero(kept):
        yield float(misfit[number]), int(first[number]), int(second[number])


class _Ends:
    """Where and when tracks begin and end, and how fast: ``starts_s`` (N,), ``in_m`` (N, 2) and so on."""

    def __init__(self, tracks: Sequence[Thing]) -> None:
        nowhere = Path(np.array([np.inf, np.inf]), np.zeros((2, 2)))
        paths = [track.path or nowhere for track in tracks]
        self.starts_s = np.array([path.times_s[0] for path in paths])
        self.ends_s = np.array([path.times_s[-1] for path in paths])
        self.in_m = np.array([path.xy_m[0] for path in paths]).reshape(-1, 2)
        self.out_m = np.array([path.xy_m[-1] for path in paths]).reshape(-1, 2)
        self.in_mps = np.array([velocity(path, end=False) for path in paths]).reshape(-1, 2)
        self.out_mps = np.array([velocity(path, end=True) for path in paths]).reshape(-1, 2)

    def pairs(self) -> tuple[Numbers, Numbers]:
        """Numbers of tracks of which the second begins within `STOOD_S` after the end of the first."""
        order = np.argsort(self.starts_s, kind="stable")
        known = self.starts_s[order]
        low = np.searchsorted(known, self.ends_s, side="right")
        high = np.searchsorted(known, np.where(np.isfinite(self.ends_s), self.ends_s + STOOD_S, -np.inf))
        first, places = _ranges(low, high)
        return first, order[places]


def velocity(path: Path, end: bool) -> FloatArray:
    """Metres per second at the end or the start of a path (2,)."""
    if end:
        low = min(int(np.searchsorted(path.times_s, path.times_s[-1] - PACE_S)), len(path.times_s) - 2)
        high = len(path.times_s) - 1
    else:
        low, high = 0, int(np.searchsorted(path.times_s, path.times_s[0] + PACE_S, side="right")) - 1
    seconds = float(path.times_s[high] - path.times_s[low])
    return (path.xy_m[high] - path.xy_m[low]) / seconds if 0.0 < seconds < np.inf else np.zeros(2)


def _whole(pieces: Sequence[Thing], path: Path) -> Thing:
    labels = [piece.label for piece in pieces if piece.label != UNKNOWN] or [pieces[0].label]
    keys = list(dict.fromkeys(key for piece in pieces for key in piece.properties.get("pieces", [piece.key])))
    return replace(
        pieces[0],
        path=path,
        shape=shapely.LineString(path.xy_m),
        label=labels[0],
        properties={"pieces": keys},
    )
