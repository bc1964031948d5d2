"""Windows of a raster or a frame as a model is shown them, with the way back to source pixels and the map.

A window that has more pixels than the model may see is read in just the size in which the model sees it, so
that nobody resizes it again and its cost does not grow with the raster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np

from rs_copilot.raster.grid import RasterInfo
from rs_copilot.tiles.glance import glance
from rs_copilot.tiles.pictures import open_tile_pictures
from rs_copilot.tiles.plan import plan_tiles
from rs_copilot.types import Box, ByteImage, FloatArray, SizeWH
from rs_copilot.vlm.answers import source_px
from rs_copilot.vlm.families import Coordinates, Family
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.resize import PixelBudget, seen_size

ToMap = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Picture:
    """What a model is shown of a source.

    ``window_px`` is x1, y1, x2, y2 in pixels of the source; ``share`` the part of it that was read, below 1
    where a raster has no overviews and would have taken too long, or where ``damaged`` pieces could not be
    read.
    """

    pixels: ByteImage = field(repr=False)
    window_px: Box
    budget: PixelBudget
    share: float = 1.0
    damaged: int = 0

    @property
    def size(self) -> SizeWH:
        """Width and height of the picture."""
        return SizeWH(int(self.pixels.shape[1]), int(self.pixels.shape[0]))

    @property
    def shrink(self) -> float:
        """How many pixels of the source lie along one of the picture; 1 where all detail is there."""
        x1, y1, x2, y2 = self.window_px
        return max((x2 - x1) / self.size.width_px, (y2 - y1) / self.size.height_px)

    @property
    def part(self) -> ImagePart:
        """As a message carries it."""
        return ImagePart(self.pixels, self.budget)

    def in_source(self, quads: FloatArray, seen: SizeWH, coordinates: Coordinates) -> FloatArray:
        """Corners ``(..., 2)`` in a model's coordinates as pixels of the source.

        Args:
            quads: what the model said.
            seen: in which size it saw the picture.
            coordinates: what its numbers mean.
        """
        x1, y1, x2, y2 = self.window_px
        inside = source_px(quads, seen, SizeWH(x2 - x1, y2 - y1), coordinates)
        return np.asarray(inside + np.array([x1, y1], dtype=np.float64))


class PictureSource(Protocol):
    """Something that windows are read from: a raster of any size, or one picture."""

    @property
    def size(self) -> SizeWH:
        """Its size in pixels."""
        ...

    def read(self, window_px: Box, family: Family, budget: PixelBudget) -> Picture:
        """A window x1, y1, x2, y2 at no more pixels than a model may see.

        Raises:
            BadInputError: the window is too narrow for models, or its pixels are damaged.
        """
        ...

    def map_points(self, points_px: FloatArray) -> FloatArray | None:
        """``(N, 2)`` pixels on the map, in metres of its metric CRS; NaN where they lie nowhere on it.

        ``None`` where nobody knows the place.
        """
        ...


def fitting_size(size: SizeWH, family: Family, budget: PixelBudget) -> SizeWH:
    """The size in which a window is read: its own, or the one in which a model sees it if that is smaller.

    Raises:
        BadInputError: the window is too narrow for models.
    """
    allowed = budget.within(family.limits)
    seen = seen_size(size, family.unit_px, allowed)
    if size.width_px * size.height_px <= allowed.max_px:
        return size
    return SizeWH(min(seen.width_px, size.width_px), min(seen.height_px, size.height_px))


class RasterWindows:
    """Windows of a georeferenced raster. Close it, or use it as a context manager.

    ``plan`` is the raster itself, in its own pixels.
    """

    def __init__(self, path: str, *, is_patient: bool = False) -> None:
        self.pictures = open_tile_pictures(path)
        self._is_patient = is_patient
        self.plan = plan_tiles(self.pictures.info.size, self.pictures.info.size, 0)

    @property
    def info(self) -> RasterInfo:
        """What the raster is."""
        return self.pictures.info

    @property
    def size(self) -> SizeWH:
        """Its size in pixels."""
        return self.info.size

    def read(self, window_px: Box, family: Family, budget: PixelBudget) -> Picture:
        """See `PictureSource.read`; what has no data is black."""
        x1, y1, x2, y2 = window_px
        size = fitting_size(SizeWH(x2 - x1, y2 - y1), family, budget)
        seen = glance(self.pictures, window_px, size, is_patient=self._is_patient)
        return Picture(np.ascontiguousarray(seen.image), window_px, budget, seen.share, seen.damaged)

    def map_points(self, points_px: FloatArray) -> FloatArray:
        """``(N, 2)`` pixels in metres of ``info.metric_crs``."""
        return self.pictures.map_points(points_px, self.plan)

    def close(self) -> None:
        """Let go of the file."""
        self.pictures.close()

    def __enter__(self) -> RasterWindows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_raster_windows(path: str, *, is_patient: bool = False) -> RasterWindows:
    """Open a raster to be shown; ``is_patient`` reads all of a window even where that takes long.

    Raises:
        RasterError: it is not a raster, has no bands, or covers no area.
        MissingCrsError: it does not say where on Earth it lies.
    """
    return RasterWindows(path, is_patient=is_patient)


@dataclass(frozen=True, eq=False)
class FrameWindows:
    """Windows of a frame or a photo: ``image`` (H, W, 3); ``to_map`` leads from its pixels to map metres."""

    image: ByteImage = field(repr=False)
    to_map: ToMap | None = None

    @property
    def size(self) -> SizeWH:
        """Its size in pixels."""
        return SizeWH(int(self.image.shape[1]), int(self.image.shape[0]))

    def read(self, window_px: Box, family: Family, budget: PixelBudget) -> Picture:
        """See `PictureSource.read`."""
        x1, y1, x2, y2 = window_px
        piece = self.image[y1:y2, x1:x2]
        size = fitting_size(SizeWH(x2 - x1, y2 - y1), family, budget)
        if (size.width_px, size.height_px) != (x2 - x1, y2 - y1):
            shape = size.width_px, size.height_px
            piece = np.asarray(cv2.resize(piece, shape, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return Picture(np.ascontiguousarray(piece), window_px, budget)

    def map_points(self, points_px: FloatArray) -> FloatArray | None:
        """``(N, 2)`` pixels in map metres, where the frame is placed."""
        return None if self.to_map is None else self.to_map(points_px)
