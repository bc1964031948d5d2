"""The Ask panel without Qt: what is asked, what comes back, what is kept, what is suggested."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot_plugin.presenters.ask import (
    AskLack,
    AskPanel,
    AskTalk,
    EvidenceKind,
    Found,
    parse_found,
)
from rs_copilot_plugin.presenters.attached import MAX_PINS, Attached, pins_of, timed
from rs_copilot_plugin.presenters.conversation import TurnState
from rs_copilot_plugin.presenters.corrections import Changes
from rs_copilot_plugin.presenters.locate import LocatePanel
from rs_copilot_plugin.presenters.shapes import Shape, ShapeKind, parse_shape
from rs_copilot_plugin.presenters.suggestions import MAX_NAME_CHARS, Stock, Topic, suggest
from rs_copilot_plugin.presenters.user_layers import Chosen, Role, engine_source, guess_role, layer_params

LINE = {"type": "LineString", "coordinates": [[15.0, 48.0], [15.1, 48.0]]}
SQUARE = {"type": "Polygon", "coordinates": [[[15.0, 48.0], [15.1, 48.0], [15.1, 48.1], [15.0, 48.0]]]}
EVIDENCE = [
    {"says": "market to depot: 95 m", "geometry": LINE},
    {"says": "market", "layer": "zones", "fid": 2, "geometry": SQUARE},
    {"says": "seen", "layer": "frames", "fid": 9, "clip": "clip.mp4", "time_s": 4.25, "geometry": SQUARE},
]
RESULT = {
    "answer": "95 m",
    "task": "relative distance",
    "confidence": 0.81,
    "abstained": False,
    "understood": "how far is market from depot",
    "missed": ["exactly"],
    "evidence": EVIDENCE,
    "notes": ["a note"],
    "warnings": [],
    "row": 7,
    "seconds": 0.2,
}
ABSTAINED = {"answer": "", "abstained": True, "reason": "it is hidden.", "settle": "a nadir pass", "row": 8}


def say(found: Found) -> str:
    return f"no: {found.reason}" if found.abstained else found.answer


@pytest.fixture
def panel(tmp_path: Path) -> AskPanel:
    made = AskPanel(LocatePanel(), AskTalk(say))
    scene = tmp_path / "scene.gpkg"
    scene.touch()
    made.use_scene(scene)
    made.text = "How far?"
    return made


def test_what_is_missing_is_said_in_order(panel: AskPanel, tmp_path: Path) -> None:
    assert panel.lacks() == []
    panel.text = " \n"
    assert panel.lacks() == [AskLack.QUESTION]
    panel.is_configured = False
    assert panel.use_scene(tmp_path / "gone.gpkg")
    assert panel.lacks() == [AskLack.ENGINE, AskLack.SCENE, AskLack.QUESTION]
    with pytest.raises(ValueError, match="lacking"):
        panel.begin()


def test_a_question_goes_with_layers_marks_region_and_moment(panel: AskPanel) -> None:
    panel.layers = (
        Chosen("a", "Areas", Role.ZONES, "/maps/a.gpkg|layername=zones"),
        Chosen("b", "More", Role.ZONES, ""),
        Chosen("c", "Off", Role.NONE, "/maps/c.shp"),
        Chosen("d", "Gone", Role.ROADS, ""),
    )
    panel.attached = Attached((15.0, 48.0, 15.1, 48.1), pins_of([("market", SQUARE)]), 12.44)
    panel.text = "How many cars are here now?"
    question = panel.begin()
    assert question.text == "How many cars are here at 12.4 s?" and panel.text == ""
    params = panel.request(question, "clip.mp4", {"b": "/copies/b.geojson"}).params
    assert params["layers"] == {"zones": "/maps/a.gpkg|layername=zones", "zones 2": "/copies/b.geojson"}
    assert params["marks"] == [{"name": "A", "geometry": SQUARE}]
    assert params["image_region"] == [15.0, 48.0, 15.1, 48.1] and params["clip"] == "clip.mp4"
    json.dumps(params)
    assert panel.lacks()[0] is AskLack.BUSY


def test_an_answer_arrives_piece_by_piece_and_is_kept(panel: AskPanel) -> None:
    panel.begin()
    talk = panel.talk
    assert not talk.hear({"understood": "how far"}).text
    turn = talk.turn(0)
    assert turn is not None and turn.state is TurnState.ANSWERING and turn.found.understood == "how far"
    assert talk.take_history([{"fid": 7, "question": "How far?"}]) is False, (
        "its row is written before it is told"
    )
    heard = talk.finish(RESULT)
    assert heard.text == "95 m" and turn.state is TurnState.DONE and turn.row == 7
    kinds = [item.kind for item in turn.found.evidence]
    assert kinds == [EvidenceKind.MEASURE, EvidenceKind.PLACE, EvidenceKind.MOMENT]
    assert turn.found.missed == ("exactly",) and turn.found.notes == ("a note",)
    panel.text = "And that?"
    panel.begin()
    assert talk.finish(ABSTAINED).text == "no: it is hidden" and talk.turn(1).found.settle == "a nadir pass"


def test_what_ends_early_says_so(panel: AskPanel) -> None:
    panel.begin()
    panel.talk.fail("The engine stopped", "Ask again.", None)
    assert panel.talk.turn(0).state is TurnState.FAILED and panel.talk.open_turn is None
    panel.edit(0)
    assert panel.text == "How far?"


def test_history_comes_once_and_in_order(panel: AskPanel) -> None:
    rows = [
        {
            "fid": 3,
            "question": "First?",
            "answer": "1",
            "evidence": EVIDENCE,
            "clip": "c.mp4",
            "confidence": 0.9,
        },
        {"fid": 7, "question": "Second?", "abstained": 1, "reason": "too dark", "evidence": [None, 5, {}]},
    ]
    panel.begin()
    panel.talk.finish(RESULT)
    assert panel.talk.take_history(rows) and not panel.talk.take_history(rows)
    assert [turn.question.text for turn in panel.talk.asked] == ["First?", "How far?"], "7 was asked here"
    first = panel.talk.turn(0)
    assert first.found.evidence[1].clip == "c.mp4" and first.found.evidence[2].clip == "clip.mp4"
    assert panel.use_scene(None) and panel.talk.turns == []
    assert panel.talk.take_history(rows) and panel.talk.turn(1).answer == "no: too dark"


def test_editing_keeps_region_and_marks_but_not_the_moment(panel: AskPanel) -> None:
    panel.attached = Attached((1.0, 2.0, 3.0, 4.0), pins_of([("market", SQUARE)]), 3.0)
    panel.begin()
    panel.talk.finish(RESULT)
    panel.attached = Attached()
    panel.edit(0)
    assert panel.text == "How far at 3.0 s?" and panel.attached.now_s is None
    assert panel.attached.region is not None and panel.attached.pins[0].title == "market"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("What is hidden now?", "What is hidden at 5.0 s?"),
        ("Is it here right now", "Is it here at 5.0 s"),
        ("Is the snowy field visible?", "Is the snowy field visible at 5.0 s?"),
        ("Now", "at 5.0 s"),
    ],
)
def test_now_becomes_a_time(text: str, asked: str) -> None:
    assert timed(text, 5.0) == asked and timed(text, None) == text


def test_marks_are_few_and_lettered() -> None:
    pins = pins_of([(f"place\n{number}", SQUARE) for number in range(12)])
    assert len(pins) == MAX_PINS and pins[1].name == "B" and pins[1].title == "place 1"


# --- geometry


@pytest.mark.parametrize(
    ("geometry", "kind", "parts"),
    [
        ({"type": "Point", "coordinates": [1, 2, 99]}, ShapeKind.POINT, 1),
        ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, ShapeKind.POINT, 2),
        (LINE, ShapeKind.LINE, 1),
        ({"type": "MultiLineString", "coordinates": [LINE["coordinates"]] * 2}, ShapeKind.LINE, 2),
        (SQUARE, ShapeKind.AREA, 1),
        ({"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]] * 3}, ShapeKind.AREA, 3),
        ({"type": "GeometryCollection", "geometries": [SQUARE, LINE, SQUARE]}, ShapeKind.AREA, 2),
    ],
)
def test_shapes_are_read(geometry: dict, kind: ShapeKind, parts: int) -> None:
    shape = parse_shape(geometry)
    assert shape is not None and shape.kind is kind and len(shape.parts) == parts
    west, south, east, north = shape.bounds
    assert west <= east and south <= north


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        [],
        {"type": "Point", "coordinates": [math.nan, 2]},
        {"type": "Point", "coordinates": None},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"type": "Polygon", "coordinates": [[[1, 2], [3, "4"], [5, 6]]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "GeometryCollection", "geometries": [None]},
    ],
)
def test_shapes_that_make_no_sense_are_none(geometry: object) -> None:
    assert parse_shape(geometry) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "coordinates", "geometries", "says", "geometry", "time_s", "box_px", "layer"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(list(RESULT)), JSON), JSON)
def test_whatever_the_engine_says_is_taken(result: dict, geometry: object) -> None:
    for item in parse_found(
        {**result, "evidence": [{"geometry": geometry}, result.get("evidence")]}
    ).evidence:
        assert "\n" not in item.says and (item.shape is None or isinstance(item.shape, Shape))
        assert item.time_s is None or math.isfinite(item.time_s)


# --- layers of the user's


def test_roles_are_guessed_and_sources_told() -> None:
    assert guess_role("x", ShapeKind.LINE, []) is Role.ROADS
    assert guess_role("x", ShapeKind.POINT, []) is Role.PLACES
    assert guess_role("Buildings", ShapeKind.AREA, []) is Role.OBSTACLES
    assert guess_role("x", ShapeKind.AREA, ["HEIGHT_M"]) is Role.OBSTACLES
    assert guess_role("districts", ShapeKind.AREA, ["name"]) is Role.ZONES
    assert engine_source("/m/a.gpkg|layername=zones") == "/m/a.gpkg|layername=zones"
    assert engine_source("/m/a.shp") == "/m/a.shp"
    for other in ("/m/a.gpkg|layername=z|subset=x=1", "/m/a.kml|layerid=0", "/vsicurl/http://x/a.json", ""):
        assert engine_source(other) == "", other
    assert layer_params([], {}) == {}


# --- suggestions


def test_suggestions_follow_what_there_is() -> None:
    assert suggest(Stock()) == []
    assert [item.text for item in suggest(Stock(tracks=4, label="car"))] == [
        "How many cars are there?",
        "Where does the first car stop?",
    ]
    rich = Stock(("market", "Far Field"), 5, 9, 4, "vehicle", 20.0)
    found = {item.topic: item.text for item in suggest(rich, limit=12)}
    assert len(found) >= 8 and found[Topic.COUNT] == "How many vehicles entered the market?"
    assert found[Topic.REACH] == "Can Far Field be reached from the market by road?"
    attached = suggest(Stock(("market",), tracks=1, has_region=True, pins=("A",)))
    assert attached[0].text == "How many vehicles entered the region?"
    assert any("mark A" in item.text for item in attached)
    without = {item.topic for item in suggest(Stock(("market", "Far Field")), limit=12)}
    assert not without & {Topic.COUNT, Topic.REACH, Topic.HIDDEN}


@given(st.lists(st.text(max_size=60), max_size=6))
def test_names_in_suggestions_are_one_line_and_short(names: list[str]) -> None:
    for item in suggest(Stock(tuple(names), 1, 1, 1, "vehicle", 9.0), limit=12):
        assert "\n" not in item.text and len(item.text) < 2 * MAX_NAME_CHARS + 60


def test_odd_names_are_quoted() -> None:
    texts = [item.text for item in suggest(Stock(("<b>x</b>", '"; drop', "x" * 60, "Ølstykke"), tracks=1))]
    assert texts[0] == 'How many vehicles entered "<b>x</b>"?'
    assert not any("drop" in text or "xxx" in text for text in texts) and any("Ølstykke" in t for t in texts)


def test_answers_are_marked_when_the_scene_is_corrected_after_them(panel: AskPanel) -> None:
    counted = {"steps": {"s1": {"op": "things", "kind": "track"}}, "answer": "s1"}
    placed = {"steps": {"s1": {"op": "named", "name": "market"}}, "answer": "s1"}
    at = {"created_at": "2026-11-29T10:00:00.500Z"}
    rows = [
        {"fid": 1, "question": "How many?", "answer": "0", "program": counted, **at},
        {"fid": 2, "question": "How far?", "answer": "95 m", "program": placed, **at},
        {"fid": 3, "question": "Which?", "answer": "it", "program": placed, **at,
         "evidence": [{"says": "vehicle 2", "layer": "tracks", "things": ["track 2"]}]},
        {"fid": 4, "question": "From an earlier version?", "answer": "2", "program": None, **at},
        {"fid": 5, "question": "Red ones?", "abstained": 1, "reason": "red", "program": None, **at},
        {"fid": 6, "question": "How many now?", "answer": "1", "program": counted,
         "created_at": "2026-11-29T10:00:01Z"},
    ]  # fmt: skip
    talk = panel.talk
    talk.take_history(rows)
    assert not talk.mark_outdated(Changes()) and not talk.mark_outdated(Changes("2026-11-29T10:00:00.500Z"))
    assert talk.mark_outdated(Changes("2026-11-29T10:00:00.501Z"))
    assert [turn.row for turn in talk.asked if turn.is_outdated] == [1, 3, 4]
    assert not talk.mark_outdated(Changes("2026-11-29T10:00:00.501Z")), "nothing new"
    assert talk.mark_outdated(Changes(places_at="2026-11-29T10:00:00.501Z"))
    assert [turn.row for turn in talk.asked if turn.is_outdated] == [1, 2, 3, 4, 5]


def test_a_question_is_asked_again_and_a_draft_stays(panel: AskPanel) -> None:
    panel.attached = Attached((15.0, 48.0, 15.1, 48.1), pins_of([("market", SQUARE)]))
    panel.begin("2026-11-29T10:00:00Z")
    panel.talk.finish(RESULT)
    panel.text, panel.attached = "half a thought", Attached(now_s=3.0)
    again = panel.again(0, "2026-11-29T11:00:00Z")
    assert again is not None and again.text == "How far?" and again.attached.pins
    assert panel.text == "half a thought" and panel.attached == Attached(now_s=3.0)
    assert panel.again(0) is None, "one question at a time"
    assert panel.again(7) is None


def test_a_model_goes_with_the_question_that_it_was_chosen_for(panel: AskPanel) -> None:
    question = panel.begin()
    assert panel.request(question, None, {}).params["vlm"] == "none"
    assert "key" not in panel.request(question, None, {}).params
    panel.talk.finish(RESULT)
    panel.models.keys["https://far.example/v1#m"] = "secret"
    panel.models.add("https://far.example/v1#m")
    panel.text = "And now?"
    question = panel.begin()
    panel.models.choose("")
    params = panel.request(question, None, {}).params
    assert params["vlm"] == "https://far.example/v1#m" and params["key"] == "secret"
    panel.talk.finish({**RESULT, "sends_to": "far.example", "planner": "m"})
    assert (panel.talk.asked[-1].found.sends_to, panel.talk.asked[-1].found.planner) == ("far.example", "m")
