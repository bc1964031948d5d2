"""The main job with a matcher's help: SIFT finds the places, a network that knows nothing spoils none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.localization import read_true_centers, score_placements
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localize import LocalizeParams, run
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import read_layer
from tests.engine.learned.networks import save_network


def localized(world: Path, out: Path, matcher: str) -> Path:
    params = LocalizeParams(
        clip=world / "clip.mp4",
        satellite=str(world / "satellite.tif"),
        out=out,
        use_telemetry="attitude",
        every_s=1.0,
        matcher=matcher,
    )
    run(params, JobContext(device="cpu"))
    return out


def check(scene: Path, world: Path) -> None:
    found = read_placements(scene, "clip.mp4")
    score = score_placements(found.placements, read_true_centers(world / "truth.gpkg", found.metric_crs))
    assert score.placed_share >= 0.95
    assert score.median_error_m < 3.0
    assert score.wrong_located_share == 0.0


def test_sift_helps_to_right_places(small_world: Path, tmp_path: Path) -> None:
    scene = localized(small_world, tmp_path / "scene.gpkg", "sift")
    check(scene, small_world)
    frames = read_layer(scene, "frames")
    assert set(frames["method"]) == {"orientation-correlation+matcher"}
    assert set(frames["model"]) == {"sift"}


def test_a_network_that_knows_nothing_spoils_nothing(small_world: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="learned matchers need torch")
    pytest.importorskip("transformers", reason="learned matchers need transformers")
    folder = save_network(tmp_path / "network", "lightglue")
    scene = localized(small_world, tmp_path / "scene.gpkg", str(folder))
    check(scene, small_world)
    row = read_layer(scene, "runs").iloc[0]
    assert row["model"] == "lightglue (network)"
    assert len(row["model_hash"]) == 64


def test_a_folder_without_a_matcher_is_refused_before_a_scene_is_made(
    small_world: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=r"no config\.json"):
        localized(small_world, tmp_path / "scene.gpkg", str(tmp_path / "nothing"))
    assert not (tmp_path / "scene.gpkg").exists()
