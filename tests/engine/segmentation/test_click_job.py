"""A click on a raster becomes a polygon of the scene; the network's stand-in fills what is of one grey."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyproj
import pytest
import shapely

import rs_copilot.learned.sam as learned
from rs_copilot.cli import run
from rs_copilot.errors import UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.vector.store import read_layer
from tests.engine.tiles.rasters import write_raster

HEIGHT, WIDTH, GSD_M = 1500, 1300, 0.5
# Rows and columns of a building with a court of its own.
TOP, BOTTOM, LEFT, RIGHT = 900, 1000, 400, 560


class Filler:
    """Stands in for SAM: the patch of one grey around the first point, or around the middle of the box."""

    name, sha256, device = "filler", "0" * 64, "cpu"

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def masks(self, image, points_px, point_labels, box_px):
        self.asked.append((image.shape, points_px, point_labels, box_px))
        x, y = points_px[0] if points_px is not None else (box_px[:2] + box_px[2:]) / 2
        mask = np.zeros((image.shape[0] + 2, image.shape[1] + 2), dtype=np.uint8)
        cv2.floodFill(image.copy(), mask, (int(x), int(y)), (0, 0, 0), flags=cv2.FLOODFILL_MASK_ONLY | 4)
        return mask[1:-1, 1:-1] > 0, 0.75


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grey = np.full((HEIGHT, WIDTH), 90, dtype=np.uint8)
    grey[TOP:BOTTOM, LEFT:RIGHT] = 200
    grey[930:960, 450:500] = 90
    grey[970:972, 450:452] = 90
    return write_raster(
        tmp_path_factory.mktemp("raster") / "town.tif", np.repeat(grey[None], 3, axis=0), gsd=GSD_M
    )


@pytest.fixture
def filler(monkeypatch: pytest.MonkeyPatch) -> Filler:
    found = Filler()
    monkeypatch.setattr(learned, "open_sam", lambda place, device: found)
    return found


def lonlat(col: float, row: float) -> tuple[float, float]:
    to_degrees = pyproj.Transformer.from_crs(32633, 4326, always_xy=True)
    return to_degrees.transform(500000.0 + GSD_M * col, 5300000.0 - GSD_M * row)


BUILDING = shapely.box(500200.0, 5299500.0, 500280.0, 5299550.0) - shapely.box(
    500225.0, 5299520.0, 500250.0, 5299535.0
)


def test_a_click_is_an_outline(raster: Path, filler: Filler, tmp_path: Path) -> None:
    params = {"source": str(raster), "out": str(tmp_path / "s.gpkg"), "model": "sam:folder"}
    asked = {"points": [lonlat(410.5, 910.5)], "beside": [lonlat(20.5, 910.5)], "label": "building"}
    result = run_job("segment", {**params, **asked}, JobContext(device="cpu"))
    (row,) = read_layer(tmp_path / "s.gpkg", "segments").itertuples()
    # The court is kept, the chimney is a speck.
    assert row.geometry.equals(BUILDING)
    assert (row.label, row.score, row.source) == ("building", 0.75, "sam:folder")
    assert row.area_m2 == pytest.approx(BUILDING.area / 0.9996**2, rel=1e-6)
    assert result.areas_m2 == {"building": row.area_m2}
    (_, points, labels, box), *_ = filler.asked
    assert box is None
    assert labels.tolist() == [1, 0]
    np.testing.assert_allclose(points[0] - points[1], [390.0, 0.0], atol=1e-3)
    run_job("segment", {**params, **asked}, JobContext(device="cpu"))
    assert len(read_layer(tmp_path / "s.gpkg", "segments")) == 2


def test_a_box_larger_than_the_window_is_seen_from_farther_away(
    raster: Path, filler: Filler, tmp_path: Path
) -> None:
    corners = (*lonlat(390, 1010), *lonlat(1190, 310))
    box = ",".join(f"{value:.9f}" for value in corners)
    arguments = [str(raster), "--model", "sam:f", "--out", str(tmp_path / "s.gpkg"), "--box", box]
    assert run(["segment", *arguments]) == 0
    shape, points, _, asked = filler.asked[0]
    assert shape == (1024, 1024, 3)
    assert points is None
    size = asked[2:] - asked[:2]
    assert 400 < size.max() <= 520
    assert size[0] / size[1] == pytest.approx(800 / 700, rel=0.01)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "needs --point"),
        ({"points": [(0.0, 0.0)]}, "beside the raster"),
        ({"points": [(15.0, 47.8)], "region": "1,2,3,4"}, "go with onnx"),
    ],
)
def test_questions_without_sense_are_refused(
    raster: Path, filler: Filler, tmp_path: Path, asked: dict, why: str
) -> None:
    params = {"source": str(raster), "out": str(tmp_path / "s.gpkg"), "model": "sam:folder", **asked}
    with pytest.raises(UsageError, match=why):
        run_job("segment", params, JobContext(device="cpu"))
