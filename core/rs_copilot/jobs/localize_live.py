"""Rows of a clip that is localised as it comes: written while it is read, and never changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rs_copilot.errors import CancelledError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localize_scene import SceneRows
from rs_copilot.localization.live import LiveLocator, LivePlace
from rs_copilot.types import Frame, FrameStatus, Placement

# Rows reach the scene at most this often, and writing takes no more than this share of the time: the line
# through all frames is written anew each time, and grows.
FLUSH_EVERY_S = 1.0
FLUSH_SHARE = 0.05
LAYERS = ["frames", "footprints", "trajectory", "search_area"]


@dataclass
class LiveWriter:
    """Follows one clip. ``started`` is the clock's time at the start of the command.

    ``placements`` are those written so far, ``first_fix`` the time in the clip of the first placed frame
    and the seconds from the start until its row was in the scene.
    """

    rows: SceneRows
    context: JobContext
    started: float
    placements: list[Placement] = field(default_factory=list)
    first_fix: tuple[float, float] | None = None
    _waiting: list[LivePlace] = field(default_factory=list)
    _next_flush: float = 0.0

    def follow(self, live: LiveLocator, frames: Iterable[Frame], keep_every: int) -> None:
        """Place frames until there are no more; every ``keep_every``-th is written.

        Raises:
            CancelledError: stopped; what was placed is in the scene.
        """
        empty = {"candidates": self.rows.considered([]), "search_area": self.rows.search_areas([])}
        self.rows.replace({**self.rows.places([]), **empty})
        try:
            for number, frame in enumerate(frames):
                place = live.add(frame)
                if number % keep_every == 0:
                    self._take(place)
                self.context.progress(0, 0, f"Following the clip, {frame.time_s:.1f} s")
        except CancelledError:
            self._flush()
            raise
        self._flush()

    def _take(self, place: LivePlace) -> None:
        self._waiting.append(place)
        is_first = self.first_fix is None and place.placement.status is not FrameStatus.UNLOCATED
        if is_first or time.monotonic() >= self._next_flush:
            self._flush()
        if is_first:
            self.first_fix = place.placement.time_s, time.monotonic() - self.started

    def _flush(self) -> None:
        begun = time.monotonic()
        new = [place.placement for place in self._waiting]
        areas = [(place.placement, area) for place in self._waiting for area in place.areas]
        self.placements += new
        self._waiting = []
        if new:
            self.rows.append({**self.rows.frames(new), "search_area": self.rows.search_areas(areas)})
            self.rows.replace(self.rows.trajectory(self.placements))
        now = time.monotonic()
        self._next_flush = now + max(FLUSH_EVERY_S, (now - begun) / FLUSH_SHARE)
        message = f"{len(self.placements)} frames are on the map"
        partial = {"scene": str(self.rows.scene), "layers": LAYERS}
        self.context.progress(0, 0, message, partial)
