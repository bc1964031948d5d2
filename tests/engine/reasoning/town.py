"""A small scene with known truth: a straight flight over a town of zones, roads, houses and vehicles."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path as FilePath

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.layers import things_of_layer
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.question import Mark
from rs_copilot.reasoning.scene import views_of
from rs_copilot.reasoning.things import Kind, Path, Thing
from rs_copilot.types import CameraPosition, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import (
    Grid,
    Provenance,
    build_table,
    footprints_table,
    frames_table,
    trajectory_table,
)
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.store import create_scene, write_layers

CRS = pyproj.CRS.from_epsg(32633)
ORIGIN = np.array([500_000.0, 5_400_000.0])
SIZE = SizeWH(400, 200)
GSD_M, HEIGHT_M = 0.25, 80.0
FPS = 5.0


def place(x: float, y: float) -> np.ndarray:
    return ORIGIN + [x, y]


def placements(count: int = 100, speed_mps: float = 10.0) -> list[Placement]:
    """Frames that look straight down, image-up to the north, on a flight to the east along y = 0.

    Frame i shows x from 2i - 50 to 2i + 50 and y from -25 to 25.
    """
    found = []
    for index in range(count):
        time_s = index / FPS
        x, y = place(speed_mps * time_s, 0.0)
        h = np.array(
            [
                [GSD_M, 0.0, x - GSD_M * SIZE.width_px / 2],
                [0.0, -GSD_M, y + GSD_M * SIZE.height_px / 2],
                [0.0, 0.0, 1.0],
            ]
        )
        lon, lat = geo_crs.to_lonlat(np.array([[x, y]]), CRS)[0]
        found.append(
            Placement(
                index,
                time_s,
                FrameStatus.LOCATED,
                0.99,
                0.5,
                h,
                SIZE,
                camera=CameraPosition(LonLat(lon, lat), HEIGHT_M),
            )
        )
    return found


def write_town(
    folder: FilePath, frames: int = 100, tracks: dict[int, list[tuple[float, float, float]]] | None = None
) -> FilePath:
    """Write the scene; ``tracks`` are (time_s, x, y) by number. Layers lie beside it in map.gpkg."""
    scene = folder / "scene.gpkg"
    create_scene(scene, CRS)
    grid, provenance = Grid(CRS, CRS), Provenance("clip.mp4", "by hand")
    where = placements(frames)
    rows, lines = [], []
    for number, points in (tracks or TRACKS).items():
        array = np.array(points)
        rows.append({"track_id": number, "label": "vehicle", "start_s": array[0, 0], "end_s": array[-1, 0]})
        lines.append(line_m(ORIGIN + array[:, 1:], array[:, 0]))
    write_layers(
        scene,
        {
            "frames": frames_table(where, grid, provenance, clip_path="clip.mp4"),
            "footprints": footprints_table(where, grid, provenance),
            "trajectory": trajectory_table(where, grid, provenance),
            "tracks": build_table(schema.TRACKS, rows, lines, grid, provenance),
        },
    )
    for name, table in LAYERS.items():
        table.to_file(folder / "map.gpkg", layer=name, driver="GPKG")
    return scene


def layers(folder: FilePath) -> dict[str, str]:
    return {name: f"{folder / 'map.gpkg'}|layername={name}" for name in LAYERS}


def drive(
    start_s: float, xy: tuple[float, float], velocity: tuple[float, float], seconds: float
) -> list[tuple[float, float, float]]:
    times = np.arange(0.0, seconds + 1e-9, 0.2)
    return [(start_s + t, xy[0] + velocity[0] * t, xy[1] + velocity[1] * t) for t in times]


# 1 drives from the depot to the market; 2 crosses the market from south to north; 3 stands still at its end.
TRACKS = {
    1: drive(1.0, (0.0, 5.0), (12.0, 0.0), 9.0),
    2: drive(6.0, (100.0, -20.0), (0.0, 10.0), 4.0),
    3: [*drive(2.0, (20.0, -10.0), (6.0, 0.0), 5.0), *[(7.0 + 0.2 * i, 50.0, -10.0) for i in range(1, 16)]],
}


def box(x1: float, y1: float, x2: float, y2: float) -> shapely.Polygon:
    return shapely.box(*place(x1, y1), *place(x2, y2))


def table(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


LAYERS = {
    "zones": table(
        [
            {"name": "depot", "kind": "works", "geometry": box(-10, -15, 30, 15)},
            {"name": "market", "kind": "square", "geometry": box(90, -15, 120, 15)},
            {"name": "Far Field", "kind": "field", "geometry": box(90, 200, 120, 230)},
            {"name": "Mill Pond", "kind": "pond", "geometry": box(150, -10, 160, 10)},
        ]
    ),
    "roads": table(
        [
            {
                "name": "High Street",
                "bridge": False,
                "geometry": shapely.LineString([place(-50, 5), place(300, 5)]),
            },
            {
                "name": "Church Lane",
                "bridge": False,
                "geometry": shapely.LineString([place(100, -100), place(100, 100)]),
            },
            {
                "name": "Mill Lane",
                "bridge": False,
                "geometry": shapely.LineString([place(300, 5), place(300, 220), place(110, 220)]),
            },
            {
                "name": "Old Track",
                "bridge": False,
                "geometry": shapely.LineString([place(-50, 400), place(50, 400)]),
            },
        ]
    ),
    "occluders": table(
        [
            {"name": "town hall", "kind": "building", "height_m": 30.0, "geometry": box(60, 8, 80, 20)},
            {"name": "old oak", "kind": "tree", "height_m": 12.0, "geometry": box(130, -12, 140, -4)},
        ]
    ),
}


def memory() -> Memory:
    """The town as `read_memory` would give it, without files."""
    frames = frames_table(
        placements(), Grid(CRS, CRS), Provenance("clip.mp4", "by hand"), clip_path="clip.mp4"
    )
    views = views_of(frames, "clip.mp4", CRS)
    things = []
    for number, points in TRACKS.items():
        array = np.array(points)
        path = Path(array[:, 0], ORIGIN + array[:, 1:])
        key = f"track {number}"
        things.append(
            Thing(
                key, Kind.TRACK, key, "vehicle", shapely.LineString(path.xy_m), 2.0, path, layer="tracks",
                fid=number, clip="clip.mp4",
            )
        )  # fmt: skip
    for name, rows in LAYERS.items():
        things += things_of_layer(name, rows, CRS)
    return Memory(CRS, views, tuple(things))


def mark_of(name: str, shape: shapely.Geometry) -> Mark:
    """A shape of the town as a mark."""
    degrees = shapely.transform(shape, lambda xy: geo_crs.to_lonlat(xy, CRS))
    return Mark(name=name, geometry=shapely.geometry.mapping(degrees))


memory_once = lru_cache(maxsize=1)(memory)
