"""Pictures for a conversation: windows of rasters, frames and files, each with its way back to the map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from rs_copilot.errors import UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.look_params import Box, Source
from rs_copilot.jobs.look_place import ScenePlaces
from rs_copilot.jobs.sources import is_map
from rs_copilot.raster.source import open_raster
from rs_copilot.types import Box as Window
from rs_copilot.types import FloatArray, Frame, SizeWH
from rs_copilot.video.clip import Clip, open_clip
from rs_copilot.vlm.families import Coordinates, Family
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.picture import FrameWindows, Picture, PictureSource, RasterWindows, open_raster_windows
from rs_copilot.vlm.resize import PixelBudget, seen_size

# What is pointed at is seen with as much around it.
AROUND = 2.0
# Straight edges of one CRS are bent in another.
EDGE_STEPS = 9
HAIR_PX = 1e-4

ToMap = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Shown:
    """A picture as it is shown to a model.

    ``part`` is how a message carries it. ``to_lonlat`` leads from pixels of the source to the map, ``None``
    where the place is not known. ``quad_px`` (4, 2) is what is pointed at, in pixels of the source.
    """

    source: Source
    picture: Picture
    part: ImagePart
    to_lonlat: ToMap | None = field(default=None, repr=False)
    time_s: float | None = None
    quad_px: FloatArray | None = field(default=None, repr=False)

    def seen(self, family: Family) -> SizeWH:
        """In which size a model of the family sees it."""
        return seen_size(self.picture.size, family.unit_px, self.picture.budget.within(family.limits))

    def pointed(self, family: Family) -> FloatArray | None:
        """What is pointed at, in the coordinates of a model of the family."""
        if self.quad_px is None:
            return None
        x1, y1, x2, y2 = self.picture.window_px
        seen = self.seen(family)
        full = (
            (1000, 1000) if family.coordinates is Coordinates.PER_MILLE else (seen.width_px, seen.height_px)
        )
        scaled = (self.quad_px - [x1, y1]) * np.array(full) / [x2 - x1, y2 - y1]
        return np.asarray(np.clip(scaled, 0, full))


@dataclass
class PictureShelf:
    """The last pictures of a conversation, so that a follow-up question reads nothing again."""

    room_bytes: int = 256 << 20
    _kept: OrderedDict[object, list[Shown]] = field(default_factory=OrderedDict)

    def read(
        self, source: Source, family: Family, budget: PixelBudget, places: ScenePlaces, *, many: bool
    ) -> list[Shown]:
        """The pictures of a source, its others after it.

        ``many`` takes several frames of a clip where no more than its path says which.

        Raises:
            UsageError: a place beside the raster, or an unknown coordinate reference system.
            BadInputError: a file cannot be read.
        """
        found: list[Shown] = []
        for item in (source, *source.more):
            scene = places.scene if item.kind == "frame" else None
            said = item.model_dump_json(exclude={"more"}), budget, family.name, many
            key = (*said, _stamp(item.path), scene and _stamp(scene))
            if key not in self._kept:
                self._kept[key] = list(_read(item, family, budget, places, many=many))
            self._kept.move_to_end(key)
            found += self._kept[key]
            while len(self._kept) > 1 and self._bytes() > self.room_bytes:
                self._kept.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(shown.picture.pixels.nbytes for kept in self._kept.values() for shown in kept)


def with_kind(source: Source) -> Source:
    """The source with its kind: what lies on the map is a raster, what moves gives frames.

    Raises:
        RasterError: there is nothing, or a raster without its CRS.
        VideoError: neither a raster nor a picture.
    """
    more = tuple(map(with_kind, source.more))
    kind: str = source.kind
    if kind == "auto" and is_map(source.path):
        kind = "raster"
    elif kind == "auto":
        with open_clip(source.path) as clip:
            moves = clip.info.kind == "video" or (clip.info.frame_count or 1) > 1
        kind = "frame" if moves else "image"
    return source.model_copy(update={"kind": kind, "more": more})


def check_source(source: Source | None) -> None:
    """Whether there are pictures at all.

    Raises:
        RasterError: there is no raster, or none that can be read.
        VideoError: there is no clip or image.
    """
    for item in () if source is None else (source, *source.more):
        if with_kind(item).kind == "raster":
            open_raster(item.path).close()
        else:
            open_clip(item.path).close()


def _stamp(path: str) -> int | None:
    """When a file was written; a raster may also be no file at all."""
    place = Path(path)
    return place.stat().st_mtime_ns if place.exists() else None


def _read(
    source: Source, family: Family, budget: PixelBudget, places: ScenePlaces, *, many: bool
) -> Iterator[Shown]:
    if source.kind == "raster":
        yield _of_raster(source, family, budget)
        return
    with open_clip(source.path) as clip:
        for time_s in _times(source, clip) if many and source.kind == "frame" else [source.time_s or 0.0]:
            yield _of_frame(source, clip.frame_at(time_s), family, budget, places)


def _of_raster(source: Source, family: Family, budget: PixelBudget) -> Shown:
    with open_raster_windows(source.path) as raster:
        crs = _crs(source.crs)
        quad = None if source.quad is None else _pixels_of(np.array(source.quad), crs, raster)
        picture = raster.read(_window_px(source.extent, quad, crs, raster), family, budget)
        to_map, metric = raster.map_points, raster.info.metric_crs
    if not picture.pixels.any():
        raise UsageError("The raster has no data at the place that is asked about.")
    return Shown(
        source, picture, picture.part, lambda points: geo_crs.to_lonlat(to_map(points), metric), quad_px=quad
    )


def _crs(name: str | None) -> pyproj.CRS:
    try:
        return geo_crs.WGS84 if name is None else pyproj.CRS.from_user_input(name)
    except CRSError as error:
        raise UsageError(f"No coordinate reference system is called {name!r}.") from error


def _window_px(extent: Box | None, quad: FloatArray | None, crs: pyproj.CRS, raster: RasterWindows) -> Window:
    """Whole pixels of the raster that are shown: those of the extent, or around what is pointed at."""
    whole = raster.size.corners_px[2]
    low, high = np.zeros(2), whole
    if extent is not None:
        x1, y1, x2, y2 = extent
        steps = np.linspace(0.0, 1.0, EDGE_STEPS)
        grid = np.stack(np.meshgrid(x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps), axis=-1)
        points = _pixels_of(grid.reshape(-1, 2), crs, raster)
        low, high = points.min(axis=0), points.max(axis=0)
    elif quad is not None:
        middle, side = (quad.min(axis=0) + quad.max(axis=0)) / 2, float(np.ptp(quad, axis=0).max())
        low, high = middle - AROUND * side / 2, middle + AROUND * side / 2
    return _within(low, high, whole, "raster")


def _pixels_of(points: FloatArray, crs: pyproj.CRS, raster: RasterWindows) -> FloatArray:
    """``(N, 2)`` points of any CRS, x or longitude first, in pixels of the raster."""
    return raster.pictures.pixels_of(geo_crs.transform(points, crs, raster.info.crs), raster.plan)


def _within(low: FloatArray, high: FloatArray, whole: FloatArray, what: str) -> Window:
    """Whole pixels within a picture. A hair of a pixel is rounding of coordinates, not a wish."""
    x1, y1 = np.floor(np.clip(low, 0, whole) + HAIR_PX)
    x2, y2 = np.ceil(np.clip(high, 0, whole) - HAIR_PX)
    # False for what is not finite as well.
    if not (x2 > x1 and y2 > y1):
        raise UsageError(f"The place that is asked about lies beside the {what}.")
    return int(x1), int(y1), int(x2), int(y2)


def _of_frame(
    source: Source, frame: Frame, family: Family, budget: PixelBudget, places: ScenePlaces
) -> Shown:
    corners = np.array(source.extent or (0, 0, *frame.size.corners_px[2]), dtype=np.float64).reshape(2, 2)
    window = _within(corners[0], corners[1], frame.size.corners_px[2], "picture")
    picture = FrameWindows(frame.image).read(window, family, budget)
    is_frame = source.kind == "frame"
    return Shown(
        source,
        picture,
        picture.part,
        places.of_frame(source.path, frame) if is_frame else None,
        frame.time_s if is_frame else None,
        None if source.quad is None else np.array(source.quad, dtype=np.float64),
    )


def _times(source: Source, clip: Clip) -> list[float]:
    """Times spread over the clip, ends included."""
    last_s = clip.info.duration_s
    start_s = source.time_s or 0.0
    end_s = last_s if source.until_s is None else min(source.until_s, last_s)
    return [float(time_s) for time_s in np.linspace(start_s, max(start_s, end_s), source.frames)]


@contextmanager
def open_windows(shown: Shown) -> Iterator[PictureSource]:
    """The source of a picture, to look closer.

    Raises:
        BadInputError: it is gone or damaged.
    """
    source = shown.source
    if source.kind == "raster":
        with open_raster_windows(source.path) as raster:
            yield raster
        return
    with open_clip(source.path) as clip:
        frame = clip.frame_at(shown.time_s or 0.0)
    yield FrameWindows(frame.image)
