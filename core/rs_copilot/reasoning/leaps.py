"""Tracks that leap: what was out of sight for a moment and came back as something else is two tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from rs_copilot.reasoning.things import Path, Thing
from rs_copilot.types import BoolArray, FloatArray

# A track is looked at where nothing was seen for so long. Nothing on wheels changes its velocity faster; what
# comes out from behind trees shows one end first and seems to be ahead or behind, but hardly aside.
GAP_S, MOST_MPS2, ASIDE_M, AHEAD_M = 0.5, 7.0, 6.0, 9.0
# At its ends a track of which less than this share was seen is guessed: there it must not even be so far off.
LEAST_SEEN, GUESSED_M = 0.45, 3.5
# Velocities are taken over so long beside a gap.
PACE_S = 0.5
# Pieces of fewer places are what was caught by mistake.
LEAST_PLACES = 5


def without_leaps(tracks: Sequence[Thing]) -> list[Thing]:
    """Tracks cut where they leap. The longest piece keeps the key, others of some length get a number."""
    found: list[Thing] = []
    for track in tracks:
        path = track.path
        if path is None or not (np.diff(path.times_s) >= GAP_S).any():
            found.append(track)
            continue
        kept = _followed(path)
        pieces = _cut(kept, _leaps(kept))
        pieces.sort(key=lambda piece: -len(piece.times_s))
        for number, piece in enumerate(pieces):
            if number and len(piece.times_s) < LEAST_PLACES:
                continue
            key = track.key if number == 0 else f"{track.key}.{number + 1}"
            shape = shapely.LineString(piece.xy_m) if len(piece.times_s) > 1 else track.shape
            # Corrections know rows only: what is a part of a row says of which.
            rows = {**track.properties, "pieces": track.properties.get("pieces", [track.key])}
            found.append(replace(track, key=key, name=key, path=piece, shape=shape, properties=rows))
    return found


def _followed(path: Path) -> Path:
    """A path without ends that were hardly seen and do not go on as the rest."""
    step_s = float(np.median(np.diff(path.times_s)))
    times, low, high = path.times_s, 0, len(path.times_s)
    gaps = np.flatnonzero(np.diff(times) >= GAP_S)
    leaps = [place for place in gaps if _is_leap(path, int(place), GUESSED_M, GUESSED_M)]
    for place in leaps[::-1]:
        if (high - place - 1) * step_s < LEAST_SEEN * (times[high - 1] - times[place]):
            high = int(place) + 1
    for place in leaps:
        if place + 1 < high and (place + 1 - low) * step_s < LEAST_SEEN * (times[place + 1] - times[low]):
            low = int(place) + 1
    return Path(times[low:high], path.xy_m[low:high]) if high - low > 1 else path


def _leaps(path: Path) -> BoolArray:
    """After which places a path leaps (N - 1,)."""
    leaps = np.zeros(len(path.times_s) - 1, dtype=bool)
    for place in np.flatnonzero(np.diff(path.times_s) >= GAP_S):
        leaps[place] = _is_leap(path, int(place), AHEAD_M, ASIDE_M)
    return leaps


def _is_leap(path: Path, place: int, ahead_m: float, aside_m: float) -> bool:
    """Whether the step after a place is not that of something that goes on as before, or as after it."""
    gap_s = float(path.times_s[place + 1] - path.times_s[place])
    changes_m = 0.5 * MOST_MPS2 * gap_s**2
    for pace in (_pace(path, place, -1), _pace(path, place + 1, 1)):
        if pace is None:
            continue
        speed = float(np.hypot(*pace))
        ahead = pace / speed if speed > 1e-3 else np.array([1.0, 0.0])
        miss = path.xy_m[place + 1] - path.xy_m[place] - pace * gap_s
        along, aside = abs(float(miss @ ahead)), abs(float(miss @ np.array([-ahead[1], ahead[0]])))
        if along > ahead_m + changes_m or aside > aside_m + changes_m:
            return True
    return False


def _pace(path: Path, place: int, way: int) -> FloatArray | None:
    """Velocity before (-1) or after (1) a place; ``None`` where too little was seen there."""
    near = np.abs(path.times_s - path.times_s[place]) <= PACE_S
    near &= (np.arange(len(near)) - place) * way >= 0
    some = np.flatnonzero(near)
    if len(some) < 2:
        return None
    first, last = some[0], some[-1]
    return np.asarray((path.xy_m[last] - path.xy_m[first]) / (path.times_s[last] - path.times_s[first]))


def _cut(path: Path, after: BoolArray) -> list[Path]:
    parts = np.split(np.arange(len(path.times_s)), np.flatnonzero(after) + 1)
    return [Path(path.times_s[part], path.xy_m[part]) for part in parts]
