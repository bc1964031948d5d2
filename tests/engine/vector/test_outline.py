"""What is known over terrain reaches the scene: outlines become footprints, levels are kept."""

from __future__ import annotations

import contextlib
import sqlite3

import numpy as np
import pyproj
import pytest

from rs_copilot.localization.view import nadir_view
from rs_copilot.tracking.relief import Terrain, _told_levels_m
from rs_copilot.types import FloatArray, FrameStatus, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance, footprints_table, frames_table
from rs_copilot.vector.placements import ClipPlacements, read_placements
from rs_copilot.vector.store import append_layer, create_scene, read_layer, write_layers

UTM = pyproj.CRS.from_epsg(32633)
GRID = Grid(UTM, UTM)
SIZE = SizeWH(640, 360)
MIDDLE = np.array([504_000.0, 5_340_000.0])
HILLY = MIDDLE + np.array([[-50.0, 30.0], [0.0, 36.0], [50.0, 30.0], [52.0, -30.0], [-48.0, -28.0]])


def placed(frame: int, level_m: float | None = None, outline_m: FloatArray | None = None) -> Placement:
    place = nadir_view(SIZE, 100.0).at(MIDDLE)
    return Placement(
        frame, frame / 5, FrameStatus.LOCATED, 0.9, 1.0, place, SIZE, level_m=level_m, outline_m=outline_m
    )


def test_an_outline_is_the_footprint_and_one_that_crosses_itself_is_not() -> None:
    crossed = HILLY[[0, 2, 1, 3, 4]]
    table = footprints_table(
        [placed(0), placed(1, 250.0, HILLY), placed(2, 250.0, crossed)], GRID, Provenance("clip", "test")
    )
    flat, hilly, sound = table.geometry
    assert len(hilly.exterior.coords) == len(HILLY) + 1
    assert flat.area == pytest.approx(100.0 * 100.0 * 360 / 640, rel=1e-3)
    assert sound.equals(flat)


def test_levels_are_read_back(tmp_path) -> None:
    path = tmp_path / "scene.gpkg"
    create_scene(path, UTM)
    tables = {
        "frames": frames_table(
            [placed(0, 251.5), placed(1)], GRID, Provenance("clip", "test"), clip_path=str(tmp_path / "clip")
        )
    }
    write_layers(path, tables)
    assert [item.level_m for item in read_placements(path, "clip").placements] == [251.5, None]


def test_a_scene_of_an_earlier_version_is_read_and_written(tmp_path) -> None:
    path = tmp_path / "scene.gpkg"
    create_scene(path, UTM)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('ALTER TABLE frames DROP COLUMN "level_m"')
    assert len(read_layer(path, "frames")) == 0
    provenance = Provenance("clip", "test")
    append_layer(path, "frames", frames_table([placed(0, 251.5)], GRID, provenance, clip_path="clip"))
    assert list(read_layer(path, "frames")["level_m"]) == [251.5]


@pytest.mark.parametrize(
    ("levels", "holds_cameras", "told"),
    [((250.0, 260.0), True, 255.0), ((250.0, None), True, np.nan), ((250.0, 260.0), False, np.nan)],
)
def test_tracking_takes_the_levels_that_localization_solved_for(
    levels, holds_cameras: bool, told: float
) -> None:
    placements = tuple(placed(frame, level) for frame, level in enumerate(levels))
    clip = ClipPlacements("clip", "clip.mp4", UTM, UTM, placements, (None, None), (None, None))
    terrain = Terrain(lambda points: np.zeros(len(points)), holds_cameras)
    np.testing.assert_equal(_told_levels_m(terrain, clip, [0.1])[0], told)
