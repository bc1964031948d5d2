"""The network that ships finds frames of a rendered town that it has not seen, in another season."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.jobs import eval_retrieval, index
from rs_copilot.jobs.context import JobContext
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS


@pytest.fixture(scope="module")
def town_index(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime", reason="networks run on onnxruntime")
    pytest.importorskip("faiss", reason="galleries are searched with faiss")
    if not DEFAULT_WEIGHTS.is_file():
        pytest.skip("this checkout has no trained weights")
    out = tmp_path_factory.mktemp("town") / "town.index"
    index.run(
        index.IndexParams(rasters=[str(small_world / "satellite.tif")], out=out), JobContext(device="cpu")
    )
    return out


def test_frames_with_attitude_are_among_the_first(town_index: Path, small_world: Path) -> None:
    params = eval_retrieval.EvalRetrievalParams(
        index=town_index, clip=small_world / "clip.mp4", truth=small_world / "truth.gpkg"
    )
    result = eval_retrieval.run(params, JobContext(device="cpu"))
    assert result.frames == 20
    assert result.findable == 1.0
    shares = {item.count: item.share for item in result.recalls}
    assert shares[10] >= 0.85, result.summary()
    assert shares[1] >= 0.4, result.summary()
