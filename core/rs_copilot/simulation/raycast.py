"""Compiled ray casting on the height field, and on the boxes that stand or move on it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.fields import Field, Rays
from rs_copilot.types import Float32Array, FloatArray

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
def _leave(x: float, y: float, inv_x: float, inv_y: float, size_m: float) -> float:
    """Distance along the ray to just beyond the border of the block of the given size."""
    edge_x = (math.floor(x / size_m) + (1.0 if inv_x > 0.0 else 0.0)) * size_m - x
    edge_y = (math.floor(y / size_m) + (1.0 if inv_y > 0.0 else 0.0)) * size_m - y
    return max(0.0, min(edge_x * inv_x, edge_y * inv_y)) + 2e-3


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
    """The crossing between a point above the surface and one below: false position, then bisection."""
    above = oz + t0 * dz - sample(field.top, field.cell_m, ox + t0 * dx, oy + t0 * dy)
    below = oz + t1 * dz - sample(field.top, field.cell_m, ox + t1 * dx, oy + t1 * dy)
    for turn in range(5):
        share = above / (above - below) if turn % 2 == 0 and above > below else 0.5
        t = t0 + min(0.98, max(0.02, share)) * (t1 - t0)
        gap = oz + t * dz - sample(field.top, field.cell_m, ox + t * dx, oy + t * dy)
        if abs(gap) < 0.004:
            return t
        if gap > 0.0:
            t0, above = t, gap
        else:
            t1, below = t, gap
    return t1


@compiled
def _under(field: Field, x: float, y: float) -> float:
    """Lower side of a crown at a point, or SOLID."""
    rows, cols = field.under.shape
    i = min(max(int(x / field.cell_m), 0), cols - 1)
    j = min(max(int(y / field.cell_m), 0), rows - 1)
    return float(field.under[j, i])


@compiled
def _land(
    field: Field, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, t0: float, t1: float
) -> float:
    """Where a ray that came in below a crown meets the bare ground."""
    for _ in range(5):
        t = 0.5 * (t0 + t1)
        if oz + t * dz > sample(field.ground, field.ground_cell_m, ox + t * dx, oy + t * dy):
            t0 = t
        else:
            t1 = t
    return t1


@compiled
def march(field: Field, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    """Distance to the surface along a downward ray; blocks that the ray clears are skipped whole."""
    t = max(0.0, (field.z_max - oz) / dz) if dz < -1e-9 else 0.0
    flat = math.sqrt(dx * dx + dy * dy)
    inv_x = 1.0 / (dx if abs(dx) > 1e-7 else 1e-7)
    inv_y = 1.0 / (dy if abs(dy) > 1e-7 else 1e-7)
    small, big = field.cell_m * f.BLOCK_CELLS, field.cell_m * f.BIG_CELLS
    step = 0.7 * field.cell_m / max(flat, 0.05)
    previous = t
    for _ in range(2000):
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        leave = _leave(x, y, inv_x, inv_y, big)
        if _is_above(field.big_max, big, x, y, z + leave * dz):
            previous, t = t, t + leave
            continue
        leave = _leave(x, y, inv_x, inv_y, small)
        if _is_above(field.block_max, small, x, y, z + leave * dz):
            previous, t = t, t + leave
            continue
        end = t + leave
        while t < end:
            x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
            if z <= sample(field.top, field.cell_m, x, y):
                if z >= _under(field, x, y):
                    return _refine(field, ox, oy, oz, dx, dy, dz, previous, t)
                if z <= sample(field.ground, field.ground_cell_m, x, y):
                    return _land(field, ox, oy, oz, dx, dy, dz, previous, t)
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
def fill_rays(
    first_turn: FloatArray,
    last_turn: FloatArray,
    first_xyz: FloatArray,
    last_xyz: FloatArray,
    focal_px: float,
    origins: Float32Array,
    directions: Float32Array,
) -> None:
    """Rays through pixel centres (H, W, 3) of a camera that moves while its rows are read."""
    rows, cols, _ = origins.shape
    for row in range(rows):
        share = (row + 0.5) / rows
        turn = first_turn + share * (last_turn - first_turn)
        place = first_xyz + share * (last_xyz - first_xyz)
        y = row + 0.5 - rows / 2.0
        for col in range(cols):
            x = col + 0.5 - cols / 2.0
            scale = 1.0 / math.sqrt(x * x + y * y + focal_px * focal_px)
            for axis in range(3):
                origins[row, col, axis] = place[axis]
                along = x * turn[axis, 0] + y * turn[axis, 1] + focal_px * turn[axis, 2]
                directions[row, col, axis] = along * scale


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
