"""What the built-in planner makes of questions, by hand-written wordings of each task."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.reasoning.checking import check
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.planning.spelling import mended
from rs_copilot.reasoning.planning.words import Times, take_times, tidy
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Mark, Question
from rs_copilot.reasoning.tasks import SpatialTask as T
from tests.engine.reasoning import town

YES_NO = {"A": "yes", "B": "no"}
HIDERS = {"A": "a building", "B": "a tree", "C": "a bridge", "D": "a vehicle"}
ORDERS = {"A": "A, B, C", "B": "C, A, B", "C": "B, A, C", "D": "C, B, A"}
SECTORS = {"A": "north", "B": "south-east", "C": "west", "D": "north-west"}
SQUARES = {letter: f"square {letter}" for letter in "ABCD"}
POINTS = {letter: f"mark {letter}" for letter in "ABCD"}
LINES = {letter: f"line {letter}" for letter in "ABCD"}
ZONES = {"A": "zone B", "B": "zone C"}


@pytest.fixture(scope="module")
def memory() -> Memory:
    return town.memory()


def marks(sort: str, names: str) -> tuple[Mark, ...]:
    found = []
    for number, name in enumerate(names):
        x = 20.0 + 30.0 * number
        shape = {
            "point": shapely.Point(town.place(x, 0.0)),
            "area": town.box(x, -5, x + 10, 5),
            "line": shapely.LineString([town.place(x, -20), town.place(x + 60, 20)]),
        }[sort]
        found.append(town.mark_of(name, shape))
    return tuple(found)


def planned(memory: Memory, text: str, choices: dict[str, str], drawn: tuple[Mark, ...]) -> Plan | NoPlan:
    question = Question(text=text, choices=choices, marks=drawn)
    return plan(question, memory.with_marks(drawn))


SENTENCES = {
    T.VISIBILITY: (
        YES_NO,
        "point",
        "A",
        [
            "Is mark A ever visible?",
            "Could you tell me whether mark A can be seen in the recording?",
            "Does the camera catch mark A at any moment?",
            "Was mark A filmed by the drone?",
            "mark A in view at 4 s?",
            "Has point A been captured during the flight?",
        ],
    ),
    T.ASSOCIATION: (
        SQUARES,
        "area",
        "ABCD",
        [
            "Which square does the drone look at at 5 s?",
            "The picture at 0:05 covers which of the squares?",
            "Please name the square that is shown at second 5.",
            "At t=5s, which marked area is the camera filming?",
            "Which of the squares is being filmed 5 seconds into the clip?",
        ],
    ),
    T.COUNTING: (
        {},
        "area",
        "A",
        [
            "How many vehicles enter zone A?",
            "Number of moving vehicles in zone A?",
            "Please count all vehicles that cross zone A.",
            "How many cars, vans and trucks were driving through zone A?",
            "Give me the total of buildings in zone A.",
            "How many houses stand within 50 m of zone A?",
        ],
    ),
    T.WHEN: (
        {},
        "point",
        "A",
        [
            "When is mark A seen for the first time?",
            "At what second does mark A enter the picture?",
            "How many seconds into the clip does mark A first come into sight?",
            "When does mark A leave the view?",
            "Time at which the view is centred nearest to mark A?",
            "Tell me the moment when mark A shows up first.",
        ],
    ),
    T.EVENT_PLACE: (
        POINTS,
        "point",
        "ABCD",
        [
            "At which mark does a vehicle stop at 7 s?",
            "A vehicle turns left at 0:07. Which mark is nearest to that?",
            "Which of the points is where a vehicle starts at 7.0 seconds?",
            "Where did the vehicle halt at second 7?",
            "The stop of a vehicle at 7 s took place near which mark?",
        ],
    ),
    T.TRAJECTORY: (
        LINES,
        "line",
        "ABCD",
        [
            "Which line did the UAV take?",
            "Which drawn route matches the flight of the drone?",
            "The drone flew along which of these lines?",
            "Pick the line that is the course of the camera.",
            "What path did the drone follow?",
        ],
    ),
    T.DISTANCE: (
        {},
        "point",
        "AB",
        [
            "How far is it from mark A to mark B?",
            "Distance mark A - mark B?",
            "What is the gap between mark A and mark B in feet?",
            "How many metres separate mark A and mark B?",
            "How far is mark A from the centre of the image at 5 s?",
            "How far away from mark A was the drone at 0:05?",
            "Tell me the distance in metres between mark A and where the camera is pointing at 5 s.",
        ],
    ),
    T.DIRECTION: (
        SECTORS,
        "point",
        "AB",
        [
            "Which way is mark B, seen from mark A?",
            "In what direction from mark A is mark B?",
            "Mark B lies in which compass direction of mark A?",
            "If I stand at mark A, where is mark B?",
            "Bearing from mark A to mark B?",
            "What is the compass direction of mark B with respect to mark A?",
        ],
    ),
    T.OCCLUSION: (
        HIDERS,
        "point",
        "A",
        [
            "What is mark A hidden by at 5 s?",
            "At 5 s mark A is out of sight. What stands in front of it?",
            "Which object obstructs the line of sight to mark A at 0:05?",
            "By what is mark A occluded at second 5?",
            "Why is mark A not visible at 5 s?",
        ],
    ),
    T.REACHABILITY: (
        YES_NO,
        "point",
        "AB",
        [
            "Can a car get from mark A to mark B while High Street is closed?",
            "Is mark B accessible from mark A by road?",
            "Supposing High Street is flooded, can I still drive from mark A to mark B?",
            "Does any road lead from mark A to mark B that does not use High Street?",
            "Are mark A and mark B connected by road?",
            "High Street is blocked. Is there still a route from mark A to mark B?",
        ],
    ),
    T.ORDERING: (
        ORDERS,
        "point",
        "ABC",
        [
            "In which sequence are A, B and C seen?",
            "Sort A, B and C by when they first come into view.",
            "What is the chronological order of A, B, C in the clip?",
            "Which comes into sight first, second and third: A, B or C?",
            "A, B and C are passed in what order?",
        ],
    ),
    T.INTERACTION: (
        ZONES,
        "area",
        "ABC",
        [
            "Where do the vehicles from zone A drive to, zone B or zone C?",
            "Vehicles that leave zone A: do they go to zone B or zone C?",
            "Which zone does the traffic out of zone A flow into, zone B or zone C?",
            "After zone A, which of zone B and zone C do cars go to?",
            "Do vehicles coming from zone A continue to zone B or to zone C?",
        ],
    ),
}


@pytest.mark.parametrize(
    ("task", "sentence"), [(task, text) for task, (_, _, _, texts) in SENTENCES.items() for text in texts]
)
def test_wordings_of_the_twelve_tasks(memory: Memory, task: T, sentence: str) -> None:
    choices, sort, names, _ = SENTENCES[task]
    found = planned(memory, sentence, choices, marks(sort, names))
    assert isinstance(found, Plan), found
    assert found.task is task, found.understood


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("When does the market leave the view?", "last_seen"),
        ("When does the camera pass closest to the market?", "nearest_time"),
        ("When are the market and the depot in view at the same time?", "together"),
        ("For how long is the market visible?", "lasting"),
        ("How fast is vehicle 1 at 5 s?", "speed"),
        ("Which vehicle is the fastest?", "largest"),
        ("Which of the vehicles was slowest?", "smallest"),
        ("How large is the market?", "area"),
        ("How long is Mill Lane?", "length"),
        ("How high is the town hall?", "height"),
        ("Is the depot inside the market?", "relates"),
        ("Do the market and Far Field overlap?", "relates"),
        ("What is the spatial relation of the depot and the market?", "relation"),
        ("Which way is the drone facing at 5 s?", "heading_at"),
        ("In which part of the market does the camera look at 10 s?", "part_of"),
        ("How far did the drone fly?", "length"),
        ("How far is the market from the drone at 5 s?", "distance"),
        ("How far is it by road from the depot to Far Field?", "way_length"),
        ("Is the Mill Pond hidden at 12 s?", "hidden"),
        ("Is Far Field never visible?", "opposite"),
        ("Which is nearer to the market, the depot or Far Field?", "nearest"),
        ("How many vehicles are in view at 5 s?", "count"),
        ("What is the azimuth from the depot to the market in degrees?", "bearing"),
    ],
)
def test_turns_of_phrase_choose_operations(memory: Memory, text: str, last: str) -> None:
    found = planned(memory, text, {}, ())
    assert isinstance(found, Plan), found
    assert found.program.steps[-1].operation.name == last, found.program.document()


@pytest.mark.parametrize(
    "text",
    [
        "How far is Castle Hill from the depot?",
        "Is the Observatory visible in the clip?",
        "How many vehicles cross Old Mill?",
        "Can Castle Hill be reached from the depot without using Mill Lane?",
        "In which direction is Harbour Office from Castle Hill?",
        "Castle Hill: when is it first seen?",
        "How many red cars entered the market?",
        "How many buses entered the market?",
        "What is the meaning of life?",
        "Who won the match yesterday?",
        "",
        "??",
    ],
)
def test_what_is_not_known_is_not_planned(memory: Memory, text: str) -> None:
    assert isinstance(planned(memory, text, {}, ()), NoPlan)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("When is the Mill Podn first seen?", "Mill Pond"),
        ("When is Far Feild first seen?", "Far Field"),
        ("Wehn is the mrket frist seen?", "market"),
        ("At what time is the market fisrt in veiw?", "market"),
        ("How far is the depot form the market?", "market"),
    ],
)
def test_slips_of_the_finger(memory: Memory, text: str, name: str) -> None:
    found = planned(memory, text, {}, ())
    assert isinstance(found, Plan) and name in found.understood


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("at 0:07.9, which", Times(at_s=7.9)),
        ("at second 17.8: what", Times(at_s=17.8)),
        ("t = 5.2 s", Times(at_s=5.2)),
        ("8 seconds into the clip", Times(at_s=8.0)),
        ("at the 8-second mark", Times(at_s=8.0)),
        ("1 min 5 s", Times(at_s=65.0)),
        ("7900 ms", Times(at_s=7.9)),
        ("seen at 7,9 s", Times(at_s=7.9)),
        ("at 00:00:07.9", Times(at_s=7.9)),
        ("the 8th second", Times(at_s=8.0)),
        ("half a minute into the video", Times(at_s=30.0)),
        ("at 7.9?", Times(at_s=7.9)),
        ("between 0:03 and 0:05", Times(start_s=3.0, end_s=5.0)),
        ("from 3 to 5.5 s", Times(start_s=3.0, end_s=5.5)),
        ("in the first 5 seconds", Times(start_s=0.0, end_s=5.0)),
        ("the last ten seconds", Times(start_s=10.0, end_s=20.0)),
        ("after 10 s", Times(start_s=10.0)),
        ("at which second", Times()),
        ("50 m from it", Times()),
    ],
)
def test_times_in_many_notations(text: str, times: Times) -> None:
    assert take_times(tidy(text), 20.0)[1] == times


def test_right_words_are_left_alone() -> None:
    wanted = {"which", "vehicle", "trajectory", "second"}
    assert mended("whcih vehcile at sceond 5", {"other"}, wanted) == "which vehicle at second 5"
    assert mended("the other Vehicel", {"other"}, wanted) == "the other Vehicel"


@given(st.text(max_size=300))
@settings(max_examples=25, deadline=None)
def test_any_text_has_a_plan_or_a_reason(text: str) -> None:
    found = planned(town.memory_once(), text, {}, ())
    assert isinstance(found, (Plan, NoPlan))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from(["$a", "named", "count"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["steps", "answer", "op", "of", "name", "a", "b", "at"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_the_checker_never_raises(document: object) -> None:
    found = check(document)
    assert isinstance(found, Program) or (found and all(str(problem) for problem in found))


@pytest.mark.parametrize("name", ["a.*b(", "[x", "⟦0⟧", "\\d+", "is", "when", "A", "", "x" * 5000])
def test_hostile_names_of_a_layer(memory: Memory, name: str) -> None:
    known = memory.with_marks((town.mark_of(name, shapely.Point(town.place(5, 0))),))
    for text in (
        f"When is {name} first seen?",
        f'When is "{name}" first seen?',
        "When is the market first seen?",
    ):
        found = plan(Question(text=text), known)
        assert isinstance(found, (Plan, NoPlan))
    assert isinstance(found, Plan) and "market" in found.understood


@pytest.mark.parametrize(
    "piece", ["a", "1", "at 5 s ", "Castle ", "⟦", "which (", "A, ", "\n", "vehcile ", "0:0"]
)
def test_long_questions_are_read_quickly(memory: Memory, piece: str) -> None:
    import time

    started = time.process_time()
    planned(memory, piece * (10_000 // len(piece)), {}, ())
    assert time.process_time() - started < 1.0


def test_a_road_in_pieces_is_closed_as_a_whole(memory: Memory) -> None:
    found = planned(memory, "Can Far Field be reached from the depot without using Mill Lane?", {}, ())
    assert isinstance(found, Plan)
    assert {"op": "named", "name": "Mill Lane"} in found.program.document()["steps"].values()
    assert np.isfinite(memory.views.error_m).all()
