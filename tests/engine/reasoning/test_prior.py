"""Priors: what is told of them, when they are withheld, and what the built-in planner makes of help."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from rs_copilot.jobs.priors import MAX_COMMON, prior_of, tiles_apart
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.checking import check
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.table import Needs
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.prior import Prior, PriorTile, prior_marks, prior_words, read_margins
from rs_copilot.reasoning.program import Program, run
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import PoseTask
from rs_copilot.reasoning.values import CannotTell
from tests.engine.reasoning import town

# After the end of the flight, which lasts 19.8 s: no frame is placed there.
LATER_S = 50.0


def tile(rank: int, score: float, shape: BaseGeometry) -> PriorTile:
    return PriorTile(rank, score, town.mark_of("x", shape).shape_lonlat, LATER_S)


def prior(*, withheld: bool = False, chance: float = 0.9) -> Prior:
    tiles = (
        tile(1, 0.81, town.box(80, -25, 130, 25)),
        tile(2, 0.62, town.box(300, 300, 350, 350)),
    )
    return Prior(tiles, 0.19, withheld, chance=chance, track=tiles[:1])


def in_the_picture(shape: BaseGeometry) -> tuple[int, int, int, int] | None:
    """A map picture that ends before the second tile."""
    return (10, 20, 110, 120) if shape.bounds[3] < prior().tiles[1].box_lonlat[1] else None


def test_what_a_model_is_told() -> None:
    caution, first, second, head, track = prior_words(prior(), in_the_picture).splitlines()
    assert "wrong" in caution and "check" in caution
    west, south, east, north = prior().tiles[0].box_lonlat
    assert first == (
        f"P1: rank 1, score 0.810, pixels [10, 20, 110, 120], "
        f"longitude {west:.6f} to {east:.6f}, latitude {south:.6f} to {north:.6f}"
    )
    assert second.startswith("P2: rank 2, score 0.620, outside the map picture")
    assert "clip" in head and track.startswith("at 50.0 s score 0.810, pixels")
    assert [name for name, _ in prior_marks(prior())] == ["P1", "P2"]


@pytest.mark.parametrize("nothing", [None, prior(withheld=True), Prior((), 0.0, is_withheld=False)])
def test_what_is_withheld_is_not_told(nothing: Prior | None) -> None:
    assert prior_words(nothing, in_the_picture) == "" and prior_marks(nothing) == ()


def test_a_small_margin_is_withheld_and_a_larger_one_surer() -> None:
    _, shares, least = read_margins()
    assert 0.0 < least < 0.5 and (np.diff(shares) >= 0).all() and shares[-1] < 1.0

    def of(margin: float) -> Prior:
        apart = (tile(1, 0.6 + margin, town.box(0, 0, 9, 9)), tile(2, 0.6, town.box(50, 0, 59, 9)))
        return prior_of(apart)

    assert of(least - 0.005).is_withheld and not of(least + 0.005).is_withheld
    assert of(least + 0.005).chance < of(least + 0.2).chance
    assert prior_of(()).is_withheld


squares = st.tuples(st.floats(0, 200), st.floats(0, 200), st.sampled_from([30.0, 60.0, 120.0]))


@given(st.lists(squares, min_size=1, max_size=30), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_tiles_lie_apart_and_the_best_is_first(found: list[tuple[float, float, float]], count: int) -> None:
    shapes = [shapely.box(x, y, x + side, y + side) for x, y, side in found]
    kept = tiles_apart(shapes, count)
    assert kept[0] == 0 and kept == sorted(kept) and len(kept) <= count

    def common(a: int, b: int) -> float:
        smaller = min(shapes[a].area, shapes[b].area)
        return float(shapes[a].intersection(shapes[b]).area / smaller)

    assert all(common(a, b) <= MAX_COMMON + 1e-9 for a in kept for b in kept if a != b)
    if len(kept) < count:
        # All others lie on one that is kept.
        assert all(max(common(n, k) for k in kept) > MAX_COMMON for n in range(len(shapes)) if n not in kept)


def asked(text: str, found: Prior | None, memory: Memory | None = None, **more: object) -> Answer:
    question = Question(text=text, **more)
    known = memory or town.memory_once()
    return ask(question, known, lambda q, m: plan(q, m, {Needs.PRIORS}), priors=lambda _: found)


def test_a_frame_without_a_place_is_found_by_likeness() -> None:
    found = asked("Which tile does the frame at 50 s show?", prior())
    assert found.text.startswith("square of 50 m around ") and found.confidence == 0.9
    assert "not located" in found.notes[0]
    assert found.evidence[0].time_s == LATER_S and found.evidence[0].shape is not None
    marks = (town.mark_of("A", town.box(-20, -20, 20, 20)), town.mark_of("B", town.box(90, -20, 130, 20)))
    choices = {"A": "square A", "B": "square B"}
    which = asked("Which square does the video show at 50 s?", prior(), marks=marks, choices=choices)
    assert which.value == "B"
    part = asked("Which part of the market does the frame at 50 s show?", prior())
    # The middle of the square lies in the middle of the market.
    assert part.value == "center"
    assert part.task is PoseTask.PART
    # Where the camera was, a search for what it shows does not tell.
    stood = asked("In which part of the market was the frame at 50 s taken?", prior())
    assert stood.abstained
    assert "no frame is placed" in str(stood.reason)


@pytest.mark.parametrize(
    ("found", "reason"),
    [(None, "no frame"), (prior(withheld=True), "several places"), (prior(chance=0.4), "too uncertain")],
)
def test_what_is_not_sure_is_not_answered(found: Prior | None, reason: str) -> None:
    answer = asked("Which tile does the frame at 50 s show?", found)
    assert answer.abstained and reason in str(answer.reason)


@pytest.mark.parametrize(("other", "value"), [(0.50, "B"), (0.605, None)])
def test_among_areas_only_they_count(other: float, value: str | None) -> None:
    """What makes a search unsure may lie where nobody asks about."""
    elsewhere = tile(2, 0.61, town.box(400, 400, 450, 450))
    tiles = (
        tile(1, 0.615, town.box(90, -20, 130, 20)),
        elsewhere,
        tile(3, other, town.box(-20, -20, 20, 20)),
    )
    found = prior_of(tiles)
    assert found.is_withheld
    marks = (town.mark_of("A", town.box(-20, -20, 20, 20)), town.mark_of("B", town.box(90, -20, 130, 20)))
    answer = asked("Which square does the video show at 50 s?", found, marks=marks,
                   choices={"A": "square A", "B": "square B"})  # fmt: skip
    assert answer.value == value and answer.abstained is (value is None)
    # Where the best square lies in none of them, an unsure search does not say that it is none.
    apart = (town.mark_of("A", town.box(-20, -20, 20, 20)), town.mark_of("B", town.box(200, 0, 240, 40)))
    choices = {"A": "square A", "B": "none of these"}
    nowhere = asked("Which square does the video show at 50 s?", found, marks=apart, choices=choices)
    assert nowhere.abstained


def test_without_a_search_an_index_is_asked_for() -> None:
    program = check({"steps": {"a": {"op": "likely_place", "at": 50}}, "answer": "a"})
    assert isinstance(program, Program)
    with pytest.raises(CannotTell) as caught:
        run(program, town.memory_once())
    assert "index" in str(caught.value.settle)


def test_a_frame_that_is_placed_is_not_looked_up() -> None:
    found = asked("Where is the camera looking at 5 s: in the depot or in the market?", None)
    assert "likely_place" not in found.understood and "likeness" not in found.understood


def steps(text: str, *helpers: Needs) -> list[tuple[str, str | None]]:
    """Operations of a plan with the words that they look for."""
    region = town.mark_of("region", town.box(20, -60, 120, 40))
    memory = town.memory_once().with_marks([region])
    found = plan(Question(text=text), memory, helpers)
    if isinstance(found, NoPlan):
        return []
    assert isinstance(found, Plan)
    return [
        (step.operation.name, step.literals.get("phrase") or step.literals.get("question"))
        for step in found.program.steps
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Is there a red truck in the frame at 0:12?",
            [("look_whether", "Is there a red truck in the frame")],
        ),
        ("Where is the swimming pool in this region?", [("named", None), ("ground", "swimming pool")]),
        ("Where is the swimming pool?", [("seen_ground", None), ("ground", "swimming pool")]),
        ("Find the solar panels in the frame at 4 s.", [("ground", "solar panels")]),
        (
            "How many red cars are in the market at 8 s?",
            [("named", None), ("ground", "red cars"), ("count", None)],
        ),
        (
            "What colour is vehicle 2?",
            [("named", None), ("look", "What colour is the vehicle in the middle?")],
        ),
    ],
)
def test_what_the_scene_does_not_know_is_looked_at(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert steps(text, Needs.EYES) == expected
    # Without eyes the planner says that it does not know.
    assert steps(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "How many red cars crossed the market?",
        "How far is the Castle from the depot?",
        "Does Old Mill appear in the footage?",
        "Tell me a joke.",
    ],
)
def test_eyes_are_not_for_everything(text: str) -> None:
    """What moved is not on the map, and a name that no layer has no model knows."""
    assert steps(text, Needs.EYES, Needs.PRIORS) == []


def test_what_the_scene_knows_is_computed() -> None:
    for text in ("How many vehicles entered the market?", "How far is the market from the depot?"):
        assert steps(text, Needs.EYES, Needs.PRIORS) == steps(text) != []
