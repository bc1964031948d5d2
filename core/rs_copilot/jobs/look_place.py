"""Where the frames of a clip lie, from a scene: also those between the frames that were placed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.types import FloatArray, Frame, Placement, SizeWH
from rs_copilot.vector.build import onto_ground
from rs_copilot.vector.placements import ClipPlacements, read_clips, read_placements

# Between placed frames farther apart than this the camera may have turned.
MAX_GAP_S = 3.0


@dataclass
class ScenePlaces:
    """The placements of a scene, read clip by clip; without a scene nothing has a place."""

    scene: str | None = None
    _clips: dict[str, ClipPlacements | None] = field(default_factory=dict)

    def of_frame(self, path: str, frame: Frame) -> Callable[[FloatArray], FloatArray] | None:
        """From pixels ``(N, 2)`` of a frame to longitude and latitude; ``None`` where it is not placed.

        Raises:
            SceneError: the scene cannot be read.
        """
        clip = self._clip(Path(path).name)
        if clip is None:
            return None
        to_map = between(clip.placements, frame)
        if to_map is None:
            return None
        return lambda points: geo_crs.to_lonlat(to_map(points), clip.metric_crs)

    def _clip(self, name: str) -> ClipPlacements | None:
        if self.scene is None:
            return None
        if name not in self._clips:
            known = name in read_clips(self.scene)
            self._clips[name] = read_placements(self.scene, name) if known else None
        return self._clips[name]


def between(placements: tuple[Placement, ...], frame: Frame) -> Callable[[FloatArray], FloatArray] | None:
    """From pixels of a frame to map metres.

    A frame between two placed ones lies between them: every pixel is taken to move over the ground evenly,
    which holds for the second or two between samples. ``None`` where the neighbours are not placed, or far.
    """
    times = [item.time_s for item in placements]
    after = bisect_left(times, frame.time_s - 1e-4)
    exact = after < len(times) and abs(times[after] - frame.time_s) <= 1e-4
    pair = placements[after : after + 1] if exact else placements[max(after - 1, 0) : after + 1]
    if not exact and (len(pair) < 2 or pair[1].time_s - pair[0].time_s > MAX_GAP_S):
        return None
    matrices = [map_from_frame(item, frame.size) for item in pair]
    known = [matrix for matrix in matrices if matrix is not None]
    if len(known) < len(matrices) or not known:
        return None
    if exact:
        return lambda points: onto_ground(known[0], points)
    share = (frame.time_s - pair[0].time_s) / (pair[1].time_s - pair[0].time_s)

    def blend(points: FloatArray) -> FloatArray:
        first, second = (onto_ground(matrix, points) for matrix in known)
        return np.asarray(first * (1.0 - share) + second * share)

    return blend


def map_from_frame(placement: Placement, size: SizeWH) -> FloatArray | None:
    """From pixels of a frame that was decoded in a size to map metres, w = 1 at its centre."""
    if placement.map_from_px is None or placement.size is None:
        return None
    wide = placement.size.width_px / size.width_px
    high = placement.size.height_px / size.height_px
    return hg.orient(placement.map_from_px @ np.diag([wide, high, 1.0]), size)
