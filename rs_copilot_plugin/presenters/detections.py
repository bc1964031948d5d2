"""Objects that were found in a clip's frames, ready to be drawn over the picture."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Detection:
    """One object in one frame; ``box_px`` is x1, y1, x2, y2 in pixels of the clip's own frames."""

    time_s: float
    box_px: Box
    label: str = ""
    track_id: int | None = None


def parse_box(text: object) -> Box | None:
    """The four numbers of a ``box_px`` field, or None."""
    try:
        values = [float(part) for part in str(text).split(",")]
    except ValueError:
        return None
    if len(values) != 4 or not (values[0] < values[2] and values[1] < values[3]):
        return None
    return values[0], values[1], values[2], values[3]


class ClipDetections:
    """Detections of one clip by time."""

    def __init__(self, detections: Iterable[Detection] = ()) -> None:
        self._by_time: dict[float, list[Detection]] = {}
        for detection in detections:
            self._by_time.setdefault(detection.time_s, []).append(detection)
        self._times_s = sorted(self._by_time)

    def __len__(self) -> int:
        return sum(len(found) for found in self._by_time.values())

    def at(self, time_s: float, within_s: float = 0.06) -> list[Detection]:
        """Detections of the frame at a time; none where no frame near enough was looked at."""
        place = bisect_left(self._times_s, time_s)
        near = self._times_s[max(0, place - 1) : place + 1]
        best = min(near, key=lambda found: abs(found - time_s), default=None)
        return [] if best is None or abs(best - time_s) > within_s else self._by_time[best]


def hue_of(track_id: int | None) -> int:
    """The hue of a track on the map and in the picture: the golden angle keeps neighbours apart."""
    return (track_id or 0) * 137 % 360
