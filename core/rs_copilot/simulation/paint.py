"""Compiled painting of plan elements into the world's rasters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.noise import hash01, value_noise
from rs_copilot.simulation.raycast import sample
from rs_copilot.simulation.surfaces import roof_height
from rs_copilot.types import Float32Array


@compiled
def upsample(ground: Float32Array, ground_cell_m: float, cell_m: float, top: Float32Array) -> None:
    """Fill ``top`` with the bilinear ground."""
    for j in range(top.shape[0]):
        for i in range(top.shape[1]):
            top[j, i] = sample(ground, ground_cell_m, (i + 0.5) * cell_m, (j + 0.5) * cell_m)


@compiled
def paint_segments(
    segments: Float32Array,
    skip: NDArray[np.bool_],
    cell_m: float,
    segment: NDArray[np.uint16],
    nearest: Float32Array,
) -> None:
    """Give every cell on a road or pavement its nearest segment, relative to the road's half width."""
    rows, cols = segment.shape
    for index in range(1, len(segments)):
        if skip[index]:
            continue
        g = segments[index]
        reach = g[f.HALF_WIDTH] + g[f.WALK] + 1.5 * cell_m
        i0 = max(0, int((min(g[f.X0], g[f.X1]) - reach) / cell_m))
        i1 = min(cols - 1, int((max(g[f.X0], g[f.X1]) + reach) / cell_m) + 1)
        j0 = max(0, int((min(g[f.Y0], g[f.Y1]) - reach) / cell_m))
        j1 = min(rows - 1, int((max(g[f.Y0], g[f.Y1]) + reach) / cell_m) + 1)
        dx, dy = g[f.X1] - g[f.X0], g[f.Y1] - g[f.Y0]
        square = dx * dx + dy * dy
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                x, y = (i + 0.5) * cell_m - g[f.X0], (j + 0.5) * cell_m - g[f.Y0]
                t = min(1.0, max(0.0, (x * dx + y * dy) / square))
                ex, ey = x - t * dx, y - t * dy
                # The carriageway of one road wins over the pavement of another.
                away = math.sqrt(ex * ex + ey * ey) - g[f.HALF_WIDTH]
                if away < g[f.WALK] + cell_m and away < nearest[j, i]:
                    nearest[j, i] = away
                    segment[j, i] = index


@compiled
def paint_rectangle(row: Float32Array, index: int, cell_m: float, region: NDArray[np.uint16]) -> None:
    """Mark the cells of an oriented rectangle as region ``index``."""
    rows, cols = region.shape
    reach = math.sqrt(row[f.HALF_U] ** 2 + row[f.HALF_V] ** 2)
    for j in range(
        max(0, int((row[f.CY] - reach) / cell_m)), min(rows, int((row[f.CY] + reach) / cell_m) + 1)
    ):
        for i in range(
            max(0, int((row[f.CX] - reach) / cell_m)), min(cols, int((row[f.CX] + reach) / cell_m) + 1)
        ):
            x, y = (i + 0.5) * cell_m - row[f.CX], (j + 0.5) * cell_m - row[f.CY]
            u, v = row[f.COS] * x + row[f.SIN] * y, -row[f.SIN] * x + row[f.COS] * y
            if abs(u) <= row[f.HALF_U] and abs(v) <= row[f.HALF_V]:
                region[j, i] = index


@compiled
def _roof_extra(row: Float32Array, u: float, v: float) -> float:
    """Chimneys on pitched roofs, plant boxes on flat ones."""
    seed, style = int(row[f.SEED]), int(row[f.STYLE])
    if style in (f.GABLE, f.HIP):
        cu, cv = (hash01(seed, 1, 9) - 0.5) * row[f.HALF_U], (hash01(seed, 2, 9) - 0.5) * row[f.HALF_V]
        if abs(u - cu) < 0.35 and abs(v - cv) < 0.4 and hash01(seed, 3, 9) > 0.3:
            return 1.3
        return 0.0
    spacing = 9.0 if style == f.HALL else 6.5
    ci, cj = math.floor(u / spacing + 0.5), math.floor(v / spacing + 0.5)
    if style == f.HALL and ci != 0:
        return 0.0
    if hash01(ci + 60, cj + 60, seed) < 0.6:
        return 0.0
    pu, pv = u - ci * spacing, v - cj * spacing
    half_u, half_v = 0.6 + 1.0 * hash01(ci, cj, seed + 1), 0.6 + 1.4 * hash01(ci, cj, seed + 2)
    inside = row[f.HALF_U] - abs(ci * spacing) > 2.6 and row[f.HALF_V] - abs(cj * spacing) > 2.6
    return 0.8 + hash01(ci, cj, seed + 4) if inside and abs(pu) < half_u and abs(pv) < half_v else 0.0


