"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real UAV and satellite imagery, which is not part of the project."""
    folder = Path(os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real imagery is not on this machine (set RS_COPILOT_DATA to its folder)")
    return folder


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small demo world (4 s, 640x360, 5 fps, 400 m): satellite.tif, clip.mp4, clip.srt,
    truth.gpkg, dem.tif, dsm.tif. Copied from the user cache after the first time; do not write into it.
    """
    from rs_copilot.jobs.context import JobContext
    from rs_copilot.jobs.simulate import SimulateParams, run

    folder = tmp_path_factory.mktemp("small_world")
    params = SimulateParams(out=folder, seconds=4.0, size="640x360", fps="5", extent_m=400.0)
    run(params, JobContext())
    return folder
