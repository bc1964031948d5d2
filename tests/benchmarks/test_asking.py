"""The scene that answers are timed on is one that can be asked about, and every task is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import asking
from rs_copilot.reasoning.tasks import SpatialTask

FRAMES, TRACKS = 600, 60


def test_every_task_is_asked_and_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asking.write_scene(tmp_path, FRAMES, TRACKS)
    asked = asking.questions(FRAMES)
    assert set(asked) == {task.value for task in SpatialTask}
    (tmp_path / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    found = asking.ask_all(tmp_path, "zone counting")
    assert list(found)[:2] == ["import", "zone counting"] and set(found) == {"import", *asked}
    said = dict(line.split(": ", 1) for line in capsys.readouterr().err.splitlines())
    assert said["relative direction"] == "north-west"
    assert int(said["zone counting"]) >= 1
    table = asking.report({"zone counting": found, "target visibility": found}, FRAMES, TRACKS)
    assert table.count("\n| ") == 4


def test_the_camera_sees_what_lies_before_it() -> None:
    placement = asking.placements(3)[2]
    x, y, way = asking.flight(3)[2]
    matrix = placement.map_from_px
    assert matrix is not None
    far = matrix @ [asking.SIZE.width_px / 2, 0.0, 1.0]
    assert far[:2] / far[2] == pytest.approx(asking.place(x + way * asking.FAR_M, y), abs=0.1)
