"""Reading undoes writing, and pieces of an answer say what the whole says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing import SHAPES, Listener, Reading, parse, write_objects
from rs_copilot.vlm.parsing.shapes import area_of, crosses_itself, normal_form, turned_box
from rs_copilot.vlm.parsing.writing import turned_of
from rs_copilot.vlm.tasks import Grammar
from tests.engine.vlm.hostile import ANSWERS, SCRAPS

SIZE = SizeWH(1008, 756)
LABELS = st.sampled_from(["ship", "small vehicle", "the red car", "4x4 truck", "étang"])
sides = st.integers(min_value=2, max_value=300)


@st.composite
def horizontal(draw: st.DrawFn) -> FloatArray:
    x, y = draw(st.integers(0, 600)), draw(st.integers(0, 400))
    w, h = draw(sides), draw(sides)
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], dtype=float)


@st.composite
def turned(draw: st.DrawFn) -> FloatArray:
    short, more = draw(st.integers(2, 150)), draw(st.integers(1, 100))
    x, y = draw(st.integers(250, 700)), draw(st.integers(250, 500))
    corners = turned_box(x, y, short + more, short, draw(st.integers(-90, 89)))
    assert corners is not None
    return np.array(normal_form(corners))


@st.composite
def quads(draw: st.DrawFn) -> FloatArray:
    place = st.tuples(st.integers(0, 1008), st.integers(0, 756))
    corners = normal_form(draw(st.lists(place, min_size=4, max_size=4, unique=True)))
    if area_of(corners) <= 0 or crosses_itself(corners):
        return draw(horizontal())
    return np.array(corners, dtype=float)


KINDS = {Shape.HBB: horizontal(), Shape.OBB: turned(), Shape.QUAD: quads()}


@st.composite
def answers(draw: st.DrawFn, grammar: Grammar) -> list[Spoken]:
    shape = SHAPES[grammar]
    found = draw(st.lists(st.tuples(LABELS, KINDS[shape]), max_size=5, unique_by=str))
    return [Spoken(label, quad, shape, line) for line, (label, quad) in enumerate(found)]


def key(spoken: Spoken) -> tuple[object, ...]:
    return (spoken.label, spoken.shape, *np.round(spoken.quad.ravel(), 6).tolist())


@pytest.mark.parametrize("grammar", SHAPES)
@pytest.mark.parametrize("reading", [Reading.TOLERANT, Reading.STRICT])
def test_reading_undoes_writing(grammar: Grammar, reading: Reading) -> None:
    @settings(max_examples=30)
    @given(answers(grammar))
    def check(objects: list[Spoken]) -> None:
        parsed = parse(write_objects(objects, grammar), grammar, SIZE, reading=reading)
        assert sorted(map(key, parsed.objects)) == sorted(map(key, objects))
        assert (parsed.is_empty, parsed.skipped) == (not objects, ())
        assert write_objects(parsed.objects, grammar) == write_objects(objects, grammar)

    check()


def heard(pieces: list[str], grammar: Grammar) -> tuple[list[Spoken], Parsed]:
    listener = Listener(grammar, SIZE, coordinates=Coordinates.PER_MILLE)
    spoken = [item for piece in pieces for item in listener.feed(piece)]
    return spoken, listener.finish()


@pytest.mark.parametrize("grammar", SHAPES)
def test_pieces_say_what_the_whole_says(grammar: Grammar) -> None:
    @settings(max_examples=40)
    @given(
        st.lists(st.sampled_from([*ANSWERS, *SCRAPS]), min_size=1, max_size=6).map("".join),
        st.lists(st.integers(0, 300), max_size=12),
    )
    def check(text: str, cuts: list[int]) -> None:
        borders = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        pieces = [text[a:b] for a, b in pairwise(borders)]
        spoken, found = heard(pieces, grammar)
        whole = parse(text, grammar, SIZE, coordinates=Coordinates.PER_MILLE)
        assert list(map(key, found.objects)) == list(map(key, whole.objects))
        assert [o.line for o in found.objects] == [o.line for o in whole.objects]
        assert list(map(key, spoken)) == list(map(key, found.objects))[: len(spoken)]
        assert (found.skipped, found.is_empty, found.unknown) == (
            whole.skipped,
            whole.is_empty,
            whole.unknown,
        )

    check()


def test_objects_come_with_the_end_of_their_line_or_item() -> None:
    plain, items = Listener(Grammar.PLAIN_HBB, SIZE), Listener(Grammar.JSON_HBB, SIZE)
    assert not plain.feed("1,2,30,40 small") and not plain.feed(" vehicle")
    assert [spoken.label for spoken in plain.feed("\n5,")] == ["small vehicle"]
    assert not items.feed('[{"bbox_2d": [1, 2, 30, 40], "label": "ship"')
    assert [spoken.label for spoken in items.feed("}, {")] == ["ship"]


@given(quads(), st.permutations(range(4)))
def test_the_normal_form_knows_no_order(quad: FloatArray, order: list[int]) -> None:
    corners = [(float(x), float(y)) for x, y in quad]
    found = normal_form([corners[number] for number in order])
    assert found == tuple(corners)
    assert area_of(found) > 0
    assert found[0] == min(corners, key=lambda corner: (corner[1], corner[0]))


@given(st.integers(2, 150), st.integers(1, 100), st.integers(-90, 89))
def test_a_turned_box_is_found_again(short: int, more: int, angle_deg: int) -> None:
    corners = turned_box(300, 300, short + more, short, angle_deg)
    assert corners is not None
    assert np.allclose(turned_of(np.array(corners))[:4], [300, 300, short + more, short])
    off = (turned_of(np.array(corners))[4] - angle_deg + 90) % 180 - 90
    assert abs(off) < 1e-6 and -90 <= turned_of(np.array(corners))[4] < 90


def test_written_objects_are_in_order() -> None:
    def spoken(label: str, x: int, y: int) -> Spoken:
        return Spoken(label, np.array([[x, y], [x + 9.9, y], [x + 9.9, y + 9], [x, y + 9]]), Shape.HBB, 0)

    objects = [
        spoken("tennis court", 1, 1),
        spoken("plane", 50, 9),
        spoken("plane", 20, 9),
        spoken("plane", 90, 3),
    ]
    lines = "90,3,99,12 plane\n20,9,29,18 plane\n50,9,59,18 plane\n1,1,10,10 tennis court"
    assert write_objects(objects, Grammar.PLAIN_HBB) == lines
    assert write_objects([], Grammar.JSON_HBB) == "There are none."
    with pytest.raises(ValueError, match="gives places"):
        write_objects(objects, Grammar.TEXT)
