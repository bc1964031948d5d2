"""Corrections by hand: tracks that are one, other classes, things that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.errors import UsageError
from rs_copilot.jobs import ask, correct
from rs_copilot.jobs.context import JobContext
from rs_copilot.vector.store import read_layer
from tests.engine.reasoning import town


def corrected(scene: Path, **values: object) -> correct.CorrectResult:
    return correct.run(correct.CorrectParams(scene=str(scene), **values), JobContext())


def vehicles(folder: Path) -> object:
    params = ask.AskParams(
        scene=str(folder / "scene.gpkg"), question="How many vehicles are there in the clip?", keep=False
    )
    return ask.run(params, JobContext()).value


def test_answers_honour_corrections(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    assert vehicles(tmp_path) == 3
    found = corrected(scene, merge=[["track 1", "track 2"]], relabel={"track 3": "person"})
    assert (found.merged, found.relabelled, found.removed) == (1, 1, 0)
    assert vehicles(tmp_path) == 1
    tracks = read_layer(scene, "tracks").set_index("track_id")
    assert sorted(tracks.index) == [1, 3] and tracks.loc[3, "label"] == "person"
    assert (tracks.loc[1, "start_s"], tracks.loc[1, "end_s"]) == (1.0, 10.0)
    assert list(read_layer(scene, "runs")["command"]) == ["correct"]


def test_what_is_removed_is_not_counted(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    assert corrected(scene, remove=["track 2"]).removed == 1
    assert vehicles(tmp_path) == 2


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"merge": [["track 1", "track 99"]]},
        {"merge": [["track 1", "track 1"]]},
        {"merge": [["track 1", "object 1"]]},
        {"relabel": {"track 1": " "}},
        {"remove": ["the red one"]},
        {"clip": "other.mp4", "remove": ["track 1"]},
    ],
)
def test_a_wrong_correction_changes_nothing(tmp_path: Path, values: dict[str, object]) -> None:
    scene = town.write_town(tmp_path)
    with pytest.raises(UsageError):
        corrected(scene, **values)
    assert len(read_layer(scene, "tracks")) == 3 and not len(read_layer(scene, "runs"))


def test_answers_can_be_forgotten(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    ask.run(
        ask.AskParams(scene=str(scene), question="How many vehicles are there in the clip?"), JobContext()
    )
    assert len(read_layer(scene, "answers")) == 1
    corrected(scene, clear_answers=True)
    assert not len(read_layer(scene, "answers"))
