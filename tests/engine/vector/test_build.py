from __future__ import annotations

import json
import math

import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import FrameStatus, Placement
from rs_copilot.vector import schema
from rs_copilot.vector.build import (
    Grid,
    Provenance,
    build_columns,
    build_table,
    centroids_lonlat,
    crs_text,
    footprint,
    footprints_table,
    frames_table,
    trajectory_table,
)
from rs_copilot.vector.json_values import to_json

from .conftest import EAST_M, MERCATOR, NORTH_M, SIZE, UTM, placement, unlocated


def test_frames_have_every_field_of_the_contract_in_order(tables):
    assert tuple(tables["frames"].columns[:-1]) == schema.FRAMES.field_names


def test_yaw_is_a_true_azimuth(grid, provenance):
    row = frames_table([placement(0, yaw_deg=30.0)], grid, provenance, clip_path="c").iloc[0]
    center = np.array([row.geometry.x, row.geometry.y])
    assert row["yaw_deg"] == pytest.approx(30.0 + geo_crs.convergence_deg(center, UTM), abs=1e-6)
    assert abs(row["yaw_deg"] - 30.0) > 0.1, "the test place must have a visible convergence"


def test_gsd_at_nadir_is_height_over_focal_length(grid, provenance):
    row = frames_table([placement(0, pitch_deg=-90.0)], grid, provenance, clip_path="c").iloc[0]
    focal_px = SIZE.width_px / (2 * math.tan(math.radians(30.0)))
    assert row["gsd_m"] == pytest.approx(100.0 / focal_px, rel=1e-9)
    assert (row.geometry.x, row.geometry.y) == pytest.approx((EAST_M, NORTH_M), abs=1e-6)


def test_unlocated_frames_have_a_reason_and_no_geometry(tables):
    row = tables["frames"].iloc[2]
    assert row["status"] == "unlocated"
    assert row["reason"]
    assert row.geometry is None
    assert row["lon"] is None or math.isnan(row["lon"])
    assert len(tables["footprints"]) == 3


def test_lon_lat_agree_with_geometry_in_another_scene_crs(provenance):
    table = frames_table([placement(0)], Grid(UTM, MERCATOR), provenance, clip_path="c")
    lonlat = geo_crs.to_lonlat(np.array([[table.geometry[0].x, table.geometry[0].y]]), MERCATOR)[0]
    assert (table["lon"][0], table["lat"][0]) == pytest.approx(tuple(lonlat), abs=1e-9)
    assert table.crs == MERCATOR


@given(pitch_deg=st.floats(-90.0, -6.0), yaw_deg=st.floats(0.0, 360.0))
def test_footprints_are_valid_and_bounded_at_any_tilt(pitch_deg, yaw_deg):
    seen = placement(0, pitch_deg=pitch_deg, yaw_deg=yaw_deg)
    polygon = footprint(seen.map_from_px, SIZE)
    assert polygon.is_valid
    assert polygon.geom_type == "Polygon"
    assert polygon.area > 0
    slant_m = 100.0 / math.sin(math.radians(-pitch_deg))
    reach_m = max(math.dist((EAST_M, NORTH_M), xy) for xy in polygon.exterior.coords)
    assert reach_m < 8.0 * slant_m


@given(factor=st.floats(-5.0, 5.0).filter(lambda x: abs(x) > 1e-3))
def test_the_scale_of_a_homography_does_not_matter(factor):
    matrix = placement(0).map_from_px
    assert footprint(matrix * factor, SIZE).equals_exact(footprint(matrix, SIZE), 1e-5)


def test_trajectory_says_whose_path_it_is(grid, provenance):
    seen = trajectory_table([placement(i) for i in range(4)], grid, provenance)
    flown = trajectory_table([placement(i, camera=True) for i in range(4)], grid, provenance)
    assert seen["path_of"][0] == "image centre"
    assert flown["path_of"][0] == "camera"
    assert seen["length_m"][0] == pytest.approx(30.0, rel=1e-3)
    times = shapely.get_coordinates(seen.geometry[0], include_m=True)[:, 2]
    assert times.tolist() == [0.0, 0.5, 1.0, 1.5]


def test_trajectory_keeps_time_when_the_scene_is_in_another_crs(provenance):
    table = trajectory_table([placement(i) for i in range(3)], Grid(UTM, MERCATOR), provenance)
    assert table.geometry[0].has_m
    assert table["end_s"][0] == 1.0


@pytest.mark.parametrize("placements", [[], [placement(0)], [unlocated(0), unlocated(1)]])
def test_trajectory_needs_two_placed_frames(placements, grid, provenance):
    assert trajectory_table(placements, grid, provenance).empty


def test_a_field_that_the_layer_lacks_is_refused(grid, provenance):
    with pytest.raises(ValueError, match="no field"):
        build_table(schema.CANDIDATES, [{"colour": "red"}], [None], grid, provenance)


@given(
    st.recursive(
        st.floats() | st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_never_holds_nan(value):
    def refuse(name):
        raise AssertionError(name)

    json.loads(to_json(value), parse_constant=refuse)


def test_homography_json_round_trips(tables):
    matrix = np.array(json.loads(tables["frames"]["homography"][0])).reshape(3, 3)
    np.testing.assert_allclose(matrix, placement(0).map_from_px, rtol=1e-12)
    assert tables["frames"]["metric_crs"][0] == "EPSG:32633" == crs_text(UTM)


def test_score_nan_becomes_null(grid, provenance):
    odd = Placement(0, 0.0, FrameStatus.UNLOCATED, math.nan, reason="x")
    assert not math.isfinite(
        frames_table([odd], grid, Provenance("c", "m"), clip_path="c")["score"][0] or math.nan
    )


def test_footprints_of_nothing_are_an_empty_table(grid, provenance):
    assert footprints_table([], grid, provenance).empty


def test_columns_make_the_table_that_rows_make(grid, provenance):
    east_m = EAST_M + 20.0 * np.arange(3)
    metric = shapely.box(east_m, NORTH_M, east_m + 5.0, NORTH_M + 8.0)
    columns = {"label": ["car", "van", "car"], "score": np.array([0.5, 0.25, 1.0]), "source": "own:s"}
    rows = [
        {"label": label, "score": score, "source": "own:s"}
        for label, score in zip(columns["label"], columns["score"], strict=True)
    ]
    drawn = np.array([grid.to_scene(shape) for shape in metric])
    lonlat = centroids_lonlat(metric, grid.metric)
    found = build_columns(schema.DETECTIONS, columns, drawn, lonlat, grid.scene, provenance)
    expected = build_table(schema.DETECTIONS, rows, list(metric), grid, provenance)
    assert_geodataframe_equal(found, expected, check_dtype=False)
    nothing = build_columns(schema.DETECTIONS, {}, drawn[:0], lonlat[:0], grid.scene, provenance)
    assert nothing.empty and tuple(nothing.columns) == tuple(expected.columns)


def test_columns_that_the_layer_lacks_are_refused(grid, provenance):
    with pytest.raises(ValueError, match="no field"):
        build_columns(schema.DETECTIONS, {"colour": "red"}, [], np.zeros((0, 2)), grid.scene, provenance)
