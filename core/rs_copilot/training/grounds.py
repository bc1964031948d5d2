"""Pieces of ground to draw pairs from: rasters of one or several dates, and drone pictures on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.localization.patches import Pyramid
from rs_copilot.raster.source import open_raster
from rs_copilot.training.worlds import read_world
from rs_copilot.types import BoolArray, ByteImage, FloatArray
from rs_copilot.video.clip import open_clip

# Below this many pixels a picture holds too few distinct tiles.
MIN_SIDE_PX = 256
MAX_SIDE_PX = 4096
# Pairs are drawn from levels no smaller than this.
SMALLEST_LEVEL_PX = 128


def pyramid_of(image: ByteImage) -> Pyramid:
    """What pairs of any size are drawn from."""
    return Pyramid.of(image, SMALLEST_LEVEL_PX)


@dataclass(frozen=True)
class Shot:
    """A drone picture: ``map_px_from_px`` leads from its pixels to pixels of its ground."""

    picture: Pyramid
    map_px_from_px: FloatArray


@dataclass(frozen=True)
class Ground:
    """One place: pictures ``dates`` of it on one grid, where they have data, and shots of it from the air."""

    name: str
    dates: tuple[Pyramid, ...]
    valid: BoolArray
    shots: tuple[Shot, ...] = field(default=())

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.dates[0].levels[0].shape[:2]
        return int(width), int(height)


def read_world_ground(path: Path) -> Ground:
    """A rendered training world."""
    world = read_world(path)
    shots = tuple(
        Shot(pyramid_of(picture), homography)
        for picture, homography in zip(world.frames, world.map_px_from_px, strict=True)
    )
    valid = np.ones(world.satellites.shape[1:3], dtype=bool)
    return Ground(path.stem, tuple(pyramid_of(image) for image in world.satellites), valid, shots)


def read_raster_ground(paths: Sequence[Path]) -> Ground:
    """Rasters of one place at several dates, resampled to the first one's grid.

    Raises:
        BadInputError: a raster cannot be read, or is too small to draw tiles from.
    """
    with open_raster(paths[0]) as first:
        info = first.info
        gsd_m = max(info.gsd_m, max(info.size.width_px, info.size.height_px) / MAX_SIDE_PX * info.gsd_m)
        bounds = info.bounds_m
        images = [first.read(gsd_m, bounds)]
    for path in paths[1:]:
        with open_raster(path) as other:
            images.append(other.read(gsd_m, bounds))
    shape = images[0].image.shape[:2]
    same = [item for item in images if item.image.shape[:2] == shape]
    if min(shape) < MIN_SIDE_PX:
        raise BadInputError(
            f"{paths[0].name} is {shape[1]} x {shape[0]} px, expected at least {MIN_SIDE_PX} px a side",
            hint="Train on a raster with more ground, or at a finer resolution.",
        )
    valid = np.logical_and.reduce([item.valid for item in same])
    return Ground(paths[0].stem, tuple(pyramid_of(item.image) for item in same), np.asarray(valid))


def read_picture_ground(path: Path) -> Ground:
    """A photo taken straight down, as a piece of ground without a place.

    Raises:
        BadInputError: it cannot be read.
    """
    with open_clip(path) as clip:
        frame = next(iter(clip.frames()))
    return Ground(path.stem, (pyramid_of(frame.image),), np.ones(frame.image.shape[:2], dtype=bool))
