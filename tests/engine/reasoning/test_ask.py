"""Questions in words, answered over a scene whose truth is known by construction."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rs_copilot.jobs import ask
from rs_copilot.jobs.context import JobContext
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
    found = answer(folder, "Near which mark does a vehicle stop at 7 s?", marks=marks, choices=near)
    assert found.value == "A"


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
    evidence = json.loads(kept["evidence"])
    assert evidence == [item.model_dump(mode="json") for item in found.evidence]
    assert evidence[0]["geometry"]["type"] == "LineString"


def test_a_second_layer_of_a_kind_counts_as_one(folder: Path) -> None:
    places = town.layers(folder)
    params = ask.AskParams(
        scene=str(folder / "scene.gpkg"), question="What hides the old oak at 14 s?", keep=False,
        layers={"zones 2": places["occluders"], "occluders": places["occluders"]},
    )  # fmt: skip
    kinds = {thing.layer: thing.kind for thing in ask.SHELF.read(params.scene, None, params.layers).things}
    assert kinds["zones 2"] is Kind.ZONE and kinds["occluders"] is Kind.OCCLUDER
