"""An answer as it comes: words, and objects as soon as their line is complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rs_copilot.jobs.look_params import Object, Zoom
from rs_copilot.jobs.look_pictures import Shown
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed, Spoken
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing import Listener

# Nobody reads faster. Every report carries all that was said so far, so that long lists cost time, which the
# model lacks: no more than a share of it.
REPORT_EVERY_S, MAX_SHARE = 0.05, 0.05


class AnswerStream:
    """Hears an answer piece by piece and reports it; ``report`` gets the number of pieces and the partial."""

    def __init__(
        self,
        listener: Listener | None,
        place: Callable[[Iterable[Spoken]], list[Object]],
        report: Callable[[int, dict[str, Any]], None],
    ) -> None:
        self.text = ""
        self.objects: list[Object] = []
        self.zooms: list[Zoom] = []
        self._pieces = 0
        self._listener, self._place, self._report = listener, place, report
        self._due_s = 0.0

    def hear(self, piece: str) -> None:
        """The next piece of the answer."""
        self.text += piece
        self._pieces += 1
        if self._listener is not None:
            self.objects += self._place(self._listener.feed(piece))
        if time.monotonic() >= self._due_s:
            self.flush()

    def break_line(self) -> None:
        """What comes next is said in a turn of its own."""
        if self.text and not self.text.endswith("\n"):
            self.text += "\n"

    def flush(self) -> None:
        """Report all that was heard."""
        begun_s = time.monotonic()
        objects = [item.model_dump() for item in self.objects]
        zooms = [item.model_dump() for item in self.zooms]
        self._report(self._pieces, {"text": self.text, "objects": objects, "zooms": zooms})
        now_s = time.monotonic()
        self._due_s = now_s + max(REPORT_EVERY_S, (now_s - begun_s) / MAX_SHARE)

    def finish(self) -> Parsed:
        """What the whole answer says about places."""
        parsed = Parsed(()) if self._listener is None else self._listener.finish()
        self.objects = self._place(parsed.objects)
        return parsed


def place_objects(
    spoken: Iterable[Spoken], shown: Shown, seen: SizeWH, coordinates: Coordinates
) -> list[Object]:
    """Objects of an answer about a picture that the model saw in a size, in the source and on the map."""
    return [
        object_at(shown.picture.in_source(item.quad, seen, coordinates), item.label, item.line, shown)
        for item in spoken
    ]


def object_at(corners_px: FloatArray, label: str, line: int, shown: Shown) -> Object:
    """An object with its corners ``(N, 2)`` in pixels of the source, on the map where that is known."""
    x1, y1 = (float(value) for value in corners_px.min(axis=0))
    x2, y2 = (float(value) for value in corners_px.max(axis=0))
    return Object(
        line=line,
        label=label,
        polygon=on_map(corners_px, shown),
        box_px=(x1, y1, x2, y2),
        time_s=shown.time_s,
    )


def on_map(corners_px: FloatArray, shown: Shown) -> tuple[tuple[float, float], ...] | None:
    """Corners ``(N, 2)`` in pixels of the source as longitudes and latitudes; ``None`` off the map."""
    if shown.to_lonlat is None:
        return None
    lonlat = shown.to_lonlat(corners_px)
    # False for what is not finite as well.
    if not (np.abs(lonlat) <= [180.0, 90.0]).all():
        return None
    return tuple((float(lon), float(lat)) for lon, lat in lonlat)
