"""Single images and folders of them: upright, in name order, with the camera's own times."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rs_copilot.errors import VideoError
from rs_copilot.types import ByteImage, Frame
from rs_copilot.video.base import TIME_TOLERANCE_S, Clip, ClipInfo, Sampler
from rs_copilot.video.exif import ImageFacts, read_facts

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError)


class StillsClip(Clip):
    """Images as a clip; frame numbers count readable headers in name order."""

    def __init__(self, path: Path) -> None:
        self.warnings = []
        self._files: list[Path] = []
        facts: list[ImageFacts] = []
        for file in list_images(path):
            try:
                facts.append(read_facts(file))
            except IMAGE_ERRORS as error:
                self.warn(f"{file.name} is not a readable image and was left out ({error})")
                continue
            self._files.append(file)
        if not self._files:
            raise VideoError(
                f"expected at least one readable image at {path.name}, found {len(self.warnings)} broken",
                hint="Choose a folder with .jpg, .png or .tif files.",
            )
        self._times_s = times_of(facts)
        self.info = ClipInfo(
            path=path,
            kind="stills",
            size=facts[0].size,
            frame_count=len(self._files),
            duration_s=self._times_s[-1],
            fps=None,
            start_utc=facts[0].utc,
        )

    def frames(
        self, every_s: float | None = None, start_s: float = 0.0, end_s: float | None = None
    ) -> Iterator[Frame]:
        """See `Clip.frames`; broken files are skipped with a warning."""
        return self._iterate(Sampler(every_s, start_s, end_s))

    def _iterate(self, sampler: Sampler) -> Iterator[Frame]:
        for number, time_s in enumerate(self._times_s):
            if sampler.is_past(time_s):
                return
            if sampler.is_due(time_s):
                frame = self._read(number)
                if frame is not None:
                    sampler.accept(time_s)
                    yield frame

    def _read(self, number: int) -> Frame | None:
        file = self._files[number]
        try:
            image = read_image(file)
        except IMAGE_ERRORS as error:
            self.warn(f"{file.name} is damaged and was left out ({error})")
            return None
        return Frame(number, self._times_s[number], image, file.name)

    def frame_at(self, time_s: float) -> Frame:
        """See `Clip.frame_at`; a broken file gives way to the readable one before, else after it."""
        last = max((i for i, t in enumerate(self._times_s) if t <= time_s + TIME_TOLERANCE_S), default=0)
        for number in [*range(last, -1, -1), *range(last + 1, len(self._files))]:
            frame = self._read(number)
            if frame is not None:
                return frame
        raise VideoError(f"expected a readable image in {self.info.path.name}, found only damaged ones")

    def frame_times_s(self) -> list[float]:
        """See `Clip.frame_times_s`."""
        return list(self._times_s)

    def close(self) -> None:
        """See `Clip.close`; nothing stays open between images."""


def list_images(path: Path) -> list[Path]:
    """The images of a folder in name order, or the one image.

    Raises:
        VideoError: the folder holds no image.
    """
    if not path.is_dir():
        return [path]
    files = sorted(
        (f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")),
        key=lambda f: f.name,
    )
    if not files:
        raise VideoError(
            f"expected .jpg, .png or .tif images in {path.name}, found none",
            hint="Choose the folder that holds the images themselves.",
        )
    return files


def times_of(facts: Sequence[ImageFacts]) -> list[float]:
    """Seconds from the first image by the camera's clock, or one second per image.

    The clock counts when every image has a time, none goes back, and not all are the same.
    """
    clock = [fact.taken_s for fact in facts if fact.taken_s is not None]
    rising = all(a <= b for a, b in pairwise(clock))
    if len(clock) == len(facts) and rising and (len(clock) == 1 or clock[-1] > clock[0]):
        return [taken_s - clock[0] for taken_s in clock]
    return [float(number) for number in range(len(facts))]


def read_image(path: Path) -> ByteImage:
    """Read one image upright, shape (H, W, 3).

    16-bit and float images are stretched between their own 1st and 99th percentile; of more than three
    bands the first three are taken, a single band is grey.

    Raises:
        OSError: it is not an image, or is cut off.
        ValueError: its pixels cannot be shown as RGB.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # 100-megapixel cameras exist
        try:
            with Image.open(path) as stored:
                upright = ImageOps.exif_transpose(stored)
                if upright.mode.startswith(("I", "F")):
                    return stretch(np.asarray(upright, dtype=np.float32)[..., None])
                return np.ascontiguousarray(np.asarray(upright.convert("RGB"), dtype=np.uint8))
        except UnidentifiedImageError:
            if path.suffix.lower() not in {".tif", ".tiff"}:
                raise
    return _read_with_gdal(path)


def _read_with_gdal(path: Path) -> ByteImage:
    # Pillow knows no TIFF with more than four bands or 16 bits in several bands.
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as source:
                bands = [1, 2, 3] if source.count >= 3 else [1]
                return stretch(np.moveaxis(source.read(bands), 0, -1).astype(np.float32))
        except RasterioError as error:
            raise OSError(f"not an image: {error}") from error


def stretch(bands: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> ByteImage:
    """Bytes from an ``(H, W, 1 or 3)`` image of any range: 1st to 99th percentile of each band."""
    low, high = np.nanpercentile(bands, [1, 99], axis=(0, 1))
    scaled = (bands - low) / np.maximum(high - low, 1e-6) * 255.0
    clipped = np.nan_to_num(np.clip(scaled, 0.0, 255.0)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(clipped, (*clipped.shape[:2], 3)))
