"""The picture of a scene: what is drawn lies where the map says."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shapely.geometry import LineString, Point, Polygon

from rs_copilot.errors import StorageError
from rs_copilot.vector import picture

CRS = "EPSG:32633"
GSD_M = 0.5
WEST_M, NORTH_M = 500_000.0, 5_000_400.0
PX_FROM_MAP = np.array([[1 / GSD_M, 0, -WEST_M / GSD_M], [0, -1 / GSD_M, NORTH_M / GSD_M], [0, 0, 1.0]])
BACKGROUND = np.full((800, 1000, 3), 90, dtype=np.uint8)


def table(geometries: list[object], **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometries, crs=CRS)


def layers() -> picture.MapLayers:
    east, north = WEST_M + 250, NORTH_M - 200
    square = Polygon([(east, north), (east + 80, north), (east + 80, north + 60), (east, north + 60)])
    return picture.MapLayers(
        footprints=table([square], time_s=[0.0]),
        trajectory=table([LineString([(east, north - 50), (east + 100, north - 50)])]),
        frames=table([Point(east + 40, north + 30), None], status=["located", "unlocated"]),
        tracks=table([LineString([(east, north + 100), (east + 60, north + 100)])]),
    )


def empty_layers() -> picture.MapLayers:
    return picture.MapLayers(
        table([], time_s=[]), table([], start_s=[]), table([], status=[]), table([], track_id=[])
    )


def color_at(image: np.ndarray, east_m: float, north_m: float) -> tuple[int, ...]:
    column, row = round((east_m - WEST_M) / GSD_M), round((NORTH_M - north_m) / GSD_M)
    return tuple(int(value) for value in image[row, column])


def test_layers_lie_where_the_map_says() -> None:
    image = picture.draw_map(BACKGROUND, PX_FROM_MAP, GSD_M, layers(), title="Scene")
    east, north = WEST_M + 250, NORTH_M - 200
    assert np.allclose(color_at(image, east + 50, north - 50), picture.TRAJECTORY[:3], atol=12)
    assert np.allclose(color_at(image, east + 30, north + 100), picture.TRACK[:3], atol=12)
    assert np.allclose(color_at(image, east + 40, north + 30), picture.LOCATED[:3], atol=12)
    assert color_at(image, east - 60, north - 20) == (90, 90, 90)


def test_nothing_found_still_gives_a_map() -> None:
    image = picture.draw_map(BACKGROUND, PX_FROM_MAP, GSD_M, empty_layers(), title="")
    assert image.shape == BACKGROUND.shape
    assert (image[300:500, 300:500] == 90).all()


def test_legend_names_only_what_is_drawn() -> None:
    assert [label for label, _ in picture._legend_entries(layers(), 0.0, 20.0)] == [
        "camera path",
        "footprints, 0 to 20 s",
        "image centre, located",
        "moving objects (1)",
    ]


@given(st.floats(0.1, 1e6))
def test_scale_bar_is_a_round_length_that_fits(longest_m: float) -> None:
    length_m = picture.nice_length_m(longest_m)
    assert longest_m / 2.5 - 1e-9 <= length_m <= longest_m
    assert f"{length_m:.0e}"[0] in "125"


def test_arrow_head_points_along_the_line() -> None:
    head = picture.arrow_head(np.array([[0.0, 0.0], [50.0, 0.0]]), 10.0)
    assert head is not None
    assert head[0, 0] > 50.0
    assert head[1, 0] == head[2, 0] < 50.0


def test_a_line_without_direction_has_no_arrow_head() -> None:
    assert picture.arrow_head(np.zeros((3, 2)), 10.0) is None


def test_picture_is_written_as_png(tmp_path: Path) -> None:
    picture.write_picture(tmp_path / "map.png", BACKGROUND)
    with Image.open(tmp_path / "map.png") as written:
        assert written.size == (1000, 800)


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        picture.write_picture(tmp_path / "missing" / "map.png", BACKGROUND)
