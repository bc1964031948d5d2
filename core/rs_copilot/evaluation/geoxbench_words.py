"""What GeoX-Bench's questions say: its content in words of our own, kept as data with a version."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from rs_copilot.evaluation.geoxbench import GeoTask
from rs_copilot.vlm.tasks import Grammar, Prompt, Task

FILE = Path(__file__).with_name("geoxbench_prompts.json")


@cache
def write_question(task: GeoTask) -> Prompt:
    """What to say for a task; the pictures are the maps in order, then the photo."""
    words = _read_words()
    said = words["tasks"][task.value]
    first = task.options[0]
    value = first if task.field in {"is_in_range", "matched_aerial_index"} else f'"{first}"'
    sample = f'{{"explanation": "…", "{task.field}": {value}}}'
    count = "four" if task.field == "matched_aerial_index" else "one"
    system = "\n\n".join([words["pictures"][count], said["prior"], words["form"].replace("{sample}", sample)])
    options = ", ".join(task.options)
    return Prompt(
        Task.COMPARE,
        system.replace("{options}", options),
        said["user"].replace("{options}", options),
        Grammar.TEXT,
        f"{words['name']}/{words['version']}",
    )


@cache
def _read_words() -> dict[str, Any]:
    words: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return words
