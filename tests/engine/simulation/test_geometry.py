"""The renderer and the project's own camera agree; landmarks are where the map says."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from rs_copilot.geo.camera import Attitude, Intrinsics, project, rays
from rs_copilot.simulation.network import make_network, make_plan
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.types import SizeWH


def test_rays_leave_where_points_project() -> None:
    from rs_copilot.simulation.views import DroneView, Pose

    intrinsics = Intrinsics.from_hfov(SizeWH(64, 36), 70.0)
    pose = Pose(np.array([120.0, 80.0, 300.0]), Attitude(33.0, -55.0, 4.0))
    cast = DroneView(intrinsics, pose, pose, pose).rays()
    y, x = np.mgrid[0:36, 0:64] + 0.5
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    np.testing.assert_allclose(
        cast.direction.reshape(-1, 3), rays(intrinsics, pose.attitude, pixels), atol=1e-6
    )
    far = pose.xyz_m + 90.0 * cast.direction.reshape(-1, 3)
    np.testing.assert_allclose(project(intrinsics, pose.attitude, pose.xyz_m, far), pixels, atol=1e-3)


@pytest.mark.parametrize("off_nadir_deg", [0.0, 30.0, 60.0])
def test_a_flight_keeps_its_angle_off_nadir(off_nadir_deg: float) -> None:
    from rs_copilot.simulation.flight import plan_flight
    from rs_copilot.simulation.settings import ClipSettings
    from rs_copilot.simulation.world import build_world

    world = build_world(WorldSettings(seed=3, extent_m=300.0, cell_m=0.5))
    clip = ClipSettings(seconds=6.0, off_nadir_deg=off_nadir_deg)
    flight = plan_flight(world, clip, np.random.default_rng(1))
    poses = [flight.pose(t) for t in np.linspace(0.0, 6.0, 13)]
    pitches = np.array([pose.attitude.pitch_deg for pose in poses])
    assert np.abs(pitches - (off_nadir_deg - 90.0)).max() < 0.5
    turns = np.diff(np.unwrap(np.radians([pose.attitude.yaw_deg for pose in poses])))
    assert np.degrees(np.abs(turns)).max() < 20.0, "half a second never sees a sharp turn"


def test_town_axes_invert() -> None:
    plan = make_plan(WorldSettings(), np.random.default_rng(3))
    points = np.random.default_rng(0).uniform(-300.0, 900.0, (50, 2))
    np.testing.assert_allclose(plan.xy(plan.ab(points)), points, atol=1e-9)


def test_only_the_bridge_crosses_the_river() -> None:
    settings = WorldSettings()
    rng = np.random.default_rng(5)
    plan = make_plan(settings, rng)
    network = make_network(settings, plan, rng)
    sides = [np.sign(plan.river_distance(edge.points_xy)) for edge in network.edges]
    crossing = [edge for edge, side in zip(network.edges, sides, strict=True) if len(set(side)) > 1]
    assert [edge.bridge for edge in crossing] == [True]


def test_flat_ground_is_hit_exactly() -> None:
    """March on a plane with one block on it: depth is known in closed form."""
    from rs_copilot.simulation import fields as f
    from rs_copilot.simulation.raycast import march

    top = np.full((256, 256), 10.0, np.float32)
    top[100:120, 100:120] = 14.0
    blocks = [top.reshape(256 // n, n, 256 // n, n).max(axis=(1, 3)) for n in (f.BLOCK_CELLS, f.BIG_CELLS)]
    field = f.Field(
        0.25, top, np.full_like(top, f.SOLID), 1.0, np.full((64, 64), 10.0, np.float32),
        np.zeros(top.shape, np.uint16), np.zeros(top.shape, np.uint16), *blocks,
        np.zeros((1, f.REGION_COLUMNS), np.float32), np.zeros((1, f.SEGMENT_COLUMNS), np.float32), 14.5, 1,
    )  # fmt: skip
    down = np.array([0.3, 0.2, -1.0]) / np.linalg.norm([0.3, 0.2, -1.0])
    assert march(field, 5.0, 5.0, 40.0, *down) == pytest.approx(30.0 / -down[2], abs=0.02)
    assert march(field, 27.0, 27.0, 40.0, 0.0, 0.0, -1.0) == pytest.approx(26.0, abs=0.02)


def test_roads_are_asphalt_in_the_satellite_image(small_world: Path) -> None:
    """Carriageways are grey and smooth where the truth says road, gardens are not."""
    roads = gpd.read_file(small_world / "truth.gpkg", layer="roads")
    occluders = gpd.read_file(small_world / "truth.gpkg", layer="occluders")
    hidden = shapely.union_all(occluders.geometry.buffer(6.0))
    with rasterio.open(small_world / "satellite.tif") as raster:
        frame = shapely.box(*raster.bounds).buffer(-2.0)
        lines = [line.intersection(frame).difference(hidden) for line in roads[~roads.bridge].geometry]
        points = [line.interpolate(s) for line in lines for s in np.arange(1.0, line.length, 4.0)]
        colors = np.array(list(raster.sample([(p.x, p.y) for p in points])), dtype=np.float64)
    spread = colors.max(axis=1) - colors.min(axis=1)
    assert len(points) > 60
    assert np.median(spread) < 18.0


def test_tracks_carry_times(small_world: Path) -> None:
    """The M values of a track are its times, ascending, within the clip."""
    import sqlite3
    from contextlib import closing

    from rs_copilot.vector.gpkg_blob import decode

    with closing(sqlite3.connect(small_world / "truth.gpkg")) as connection:
        rows = connection.execute("SELECT geom, start_s, end_s, mean_speed_mps FROM tracks").fetchall()
    assert len(rows) > 5
    for blob, start, end, speed in rows:
        times = shapely.get_coordinates(decode(blob), include_m=True)[:, -1]
        assert times[0] == pytest.approx(start)
        assert times[-1] == pytest.approx(end)
        assert np.all(np.diff(times) > 0.0)
        assert 0.0 <= speed < 20.0
