"""What readers take from answers, refuse and count, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Parsed
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing import Listener, Reading, Repeats, parse, parse_box, split_thought
from rs_copilot.vlm.tasks import Grammar

SIZE = SizeWH(1008, 504)
HBB, OBB, QUAD = Grammar.PLAIN_HBB, Grammar.PLAIN_OBB, Grammar.PLAIN_QUAD
JSON_HBB, JSON_QUAD = Grammar.JSON_HBB, Grammar.JSON_QUAD
STRICT, REPOSITORY, TOLERANT = Reading.STRICT, Reading.REPOSITORY, Reading.TOLERANT
CLASSES = ("small vehicle", "large vehicle", "ship")


def said(parsed: Parsed) -> list[tuple[str, list[float]]]:
    """Names and corners in one list."""
    return [(spoken.label, [float(number) for number in spoken.quad.ravel()]) for spoken in parsed.objects]


def box(x1: float, y1: float, x2: float, y2: float) -> list[float]:
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def test_plain_lines() -> None:
    parsed = parse("10,20,30,40 ship\n\n50,60,70,80 Small-Vehicle\n", HBB, SIZE, classes=CLASSES)
    assert said(parsed) == [("ship", box(10, 20, 30, 40)), ("small vehicle", box(50, 60, 70, 80))]
    assert [spoken.line for spoken in parsed.objects] == [0, 2]
    assert (parsed.is_empty, parsed.skipped, parsed.unknown, parsed.clipped) == (False, (), 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "- 10, 20, 30, 40: ship.",
        "2. 10,20,30,40 ship",
        "(10,20,30,40) ship",
        "[10, 20, 30, 40] **Ship**",
        "10,20,30,40,ship",
        "10.0,20.0,30.0,40.0 ship",
        "30,40,10,20 ship",
        "10,20,30,40 shipp",
        "10,20,30,40 ship\r",
    ],
)
def test_other_spellings_count_unless_strict(line: str) -> None:
    assert said(parse(line, HBB, SIZE, classes=CLASSES)) == [("ship", box(10, 20, 30, 40))]
    if line[-1] not in "p\r" or line[0] in "-([32" or "." in line:
        assert not parse(line, HBB, SIZE, classes=CLASSES, reading=STRICT).objects


@pytest.mark.parametrize(
    ("text", "grammar"),
    [
        ("There are some ships.", HBB),
        ("10,20,30 ship", HBB),
        ("10,20,30,40,50 ship", HBB),
        ("10,20,30,40,50,60,70,80 ship", HBB),
        ("10,20,30,12345678901 ship", HBB),
        ("10,20,30,nan ship", HBB),
        ("10,20,10,40 ship", HBB),
        ("2000,20,2010,40 ship", HBB),
        ("10,20,30,999999 ship", HBB),
        ("10,20,30,40", QUAD),
        ("10,10,50,50,50,10,10,50 ship", QUAD),
        ("10,10,20,20,30,30,40,40 ship", QUAD),
        ("100,100,0,20,5 ship", OBB),
        ("100,100,-40,20,5 ship", OBB),
        ("100,100,40,20 ship", OBB),
        ('[{"bbox_2d": [10, 20, 30], "label": "ship"}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, NaN], "label": "ship"}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, "40"], "label": "ship"}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, 1e400], "label": "ship"}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, true], "label": "ship"}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, 40], "label": 5}]', JSON_HBB),
        ('[{"label": "ship", "place": [10, 20, 30, 40]}]', JSON_HBB),
        ('[{"bbox_2d": [10, 20, 30, 40], "label": "sh', JSON_HBB),
        ("I cannot see it", JSON_HBB),
    ],
)
def test_nonsense_is_skipped_and_is_not_empty(text: str, grammar: Grammar) -> None:
    parsed = parse(text, grammar, SIZE, classes=CLASSES)
    assert (parsed.objects, parsed.is_empty, len(parsed.skipped)) == ((), False, 1)


@pytest.mark.parametrize(
    "text",
    [
        "There is none.",
        "There are none.",
        "there are none",
        "There are no ships in the picture.",
        "None",
        "[]",
        "```json\n[]\n```",
        "[ ]",
        "",
        " \n",
        "<think>is there one?</think>\nThere is none.",
    ],
)
@pytest.mark.parametrize("grammar", [HBB, QUAD, JSON_HBB, JSON_QUAD])
def test_that_there_is_nothing_is_an_answer(text: str, grammar: Grammar) -> None:
    for reading in Reading:
        assert parse(text, grammar, SIZE, reading=reading) == Parsed((), is_empty=True)


def test_an_empty_list_among_words() -> None:
    for text in (
        "I looked for ships:\n```json\n[]\n```",
        "There are no ships.\n[]",
        "There are none.\n\n[ ]",
    ):
        assert parse(text, JSON_HBB, SIZE) == Parsed((), is_empty=True)
    assert not parse("I looked for ships: []", JSON_HBB, SIZE, reading=STRICT).is_empty
    assert parse("not [] but [10, 20, 30, 40]", JSON_HBB, SIZE).objects


def test_a_thought_is_no_answer() -> None:
    text = "\n<think>\n1,2,3,4 ship?\n</think>\n10,20,30,40 ship"
    assert [spoken.line for spoken in parse(text, HBB, SIZE).objects] == [4]
    assert split_thought(text) == ("1,2,3,4 ship?", "10,20,30,40 ship")
    unended = parse("<think>1,2,30,40 ship\n1,2,30,40 ship", HBB, SIZE)
    assert (unended.objects, unended.is_empty, unended.skipped) == ((), False, ("<think>",))


def test_names_without_classes_and_far_from_them() -> None:
    assert said(parse("10,20,30,40 a Red car", HBB, SIZE))[0][0] == "a red car"
    parsed = parse("10,20,30,40 vehicle\n10,20,30,40 ships", HBB, SIZE, classes=CLASSES)
    assert [spoken.label for spoken in parsed.objects] == ["ship"]
    assert (parsed.unknown, parsed.skipped) == (1, ("10,20,30,40 vehicle",))
    assert said(parse("10,20,30,40", HBB, SIZE, classes=("ship",)))[0][0] == "ship"
    assert parse("10,20,30,40", HBB, SIZE, classes=CLASSES).unknown == 1
    assert parse("10,20,30,40 vehicle", HBB, SIZE, classes=CLASSES, min_match=50).unknown == 0


def test_clipping_is_counted() -> None:
    parsed = parse("-10,20,30,40 ship\n1000,20,1020,40 ship\n1000,400,1008,504 ship", HBB, SIZE)
    assert [corners[:6] for _, corners in said(parsed)] == [
        [0, 20, 30, 20, 30, 40],
        [1000, 20, 1008, 20, 1008, 40],
        [1000, 400, 1008, 400, 1008, 504],
    ]
    assert parsed.clipped == 2


def test_thousandths_end_at_a_thousand() -> None:
    parsed = parse("900,600,1000,1100 ship", HBB, SIZE, coordinates=Coordinates.PER_MILLE)
    assert (said(parsed), parsed.clipped) == ([("ship", box(900, 600, 1000, 1000))], 1)


def test_fractions_are_of_the_picture() -> None:
    text = '[{"bbox_2d": [0.25, 0.5, 0.5, 1.0], "label": "ship"}]'
    assert said(parse(text, JSON_HBB, SIZE)) == [("ship", box(252, 252, 504, 504))]
    assert not parse(text, JSON_HBB, SIZE, reading=STRICT).objects
    turned = parse("0.5,0.5,0.25,0.25,0 ship", OBB, SIZE)
    assert said(turned) == [("ship", box(378, 189, 630, 315))]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 2, 1), (2, 3, 0, 1), (1, 0, 3, 2)])
def test_corners_in_either_order_start_on_top_and_go_clockwise(order: tuple[int, ...]) -> None:
    square = np.array([[10, 20], [40, 20], [40, 50], [10, 50]])
    diamond = np.array([[50, 10], [80, 40], [50, 70], [20, 40]])
    for quad in (square, diamond):
        line = ",".join(str(number) for number in quad[list(order)].ravel()) + " ship"
        assert said(parse(line, QUAD, SIZE)) == [("ship", quad.ravel().tolist())]


def test_more_than_eight_numbers_of_a_quad() -> None:
    line = "10,20,40,20,40,50,10,50,99,99 ship"
    assert said(parse(line, QUAD, SIZE)) == said(parse(line, QUAD, SIZE, reading=REPOSITORY))
    assert not parse(line, QUAD, SIZE, reading=STRICT).objects


def test_a_turned_box() -> None:
    parsed = parse("100,100,40,20,90 ship\n300,300,40,20,-45 ship", OBB, SIZE)
    assert np.allclose(parsed.objects[0].quad, [[90, 80], [110, 80], [110, 120], [90, 120]])
    half = 10 * 2**0.5
    expected = [[300 + half / 2, 300 - 1.5 * half], [300 + 1.5 * half, 300 - half / 2]]
    assert np.allclose(parsed.objects[1].quad[:2], expected)
    assert not parse("100,100,20,40,0 ship\n100,100,40,20,90 ship", OBB, SIZE, reading=STRICT).objects


@pytest.mark.parametrize(
    "item",
    [
        '{"bbox_2d": (10, 20, 30, 40), "label": "ship"}',
        '{"bbox_2d": [10, 20,, 30, 40], "label": "ship"}',
        '{"bbox_2d": [10 20, 30 40], "label": "ship"}',
        '{"bbox_2d": [10, 20, 30, 40], "label": "label": "ship"}',
        '{"bbox_2d": [10, 20, 30, 40], "label": "ship",}',
        '{"bbox": [[10, 20], [30, 40]], "Category": "ship"}',
        '{"label": "ship",\n"bbox_2d":\n[10, 20, 30, 40]}',
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "```json\n[\n\t{},\n]\n```", "Here it is:\n[{}", '{{"objects": [{}]}}']
)
def test_json_is_mended_item_by_item(item: str, around: str) -> None:
    text = around.format(item)
    assert said(parse(text, JSON_HBB, SIZE)) == [("ship", box(10, 20, 30, 40))]


def test_a_list_that_breaks_off_keeps_what_is_whole() -> None:
    text = '[\n{"bbox_2d": [10, 20, 30, 40], "label": "ship"},\n{"bbox_2d": [50, 60, 7'
    parsed = parse(text, JSON_HBB, SIZE)
    assert (said(parsed), parsed.skipped) == (
        [("ship", box(10, 20, 30, 40))],
        ('{"bbox_2d": [50, 60, 7',),
    )
    assert [spoken.line for spoken in parsed.objects] == [1]


def test_bare_boxes_in_words() -> None:
    parsed = parse("The ship is at [10, 20, 30, 40] and (50, 60, 70, 80).", JSON_HBB, SIZE)
    assert said(parsed) == [("", box(10, 20, 30, 40)), ("", box(50, 60, 70, 80))]


def test_the_same_object_again_is_skipped() -> None:
    parsed = parse("10,20,30,40 ship\n" * 5, HBB, SIZE)
    assert (len(parsed.objects), len(parsed.skipped)) == (1, 4)
    assert len(parse("10,20,30,40 ship\n" * 5, HBB, SIZE, reading=REPOSITORY).objects) == 5


def test_running_in_circles_is_noticed_in_any_pieces() -> None:
    text = "5,5,9,9 ship\n" + "1,2,3,4 ship\n" * 4
    watch = Repeats(3)
    heard = [watch.feed(sign) for sign in text]
    assert heard.index(True) == len(text) - 1
    assert not Repeats(4).feed(text)
    assert not Repeats(3).feed("a\nb\n" * 20 + "\n" * 20)


def test_the_repository_needs_the_whole_text() -> None:
    with pytest.raises(ValueError, match="piece by piece"):
        Listener(HBB, SIZE, reading=REPOSITORY)


def test_text_has_no_places() -> None:
    assert parse("10,20,30,40 ship", Grammar.TEXT, SIZE) == Parsed(())


def test_the_repository_takes_the_nearest_class_and_keeps_nonsense() -> None:
    text = "10,20,30,40 vehicles\n-5,20,2000,40 boat\n10,20 ship\n1,2,3,4,5 ship"
    parsed = parse(text, HBB, SIZE, classes=CLASSES, reading=REPOSITORY)
    assert parsed.objects[0].label in {"small vehicle", "large vehicle"}
    assert said(parsed)[1][1] == box(-5, 20, 2000, 40)
    assert (len(parsed.objects), parsed.skipped, parsed.clipped) == (3, ("10,20 ship",), 0)
    spaced = parse("10, 20, 30, 40 ship", HBB, SIZE, classes=CLASSES, reading=REPOSITORY)
    assert not spaced.objects


def test_the_repository_mends_a_whole_list_or_keeps_lines_that_stand_alone() -> None:
    mended = parse('[{"bbox_2d": (1,, 2 3, 40), "label": "ship"}]', JSON_HBB, SIZE, reading=REPOSITORY)
    assert said(mended) == [("ship", box(1, 2, 3, 40))]
    lines = '[\n{"bbox_2d": [1, 2, 3, 40], "label": "ship"},\n{"bbox_2d": [1, 2'
    assert len(parse(lines, JSON_HBB, SIZE, reading=REPOSITORY).objects) == 1
    floats = parse('[{"bbox_2d": [1.5, 2, 3, 40], "label": "ship"}]', JSON_HBB, SIZE, reading=REPOSITORY)
    assert (floats.objects, len(floats.skipped)) == ((), 1)


@pytest.mark.parametrize(
    ("text", "grammar", "strict", "repository"),
    [
        ("10,20,30,40 car\n50,60,70,80 car", HBB, (10, 20, 30, 40), (10, 20, 30, 40)),
        ("Sure:\n10,20,30,40 car", HBB, None, None),
        ("10, 20, 30, 40 car", HBB, None, None),
        ("10,20,30,40", HBB, None, None),
        ("<think>where</think>\n10,20,30,40 car", HBB, (10, 20, 30, 40), (10, 20, 30, 40)),
        ("it is [10, 20.5, 30, -4]", JSON_HBB, (10, 20.5, 30, -4), (10, 20.5, 30, -4)),
        ("[0.1, 0.2, 0.5, 1]", JSON_HBB, None, (100, 200, 500, 1000)),
        ("10,20,30,40 car", JSON_HBB, None, None),
    ],
)
def test_groundings_as_benchmarks_read_them(
    text: str, grammar: Grammar, strict: tuple[float, ...] | None, repository: tuple[float, ...] | None
) -> None:
    assert parse_box(text, grammar, SIZE, reading=STRICT) == strict
    assert parse_box(text, grammar, SIZE, reading=REPOSITORY) == repository


def test_a_grounding_as_the_product_reads_it() -> None:
    assert parse_box("Sure:\n30, 40, 10, 20", HBB, SIZE, reading=TOLERANT) == (10, 20, 30, 40)
    assert parse_box("nowhere", HBB, SIZE, reading=TOLERANT) is None
