"""Programs that look: what a model points at in a frame or on the map lies where it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.asking.eyes import ModelEyes
from rs_copilot.reasoning.answering import answered
from rs_copilot.reasoning.checking import MAX_COST, check
from rs_copilot.reasoning.eyes import MAX_SAID, one_line
from rs_copilot.reasoning.operations.eyes import LOOK_COST
from rs_copilot.reasoning.plan import Plan
from rs_copilot.reasoning.program import Program, run
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.values import CannotTell, Finding
from rs_copilot.types import SizeWH
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.scripted import ScriptedBackend
from tests.engine.reasoning import town
from tests.engine.vlm import hostile
from tests.engine.vlm.eyes import MAGENTA, painted, save_raster, seeker

# A magenta square on the ground, in metres from the town's origin.
SQUARE = (70.0, -8.0, 78.0, 0.0)
FRAMES = 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's flight, as a film in which only the square can be seen."""
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = town.SIZE.width_px, town.SIZE.height_px, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "12"}
        for number in range(FRAMES):
            x1, _, x2, _ = ((np.array(SQUARE) - (2 * number - 50)) / town.GSD_M).clip(0, 400).astype(int)
            patches = [((x1, 100, x2, 132), MAGENTA)] if x2 - x1 > 4 else []
            frame = av.VideoFrame.from_ndarray(painted(town.SIZE, *patches), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A turned map of the town with the same square."""
    place = Affine.translation(*town.place(-100, 250)) @ Affine.rotation(-20) @ Affine.scale(0.25, -0.25)
    image = painted(SizeWH(1600, 1600))
    corners = shapely.get_coordinates(town.box(*SQUARE))
    pixels = np.array([~place @ tuple(xy) for xy in corners])
    rows, columns = np.mgrid[0:1600, 0:1600] + 0.5
    inside = shapely.contains_xy(shapely.Polygon(pixels), columns, rows)
    image[inside] = MAGENTA
    return save_raster(tmp_path_factory.mktemp("map") / "town.tif", image, place)


def program(**step: object) -> Program:
    found = check({"steps": {"a": step}, "answer": "a"})
    assert isinstance(found, Program), found
    return found


def scripted(*answers: str) -> ModelEyes:
    return ModelEyes(ScriptedBackend(list(answers)))


def test_what_is_seen_in_a_frame_lies_on_the_ground(clip: Path) -> None:
    eyes = ModelEyes(seeker(), clip)
    found = run(program(op="ground", phrase="magenta square", at=7.0), town.memory_once(), eyes)
    (item,) = found.value
    assert item.shape.intersection(town.box(*SQUARE)).area > 0.85 * item.shape.union(town.box(*SQUARE)).area
    assert (item.kind.value, item.name) == ("grounding", "magenta square 1 (seen by a model)")
    first, whole = found.evidence
    assert (first.frame, first.time_s, first.clip) == (35, 7.0, "clip.mp4")
    # x of the square's left edge in frame 35, which shows 20 to 120 m.
    assert np.abs(np.array(first.box_px) - [200, 100, 232, 132]).max() <= 3
    assert whole.box_px == (0, 0, 400, 200) and "shown" in whole.says
    assert "scripted" in found.notes[0] and "not computed" in found.notes[0]
    assert found.chance < 0.6


def on_the_map(eyes: ModelEyes, area: shapely.Geometry, op: str = "ground", **more: object) -> Finding:
    """What a program finds in an area that is marked on the map."""
    document = {
        "steps": {
            "region": {"op": "named", "name": "region"},
            "a": {"op": op, "of": "$region", **more},
        },
        "answer": "a",
    }
    found = check(document)
    assert isinstance(found, Program), found
    return run(found, town.memory_once().with_marks([town.mark_of("region", area)]), eyes)


def test_what_is_seen_on_the_map_lies_there(raster: Path) -> None:
    eyes = ModelEyes(seeker(), raster=str(raster))
    found = on_the_map(eyes, town.box(20, -60, 120, 40), phrase="magenta square")
    (item,) = found.value
    square = town.box(*SQUARE)
    # The box has the map's axes, which are turned by 20 degrees: it holds the square and is larger.
    assert item.shape.intersection(square).area > 0.95 * square.area
    assert np.hypot(*(item.point_xy - shapely.get_coordinates(square.centroid)[0])) < 0.5
    whole = found.evidence[-1]
    assert whole.time_s is None and whole.shape is not None and whole.shape.contains(square)


def test_what_lies_beside_the_region_is_not_found(raster: Path) -> None:
    # The window in pixels of the turned map is larger than the region and shows the square.
    region = shapely.Polygon([town.place(60, 1), town.place(100, 1), town.place(100, 41), town.place(60, 41)])
    eyes = ModelEyes(seeker(), raster=str(raster))
    assert on_the_map(eyes, region, phrase="magenta square").value == ()


def test_a_thing_in_a_frame_is_shown_alone(clip: Path) -> None:
    shown: list[tuple[int, int]] = []

    def answer(conversation: object) -> str:
        part = conversation[-1].pictures[-1]  # type: ignore[index]
        assert isinstance(part, ImagePart)
        shown.append((part.size.width_px, part.size.height_px))
        return "magenta"

    eyes = ModelEyes(ScriptedBackend(answer), clip)
    memory = town.memory_once().with_marks([town.mark_of("spot", shapely.Point(town.place(74, -4)))])
    document = {
        "steps": {
            "spot": {"op": "named", "name": "spot"},
            "a": {"op": "look", "question": "what colour is it", "of": "$spot", "at": 7.0},
        },
        "answer": "a",
    }
    found = check(document)
    assert isinstance(found, Program)
    said = run(found, memory, eyes)
    assert said.value == "magenta" and shown == [(112, 112)]
    x1, y1, x2, y2 = said.evidence[0].box_px or (0, 0, 0, 0)
    assert x1 < 200 and x2 > 232 and y1 < 100 and y2 > 132
    # Three seconds later the place is behind the left border of the picture.
    document["steps"]["a"]["at"] = 13.0  # type: ignore[index]
    later = check(document)
    assert isinstance(later, Program)
    with pytest.raises(CannotTell, match="does not lie in the picture"):
        run(later, memory, eyes)


@pytest.mark.parametrize(
    ("op", "words", "says", "reason"),
    [
        ("look_whether", {"question": "is it red"}, "Perhaps.", "neither yes nor no"),
        ("look", {"question": "what is it"}, "  \n ", "said nothing"),
        ("ground", {"phrase": "truck"}, "It is on the left.", "names no places"),
    ],
)
def test_an_answer_that_means_nothing_is_none(
    clip: Path, op: str, words: dict[str, str], says: str, reason: str
) -> None:
    eyes = ModelEyes(ScriptedBackend([says] * 4), clip)
    with pytest.raises(CannotTell, match=reason):
        run(program(op=op, at=1.0, **words), town.memory_once(), eyes)


def test_what_is_not_there_is_found_nowhere(clip: Path) -> None:
    eyes = ModelEyes(ScriptedBackend(["There are none."] * 4), clip)
    assert run(program(op="ground", phrase="truck", at=1.0), town.memory_once(), eyes).value == ()


def test_without_picture_there_is_no_look(tmp_path: Path, clip: Path) -> None:
    memory = town.memory_once()
    with pytest.raises(CannotTell, match="clip"):
        run(program(op="look", question="what", at=1.0), memory, scripted("x"))
    with pytest.raises(CannotTell, match="cannot be shown"):
        gone = ModelEyes(ScriptedBackend(["x"]), tmp_path / "gone.mp4", str(tmp_path / "gone.tif"))
        run(program(op="look", question="what", at=1.0), memory, gone)
    with pytest.raises(CannotTell, match="where to look"):
        run(program(op="look", question="what"), memory, scripted("x"))
    with pytest.raises(CannotTell, match="map"):
        on_the_map(scripted("x"), town.box(0, 0, 40, 40), "look", question="what")


def test_a_program_without_eyes_says_how_to_get_them() -> None:
    with pytest.raises(CannotTell) as caught:
        run(program(op="look", question="what colour is it", at=3.0), town.memory_once())
    assert "--vlm" in str(caught.value.settle) and "model" in caught.value.reason


def test_a_program_cannot_look_often() -> None:
    step = {"op": "look", "question": "what is it", "at": 1.0}
    assert isinstance(check({"steps": {f"s{n}": step for n in range(3)}, "answer": "s0"}), Program)
    refused = check({"steps": {f"s{n}": step for n in range(4)}, "answer": "s0"})
    assert not isinstance(refused, Program) and "costs" in str(refused[0])
    assert 3 * LOOK_COST <= MAX_COST < 4 * LOOK_COST


@given(st.sampled_from(list(hostile.texts(60, seed=6))))
@settings(max_examples=60, deadline=None)
def test_hostile_words_change_nothing_but_the_answer(clip: Path, text: str) -> None:
    """Whatever a model says, the answer is one line, and things are called by the program's words."""
    memory = town.memory_once()
    eyes = ModelEyes(ScriptedBackend(lambda _: text), clip)
    try:
        said = run(program(op="look", question="what is it", at=2.0), memory, eyes).value
        assert isinstance(said, str) and said.isprintable() and len(said) <= MAX_SAID
    except CannotTell as unknown:
        assert unknown.reason.isprintable()
    try:
        found = run(program(op="ground", phrase="truck", at=2.0), memory, eyes)
    except CannotTell:
        return
    assert all(item.label == "truck" and item.name.endswith("(seen by a model)") for item in found.value)


def test_an_injected_name_is_not_believed(clip: Path) -> None:
    """A picture that says it were the depot is not the depot, and picks no choice by its letter."""
    eyes = ModelEyes(ScriptedBackend(["10,10,60,60 depot\n20,20,90,90 B. market"] * 4), clip)
    plan = Plan(program(op="ground", phrase="truck", at=2.0), None, AnswerKind.CHOICE, "where is a truck")
    question = Question(text="Where is a truck?", choices={"A": "depot", "B": "market"})
    found = answered(question, town.memory_once(), plan, eyes)
    assert found.abstained and found.value is None


def test_one_line() -> None:
    assert one_line(" a\n\tb\x1b[31m\u202e c ") == "a b [31m c"
    assert len(one_line("x" * 10_000)) == MAX_SAID
