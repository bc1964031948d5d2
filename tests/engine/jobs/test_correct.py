"""Corrections by hand: tracks that are one, other classes, things that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from rs_copilot.errors import UsageError
from rs_copilot.jobs import ask, correct
from rs_copilot.jobs.context import JobContext
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.row_json import rows_from_json, rows_to_json
from rs_copilot.vector.schema import DETECTIONS
from rs_copilot.vector.store import append_layer, read_layer
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
    book = read_layer(scene, "corrections")
    assert list(book["kind"]) == ["merge", "relabel"] and found.numbers == list(book["number"]) == [1, 2]


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
        {"undo": [1]},
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


def content(scene: Path, layer: str) -> list[dict[str, object]]:
    """Rows without their numbers in the file, in an order of their own."""
    return sorted(rows_to_json(read_layer(scene, layer)), key=str)


def with_objects(folder: Path) -> Path:
    """The town, in which two standing objects were seen, one of them three times."""
    scene = town.write_town(folder)
    numbers, labels = [1, 1, 1, 2], ["car", "car", "van", "truck"]
    rows = [
        {"frame": place, "time_s": place / 5.0, "label": label, "object_id": number, "score": 0.5}
        for place, (number, label) in enumerate(zip(numbers, labels, strict=True))
    ]
    shapes = [town.box(10 * place, 0, 10 * place + 4, 2) for place in range(len(rows))]
    grid = Grid(town.CRS, town.CRS)
    append_layer(
        scene, "detections", build_table(DETECTIONS, rows, shapes, grid, Provenance("clip.mp4", "x"))
    )
    return scene


@pytest.mark.parametrize(
    "values",
    [
        {"merge": [["track 1", "track 2"]]},
        {"merge": [["object 1", "object 2"]]},
        {"relabel": {"track 3": "person", "object 1": "bus"}},
        {"remove": ["track 1", "track 2", "track 3"]},
        {"remove": ["object 1"], "relabel": {"object 2": "car"}},
    ],
)
def test_what_was_corrected_can_be_undone(tmp_path: Path, values: dict[str, object]) -> None:
    scene = with_objects(tmp_path)
    before = [content(scene, name) for name in ("tracks", "detections")]
    numbers = corrected(scene, **values).numbers
    assert [content(scene, name) for name in ("tracks", "detections")] != before
    assert corrected(scene, undo=numbers).undone == len(numbers)
    assert [content(scene, name) for name in ("tracks", "detections")] == before
    assert not len(read_layer(scene, "corrections"))


def test_objects_that_are_one(tmp_path: Path) -> None:
    scene = with_objects(tmp_path)
    corrected(scene, merge=[["object 2", "object 1"]])
    found = read_layer(scene, "detections")
    assert set(found["object_id"]) == {2} and set(found["label"]) == {"truck"}


def test_an_undo_waits_for_what_builds_on_it(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    corrected(scene, merge=[["track 1", "track 2"]])
    corrected(scene, relabel={"track 1": "truck"})
    corrected(scene, relabel={"track 3": "person"})
    with pytest.raises(UsageError, match="correction 2 builds on correction 1"):
        corrected(scene, undo=[1])
    assert corrected(scene, undo=[1, 2]).undone == 2, "together they can"
    assert list(read_layer(scene, "corrections")["number"]) == [3]
    assert sorted(read_layer(scene, "tracks")["track_id"]) == [1, 2, 3]


def test_what_was_made_anew_is_not_undone(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    tracks = read_layer(scene, "tracks")
    corrected(scene, remove=["track 1"])
    append_layer(scene, "tracks", tracks[tracks["track_id"] == 1])
    with pytest.raises(UsageError, match="made anew"):
        corrected(scene, undo=[1])
    assert corrected(scene, clear=["corrections"]).cleared == 1
    assert sorted(read_layer(scene, "tracks")["track_id"]) == [1, 2, 3]


def test_layers_are_cleared_and_corrections_of_them_forgotten(tmp_path: Path) -> None:
    scene = with_objects(tmp_path)
    corrected(scene, remove=["track 1"])
    found = corrected(scene, clear=["detections"])
    assert found.cleared == 5, "four detections and a correction"
    assert not len(read_layer(scene, "detections")) and len(read_layer(scene, "tracks")) == 2


def test_rows_come_back_from_json(tmp_path: Path) -> None:
    tracks = read_layer(town.write_town(tmp_path), "tracks")
    again = rows_from_json(rows_to_json(tracks), tracks)
    assert list(again.dtypes) == list(tracks.dtypes) and again.crs == tracks.crs
    assert shapely.get_coordinates(again.geometry, include_m=True).tolist() == (
        shapely.get_coordinates(tracks.geometry, include_m=True).tolist()
    )
    assert rows_to_json(again) == rows_to_json(tracks)
