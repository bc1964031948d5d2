"""The map as a model is shown it: north up, around what the clip saw, with the numbers of the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.prior import BoxPx, Prior, prior_marks
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.types import ByteImage, FloatArray, SizeWH
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.picture import RasterWindows, open_raster_windows
from rs_copilot.vlm.resize import PixelBudget, seen_size

Colour = tuple[int, int, int]
# What is written, where, and in which colour.
Drawn = tuple[str, BaseGeometry, Colour]

# Around what is shown, as a share of its longer side; the least side of the picture on the ground; and how
# much longer than wide it may be.
MARGIN, MIN_SIDE_M, MAX_ASPECT = 0.08, 60.0, 3.0
MAX_SLIVER = 50.0
HALF = np.float32(0.5)
# Enough to tell a house from a lorry over some hundred metres; about 800 visual tokens.
MAP_BUDGET = PixelBudget(448 * 448, 784 * 784)
# Outlines and numbers: a colour that neither ground nor roofs have, on a dark rim.
COLOURS = {Kind.MARK: (255, 60, 200), Kind.TRACK: (60, 230, 255)}
COLOUR, PRIOR_COLOUR, RIM = (255, 235, 60), (120, 255, 120), (0, 0, 0)
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.45
# More numbers than these hide the map and one another.
MAX_MARKS = 40


@dataclass(frozen=True)
class MapView:
    """Which raster a model is shown, and how many pixels of it."""

    raster: str
    budget: PixelBudget = MAP_BUDGET


@dataclass(frozen=True, eq=False)
class MapPicture:
    """The picture ``(H, W, 3)``.

    ``corner_m`` (2,) is its north-west corner in the CRS of the memory, ``per_m`` (2,) its pixels in a metre
    to the east and to the south.
    """

    pixels: ByteImage = field(repr=False)
    budget: PixelBudget
    corner_m: FloatArray
    per_m: FloatArray
    memory: Memory = field(repr=False)

    @property
    def part(self) -> ImagePart:
        """As a message carries it."""
        return ImagePart(self.pixels, self.budget)

    def places_px(self, xy_m: FloatArray) -> FloatArray:
        """``(N, 2)`` places in the CRS of the memory as pixels."""
        return np.asarray((xy_m - self.corner_m) * [1.0, -1.0] * self.per_m)

    def box_px(self, shape_lonlat: BaseGeometry) -> BoxPx | None:
        """The box of a shape in degrees; ``None`` where it lies outside of the picture."""
        points = self.places_px(shapely.get_coordinates(self.memory.to_metric(shape_lonlat)))
        height, width = self.pixels.shape[:2]
        low, high = np.clip([points.min(axis=0), points.max(axis=0)], 0, [width, height])
        if not (high > low).all():
            return None
        x1, y1, x2, y2 = (int(value) for value in (*np.floor(low), *np.ceil(high)))
        return x1, y1, x2, y2


def read_map(
    view: MapView, memory: Memory, shown: Sequence[Thing], family: Family, prior: Prior | None = None
) -> MapPicture | None:
    """The map around what the clip saw, with the numbers of the list and the squares of a prior.

    Args:
        view: the raster.
        memory: the scene, with the question's marks.
        shown: the things of the list; the first has number 1.
        family: of the model that will see it.
        prior: tiles that may show the view.

    Returns:
        ``None`` where the clip saw nothing, or nothing that lies on the raster.

    Raises:
        RasterError: the raster cannot be read.
        MissingCrsError: it does not say where it lies.
    """
    tiles = [(name, memory.to_metric(shape)) for name, shape in prior_marks(prior)]
    area = _area(memory, [shape for _, shape in tiles])
    if area is None:
        return None
    with open_raster_windows(view.raster) as raster:
        picture = _crop(raster, area, memory, family, view.budget)
    if picture is None:
        return None
    _draw(picture, [*_numbered(shown, area), *((*tile, PRIOR_COLOUR) for tile in tiles)])
    return picture


def _area(memory: Memory, tiles: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """A box around all frames, the question's marks and tiles of a prior, in the CRS of the memory."""
    seen = [memory.views.ground] if len(memory.views) else []
    shapes = [*seen, *(thing.shape for thing in memory.by_kind[Kind.MARK]), *tiles]
    bounds = np.array([shape.bounds for shape in shapes if not shape.is_empty])
    if not len(bounds):
        return None
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    side = max(float((high - low).max()) * (1.0 + 2.0 * MARGIN), MIN_SIDE_M)
    half = np.maximum((high - low) * (0.5 + MARGIN), side / MAX_ASPECT / 2.0)
    middle = (low + high) / 2.0
    return shapely.box(*(middle - half), *(middle + half))


