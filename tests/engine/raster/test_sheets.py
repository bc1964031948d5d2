from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs_copilot.errors import RasterError
from rs_copilot.raster.dataset import open_dataset
from rs_copilot.raster.sheets import is_pattern
from tests.engine.tiles.rasters import GSD_M, noise, write_raster

ORIGIN = (500_000.0, 5_300_000.0)
WHOLE = noise(120, 200)
# Left, right and lower left; the right one reaches 20 columns into the left one.
PLACES = {"a & b": (0, 0, 70, 110), "<right>": (0, 90, 70, 200), "low": (70, 0, 120, 110)}


def sheet(path: Path, place: tuple[int, int, int, int], bands: np.ndarray = WHOLE, **profile: object) -> Path:
    top, left, bottom, right = place
    origin = ORIGIN[0] + left * GSD_M, ORIGIN[1] - top * GSD_M
    return write_raster(path, bands[:, top:bottom, left:right], origin=origin, **profile)


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    for name, place in PLACES.items():
        sheet(tmp_path / f"{name}.tif", place)
    return str(tmp_path / "*.tif")


def test_sheets_are_one_raster_that_knows_its_gaps(pattern: str) -> None:
    with open_dataset(pattern) as dataset:
        found, valid = dataset.read(), dataset.dataset_mask() > 0
        assert (dataset.transform.c, dataset.transform.f) == ORIGIN
        assert [role.name for role in dataset.colorinterp] == ["red", "green", "blue"]
    there = np.ones(WHOLE.shape[1:], dtype=bool)
    there[70:, 110:] = False
    np.testing.assert_array_equal(valid, there)
    np.testing.assert_array_equal(found, np.where(there, WHOLE, 0))


def test_what_a_sheet_marks_as_missing_is_missing(tmp_path: Path) -> None:
    bands = WHOLE.copy()
    bands[:, 30:40, 50:60] = 7
    bands[:, :, 100] = np.where(bands[:, :, 100] == 7, 8, bands[:, :, 100])
    for name, place in (("a", (0, 0, 120, 90)), ("b", (0, 90, 120, 200))):
        sheet(tmp_path / f"{name}.tif", place, bands, nodata=7)
    with open_dataset(str(tmp_path / "?.tif")) as dataset:
        valid = dataset.dataset_mask() > 0
    np.testing.assert_array_equal(valid, (bands != 7).any(axis=0))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"crs": "EPSG:32632"}, "reference system"),
        ({"gsd": 0.51}, "grid"),
        ({"origin": (500_100.2, 5_300_000.0)}, "grid"),
        ({"bands": noise(50, 50).astype(np.uint16)}, "depth"),
    ],
    ids=["crs", "size", "offset", "depth"],
)
def test_sheets_that_do_not_fit_are_named(other: dict[str, object], said: str, tmp_path: Path) -> None:
    sheet(tmp_path / "a.tif", (0, 0, 50, 50))
    options = {"bands": noise(50, 50), "origin": (500_025.0, 5_300_000.0), **other}
    write_raster(tmp_path / "b.tif", **options)
    with pytest.raises(RasterError, match=said) as caught:
        open_dataset(str(tmp_path / "*.tif"))
    assert "b.tif" in caught.value.message and caught.value.hint


def test_a_pattern_that_matches_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match="nothing that matches"):
        open_dataset(str(tmp_path / "*.tif"))
    (tmp_path / "notes.txt").write_text("no raster")
    with pytest.raises(RasterError, match=r"notes\.txt"):
        open_dataset(str(tmp_path / "*"))


def test_a_file_may_have_brackets_in_its_name(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a[1].tif", (0, 0, 50, 50))
    assert not is_pattern(str(path))
    with open_dataset(str(path)) as dataset:
        assert dataset.width == 50
    assert not is_pattern("s3://maps/*.tif")
