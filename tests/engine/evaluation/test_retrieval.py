"""Recall counts what it says, and truth is read or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.retrieval import RetrievalScore, first_hit, hits_of, read_truth
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.retrieval.gallery import RasterRef
from rs_copilot.retrieval.table import TileTable
from rs_copilot.types import LonLat


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 12))
def test_recall_and_its_interval(ranks, count):
    score = RetrievalScore(np.array(ranks))
    low, high = score.interval(count)
    assert score.recall(count) == sum(0 < rank <= count for rank in ranks) / len(ranks)
    assert 0.0 <= low <= score.recall(count) <= high <= 1.0
    assert score.recall(count) <= score.recall(count + 1)


def test_recall_of_nothing_is_unknown():
    assert np.isnan(RetrievalScore(np.zeros(0, dtype=np.int64)).recall(1))


def test_the_first_hit_counts():
    hits = np.array([False, True, False, True])
    assert first_hit([2, 3, 1], hits) == 2
    assert first_hit([0, 2], hits) == 0


def test_a_tile_is_a_hit_within_half_its_side_on_its_own_raster():
    def raster(crs: str) -> RasterRef:
        return RasterRef(
            path="m.tif",
            size_bytes=1,
            modified=1.0,
            crs=crs,
            metric_crs=crs,
            gsd_m=1.0,
            bounds_m=(0, 0, 1, 1),
        )

    # The same numbers mean another place in the neighbouring zone.
    rasters = [raster("EPSG:32633"), raster("EPSG:32634")]
    centers = np.array([[500_000.0, 5e6], [500_059.0, 5e6], [500_061.0, 5e6], [500_000.0, 5e6]])
    tiles = TileTable(
        np.array([0, 0, 0, 1], dtype=np.int32), centers, np.full(4, 120.0), np.ones(4, dtype=np.float32)
    )
    import pyproj

    lon, lat = to_lonlat(centers[0], pyproj.CRS.from_epsg(32633))[0]
    assert hits_of(tiles, rasters, LonLat(lon, lat)).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file,center_lon,center_lat\n",
        "file,center_lon\na,1\n",
        "file,center_lon,center_lat\na,x,2\n",
        "a",
    ],
)
def test_truth_that_says_nothing_is_refused(text, tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(BadInputError):
        read_truth(path)


def test_truth_by_file_or_by_frame(tmp_path, small_world):
    path = tmp_path / "truth.csv"
    path.write_text("frame,center_lon,center_lat\n0,7.5,46.1\n15,7.6,\n30,7.7,46.2\n")
    assert read_truth(path) == {"0": LonLat(7.5, 46.1), "30": LonLat(7.7, 46.2)}
    assert len(read_truth(small_world / "truth.gpkg")) == 20
    with pytest.raises(BadInputError):
        read_truth(small_world / "satellite.tif")