def _crop(
    raster: RasterWindows, area: BaseGeometry, memory: Memory, family: Family, budget: PixelBudget
) -> MapPicture | None:
    """The area out of the raster, turned so that north of the memory's CRS is up."""
    west, south, east, north = area.bounds
    # North-west, north-east, south-west: three corners say how a picture lies.
    corners_m = np.array([[west, north], [east, north], [west, south], [east, south]])
    corners = geo_crs.transform(corners_m, memory.crs, raster.info.crs)
    corners_px = raster.pictures.pixels_of(corners, raster.plan)
    whole = raster.size.corners_px[2]
    low = np.clip(np.floor(corners_px.min(axis=0)), 0, whole)
    high = np.clip(np.ceil(corners_px.max(axis=0)), 0, whole)
    span = high - low
    # False for what is not finite as well; slivers are no map.
    if not (span.min() >= 2.0 and span.max() <= MAX_SLIVER * span.min()):
        return None
    x1, y1, x2, y2 = (int(value) for value in (*low, *high))
    read = raster.read((x1, y1, x2, y2), family, budget)
    size = _size(east - west, north - south, family, budget)
    scale = np.array([read.size.width_px, read.size.height_px]) / span
    start = ((corners_px[:3] - low) * scale).astype(np.float32)
    end = np.array([[0, 0], [size.width_px, 0], [0, size.height_px]], dtype=np.float32)
    # OpenCV counts from the middle of the first pixel, we from its corner.
    turn = cv2.getAffineTransform(start - HALF, end - HALF)
    pixels = cv2.warpAffine(read.pixels, turn, (size.width_px, size.height_px), flags=cv2.INTER_LINEAR)
    per_m = size.corners_px[2] / [east - west, north - south]
    return MapPicture(np.ascontiguousarray(pixels), budget, np.array([west, north]), per_m, memory)


def _size(width_m: float, height_m: float, family: Family, budget: PixelBudget) -> SizeWH:
    """The size in which the model sees a picture of that shape: it is drawn in no other."""
    allowed = budget.within(family.limits)
    longer = 4096 / max(width_m, height_m)
    shape = SizeWH(max(1, round(width_m * longer)), max(1, round(height_m * longer)))
    return seen_size(shape, family.unit_px, allowed)


def _numbered(shown: Sequence[Thing], area: BaseGeometry) -> list[Drawn]:
    """Things of the list that lie in the area, no more of each than does."""
    parts = [(number, thing, shapely.clip_by_rect(thing.shape, *area.bounds)) for number, thing in
             enumerate(shown, start=1)]  # fmt: skip
    drawn = [
        (str(number), part, COLOURS.get(thing.kind, COLOUR))
        for number, thing, part in parts if not part.is_empty
    ]  # fmt: skip
    return drawn[:MAX_MARKS]


def _draw(picture: MapPicture, marks: Sequence[Drawn]) -> None:
    """Draw outlines first, then numbers, so that no line goes through one."""
    for _, shape, colour in marks:
        for line in _lines(shape):
            points = np.round(picture.places_px(line)).astype(np.int32)
            cv2.polylines(picture.pixels, [points], False, RIM, 3, cv2.LINE_AA)
            cv2.polylines(picture.pixels, [points], False, colour, 1, cv2.LINE_AA)
    for name, shape, colour in marks:
        _label(picture, name, shape, colour)


def _lines(shape: BaseGeometry) -> Iterable[FloatArray]:
    """Outlines and lines of a shape, each (N, 2); a point is a small square."""
    for part in shapely.get_parts(shapely.force_2d(shape)):
        if part.geom_type == "Point":
            yield shapely.get_coordinates(part.buffer(1.0, quad_segs=1))
        elif part.geom_type == "Polygon":
            yield shapely.get_coordinates(part.exterior)
        elif part.geom_type in ("LineString", "LinearRing"):
            yield shapely.get_coordinates(part)


def _middle(shape: BaseGeometry) -> BaseGeometry:
    """Where a number is written: halfway along a line, within an area."""
    line = shapely.line_merge(shape) if "LineString" in shape.geom_type else shape
    if line.geom_type == "LineString":
        return shapely.line_interpolate_point(line, 0.5, normalized=True)
    return shape.representative_point()


def _label(picture: MapPicture, name: str, shape: BaseGeometry, colour: Colour) -> None:
    height, width = picture.pixels.shape[:2]
    middle = shapely.get_coordinates(_middle(shape))
    (wide, high), _ = cv2.getTextSize(name, FONT, FONT_SCALE, 1)
    x, y = picture.places_px(middle)[0] + [-wide / 2, high / 2]
    at = int(np.clip(x, 0, max(width - wide, 0))), int(np.clip(y, high, max(height - 1, high)))
    cv2.putText(picture.pixels, name, at, FONT, FONT_SCALE, RIM, 3, cv2.LINE_AA)
    cv2.putText(picture.pixels, name, at, FONT, FONT_SCALE, colour, 1, cv2.LINE_AA)
