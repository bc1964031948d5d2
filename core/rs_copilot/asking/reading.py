"""What a model says, read as a plan or as a reason why there is none. Its text is foreign: nothing is run.

Whatever the text is, it becomes a value or a list of problems, in a time that grows with its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rs_copilot.reasoning.checking import Problem, check
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.tasks import SpatialTask
from rs_copilot.vlm.openai_wire import quote
from rs_copilot.vlm.parsing import split_thought

# A program of 24 steps takes about 4,000 letters.
MAX_ANSWER = 40_000
MAX_DEPTH = 8
MAX_SAID = 300
NO_REASON = "the scene does not tell"
UNDERSTOOD = re.compile(r'"understood"\s*:\s*"((?:[^"\\]|\\.)*)')


@dataclass(frozen=True)
class Planned:
    """A program that can run, and how the question was taken."""

    program: Program
    understood: str
    task: SpatialTask | None


@dataclass(frozen=True)
class Refused:
    """The model says that no program can tell, and why."""

    understood: str
    reason: str


class NotADocument(ValueError):
    """Text that is no JSON object of ours; caught by `read_plan`."""


def read_plan(text: str) -> Planned | Refused | list[Problem]:
    """A plan, a refusal, or all that is wrong with what was said. Never raises."""
    try:
        said = _document(text)
    except NotADocument as error:
        return [Problem(None, str(error))]
    understood = _words(said.get("understood"))
    if said.get("program") is None and isinstance(said.get("cannot"), str):
        return Refused(understood, _words(said["cannot"]) or NO_REASON)
    # Some models leave the wrapping away.
    checked = check(said.get("program", said))
    if not isinstance(checked, Program):
        return checked
    named = (task for task in SpatialTask if task.value == said.get("task"))
    return Planned(checked, understood, next(named, None))


def understood_so_far(text: str) -> str:
    """How the question was taken, out of an answer that is still being written."""
    found = UNDERSTOOD.search(split_thought(text[:MAX_ANSWER])[1])
    if found is None:
        return ""
    try:
        # An escape may be cut in two.
        return _words(json.loads(f'"{found[1]}"'))
    except ValueError:
        return ""


def _words(value: object) -> str:
    """Words of a model for people: one line, printable, short."""
    return quote(value[:MAX_SAID]) if isinstance(value, str) else ""


def _document(text: str) -> dict[str, Any]:
    """The first JSON object of a text; a thought before it and words around it are left out.

    Raises:
        NotADocument: there is none, or one that no program could be.
    """
    said = split_thought(text)[1]
    start = said.find("{")
    if start < 0:
        raise NotADocument("expected a JSON object, found none")
    if len(said) - start > MAX_ANSWER:
        raise NotADocument(f"expected a JSON object of at most {MAX_ANSWER} letters, found more")
    decoder = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_number)
    try:
        found, _ = decoder.raw_decode(said, start)
        # Halves of letters can be read, but neither shown nor kept.
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise NotADocument("the JSON object is nested too deeply") from error
    except ValueError as error:
        raise NotADocument(f"expected one complete JSON object: {quote(str(error))}") from error
    if _depth(found) > MAX_DEPTH:
        raise NotADocument("the JSON object is nested too deeply")
    return dict(found)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{quote(key)[:40]!r} stands there twice")
        found[key] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _depth(value: object) -> int:
    """How deeply lists and objects are nested, at most one more than is allowed."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        inner = [list(item.values()) if isinstance(item, Mapping) else item for item in level]
        level = [part for item in inner if isinstance(item, list) for part in item]
        depth += 1
    return depth
