"""Compiled ray casting on the height field, and on the boxes that stand or move on it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs_copilot.simulation import fields as f
from rs_copilot.simulation.compiling import compiled
from rs_copilot.simulation.fields import Field, Rays
from rs_copilot.types import Float32Array

MISS = 1.0e9


@compiled
def sample(raster: Float32Array, cell_m: float, x: float, y: float) -> float:
    """Bilinear value of a raster of cell centres; the border goes on for ever."""
    rows, cols = raster.shape
    gx = min(max(x / cell_m - 0.5, 0.0), cols - 1.001)
    gy = min(max(y / cell_m - 0.5, 0.0), rows - 1.001)
    i, j = int(gx), int(gy)
    u, v = gx - i, gy - j
    low = raster[j, i] + (raster[j, i + 1] - raster[j, i]) * u
    high = raster[j + 1, i] + (raster[j + 1, i + 1] - raster[j + 1, i]) * u
    return float(low + (high - low) * v)


@compiled
def _exit(position: float, direction: float, size_m: float) -> float:
    """Distance along the ray to the next border of a block of the given size."""
    if direction > 1e-9:
        return ((math.floor(position / size_m) + 1.0) * size_m - position) / direction
    if direction < -1e-9:
        return (math.floor(position / size_m) * size_m - position) / direction
    return MISS


@compiled
def _is_above(blocks: Float32Array, size_m: float, x: float, y: float, z_low: float) -> bool:
    rows, cols = blocks.shape
    i = min(max(int(x / size_m), 0), cols - 1)
    j = min(max(int(y / size_m), 0), rows - 1)
    return bool(z_low > blocks[j, i])


@compiled
def _refine(
    field: Field, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, t0: float, t1: float
) -> float:
    """Bisect between a point above the surface and one below."""
    for _ in range(7):
        t = 0.5 * (t0 + t1)
        if oz + t * dz > sample(field.top, field.cell_m, ox + t * dx, oy + t * dy):
            t0 = t
        else:
            t1 = t
    return t1


@compiled
def march(field: Field, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    """Distance to the surface along a downward ray; blocks that the ray clears are skipped whole."""
    t = max(0.0, (field.z_max - oz) / dz) if dz < -1e-9 else 0.0
    flat = math.sqrt(dx * dx + dy * dy)
    small, big = field.cell_m * f.BLOCK_CELLS, field.cell_m * f.BIG_CELLS
    step = 0.6 * field.cell_m / max(flat, 0.02)
    previous = t
    for _ in range(4000):
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        leave = min(_exit(x, dx, big), _exit(y, dy, big)) + 1e-3
        if _is_above(field.big_max, big, x, y, z + leave * dz):
            previous, t = t, t + leave
            continue
        leave = min(_exit(x, dx, small), _exit(y, dy, small)) + 1e-3
        if _is_above(field.block_max, small, x, y, z + leave * dz):
            previous, t = t, t + leave
            continue
        if z <= sample(field.top, field.cell_m, x, y):
            return _refine(field, ox, oy, oz, dx, dy, dz, previous, t)
        previous, t = t, t + step
    return t


@compiled
def cast_rows(field: Field, rays: Rays, distance: Float32Array, first: int, end: int) -> None:
    """Fill ``distance`` (H, W) with the static surface for rows ``first`` to ``end``."""
    for row in range(first, end):
        for col in range(distance.shape[1]):
            o, d = rays.origin[row, col], rays.direction[row, col]
            distance[row, col] = march(field, o[0], o[1], o[2], d[0], d[1], d[2])


@compiled
def hit_box(
    box: Float32Array, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, int]:
    """Distance to an upright box (slab test) and the face: 0/1 along x, 2/3 along y, 4/5 down/up."""
    c, s = box[f.BOX_COS], box[f.BOX_SIN]
    px, py, pz = ox - box[f.BOX_X], oy - box[f.BOX_Y], oz - box[f.BOX_Z]
    near, far, face = -MISS, MISS, -1
    for axis in range(3):
        if axis == 0:
            p, d, half = c * px + s * py, c * dx + s * dy, box[f.BOX_HX]
        elif axis == 1:
            p, d, half = -s * px + c * py, -s * dx + c * dy, box[f.BOX_HY]
        else:
            p, d, half = pz, dz, box[f.BOX_HZ]
        if abs(d) < 1e-9:
            if abs(p) > half:
                return MISS, -1
            continue
        enter, leave = (-half - p) / d, (half - p) / d
        side = 2 * axis
        if enter > leave:
            enter, leave = leave, enter
            side += 1
        if enter > near:
            near, face = enter, side
        far = min(far, leave)
    if near > far or far < 0.0 or near < 0.0:
        return MISS, -1
    return near, face


@compiled
def draw_boxes(
    rays: Rays,
    boxes: Float32Array,
    first_box: int,
    end_box: int,
    window: NDArray[np.int64],
    distance: Float32Array,
    owner_box: NDArray[np.int32],
    alone: NDArray[np.int64],
) -> None:
    """Draw one object into the depth buffer inside its pixel window.

    ``alone`` (5,) receives the pixels that the object would cover if nothing hid it and their box.
    """
    alone[:] = (0, window[2], window[3], window[0], window[1])
    for row in range(window[1], window[3]):
        for col in range(window[0], window[2]):
            o, d = rays.origin[row, col], rays.direction[row, col]
            best, which = MISS, -1
            for index in range(first_box, end_box):
                t, _ = hit_box(boxes[index], o[0], o[1], o[2], d[0], d[1], d[2])
                if t < best:
                    best, which = t, index
            if which < 0:
                continue
            alone[0] += 1
            alone[1], alone[2] = min(alone[1], col), min(alone[2], row)
            alone[3], alone[4] = max(alone[3], col + 1), max(alone[4], row + 1)
            if best < distance[row, col]:
                distance[row, col] = best
                owner_box[row, col] = which


@compiled
def hide_counts(
    rays: Rays,
    boxes: Float32Array,
    first_box: int,
    end_box: int,
    window: NDArray[np.int64],
    owner_box: NDArray[np.int32],
    hiders: NDArray[np.int32],
) -> int:
    """Visible pixels of an object, and in ``hiders`` (H, W) who covers the others.

    ``hiders`` is scratch space: -2 where the object is absent, -1 where the static surface hides it,
    else the box that does.
    """
    seen = 0
    for row in range(window[1], window[3]):
        for col in range(window[0], window[2]):
            hiders[row, col] = -2
            owner = owner_box[row, col]
            if first_box <= owner < end_box:
                seen += 1
                continue
            o, d = rays.origin[row, col], rays.direction[row, col]
            for index in range(first_box, end_box):
                if hit_box(boxes[index], o[0], o[1], o[2], d[0], d[1], d[2])[0] < MISS:
                    hiders[row, col] = owner
                    break
    return seen


@compiled
def shade_by_boxes(
    rays: Rays,
    boxes: Float32Array,
    first_box: int,
    end_box: int,
    window: NDArray[np.int64],
    distance: Float32Array,
    sun: Float32Array,
    lit: Float32Array,
) -> None:
    """Multiply ``lit`` by 0 where an object stands between the surface and the sun."""
    for row in range(window[1], window[3]):
        for col in range(window[0], window[2]):
            t = distance[row, col] - 0.03
            o, d = rays.origin[row, col], rays.direction[row, col]
            x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
            for index in range(first_box, end_box):
                if hit_box(boxes[index], x, y, z, sun[0], sun[1], sun[2])[0] < MISS:
                    lit[row, col] = 0.0
                    break
