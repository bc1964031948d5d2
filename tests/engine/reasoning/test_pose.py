"""Questions about the camera behind a frame: operations against exact geometry, and words that get there."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.answering import ask, in_words
from rs_copilot.reasoning.checking import check
from rs_copilot.reasoning.choosing import O_CLOCK, SECTORS, choose
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.planning.pose import read_rules
from rs_copilot.reasoning.program import Program, run
from rs_copilot.reasoning.question import Mark, Question
from rs_copilot.reasoning.tasks import Dimension, PoseTask
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Number, Verdict
from rs_copilot.reasoning.views import Views
from tests.engine.reasoning import town

HEIGHT_M, GSD_M = 80.0, 0.25
METRES = st.floats(-120.0, 120.0)
AZIMUTHS = st.floats(0.0, 359.9)


def views_at(poses: list[tuple[float, float, float]], error_m: float = 0.5) -> Views:
    """Frames a second apart that look straight down: easting and northing of each, and the azimuth of up."""
    size = town.SIZE
    found = []
    for x, y, azimuth_deg in poses:
        turn = np.radians(azimuth_deg)
        c, s = np.cos(turn), np.sin(turn)
        # A step to the right in the picture goes to azimuth + 90 degrees, one down to azimuth + 180.
        axes = GSD_M * np.array([[c, -s], [-s, -c]])
        shift = np.array([x, y]) - axes @ [size.width_px / 2, size.height_px / 2]
        found.append([[*axes[0], shift[0]], [*axes[1], shift[1]], [0.0, 0.0, 1.0]])
    count = len(poses)
    places = np.array([[x, y, HEIGHT_M] for x, y, _ in poses])
    return Views(
        "clip.mp4", np.arange(count, dtype=float), np.arange(count, dtype=float), np.array(found),
        np.tile([float(size.width_px), float(size.height_px)], (count, 1)), places,
        np.full(count, error_m), town.ORIGIN, np.arange(count, dtype=float),
    )  # fmt: skip


def memory_at(*poses: tuple[float, float, float], error_m: float = 0.5) -> Memory:
    return Memory(town.CRS, views_at(list(poses), error_m), ())


def point(name: str, x: float, y: float) -> Mark:
    return town.mark_of(name, shapely.Point(town.place(x, y)))


def area(name: str, west: float, south: float, east: float, north: float) -> Mark:
    return town.mark_of(name, town.box(west, south, east, north))


def found(memory: Memory, marks: tuple[Mark, ...], **steps: dict[str, Any]) -> Finding:
    program = check({"steps": steps, "answer": list(steps)[-1]})
    assert isinstance(program, Program), program
    return run(program, memory.with_marks(marks))


def asked(memory: Memory, text: str, *marks: Mark, **choices: str) -> Answer:
    return ask(Question(text=text, marks=marks, choices=choices), memory, plan)


def convergence_deg(x: float, y: float) -> float:
    """By how much grid north and true north differ there."""
    ends = np.array([town.place(x, y), town.place(x, y + 100.0)])
    return memory_at((0.0, 0.0, 0.0)).geodesic(ends[0], ends[1])[1]


@given(METRES, METRES, AZIMUTHS)
@settings(max_examples=60, deadline=None)
def test_the_camera_faces_where_up_in_the_picture_is(x: float, y: float, azimuth_deg: float) -> None:
    memory = memory_at((x, y, azimuth_deg))
    value = found(memory, (), a={"op": "facing", "at": 0.0}).value
    true = (azimuth_deg + convergence_deg(x, y)) % 360.0
    near = sorted(range(8), key=lambda k: abs((true - 45.0 * k + 180.0) % 360.0 - 180.0))
    off = abs((true - 45.0 * near[0] + 180.0) % 360.0 - 180.0)
    assert value == SECTORS[near[0]] or (off > 22.4 and value == SECTORS[near[1]])


@given(AZIMUTHS, AZIMUTHS, st.floats(10.0, 150.0))
@settings(max_examples=80, deadline=None)
def test_clock_directions_turn_with_the_camera(facing: float, bearing: float, metres: float) -> None:
    xy = metres * np.array([np.sin(np.radians(bearing)), np.cos(np.radians(bearing))])
    steps = {"m": {"op": "named", "name": "mark A"}, "c": {"op": "clock", "at": 0.0, "to": "$m"}}
    result = found(memory_at((0.0, 0.0, facing)), (point("A", *xy),), **steps)
    assert isinstance(result.value, Number)
    relative = (bearing - facing) % 360.0
    off = abs((relative - 30.0 * result.value.value + 180.0) % 360.0 - 180.0)
    assert off <= 15.1
    assert 1 <= result.value.value <= 12
    # Near the border of two hours nothing is sure, in the middle of one it is.
    assert result.chance < 0.7 or off < 14.9
    assert result.chance > 0.9 or off > 6.0 or metres < 40.0


@given(METRES, METRES, METRES, METRES)
@settings(max_examples=60, deadline=None)
def test_ranges_are_slant_and_heights_upright(x: float, y: float, u: float, v: float) -> None:
    memory = memory_at((x, y, 0.0))
    steps = {"m": {"op": "named", "name": "mark A"}, "r": {"op": "camera_range", "at": 0.0, "to": "$m"}}
    result = found(memory, (point("A", u, v),), **steps).value
    assert isinstance(result, Number)
    # Of UTM the scale is 0.9996 on the central meridian.
    assert result.value == pytest.approx(np.hypot(np.hypot(u - x, v - y) / 0.9996, HEIGHT_M), rel=1e-3)
    height = found(memory, (), h={"op": "camera_height", "at": 0.0}).value
    assert isinstance(height, Number)
    assert height.value == HEIGHT_M
    assert height.error > 1.0


@given(METRES, METRES, st.floats(20.0, 100.0))
@settings(max_examples=80, deadline=None)
def test_the_camera_stands_in_an_area_or_outside(x: float, y: float, side: float) -> None:
    steps = {
        "z": {"op": "named", "name": "mark A"}, "c": {"op": "camera_at", "at": 0.0},
        "v": {"op": "stands_in", "of": "$c", "zone": "$z"},
    }  # fmt: skip
    result = found(memory_at((x, y, 0.0)), (area("A", -side, -side, side, side),), **steps)
    margin = side - max(abs(x), abs(y))
    assert result.value == Verdict(margin > 0) or abs(margin) < 1e-3
    assert result.chance > 0.95 or abs(margin) < 3.0
    assert result.chance < 0.75 or abs(margin) > 0.4


@given(st.integers(0, 8), st.floats(60.0, 200.0), AZIMUTHS)
@settings(max_examples=40, deadline=None)
def test_placements_move_the_part_and_leave_the_heading(number: int, side: float, azimuth: float) -> None:
    """The nine crops of GeoX-Bench: the answer follows the crop, the heading does not change."""
    column, row = number % 3, number // 3
    shift = np.array([0.25 * (1 - column), 0.25 * (row - 1)]) * side
    west, south = shift - side / 2.0
    window = area("map", west, south, west + side, south + side)
    memory = memory_at((0.0, 0.0, azimuth))
    part = asked(memory, "In which part of the map was the frame at 0 s taken?", window)
    rows, columns = ("top", "", "bottom"), ("left", "", "right")
    name = " ".join(word for word in (rows[row], columns[column]) if word) or "center"
    assert part.value == name, part.reason
    with_map, without = (
        asked(memory, "Which way does the camera face at 0 s, in degrees?", *marks)
        for marks in ((window,), ())
    )  # fmt: skip
    assert with_map.value == without.value
    quarter = asked(memory, "In which quadrant of the map is the drone at 0 s?", window)
    if 1 not in (column, row):
        corner = asked(memory, "In which corner of the map is the drone at 0 s?", window)
        assert corner.value == quarter.value
        assert quarter.value == f"{'north' if row == 0 else 'south'}-{'west' if column == 0 else 'east'}"


@given(st.integers(2, 10), st.integers(2, 10), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_cells_hold_the_camera(columns: int, rows: int, east: float, south: float) -> None:
    window = area("A", 0.0, 0.0, 100.0, 80.0)
    text = f"In which cell of a {columns} x {rows} grid over mark A is the drone at 0 s?"
    answer = asked(memory_at((100.0 * east, 80.0 * (1.0 - south), 0.0), error_m=0.01), text, window)
    if answer.abstained:
        # Too near a border of cells to say.
        assert "uncertain" in str(answer.reason)
        return
    if columns == rows == 2:
        quarter = f"{('north', 'south')[int(south * 2)]}-{('west', 'east')[int(east * 2)]}"
        assert answer.value == quarter or min(abs(east - 0.5), abs(south - 0.5)) < 1e-4
        return
    column, row = ord(str(answer.value)[0]) - ord("A"), int(str(answer.value)[1:]) - 1
    assert column / columns - 1e-6 <= east <= (column + 1) / columns + 1e-6
    assert row / rows - 1e-6 <= south <= (row + 1) / rows + 1e-6


@given(st.lists(st.tuples(METRES, METRES), min_size=3, max_size=3), METRES, METRES)
@settings(max_examples=40, deadline=None)
def test_frames_are_ordered_by_distance(poses: list[tuple[float, float]], x: float, y: float) -> None:
    memory = memory_at(*((u, v, 0.0) for u, v in poses))
    gaps = [float(np.hypot(u - x, v - y)) for u, v in poses]
    names = [f"{k}.0 s" for k in range(3)]
    orders = [", ".join(item) for item in itertools.permutations(names)]
    right = ", ".join(names[int(k)] for k in np.argsort(gaps))
    letters = dict(zip("ABCDEF", orders, strict=True))
    mark = point("A", x, y)
    text = "Order the frames at 0 s, 1 s and 2 s by their distance from mark A, nearest first."
    answer = asked(memory, text, mark, **letters)
    clear = min(np.diff(np.sort(gaps))) > 3.0
    assert (not answer.abstained and letters[str(answer.value)] == right) or not clear
    text = "Which of the frames at 0 s, 1 s and 2 s is nearest to mark A?"
    best = asked(memory, text, mark, A=names[0], B=names[1], C=names[2])
    assert best.value == "ABC"[int(np.argmin(gaps))] or not clear
    short = asked(
        memory, "Which of frames 0, 1 and 2 is closest to mark A?", mark, A=names[0], B=names[1], C=names[2]
    )
    listed = asked(
        memory,
        "Which of the frames at 0, 1 and 2 s is closest to mark A?",
        mark,
        A=names[0],
        B=names[1],
        C=names[2],
    )
    assert short.value == listed.value == best.value
    text = "Which of the frames at 0 s, 1 s and 2 s is farthest from mark A?"
    worst = asked(memory, text, mark, A=names[0], B=names[1], C=names[2])
    assert worst.value == "ABC"[int(np.argmax(gaps))] or not clear


@given(METRES, METRES, AZIMUTHS)
@settings(max_examples=40, deadline=None)
def test_frames_show_the_same_place_where_they_overlap(x: float, y: float, azimuth: float) -> None:
    memory = memory_at((0.0, 0.0, 0.0), (x, y, azimuth))
    first, second = memory.views.footprint(0), memory.views.footprint(1)
    share = first.intersection(second).area / first.area
    answer = asked(memory, "Do the frames at 0 s and 1 s show the same place?")
    assert answer.value == ("yes" if share > 0.2 else "no") or 0.1 < share < 0.3


@given(st.permutations([0, 1, 2, 3]), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_order_of_choices_does_not_matter(order: list[int], number: int) -> None:
    """An answer is a place or a direction, whatever letter it stands under."""
    memory = memory_at((0.0, 0.0, 90.0 * number))
    marks = tuple(point("PQRS"[k], x, y) for k, (x, y) in enumerate([(5, 2), (90, 0), (0, 95), (-80, 60)]))
    places = {letter: f"mark {'PQRS'[k]}" for letter, k in zip("ABCD", order, strict=True)}
    answer = asked(memory, "Which of the marks does the frame at 0 s show?", *marks, **places)
    assert places[str(answer.value)] == "mark P", answer.reason
    ways = {letter: ("north", "east", "south", "west")[k] for letter, k in zip("ABCD", order, strict=True)}
    answer = asked(memory, "Which way does the camera face at 0 s?", **ways)
    assert ways[str(answer.value)] == ("north", "east", "south", "west")[number]


@pytest.mark.parametrize(
    ("text", "task", "value"),
    [
        ("Which way is the camera facing at 1 s, as a compass direction?", PoseTask.HEADING, "east"),
        ("Which direction does the drone look in at 0:01?", PoseTask.HEADING, "east"),
        ("What is the heading of the UAV at 1 s in degrees?", PoseTask.HEADING, 90.0),
        ("At what o'clock is mark A from the camera at 1 s?", PoseTask.CLOCK, 9.0),
        ("In which direction from mark A was the photo at 1 s taken?", PoseTask.STANDING, "south"),
        ("Where does the drone hover relative to mark A at 1 s?", PoseTask.STANDING, "south"),
        ("Was the picture at 1 s taken inside zone Z?", PoseTask.INSIDE, "yes"),
        ("Is the drone over zone Z at 0 s?", PoseTask.INSIDE, "no"),
        ("Is the drone outside zone Z at 0 s?", PoseTask.INSIDE, "yes"),
        ("Was the photo at 1 s not taken inside zone Z?", PoseTask.INSIDE, "no"),
        ("Please tell me whether the camera was within zone Z at 1 s.", PoseTask.INSIDE, "yes"),
        ("Is the camera at 1 s inside or outside zone Z?", PoseTask.INSIDE, "inside"),
        ("Is the drone at 0 s outside or inside zone Z?", PoseTask.INSIDE, "outside"),
        ("Does the camera look east at 1 s?", PoseTask.HEADING, "yes"),
        ("Is the drone facing north-east at 1 s?", PoseTask.HEADING, "no"),
        ("Was frame 1 taken inside zone Z?", PoseTask.INSIDE, "yes"),
        ("Do frames 0 and 1 show the same place?", PoseTask.SAME, "no"),
        ("Do frame 1 and frame 0 show the same place?", PoseTask.SAME, "no"),
        ("In which part of zone Z was the shot at 1 s taken?", PoseTask.PART, "center"),
        ("How high is the drone at 1 s?", PoseTask.HEIGHT, HEIGHT_M),
        ("From what atlitude was the photo at 1 s taken?", PoseTask.HEIGHT, HEIGHT_M),
        ("What is the altitude of the camera at 1 s?", PoseTask.HEIGHT, HEIGHT_M),
        ("From how far away was mark A photographed at 1 s?", PoseTask.RANGE, float(np.hypot(50.0, 80.0))),
        ("Do the pictures at 0 s and 1 s overlap?", PoseTask.SAME, "no"),
    ],
)  # fmt: skip
def test_words_lead_to_poses(text: str, task: PoseTask, value: str | float) -> None:
    memory = memory_at((0.0, 0.0, 0.0), (200.0, 0.0, 90.0))
    marks = (point("A", 200.0, 50.0), area("Z", 170.0, -30.0, 230.0, 30.0))
    used = tuple(mark for mark in marks if f" {mark.name}" in text)
    answer = asked(memory, text, *used)
    assert answer.task is task, answer.understood
    assert answer.value == (pytest.approx(value, rel=5e-3) if isinstance(value, float) else value)
    assert answer.evidence
    assert 0.5 < answer.confidence <= 1.0


def test_the_only_frame_needs_no_moment() -> None:
    photo = memory_at((0.0, 0.0, 45.0))
    assert asked(photo, "Which direction does the photo face?").value == "north-east"
    assert asked(photo, "From what altitude was the photo taken?").value == HEIGHT_M
    clip = memory_at((0.0, 0.0, 45.0), (9.0, 0.0, 45.0))
    answer = asked(clip, "From what altitude was the photo taken?")
    assert answer.abstained
    assert "which moment" in str(answer.reason)


def test_which_marked_cell_the_camera_is_in() -> None:
    cells = [area(f"C{k}", 50.0 * k, 0.0, 50.0 * k + 50.0, 50.0) for k in range(4)]
    names = {letter: f"cell C{k}" for k, letter in enumerate("ABCD")}
    memory = memory_at((120.0, 20.0, 0.0))
    assert asked(memory, "In which of the cells was the frame at 0 s taken?", *cells, **names).value == "C"
    nowhere = asked(memory_at((0.0, 90.0, 0.0)), "In which of the cells was the frame at 0 s taken?", *cells)
    assert nowhere.abstained
    assert "none of these" in str(nowhere.reason)
    outside = {"A": "cell C0", "B": "in none of them"}
    answer = asked(memory_at((0.0, 90.0, 0.0)), "In which of the cells was the frame at 0 s taken?", *cells,
                   **outside)  # fmt: skip
    assert answer.value == "B"


def test_over_which_area_is_asked_of_the_camera_where_it_hovers() -> None:
    areas = [area(name, 60.0 * k, -30.0, 60.0 * k + 60.0, 30.0) for k, name in enumerate("PQ")]
    choices = {"A": "zone P", "B": "zone Q"}
    memory = memory_at((80.0, 0.0, 0.0))
    hovers = asked(memory, "Over which of the zones does the drone hover at 0 s?", *areas, **choices)
    assert (hovers.value, hovers.task) == ("B", PoseTask.OVER)
    # Whoever says less than that rather means what is in the picture.
    above = asked(memory, "Which of the zones was the drone above at 0 s?", *areas, **choices)
    assert above.task not in set(PoseTask)


def test_a_frame_without_a_place_is_no_guess() -> None:
    memory = memory_at((0.0, 0.0, 0.0))
    late = asked(memory, "How high is the drone at 30 s?")
    assert late.abstained
    assert "no frame is placed at 30 s" in str(late.reason)
    assert late.settle
    lost = replace(memory, views=replace(memory.views, cameras_m=np.full((1, 3), np.nan)))
    unknown = asked(lost, "Was the frame at 0 s taken inside zone Z?", area("Z", -9, -9, 9, 9))
    assert unknown.abstained
    assert "camera" in str(unknown.reason)
    # Which way it faces is still known.
    assert asked(lost, "Which direction does the camera face at 0 s?").value == "north"


def test_more_moments_than_can_be_meant_are_no_pose() -> None:
    memory = memory_at((0.0, 0.0, 0.0), (9.0, 0.0, 45.0), (18.0, 0.0, 45.0))
    for text in (
        "How high is the drone at 0 s and 2 s?",
        "Do the frames at 0 s, 1 s and 2 s show the same place?",
    ):
        answer = asked(memory, text)
        assert answer.task not in set(PoseTask), answer.understood


def test_what_lies_below_the_camera_has_no_direction() -> None:
    answer = asked(
        memory_at((0.0, 0.0, 0.0)), "At what o'clock is mark A from the drone at 0 s?", point("A", 1, 0)
    )
    assert answer.abstained
    assert "below" in str(answer.reason)


def test_of_two_marks_in_the_picture_the_middle_one_is_meant_with_doubt() -> None:
    marks = point("P", 3.0, 0.0), point("Q", 30.0, 0.0)
    names = {"A": "mark P", "B": "mark Q", "C": "mark R"}
    near = asked(
        memory_at((0.0, 0.0, 0.0)), "Which marked point is closest to the camera at 0 s?", *marks, **names
    )
    assert (near.value, near.task) == ("A", PoseTask.OVER)
    marks = (*marks, point("R", 300.0, 0.0))
    two = asked(memory_at((0.0, 0.0, 0.0)), "Which of the marks does the frame at 0 s show?", *marks, **names)
    one = asked(
        memory_at((300.0, 0.0, 0.0)), "Which of the marks does the frame at 0 s show?", *marks, **names
    )
    assert (two.value, one.value) == ("A", "C")
    assert two.stated < 0.6 < 0.9 < one.stated


def test_a_map_that_is_not_marked_is_asked_for() -> None:
    answer = asked(memory_at((0.0, 0.0, 0.0)), "In which quadrant of the map was the frame at 0 s taken?")
    assert answer.abstained
    assert "mark its area" in str(answer.reason)


def test_choices_say_parts_and_hours_in_several_ways() -> None:
    assert choose("north-west", {"A": "top right", "B": "top left"}) == "B"
    assert choose("top left", {"A": "NW", "B": "SE"}) == "A"
    assert choose("center", {"A": "Centre", "B": "left"}) == "A"
    assert choose(Number(12.0, O_CLOCK), {"A": "1 o'clock", "B": "12 o'clock"}) == "B"
    assert choose(Number(1.0, O_CLOCK), {"A": "11 o'clock", "B": "12 o'clock"}) is None
    assert in_words(Number(3.0, O_CLOCK)) == "3 o'clock"


def test_tasks_of_poses_have_rules_and_a_dimension() -> None:
    assert {rule["task"] for rule in read_rules()[1]} == {task.value for task in PoseTask}
    assert {task.dimension for task in PoseTask} == {Dimension.LOCALIZATION}


def test_areas_are_needed_to_stand_in() -> None:
    steps = {
        "z": {"op": "named", "name": "mark A"}, "c": {"op": "camera_at", "at": 0.0},
        "v": {"op": "stands_in", "of": "$c", "zone": "$z"},
    }  # fmt: skip
    with pytest.raises(CannotTell, match="no area"):
        found(memory_at((0.0, 0.0, 0.0)), (point("A", 1.0, 1.0),), **steps)


def test_choices_that_name_stills_are_told_by_their_moments_and_never_by_their_digits() -> None:
    times = {"DJI_0019.jpg": 0.0, "DJI_0019": 0.0, "DJI_0025.jpg": 1.0, "DJI_0031.jpg": 2.0}
    choices = {"A": "DJI_0019.jpg", "B": "DJI_0025.jpg", "C": "photo dji_0031.jpg"}
    assert choose(Moments(((2.0, 2.0),)), choices, times) == "C"
    assert choose(Moments(((0.0, 1.0),)), choices, times) is None, "two of them"
    assert choose(Moments(((5.0, 5.0),)), choices, times) is None
    assert choose(Moments(((19.0, 20.0),)), {"A": "19 s", "B": "25 s"}, times) == "A"
