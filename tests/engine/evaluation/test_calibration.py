"""Scores become probabilities: from a scene with known errors to the file, and through a detector."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.detection.calibration import Calibrated, Calibration, Curve, read_calibration
from rs_copilot.detection.found import Found
from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.detection_calibration import best_score, calibration_error, curve_of, right_ones
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.registry import run_job
from rs_copilot.types import SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.store import create_scene, write_layers

UTM = pyproj.CRS.from_epsg(32633)
SHA = "a" * 64


def squares(count: int) -> np.ndarray:
    x, y = 500000.0 + 20.0 * (np.arange(count) % 40), 5300000.0 + 20.0 * (np.arange(count) // 40)
    return np.asarray(shapely.box(x, y, x + 5.0, y + 5.0))


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """400 detections that claim too much: of those with score s only s squared are real."""
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.2, 1.0, 400)
    shapes = squares(400)
    path = tmp_path / "s.gpkg"
    create_scene(path, UTM)
    rows = [{"label": "car", "score": float(score), "source": "x"} for score in scores]
    provenance = Provenance("a.tif", "detector net", "net", SHA)
    write_layers(
        path, {"detections": build_table(schema.DETECTIONS, rows, list(shapes), Grid(UTM, UTM), provenance)}
    )
    real = shapes[rng.uniform(size=400) < scores**2]
    corners = shapely.box(499990, 5299990, 499991, 5299991), shapely.box(500810, 5300210, 500811, 5300211)
    truth = gpd.GeoDataFrame(
        {"label": "car"}, index=range(len(real) + 2), geometry=[*real, *corners], crs=UTM
    )
    truth.to_file(tmp_path / "truth.gpkg")
    return path


def test_a_network_that_claims_too_much_learns_to_say_less(scene: Path, tmp_path: Path) -> None:
    params = {"scene": str(scene), "truth": str(tmp_path / "truth.gpkg"), "out": str(tmp_path / "c.json")}
    (fit,) = run_job("eval.calibration", params, JobContext()).model_dump()["classes"]
    assert fit["error_before"] > 0.1 and fit["error_after"] < 0.6 * fit["error_before"]
    curve = read_calibration(tmp_path / "c.json").classes["car"]
    around = np.interp(np.linspace(0.4, 0.6, 21), curve.scores, curve.probabilities)
    assert around.mean() == pytest.approx(0.25, abs=0.1)
    assert np.interp(0.95, curve.scores, curve.probabilities) > 0.7


def test_points_do_for_labels(scene: Path, tmp_path: Path) -> None:
    truth = gpd.read_file(tmp_path / "truth.gpkg")
    truth.set_geometry(truth.centroid).to_file(tmp_path / "points.gpkg")
    params = {"scene": str(scene), "truth": str(tmp_path / "points.gpkg"), "out": str(tmp_path / "c.json")}
    (fit,) = run_job("eval.calibration", params, JobContext()).model_dump()["classes"]
    assert fit["right"] == len(truth) - 2


class Fixed:
    """A detector with one answer."""

    class_names, overlap_px, gsd_m, batch, device, model, sha256 = (
        ("car", "bus"),
        0,
        None,
        1,
        "cpu",
        "net",
        SHA,
    )
    tile = SizeWH(8, 8)

    def detect(self, images: np.ndarray) -> list[Found]:
        quads = np.zeros((3, 4, 2), dtype=np.float32)
        return [Found(quads, np.float32([0.5, 0.9, 0.5]), np.int32([0, 0, 1]))]


def test_a_calibrated_detector_gives_probabilities_and_leaves_out_the_unlikely() -> None:
    curve = Curve(scores=[0.0, 1.0], probabilities=[0.0, 0.5], objects=99)
    calibration = Calibration(model="net", model_hash=SHA, classes={"car": curve})
    (found,) = Calibrated(Fixed(), calibration, 0.3).detect(np.zeros((1, 8, 8, 3), dtype=np.uint8))
    assert found.scores.tolist() == pytest.approx([0.45, 0.5])
    assert found.labels.tolist() == [0, 1]
    other = Calibration(model="other", model_hash="b" * 64, classes={})
    with pytest.raises(BadInputError, match="made for other"):
        Calibrated(Fixed(), other, 0.3)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_no_object_is_found_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 30, (20, 2))
    shapes = np.asarray(shapely.box(*corners.T, *(corners + 6).T))
    truth = shapes[:8]
    right = right_ones(shapes, rng.uniform(size=20), truth)
    assert right.sum() <= 8
    assert calibration_error(right.astype(float), right) == 0.0


def test_curves_rise_and_need_enough_objects() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=300)
    curve = curve_of(scores, rng.uniform(size=300) < scores)
    assert curve is not None and (np.diff(curve.probabilities) >= 0).all()
    assert curve_of(scores[:5], scores[:5] > 0.5) is None
    assert best_score(np.array([0.9, 0.8, 0.3]), np.array([True, True, False]), 2) == (0.8, 1.0)


FALLING = '{"scores": [1, 0], "probabilities": [0, 1], "objects": 3}'


@pytest.mark.parametrize(
    "text", ["", "{}", f'{{"model": "a", "model_hash": null, "classes": {{"car": {FALLING}}}}}']
)
def test_files_that_are_no_calibration_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(BadInputError, match="calibration"):
        read_calibration(tmp_path / "c.json")
