"""The Look panel: what lacks, which picture is meant, and what the engine is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rs_copilot_plugin.presenters.conversation import Kept
from rs_copilot_plugin.presenters.locate import LocatePanel
from rs_copilot_plugin.presenters.look import (
    CLIP_FRAMES,
    Layer,
    LookLack,
    LookPanel,
    Picture,
    Sights,
    Task,
    forget_request,
    parse_kept,
)

VIEW, BOX = (0.0, 0.0, 100.0, 80.0), (90.0, 70.0, 120.0, 100.0)
SEEN = Sights(
    "/maps/town.tif",
    view=VIEW,
    box=BOX,
    has_box=True,
    crs="EPSG:32633",
    clip="/c/a.mp4",
    shown_s=2.5,
    duration_s=9.0,
)
SPOT = {"line": 0, "label": "ship", "polygon": [[0, 0], [1, 0], [1, 1]], "box_px": [0, 0, 1, 1], "extra": 7}


@pytest.fixture
def panel(tmp_path):
    inputs = LocatePanel()
    (tmp_path / "town.tif").write_bytes(b"x")
    inputs.choose_satellite(str(tmp_path / "town.tif"))
    made = LookPanel(inputs, text="Where are ships?")
    made.models.add("scripted:/x.json")
    return made


def ask(panel, text="", sights=SEEN, objects=()):
    panel.text = text or panel.text
    panel.begin(panel.question(sights))
    panel.conversation.finish({"text": "There.", "objects": list(objects), "model": "m", "model_hash": "h"})


def test_what_lacks_is_told_one_by_one(panel):
    nothing = Sights()
    assert panel.lacks(SEEN) == []
    panel.text, panel.models.name, panel.is_configured = " ", "", False
    assert panel.lacks(nothing) == [LookLack.ENGINE, LookLack.MODEL, LookLack.RASTER, LookLack.QUESTION]
    with pytest.raises(ValueError, match="lacking"):
        panel.question(nothing)


@pytest.mark.parametrize(
    ("task", "picture", "sights", "lack"),
    [
        (Task.CHAT, Picture.VIEW, replace(SEEN, view=None), LookLack.BESIDE),
        (Task.CHAT, Picture.VIEW, Sights(is_service=True), LookLack.SERVICE),
        (Task.CHAT, Picture.FRAME, replace(SEEN, clip=""), LookLack.VIDEO),
        (Task.CHAT, Picture.BOX, replace(SEEN, box=None, has_box=False), LookLack.BOX),
        (Task.CHAT, Picture.BOX, replace(SEEN, box=None), LookLack.BESIDE),
        (Task.DESCRIBE, Picture.VIEW, replace(SEEN, box=None, has_box=False), LookLack.BOX),
        (Task.COMPARE, Picture.VIEW, replace(SEEN, clip=""), LookLack.VIDEO),
        (Task.COMPARE, Picture.VIEW, replace(SEEN, view=None), LookLack.BESIDE),
        (Task.CLIP, Picture.VIEW, replace(SEEN, clip=""), LookLack.VIDEO),
        (Task.DETECT, Picture.VIEW, SEEN, LookLack.CLASSES),
        (Task.CLASSIFY, Picture.VIEW, SEEN, LookLack.SCENES),
        (Task.CHOOSE, Picture.VIEW, SEEN, LookLack.CHOICES),
    ],
)
def test_a_task_needs_its_picture_and_its_names(panel, task, picture, sights, lack):
    panel.task, panel.picture = task, picture
    assert panel.lacks(sights) == [lack]


def test_a_question_about_the_view_and_one_about_the_same_picture(panel):
    first = panel.question(SEEN)
    assert first.source.extent == VIEW and first.source.crs == "EPSG:32633" and first.source.quad is None
    ask(panel)
    assert panel.picture is Picture.SAME and panel.text == ""
    panel.text = "What colour?"
    assert panel.question(SEEN).source is None, "a follow-up needs no new picture"
    assert panel.lacks(Sights(has_box=False)) == [], "and nothing to look at now"


def test_frames_boxes_and_clips(panel):
    panel.picture = Picture.FRAME
    frame = panel.question(SEEN).source
    assert (frame.kind, frame.path, frame.time_s) == ("frame", "/c/a.mp4", 2.5)
    panel.picture = Picture.BOX
    assert panel.question(SEEN).source.extent == BOX
    panel.task = Task.COMPARE
    both = panel.question(SEEN).source
    assert both.kind == "frame" and both.more[0].kind == "raster" and both.more[0].extent == VIEW
    panel.task = Task.CLIP
    clip = panel.question(SEEN).source
    assert (clip.time_s, clip.until_s, clip.frames, clip.more) == (0.0, 9.0, CLIP_FRAMES, ())


def test_a_box_to_describe_is_seen_with_what_is_around_it(panel):
    panel.task = Task.DESCRIBE
    for picture in (Picture.VIEW, Picture.BOX):
        panel.picture = picture
        source = panel.question(SEEN).source
        assert source.extent == (0.0, 0.0, 120.0, 100.0)
        assert source.quad == ((90.0, 100.0), (120.0, 100.0), (120.0, 70.0), (90.0, 70.0))
    ask(panel)
    moved = replace(SEEN, view=(500.0, 500.0, 600.0, 600.0), box=(10.0, 10.0, 20.0, 20.0))
    assert panel.question(moved).source.extent == (0.0, 0.0, 120.0, 100.0), "the same picture, another box"
    panel.picture = Picture.FRAME
    assert panel.question(SEEN).source.kind == "raster", "the box is one on the map"


def test_a_closer_look_is_for_large_pictures_only(panel):
    for px, wanted in ((1e5, False), (5e7, True)):
        panel.picture, panel.text = Picture.VIEW, "Ships?"
        sights = replace(SEEN, view_px=px)
        question = panel.question(sights)
        panel.begin(question, panel.looks_large(sights))
        assert panel.request().params["zoom"] is wanted
        panel.conversation.finish({"text": "There."})
        assert panel.looks_large(SEEN) is wanted, "the same picture is as large as before"
    panel.zoom = False
    assert panel.request().params["zoom"] is False
    for task in (Task.CLIP, Task.COMPARE):
        panel.task = task
        assert not panel.looks_large(replace(SEEN, view_px=5e7)), "several pictures are looked at as they are"


def test_names_go_where_the_task_wants_them(panel):
    panel.names = "ship, plane, ship"
    assert panel.question(SEEN).classes == ()
    panel.task = Task.DETECT
    assert panel.question(SEEN).classes == ("ship", "plane")
    panel.task = Task.CHOOSE
    asked = panel.question(SEEN)
    assert asked.choices == ("ship", "plane") and asked.classes == ()


def test_the_call_holds_the_whole_conversation(panel, tmp_path):
    panel.inputs.use_scene(tmp_path / "s.gpkg")
    assert panel.request().params["scene"] is None, "there is none yet"
    (tmp_path / "s.gpkg").write_bytes(b"x")
    panel.models.keys["scripted:/x.json"] = "secret"
    ask(panel)
    panel.text = "And now?"
    panel.begin(panel.question(SEEN))
    request = panel.request()
    assert request.method == "look" and [turn["answer"] for turn in request.params["turns"]] == [
        "There.",
        None,
    ]
    assert request.params["scene"] == str(tmp_path / "s.gpkg") and request.params["key"] == "secret"
    assert LookLack.BUSY in panel.lacks(SEEN)


def test_an_edited_question_takes_the_place_of_the_former_and_all_after_it(panel):
    ask(panel, "First?")
    ask(panel, "Second?")
    ask(panel, "Third?")
    panel.edit(0)
    assert panel.text == "First?" and panel.can_reuse and len(panel.conversation.turns) == 3
    panel.text = "First, again?"
    asked = panel.question(SEEN)
    assert asked.source.extent == VIEW, "the picture of the question that is edited"
    assert len(panel.begin(asked)) == 3
    assert [turn.question.text for turn in panel.conversation.turns] == ["First, again?"]
    assert panel.editing is None


def test_editing_a_follow_up_keeps_to_the_picture_before_it(panel):
    ask(panel, "First?")
    ask(panel, "Second?")
    panel.edit(1)
    assert panel.question(SEEN).source is None and panel.can_reuse


def test_a_new_conversation_needs_a_picture(panel):
    ask(panel)
    assert len(panel.clear()) == 1
    assert panel.picture is Picture.VIEW and not panel.can_reuse


def test_objects_are_kept_in_the_scene_of_the_raster(panel, tmp_path):
    ask(panel, "Ships?", objects=[SPOT, {**SPOT, "polygon": None}])
    ask(panel, "Why?")
    assert panel.turn_to_keep(None) == 0 and panel.turn_to_keep(1) == 0
    scene = panel.scene_to_keep(0, tmp_path)
    assert scene == tmp_path / "town_scene.gpkg"
    request = panel.keep_request(0, Layer.GROUNDINGS, scene)
    assert request.method == "look.keep" and request.params["objects"] == [SPOT], "as the engine gave it"
    assert request.params["question"] == "Ships?" and request.params["model_hash"] == "h"
    assert request.params["source"]["extent"] == list(VIEW)
    panel.inputs.use_scene(tmp_path / "mine.gpkg")
    assert panel.scene_to_keep(0, tmp_path) == tmp_path / "mine.gpkg"


def test_objects_of_a_raster_on_a_server_are_kept_at_home(tmp_path):
    panel = LookPanel(LocatePanel(), text="Ships?")
    panel.models.add("scripted:/x.json")
    ask(panel, sights=replace(SEEN, raster="/vsicurl/https://x.example/town.tif"), objects=[SPOT])
    assert panel.scene_to_keep(0, tmp_path) == tmp_path / "town_scene.gpkg"


def test_nothing_to_keep(panel):
    assert panel.turn_to_keep(None) is None
    ask(panel, objects=[{**SPOT, "polygon": None}])
    assert panel.turn_to_keep(0) is None


def test_what_was_kept_can_be_taken_back(tmp_path):
    kept = parse_kept(tmp_path / "s.gpkg", {"layer": "groundings", "rows": [3, 4]})
    assert kept == Kept(str(tmp_path / "s.gpkg"), "groundings", (3, 4))
    assert forget_request(kept).params == {"scene": kept.scene, "layer": "groundings", "rows": [3, 4]}
