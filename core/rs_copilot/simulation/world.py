"""A seed becomes a town: rasters for the ray caster, and the plan for traffic and truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import pyproj
from numpy.typing import NDArray

from rs_copilot.simulation import fields as f
from rs_copilot.simulation.blocks import fill_blocks
from rs_copilot.simulation.fields import Field, Light
from rs_copilot.simulation.layout import Layout, Zone, river_trees, start_layout, street_trees, water_outline
from rs_copilot.simulation.network import BANK_M, Network, make_network, make_plan
from rs_copilot.simulation.season import Season
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.simulation.terrain import DECK_TOP_M, GROUND_CELL_M, make_ground
from rs_copilot.types import BoolArray, Float32Array, FloatArray

# A made-up town near the central meridian of its zone, so that grid north is true north to 0.1 degrees.
CRS = pyproj.CRS.from_epsg(32633)
ORIGIN_EN_M = np.array([503_600.0, 5_340_400.0])
SHADOW_CELL_M = 0.5
OPEN_CELL_M = 1.0


@dataclass(frozen=True)
class World:
    """The static town. Local metres plus ``origin_en`` are metres of `CRS`."""

    settings: WorldSettings
    network: Network
    field: Field
    zones: tuple[Zone, ...]
    outlines: dict[int, FloatArray]

    @cached_property
    def origin_en(self) -> FloatArray:
        """Easting and northing of the local origin, which lies a margin outside the satellite image."""
        return np.asarray(ORIGIN_EN_M - self.settings.margin_m, dtype=np.float64)

    def ground_z(self, xy: FloatArray) -> FloatArray:
        """Terrain height at ``(N, 2)`` local points, without objects and without the bridge. Shape (N,)."""
        return bilinear(self.field.ground, self.field.ground_cell_m, np.asarray(xy, dtype=np.float64))

    def road_z(self, xy: FloatArray, on_deck: BoolArray) -> FloatArray:
        """Height of the road: the deck where ``on_deck`` says so, else the terrain. Shape (N,)."""
        return np.where(on_deck, DECK_TOP_M, self.ground_z(xy))


def bilinear(raster: Float32Array, cell_m: float, xy: FloatArray) -> FloatArray:
    """Values of a raster of cell centres at ``(N, 2)`` points; the border goes on for ever."""
    rows, cols = raster.shape
    grid = np.clip(xy / cell_m - 0.5, 0.0, np.array([cols, rows]) - 1.001)
    i, j = np.floor(grid).astype(int).T
    u, v = (grid - np.floor(grid)).T
    low = raster[j, i] + (raster[j, i + 1] - raster[j, i]) * u
    high = raster[j + 1, i] + (raster[j + 1, i + 1] - raster[j + 1, i]) * u
    return np.asarray(low + (high - low) * v, dtype=np.float64)


def build_world(settings: WorldSettings) -> World:
    """The town of a seed: the same settings give the same bytes."""
    rng = np.random.default_rng(settings.seed)
    plan = make_plan(settings, rng)
    network = make_network(settings, plan, rng)
    ground = make_ground(settings, plan, rng)
    layout = start_layout(settings, network, rng)
    fill_blocks(layout)
    river_trees(layout)
    street_trees(layout)
    regions = _with_base(np.array(layout.rows), ground)
    return World(
        settings,
        network,
        _paint(settings, network, ground, layout, regions),
        tuple(layout.zones),
        layout.outlines,
    )


def _with_base(rows: FloatArray, ground: Float32Array) -> Float32Array:
    rows[:, f.BASE_Z] = bilinear(ground, GROUND_CELL_M, rows[:, [f.CX, f.CY]])
    return rows.astype(np.float32)


def _paint(
    settings: WorldSettings, network: Network, ground: Float32Array, layout: Layout, regions: Float32Array
) -> Field:
    from rs_copilot.simulation import paint

    cell = settings.cell_m
    count = int(np.ceil(settings.side_m / cell / f.BIG_CELLS)) * f.BIG_CELLS
    top = np.empty((count, count), dtype=np.float32)
    paint.upsample(ground, GROUND_CELL_M, cell, top)
    segment = np.zeros((count, count), dtype=np.uint16)
    nearest = np.full((count, count), 1e9, dtype=np.float32)
    paint.paint_segments(network.segments, _on_deck(network), cell, segment, nearest)
    under = np.full((count, count), f.SOLID, dtype=np.float32)
    regions, region = _paint_regions(network, layout, regions, cell, (top, under), settings.side_m)
    return Field(
        cell,
        top,
        under,
        GROUND_CELL_M,
        ground,
        region,
        segment,
        _block_max(top, f.BLOCK_CELLS),
        _block_max(top, f.BIG_CELLS),
        regions,
        network.segments,
        float(top.max()) + 0.5,
        settings.seed,
    )


def _on_deck(network: Network) -> NDArray[np.bool_]:
    middles = 0.5 * (network.segments[:, [f.X0, f.Y0]] + network.segments[:, [f.X1, f.Y1]]).astype(np.float64)
    across = np.abs(network.plan.ab(middles)[:, 1] - network.plan.river_b_m)
    bridge = np.zeros(len(middles), dtype=bool)
    count = len(network.bridge.points_xy) - 1
    bridge[network.bridge_segment : network.bridge_segment + count] = True
    return np.asarray(bridge & (across < BANK_M - 4.0))


def _paint_regions(
    network: Network,
    layout: Layout,
    regions: Float32Array,
    cell: float,
    surface: tuple[Float32Array, Float32Array],
    side_m: float,
) -> tuple[Float32Array, NDArray[np.uint16]]:
    from rs_copilot.simulation import paint

    top, under = surface
    region = np.zeros(top.shape, dtype=np.uint16)
    kinds = regions[:, f.KIND].astype(int)
    is_ground = np.asarray((kinds != f.BUILDING) & (kinds != f.TREE))
    for index in np.flatnonzero(is_ground):
        if index:
            cv2.fillPoly(region, [np.round(layout.outlines[int(index)] / cell).astype(np.int32)], int(index))
    river = np.zeros((1, f.REGION_COLUMNS), dtype=np.float32)
    river[0, f.KIND] = f.WATER
    regions = np.vstack([regions, river])
    outline = water_outline(network, 0.9 * side_m)
    cv2.fillPoly(region, [np.round(outline / cell).astype(np.int32)], len(regions) - 1)
    for index in np.flatnonzero(kinds == f.BUILDING):
        paint.paint_building(regions[index], int(index), cell, top, under, region)
    for index in np.flatnonzero(kinds == f.TREE):
        paint.paint_tree(regions[index], int(index), cell, top, under, region)
    return regions, region


def _block_max(top: Float32Array, cells: int) -> Float32Array:
    """Highest value per block and its neighbours' border cells, which bilinear lookups touch."""
    grown = cv2.dilate(top, np.ones((3, 3), dtype=np.uint8))
    rows, cols = grown.shape
    return np.asarray(grown.reshape(rows // cells, cells, cols // cells, cells).max(axis=(1, 3)))


def light_for(world: World, season: Season) -> Light:
    """Sun, shadows and colours of a season over this town."""
    from rs_copilot.simulation import paint
    from rs_copilot.simulation.compiling import over_rows

    field, sun = world.field, season.sun_vector
    count = int(field.top.shape[0] * field.cell_m / SHADOW_CELL_M)
    shadow = np.empty((count, count), dtype=np.float32)
    over_rows(
        count,
        lambda first, end: paint.shadow_rows(
            field.top, field.cell_m, sun, SHADOW_CELL_M, shadow, field.z_max, first, end
        ),
    )
    small = int(field.top.shape[0] * field.cell_m / OPEN_CELL_M)
    mean_top = cv2.resize(field.top, (small, small), interpolation=cv2.INTER_AREA)
    return Light(
        sun,
        np.array(season.sun_color, np.float32),
        np.array(season.sky_color, np.float32),
        SHADOW_CELL_M,
        shadow,
        OPEN_CELL_M,
        np.asarray(cv2.GaussianBlur(mean_top, (0, 0), 3.0), np.float32),
        season.palette,
        season.leaf,
        season.wet,
    )
