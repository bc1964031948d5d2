"""No text makes a reader raise, and none keeps it busy. Every reader of places is given 100,000 texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from rs_copilot.types import SizeWH
from rs_copilot.vlm.parsing import SHAPES, Listener, Reading, Repeats, parse, parse_box
from rs_copilot.vlm.parsing.thought import split_thought
from rs_copilot.vlm.short_answers import first_letter, read_count, read_letter, read_presence, read_scene
from rs_copilot.vlm.tasks import Grammar
from rs_copilot.vlm.zoom_call import parse_zoom_call
from tests.engine.vlm.hostile import HUGE, texts

SIZE = SizeWH(1008, 504)
CLASSES = ("small vehicle", "large vehicle", "ship", "plane", "harbor")
COUNT = 100_000
GRAMMARS = tuple(SHAPES)
# Processor time for a megabyte, on a machine that does other things as well.
LIMIT_S = 1.0


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    return list(texts(COUNT))


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_no_text_makes_a_reader_of_places_raise(grammar: Grammar, hostile: list[str]) -> None:
    found = sum(len(parse(text, grammar, SIZE, classes=CLASSES).objects) for text in hostile)
    assert found > COUNT // 500


@pytest.mark.parametrize("reading", [Reading.STRICT, Reading.REPOSITORY])
def test_nor_other_readings(reading: Reading, hostile: list[str]) -> None:
    found = sum(
        len(parse(text, GRAMMARS[number % 6], SIZE, classes=CLASSES, reading=reading).objects)
        for number, text in enumerate(hostile)
    )
    assert found > COUNT // 500


def test_a_listener_hears_the_same_in_pieces(hostile: list[str]) -> None:
    chance = random.Random(1)  # noqa: S311
    for number, text in enumerate(hostile):
        listener = Listener(GRAMMARS[number % 6], SIZE)
        cut = int(chance.random() * (len(text) + 1))
        heard = [*listener.feed(text[:cut]), *listener.feed(text[cut:])]
        objects = listener.finish().objects
        assert all(spoken is said for spoken, said in zip(heard, objects, strict=False))
        if number % 5 == 0:
            whole = parse(text, GRAMMARS[number % 6], SIZE)
            assert [(o.label, o.line) for o in objects] == [(o.label, o.line) for o in whole.objects]


def test_nor_readers_of_calls_and_of_groundings(hostile: list[str]) -> None:
    calls = sum(parse_zoom_call(text, SIZE) is not None for text in hostile)
    boxes = sum(parse_box(text, Grammar.JSON_HBB, SIZE) is not None for text in hostile)
    lines = sum(parse_box(text, Grammar.PLAIN_HBB, SIZE) is not None for text in hostile)
    assert min(calls, boxes, lines) > COUNT // 500


def test_nor_readers_of_short_answers(hostile: list[str]) -> None:
    hostile = hostile[: COUNT // 4]
    counts = sum(read_count(text) is not None for text in hostile)
    letters = sum(read_letter(text) is not None for text in hostile)
    said = sum(read_presence(text) is not None or first_letter(text) is not None for text in hostile)
    scenes = sum(read_scene(text, CLASSES) is not None for text in hostile)
    assert min(counts, letters, said, scenes) > len(hostile) // 500


READERS: dict[str, Callable[[str], object]] = {
    "call": lambda text: parse_zoom_call(text, SIZE),
    "thought": split_thought,
    "letter": read_letter,
    "first letter": first_letter,
    "count": read_count,
    "presence": read_presence,
    "scene": lambda text: read_scene(text, CLASSES),
    "repeats": lambda text: Repeats(8).feed(text),
    "box": lambda text: parse_box(text, Grammar.JSON_HBB, SIZE),
    "line": lambda text: parse_box(text, Grammar.PLAIN_HBB, SIZE),
    "plain strict": lambda text: parse(text, Grammar.PLAIN_QUAD, SIZE, reading=Reading.STRICT),
    "plain as published": lambda text: parse(text, Grammar.PLAIN_HBB, SIZE, reading=Reading.REPOSITORY),
    "json as published": lambda text: parse(text, Grammar.JSON_HBB, SIZE, reading=Reading.REPOSITORY),
    "plain": lambda text: parse(text, Grammar.PLAIN_HBB, SIZE, classes=CLASSES),
    "json": lambda text: parse(text, Grammar.JSON_HBB, SIZE, classes=CLASSES),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_megabyte_takes_less_than_a_second(name: str) -> None:
    text = HUGE[name]
    assert len(text) > 900_000
    for reader, read in READERS.items():
        # The least of up to three: a machine may be slow for a moment.
        assert any(taken_s(read, text) < LIMIT_S for _ in range(3)), reader


def taken_s(read: Callable[[str], object], text: str) -> float:
    """Processor time of reading."""
    started = time.process_time()
    read(text)
    return time.process_time() - started


def test_a_megabyte_in_small_pieces() -> None:
    for grammar, name in ((Grammar.PLAIN_HBB, "one line"), (Grammar.JSON_HBB, "braces")):
        listener = Listener(grammar, SIZE)
        started = time.process_time()
        for at in range(0, len(HUGE[name]), 10):
            listener.feed(HUGE[name][at : at + 10])
        listener.finish()
        assert time.process_time() - started < 2 * LIMIT_S, name
