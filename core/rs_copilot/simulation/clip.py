"""Frames of the flight, one after the other, and the video file they go into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from rs_copilot.geo.camera import ground_from_px
from rs_copilot.simulation.flight import EXPOSURE_S
from rs_copilot.simulation.render import Picture, Sighting, render
from rs_copilot.simulation.scenario import Scenario
from rs_copilot.simulation.sensor import drone_picture
from rs_copilot.types import ByteImage, FloatArray


@dataclass(frozen=True)
class RenderedFrame:
    """One frame with who is seen in it."""

    index: int
    time_s: float
    image: ByteImage
    sightings: tuple[Sighting, ...]


def rendered_frames(scenario: Scenario) -> Iterator[RenderedFrame]:
    """All frames of the clip in order."""
    light = scenario.clip_light()
    exposure: float | None = None
    for index in range(scenario.settings.clip.frame_count):
        time_s = scenario.settings.clip.time_s(index)
        picture = render(scenario.world, light, scenario.flight.view(time_s), scenario.crowd_at(time_s))
        exposure = auto_exposure(picture, exposure)
        image = drone_picture(
            picture.light, exposure, _blur_maps(scenario, time_s), scenario.sensor_rng(index)
        )
        yield RenderedFrame(index, time_s, image, picture.sightings)


def auto_exposure(picture: Picture, before: float | None) -> float:
    """The camera aims at a mean brightness and gets there slowly."""
    wanted = float(np.clip(0.27 / np.mean(np.minimum(picture.light[::4, ::4], 1.5)), 0.6, 1.6))
    return wanted if before is None else before + 0.12 * (wanted - before)


def _blur_maps(scenario: Scenario, time_s: float) -> list[FloatArray]:
    """Where the ground of this picture is at other moments of the exposure, as homographies that
    OpenCV applies to pixel centres.
    """
    flight = scenario.flight
    ground = scenario.world.ground_z(flight.pose(time_s).xyz_m[None, :2])[0]
    now = _plane(scenario, time_s, float(ground))
    # OpenCV counts from pixel centres, we from corners.
    shift = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    maps = []
    for share in (-0.33, 0.33):
        then = _plane(scenario, time_s + share * EXPOSURE_S, float(ground))
        maps.append(np.linalg.inv(shift) @ np.linalg.inv(then) @ now @ shift)
    return maps


def _plane(scenario: Scenario, time_s: float, ground_z_m: float) -> FloatArray:
    pose = scenario.flight.pose(time_s)
    return ground_from_px(scenario.flight.intrinsics, pose.attitude, pose.xyz_m, ground_z_m)


class ClipWriter:
    """An H.264 file that grows frame by frame; a context manager."""

    def __init__(self, path: Path, scenario: Scenario) -> None:
        clip = scenario.settings.clip
        self._container = av.open(str(path), "w", format="mp4")
        options = {"crf": "21", "preset": "veryfast", "threads": "2"}
        self._stream = self._container.add_stream("libx264", rate=clip.fps, options=options)
        self._stream.width, self._stream.height = clip.size.width_px, clip.size.height_px
        self._stream.pix_fmt = "yuv420p"
        self._time_base = 1 / clip.fps

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()

    def write(self, frame: RenderedFrame) -> None:
        """Append one frame."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image), format="rgb24")
        picture.pts = frame.index
        picture.time_base = self._time_base
        for packet in self._stream.encode(picture):
            self._container.mux(packet)
