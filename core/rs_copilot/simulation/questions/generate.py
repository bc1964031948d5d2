"""Question sets of demo worlds: each task several times, each question with a twin that has no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rs_copilot.simulation.questions import measure, move, see
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
SETS = ("development", "test")
PER_TASK = 3
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
    forms = read_wordings(wordings)
    found: list[dict[str, Any]] = []
    for number, (task, maker) in enumerate(MAKERS.items()):
        rng = np.random.default_rng([seed, number, SETS.index(wordings)])
        for turn in range(per_task):
            pair = maker(exact, rng)
            if pair is None:
                continue
            name = f"{seed}-{number + 1:02d}-{turn + 1}"
            for draft, suffix in zip(pair, ("", "-un"), strict=True):
                if draft is not None:
                    found.append(
                        {
                            **_in_words(draft, forms, rng, exact),
                            "id": name + suffix,
                            "task": task,
                            "pair": name,
                        }
                    )
    return found


def _in_words(
    draft: Draft, forms: Mapping[str, list[str]], rng: np.random.Generator, exact: Exact
) -> dict[str, Any]:
    form = int(rng.integers(len(forms[draft.form])))
    words = {key: _other_notation(value, rng) if key == "t" else value for key, value in draft.words.items()}
    wording = forms[draft.form][form]
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


def _other_notation(moment: str, rng: np.random.Generator) -> str:
    """A moment like ``7.3 s`` as people write it."""
    seconds = float(moment.removesuffix(" s"))
    minutes = f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    return str(
        rng.choice([moment, f"{seconds:g} seconds", f"{seconds:g} sec", minutes, f"second {seconds:g}"])
    )


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
