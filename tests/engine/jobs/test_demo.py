"""The demo: the whole chain on a small world, and what it says about the result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_copilot.errors import CancelledError
from rs_copilot.jobs import demo
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.vector.store import read_layer

SCORES = {
    "frames": 200,
    "located": 40,
    "tracked": 158,
    "placed_share": 0.99,
    "median_error_m": 0.5,
    "p90_error_m": 1.25,
    "inside_error_share": 0.93,
    "wrong_located_share": 0.0,
    "vehicles_visible": 10,
    "vehicles_tracked": 9,
    "vehicles_tracked_share": 0.9,
    "median_speed_error": float("nan"),
    "median_vehicle_error_m": 1.5,
    "false_tracks": 2,
    "vehicles_tracked_in_picture": 10,
    "false_tracks_in_picture": 1,
}


def test_scores_without_a_value_are_null_in_json_and_words_for_people() -> None:
    scores = demo.DemoScores.model_validate(SCORES)
    assert json.loads(scores.model_dump_json())["median_speed_error"] is None
    text = "\n".join(scores.lines())
    assert "99 % of 200" in text
    assert "median 0.50 m, 90 % below 1.25 m" in text
    assert "none in the median" in text
    assert "within 5 m on the ground" in text
    assert "1.50 m off in the median" in text
    assert "matched in picture:    10 of 10 (1 tracks on nothing)" in text


def test_steps_share_one_progress_bar_that_never_runs_backwards() -> None:
    seen: list[Progress] = []
    steps = demo._Steps(JobContext(on_progress=seen.append))
    with steps.step("simulate") as inner:
        inner.progress(1, 2, "half")
        inner.progress(2, 2, "all")
    with steps.step("localize") as inner:
        inner.progress(0, 0, "unknown length")
        inner.progress(5, 4, "more than promised")
    shares = [step.done for step in seen]
    assert shares == sorted(shares)
    assert shares[-1] == demo.STEP_ENDS["localize"]
    assert {step.total for step in seen} == {100}


def test_cancelling_reaches_the_step_that_runs() -> None:
    context = JobContext()
    steps = demo._Steps(context)
    with pytest.raises(CancelledError), steps.step("simulate") as inner:
        context.cancelled.set()
        inner.progress(1, 2, "half")


def test_every_step_of_the_bar_ends_after_the_one_before() -> None:
    ends = list(demo.STEP_ENDS.values())
    assert ends == sorted(set(ends))
    assert ends[-1] == 100


@pytest.mark.slow
def test_the_whole_chain_on_a_short_clip(small_world: Path, tmp_path: Path) -> None:
    del small_world  # the same numbers as below, so that the world is rendered once for all tests
    params = demo.DemoParams(out=tmp_path, seconds=4.0, size="640x360", fps="5", extent_m=400.0)
    result = demo.run(params, JobContext())
    assert result.scores.placed_share is not None
    assert result.scores.placed_share >= 0.9
    assert result.scores.wrong_located_share == 0.0
    assert len(read_layer(result.scene, "frames")) == result.scores.frames
    assert all(path.exists() for path in (result.picture, result.scores_file, *result.exported))
    with Image.open(result.picture) as picture:
        assert np.asarray(picture).std() > 10
    assert "Frames placed" in result.summary()