@compiled
def paint_building(
    row: Float32Array,
    index: int,
    cell_m: float,
    top: Float32Array,
    under: Float32Array,
    region: NDArray[np.uint16],
) -> None:
    """Raise a building; cells that its outline cuts get a share of its height, which smooths the walls."""
    rows, cols = region.shape
    reach = math.sqrt(row[f.HALF_U] ** 2 + row[f.HALF_V] ** 2) + cell_m
    for j in range(
        max(0, int((row[f.CY] - reach) / cell_m)), min(rows, int((row[f.CY] + reach) / cell_m) + 1)
    ):
        for i in range(
            max(0, int((row[f.CX] - reach) / cell_m)), min(cols, int((row[f.CX] + reach) / cell_m) + 1)
        ):
            x, y = (i + 0.5) * cell_m - row[f.CX], (j + 0.5) * cell_m - row[f.CY]
            u, v = row[f.COS] * x + row[f.SIN] * y, -row[f.SIN] * x + row[f.COS] * y
            inside = min(row[f.HALF_U] - abs(u), row[f.HALF_V] - abs(v)) / cell_m + 0.5
            if inside <= 0.0:
                continue
            region[j, i] = index
            under[j, i] = f.BUILT
            roof = row[f.BASE_Z] + roof_height(row, u, v) + _roof_extra(row, u, v)
            top[j, i] += min(1.0, inside) * (roof - top[j, i])


@compiled
def _crown_share(row: Float32Array, x: float, y: float) -> float:
    """Distance from a tree's middle, 1 at the ragged outline of its crown."""
    seed = int(row[f.SEED])
    ragged = 1.0 + 0.22 * value_noise(x * 0.9, y * 0.9, seed) + 0.14 * value_noise(x * 2.1, y * 2.1, seed + 1)
    return float(math.sqrt(x * x + y * y) / (row[f.HALF_U] * ragged))


@compiled
def paint_tree(
    row: Float32Array,
    index: int,
    cell_m: float,
    top: Float32Array,
    under: Float32Array,
    region: NDArray[np.uint16],
) -> None:
    """Raise a crown, a dome with a ragged outline and lobes, over a trunk."""
    rows, cols = region.shape
    seed, rise = int(row[f.SEED]), row[f.RISE]
    rim = 1.5 * cell_m / row[f.HALF_U]
    reach = 1.4 * row[f.HALF_U] + 2.0 * cell_m
    i0, i1 = int((row[f.CX] - reach) / cell_m), int((row[f.CX] + reach) / cell_m) + 1
    j0, j1 = int((row[f.CY] - reach) / cell_m), int((row[f.CY] + reach) / cell_m) + 1
    for j in range(max(0, j0), min(rows, j1)):
        for i in range(max(0, i0), min(cols, i1)):
            x, y = (i + 0.5) * cell_m - row[f.CX], (j + 0.5) * cell_m - row[f.CY]
            share = _crown_share(row, x, y)
            if share >= 1.0 + rim or under[j, i] == f.BUILT:
                continue
            bulge = math.sqrt(max(0.0, 1.0 - share * share))
            below = row[f.BASE_Z] + row[f.HEIGHT] * (rise - 0.06 - 0.5 * rise * bulge)
            trunk = x * x + y * y < 0.09 or rise <= 0.12
            known = under[j, i]
            if trunk or known == f.SOLID:
                under[j, i] = f.SOLID if trunk else below
            else:
                under[j, i] = min(known, below)
            lobes = 0.10 * value_noise(x * 0.8, y * 0.8, seed + 2)
            lobes += 0.06 * value_noise(x * 2.4, y * 2.4, seed + 3)
            height = row[f.BASE_Z] + row[f.HEIGHT] * (rise + (1.0 - rise) * bulge + lobes)
            if share < 1.0 and height > top[j, i]:
                top[j, i] = height
                region[j, i] = index


@compiled
def shadow_rows(
    top: Float32Array,
    cell_m: float,
    sun: Float32Array,
    size_m: float,
    out: Float32Array,
    z_max: float,
    first: int,
    end: int,
) -> None:
    """Height below which a point lies in shadow: the highest surface sunwards, let down the ray."""
    flat = math.sqrt(sun[0] * sun[0] + sun[1] * sun[1])
    sx, sy, drop = sun[0] / flat, sun[1] / flat, sun[2] / flat
    step = 1.4 * cell_m
    for j in range(first, end):
        for i in range(out.shape[1]):
            x, y = (i + 0.5) * size_m, (j + 0.5) * size_m
            floor = sample(top, cell_m, x, y) - 14.0
            best, away = -1000.0, 1.1
            while True:
                if z_max - away * drop < max(best, floor):
                    break
                height = sample(top, cell_m, x + away * sx, y + away * sy) - away * drop
                best = max(best, height)
                away += step
            out[j, i] = best
