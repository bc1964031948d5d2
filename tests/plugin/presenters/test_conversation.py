"""A conversation: what is heard, what is kept of an answer that broke off, and what the engine is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot_plugin.presenters.conversation import (
    MAX_ANSWER_CHARS,
    Conversation,
    Question,
    Source,
    TurnState,
    area,
    contains,
    parse_facts,
    parse_spot,
    parse_zoom,
    plain,
)

PICTURE = Source("raster", "/maps/town.tif", (1.0, 2.0, 3.0, 4.0), "EPSG:32633")
SQUARE = [[10.0, 50.0], [10.2, 50.0], [10.2, 50.2], [10.0, 50.2]]
INNER = [[10.05, 50.05], [10.1, 50.05], [10.1, 50.1], [10.05, 50.1]]


def spot(line: int, label: str = "ship", polygon=SQUARE):
    return {
        "line": line,
        "label": label,
        "score": None,
        "polygon": polygon,
        "box_px": [1, 2, 3, 4],
        "time_s": None,
    }


def asked(text: str = "Where?", source: Source | None = PICTURE) -> Conversation:
    talk = Conversation()
    talk.ask(Question(text, "ground", source))
    return talk


def answer(talk: Conversation, text: str, **more) -> None:
    talk.finish({"text": text, "objects": [], "zooms": [], **more})


def test_partial_results_are_told_as_what_is_new():
    talk = asked()
    first = talk.hear({"text": "1,2,3,4 sh", "objects": [], "zooms": []})
    assert (first.text, first.spots, first.is_revised) == ("1,2,3,4 sh", (), False)
    second = talk.hear({"text": "1,2,3,4 ship\n5", "objects": [spot(0)], "zooms": [{"polygon": SQUARE}]})
    assert second.text == "ip\n5" and [found.label for found in second.spots] == ["ship"]
    assert len(second.zooms) == 1 and not second.is_revised
    assert talk.open_turn.state is TurnState.ANSWERING
    last = talk.finish({"text": "1,2,3,4 ship\n5,6,7,8 ship", "objects": [spot(0), spot(1)], "seconds": 2})
    assert last.text == ",6,7,8 ship" and [found.line for found in last.spots] == [1]
    assert talk.open_turn is None and talk.turns[0].spots_in_line(1) == [1]


def test_an_engine_that_changes_its_mind_is_noticed():
    talk = asked()
    talk.hear({"text": "a ship", "objects": [spot(0)]})
    assert talk.hear({"text": "the ship", "objects": [spot(0)]}).is_revised
    assert talk.finish({"text": "the ship", "objects": [spot(0, "crane")]}).is_revised
    assert talk.turns[0].answer == "the ship" and talk.turns[0].spots[0].label == "crane"


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_the_pieces_make_the_answer(text, ends):
    """Whatever is said, and however it is cut, what is appended is what was said."""
    talk, shown = asked(), ""
    for end in sorted(ends):
        heard = talk.hear({"text": text[:end], "objects": []})
        # A line end of two letters may be cut between them.
        shown = talk.turns[0].answer if heard.is_revised else shown + heard.text
    heard = talk.finish({"text": text, "objects": []})
    shown = talk.turns[0].answer if heard.is_revised else shown + heard.text
    assert shown == talk.turns[0].answer == plain(text)


def test_what_had_been_said_survives_the_engine():
    talk = asked()
    talk.hear({"text": "The harbour lies", "objects": []})
    talk.fail("The engine died", "It starts again.", {"text": "The harbour lies in", "objects": []})
    turn = talk.turns[0]
    assert (turn.state, turn.answer) == (TurnState.CUT_OFF, "The harbour lies in")
    assert turn.error == "The engine died" and talk.open_turn is None
    talk.ask(Question("Go on", "chat"))
    told = talk.params()
    assert told[0]["answer"] == "The harbour lies in" and told[0]["source"]["path"] == "/maps/town.tif"
    assert told[1]["source"] is None and told[1]["answer"] is None


def test_a_stopped_answer_is_no_failure_and_one_that_never_came_is():
    talk = asked()
    talk.fail("Cancelled", "", None, stopped=True)
    assert talk.turns[0].state is TurnState.STOPPED and not talk.turns[0].error
    talk.ask(Question("Again?", "chat"))
    talk.fail("No memory", "Take a smaller model.", None)
    assert talk.turns[1].state is TurnState.FAILED and talk.turns[1].hint == "Take a smaller model."


def test_a_question_without_an_answer_is_not_told_but_its_picture_is():
    talk = asked()
    talk.fail("No memory", "", None)
    talk.ask(Question("Once more", "chat"))
    (told,) = talk.params()
    assert told["text"] == "Once more" and told["source"]["extent"] == [1.0, 2.0, 3.0, 4.0]
    other = Source("frame", "/clips/a.mp4", time_s=2.0)
    talk.fail("No memory", "", None)
    talk.ask(Question("And here?", "chat", other))
    assert talk.params()[0]["source"] == {"kind": "frame", "path": "/clips/a.mp4", "time_s": 2.0, "more": []}


def test_the_picture_of_a_turn_is_the_last_that_was_shown():
    talk = asked()
    answer(talk, "There.")
    talk.ask(Question("What colour?", "ask"))
    answer(talk, "Red.")
    assert talk.picture == PICTURE and talk.picture_before(0) is None
    gone = talk.cut(1)
    assert [turn.answer for turn in gone] == ["Red."] and len(talk.turns) == 1


def test_only_one_question_at_a_time():
    talk = asked()
    with pytest.raises(RuntimeError):
        talk.ask(Question("And?", "chat"))


def test_late_answers_change_nothing():
    talk = asked()
    answer(talk, "There.")
    assert talk.hear({"text": "Nowhere"}).text == "" and talk.finish({"text": "x"}).text == ""
    talk.fail("died", "", None)
    assert talk.turns[0].answer == "There." and talk.turns[0].state is TurnState.DONE


def test_the_smallest_object_under_the_mouse_is_meant():
    talk = asked()
    answer(talk, "two", objects=[spot(0), spot(1, "crane", INNER), spot(2, "off", None)])
    assert talk.spot_at((10.07, 50.07)) == (0, 1)
    assert talk.spot_at((10.15, 50.15)) == (0, 0)
    assert talk.spot_at((0.0, 0.0)) is None
    assert len(talk.turns[0].placed) == 2


def test_letters_stay_and_what_could_deceive_goes():
    said = "a\u202eb\x00c\x1b[31m\u2029d\ufdd0\r\nשלום 你好 é 🛰"
    assert plain(said) == "a\ufffdb\ufffdc\ufffd[31m\ufffdd\ufffd\nשלום 你好 é 🛰"
    talk = asked()
    talk.hear({"text": "x" * (MAX_ANSWER_CHARS + 5)})
    assert len(talk.turns[0].answer) == MAX_ANSWER_CHARS


@pytest.mark.parametrize(
    "polygon",
    [
        None,
        [],
        [[1, 2]],
        "text",
        [[1, 2], [3, 4], [float("nan"), 1]],
        [[1], [2], [3]],
        [[1, 2], [3, 4], None],
        7,
    ],
)
def test_places_that_make_no_sense_are_none(polygon):
    assert parse_spot({"line": 0, "label": "x", "polygon": polygon}).polygon == ()
    assert parse_zoom({"polygon": polygon}).polygon == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=5)
            | st.dictionaries(st.sampled_from(["line", "label", "polygon", "box_px", "text"]), x)
        ),
    )
)
@settings(max_examples=40)
def test_nothing_that_is_told_raises(value):  # fmt: skip
    talk = asked()
    talk.hear({"text": value, "objects": value, "zooms": value})
    talk.hear({"objects": [value, {"polygon": value, "box_px": value, "line": value, "label": value}]})
    talk.finish({"text": value, "objects": [], "usage": value})
    assert talk.turns[0].state is TurnState.DONE


def test_a_ring_that_is_closed_is_opened():
    found = parse_spot({"polygon": [*SQUARE, SQUARE[0]], "box_px": [0, 1, float("inf"), 3], "label": "a\nb"})
    assert len(found.polygon) == 4 and found.box_px is None and found.label == "a b" and found.line == -1


def test_facts_of_an_answer():
    told = {
        "model": "m",
        "usage": {"first_token_s": 0.5},
        "seconds": 2,
        "skipped": 3,
        "notes": ["n"],
        "warnings": ["w"],
    }
    facts = parse_facts({**told, "sends_to": "host", "is_empty": True, "stop": "length"})
    assert (facts.first_token_s, facts.seconds, facts.skipped, facts.notes) == (0.5, 2.0, 3, ("n", "w"))
    assert facts.sends_to == "host" and facts.is_empty and facts.stop == "length"
    assert parse_facts({}).sends_to is None


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.5, 20), st.floats(0.5, 20))
def test_inside_and_area_of_a_rectangle(x, y, width, height):
    ring = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    assert contains(ring, (x + width / 2, y + height / 2))
    assert not contains(ring, (x - width / 2, y + height / 2)) and not contains([], (x, y))
    assert area(ring) == pytest.approx(width * height, rel=1e-6, abs=1e-6)


def test_what_is_told_is_json():
    talk = asked(source=Source("raster", "/a.tif", quad=((0, 1), (1, 1), (1, 0), (0, 0)), more=(PICTURE,)))
    told = json.loads(json.dumps(talk.params()))
    assert told[0]["source"]["quad"][0] == [0, 1] and told[0]["source"]["more"][0]["crs"] == "EPSG:32633"
