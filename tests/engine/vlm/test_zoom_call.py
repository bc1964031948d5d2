"""Calls to zoom in are checked before anything is cut."""

from __future__ import annotations

import pytest

from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.zoom_call import parse_zoom_call

SEEN = SizeWH(1008, 504)


def call(box: str, name: str = "image_zoom_in") -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {{"bbox": {box}}}}}\n</tool_call>'


def box_of(text: str, coordinates: Coordinates = Coordinates.SEEN_PX) -> tuple[int, int, int, int] | None:
    found = parse_zoom_call(text, SEEN, coordinates=coordinates)
    assert found is not None
    assert (found.box is None) == bool(found.reason)
    return found.box


def test_a_call_with_words_around_it() -> None:
    assert box_of("I look closer. " + call("[10, 20, 110, 220]") + " and then") == (10, 20, 110, 220)
    assert box_of("<think>where?</think>" + call("[0, 0, 1008, 504]")) == (0, 0, 1008, 504)


def test_a_model_that_stops_at_its_end_tag() -> None:
    assert box_of(call("[1, 2, 3, 4]").removesuffix("</tool_call>")) == (1, 2, 3, 4)


def test_fractions_of_pixels_grow_the_box() -> None:
    assert box_of(call("[0.2, 0.5, 0.7, 0.9]")) == (0, 0, 1, 1)


def test_thousandths_have_their_own_limits() -> None:
    assert box_of(call("[0, 0, 1000, 1000]"), Coordinates.PER_MILLE) == (0, 0, 1000, 1000)
    assert box_of(call("[0, 0, 1000, 1000]")) is None


@pytest.mark.parametrize(
    "text",
    [
        call("[10, 20, 10, 220]"),
        call("[110, 20, 10, 220]"),
        call("[-1, 20, 10, 220]"),
        call("[10, 20, 1009, 220]"),
        call("[10, 20, 30, 505]"),
        call("[10, 20, 30]"),
        call('"10, 20, 30, 40"'),
        call("[NaN, 0, 1, 1]"),
        call("[true, 2, 3, 4]"),
        call("[1, 2, 3, 1e999]"),
        call("[1, 2, 30, 40]", name="delete"),
        "<tool_call>nothing",
        "<tool_call>[1, 2, 3, 4]</tool_call>",
        '<tool_call>{"name": "image_zoom_in", "arguments": [1, 2, 3, 4]}</tool_call>',
        "<tool_call>" + "[" * 400 + "</tool_call>",
    ],
)
def test_nonsense_is_refused_with_a_reason(text: str) -> None:
    assert box_of(text) is None


def test_an_answer_is_no_call() -> None:
    assert parse_zoom_call("A ship.", SEEN) is None
    assert parse_zoom_call("<think><tool_call></think>A ship.", SEEN) is None
