"""Doors to the pictures of benchmarks, which may be larger than a model will ever see."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from rs_copilot.errors import BadInputError
from rs_copilot.raster.bands import bytes_to_rgb
from rs_copilot.types import Box, ByteImage, FloatArray, SizeWH
from rs_copilot.video.exif import read_facts
from rs_copilot.video.stills import IMAGE_ERRORS, IMAGE_SUFFIXES, read_image, stretch
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.picture import Picture, fitting_size
from rs_copilot.vlm.resize import PixelBudget

SUFFIXES = IMAGE_SUFFIXES | {".bmp"}
# From here on a picture is read with fewer pixels than it has, where the model would see fewer anyway.
LARGE_PX = 50_000_000
# What is read then, of what the model sees: it shrinks the rest itself.
SPARE = 4


def find_pictures(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by name without suffix.

    Raises:
        BadInputError: there are none.
    """
    found = {path.stem: path for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES}
    if not found:
        raise BadInputError(f"expected pictures in the folder {folder}, found none")
    return found


def find_picture(folders: Iterable[Path], name: str) -> Path:
    """A picture by its path below one of some folders; another suffix will do.

    Raises:
        BadInputError: it is in none of them, or the path leads out of them.
    """
    tried = [(folder, (folder / name).resolve()) for folder in folders]
    for folder, path in tried:
        if not path.is_relative_to(folder.resolve()):
            continue
        also = [path.with_suffix(suffix) for suffix in sorted(SUFFIXES)]
        found = next((item for item in (path, *also) if item.is_file()), None)
        if found is not None:
            return found
    places = ", ".join(str(folder) for folder, _ in tried)
    raise BadInputError(f"the picture {name} is not below {places}", hint="Give the folder with --images.")


def read_size(path: Path) -> SizeWH:
    """Size of a picture by its header.

    Raises:
        BadInputError: it is none.
    """
    try:
        return read_facts(path).size
    except IMAGE_ERRORS:
        with _open(path) as source:  # Pillow refuses pictures of more than 179 megapixels
            return SizeWH(source.width, source.height)


def read_picture(path: Path, seen_px: int | None = None) -> tuple[ByteImage, SizeWH]:
    """A picture ``(H, W, 3)``, and the size that its file has.

    A picture of more than 50 megapixels of which a model sees ``seen_px`` is read with four times as many, so
    that memory follows the model and not the file.

    Raises:
        BadInputError: it cannot be read.
    """
    size = read_size(path)
    if seen_px is not None and size.width_px * size.height_px > max(LARGE_PX, SPARE * seen_px):
        return _reduced(path, size, SPARE * seen_px), size
    try:
        return read_image(path), size
    except IMAGE_ERRORS as error:
        raise BadInputError(f"cannot read the picture {path}: {error}") from error


@dataclass(frozen=True)
class FileWindows:
    """Windows of a picture without a place on the map, read from its file one by one."""

    path: Path
    size: SizeWH

    def read(self, window_px: Box, family: Family, budget: PixelBudget) -> Picture:
        """See `vlm.picture.PictureSource`."""
        x1, y1, x2, y2 = window_px
        size = fitting_size(SizeWH(x2 - x1, y2 - y1), family, budget)
        return Picture(_averaged(self.path, window_px, size), window_px, budget)

    def map_points(self, points_px: FloatArray) -> None:
        """Nobody knows the place."""
        del points_px


def _reduced(path: Path, size: SizeWH, most_px: int) -> ByteImage:
    """Averaged to about so many pixels."""
    scale = (most_px / (size.width_px * size.height_px)) ** 0.5
    smaller = SizeWH(*(max(1, round(side * scale)) for side in (size.width_px, size.height_px)))
    return _averaged(path, (0, 0, size.width_px, size.height_px), smaller)


def _averaged(path: Path, window_px: Box, size: SizeWH) -> ByteImage:
    """A window of a picture at another size."""
    x1, y1, x2, y2 = window_px
    with _open(path) as source:
        bands = [1, 2, 3] if source.count >= 3 else [1]
        values = source.read(
            bands,
            window=Window(x1, y1, x2 - x1, y2 - y1),
            out_shape=(len(bands), size.height_px, size.width_px),
            resampling=Resampling.average,
        )
    if values.dtype != np.uint8:
        return stretch(np.moveaxis(values, 0, -1).astype(np.float32))
    return bytes_to_rgb(values)


@contextmanager
def _open(path: Path) -> Iterator[rasterio.DatasetReader]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as source:
                yield source
        except RasterioError as error:
            raise BadInputError(f"cannot read the picture {path}: {error}") from error
