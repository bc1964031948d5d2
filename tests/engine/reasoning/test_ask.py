"""Questions in words, answered over a scene whose truth is known by construction."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
import shapely

from rs_copilot.jobs import ask
from rs_copilot.jobs.context import JobContext
from rs_copilot.reasoning.confidence import calibrated
from rs_copilot.reasoning.question import Mark
from rs_copilot.reasoning.things import Kind
from rs_copilot.vector.store import read_layer
from tests.engine.reasoning import town


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("town")
    town.write_town(path)
    return path


def answer(folder: Path, question: str, **more: object) -> ask.AskResult:
    params = ask.AskParams(
        scene=str(folder / "scene.gpkg"), question=question, layers=town.layers(folder), keep=False, **more
    )
    return ask.run(params, JobContext())


def mark(name: str, x: float, y: float) -> Mark:
    lon, lat = town.geo_crs.to_lonlat(town.place(x, y)[None], town.CRS)[0]
    return Mark(name=name, geometry={"type": "Point", "coordinates": [lon, lat]})


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("How many vehicles entered the market?", 2),
        ("How many vehicles drove from the depot to the market?", 1),
        ("Is the market visible in the clip?", "yes"),
        ("Can the drone see Far Field at any time?", "no"),
        ("In which direction is Far Field from the market?", "north"),
        ("Can Far Field be reached from the depot by road?", "yes"),
        ("Can Far Field be reached from the depot without using Mill Lane?", "no"),
        ("Did any vehicle drive from the market to the depot?", "no"),
    ],
)
def test_answers(folder: Path, question: str, value: object) -> None:
    found = answer(folder, question)
    assert not found.abstained, found.reason
    assert found.value == value, found


@pytest.mark.parametrize(
    ("question", "value", "tolerance"),
    [
        # The right border of the picture, x = 10 t + 50, reaches a fifth of the pond (x = 152) at 10.2 s.
        ("When does the drone first see the Mill Pond?", 10.2, 0.2),
        ("At what time does the drone pass closest to the market?", 10.5, 0.2),
        ("How far is the market from the depot in metres?", 95.0, 0.5),
        ("When does the first vehicle enter the market?", 6.5, 0.3),
    ],
)
def test_numbers(folder: Path, question: str, value: float, tolerance: float) -> None:
    found = answer(folder, question)
    assert found.value == pytest.approx(value, abs=tolerance), found


def test_choices_and_marks(folder: Path) -> None:
    marks = [mark("A", 20, 0), mark("B", 110, 0), mark("C", 180, 0)]
    choices = {"A": "A, B, C", "B": "C, B, A", "C": "B, A, C"}
    assert (
        answer(folder, "In what order does the drone pass A, B and C?", marks=marks, choices=choices).value
        == "A"
    )
    near = {"A": "A", "B": "B", "C": "C"}
    at = [mark("A", 45, -5), mark("B", 110, 0), mark("C", 180, 0)]
    found = answer(folder, "Near which mark does a vehicle stop at 7 s?", marks=at, choices=near)
    assert found.value == "A"
    far = answer(folder, "Near which mark does a vehicle stop at 7 s?", marks=marks, choices=near)
    assert far.abstained and "32 m away from the nearest mark" in str(far.reason)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("How many red cars crossed the market?", "red"),
        ("When does the drone first see Far Field?", "in no frame"),
        ("How far is the castle from the depot?", "two things"),
        ("Can Old Track be reached from the depot?", "no"),
    ],
)
def test_what_cannot_be_told_is_not_answered(folder: Path, question: str, reason: str) -> None:
    found = answer(folder, question)
    assert (found.abstained and reason in str(found.reason)) or found.value == reason


def test_answers_are_kept_with_evidence(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    params = ask.AskParams(
        scene=str(scene), question="How far is the market from the depot?", layers=town.layers(tmp_path)
    )
    found = ask.run(params, JobContext())
    kept = read_layer(scene, "answers").loc[found.row]
    assert kept["answer"] == found.answer and kept["task"] == "relative distance"
    assert kept.geometry.contains(town.box(10, -1, 100, 1))
    assert any(item.layer == "zones" and item.geometry is not None for item in found.evidence)
    assert found.program is not None
    # Whoever opens the scene later sees the same evidence, the measured line included.
    assert kept["understood"] == found.understood and kept["planner"] == found.planner
    assert json.loads(kept["program"]) == found.program and json.loads(kept["missed"]) == found.missed
    evidence = json.loads(kept["evidence"])
    assert evidence == [item.model_dump(mode="json") for item in found.evidence]
    assert evidence[0]["geometry"]["type"] == "LineString"


def test_answers_go_into_a_scene_of_an_earlier_version(tmp_path: Path) -> None:
    scene = town.write_town(tmp_path)
    later = ("settle", "understood", "missed", "planner", "program", "notes")
    with contextlib.closing(sqlite3.connect(scene)) as connection, connection:
        for name in later:
            connection.execute(f'ALTER TABLE answers DROP COLUMN "{name}"')
        connection.execute("DROP TABLE corrections")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'corrections'")
    assert not len(read_layer(scene, "answers")) and not len(read_layer(scene, "corrections"))
    params = ask.AskParams(scene=str(scene), question="When is Castle Hill seen?")
    found = ask.run(params, JobContext())
    kept = read_layer(scene, "answers").loc[found.row]
    assert kept["settle"] == found.settle and json.loads(kept["missed"]) == found.missed == ["Castle Hill"]


def test_evidence_names_what_can_be_corrected(folder: Path) -> None:
    found = answer(folder, "How many vehicles entered the market?")
    things = {tuple(item.things) for item in found.evidence if item.layer == "tracks"}
    assert things == {("track 1",), ("track 2",)}
    assert all(not item.things for item in found.evidence if item.layer == "zones")


def test_a_second_layer_of_a_kind_counts_as_one(folder: Path) -> None:
    places = town.layers(folder)
    params = ask.AskParams(
        scene=str(folder / "scene.gpkg"), question="What hides the old oak at 14 s?", keep=False,
        layers={"zones 2": places["occluders"], "occluders": places["occluders"]},
    )  # fmt: skip
    kinds = {thing.layer: thing.kind for thing in ask.SHELF.read(params.scene, None, params.layers).things}
    assert kinds["zones 2"] is Kind.ZONE and kinds["occluders"] is Kind.OCCLUDER


def test_confidence_rises_with_certainty() -> None:
    said = [calibrated(value) for value in (0.0, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)]
    assert said == sorted(said) and said[0] > 0.0 and said[-1] <= 0.99


def test_nothing_is_an_answer_where_the_choices_have_one(folder: Path) -> None:
    choices = {"A": "a tree", "B": "a building", "C": "nothing"}
    spot = [mark("A", 50, 0)]
    assert answer(folder, "What hides mark A at 5 s?", marks=spot, choices=choices).value == "C"
    found = answer(
        folder, "What hides mark A at 5 s?", marks=spot, choices={"A": "a tree", "B": "a building"}
    )
    assert found.abstained and "nothing hides" in str(found.reason)


def test_what_moves_where_nobody_looks_is_not_counted(folder: Path) -> None:
    assert answer(folder, "How many vehicles enter Far Field?").abstained
    # Buildings are counted from the layer, seen or not.
    assert answer(folder, "How many buildings stand in Far Field?").value == 0.0


@pytest.mark.parametrize(
    ("question", "value", "tolerance"),
    [
        ("How fast is vehicle 1 at 5 s?", 12.0, 0.3),
        ("How large is the market?", 900.0, 2.0),
        ("How long is High Street?", 350.0, 0.5),
        ("How high is the town hall?", 30.0, 0.0),
        ("How far is the depot from the middle of the picture at 5 s?", 40.0, 0.5),
        ("How far is the depot from the drone at 0:05?", 40.0, 0.5),
        ("How far did the drone fly?", 198.0, 1.0),
        ("Which way is the drone facing at 5 s?", 0.0, 0.5),
        ("How far is it by road from the depot to the market?", 80.0, 30.0),
    ],
)
def test_measures_beyond_the_twelve_tasks(
    folder: Path, question: str, value: float, tolerance: float
) -> None:
    found = answer(folder, question)
    measured = float(found.value or 0.0)
    off = abs((measured - value + 180.0) % 360.0 - 180.0) if found.unit == "°" else abs(measured - value)
    assert off <= tolerance, found


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Which vehicle is the fastest?", "vehicle 1"),
        ("Does the market overlap the depot?", "no"),
        ("What is the spatial relation of the market and the depot?", "apart"),
        ("In which part of the market does the camera look at 9.5 s?", "left"),
    ],
)
def test_words_beyond_the_twelve_tasks(folder: Path, question: str, value: str) -> None:
    assert answer(folder, question).value == value


def test_no_line_that_is_near_is_no_answer(folder: Path) -> None:
    lines = [
        town.mark_of(name, shapely.LineString([town.place(0, y), town.place(198, y)])) for name, y in LINES
    ]
    choices = {name: f"line {name}" for name, _ in LINES}
    assert answer(folder, "Which line did the drone fly along?", marks=lines, choices=choices).value == "B"
    far = lines[::2]
    found = answer(folder, "Which line did the drone fly along?", marks=far, choices=choices)
    assert found.abstained and "none of the lines" in str(found.reason)


LINES = (("A", 60), ("B", 2), ("C", -70))
