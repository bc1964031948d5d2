"""Compiled reflectances of what people built: roads, car parks, pitches, roofs and walls.

Every function returns linear red, green, blue and takes ``fp``, the pixel's size on the surface in
metres: detail that a pixel cannot show is averaged, not sampled.
"""

from __future__ import annotations

import math

from rs_copilot.geo.compiling import compiled
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.noise import fractal, hash01
from rs_copilot.types import Float32Array

Rgb = tuple[float, float, float]
JUNCTION_STOP_M, ZEBRA_FROM_M, ZEBRA_TO_M = 1.0, 2.2, 5.0
BAY_LENGTH_M, BAY_WIDTH_M, BAY_MODULE_M = 5.0, 2.6, 16.0
WHITE = 0.62


@compiled
def mix(a: Rgb, b: Rgb, weight: float) -> Rgb:
    """Linear blend; weight 0 gives a, 1 gives b."""
    w = min(1.0, max(0.0, weight))
    return a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w, a[2] + (b[2] - a[2]) * w


@compiled
def scale(a: Rgb, factor: float) -> Rgb:
    """Brighter or darker."""
    return a[0] * factor, a[1] * factor, a[2] * factor


@compiled
def stripe(position: float, center: float, half: float, fp: float) -> float:
    """Share of a pixel [position - fp/2, position + fp/2] that a painted line covers."""
    low = max(position - 0.5 * fp, center - half)
    high = min(position + 0.5 * fp, center + half)
    return max(0.0, high - low) / fp


@compiled
def dashes(position: float, on_m: float, period_m: float, fp: float) -> float:
    """Share of a pixel covered by dashes along a line."""
    phase = position - math.floor(position / period_m) * period_m
    if fp > period_m:
        return on_m / period_m
    return stripe(phase, 0.5 * on_m, 0.5 * on_m, fp) + stripe(phase - period_m, 0.5 * on_m, 0.5 * on_m, fp)


@compiled
def asphalt(x: float, y: float, d: float, s: float, fp: float, base: Rgb, seed: int) -> Rgb:
    """Aged asphalt: patches, wheel tracks, cracks, grain."""
    tone = 1.0 + 0.10 * fractal(x, y, 24.0, fp, 0.75, seed) + 0.10 * fractal(x, y, 0.5, fp, 0.9, seed + 5)
    if hash01(math.floor(s / 9.0), math.floor(d / 3.2), seed + 31) > 0.9:
        tone *= 0.8
    tone += 0.06 * stripe(abs(abs(d) - 1.7), 0.8, 0.35, max(fp, 0.5))
    crack = abs(fractal(x, y, 7.0, 0.3, 0.6, seed + 9))
    if crack < 0.03:
        tone *= 1.0 - 0.25 * min(1.0, 0.08 / fp)
    return scale(base, tone)


@compiled
def _across_paint(d: float, near: float, cls: float, toward: bool, hw: float, fp: float) -> float:
    """Stop line and zebra crossing at distance ``near`` from the junction's mouth."""
    if near < 0.0 or near > ZEBRA_TO_M + 1.0 or abs(d) > hw - 0.2:
        return 0.0
    paint = 0.0
    if toward:
        paint = stripe(near, ZEBRA_TO_M + 0.6, 0.2, fp)
    if cls >= 1.0:
        zebra = stripe(near, 0.5 * (ZEBRA_FROM_M + ZEBRA_TO_M), 0.5 * (ZEBRA_TO_M - ZEBRA_FROM_M), fp)
        paint = max(paint, zebra * dashes(d + 100.0, 0.5, 1.0, fp))
    return paint


@compiled
def lane_paint(d: float, s: float, road: Float32Array, fp: float) -> float:
    """How much of a pixel is road paint; d is left of the road's direction, s along the edge."""
    hw, cls = road[f.HALF_WIDTH], road[f.ROAD_CLASS]
    from_a, from_b = s - road[f.NODE_A], road[f.LENGTH] - s - road[f.NODE_B]
    near = min(from_a, from_b)
    if near < 0.0:
        return 0.0
    toward = d > 0.0 if from_a < from_b else d < 0.0
    paint = _across_paint(d, near, cls, toward, hw, fp)
    if near > ZEBRA_TO_M + 0.8:
        broken = dashes(s, 3.0, 9.0, fp) if near > 22.0 else 1.0
        if cls >= 2.0:
            paint = max(paint, stripe(abs(d), 0.18, 0.07, fp))
            paint = max(paint, dashes(s, 3.0, 9.0, fp) * stripe(abs(d), 0.5 * hw, 0.07, fp))
        elif cls >= 1.0:
            paint = max(paint, broken * stripe(d, 0.0, 0.07, fp))
        if cls >= 1.0:
            paint = max(paint, stripe(abs(d), hw - 0.35, 0.06, fp))
    return paint


