"""Localisation looks where the gallery proposes, and says which tiles it was shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from rs_copilot.errors import BadInputError
from rs_copilot.jobs import index, localize
from rs_copilot.jobs.context import JobContext
from rs_copilot.localization import solve
from rs_copilot.localization.propose import guesses_of
from rs_copilot.localization.view import nadir_view
from rs_copilot.retrieval.gallery import open_gallery
from rs_copilot.types import SizeWH
from rs_copilot.vector.store import read_layer

from .conftest import GSD_M, texture, write_map
from .test_jobs import photo, write_photo

SIZE = SizeWH(400, 300)
# Metres east and south of the map's corner, before they are moved to the nearest tile's centre.
PLACES_M = np.array([[172.0, 228.0], [300.0, 172.0], [284.0, 228.0]])
WIDTH_M = 150.0


@pytest.fixture(scope="module")
def town(small_world: Path) -> Path:
    return small_world / "satellite.tif"


@pytest.fixture(scope="module")
def town_index(town: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("town") / "town.index"
    index.run(index.IndexParams(rasters=[str(town)], out=out, weights=weights, scales_m=[120]), JobContext())
    return out


@pytest.fixture(scope="module")
def centers(town: Path, town_index: Path) -> np.ndarray:
    """Centres of tiles, in metres of the map: the tests' network, unlike the real one, wants them met."""
    with rasterio.open(town) as source:
        places = np.array([source.bounds.left, source.bounds.top]) + PLACES_M * [1.0, -1.0]
    tiles = open_gallery(town_index).tiles.center_xy_m
    return tiles[np.linalg.norm(tiles[None] - places[:, None], axis=2).argmin(axis=1)]


@pytest.fixture(scope="module")
def flight(town: Path, centers: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos cut from the map itself, each turned."""
    folder = tmp_path_factory.mktemp("flight")
    with rasterio.open(town) as source:
        image, gsd_m = np.moveaxis(source.read(), 0, -1), source.res[0]
        corner = np.array([source.bounds.left, source.bounds.top])
    for number, (x, y) in enumerate((centers - corner) * [1.0, -1.0] / gsd_m):
        cut = photo(image, (x, y), WIDTH_M / gsd_m * GSD_M, 60.0 * number)
        write_photo(folder / f"{number}.png", cut)
    return folder


def run(flight: Path, satellite: Path, gallery: Path, weights: Path, out: Path) -> localize.LocalizeResult:
    params = localize.LocalizeParams(
        clip=flight, satellite=str(satellite), out=out, index=gallery, weights=weights
    )
    return localize.run(params, JobContext())


def test_frames_are_found_where_the_gallery_says(
    flight, centers, town, town_index, weights, tmp_path, monkeypatch
):
    monkeypatch.setattr(solve, "DEAR_PX", 0.0)
    monkeypatch.setattr(solve, "MIN_SEARCHED", 0)
    monkeypatch.setattr(solve, "search", lambda *_, **__: pytest.fail("searched everywhere"))
    scene = tmp_path / "scene.gpkg"
    run(flight, town, town_index, weights, scene)
    frames = read_layer(scene, "frames").sort_values("frame")
    placed = (frames["status"] == "located").to_numpy()
    assert placed.sum() >= 2
    found = np.stack([frames.geometry[placed].x, frames.geometry[placed].y], axis=1)
    assert np.linalg.norm(found - centers[placed], axis=1).max() < 5.0
    tiles = read_layer(scene, "candidates")
    assert set(tiles["method"]) == {"retrieval"}
    assert set(tiles["frame"]) == {0, 1, 2}
    assert tiles.groupby("frame")["rank"].min().eq(1).all()
    for frame, point in enumerate(centers):
        near = tiles[tiles["frame"] == frame].centroid
        assert np.hypot(near.x - point[0], near.y - point[1]).min() < 30.0


def test_an_index_of_another_place_is_refused(flight, town_index, weights, tmp_path):
    elsewhere = write_map(tmp_path / "far.tif", texture(200, 200, 3), east_m=50_000.0)
    with pytest.raises(BadInputError, match="no tile of the index"):
        run(flight, elsewhere, town_index, weights, tmp_path / "s.gpkg")


def test_what_views_agree_on_is_known():
    turned = [nadir_view(SIZE, 100.0, yaw) for yaw in range(0, 360, 10)]
    wide = [nadir_view(SIZE, width, 30.0) for width in (50.0, 100.0, 200.0)]
    near = [nadir_view(SIZE, width, yaw) for width in (95.0, 105.0) for yaw in (352.0, 0.0, 8.0)]
    sides = (60.0, 120.0)
    assert len(guesses_of(near, sides)) == 1
    assert len(guesses_of(turned, sides)) == 12
    assert all(guess.sides_m is None for guess in guesses_of(wide, sides))
    assert len(guesses_of([*turned, *wide], sides)) == 12 * len(guesses_of(wide, sides))
