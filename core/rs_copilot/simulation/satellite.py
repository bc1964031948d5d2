"""The satellite image and the elevation models as GeoTIFFs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling

from rs_copilot.simulation.render import render
from rs_copilot.simulation.scenario import Scenario
from rs_copilot.simulation.season import SEASONS, Season
from rs_copilot.simulation.sensor import satellite_picture
from rs_copilot.simulation.views import SatelliteView
from rs_copilot.simulation.world import CRS, World, light_for
from rs_copilot.types import ByteImage, Float32Array, SizeWH

STRIP_ROWS = 256


def satellite_image(scenario: Scenario, season: Season | None = None) -> ByteImage:
    """North-up picture of the whole extent, shape (N, N, 3), in ``season`` or the one of the settings."""
    s, world = scenario.settings.satellite, scenario.world
    side = round(world.settings.extent_m / s.gsd_m)
    season = season or SEASONS[s.season]
    light, crowd = light_for(world, season), scenario.satellite_crowd()
    linear = np.empty((side, side, 3), dtype=np.float32)
    for first in range(0, side, STRIP_ROWS):
        rows = min(STRIP_ROWS, side - first)
        # Two rays per pixel each way: the telescope averages, it does not sample.
        corner = world.settings.margin_m + np.array([0.0, world.settings.extent_m - first * s.gsd_m])
        view = SatelliteView(
            world, corner, s.gsd_m / 2.0, s.lean_deg, s.lean_azimuth_deg, SizeWH(2 * side, 2 * rows)
        )
        fine = render(world, light, view, crowd).light
        linear[first : first + rows] = fine.reshape(rows, 2, side, 2, 3).mean(axis=(1, 3))
    return satellite_picture(linear, season.haze, scenario.satellite_rng)


def write_satellite(path: Path, scenario: Scenario, image: ByteImage) -> None:
    """A tiled GeoTIFF with overviews."""
    _write(
        path,
        np.moveaxis(image, 2, 0),
        scenario.world,
        scenario.settings.satellite.gsd_m,
        {"photometric": "RGB"},
    )


def write_elevation(terrain_path: Path, surface_path: Path, world: World, gsd_m: float = 1.0) -> None:
    """Bare terrain, and terrain with objects, in metres above sea level over the whole world."""
    side = int(world.settings.side_m / gsd_m)
    grid = (np.arange(side) + 0.5) * gsd_m
    x, y = np.meshgrid(grid, grid[::-1])
    terrain = world.ground_z(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(side, side).astype(np.float32)
    cells = np.minimum((grid / world.field.cell_m).astype(int), len(world.field.top) - 1)
    surface = world.field.top[np.ix_(cells[::-1], cells)]
    for path, heights in ((terrain_path, terrain), (surface_path, surface)):
        _write(path, heights[None], world, gsd_m, {"predictor": 3}, margin_m=world.settings.margin_m)


def _write(
    path: Path,
    bands: ByteImage | Float32Array,
    world: World,
    gsd_m: float,
    options: dict[str, object],
    margin_m: float = 0.0,
) -> None:
    count, rows, cols = bands.shape
    west, south = world.origin_en + (world.settings.margin_m - margin_m)
    transform = rasterio.Affine(gsd_m, 0.0, west, 0.0, -gsd_m, south + rows * gsd_m)
    profile = {
        "driver": "GTiff",
        "width": cols,
        "height": rows,
        "count": count,
        "dtype": bands.dtype,
        "crs": CRS.to_wkt(),
        "transform": transform,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **{**profile, **options}) as target:
        target.write(bands)
        target.build_overviews([2, 4, 8], Resampling.average)