@compiled
def road_color(
    x: float, y: float, d: float, s: float, road: Float32Array, fp: float, base: Rgb, walk: Rgb, seed: int
) -> Rgb:
    """Carriageway with worn markings, kerb and pavement slabs."""
    hw = road[f.HALF_WIDTH]
    if abs(d) < hw:
        color = asphalt(x, y, d, s, fp, base, seed)
        if road[f.ROAD_CLASS] < 0.0:
            return mix(color, (0.36, 0.33, 0.28), 0.75)
        worn = 0.78 + 0.45 * fractal(x, y, 1.6, fp, 0.9, seed + 3)
        gutter = stripe(abs(d), hw, 0.3, max(fp, 0.3))
        color = scale(color, 1.0 - 0.18 * gutter)
        return mix(color, (WHITE, WHITE, 0.97 * WHITE), lane_paint(d, s, road, fp) * min(1.0, worn))
    kerb = stripe(abs(d), hw + 0.1, 0.1, fp)
    slab = 1.0 + 0.06 * (hash01(math.floor(s / 0.8), math.floor(d / 0.8), seed) - 0.5)
    slab += 0.14 * fractal(x, y, 5.0, fp, 0.8, seed + 7)
    joint = max(dashes(s, 0.05, 1.6, fp), dashes(d + 50.0, 0.05, 0.8, fp))
    return mix(scale(walk, slab * (1.0 - 0.3 * joint)), (0.42, 0.42, 0.41), kerb)


@compiled
def bay_paint(u: float, v: float, half_u: float, half_v: float, fp: float) -> float:
    """Paint of parking bays: rows along v, in modules of two rows and an aisle across u."""
    across = u + half_u
    module = across - math.floor(across / BAY_MODULE_M) * BAY_MODULE_M
    if across > math.floor(2.0 * half_u / BAY_MODULE_M + 0.25) * BAY_MODULE_M:
        return 0.0
    if BAY_LENGTH_M < module < BAY_MODULE_M - BAY_LENGTH_M:
        return 0.0
    line = dashes(v + half_v + 0.05, 0.11, BAY_WIDTH_M, fp)
    return max(line, stripe(module, 0.0, 0.06, fp))


@compiled
def pitch_paint(u: float, v: float, half_u: float, half_v: float, fp: float) -> float:
    """Lines of a football pitch (IFAB Laws of the Game, law 1: areas of 16.5 m and 5.5 m)."""
    hu, hv, a = half_u - 3.0, half_v - 3.0, 0.07
    inside = abs(u) < hu + a and abs(v) < hv + a
    if not inside:
        return 0.0
    paint = max(stripe(abs(u), hu, a, fp), stripe(abs(v), hv, a, fp))
    paint = max(paint, stripe(v, 0.0, a, fp))
    paint = max(paint, stripe(math.sqrt(u * u + v * v), min(9.15, 0.4 * hu), a, fp))
    for area in (16.5, 5.5):
        depth, width = area * hv / 52.5, (area + 3.66) * hu / 34.0
        if abs(u) < width + a and abs(v) > hv - depth - a:
            paint = max(paint, stripe(abs(u), width, a, fp), stripe(abs(v), hv - depth, a, fp))
    return paint


@compiled
def roof_height(row: Float32Array, u: float, v: float) -> float:
    """Height of a roof above the building's base; u, v are clamped to the outline."""
    hu, hv, eave, rise = row[f.HALF_U], row[f.HALF_V], row[f.HEIGHT], row[f.RISE]
    style = int(row[f.STYLE])
    au, av = min(abs(u), hu), min(abs(v), hv)
    if style in (f.GABLE, f.HALL):
        return float(eave + rise * (1.0 - au / hu))
    if style == f.HIP:
        return float(eave + rise * min(1.0, (hu - au) / hu, (hv - av) / hu))
    return float(eave)


@compiled
def _tiles(row: Float32Array, u: float, v: float, fp: float, seed: int) -> Rgb:
    """Rows of clay or concrete tiles, weathered, with a lighter ridge."""
    base = (row[f.COLOR], row[f.COLOR + 1], row[f.COLOR + 2])
    along, down = (v, u)
    if int(row[f.STYLE]) == f.HIP and row[f.HALF_V] - abs(v) < row[f.HALF_U] - abs(u):
        along, down = u, v
    tone = 1.0 + 0.16 * fractal(u + 13.0 * seed, v, 4.0, fp, 0.75, seed)
    tone += 0.30 * min(1.0, 0.3 / fp) * (hash01(math.floor(along / 0.3), math.floor(down / 0.36), seed) - 0.5)
    tone *= 1.0 - 0.35 * dashes(down + 100.0, 0.09, 0.36, fp)
    moss = fractal(u, v, 2.2, fp, 0.8, seed + 4) - 0.35
    color = mix(scale(base, tone), (0.10, 0.11, 0.06), 0.6 * moss)
    return mix(color, scale(base, 1.35), stripe(down, 0.0, 0.14, fp))


