"""Which frames of a clip are asked about, and how their pixels lie on the ground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rs_copilot.errors import SceneError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detect_clip import spaced
from rs_copilot.jobs.ground_params import GroundParams
from rs_copilot.jobs.look_place import map_from_frame
from rs_copilot.jobs.track_terrain import read_terrain
from rs_copilot.tracking.relief import sights
from rs_copilot.types import FloatArray, Frame, Placement
from rs_copilot.vector.build import onto_ground
from rs_copilot.vector.placements import ClipPlacements
from rs_copilot.video.clip import Clip
from rs_copilot.vlm.picture import ToMap


def wanted_frames(clip: ClipPlacements, params: GroundParams) -> list[Placement]:
    """Placed frames to look at: the one nearest to a time, or some that are evenly apart.

    Raises:
        SceneError: no frame is placed.
    """
    placed = [item for item in clip.placements if item.map_from_px is not None]
    if not placed:
        raise SceneError(
            f"no frame of {clip.clip} is placed: what is found could not be laid on the ground",
            hint="Locate the clip on a raster that shows the place (rs-copilot localize).",
        )
    if params.time_s is not None:
        wanted_s = params.time_s
        return [min(placed, key=lambda item: abs(item.time_s - wanted_s))]
    chosen = spaced([(item.frame, item.time_s) for item in placed], params.every_s)
    return [item for item in placed if item.frame in chosen]


def frames_at(clip: Clip, wanted: Sequence[Placement]) -> Iterator[tuple[Placement, Frame]]:
    """The pictures of placed frames.

    Raises:
        VideoError: a picture cannot be read.
    """
    for placement in wanted:
        yield placement, clip.frame_at(placement.time_s)


@dataclass
class FrameMaps:
    """From pixels of placed frames to map metres; on the relief where it is known."""

    params: GroundParams
    context: JobContext
    clip: ClipPlacements

    def __post_init__(self) -> None:
        self._terrain = read_terrain(self.params.out, self.clip, self.params.dem, self.context)

    def of(self, placement: Placement, frame: Frame) -> ToMap | None:
        """For one frame; points towards the horizon, where a pixel is metres, become NaN."""
        matrix = map_from_frame(placement, frame.size)
        if matrix is None:
            return None
        sight = None
        if self._terrain is not None:
            placed = {placement.frame: matrix}
            times = [placement.time_s]
            sight = sights(self._terrain, self.clip, placed, frame.size, times, [matrix])[0]

        def to_map(points_px: FloatArray) -> FloatArray:
            ground = onto_ground(matrix, points_px)
            return ground if sight is None else sight.onto_terrain(ground)

        return to_map
