"""Pictures for a conversation: windows of rasters, frames and files, each with its way back to the map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.detect import is_map
from rs_copilot.jobs.look_params import Source
from rs_copilot.jobs.look_place import ScenePlaces
from rs_copilot.raster.source import open_raster
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import Tile, plan_tiles
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.video.clip import open_clip
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.resize import PixelBudget, seen_size

# What is pointed at is seen with as much around it.
AROUND = 2.0
# Straight edges of one CRS are bent in another.
EDGE_STEPS = 9

ToMap = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Shown:
    """A picture as it is shown to a model.

    ``origin_px`` and ``scale_xy`` lead from its pixels to those of the source; ``to_lonlat`` from there to
    the map, ``None`` where the place is not known. ``quad_px`` (4, 2) is what is pointed at, in pixels of the
    picture.
    """

    part: ImagePart
    origin_px: tuple[float, float] = (0.0, 0.0)
    scale_xy: tuple[float, float] = (1.0, 1.0)
    to_lonlat: ToMap | None = field(default=None, repr=False)
    time_s: float | None = None
    quad_px: FloatArray | None = field(default=None, repr=False)

    def source_px(self, points: FloatArray) -> FloatArray:
        """``(N, 2)`` pixels of the picture in pixels of the source."""
        return np.asarray(points * np.array(self.scale_xy) + np.array(self.origin_px))

    def seen(self, family: Family) -> SizeWH:
        """In which size a model of the family sees it."""
        return seen_size(
            self.part.size, family.unit_px, (self.part.budget or family.limits).within(family.limits)
        )


@dataclass
class PictureShelf:
    """The last pictures of a conversation, so that a follow-up question reads nothing again."""

    room: int = 32
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
            while len(self._kept) > self.room:
                self._kept.popitem(last=False)
        return found


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
    elif source.kind == "image" or not many:
        yield _of_clip(source, places, budget, source.time_s or 0.0)
    else:
        for time_s in _times(source):
            yield _of_clip(source, places, budget, time_s)


def _of_raster(source: Source, family: Family, budget: PixelBudget) -> Shown:
    with open_tile_pictures(source.path) as pictures:
        crs = _crs(source.crs)
        window = _window_px(source, crs, pictures)
        whole = SizeWH(int(window[2] - window[0]), int(window[3] - window[1]))
        size = whole
        if whole.width_px * whole.height_px > budget.max_px:
            size = seen_size(whole, family.unit_px, budget)
        scale = whole.width_px / size.width_px, whole.height_px / size.height_px
        plan = plan_tiles(pictures.info.size, size, 0, scale)
        x, y = round(window[0] / scale[0]), round(window[1] / scale[1])
        place = (x, y, x + size.width_px, y + size.height_px)
        pixels = pictures.read(plan, Tile(0, 0, 0, place, place))
        if pixels is None:
            raise UsageError("The raster has no data at the place that is asked about.")
        origin = x * scale[0], y * scale[1]
        own, georeference = pictures.info.crs, pictures.place
    quad = None if source.quad is None else _raster_px(source.quad, crs, georeference.crs, pictures)
    if quad is not None:
        quad = (quad - np.array(origin)) / np.array(scale)
    return Shown(
        ImagePart(np.ascontiguousarray(pixels), budget),
        origin,
        scale,
        lambda points: geo_crs.to_lonlat(georeference.apply(points), own),
        quad_px=quad,
    )


def _crs(name: str | None) -> pyproj.CRS:
    try:
        return geo_crs.WGS84 if name is None else pyproj.CRS.from_user_input(name)
    except CRSError as error:
        raise UsageError(f"No coordinate reference system is called {name!r}.") from error


def _raster_px(points: object, crs: pyproj.CRS, own: pyproj.CRS, pictures: TilePictures) -> FloatArray:
    plan = plan_tiles(pictures.info.size, pictures.info.size, 0)
    return pictures.pixels_of(geo_crs.transform(np.array(points, dtype=np.float64), crs, own), plan)


def _window_px(source: Source, crs: pyproj.CRS, pictures: TilePictures) -> tuple[int, int, int, int]:
    """Whole pixels of the raster that are shown."""
    size = np.array([pictures.info.size.width_px, pictures.info.size.height_px])
    if source.extent is None and source.quad is None:
        return 0, 0, int(size[0]), int(size[1])
    if source.extent is not None:
        x1, y1, x2, y2 = source.extent
        steps = np.linspace(0.0, 1.0, EDGE_STEPS)
        grid = np.stack(np.meshgrid(x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps), axis=-1).reshape(-1, 2)
        points = _raster_px(grid, crs, pictures.info.crs, pictures)
        low, high = points.min(axis=0), points.max(axis=0)
    else:
        points = _raster_px(source.quad, crs, pictures.info.crs, pictures)
        middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, float(np.ptp(points, axis=0).max()) / 2
        low, high = middle - AROUND * half, middle + AROUND * half
    low, high = np.floor(np.clip(low, 0, size)), np.ceil(np.clip(high, 0, size))
    if not (np.isfinite(points).all() and (high > low).all()):
        raise UsageError("The place that is asked about lies beside the raster.")
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _of_clip(source: Source, places: ScenePlaces, budget: PixelBudget, time_s: float) -> Shown:
    with open_clip(source.path) as clip:
        frame = clip.frame_at(time_s)
    size = frame.size
    x1, y1, x2, y2 = 0, 0, size.width_px, size.height_px
    if source.extent is not None:
        left, top, right, bottom = source.extent
        x1, y1 = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
        x2, y2 = min(int(np.ceil(right)), x2), min(int(np.ceil(bottom)), y2)
        if x2 <= x1 or y2 <= y1:
            raise BadInputError("The place that is asked about lies beside the picture.")
    quad = None if source.quad is None else np.array(source.quad, dtype=np.float64) - [x1, y1]
    is_frame = source.kind == "frame"
    return Shown(
        ImagePart(np.ascontiguousarray(frame.image[y1:y2, x1:x2]), budget),
        (float(x1), float(y1)),
        to_lonlat=places.of_frame(source.path, frame) if is_frame else None,
        time_s=frame.time_s if is_frame else None,
        quad_px=quad,
    )


def _times(source: Source) -> list[float]:
    """Times spread over the clip, ends included."""
    with open_clip(source.path) as clip:
        last_s = clip.info.duration_s
    start_s = source.time_s or 0.0
    end_s = last_s if source.until_s is None else min(source.until_s, last_s)
    return [float(time_s) for time_s in np.linspace(start_s, max(start_s, end_s), source.frames)]
