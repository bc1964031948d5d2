"""Tracks in pieces: the same vehicle, followed twice at a time, or lost and found again, counts once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import shapely

from rs_copilot.reasoning.leaps import without_leaps
from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.types import FloatArray

# How long something may be out of sight, and how far from where it was expected it may come back.
GAP_S = 4.0
MISS_M, MISS_SHARE = 3.0, 0.5
PACE_S = 1.0
# Motion is lost where it ends: so long something may have stood where it is found again.
STOOD_S, STOOD_M, SLOW_MPS = 30.0, 3.5, 4.0
# The front and the rear of a long vehicle move as one: so near to one another, most of the time, one behind
# the other; for so long, or so much of the shorter piece. What may be people is no vehicle's end.
TOGETHER_M, SMALL_M, MOSTLY_M, ASIDE_M = 6.5, 3.5, 9.0, 2.5
TOGETHER_S, TOGETHER_SHARE, STEP_S = 1.0, 0.6, 0.2
# Below this nothing can be said of a direction; what goes another way by more than 45 degrees is another.
WENT_M, SAME_WAY = 2.0, 0.7


# What a tracker calls what it cannot tell.
UNKNOWN = "unknown"


def joined(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks with their pieces put together: first those of the same time, then, without what was caught by
    mistake, those one after another.
    """
    return _in_turn(without_leaps(_at_once(tracks)))


def _at_once(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks without what is a part of another at the same time: the longer one stands for both."""
    of = list(range(len(tracks)))
    for first, second in _alongside(tracks):
        a, b = tracks[first].path, tracks[second].path
        is_small = tracks[first].label == tracks[second].label == UNKNOWN
        if a is not None and b is not None and _is_one(a, b, SMALL_M if is_small else TOGETHER_M):
            of = [of[first] if number == of[second] else number for number in of]
    groups: dict[int, list[Thing]] = {}
    for track, number in zip(tracks, of, strict=True):
        groups.setdefault(number, []).append(track)
    return [group[0] if len(group) == 1 else _merged(group) for group in groups.values()]


def _alongside(tracks: Sequence[Thing]) -> list[tuple[int, int]]:
    """Numbers of tracks that come near one another and are there at the same time."""
    shapes = np.array([track.shape for track in tracks], dtype=object)
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=MOSTLY_M)
    spans = np.array([track.path.span_s if track.path else (np.inf, -np.inf) for track in tracks])
    first, second = near.reshape(2, -1)
    spans = spans.reshape(-1, 2)
    common = np.minimum(spans[first, 1], spans[second, 1]) - np.maximum(spans[first, 0], spans[second, 0])
    kept = (first < second) & (common >= TOGETHER_S)
    return [(int(a), int(b)) for a, b in zip(first[kept], second[kept], strict=True)]


def _is_one(a: Path, b: Path, near_m: float) -> bool:
    """Whether two paths of the same time are those of two ends of one vehicle."""
    start, end = max(a.span_s[0], b.span_s[0]), min(a.span_s[1], b.span_s[1])
    shorter = min(path.span_s[1] - path.span_s[0] for path in (a, b))
    if end - start < TOGETHER_SHARE * shorter:
        return False
    times = np.arange(start, end + 1e-9, STEP_S)
    own, other = a.places(times), b.places(times)
    ways = own[-1] - own[0], other[-1] - other[0]
    lengths = [float(np.hypot(*way)) for way in ways]
    if min(lengths) < WENT_M or float(ways[0] @ ways[1]) < SAME_WAY * lengths[0] * lengths[1]:
        return False
    way = (ways[0] + ways[1]) / np.hypot(*(ways[0] + ways[1]))
    apart = other - own
    gaps = np.hypot(*apart.T)
    aside = np.abs(apart @ np.array([-way[1], way[0]]))
    is_near = np.median(gaps) <= near_m and np.quantile(gaps, 0.85) <= MOSTLY_M
    return bool(is_near and np.median(aside) <= ASIDE_M)


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
        self.in_mps = np.array([_velocity(path, end=False) for path in paths]).reshape(-1, 2)
        self.out_mps = np.array([_velocity(path, end=True) for path in paths]).reshape(-1, 2)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of tracks of which the second begins within `STOOD_S` after the end of the first."""
        order = np.argsort(self.starts_s, kind="stable")
        known = self.starts_s[order]
        low = np.searchsorted(known, self.ends_s, side="right")
        high = np.searchsorted(known, np.where(np.isfinite(self.ends_s), self.ends_s + STOOD_S, -np.inf))
        counts = np.maximum(high - low, 0)
        first = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + low[first]
        return first, order[places]


def _velocity(path: Path, end: bool) -> FloatArray:
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
    keys = [key for piece in pieces for key in piece.properties.get("pieces", [piece.key])]
    return replace(
        pieces[0],
        path=path,
        shape=shapely.LineString(path.xy_m),
        label=labels[0],
        properties={"pieces": keys},
    )
