"""A picture of a scene: satellite image, footprints, trajectory and tracks, with legend, scale bar and north.

Pure drawing on arrays and tables; only `write_picture` sees a path. Shapes are drawn at twice the size
and scaled down, which smooths every edge.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import StorageError
from rs_copilot.geo import homography as hg
from rs_copilot.types import ByteImage, FloatArray

SUPERSAMPLE = 2
MAX_FOOTPRINTS = 14
MARGIN_PX = 18
FONT_PX = 17
TITLE_PX = 22

Color = tuple[int, int, int, int]
WHITE: Color = (255, 255, 255, 255)
INK: Color = (25, 29, 35, 255)
PANEL: Color = (255, 255, 255, 222)
CASING: Color = (20, 22, 28, 200)
TRAJECTORY: Color = (255, 214, 10, 255)
TRACK: Color = (255, 45, 140, 255)
LOCATED: Color = (34, 197, 94, 255)
TRACKED: Color = (255, 159, 28, 255)
# From the first to the last footprint; distinguishable with the common kinds of colour blindness.
TIME_RAMP = np.array([[66, 135, 245], [61, 214, 208], [250, 128, 80]], dtype=np.float64)


@dataclass(frozen=True)
class MapLayers:
    """Layers of a scene, all in the CRS of the background; empty tables are fine."""

    footprints: gpd.GeoDataFrame
    trajectory: gpd.GeoDataFrame
    frames: gpd.GeoDataFrame
    tracks: gpd.GeoDataFrame


def draw_map(
    background: ByteImage, px_from_map: FloatArray, gsd_m: float, layers: MapLayers, *, title: str
) -> ByteImage:
    """The layers over a background.

    Args:
        background: ``(H, W, 3)`` RGB, north up.
        px_from_map: ``(3, 3)`` from the layers' CRS to pixels of the background.
        gsd_m: metres per pixel of the background.
        layers: what to draw.
        title: shown at the top left.

    Returns:
        ``(H, W, 3)`` RGB of the background's size.
    """
    height_px, width_px = background.shape[:2]
    canvas = _Canvas(width_px, height_px, px_from_map)
    start_s, end_s = _time_span(layers.footprints)
    _draw_footprints(canvas, layers.footprints, start_s, end_s)
    _draw_tracks(canvas, layers.tracks)
    _draw_trajectory(canvas, layers.trajectory)
    _draw_frames(canvas, layers.frames)
    _draw_title(canvas, title)
    _draw_north(canvas)
    _draw_scale_bar(canvas, gsd_m)
    _draw_legend(canvas, layers, start_s, end_s)
    picture = Image.fromarray(background).convert("RGBA")
    overlay = canvas.image.resize((width_px, height_px), Image.Resampling.LANCZOS)
    return np.asarray(Image.alpha_composite(picture, overlay).convert("RGB"))


def write_picture(path: str | Path, image: ByteImage) -> None:
    """Write a picture as PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        Image.fromarray(image).save(path, format="PNG")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}") from error


class _Canvas:
    """A transparent overlay to draw on, in pixels of the background."""

    def __init__(self, width_px: int, height_px: int, px_from_map: FloatArray) -> None:
        self.width_px, self.height_px = width_px, height_px
        self._px_from_map = px_from_map
        self.image = Image.new("RGBA", (width_px * SUPERSAMPLE, height_px * SUPERSAMPLE))

    def pixels(self, geometry: BaseGeometry) -> FloatArray:
        """Vertices of a simple geometry in pixels, shape (N, 2)."""
        return hg.apply(self._px_from_map, shapely.get_coordinates(geometry))

    def line(self, points: FloatArray, color: Color, width_px: float) -> None:
        """A polyline with round joints."""
        ImageDraw.Draw(self.image).line(_flat(points), fill=color, width=_thick(width_px), joint="curve")

    def polygon(self, points: FloatArray, fill: Color) -> None:
        """A filled polygon, blended with what is below it."""
        layer = Image.new("RGBA", self.image.size)
        ImageDraw.Draw(layer).polygon(_flat(points), fill=fill)
        self.image = Image.alpha_composite(self.image, layer)

    def dot(self, center: FloatArray, radius_px: float, color: Color) -> None:
        """A filled circle with a dark rim."""
        x, y = center * SUPERSAMPLE
        radius = radius_px * SUPERSAMPLE
        ImageDraw.Draw(self.image).ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=color, outline=CASING, width=2
        )

    def panel(self, x: float, y: float, width_px: float, height_px: float) -> None:
        """A light, rounded plate behind text."""
        layer = Image.new("RGBA", self.image.size)
        corner = (x * SUPERSAMPLE, y * SUPERSAMPLE)
        opposite = ((x + width_px) * SUPERSAMPLE, (y + height_px) * SUPERSAMPLE)
        ImageDraw.Draw(layer).rounded_rectangle((corner, opposite), radius=8 * SUPERSAMPLE, fill=PANEL)
        self.image = Image.alpha_composite(self.image, layer)

    def text(self, x: float, y: float, text: str, *, size_px: int = FONT_PX, anchor: str = "lm") -> None:
        """One line of text; ``anchor`` as in Pillow (left, middle, right; top, middle, baseline)."""
        ImageDraw.Draw(self.image).text(
            (x * SUPERSAMPLE, y * SUPERSAMPLE), text, fill=INK, font=_font(size_px), anchor=anchor
        )


