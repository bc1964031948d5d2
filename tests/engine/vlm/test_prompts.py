"""Prompts: data that is complete, and files of one's own that are checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.vlm.answers import Shape
from rs_copilot.vlm.families import FAMILIES, QWEN3_VL, QWEN25_VL, RSCOVLM, Family
from rs_copilot.vlm.prompts import (
    WORDS,
    paraphrases,
    prompts_of,
    read_prompts,
    write_prompt,
    write_zoom_prompt,
    zoomed_text,
)
from rs_copilot.vlm.tasks import Grammar, Prompt, Task

QUAD = np.array([[10.7, 20.2], [50.0, 20.2], [50.0, 60.9], [10.7, 60.9]])


def prompt(task: Task, family: Family = RSCOVLM, paraphrase: int = 0, shape: Shape | None = None) -> Prompt:
    return write_prompt(
        task,
        family,
        text="the {red} car",
        classes=("plane", "small vehicle"),
        choices=("yes", "no"),
        quad=QUAD,
        times_s=(0.0, 2.5),
        shape=shape,
        paraphrase=paraphrase,
    )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
@pytest.mark.parametrize("task", Task)
def test_every_task_can_be_said_in_three_ways(task: Task, family: Family) -> None:
    count = paraphrases(task, family)
    said = {prompt(task, family, number).text for number in range(count)}
    assert count == len(said) >= 3
    assert prompt(task, family, count).text == prompt(task, family).text
    assert not any("{text}" in text or "{classes}" in text for text in said)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
@pytest.mark.parametrize("form", ["plain", "json"])
@pytest.mark.parametrize("shape", Shape)
def test_detections_come_in_every_form_and_shape(family: Family, form: str, shape: Shape) -> None:
    spoken_to = replace(family, grammar=form)
    assert prompt(Task.DETECT, spoken_to, shape=shape).grammar is Grammar(f"{form}-{shape.value}")
    assert paraphrases(Task.DETECT, spoken_to, shape) >= 3


def test_defaults_are_what_a_family_was_trained_for() -> None:
    assert prompt(Task.DETECT).grammar is Grammar.PLAIN_QUAD
    assert prompt(Task.GROUND).grammar is Grammar.PLAIN_HBB
    assert prompt(Task.DETECT, QWEN25_VL).grammar is Grammar.JSON_HBB
    assert prompt(Task.GROUND, QWEN3_VL).grammar is Grammar.JSON_HBB
    assert prompt(Task.CHOOSE).grammar is Grammar.LETTER
    assert "thousandths" in prompt(Task.GROUND, QWEN3_VL).text


def test_the_wire_format_is_literal() -> None:
    found = prompt(Task.DETECT)
    assert found.text == "find the plane, small vehicle"
    assert "`x1,y1,x2,y2,x3,y3,x4,y4 object`" in (found.system or "")
    assert prompt(Task.GROUND).text == "find the {red} car"
    assert prompt(Task.CLASSIFY).text.endswith("plane, small vehicle.")
    assert "[10,20,50,60]" in prompt(Task.DESCRIBE).text
    assert "[10,20,50,20,50,60,10,60]" in prompt(Task.DESCRIBE, shape=Shape.QUAD).text
    assert "A. yes\nB. no" in prompt(Task.CHOOSE).text
    assert "0.0 s, 2.5 s" in prompt(Task.CLIP).text
    assert (found.version, prompt(Task.DETECT, paraphrase=1).version) == ("rscovlm/1", "rscovlm/1#1")


def test_braces_of_a_user_stay_what_they_are() -> None:
    assert write_prompt(Task.CHAT, RSCOVLM, text="{classes} {0} {text}").text == "{classes} {0} {text}"


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
def test_the_zoom_tool_is_declared(family: Family) -> None:
    found = write_zoom_prompt(family, "How many ships?")
    declared = json.loads((found.system or "").split("<tools>\n")[1].split("\n</tools>")[0])
    assert declared["function"]["name"] == "image_zoom_in"
    assert declared["function"]["parameters"]["required"] == ["bbox"]
    assert found.text.startswith("How many ships?\n")
    assert zoomed_text(family) != zoomed_text(family, paraphrase=1)


@pytest.mark.parametrize("task", [Task.ASK, Task.CLASSIFY, Task.CHOOSE, Task.DESCRIBE, Task.CLIP])
def test_what_a_task_needs_is_said(task: Task) -> None:
    with pytest.raises(UsageError, match="needs"):
        write_prompt(task, RSCOVLM)


def test_a_shape_that_the_words_do_not_know() -> None:
    with pytest.raises(UsageError, match=r"'quad'.*plain-hbb, json-hbb"):
        write_prompt(Task.GROUND, RSCOVLM, text="car", shape=Shape.QUAD)


def test_an_unknown_family_is_spoken_to_as_the_common_one() -> None:
    assert prompts_of(replace(QWEN25_VL, name="other")) == prompts_of(QWEN25_VL)


def test_words_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(
        json.dumps(
            {
                "format": 1,
                "name": "mine",
                "version": 7,
                "tasks": {"detect": {"plain-quad": {"user": ["seek {classes}!"]}}},
            }
        )
    )
    mine = read_prompts(path)
    found = write_prompt(Task.DETECT, RSCOVLM, classes=("ship",), prompts=mine)
    assert (found.text, found.system, found.version) == ("seek ship!", None, "mine/7")
    with pytest.raises(UsageError, match="'mine' know no answer"):
        write_prompt(Task.CHAT, RSCOVLM, text="hello", prompts=mine)
    with pytest.raises(UsageError, match="no words for zooming"):
        write_zoom_prompt(RSCOVLM, "?", prompts=mine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format"),
        ({"tasks": {"fly": {}}}, "tasks.fly"),
        ({"tasks": {"detect": {"plain-quad": {"user": ["seek"]}}}}, r"expected \{classes\} in 'seek'"),
        ({"tasks": {"chat": {"text": {"user": ["{text} {other}"]}}}}, r"expected \{text\}"),
        ({"tasks": {"chat": {"text": {"user": []}}}}, "tasks.chat.text.user"),
        ({"more": 1}, "more"),
    ],
)
def test_files_that_are_wrong_say_where(tmp_path: Path, change: dict[str, object], message: str) -> None:
    data = json.loads((WORDS / "rscovlm.json").read_text(encoding="utf-8")) | change
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(data))
    with pytest.raises(BadInputError, match=message):
        read_prompts(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        read_prompts(tmp_path / "missing.json")
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(BadInputError, match="is no file of prompts"):
        read_prompts(path)
    path.write_text("[" * 100_000)
    with pytest.raises(BadInputError, match="is no file of prompts"):
        read_prompts(path)
