"""Objects that were found in a clip's frames, ready to be drawn over the picture."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace

Box = tuple[float, float, float, float]

MOTION_SOURCE = "motion"
# Between frames farther apart than this, nobody knows where an object was.
MAX_GAP_S = 0.6


@dataclass(frozen=True)
class Detection:
    """One object in one frame; ``box_px`` is x1, y1, x2, y2 in pixels of the clip's own frames.

    ``fid`` is its row in the scene; ``score`` is None for what was found by its motion alone. What a model
    has named in an answer (``is_named``) has no row yet: there ``fid`` counts the objects of all answers.
    """

    time_s: float
    box_px: Box
    label: str = ""
    track_id: int | None = None
    fid: int = 0
    score: float | None = None
    is_named: bool = False

    @property
    def center_px(self) -> tuple[float, float]:
        """The middle of the box."""
        x1, y1, x2, y2 = self.box_px
        return (x1 + x2) / 2, (y1 + y2) / 2

    @property
    def area_px(self) -> float:
        """The size of the box."""
        x1, y1, x2, y2 = self.box_px
        return (x2 - x1) * (y2 - y1)

    def contains(self, x: float, y: float) -> bool:
        """Whether a place in the picture is in the box."""
        x1, y1, x2, y2 = self.box_px
        return x1 <= x <= x2 and y1 <= y <= y2


@dataclass(frozen=True)
class Hit:
    """A moment of a clip to be shown, of a detection or of evidence; without a box all of it."""

    clip: str
    time_s: float
    box_px: Box | None = None


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
        """Detections of the frame at a time; none where no frame near enough was looked at.

        A detector does not look at every frame: what has the same track before and after is drawn between.
        """
        place = bisect_left(self._times_s, time_s)
        near = self._times_s[max(0, place - 1) : place + 1]
        best = min(near, key=lambda found: abs(found - time_s), default=None)
        if best is None:
            return []
        if abs(best - time_s) <= within_s:
            return self._by_time[best]
        if len(near) < 2 or near[1] - near[0] > MAX_GAP_S:
            return []
        return self._between(near[0], near[1], time_s)

    def _between(self, before_s: float, after_s: float, time_s: float) -> list[Detection]:
        share = (time_s - before_s) / (after_s - before_s)
        later = {found.track_id: found for found in self._by_time[after_s] if found.track_id}
        pairs = [(found, later.get(found.track_id or 0)) for found in self._by_time[before_s]]
        return [_blended(first, second, share, time_s) for first, second in pairs if second is not None]

    def hit(self, time_s: float, x: float, y: float) -> Detection | None:
        """The smallest box that contains a place in the picture at a time."""
        found = [item for item in self.at(time_s) if item.contains(x, y)]
        return min(found, key=lambda item: item.area_px, default=None)


def _blended(first: Detection, second: Detection, share: float, time_s: float) -> Detection:
    x1, y1, x2, y2 = (a + share * (b - a) for a, b in zip(first.box_px, second.box_px))
    nearer = first if share < 0.5 else second
    return replace(nearer, time_s=time_s, box_px=(x1, y1, x2, y2))


def best_hit(hits: Iterable[Hit], clip: str, time_s: float) -> Hit | None:
    """Of the detections under the mouse, one of the clip that is played, and of these the nearest in time."""
    return min(hits, key=lambda hit: (hit.clip != clip, abs(hit.time_s - time_s)), default=None)


def hue_of(track_id: int | None) -> int:
    """The hue of a track on the map and in the picture: the golden angle keeps neighbours apart."""
    return (track_id or 0) * 137 % 360


def caption(found: Detection) -> str:
    """What is written at a box: class and score; what was found by its motion has none."""
    if found.score is None:
        return found.label if found.is_named else ""
    return f"{found.label} {found.score:.2f}".strip()
