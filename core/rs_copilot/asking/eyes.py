"""The eyes of programs: a vision-language model that is shown frames of a clip and windows of the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import CancelledError, RasterError, UsageError, VideoError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.eyes import Aim, Said, Shown, Spot, Spotted
from rs_copilot.reasoning.values import CannotTell
from rs_copilot.tiles.region import region_px, window_px
from rs_copilot.types import Box, FloatArray, SizeWH
from rs_copilot.video.clip import open_clip
from rs_copilot.vlm.backend import Backend, Decoding, Stop, never
from rs_copilot.vlm.parsing import split_thought
from rs_copilot.vlm.picture import FrameWindows, PictureSource, open_raster_windows
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.resize import TRAINED, PixelBudget
from rs_copilot.vlm.tasks import Task
from rs_copilot.vlm.zoom import Manner, Outcome, look_closer

# Lists of places are long, answers are not.
MAX_TOKENS = {Task.ASK: 256, Task.GROUND: 1024}
# Fewer pixels a side are no picture.
MIN_SIDE_PX = 28
# A moment so little after the last frame is still meant to be it.
SLACK_S = 0.5
NO_CLIP = "Put the clip back where it was when it was located, or locate it again."
NO_MAP = "Locate the clip again with the map where it is now."


@dataclass(frozen=True)
class _Target:
    """What is shown: the window of a source, and what it says of itself."""

    source: PictureSource
    window: Box
    frame: int | None = None
    time_s: float | None = None
    to_lonlat: Callable[[FloatArray], FloatArray] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ModelEyes:
    """Looks through a backend. ``clip`` is the file or folder of the frames, ``raster`` the map.

    ``budget`` is how many pixels of a picture the model sees.
    """

    backend: Backend
    clip: Path | None = None
    raster: str | None = None
    budget: PixelBudget = TRAINED
    is_cancelled: Callable[[], bool] = never

    def look(self, aim: Aim, question: str) -> Said:
        """See `Eyes.look`; raises what `look_closer` does besides."""
        with self._target(aim) as target:
            outcome = self._ask(target, Task.ASK, question)
            text = split_thought(outcome.text)[1].strip()
            return Said(text, self.backend.model, _shown(target), outcome.notes)

    def ground(self, aim: Aim, phrase: str) -> Spotted:
        """See `Eyes.ground`; raises what `look_closer` does besides."""
        with self._target(aim) as target:
            outcome = self._ask(target, Task.GROUND, phrase)
            spots = tuple(
                Spot(place.quad_px, place.label, _on_earth(target, place.quad_px)) for place in outcome.places
            )
            return Spotted(spots, outcome.is_empty, self.backend.model, _shown(target), outcome.notes)

    def _ask(self, target: _Target, task: Task, text: str) -> Outcome:
        family = self.backend.family
        manner = Manner(
            self.budget.within(family.limits),
            Decoding(max_tokens=MAX_TOKENS[task], lookup=task is Task.GROUND),
            is_cancelled=self.is_cancelled,
        )
        prompt = write_prompt(task, family, text=text)
        outcome = look_closer(self.backend, target.source, prompt, text, manner, target.window)
        if outcome.stop is Stop.CANCELLED:
            raise CancelledError("The answer was stopped.")
        return outcome

    @contextmanager
    def _target(self, aim: Aim) -> Iterator[_Target]:
        if aim.time_s is not None:
            yield self._frame(aim.time_s, aim)
            return
        with self._map(aim) as target:
            yield target

    def _frame(self, time_s: float, aim: Aim) -> _Target:
        if self.clip is None:
            raise CannotTell("the clip of this scene is not known", NO_CLIP)
        try:
            with open_clip(self.clip) as clip:
                frame, last_s = clip.frame_at(time_s), clip.info.duration_s
        except VideoError as error:
            raise CannotTell(
                f"the frame at {time_s:g} s cannot be shown: {error.message}", NO_CLIP
            ) from error
        if 0.0 < last_s < time_s - SLACK_S:
            raise CannotTell(f"the clip ends at {last_s:.1f} s", "Ask about a moment that the clip has.")
        return _Target(FrameWindows(frame.image), _window(aim.box_px, frame.size), frame.index, frame.time_s)

    @contextmanager
    def _map(self, aim: Aim) -> Iterator[_Target]:
        if self.raster is None:
            raise CannotTell("the map of this scene is not known", NO_MAP)
        try:
            windows = open_raster_windows(self.raster)
        except RasterError as error:
            raise CannotTell(f"the map cannot be shown: {error.message}", NO_MAP) from error
        with windows:
            size, metric = windows.size, windows.info.metric_crs
            window: Box = (0, 0, size.width_px, size.height_px)
            if aim.area_lonlat is not None:
                try:
                    area = region_px(aim.area_lonlat, windows.pictures, windows.plan)
                except UsageError as error:
                    raise CannotTell("the place does not lie on the map", NO_MAP) from error
                window = _window(window_px(area, size), size)
            yield _Target(
                windows, window,
                to_lonlat=lambda points: geo_crs.to_lonlat(windows.map_points(points), metric),
            )  # fmt: skip


def _window(box_px: tuple[float, float, float, float] | None, size: SizeWH) -> Box:
    """Whole pixels of a picture around a box, no fewer than make a picture."""
    if box_px is None:
        return 0, 0, size.width_px, size.height_px
    whole = np.array([size.width_px, size.height_px], dtype=np.float64)
    low, high = np.array(box_px[:2]), np.array(box_px[2:])
    half = np.maximum((high - low) / 2, MIN_SIDE_PX / 2)
    middle = np.clip((low + high) / 2, np.minimum(half, whole / 2), np.maximum(whole - half, whole / 2))
    x1, y1 = np.floor(np.clip(middle - half, 0, whole))
    x2, y2 = np.ceil(np.clip(middle + half, 0, whole))
    return int(x1), int(y1), int(x2), int(y2)


def _shown(target: _Target) -> Shown:
    x1, y1, x2, y2 = target.window
    border = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=np.float64)
    return Shown((x1, y1, x2, y2), target.frame, target.time_s, _on_earth(target, border))


def _on_earth(target: _Target, quad_px: FloatArray) -> BaseGeometry | None:
    """Corners on the map in degrees; ``None`` for those of a frame, whose place others know."""
    if target.to_lonlat is None:
        return None
    lonlat = target.to_lonlat(quad_px)
    return shapely.Polygon(lonlat).convex_hull if np.isfinite(lonlat).all() else None
