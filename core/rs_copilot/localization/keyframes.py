"""One pass over a clip: the motion between all visited frames, and the pictures worth matching to the map."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.surround import without_surround
from rs_copilot.localization.tilt import tilt_of
from rs_copilot.localization.view import Tilt
from rs_copilot.matching.flow import Motion, frame_motion, working_gray
from rs_copilot.types import ByteImage, Frame, SizeWH, Telemetry

# A picture for matching needs no more: the patch is 300 px wide when it is refined.
KEYFRAME_WIDTH_PX = 1024
KEYFRAME_EVERY_S = 1.0
# A view that moved on by this share of its width shows enough new ground for a fix of its own.
KEYFRAME_SHIFT = 0.25

TelemetryAt = Callable[[Frame], Telemetry | None]


@dataclass(frozen=True)
class Visit:
    """A visited frame without its pixels."""

    index: int
    time_s: float
    size: SizeWH
    file: str | None
    telemetry: Telemetry | None


@dataclass(frozen=True)
class Keyframe:
    """A visited frame that is matched to the map; its picture is kept compressed.

    ``tilt`` is how the camera was tilted as far as its own motion tells.
    """

    visit: int
    size: SizeWH
    telemetry: Telemetry | None
    encoded: bytes = field(repr=False)
    tilt: Tilt | None = None

    @property
    def image(self) -> ByteImage:
        """The picture, at most ``KEYFRAME_WIDTH_PX`` wide; RGBA where black surrounds what it shows."""
        decoded = cv2.imdecode(np.frombuffer(self.encoded, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
        return without_surround(np.asarray(decoded, dtype=np.uint8))


@dataclass
class Recording:
    """What one pass over the clip leaves: frames, the chain of motions between them, keyframes."""

    visits: list[Visit] = field(default_factory=list)
    chain: Chain = field(default_factory=Chain)
    keyframes: list[Keyframe] = field(default_factory=list)


def record(
    frames: Iterable[Frame], telemetry_at: TelemetryAt, *, moving: bool, on_frame: Callable[[Frame], None]
) -> Recording:
    """Visit every frame once.

    Args:
        frames: in time order.
        telemetry_at: what the aircraft said about a frame.
        moving: whether neighbours overlap (a video); stills are keyframes each and not chained.
        on_frame: called after each frame; may raise to stop.
    """
    recorder = Recorder(telemetry_at, moving=moving)
    for frame in frames:
        recorder.add(frame)
        on_frame(frame)
    recording = recorder.recording
    recording.keyframes = _tilted(recording)
    return recording


class Recorder:
    """Takes in a clip frame by frame; ``recording`` is what is known so far.

    Args:
        telemetry_at: what the aircraft said about a frame.
        moving: see `record`.
    """

    def __init__(self, telemetry_at: TelemetryAt, *, moving: bool) -> None:
        self.recording = Recording()
        self._telemetry_at = telemetry_at
        self._moving = moving
        self._last_gray: ByteImage | None = None

    def add(self, frame: Frame) -> bool:
        """Visit the next frame; whether it became a keyframe. Its tilt is not known yet."""
        recording = self.recording
        visit = Visit(frame.index, frame.time_s, frame.size, frame.file, self._telemetry_at(frame))
        gray, scale = working_gray(frame.image) if self._moving else (None, 1.0)
        if recording.visits:
            recording.chain.append(_motion(self._last_gray, gray, scale))
        self._last_gray = gray
        recording.visits.append(visit)
        is_keyframe = _is_due(recording)
        if is_keyframe:
            recording.keyframes.append(_keyframe(frame, visit, len(recording.visits) - 1))
        return is_keyframe

    def settle_last(self) -> None:
        """Give the last keyframe the tilt that the motion up to it tells, and let go of older pictures."""
        recording = self.recording
        last = recording.keyframes[-1]
        tilt = tilt_of(recording.chain, last.visit, last.size)
        if len(recording.keyframes) > 1:
            before = recording.keyframes[-2]
            recording.keyframes[-2] = replace(before, encoded=b"")
            if tilt is None and recording.chain.connected(before.visit, last.visit):
                tilt = before.tilt
        recording.keyframes[-1] = replace(last, tilt=tilt)


def _tilted(recording: Recording) -> list[Keyframe]:
    """Keyframes with their tilt: by their own motion, or as the nearest one of the same stretch."""
    chain = recording.chain
    told = {key.visit: tilt_of(chain, key.visit, key.size) for key in recording.keyframes}
    known = [visit for visit, tilt in told.items() if tilt is not None]

    def tilt(visit: int) -> Tilt | None:
        near = [other for other in known if chain.connected(other, visit)]
        return told[min(near, key=lambda other: abs(other - visit))] if near else None

    return [replace(key, tilt=tilt(key.visit)) for key in recording.keyframes]


def _motion(last: ByteImage | None, gray: ByteImage | None, scale: float) -> Motion | None:
    if last is None or gray is None or last.shape != gray.shape:
        return None
    return frame_motion(last, gray, scale)


def _is_due(recording: Recording) -> bool:
    if not recording.keyframes:
        return True
    now, last = len(recording.visits) - 1, recording.keyframes[-1].visit
    if recording.visits[now].time_s - recording.visits[last].time_s >= KEYFRAME_EVERY_S:
        return True
    motion = recording.chain.between(last, now)
    if motion is None:
        return True
    center = recording.visits[now].size.center_px
    shift = np.linalg.norm(hg.apply(hg.orient(motion, recording.visits[now].size), center)[0] - center)
    return bool(shift > KEYFRAME_SHIFT * recording.visits[now].size.width_px)


def _keyframe(frame: Frame, visit: Visit, number: int) -> Keyframe:
    scale = min(1.0, KEYFRAME_WIDTH_PX / frame.size.width_px)
    small = frame.image
    if scale < 1.0:
        size = (round(frame.size.width_px * scale), round(frame.size.height_px * scale))
        small = np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return Keyframe(number, frame.size, visit.telemetry, encoded.tobytes())
