"""Sizes by chance, places moved along, other words, and shares of subsets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.training.vlm.conversations import Example, Stored, StoredClip, Turn
from rs_copilot.training.vlm.places import grammar_of, moved_answer, moved_boxes
from rs_copilot.training.vlm.preparing import Prepared, Variation, prepare
from rs_copilot.training.vlm.sampling import Sampling, drawn, epoch_of, parse_subset
from rs_copilot.training.vlm.wording import reworded
from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Shape
from rs_copilot.vlm.families import QWEN3_VL, QWEN25_VL, RSCOVLM
from rs_copilot.vlm.messages import ImagePart, Role, TextPart, VideoPart
from rs_copilot.vlm.prompts import prompts_of, write_prompt
from rs_copilot.vlm.resize import PixelBudget, seen_size
from rs_copilot.vlm.tasks import Grammar, Task

GIVEN, WANTED = SizeWH(600, 300), SizeWH(1008, 504)
PICTURE = np.zeros((512, 1024, 3), np.uint8)
SAME = Variation(resize=0.0, paraphrase=0.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_subsets_are_drawn_by_percent_and_by_times() -> None:
    assert parse_subset("dota") == ("dota", Sampling())
    assert parse_subset("dota%12.5*3") == ("dota", Sampling(12.5, 3))
    rows = drawn(200, Sampling(30, 2), rng())
    assert len(rows) == 120 and len(set(rows.tolist())) == 60
    assert drawn(3, Sampling(1), rng()).size == 1
    assert drawn(0, Sampling(50), rng()).size == 0
    assert drawn(4, Sampling(), rng()).tolist() == [0, 1, 2, 3]
    assert drawn(200, Sampling(30), rng(1)).tolist() != rows[:60].tolist()


def test_an_epoch_mixes_the_subsets() -> None:
    found = epoch_of([10, 4, 0], [Sampling(50), Sampling(repeats=3), Sampling()], rng())
    assert found.shape == (17, 2)
    assert np.bincount(found[:, 0]).tolist() == [5, 12]
    assert sorted(found[found[:, 0] == 1, 1].tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert found[:, 0].tolist() != sorted(found[:, 0].tolist())
    assert epoch_of([], [], rng()).shape == (0, 2)


@pytest.mark.parametrize("text", ["", "%30", "dota%0", "dota%101", "dota*0", "dota%"])
def test_shares_without_sense_are_refused(text: str) -> None:
    if text == "dota%":
        assert parse_subset(text) == ("dota%", Sampling())
        return
    with pytest.raises(UsageError, match="expected"):
        parse_subset(text)


@pytest.mark.parametrize(
    ("text", "grammar"),
    [
        ("10,20,30,40 ship", Grammar.PLAIN_HBB),
        ("10,20,30,40,-5 ship\n1,2,3,4,5 ship", Grammar.PLAIN_OBB),
        ("1,2,3,4,5,6,7,8 small vehicle", Grammar.PLAIN_QUAD),
        ('```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "a"}]\n```', Grammar.JSON_HBB),
        ('[{"quadrant bbox": [1, 2, 3, 4, 5, 6, 7, 8], "label": "a"}]', Grammar.JSON_QUAD),
        ('[{"oriented bbox": [1, 2, 3, 4, 5], "label": "a"}]', Grammar.JSON_OBB),
        ("There are none.", None),
        ("3,000 ships", None),
        ('<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [1, 2, 3, 4]}}', None),
    ],
)
def test_the_form_of_an_answer_is_seen(text: str, grammar: Grammar | None) -> None:
    assert grammar_of(text) is grammar


def test_answers_move_with_the_size() -> None:
    moved = moved_answer("100,50,200,100 Ship\n0,0,600,300 plane\n5,5,5,9 dot", GIVEN, WANTED)
    assert (moved.text, moved.lost) == ("0,0,1008,504 plane\n168,84,336,168 ship", 1)
    turned = moved_answer("300,150,100,50,0 ship", GIVEN, WANTED)
    assert turned.text == "504,252,168,84,0 ship"
    assert moved_answer("There is none.", GIVEN, WANTED).text == "There is none."
    call = '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [100, 50, 200, 100]}}\n</tool_call>'
    assert "[168, 84, 336, 168]" in moved_answer(call, GIVEN, WANTED).text


def test_an_answer_of_nonsense_does_not_become_a_denial() -> None:
    moved = moved_answer("5,5,5,9 dot", GIVEN, WANTED)
    assert (moved.text, moved.lost) == ("5,5,5,9 dot", 1)


def test_boxes_in_requests_move_too() -> None:
    assert moved_boxes("what is in [100,50,200,100]?", GIVEN, WANTED) == "what is in [168,84,336,168]?"
    assert moved_boxes("rows [1, 2, 3, 4, 5] stay", GIVEN, WANTED) == "rows [1, 2, 3, 4, 5] stay"


@given(st.integers(28, 3000), st.integers(28, 3000), st.integers(28, 1200), st.integers(28, 1200))
def test_a_whole_picture_stays_the_whole(w: int, h: int, seen_w: int, seen_h: int) -> None:
    moved = moved_answer(f"0,0,{w},{h} field", SizeWH(w, h), SizeWH(seen_w, seen_h))
    assert moved.text == f"0,0,{seen_w},{seen_h} field"


def conversation(answer: str, *, system: str | None = None, text: str = "find the ship") -> Example:
    turns = [
        Turn(Role.USER, (Stored(Path("a.png")), TextPart(text))),
        Turn(Role.ASSISTANT, (TextPart(answer),)),
    ]
    before = [] if system is None else [Turn(Role.SYSTEM, (TextPart(system),))]
    return Example("x", (*before, *turns))


def image_of(prepared: Prepared) -> ImagePart:
    image = next(message for message in prepared.messages if message.role is Role.USER).parts[0]
    assert isinstance(image, ImagePart)
    return image


def test_places_are_those_of_the_picture_as_it_is_seen() -> None:
    answer = conversation("512,256,1024,512 ship")
    assert prepare(answer, [PICTURE], RSCOVLM, SAME, rng()).messages[-1].text == "518,252,1036,504 ship"
    assert prepare(answer, [PICTURE], QWEN3_VL, SAME, rng()).messages[-1].text == "500,500,1000,1000 ship"
    hundredths = Variation(0.0, 0.0, grid=SizeWH(100, 100))
    moved = prepare(conversation("50,50,100,100 ship"), [PICTURE], RSCOVLM, hundredths, rng())
    assert moved.messages[-1].text == "518,252,1036,504 ship"


def test_sizes_by_chance_keep_within_limits_and_take_places_along() -> None:
    varied = Variation(resize=1.0, paraphrase=0.0)
    sides = set()
    for seed in range(40):
        prepared = prepare(conversation("512,256,1024,512 ship"), [PICTURE], RSCOVLM, varied, rng(seed))
        image = image_of(prepared)
        assert image.budget is not None and image.budget == image.budget.within(RSCOVLM.limits)
        seen = seen_size(image.size, RSCOVLM.unit_px, image.budget)
        assert seen.width_px * seen.height_px <= RSCOVLM.limits.max_px
        wanted = f"{seen.width_px // 2},{seen.height_px // 2},{seen.width_px},{seen.height_px} ship"
        assert prepared.messages[-1].text == wanted
        sides.add(seen)
    assert len(sides) > 10


def test_a_follow_up_speaks_of_the_last_picture() -> None:
    call = '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [0, 0, 512, 256]}}\n</tool_call>'
    first = conversation(call, text="how many?")
    second = (
        Turn(Role.USER, (Stored(Path("b.png")), TextPart("zoomed"))),
        Turn(Role.ASSISTANT, (TextPart("0,0,280,280 ship"),)),
    )
    example = Example("x", (*first.turns, *second))
    found = prepare(example, [PICTURE, np.zeros((560, 560, 3), np.uint8)], RSCOVLM, SAME, rng())
    assert "[0, 0, 518, 252]" in found.messages[1].text
    assert found.messages[3].text == "0,0,280,280 ship"


def test_words_before_a_picture_speak_of_it_too() -> None:
    asked = Turn(Role.USER, (TextPart("what is in [0,0,512,256]?"), Stored(Path("a.png"))))
    example = Example("x", (asked, Turn(Role.ASSISTANT, (TextPart("a ship"),))))
    found = prepare(example, [PICTURE], RSCOVLM, SAME, rng())
    assert found.messages[0].text == "what is in [0,0,518,252]?"


def test_clips_have_the_times_of_their_frames() -> None:
    frames = (Stored(Path("1.png")), Stored(Path("2.png")))
    turns = (
        Turn(Role.USER, (StoredClip(frames, 4.0), TextPart("?"))),
        Turn(Role.ASSISTANT, (TextPart("!"),)),
    )
    found = prepare(Example("x", turns), [PICTURE, PICTURE], RSCOVLM, SAME, rng()).messages[0].parts[0]
    assert isinstance(found, VideoPart) and found.times_s == (0.0, 0.25)
    with pytest.raises(BadInputError, match="differ in size"):
        prepare(Example("x", turns), [PICTURE, PICTURE[:9]], RSCOVLM, SAME, rng())
    with pytest.raises(ValueError, match="expected 2 pictures"):
        prepare(Example("x", turns), [PICTURE], RSCOVLM, SAME, rng())


@pytest.mark.parametrize("task", [Task.GROUND, Task.DETECT])
@pytest.mark.parametrize("family", [RSCOVLM, QWEN25_VL], ids=str)
def test_known_requests_come_in_all_their_wordings_and_keep_their_form(task: Task, family: object) -> None:
    assert family in (RSCOVLM, QWEN25_VL)
    spoken_to = RSCOVLM if family is RSCOVLM else QWEN25_VL
    for shape in Shape if task is Task.DETECT else [Shape.HBB]:
        forms = [
            write_prompt(
                task, spoken_to, text="ship", classes=("ship", "plane"), shape=shape, paraphrase=number
            )
            for number in range(3)
        ]
        wanted = {(form.system, form.text) for form in forms}
        chance = rng()
        for form in forms:
            found = {reworded(form.system, form.text, prompts_of(spoken_to), chance) for _ in range(40)}
            assert found == wanted


def test_unknown_requests_swap_words_and_leave_keys_and_tools() -> None:
    text = 'Draw an oriented bounding box as "oriented bbox" around it.'
    found = {reworded(None, text, prompts_of(RSCOVLM), rng(seed))[1] for seed in range(40)}
    assert len(found) == 4 and all('"oriented bbox"' in said for said in found)
    tools = "<tools>bounding box</tools>"
    assert {reworded(tools, "?", prompts_of(RSCOVLM), rng(seed))[0] for seed in range(9)} == {tools}


def test_paraphrases_reach_the_conversation() -> None:
    form = write_prompt(Task.DETECT, RSCOVLM, classes=("ship",))
    example = conversation("1,1,90,1,90,90,1,90 ship", system=form.system, text=form.text)
    varied = Variation(paraphrase=1.0)
    texts = {prepare(example, [PICTURE], RSCOVLM, varied, rng(seed)).messages[1].text for seed in range(30)}
    assert texts == {"find the ship", "find every ship", "locate all of these: ship"}
    same = {prepare(example, [PICTURE], RSCOVLM, SAME, rng(seed)).messages[1].text for seed in range(9)}
    assert same == {"find the ship"}


def test_limits_that_leave_no_choice_are_kept() -> None:
    """The logarithm of a limit and back is a little less than the limit."""
    only = replace(QWEN3_VL, limits=PixelBudget(65536, 65536))
    example = Example("a", (Turn(Role.USER, (Stored("a"),)), Turn(Role.ASSISTANT, (TextPart("b"),))))
    made = prepare(example, [PICTURE], only, Variation(resize=1.0), rng())
    assert made.messages[0].pictures[0].budget == PixelBudget(65536, 65536)
