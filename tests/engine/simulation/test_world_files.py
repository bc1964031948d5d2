"""The files of a rendered world agree with each other."""

from __future__ import annotations

from pathlib import Path

import av
import geopandas as gpd
import numpy as np
import pytest
import rasterio

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px, project
from rs_copilot.types import FloatArray, SizeWH

SIZE = SizeWH(640, 360)


@pytest.fixture(scope="module")
def frames(small_world: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(small_world / "truth.gpkg", layer="frames")


def _camera(row: object) -> tuple[Intrinsics, Attitude, FloatArray]:
    intrinsics = Intrinsics.from_hfov(SIZE, row.hfov_deg)
    return (
        intrinsics,
        Attitude(row.yaw_deg, row.pitch_deg, row.roll_deg),
        np.array([row.cam_x, row.cam_y, row.cam_z]),
    )


def _terrain(small_world: Path, xy: FloatArray) -> FloatArray:
    with rasterio.open(small_world / "dem.tif") as dem:
        return np.array([value[0] for value in dem.sample(xy)])


def test_video_has_every_frame_at_its_time(small_world: Path) -> None:
    with av.open(str(small_world / "clip.mp4")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(20) / 5.0, atol=1e-6)


def test_ground_homography_hits_the_true_centre(frames: gpd.GeoDataFrame) -> None:
    for row in frames.itertuples():
        intrinsics, attitude, camera = _camera(row)
        found = hg.apply(ground_from_px(intrinsics, attitude, camera, row.ground_z), SIZE.center_px)
        np.testing.assert_allclose(found[0], [row.geometry.x, row.geometry.y], atol=0.02)


def test_true_positions_project_into_object_boxes(small_world: Path, frames: gpd.GeoDataFrame) -> None:
    seen = gpd.read_file(small_world / "truth.gpkg", layer="observations")
    inside = []
    for o in seen.itertuples():
        intrinsics, attitude, camera = _camera(frames.iloc[o.frame])
        xy = np.array([[o.geometry.x, o.geometry.y]])
        base = np.column_stack([xy, _terrain(small_world, xy)])
        x, y = project(intrinsics, attitude, camera, base)[0]
        x1, y1, x2, y2 = map(int, o.box_px.split(","))
        cut = x1 == 0 or y1 == 0 or x2 == SIZE.width_px or y2 == SIZE.height_px
        inside.append(cut or (x1 - 3 <= x <= x2 + 3 and y1 - 3 <= y <= y2 + 3))
    assert len(inside) > 50
    assert np.mean(inside) > 0.97


def test_footprint_corners_lie_on_corner_rays(small_world: Path, frames: gpd.GeoDataFrame) -> None:
    outlines = gpd.read_file(small_world / "truth.gpkg", layer="footprints")
    for row, outline in zip(frames.itertuples(), outlines.geometry, strict=True):
        corners = np.array(outline.exterior.coords)[:-1][::12]
        ground = np.column_stack([corners, _terrain(small_world, corners)])
        intrinsics, attitude, camera = _camera(row)
        np.testing.assert_allclose(project(intrinsics, attitude, camera, ground), SIZE.corners_px, atol=3.0)


def test_satellite_is_a_north_up_pyramid(small_world: Path) -> None:
    with rasterio.open(small_world / "satellite.tif") as raster:
        assert raster.crs.to_epsg() == 32633
        assert raster.res == pytest.approx((0.5, 0.5))
        assert raster.transform.b == 0.0
        assert raster.transform.e < 0.0
        assert raster.overviews(1) == [2, 4, 8]
        assert raster.shape == (800, 800)
