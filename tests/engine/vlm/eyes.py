"""Models that look: scripted ones whose answers come from the pixels that they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import rasterio
from affine import Affine

from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.backend import Conversation
from rs_copilot.vlm.families import RSCOVLM, Coordinates, Family
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.resize import seen_size
from rs_copilot.vlm.scripted import ScriptedBackend

GROUND, BLUE, GREEN, MAGENTA = (120, 110, 100), (30, 60, 220), (40, 200, 60), (255, 0, 255)
NONE = "There are none."
# Smaller patches are no regions.
MIN_AREA_PX = 100


def seen(part: ImagePart, family: Family = RSCOVLM) -> ByteImage:
    """A picture in the size in which a model sees it."""
    size = seen_size(part.size, family.unit_px, (part.budget or family.limits).within(family.limits))
    if size == part.size:
        return part.pixels
    shape = size.width_px, size.height_px
    return np.asarray(cv2.resize(part.pixels, shape, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def boxes_of(
    image: ByteImage, colour: tuple[int, int, int], off: int = 40
) -> list[tuple[int, int, int, int]]:
    """Where a colour is: x1, y1, x2, y2 of each patch, from the top."""
    low, high = (np.clip(np.array(colour) + step, 0, 255) for step in (1 - off, off - 1))
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.inRange(np.ascontiguousarray(image), low, high))
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]


def spoken(box: Sequence[int], image: ByteImage, family: Family) -> list[int]:
    """A box in the coordinates of a family."""
    if family.coordinates is Coordinates.SEEN_PX:
        return list(box)
    height, width = image.shape[:2]
    return [round(side * 1000 / full) for side, full in zip(box, (width, height) * 2, strict=True)]


def call(box: Sequence[int]) -> str:
    """A call of the zoom tool."""
    text = f'{{"name": "image_zoom_in", "arguments": {{"bbox": {list(box)}}}}}'
    return f"I look closer.\n<tool_call>\n{text}\n</tool_call>"


def seeker(family: Family = RSCOVLM) -> ScriptedBackend:
    """Finds what is magenta; where it sees none it looks closer at what is green, or else blue."""

    def answer(conversation: Conversation) -> str:
        if not conversation[-1].pictures:
            return NONE
        part = conversation[-1].pictures[-1]
        assert isinstance(part, ImagePart)
        image = seen(part, family)
        is_region = "area" in conversation[-1].text
        for colour in (MAGENTA, GREEN, BLUE):
            found = [box for box in boxes_of(image, colour) if colour == MAGENTA or _area(box) >= MIN_AREA_PX]
            if found and (colour == MAGENTA or family.grammar == "plain" or is_region):
                return _words(max(found, key=_area), colour, image)
        return NONE if family.grammar == "plain" else "[]"

    def _words(box: tuple[int, int, int, int], colour: tuple[int, int, int], image: ByteImage) -> str:
        numbers = spoken(box, image, family)
        if family.grammar == "json":
            return f'[{{"bbox_2d": {numbers}, "label": "square"}}]'
        return f"{','.join(map(str, numbers))} square" if colour == MAGENTA else call(numbers)

    return ScriptedBackend(answer, family)


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def sweeper(colours: dict[str, tuple[int, int, int]], family: Family = RSCOVLM) -> ScriptedBackend:
    """Names every patch of some colours as quads, as RSCoVLM does."""

    def answer(conversation: Conversation) -> str:
        part = conversation[-1].pictures[-1]
        assert isinstance(part, ImagePart)
        image = seen(part, family)
        lines = [
            f"{x1},{y1},{x2},{y1},{x2},{y2},{x1},{y2} {name}"
            for name, colour in colours.items()
            for x1, y1, x2, y2 in boxes_of(image, colour)
        ]
        return "\n".join(lines) or NONE

    return ScriptedBackend(answer, family)


def painted(size: SizeWH, *patches: tuple[tuple[int, int, int, int], tuple[int, int, int]]) -> ByteImage:
    """Ground with rectangles x1, y1, x2, y2 of a colour, in this order."""
    image = np.empty((size.height_px, size.width_px, 3), dtype=np.uint8)
    image[:] = GROUND
    for (x1, y1, x2, y2), colour in patches:
        image[y1:y2, x1:x2] = colour
    return image


def save_raster(
    path: Path, image: ByteImage, transform: Affine, crs: str = "EPSG:32633", *, overviews: Sequence[int] = ()
) -> Path:
    """As a tiled GeoTIFF."""
    with rasterio.open(
        path, "w", driver="GTiff", width=image.shape[1], height=image.shape[0], count=3, dtype="uint8",
        crs=crs, transform=transform, tiled=True, blockxsize=256, blockysize=256, compress="deflate",
    ) as target:  # fmt: skip
        target.write(np.moveaxis(image, -1, 0))
        if overviews:
            target.build_overviews(list(overviews), rasterio.enums.Resampling.average)
    return path
