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