def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px * SUPERSAMPLE)


def text_width_px(text: str, size_px: int = FONT_PX) -> float:
    """Width of a line of text in pixels of the picture."""
    left, _, right, _ = _font(size_px).getbbox(text)
    return float(right - left) / SUPERSAMPLE


def _flat(points: FloatArray) -> list[float]:
    return [float(value) for value in (points * SUPERSAMPLE).ravel()]


def _thick(width_px: float) -> int:
    return max(1, round(width_px * SUPERSAMPLE))


def _time_span(table: gpd.GeoDataFrame) -> tuple[float, float]:
    if table.empty:
        return 0.0, 0.0
    return float(table["time_s"].min()), float(table["time_s"].max())


def ramp_color(share: float) -> Color:
    """Colour of a moment, ``share`` from 0 (first) to 1 (last)."""
    position = min(max(share, 0.0), 1.0) * (len(TIME_RAMP) - 1)
    lower = min(int(position), len(TIME_RAMP) - 2)
    red, green, blue = TIME_RAMP[lower] + (position - lower) * (TIME_RAMP[lower + 1] - TIME_RAMP[lower])
    return round(red), round(green), round(blue), 255


def _simple_parts(table: gpd.GeoDataFrame) -> Iterator[BaseGeometry]:
    """Geometries that can be drawn, multi-part ones taken apart."""
    for geometry in table.geometry:
        if geometry is not None and not geometry.is_empty:
            yield from shapely.get_parts(geometry)


def _draw_footprints(canvas: _Canvas, footprints: gpd.GeoDataFrame, start_s: float, end_s: float) -> None:
    """Some footprints, spread evenly: all of them would hide the map."""
    if footprints.empty:
        return
    ordered = footprints.sort_values("time_s")
    count = min(MAX_FOOTPRINTS, len(ordered))
    chosen = ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, count).round().astype(int))]
    for time_s, geometry in zip(chosen["time_s"], chosen.geometry, strict=True):
        red, green, blue, _ = ramp_color((time_s - start_s) / max(end_s - start_s, 1e-9))
        outline = canvas.pixels(geometry)
        canvas.polygon(outline, (red, green, blue, 12))
        canvas.line(outline, (red, green, blue, 235), 2.0)


def _draw_trajectory(canvas: _Canvas, trajectory: gpd.GeoDataFrame) -> None:
    for part in _simple_parts(trajectory):
        points = canvas.pixels(part)
        canvas.line(points, CASING, 6.0)
        canvas.line(points, TRAJECTORY, 3.4)


def _draw_frames(canvas: _Canvas, frames: gpd.GeoDataFrame) -> None:
    for status, geometry in zip(frames["status"], frames.geometry, strict=True):
        if geometry is not None and not geometry.is_empty:
            canvas.dot(canvas.pixels(geometry)[0], 3.2, LOCATED if status == "located" else TRACKED)


def _draw_tracks(canvas: _Canvas, tracks: gpd.GeoDataFrame) -> None:
    for part in _simple_parts(tracks):
        points = canvas.pixels(part)
        canvas.line(points, CASING, 4.6)
        canvas.line(points, TRACK, 2.6)
        head = arrow_head(points, 10.0)
        if head is not None:
            canvas.polygon(head, TRACK)


def arrow_head(points: FloatArray, length_px: float) -> FloatArray | None:
    """A triangle at the end of a polyline, shape (3, 2); ``None`` where the line has no direction.

    The direction is that of the last stretch that is at least ``length_px`` long: the very last vertices
    of a track jitter.
    """
    tip = points[-1]
    away = np.linalg.norm(points - tip, axis=1) >= length_px
    if not away.any():
        return None
    direction = tip - points[np.nonzero(away)[0][-1]]
    direction /= np.linalg.norm(direction)
    side = np.array([-direction[1], direction[0]]) * 0.45 * length_px
    return np.array([tip + direction * 0.6 * length_px, tip - direction * 0.4 * length_px + side,
                     tip - direction * 0.4 * length_px - side])  # fmt: skip


