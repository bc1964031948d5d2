"""From a world, a light and a view to a picture, with who sees whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs_copilot.simulation import fields as f
from rs_copilot.simulation import raycast, shading
from rs_copilot.simulation.bodies import Crowd, box_corners
from rs_copilot.simulation.compiling import over_rows
from rs_copilot.simulation.fields import Light, Rays
from rs_copilot.simulation.terrain import WATER_Z_M
from rs_copilot.simulation.views import View
from rs_copilot.simulation.world import World
from rs_copilot.types import Float32Array, FloatArray

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sighting:
    """How one object appears. ``box_px`` bounds what would be seen if nothing stood in the way;
    ``hider`` is (kind, index): region, box owner or nothing.
    """

    tag: int
    box_px: Window
    alone_px: int
    seen_px: int
    hider: tuple[str, int] | None


@dataclass(frozen=True)
class Picture:
    """Linear light (H, W, 3), distance along the rays (H, W), and the sightings of the crowd."""

    light: Float32Array
    distance: Float32Array
    sightings: tuple[Sighting, ...]


def render(world: World, light: Light, view: View, crowd: Crowd) -> Picture:
    """Cast, draw the objects, throw their shadows, shade."""
    rays, size = view.rays(), view.size
    shape = (size.height_px, size.width_px)
    distance = np.empty(shape, dtype=np.float32)
    over_rows(shape[0], lambda first, end: raycast.cast_rows(world.field, rays, distance, first, end))
    owner_box = np.full(shape, -1, dtype=np.int32)
    drawn = _draw(view, rays, crowd, distance, owner_box)
    lit = np.ones(shape, dtype=np.float32)
    _throw_shadows(view, rays, crowd, light, distance, lit)
    image = np.empty((*shape, 3), dtype=np.float32)
    over_rows(
        shape[0],
        lambda first, end: shading.shade_rows(
            world.field, light, rays, crowd.boxes, distance, owner_box, lit, image, first, end
        ),
    )
    sightings = _sightings(world, rays, crowd, drawn, distance, owner_box)
    return Picture(image, distance, sightings)


def _draw(
    view: View, rays: Rays, crowd: Crowd, distance: Float32Array, owner_box: NDArray[np.int32]
) -> dict[int, NDArray[np.int64]]:
    """Draw every object that can be in the picture; pixel counts and boxes per object number."""
    drawn = {}
    corners = box_corners(crowd.boxes).reshape(-1, 8, 3)
    for number, window in windows_px(view, crowd, corners):
        first, end = crowd.spans[number]
        alone = np.zeros(5, dtype=np.int64)
        raycast.draw_boxes(rays, crowd.boxes, first, end, window, distance, owner_box, alone)
        if alone[0]:
            drawn[number] = alone
    return drawn


def _throw_shadows(
    view: View, rays: Rays, crowd: Crowd, light: Light, distance: Float32Array, lit: Float32Array
) -> None:
    """Shadows reach a metre and a half below an object's base, those of the bridge down to the water."""
    sun = light.sun.astype(np.float64)
    corners = box_corners(crowd.boxes).reshape(-1, 8, 3)
    starts = np.array([first for first, _ in crowd.spans])
    base = np.minimum.reduceat(corners[..., 2].min(axis=1), starts) - 1.5
    base = np.where(crowd.boxes[starts, f.BOX_OWNER] < 0, WATER_Z_M, base)
    low = np.repeat(base, np.diff([*starts, len(corners)]))[:, None, None]
    ends = corners - sun * ((corners[..., 2:] - low) / sun[2])
    for number, window in windows_px(view, crowd, np.concatenate([corners, ends], axis=1)):
        first, end = crowd.spans[number]
        raycast.shade_by_boxes(rays, crowd.boxes, first, end, window, distance, light.sun, lit)


def windows_px(
    view: View, crowd: Crowd, points_xyz_m: FloatArray, pad_px: int = 6
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Numbers of the objects that may be in the picture, with their pixel windows x0, y0, x1, y1.

    ``points_xyz_m`` (M, K, 3) bound every box. The pad covers the rolling shutter, which moves rows
    against the middle pose. An object that reaches behind the camera is left out.
    """
    count = points_xyz_m.shape[1]
    pixels = view.project(points_xyz_m.reshape(-1, 3)).reshape(-1, count, 2)
    starts = np.array([first for first, _ in crowd.spans])
    size = np.array([view.size.width_px, view.size.height_px])
    low = np.floor(np.minimum.reduceat(pixels.min(axis=1), starts)) - pad_px
    high = np.ceil(np.maximum.reduceat(pixels.max(axis=1), starts)) + pad_px
    low, high = np.maximum(low, 0), np.minimum(high, size)
    # Comparisons with NaN are false: what lies behind the camera drops out here.
    for number in np.flatnonzero((high > low).all(axis=1)):
        yield int(number), np.concatenate([low[number], high[number]]).astype(np.int64)


def _sightings(
    world: World,
    rays: Rays,
    crowd: Crowd,
    drawn: dict[int, NDArray[np.int64]],
    distance: Float32Array,
    owner_box: NDArray[np.int32],
) -> tuple[Sighting, ...]:
    hiders = np.full(distance.shape, -2, dtype=np.int32)
    found = []
    for number, alone in drawn.items():
        if crowd.tags[number] < 0:
            continue
        first, end = crowd.spans[number]
        window = alone[1:5].copy()
        seen = raycast.hide_counts(rays, crowd.boxes, first, end, window, owner_box, hiders)
        box = (int(window[0]), int(window[1]), int(window[2]), int(window[3]))
        hider = None if seen == alone[0] else _main_hider(world, rays, crowd, box, distance, hiders)
        found.append(Sighting(crowd.tags[number], box, int(alone[0]), int(seen), hider))
    return tuple(found)


def _main_hider(
    world: World, rays: Rays, crowd: Crowd, box: Window, distance: Float32Array, hiders: NDArray[np.int32]
) -> tuple[str, int] | None:
    """What covers most of the hidden pixels."""
    x0, y0, x1, y1 = box
    rows, cols = np.nonzero(hiders[y0:y1, x0:x1] > -2)
    if not len(rows):
        return None
    rows, cols = rows + y0, cols + x0
    boxes = hiders[rows, cols]
    owners = np.where(boxes >= 0, crowd.boxes[boxes, f.BOX_OWNER].astype(np.int64), 0)
    points = rays.origin[rows, cols, :2] + distance[rows, cols, None] * rays.direction[rows, cols, :2]
    cells = np.clip((points / world.field.cell_m).astype(int), 0, world.field.top.shape[0] - 1)
    regions = world.field.region[cells[:, 1], cells[:, 0]].astype(np.int64)
    # One number per candidate: regions from 0, box owners (-1 is the bridge) from a million.
    votes = np.where(boxes >= 0, 1_000_001 + owners, regions)
    values, counts = np.unique(votes, return_counts=True)
    winner = int(values[np.argmax(counts)])
    return ("object", winner - 1_000_001) if winner >= 1_000_000 else ("region", winner)