@compiled
def _flat_roof(row: Float32Array, u: float, v: float, fp: float, seed: int) -> Rgb:
    """Bitumen sheets or gravel with puddles, a lighter parapet, solar panels on some."""
    base = (row[f.COLOR], row[f.COLOR + 1], row[f.COLOR + 2])
    edge = min(row[f.HALF_U] - abs(u), row[f.HALF_V] - abs(v))
    if edge < 0.35:
        return scale(base, 1.5)
    tone = 1.0 + 0.20 * fractal(u + 7.0 * seed, v, 6.0, fp, 0.7, seed) - 0.2 * dashes(u + 99.0, 0.07, 2.0, fp)
    color = scale(base, tone)
    if int(row[f.STYLE]) == f.SOLAR_FLAT and edge > 1.6 and dashes(u + 100.0, 1.7, 2.6, 0.02) > 0.5:
        frame = max(dashes(u + 100.0, 0.06, 1.3, fp), dashes(v + 100.0, 0.06, 1.0, fp))
        return mix((0.020, 0.028, 0.060), (0.25, 0.26, 0.28), 0.7 * frame)
    return mix(color, scale(base, 0.55), 2.0 * (fractal(u, v, 3.5, fp, 0.5, seed + 8) - 0.55))


@compiled
def _sheet_roof(row: Float32Array, u: float, v: float, fp: float, seed: int) -> Rgb:
    """Ribbed metal with rust runs and strips of skylight."""
    base = (row[f.COLOR], row[f.COLOR + 1], row[f.COLOR + 2])
    rib = dashes(v + 100.0, 0.12, 0.5, fp)
    panel = hash01(math.floor(v / 5.0), math.floor(u / 6.0), seed)
    tone = 1.0 - 0.25 * rib + 0.10 * (panel - 0.5) + 0.10 * fractal(u * 0.25, v, 2.0, fp, 0.8, seed)
    color = mix(
        scale(base, tone), (0.16, 0.09, 0.05), 0.5 * (fractal(u * 0.2, v, 3.0, fp, 0.7, seed + 2) - 0.5)
    )
    skylight = dashes(v + 100.0, 1.2, 10.0, fp) * (1.0 if 2.0 < abs(u) < row[f.HALF_U] - 2.0 else 0.0)
    return mix(color, (0.42, 0.46, 0.46), 0.8 * skylight)


@compiled
def roof_color(row: Float32Array, u: float, v: float, above: float, fp: float) -> Rgb:
    """Colour of a roof, or of a chimney or plant box that stands ``above`` it."""
    seed, style = int(row[f.SEED]), int(row[f.STYLE])
    if above > 0.35:
        return scale((0.30, 0.27, 0.25), 1.0 + 0.25 * fractal(u, v, 0.6, fp, 0.8, seed))
    if style in (f.GABLE, f.HIP):
        return _tiles(row, u, v, fp, seed)
    if style == f.HALL:
        return _sheet_roof(row, u, v, fp, seed)
    return _flat_roof(row, u, v, fp, seed)


@compiled
def wall_color(row: Float32Array, along: float, z: float, fp: float, face: int) -> Rgb:
    """Plaster with streaks, rows of windows with frames, a darker plinth. ``z`` is above the base."""
    seed = int(row[f.SEED]) + 7 * face
    base = (row[f.WALL], row[f.WALL + 1], row[f.WALL + 2])
    streaks = 1.0 + 0.12 * fractal(along * 2.0, z * 0.4, 3.0, fp, 0.8, seed)
    color = scale(base, streaks * (0.65 if z < 0.5 else 1.0))
    if int(row[f.STYLE]) == f.HALL:
        return mix(color, scale(base, 0.8), dashes(along + 100.0, 0.1, 0.6, fp))
    floor = math.floor((z - 0.2) / 2.9)
    bay = math.floor((along + 200.0) / 2.7)
    y, x = z - 0.2 - 2.9 * floor, along + 200.0 - 2.7 * bay
    if z > row[f.HEIGHT] - 0.3 or hash01(bay, floor, seed) < 0.18:
        return color
    pane = stripe(x, 1.35, 0.6, fp) * stripe(y, 1.65, 0.7, fp)
    border = stripe(x, 1.35, 0.72, fp) * stripe(y, 1.65, 0.82, fp)
    glass = 0.03 + 0.10 * hash01(bay, floor, seed + 3)
    color = mix(color, (0.55, 0.55, 0.53), border)
    return mix(color, (glass, glass * 1.05, glass * 1.2), pane)