def _draw_title(canvas: _Canvas, title: str) -> None:
    if not title:
        return
    canvas.panel(MARGIN_PX, MARGIN_PX, text_width_px(title, TITLE_PX) + 28, TITLE_PX + 20)
    canvas.text(MARGIN_PX + 14, MARGIN_PX + TITLE_PX / 2 + 10, title, size_px=TITLE_PX)


def _draw_north(canvas: _Canvas) -> None:
    width, height = 44.0, 66.0
    left, top = canvas.width_px - MARGIN_PX - width, float(MARGIN_PX)
    canvas.panel(left, top, width, height)
    middle = left + width / 2
    for side, color in ((-1.0, INK), (1.0, (150, 155, 165, 255))):
        canvas.polygon(
            np.array([[middle, top + 8], [middle + 11 * side, top + 40], [middle, top + 33]]), color
        )
    canvas.text(middle, top + 53, "N", anchor="mm")


def nice_length_m(longest_m: float) -> float:
    """The longest of 1, 2, 5 times a power of ten that is at most ``longest_m`` (a positive length)."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    # The logarithm of a number just below a power of ten may round up to it: 0.5 is one step below 1.
    return max(step * power for step in (0.5, 1.0, 2.0, 5.0) if step * power <= longest_m)


def _draw_scale_bar(canvas: _Canvas, gsd_m: float) -> None:
    length_m = nice_length_m(0.22 * canvas.width_px * gsd_m)
    length_px = length_m / gsd_m
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    width, height = length_px + 28, 48.0
    left, top = canvas.width_px - MARGIN_PX - width, canvas.height_px - MARGIN_PX - height
    canvas.panel(left, top, width, height)
    canvas.text(left + width / 2, top + 16, label, anchor="mm")
    start, y = left + 14, top + 33
    for quarter, color in zip(range(4), itertools.cycle((INK, WHITE)), strict=False):
        ends = np.array([[start + quarter * length_px / 4, y], [start + (quarter + 1) * length_px / 4, y]])
        canvas.line(ends, INK, 8.0)
        canvas.line(ends, color, 5.0)


def _draw_legend(canvas: _Canvas, layers: MapLayers, start_s: float, end_s: float) -> None:
    entries = _legend_entries(layers, start_s, end_s)
    if not entries:
        return
    width = 66 + max(text_width_px(label) for label, _ in entries)
    row_px = 26.0
    top = canvas.height_px - MARGIN_PX - row_px * len(entries) - 16
    canvas.panel(MARGIN_PX, top, width, row_px * len(entries) + 16)
    for row, (label, symbol) in enumerate(entries):
        y = top + 8 + row_px * (row + 0.5)
        _draw_symbol(canvas, symbol, MARGIN_PX + 12.0, y)
        canvas.text(MARGIN_PX + 54, y, label)


def _legend_entries(layers: MapLayers, start_s: float, end_s: float) -> list[tuple[str, str]]:
    """Label and symbol of what the picture really shows."""
    statuses = set(layers.frames["status"]) if not layers.frames.empty else set()
    entries = [
        ("camera path", "trajectory", not layers.trajectory.empty),
        (f"footprints, {start_s:.0f} to {end_s:.0f} s", "footprints", not layers.footprints.empty),
        ("image centre, located", "located", "located" in statuses),
        ("image centre, tracked", "tracked", "tracked" in statuses),
        (f"moving objects ({len(layers.tracks)})", "tracks", not layers.tracks.empty),
    ]
    return [(label, symbol) for label, symbol, is_shown in entries if is_shown]


def _draw_symbol(canvas: _Canvas, symbol: str, x: float, y: float) -> None:
    ends = np.array([[x, y], [x + 30, y]])
    if symbol == "footprints":
        for step in range(15):
            canvas.line(np.array([[x + 2 * step, y], [x + 2 * step + 2, y]]), ramp_color(step / 14), 9.0)
    elif symbol in {"located", "tracked"}:
        canvas.dot(np.array([x + 15, y]), 5.0, LOCATED if symbol == "located" else TRACKED)
    else:
        canvas.line(ends, CASING, 6.0)
        canvas.line(ends, TRAJECTORY if symbol == "trajectory" else TRACK, 3.6)
