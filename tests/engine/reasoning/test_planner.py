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
from tests.engine.reasoning.wordings import MORE, SENTENCES


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


@pytest.mark.parametrize(
    ("name", "sentence"), [(name, text) for name, (*_, texts) in MORE.items() for text in texts]
)
def test_more_wordings(memory: Memory, name: str, sentence: str) -> None:
    kind, choices, sort, names, _ = MORE[name]
    drawn = marks(sort, names)
    found = plan(Question(text=sentence, choices=choices, marks=drawn, kind=kind), memory.with_marks(drawn))
    assert isinstance(found, Plan), found
    last = found.program.steps[-1]
    assert last.operation.name == name.split(maxsplit=1)[0], found.program.document()
    if name.startswith("path_exists"):
        assert "avoid" in last.references
    if name.startswith("direction"):
        assert found.program.document()["steps"][last.references["start"]]["name"] == "mark A"


@pytest.mark.parametrize(
    ("text", "operation", "span"),
    [
        ("How many vehicles are in the market at 8 s?", "within", (7.5, 8.5)),
        ("How many vehicles were in the market between 3 and 5 s?", "within", (3.0, 5.0)),
        ("How many vehicles entered the market between 3 and 5 s?", "happening", (3.0, 5.0)),
        ("How many vehicles entered the market at 4 s?", "happening", (3.5, 4.5)),
    ],
)
def test_what_is_counted_is_counted_at_the_time_that_is_named(
    memory: Memory, text: str, operation: str, span: tuple[float, float]
) -> None:
    found = planned(memory, text, {}, ())
    assert isinstance(found, Plan), found
    steps = found.program.document()["steps"].values()
    assert [step["during"] for step in steps if step["op"] == operation] == [list(span)]
