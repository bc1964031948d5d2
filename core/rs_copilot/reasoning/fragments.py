"""Tracks that broke in two: the same vehicle, lost behind a tree and found again, counts once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import shapely

from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.types import FloatArray

# How long something may be out of sight, and how far from where it was expected it may come back.
GAP_S = 4.0
MISS_M, MISS_SHARE = 3.0, 0.5
PACE_S = 1.0


def joined(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks with their pieces put together. Each piece is used once, the best fitting pairs first.

    Two pieces belong together where the second begins soon after the first has ended, near where the first
    would have gone at its last speed. The whole keeps key and row of its first piece.
    """
    pairs = sorted(
        (miss, first, second)
        for first, second in _successors(tracks)
        if (miss := _miss(tracks[first], tracks[second])) is not None
    )
    after: dict[int, int] = {}
    before: set[int] = set()
    for _, first, second in pairs:
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
        whole.append(_one(chain))
    return whole


def _successors(tracks: Sequence[Thing]) -> Iterator[tuple[int, int]]:
    """Numbers of tracks of which the second begins within `GAP_S` after the end of the first."""
    spans = [(np.inf, np.inf) if track.path is None else track.path.span_s for track in tracks]
    starts = np.array([start for start, _ in spans])
    order = np.argsort(starts, kind="stable")
    for first, (_, end_s) in enumerate(spans):
        low, high = np.searchsorted(starts[order], [end_s, end_s + GAP_S], side="right")
        for second in order[low:high]:
            yield first, int(second)


def _velocity(path: Path, end: bool) -> FloatArray:
    """Metres per second at the end or the start of a path (2,)."""
    keep = path.times_s >= path.times_s[-1] - PACE_S if end else path.times_s <= path.times_s[0] + PACE_S
    times, places = path.times_s[keep], path.xy_m[keep]
    return (places[-1] - places[0]) / (times[-1] - times[0]) if len(times) > 1 else np.zeros(2)


def _miss(a: Thing, b: Thing) -> float | None:
    """How far from its place the second begins, or ``None`` where it is not the first one's."""
    if a.path is None or b.path is None or a is b or a.clip != b.clip:
        return None
    gap_s = b.path.span_s[0] - a.path.span_s[1]
    if not 0.0 < gap_s <= GAP_S:
        return None
    speed = _velocity(a.path, end=True)
    expected = a.path.xy_m[-1] + speed * gap_s
    miss = float(np.hypot(*(b.path.xy_m[0] - expected)))
    if miss > MISS_M + MISS_SHARE * float(np.hypot(*speed)) * gap_s:
        return None
    onward = _velocity(b.path, end=False)
    turned_back = float(speed @ onward) < 0 and min(np.hypot(*speed), np.hypot(*onward)) > 2.0
    return None if turned_back else miss


def _one(chain: Sequence[Thing]) -> Thing:
    if len(chain) == 1:
        return chain[0]
    paths = [piece.path for piece in chain if piece.path is not None]
    path = Path(np.concatenate([p.times_s for p in paths]), np.concatenate([p.xy_m for p in paths]))
    labels = [piece.label for piece in chain if piece.label != "unknown"] or [chain[0].label]
    pieces = {"pieces": [piece.key for piece in chain]}
    return replace(
        chain[0], path=path, shape=shapely.LineString(path.xy_m), label=labels[0], properties=pieces
    )
