"""Scripted models that plan: they play back programs, right ones and wrong ones."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.tasks import SpatialTask

COUNT_ENTERED: dict[str, Any] = {
    "steps": {
        "a": {"op": "things", "kind": "track", "label": "vehicle"},
        "b": {"op": "named", "name": "market"},
        "c": {"op": "crossings", "of": "$a", "zone": "$b", "what": "enter"},
        "d": {"op": "subjects", "of": "$c"},
        "e": {"op": "count", "of": "$d"},
    },
    "answer": "e",
}


def said(program: dict[str, Any] | Program, understood: str = "", task: SpatialTask | str = "other") -> str:
    """What a model writes for a program."""
    document = program.document() if isinstance(program, Program) else program
    named = task.value if isinstance(task, SpatialTask) else task
    return json.dumps({"understood": understood, "task": named, "program": document})


def cannot(reason: str, understood: str = "") -> str:
    """What a model writes where it sees no way."""
    return json.dumps({"understood": understood, "cannot": reason})


def _first(document: dict[str, Any]) -> dict[str, Any]:
    return next(iter(document["steps"].values()))


def _no_operation(document: dict[str, Any]) -> None:
    _first(document)["op"] = "teleport"


def _strange_parameter(document: dict[str, Any]) -> None:
    _first(document)["colour"] = "red"


def _nothing_given(document: dict[str, Any]) -> None:
    document["steps"] = {"first": {"op": "near", "to": 3}, **document["steps"]}


def _no_answer(document: dict[str, Any]) -> None:
    document["answer"] = "nowhere"


def _later_step(document: dict[str, Any]) -> None:
    document["steps"] = {"first": {"op": "count", "of": "$later"}, **document["steps"]}


def _no_steps(document: dict[str, Any]) -> None:
    document["steps"] = {}


def _invented_name(document: dict[str, Any]) -> None:
    document["steps"] = {"first": {"op": "named", "name": "Atlantis"}, **document["steps"]}


MISTAKES: tuple[Callable[[dict[str, Any]], None], ...] = (
    _no_operation, _strange_parameter, _nothing_given, _no_answer, _later_step, _no_steps, _invented_name,
)  # fmt: skip


def mistaken(program: Program, seed: int) -> str:
    """The program with a mistake of the kinds that models make; every eighth is cut off."""
    chance = random.Random(seed)  # noqa: S311
    if seed % 8 == 7:
        whole = said(program)
        return whole[: chance.randrange(len(whole) - 1)]
    document = copy.deepcopy(program.document())
    MISTAKES[seed % 8](document)
    return said(document)
