"""Question sets of demo worlds: each task several times, each question with a twin that has no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rs_copilot.simulation.questions import measure, move, pose, see
from rs_copilot.simulation.questions.drawing import Draft, Maker
from rs_copilot.simulation.questions.exact import Exact

# Names of tasks as LinkS2Bench has them.
MAKERS: Mapping[str, Maker] = {
    "target visibility": see.visibility,
    "scene association": see.association,
    "zone counting": move.counting,
    "temporal grounding": see.temporal,
    "event geo-localization": move.event_place,
    "trajectory matching": move.trajectory,
    "relative distance": measure.distance,
    "relative direction": measure.direction,
    "occlusion attribution": see.occlusion,
    "region reachability": measure.reachability,
    "spatiotemporal ordering": see.ordering,
    "region interaction": move.interaction,
}
SETS = ("development", "test", "validation")
# How moments are written: validation has notations that the others lack.
NOTATIONS = ("{own}", "{seconds} seconds", "{seconds} sec", "{minutes}:{rest:04.1f}", "second {seconds}")
MORE_NOTATIONS = (
    *NOTATIONS,
    "{seconds}s",
    "t = {seconds} s",
    "{minutes:02d}:{rest:04.1f}",
    "{seconds} seconds in",
    "{minutes} min {rest:.1f} s",
    "{words} seconds",
    "the {seconds}-second mark",
)
# fmt: off
NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
PER_TASK = 3
# Gaps of wordings that are moments.
MOMENTS = ("t", "u", "v")
TYPO_SHARE = 0.15
# Letters that a finger slips on: two neighbours in a word change places.
LONG_WORD = re.compile(r"(?<!\{)\b[a-z]{6,}\b(?!\})")


def read_wordings(name: str) -> dict[str, list[str]]:
    """Wordings of a set by form."""
    path = Path(__file__).with_name(f"wordings-{name}.json")
    forms: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["forms"]
    return forms


def make_questions(
    exact: Exact, seed: int, wordings: str = "development", per_task: int = PER_TASK
) -> list[dict[str, Any]]:
    """Questions as JSON: the same world, seed and wordings give the same questions.

    A world that has nothing to ask of a task (no vehicle turned, nothing was hidden) has fewer of it.
    """
    notations = MORE_NOTATIONS if wordings == "validation" else NOTATIONS
    style = Style(read_wordings(wordings), notations, SETS.index(wordings))
    return _made(exact, seed, MAKERS, style, per_task)


def make_pose_questions(exact: Exact, seed: int, per_task: int = PER_TASK) -> list[dict[str, Any]]:
    """Questions about the camera behind a frame, a set beside the twelve tasks."""
    return _made(exact, seed, pose.POSE_MAKERS, Style(read_wordings("pose"), NOTATIONS, len(SETS)), per_task)


class Style(NamedTuple):
    """How questions are put: wordings by form, notations of moments, and a number for the draws."""

    forms: Mapping[str, list[str]]
    notations: Sequence[str]
    number: int


def _made(
    exact: Exact, seed: int, makers: Mapping[str, Maker], style: Style, per_task: int
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, (task, maker) in enumerate(makers.items()):
        rng = np.random.default_rng([seed, number, style.number])
        for turn in range(per_task):
            pair = maker(exact, rng)
            if pair is None:
                continue
            name = f"{seed}-{number + 1:02d}-{turn + 1}"
            for draft, suffix in zip(pair, ("", "-un"), strict=True):
                if draft is not None:
                    found.append(
                        {
                            **_in_words(draft, style, rng, exact),
                            "id": name + suffix,
                            "task": task,
                            "pair": name,
                        }
                    )
    return found


def _in_words(draft: Draft, style: Style, rng: np.random.Generator, exact: Exact) -> dict[str, Any]:
    forms = style.forms[draft.form]
    form = int(rng.integers(len(forms)))
    words = {
        key: _other_notation(value, rng, style.notations) if key in MOMENTS else value
        for key, value in draft.words.items()
    }
    wording = forms[form]
    if rng.random() < TYPO_SHARE:
        wording = _with_typo(wording, rng)
    text = wording.format(**words)
    return {
        "text": text,
        "kind": draft.kind,
        "choices": dict(draft.choices),
        "marks": [{"name": name, "geometry": exact.lonlat(shape)} for name, shape in draft.marks.items()],
        "answer": draft.answer,
        "unit": draft.unit,
        "answerable": draft.answer is not None,
        "reason": draft.reason,
        "form": form,
    }


def _other_notation(moment: str, rng: np.random.Generator, notations: Sequence[str]) -> str:
    """A moment like ``7.3 s`` as people write it."""
    seconds = float(moment.removesuffix(" s"))
    # A moment of a minute and more is rather told by its digits.
    said = in_words(seconds) if seconds < 60.0 else f"{seconds:g}"
    # Drawn by its number, so that more notations of one set leave the draws of the others as they were.
    notation = notations[int(rng.integers(len(notations)))]
    return notation.format(
        own=moment,
        seconds=f"{seconds:g}",
        minutes=int(seconds // 60),
        rest=seconds % 60,
        words=said,
    )


def in_words(seconds: float) -> str:
    """A number under 100, to a tenth, as it is said over the radio: "seven point three"."""
    whole, tenth = divmod(round(10 * seconds), 10)
    tens, ones = divmod(whole, 10)
    spoken = NUMBERS[whole] if whole < len(NUMBERS) else TENS[tens] + (f"-{NUMBERS[ones]}" if ones else "")
    return f"{spoken} point {NUMBERS[tenth]}" if tenth else spoken


def _with_typo(wording: str, rng: np.random.Generator) -> str:
    """A wording with a slip of the finger; gaps are left alone: a misspelt name is another."""
    places = [
        place
        for found in LONG_WORD.finditer(wording)
        for place in range(found.start() + 1, found.end() - 2)
        if wording[place] != wording[place + 1]
    ]
    if not places:
        return wording
    place = places[rng.integers(len(places))]
    return wording[:place] + wording[place + 1] + wording[place] + wording[place + 2 :]
