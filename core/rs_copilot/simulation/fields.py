"""The arrays that the ray caster walks through, and what their numbers mean.

Local coordinates: metres east (x) and north (y) of the world's south-west corner, z metres above sea
level. Raster row 0 is the southernmost; a cell's value belongs to its centre.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import Float32Array

# What a region of the surface is (column KIND of the region table).
MEADOW, LAWN, CROP, CAR_PARK, PAVED, WATER, PITCH, BUILDING, TREE, GRAVEL = range(10)
KIND_NAMES = (
    "meadow",
    "garden",
    "field",
    "car park",
    "yard",
    "river",
    "pitch",
    "building",
    "tree",
    "gravel",
)

# Columns of the region table; u and v are the region's own axes (v along its longer side).
(KIND, CX, CY, COS, SIN, HALF_U, HALF_V, BASE_Z, HEIGHT, RISE, STYLE) = range(11)
COLOR, WALL, SEED, REGION_COLUMNS = 11, 14, 17, 18

# Roof styles, in column STYLE of a building.
FLAT, GABLE, HIP, HALL, SOLAR_FLAT = range(5)

# Columns of the road segment table; S0 is the distance along the edge, LENGTH that of the whole edge.
(X0, Y0, X1, Y1, S0, LENGTH, HALF_WIDTH, WALK, ROAD_CLASS, NODE_A, NODE_B) = range(11)
SEGMENT_COLUMNS = 11

# Columns of the box table; X is along the body, MATERIAL one of the next line, OWNER an object index.
(BOX_X, BOX_Y, BOX_Z, BOX_COS, BOX_SIN, BOX_HX, BOX_HY, BOX_HZ, BOX_COLOR) = range(9)
BOX_MATERIAL, BOX_OWNER, BOX_COLUMNS = 11, 12, 13
PAINT, GLASS, DECK, CONCRETE, CLOTH = range(5)

SOLID, BUILT = -1.0e9, -2.0e9
BLOCK_CELLS = 8
BIG_CELLS = 64


class Field(NamedTuple):
    """The static world as arrays. ``top`` includes buildings and trees, ``ground`` does not."""

    cell_m: float
    top: Float32Array  # (R, C) metres
    under: Float32Array  # (R, C) lower side of crowns; SOLID where the surface reaches the ground
    ground_cell_m: float
    ground: Float32Array  # coarse (r, c) metres
    region: NDArray[np.uint16]  # (R, C) row of `regions`
    segment: NDArray[np.uint16]  # (R, C) row of `segments`, 0 for none
    block_max: Float32Array  # highest top in blocks of BLOCK_CELLS, one block of margin
    big_max: Float32Array  # the same in blocks of BIG_CELLS
    regions: Float32Array  # (N, REGION_COLUMNS)
    segments: Float32Array  # (M, SEGMENT_COLUMNS)
    z_max: float
    seed: int


class Light(NamedTuple):
    """Sun, sky and the season's colours; all colours are linear reflectances or radiances."""

    sun: Float32Array  # (3,) unit vector towards the sun
    sun_color: Float32Array  # (3,)
    sky_color: Float32Array  # (3,)
    shadow_cell_m: float
    shadow_z: Float32Array  # below this height a point lies in shadow
    open_cell_m: float
    mean_top: Float32Array  # blurred surface: how much sky a low point loses
    palette: Float32Array  # (K, 3), see season.py
    leaf: float  # 1 full crowns, 0 bare
    wet: float  # 0 dry, 1 wet asphalt


class Rays(NamedTuple):
    """One ray per pixel. The pixel's size on a surface at distance t is spread + t * spread_rate."""

    origin: Float32Array  # (H, W, 3)
    direction: Float32Array  # (H, W, 3) unit
    spread: float
    spread_rate: float
