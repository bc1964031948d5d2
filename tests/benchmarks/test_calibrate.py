"""The calibration's fits give back what made the samples."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from benchmarks import calibrate
from rs_copilot.localization import confidence
from rs_copilot.localization.judge import Radius
from rs_copilot.localization.placements import SHARED_ERROR

pytest.importorskip("sklearn", reason="needs the eval extra")


TRUE = Radius(0.4, 5.0, 0.6)


def rows(count: int, seed: int, true: Radius = TRUE) -> list[dict[str, object]]:
    """Registered places with scatter and support, and errors that those bring about."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        support, residual = rng.uniform(0.2, 1.0), rng.uniform(0.2, 0.8)
        tangent = rng.choice([0.0, rng.uniform(0.3, 1.5)])
        own = residual * (true.floor + true.disagreement * (1 - support) ** 2) * np.hypot(1.0, SHARED_ERROR)
        sigma = np.hypot(own, true.relief_m * tangent)
        made.append(
            {
                "place": "1001",
                "off_m": float(np.linalg.norm(rng.normal(0.0, sigma, 2))),
                "support": support,
                "residual_m": residual,
                "spread": 1.0,
                "tangent": tangent,
                "windows": 70,
                "ncc": rng.uniform(0.1, 0.6),
                "clarity": 0.3,
                "z": rng.uniform(4.0, 14.0),
                "margin": rng.uniform(0.6, 2.0),
            }
        )
    return made


def test_radii_of_the_fit_hold_nine_of_ten() -> None:
    fitted = calibrate.fit_radius(rows(1500, 1))
    fresh = rows(1500, 2)
    radii = confidence.RADIUS_90 * calibrate.sigmas_m(calibrate.error_parts(fresh), fitted)
    assert np.mean([row["off_m"] for row in fresh] <= radii) == pytest.approx(0.9, abs=0.03)
    assert astuple(fitted) == pytest.approx(astuple(TRUE), rel=0.35)


def test_the_judge_learns_what_tells_right_from_wrong() -> None:
    rng = np.random.default_rng(3)
    made = rows(800, 3)
    odds = np.array([1.5 * (row["z"] - 9.0) for row in made])
    right = rng.random(len(made)) < 1 / (1 + np.exp(-odds))
    constant, evidence, height, margin = calibrate.fit_judge(made, right)
    assert height == pytest.approx(1.5, rel=0.25)
    assert abs(evidence) < 0.7
    assert abs(margin) < 0.7
    assert constant == pytest.approx(-13.5, rel=0.25)


def test_calibration_error_is_the_distance_of_promise_and_keeping() -> None:
    score, hit = np.full(100, 0.8), np.arange(100) < 60
    assert calibrate.calibration_error(score, hit) == pytest.approx(0.2)
    assert calibrate.calibration_error(score, np.arange(100) < 80) == pytest.approx(0.0)


def test_the_table_counts_foreign_maps_apart() -> None:
    placed = [
        {"place": "1001", "use": "none", "foreign": False, "off_m": 1.0, "score": 0.9, "radius_m": 2.0},
        {
            "place": "1001_on_1002",
            "use": "none",
            "foreign": True,
            "off_m": None,
            "score": 0,
            "radius_m": None,
        },
    ]
    lines = calibrate.table(placed)
    assert any("rendered" in line and "100%" in line for line in lines)
    assert any("foreign" in line and "| 0% |" in line for line in lines)
