"""Tracking on terrain: a town on a slope, of which a frame's homography shows the level plane only."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rs_copilot.errors import RasterError
from rs_copilot.evaluation.mot_data import read_tracks
from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo.relief import onto_terrain
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.track import TrackParams, run
from rs_copilot.types import CameraPosition, LonLat
from rs_copilot.vector.build import Grid, Provenance, runs_table
from rs_copilot.vector.store import append_layer, read_layer

from .scenes import UTM, make_clip
from .scenes import make_scene as make_placed
from .world import EAST_M, NORTH_M, Car, World

SLOPE, LEVEL_M, ABOVE_M = 0.4, 200.0, 100.0
GRID = Grid(UTM, UTM)


def terrain(points):
    return LEVEL_M + SLOPE * (points[:, 0] - EAST_M)


@pytest.fixture(scope="module")
def flown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slope")
    world = World(cars=[Car((-40.0, 10.0), (7.0, 0.0)), Car((36.0, -24.0), (0.0, 8.0))])
    make_clip(folder / "clip.mp4", world)
    east = EAST_M - 300.0 + np.arange(600) + 0.5
    heights = np.tile(terrain(np.stack([east, east], axis=1)), (600, 1)).astype(np.float32)
    where = from_origin(EAST_M - 300.0, NORTH_M + 300.0, 1.0, 1.0)
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=600, height=600, count=1, dtype="float32",
        crs="EPSG:32633", transform=where,
    ) as file:  # fmt: skip
        file.write(heights, 1)
    return world, folder


def make_scene(path, world, folder, *, camera=True, msl=False, localize_dem=None):
    lon, lat = geo_crs.to_lonlat(np.array([[EAST_M, NORTH_M]]), UTM)[0]
    where = CameraPosition(LonLat(lon, lat), ABOVE_M, LEVEL_M + ABOVE_M if msl else None)
    make_placed(path, world, folder / "clip.mp4", every=5, camera=where if camera else None)
    made = runs_table(
        "localize",
        {"dem": localize_dem},
        GRID,
        Provenance(clip="clip.mp4", method="truth"),
        version="0",
        seconds=1.0,
        device="cpu",
        warnings=[],
    )
    append_layer(path, "runs", made)


def misses_m(scene, world):
    """Median distance of each track from the nearest car, where its line of sight meets the slope."""
    camera = np.array([EAST_M, NORTH_M, LEVEL_M + ABOVE_M])
    found = []
    for track in read_tracks(scene, "clip.mp4", UTM):
        best = []
        for car in world.cars:
            shown = np.array([car.at(t) for t in track.times_s]) + camera[:2]
            true = onto_terrain(shown, LEVEL_M, camera, terrain)
            best.append(float(np.median(np.linalg.norm(track.points_m - true, axis=1))))
        found.append(min(best))
    return found


def test_objects_lie_on_the_slope_whichever_height_the_cameras_have(flown, tmp_path):
    world, folder = flown
    flat, named, same = tmp_path / "flat.gpkg", tmp_path / "named.gpkg", tmp_path / "same.gpkg"
    dem = str(folder / "dem.tif")
    make_scene(flat, world, folder)
    make_scene(named, world, folder)
    make_scene(same, world, folder, msl=True, localize_dem=dem)
    assert not run(TrackParams(scene=str(flat)), JobContext()).clips[0].on_terrain
    assert "elevation" in run(TrackParams(scene=str(named), dem=dem), JobContext()).summary()
    assert run(TrackParams(scene=str(same)), JobContext()).clips[0].on_terrain
    assert len(misses_m(flat, world)) == 2
    assert max(misses_m(flat, world)) > 3.0
    assert max(misses_m(named, world)) < 0.8
    np.testing.assert_allclose(misses_m(same, world), misses_m(named, world), atol=0.02)
    boxes, lines = read_layer(same, "detections"), read_layer(same, "tracks")
    for track_id, line in zip(lines["track_id"], lines.geometry, strict=True):
        own = boxes[boxes["track_id"] == track_id].geometry.centroid
        assert own.distance(line).median() < 1.5


def test_terrain_that_cannot_be_used_is_said(flown, tmp_path):
    world, folder = flown
    scene, dem = tmp_path / "scene.gpkg", str(folder / "dem.tif")
    make_scene(scene, world, folder, camera=False)
    context = JobContext()
    assert not run(TrackParams(scene=str(scene), dem=dem), context).clips[0].on_terrain
    assert "cameras of clip.mp4 are unknown" in context.warnings[0]
    make_scene(scene, world, folder, msl=True, localize_dem="/nowhere/gone.tif")
    context = JobContext()
    assert not run(TrackParams(scene=str(scene)), context).clips[0].on_terrain
    assert "gone.tif" in context.warnings[0]
    with pytest.raises(RasterError):
        run(TrackParams(scene=str(scene), dem=str(folder / "clip.mp4")), JobContext())
