"""Telemetry: the dialect, and errors of the size that real instruments have."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo.crs import GEOD
from rs_copilot.simulation.telemetry import drift

PAIR = re.compile(r"(\w+): (-?[\d.]+)")


@pytest.fixture(scope="module")
def cues(small_world: Path) -> list[dict[str, float]]:
    text = (small_world / "clip.srt").read_text(encoding="utf-8")
    return [
        {key: float(value) for key, value in PAIR.findall(block) if key != "shutter"}
        for block in text.strip().split("\n\n")
    ]


def test_one_cue_per_frame_with_all_keys(cues: list[dict[str, float]]) -> None:
    assert len(cues) == 20
    keys = {"latitude", "longitude", "rel_alt", "abs_alt", "gb_yaw", "gb_pitch", "gb_roll", "focal_len"}
    assert all(keys <= cue.keys() for cue in cues)
    assert [cue["FrameCnt"] for cue in cues] == list(range(1, 21))


def test_clock_runs_with_the_frames(small_world: Path) -> None:
    text = (small_world / "clip.srt").read_text(encoding="utf-8")
    assert "00:00:00,000 --> 00:00:00,200" in text
    assert "00:00:03,800 --> 00:00:04,000" in text
    assert "DiffTime: 200ms" in text


def test_errors_are_realistic(small_world: Path, cues: list[dict[str, float]]) -> None:
    frames = gpd.read_file(small_world / "truth.gpkg", layer="frames")
    away = [
        GEOD.inv(c["longitude"], c["latitude"], row.cam_lon, row.cam_lat)[2]
        for c, row in zip(cues, frames.itertuples(), strict=True)
    ]
    assert 0.5 < np.median(away) < 12.0
    yaw = [
        (c["gb_yaw"] - row.yaw_deg + 180.0) % 360.0 - 180.0
        for c, row in zip(cues, frames.itertuples(), strict=True)
    ]
    assert 0.3 < abs(np.median(yaw)) < 4.0
    pitch = np.array([c["gb_pitch"] for c in cues]) - frames.pitch_deg.to_numpy()
    assert np.abs(pitch).max() < 2.0


@settings(max_examples=25, deadline=None)
@given(sigma=st.floats(0.1, 5.0), memory_s=st.floats(1.0, 30.0), seed=st.integers(0, 1000))
def test_drift_is_stationary(sigma: float, memory_s: float, seed: int) -> None:
    values = drift(4000, memory_s / 4.0, sigma, memory_s, np.random.default_rng(seed))
    assert values.std() == pytest.approx(sigma, rel=0.25)
