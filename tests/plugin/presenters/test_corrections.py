"""What can be corrected, how the engine is told, and which answers are from before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot_plugin.presenters.corrections import (
    Changes,
    Correction,
    CorrectionKind,
    Things,
    asks_for_things,
    clear_request,
    is_before,
    last_changes,
    merge_request,
    parse_correction,
    relabel_request,
    remove_request,
    things_of,
    undo_requests,
)

SCENE = Path("/scenes/s.gpkg")
ONE = Things(("track 3", "track 9"), "a.mp4", "vehicle 3")
TWO = Things(("track 4",), "a.mp4", "vehicle 4")


def test_the_engine_is_told_of_all_pieces() -> None:
    merged = merge_request(SCENE, ONE, TWO)
    assert merged.method == "correct"
    assert merged.params == {
        "scene": "/scenes/s.gpkg",
        "clip": "a.mp4",
        "merge": [["track 3", "track 9", "track 4"]],
    }
    assert relabel_request(SCENE, ONE, "bus").params["relabel"] == {"track 3": "bus", "track 9": "bus"}
    assert remove_request(SCENE, ONE).params["remove"] == ["track 3", "track 9"]
    assert clear_request(SCENE, "answers").params == {
        "scene": "/scenes/s.gpkg",
        "clip": None,
        "clear": ["answers"],
    }
    json.dumps(merged.params)


def test_undo_goes_clip_by_clip() -> None:
    made = [
        Correction(n, CorrectionKind.REMOVE, ("track 1",), clip=c) for n, c in ((2, "a"), (1, "b"), (1, "a"))
    ]
    told = [(item.params["clip"], item.params["undo"]) for item in undo_requests(SCENE, made)]
    assert told == [("a", [1, 2]), ("b", [1])]


@pytest.mark.parametrize(
    ("other", "can_be"),
    [
        (TWO, True),
        (Things(("track 9",), "a.mp4"), False),
        (Things(("track 4",), "b.mp4"), False),
        (Things(("object 4",), "a.mp4"), False),
    ],
)
def test_what_may_be_the_same(other: Things, can_be: bool) -> None:
    assert ONE.can_be(other) is can_be


@pytest.mark.parametrize(
    "told", [None, [], "track 3", ["track"], ["track x"], ["zone 3"], ["track 3; drop"], [3], ["track -1"]]
)
def test_what_is_no_thing_cannot_be_corrected(told: object) -> None:
    assert things_of(told, "a", "b") is None


@given(st.dictionaries(st.sampled_from(["number", "kind", "things", "label"]), st.text() | st.integers()))
def test_whatever_a_file_says_is_taken(row: dict) -> None:
    found = parse_correction(row)
    assert found is None or found.number >= 1


def test_rows_are_read() -> None:
    row = {"number": 2, "kind": "relabel", "things": '["track 1"]', "label": "bus\x1b", "clip": "a"}
    assert parse_correction(row) == Correction(2, CorrectionKind.RELABEL, ("track 1",), "bus\ufffd", "a")


def test_times_are_compared_as_times() -> None:
    assert is_before("2026-11-29T10:00:00Z", "2026-11-29T10:00:00.001Z")
    assert not is_before("2026-11-29T10:00:00.001Z", "2026-11-29T10:00:00Z")
    assert is_before("2026-11-29T10:00:00", "2026-11-29T11:30:00+01:00")
    assert not is_before("", "2026-11-29T10:00:00Z") and not is_before("soon", "later")


def run_at(day: int, command: str, parameters: str = "{}") -> dict[str, str]:
    return {"created_at": f"2026-01-{day:02d}T00:00:00Z", "command": command, "parameters": parameters}


def test_what_makes_answers_old() -> None:
    runs = [
        run_at(1, "correct", '{"merge": [["track 1", "track 2"]], "clear": []}'),
        run_at(2, "correct", '{"clear": ["answers", "corrections"]}'),
        run_at(3, "correct", "no JSON"),
        run_at(4, "correct", "[1]"),
    ]
    assert last_changes([]) == Changes()
    assert last_changes(runs) == Changes(things_at="2026-01-01T00:00:00Z")
    runs += [run_at(5, "correct", '{"undo": [1]}'), run_at(6, "localize"), run_at(7, "track")]
    found = last_changes(runs)
    assert found == Changes("2026-01-07T00:00:00Z", "2026-01-06T00:00:00Z")
    asked_at = "2026-01-06T12:00:00Z"
    assert found.are_after(asked_at, counts_things=True) and not found.are_after(
        asked_at, counts_things=False
    )
    assert found.are_after("2026-01-05T12:00:00Z", counts_things=False), "frames lie elsewhere now"


def test_programs_that_look_at_things() -> None:
    assert asks_for_things({"steps": {"a": {"op": "things", "kind": "object"}}}, abstained=False)
    assert not asks_for_things({"steps": {"a": {"op": "things", "kind": "zone"}, "b": 5}}, abstained=False)
    assert asks_for_things(None, abstained=False) and not asks_for_things(None, abstained=True)
