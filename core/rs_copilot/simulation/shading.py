"""Compiled shading: from a ray's hit to light, for nature, buildings, roads and boxes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs_copilot.geo.compiling import compiled
from rs_copilot.simulation import fields as f
from rs_copilot.simulation import season as p
from rs_copilot.simulation import surfaces as s
from rs_copilot.simulation.fields import Field, Light, Rays
from rs_copilot.simulation.noise import fractal, hash01, value_noise
from rs_copilot.simulation.raycast import hit_box, sample
from rs_copilot.types import Float32Array

Rgb = tuple[float, float, float]


@compiled
def tone(light: Light, index: int) -> Rgb:
    """One colour of the season."""
    row = light.palette[index]
    return float(row[0]), float(row[1]), float(row[2])


@compiled
def grass(light: Light, x: float, y: float, fp: float, seed: int) -> Rgb:
    """Meadow or lawn: patches, tufts, blades."""
    patch = 0.5 + 0.55 * fractal(x, y, 45.0, max(fp, 3.0), 0.7, seed)
    tufts = 1.0 + 0.30 * fractal(x, y, 2.6, fp, 0.85, seed + 1)
    return s.scale(s.mix(tone(light, p.GRASS), tone(light, p.GRASS_DRY), patch), tufts)


@compiled
def crop(light: Light, row: Float32Array, u: float, v: float, fp: float) -> Rgb:
    """A field: soil moisture at large scale, drill rows and tramlines along v."""
    seed = int(row[f.SEED])
    base = tone(light, p.CROP_A + int(row[f.STYLE]) % 4)
    large = 1.0 + 0.16 * fractal(u + 31.0 * seed, v, 38.0, fp, 0.7, seed)
    drill = 1.0 + 0.22 * min(1.0, 0.5 / fp) * math.sin(u * 7.4 + 0.8 * value_noise(u * 0.3, v * 0.05, seed))
    wheel = s.stripe(abs(u - 15.0 * math.floor(u / 15.0 + 0.5)), 0.9, 0.22, fp)
    small = 1.0 + 0.25 * fractal(u, v * 0.7, 1.1, fp, 0.8, seed + 2)
    return s.mix(s.scale(base, large * drill * small), tone(light, p.SOIL), 0.75 * wheel)


@compiled
def garden(light: Light, x: float, y: float, fp: float, seed: int) -> Rgb:
    """Lawn with beds of soil and shrubs, and worn places."""
    color = grass(light, x, y, fp, seed)
    bed = fractal(x, y, 8.0, max(fp, 0.4), 0.5, seed + 40)
    if bed > 0.50:
        shrubs = 0.5 + 0.9 * fractal(x, y, 1.4, fp, 0.8, seed + 41)
        planted = s.mix(tone(light, p.SOIL), tone(light, p.CROWN_B), shrubs)
        return s.mix(color, planted, (bed - 0.50) * 12.0)
    worn = fractal(x, y, 14.0, fp, 0.6, seed + 42)
    return s.mix(color, tone(light, p.SOIL), 0.5 * min(1.0, max(0.0, (worn - 0.55) * 5.0)))


@compiled
def paved(light: Light, x: float, y: float, u: float, v: float, fp: float, seed: int) -> Rgb:
    """A yard of concrete plates with stains."""
    joint = max(s.dashes(u + 500.0, 0.06, 4.0, fp), s.dashes(v + 500.0, 0.06, 4.0, fp))
    plate = hash01(math.floor(u / 4.0), math.floor(v / 4.0), seed)
    level = 0.95 + 0.12 * (plate - 0.5) + 0.16 * fractal(x, y, 11.0, fp, 0.8, seed) - 0.3 * joint
    return s.scale(tone(light, p.PAVING), level)


@compiled
def water(light: Light, x: float, y: float, fp: float, seed: int) -> Rgb:
    """River: muddy streaks along the banks and ripples."""
    ripple = 1.0 + 0.07 * fractal(x, y * 1.6, 1.3, fp, 0.8, seed)
    ripple += 0.09 * fractal(x, y, 60.0, max(fp, 2.0), 0.6, seed + 3)
    return s.scale(tone(light, p.WATER), ripple)


@compiled
def zone_color(  # noqa: PLR0911 - one return per kind of ground
    field: Field, light: Light, region: int, x: float, y: float, fp: float
) -> Rgb:
    """Colour of open ground by the kind of its region."""
    row = field.regions[region]
    kind, seed = int(row[f.KIND]), int(row[f.SEED])
    ex, ey = x - row[f.CX], y - row[f.CY]
    u, v = row[f.COS] * ex + row[f.SIN] * ey, -row[f.SIN] * ex + row[f.COS] * ey
    if kind == f.CROP:
        return crop(light, row, u, v, fp)
    if kind in (f.LAWN, f.BUILDING, f.TREE):
        return garden(light, x, y, fp, field.seed)
    if kind == f.PAVED:
        return paved(light, x, y, u, v, fp, seed)
    if kind == f.WATER:
        return water(light, x, y, fp, field.seed)
    white = (s.WHITE, s.WHITE, s.WHITE)
    if kind == f.CAR_PARK:
        color = s.scale(s.asphalt(x, y, u, v, fp, tone(light, p.ASPHALT), seed), 1.15)
        worn = 0.75 + 0.5 * fractal(x, y, 1.4, fp, 0.9, seed + 3)
        return s.mix(color, white, worn * s.bay_paint(u, v, row[f.HALF_U], row[f.HALF_V], fp))
    color = grass(light, x, y, fp, field.seed)
    if kind == f.PITCH:
        mown = 1.0 + 0.12 * (1.0 if s.dashes(v + 500.0, 5.5, 11.0, 0.02) > 0.5 else -1.0)
        color = s.scale(s.mix(color, tone(light, p.GRASS), 0.6), mown)
        return s.mix(color, white, 0.8 * s.pitch_paint(u, v, row[f.HALF_U], row[f.HALF_V], fp))
    if kind == f.GRAVEL:
        return s.scale((0.33, 0.30, 0.25), 1.0 + 0.25 * fractal(x, y, 3.0, fp, 0.85, seed))
    return color


@compiled
def ground_color(field: Field, light: Light, region: int, segment: int, x: float, y: float, fp: float) -> Rgb:
    """Colour of the terrain: the zone, and a road over it where there is one."""
    if segment == 0:
        return zone_color(field, light, region, x, y, fp)
    road = field.segments[segment]
    tx, ty = road[f.X1] - road[f.X0], road[f.Y1] - road[f.Y0]
    length = math.sqrt(tx * tx + ty * ty)
    tx, ty = tx / length, ty / length
    ex, ey = x - road[f.X0], y - road[f.Y0]
    along, d = tx * ex + ty * ey, tx * ey - ty * ex
    beyond = max(-along, along - length)
    if beyond > 0.0:
        # Round ends fill the outer side of bends and the middle of junctions.
        d = math.copysign(math.sqrt(d * d + beyond * beyond), d)
    half = road[f.HALF_WIDTH] + road[f.WALK]
    inside = (half - abs(d)) / max(fp, 0.25) + 0.5
    if inside <= 0.0:
        return zone_color(field, light, region, x, y, fp)
    color = s.road_color(
        x, y, d, road[f.S0] + along, road, fp, tone(light, p.ASPHALT), tone(light, p.PAVING), field.seed
    )
    if inside < 1.0:
        return s.mix(zone_color(field, light, region, x, y, fp), color, inside)
    return color


@compiled
def slope(raster: Float32Array, cell_m: float, x: float, y: float, reach: float) -> tuple[float, float]:
    """Gradient of a height raster over ``reach`` metres."""
    gx = sample(raster, cell_m, x + reach, y) - sample(raster, cell_m, x - reach, y)
    gy = sample(raster, cell_m, x, y + reach) - sample(raster, cell_m, x, y - reach)
    return 0.5 * gx / reach, 0.5 * gy / reach


@compiled
def up(gx: float, gy: float) -> Rgb:
    """Unit normal of a surface with this gradient."""
    n = 1.0 / math.sqrt(1.0 + gx * gx + gy * gy)
    return -gx * n, -gy * n, n


@compiled
def crown(
    field: Field, light: Light, row: Float32Array, x: float, y: float, z: float, fp: float
) -> tuple[Rgb, Rgb]:
    """Colour and normal of a tree: lobes from the height field, leaves from noise."""
    seed = int(row[f.SEED])
    gx, gy = slope(field.top, field.cell_m, x, y, 0.35)
    bump = min(1.0, 0.4 / fp)
    gx += bump * 0.9 * value_noise(x * 2.3, y * 2.3, seed)
    gy += bump * 0.9 * value_noise(x * 2.3 + 9.0, y * 2.3, seed)
    share = min(1.0, max(0.0, (z - row[f.BASE_Z]) / row[f.HEIGHT]))
    kind = hash01(seed, 3, 1)
    color = s.mix(tone(light, p.CROWN_A), tone(light, p.CROWN_B), kind)
    if hash01(seed, 4, 1) > 0.86:
        color = tone(light, p.CROWN_C)
    leaves = 1.0 + 0.42 * fractal(x + 0.7 * z, y - 0.4 * z, 1.3, fp, 0.85, seed)
    deep = 0.25 + 0.75 * share
    color = s.scale(color, leaves * deep)
    bare = (1.0 - light.leaf) * (0.4 + 0.6 * hash01(seed, 5, 1))
    twigs = s.scale(tone(light, p.TWIGS), 1.0 + 0.5 * fractal(x, y, 0.9, fp, 0.9, seed + 1))
    if share < 0.5 * row[f.RISE]:
        bare = 0.9
    return s.mix(color, twigs, bare), up(0.6 * gx, 0.6 * gy)


@compiled
def building(row: Float32Array, x: float, y: float, z: float, fp: float) -> tuple[Rgb, Rgb]:
    """Colour and normal of a roof or a wall."""
    c, n = row[f.COS], row[f.SIN]
    u, v = c * (x - row[f.CX]) + n * (y - row[f.CY]), -n * (x - row[f.CX]) + c * (y - row[f.CY])
    height = z - row[f.BASE_Z]
    roof = s.roof_height(row, u, v)
    if roof - height > 0.45:
        if row[f.HALF_U] - abs(u) < row[f.HALF_V] - abs(v):
            side = math.copysign(1.0, u)
            return s.wall_color(row, v, height, fp, int(side)), (side * c, side * n, 0.0)
        side = math.copysign(1.0, v)
        return s.wall_color(row, u, height, fp, int(side) + 3), (-side * n, side * c, 0.0)
    gu = s.roof_height(row, u + 0.1, v) - s.roof_height(row, u - 0.1, v)
    gv = s.roof_height(row, u, v + 0.1) - s.roof_height(row, u, v - 0.1)
    gu, gv = min(3.0, max(-3.0, gu * 5.0)), min(3.0, max(-3.0, gv * 5.0))
    if int(row[f.STYLE]) == f.FLAT or int(row[f.STYLE]) == f.SOLAR_FLAT:
        gu, gv = 0.0, 0.0
    color = s.roof_color(row, u, v, height - roof, fp)
    return color, up(c * gu - n * gv, n * gu + c * gv)


@compiled
def box_surface(
    box: Float32Array, face: int, x: float, y: float, z: float, fp: float, seed: int
) -> tuple[Rgb, Rgb]:
    """Colour and normal of a box face; decks carry a road."""
    c, n = box[f.BOX_COS], box[f.BOX_SIN]
    px, py = c * (x - box[f.BOX_X]) + n * (y - box[f.BOX_Y]), -n * (x - box[f.BOX_X]) + c * (y - box[f.BOX_Y])
    material = int(box[f.BOX_MATERIAL])
    color = (float(box[f.BOX_COLOR]), float(box[f.BOX_COLOR + 1]), float(box[f.BOX_COLOR + 2]))
    side = 1.0 if face % 2 == 1 else -1.0
    normal = (0.0, 0.0, side)
    if face < 2:
        normal = (side * c, side * n, 0.0)
    elif face < 4:
        normal = (-side * n, side * c, 0.0)
    if material == f.PAINT:
        # A car's paint mirrors the sky at its rounded edges.
        edge = max(abs(px) / box[f.BOX_HX], abs(py) / box[f.BOX_HY])
        color = s.scale(
            color, 1.0 + 0.10 * value_noise(px * 1.5, py * 1.5, seed) - 0.25 * max(0.0, edge - 0.8)
        )
    elif material in (f.CONCRETE, f.DECK):
        color = (0.33, 0.32, 0.30) if material == f.DECK else color
        color = s.scale(color, 1.0 + 0.2 * fractal(x + z, y, 3.0, fp, 0.8, seed))
    return color, normal


@compiled
def raised_neighbour(field: Field, i: int, j: int, region: int, lowest_kind: int, highest_kind: int) -> int:
    """The building or tree whose smoothed edge spills into this cell, else ``region``."""
    rows, cols = field.region.shape
    for dj in range(-1, 2):
        for di in range(-1, 2):
            other = int(field.region[min(max(j + dj, 0), rows - 1), min(max(i + di, 0), cols - 1)])
            if lowest_kind <= int(field.regions[other][f.KIND]) <= highest_kind:
                return other
    return region


@compiled
def surface(field: Field, light: Light, x: float, y: float, z: float, fp: float) -> tuple[Rgb, Rgb]:
    """Colour and normal of the static world at a point of its surface."""
    rows, cols = field.top.shape
    # A ragged lookup hides the raster's steps along the borders of open ground.
    shift = 0.14 * value_noise(x * 2.9, y * 2.9, 3)
    i = min(max(int((x + shift) / field.cell_m), 0), cols - 1)
    j = min(max(int((y - shift) / field.cell_m), 0), rows - 1)
    region = int(field.region[j, i])
    above = z - sample(field.ground, field.ground_cell_m, x, y)
    if above > 0.3 and int(field.regions[region][f.KIND]) < f.BUILDING:
        region = raised_neighbour(field, i, j, region, f.BUILDING, f.TREE)
    row = field.regions[region]
    kind = int(row[f.KIND])
    if kind == f.TREE and z > row[f.BASE_Z] + 1.2 * row[f.HEIGHT]:
        row = field.regions[raised_neighbour(field, i, j, region, f.BUILDING, f.BUILDING)]
        kind = int(row[f.KIND])
    if kind == f.BUILDING and above > 0.3:
        return building(row, x, y, z, fp)
    if kind == f.TREE and above > 0.3:
        return crown(field, light, row, x, y, z, fp)
    gx, gy = slope(field.ground, field.ground_cell_m, x, y, 1.0)
    if kind == f.WATER:
        bump = 0.05 * min(1.0, 0.6 / fp)
        gx, gy = bump * value_noise(x * 1.3, y * 1.3, 5), bump * value_noise(x * 1.3, y * 1.3, 6)
    return ground_color(field, light, region, int(field.segment[j, i]), x, y, fp), up(gx, gy)


@compiled
def shade(light: Light, color: Rgb, normal: Rgb, x: float, y: float, z: float, lit: float) -> Rgb:
    """Sun with soft-edged shadow, sky with a share lost between high neighbours."""
    shadow = sample(light.shadow_z, light.shadow_cell_m, x, y)
    lit *= min(1.0, max(0.0, (z + 0.35 - shadow) / 0.5))
    facing = normal[0] * light.sun[0] + normal[1] * light.sun[1] + normal[2] * light.sun[2]
    direct = max(0.0, facing) * lit
    lost = sample(light.mean_top, light.open_cell_m, x, y) - z
    sky = (0.62 + 0.38 * normal[2]) / (1.0 + 0.16 * max(0.0, lost))
    return (
        color[0] * (light.sun_color[0] * direct + light.sky_color[0] * sky),
        color[1] * (light.sun_color[1] * direct + light.sky_color[1] * sky),
        color[2] * (light.sun_color[2] * direct + light.sky_color[2] * sky),
    )


@compiled
def _box_pixel(
    field: Field, box: Float32Array, o: Float32Array, d: Float32Array, t: float, fp: float
) -> tuple[Rgb, Rgb]:
    _, face = hit_box(box, o[0], o[1], o[2], d[0], d[1], d[2])
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    return box_surface(box, face, x, y, z, fp, field.seed)


@compiled
def deck_color(
    light: Light, box: Float32Array, road: Float32Array, x: float, y: float, fp: float, seed: int
) -> Rgb:
    """The carriageway on a bridge: the road of its edge goes on over it."""
    tx, ty = box[f.BOX_COS], box[f.BOX_SIN]
    ex, ey = x - road[f.X0], y - road[f.Y0]
    along, d = tx * ex + ty * ey, tx * ey - ty * ex
    return s.road_color(
        x, y, d, road[f.S0] + along, road, fp, tone(light, p.ASPHALT), tone(light, p.PAVING), seed
    )


@compiled
def shade_rows(
    field: Field,
    light: Light,
    rays: Rays,
    boxes: Float32Array,
    distance: Float32Array,
    owner_box: NDArray[np.int32],
    lit: Float32Array,
    image: Float32Array,
    first: int,
    end: int,
) -> None:
    """Linear light for rows ``first`` to ``end`` of ``image`` (H, W, 3)."""
    for row in range(first, end):
        for col in range(distance.shape[1]):
            o, d, t = rays.origin[row, col], rays.direction[row, col], distance[row, col]
            x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
            fp = max(0.02, rays.spread + t * rays.spread_rate)
            index = owner_box[row, col]
            if index >= 0:
                box = boxes[index]
                color, normal = _box_pixel(field, box, o, d, t, fp)
                if int(box[f.BOX_MATERIAL]) == f.DECK and normal[2] > 0.5:
                    road = field.segments[int(box[f.BOX_COLOR])]
                    color = deck_color(light, box, road, x, y, fp, field.seed)
            else:
                color, normal = surface(field, light, x, y, z, fp)
            r, g, b = shade(light, color, normal, x, y, z, lit[row, col])
            image[row, col, 0], image[row, col, 1], image[row, col, 2] = r, g, b
