"""Placements and scenes with known truth."""

from __future__ import annotations

import os

import numpy as np
import pyproj
import pytest

from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.types import CameraPosition, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance, footprints_table, frames_table, trajectory_table
from rs_copilot.vector.store import create_scene

SERVER = os.environ.get("RS_COPILOT_TEST_POSTGRES", "")
needs_server = pytest.mark.skipif(
    not SERVER, reason="set RS_COPILOT_TEST_POSTGRES to the URL of a scratch database with PostGIS"
)
UTM = pyproj.CRS.from_epsg(32633)
MERCATOR = pyproj.CRS.from_epsg(3857)
SIZE = SizeWH(640, 360)
EAST_M, NORTH_M, HEIGHT_M = 470_000.0, 5_400_000.0, 100.0


def placement(
    index: int, *, pitch_deg: float = -60.0, yaw_deg: float = 30.0, camera: bool = False
) -> Placement:
    """A camera 100 m above ground that moves 10 m east per frame."""
    xyz = np.array([EAST_M + 10.0 * index, NORTH_M, HEIGHT_M])
    intrinsics = Intrinsics.from_hfov(SIZE, 60.0)
    return Placement(
        frame=index,
        time_s=index * 0.5,
        status=FrameStatus.LOCATED,
        score=0.9,
        error_m=3.0,
        map_from_px=ground_from_px(intrinsics, Attitude(yaw_deg, pitch_deg), xyz),
        size=SIZE,
        camera=CameraPosition(LonLat(14.59 + index * 1e-4, 48.75), HEIGHT_M) if camera else None,
    )


def unlocated(index: int) -> Placement:
    return Placement(
        index, index * 0.5, FrameStatus.UNLOCATED, 0.0, reason="nothing on the map looks like it"
    )


@pytest.fixture
def grid() -> Grid:
    return Grid(UTM, UTM)


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(clip="clip.mp4", method="test")


@pytest.fixture
def tables(grid, provenance):
    placements = [placement(0), placement(1), unlocated(2), placement(3)]
    return {
        "frames": frames_table(placements, grid, provenance, clip_path="/clips/clip.mp4"),
        "footprints": footprints_table(placements, grid, provenance),
        "trajectory": trajectory_table(placements, grid, provenance),
    }


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / "scene.gpkg"
    create_scene(path, UTM)
    return path
