"""The same photos as other sensors and other weather would show them.

Everything here is a simple simulation whose whole recipe is the function: it says how far a method carries
beyond daylight colour, not how well it does on such a sensor. Only 05_seneca is near infrared in truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.localization.cases import ATTITUDE, Case
from rs_copilot.types import ByteImage

Change = Callable[[ByteImage, np.random.Generator], ByteImage]
PHOTO_WIDTH_PX = 1200
PHOTOS = 8
JPEG_QUALITY = 92
METHODS = ("grey-ncc", "double-angle")


def near_infrared(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """Vegetation bright, all else by its red: 0.5 red + 2.2 (green - (red + blue) / 2), one band."""
    red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0)
    return grey(0.5 * red + 60.0 + 2.2 * (green - 0.5 * (red + blue)))


def thermal(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """Brightness inverted (what is bright stays cool), vegetation cool, a quarter of the detail, noise."""
    red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0)
    warmth = 255.0 - image.mean(axis=2) - 1.2 * np.maximum(green - 0.5 * (red + blue), 0.0)
    small = cv2.resize(warmth, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = small + rng.normal(0.0, 4.0, small.shape).astype(np.float32)
    return grey(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC))


def night(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """A twelfth of the light, shot noise and read noise."""
    light = rng.poisson(image.astype(np.float64) / 12.0 * 2.0) / 2.0
    return _bytes(light + rng.normal(0.0, 2.5, image.shape) + 4.0)


def haze(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """Contrast down to 20-40 %, rising across the picture, under a bright veil."""
    through = np.linspace(0.2, 0.4, image.shape[0])[:, None, None]
    return _bytes(image * through + 205.0 * (1.0 - through))


def snow(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """Green and dull ground turns white; what is dark (walls, roads, water) or colourful shows through."""
    values = image.astype(np.float32)
    green = np.clip((values[..., 1] - 0.5 * (values[..., 0] + values[..., 2])) / 12.0 + 0.4, 0.0, 1.0)
    light = np.clip((values.mean(axis=2) - 60.0) / 60.0, 0.0, 1.0)
    cover = cv2.GaussianBlur(np.maximum(green, 0.6 * light), (0, 0), 2.0)[..., None]
    white = 228.0 + rng.normal(0.0, 5.0, image.shape)
    return _bytes(values * (1.0 - cover) + white * cover)


def jpeg(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """JPEG of quality 10."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 10])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def blur(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """Out of focus: Gaussian, sigma 1/250 of the width (about 0.6 m on the ground of 01)."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 250.0), dtype=np.uint8)


CHANGES: dict[str, Change | None] = {
    "as recorded": None,
    "near infrared": near_infrared,
    "thermal-like": thermal,
    "night": night,
    "haze": haze,
    "snow": snow,
    "JPEG quality 10": jpeg,
    "blur": blur,
}


def photo_cases(work: Path, real: list[Case]) -> list[Case]:
    """A few photos of each source of photos under every change."""
    found = []
    for case in real:
        if case.name not in ("01_fengyuan", "04_brighton", "05_seneca"):
            continue
        for kind, change in CHANGES.items():
            if case.name == "05_seneca" and kind == "near infrared":
                continue
            found.append(_changed(work, case, kind, change))
    return found


def _changed(work: Path, case: Case, kind: str, change: Change | None) -> Case:
    names = sorted(case.truth or {})
    names = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, PHOTOS).round().astype(int))]
    folder = work / f"{case.name}_{kind.replace(' ', '_')}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        if not (folder / name).exists():
            _write_photo(case.clip / name, folder / name, change, np.random.default_rng(number))
    truth = {name: case.truth[name] for name in names} if case.truth else {}
    tags = {"modality": kind, "source": case.name}
    return replace(
        case,
        name=folder.name,
        group="modality",
        clip=folder,
        truth=truth,
        uses=(ATTITUDE,),
        methods=METHODS,
        tags=tags,
    )


def _write_photo(source: Path, target: Path, change: Change | None, rng: np.random.Generator) -> None:
    # Colours stay in OpenCV's order on the way in and out; the changes want RGB.
    image = cv2.cvtColor(cv2.imread(str(source)), cv2.COLOR_BGR2RGB)
    if image.shape[1] > PHOTO_WIDTH_PX:
        size = (PHOTO_WIDTH_PX, round(image.shape[0] * PHOTO_WIDTH_PX / image.shape[1]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    changed = np.asarray(image, dtype=np.uint8) if change is None else change(image, rng)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    cv2.imwrite(str(target), cv2.cvtColor(changed, cv2.COLOR_RGB2BGR), quality)


def grey(values: np.ndarray) -> ByteImage:
    """One band ``(H, W)``, clipped to bytes, as RGB."""
    return np.repeat(_bytes(values)[..., None], 3, axis=2)


def _bytes(values: np.ndarray) -> ByteImage:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
