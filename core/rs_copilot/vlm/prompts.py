"""What is said to a model for each task. The words are data: one file for each family, with a version.

A checkpoint answers best in the words that it was trained with. Whoever has them can give a file of their
own, whose format docs/prompts.md describes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.types import FloatArray
from rs_copilot.vlm.answers import Shape
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.tasks import Grammar, Prompt, Task

WORDS = Path(__file__).with_name("words")
MAX_BYTES = 1 << 20
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIELD = re.compile(r"\{(\w+)\}")
# What the words of a task must leave room for, and what they may.
_NEEDED: dict[Task, frozenset[str]] = {
    Task.CLASSIFY: frozenset({"classes"}),
    Task.CAPTION: frozenset(),
    Task.ASK: frozenset({"text"}),
    Task.CHOOSE: frozenset({"text", "choices"}),
    Task.GROUND: frozenset({"text"}),
    Task.DESCRIBE: frozenset({"box"}),
    Task.DETECT: frozenset({"classes"}),
    Task.COMPARE: frozenset({"text"}),
    Task.CLIP: frozenset({"text", "times"}),
    Task.CHAT: frozenset({"text"}),
}
_FIELDS = frozenset({"text", "classes", "choices", "box", "times"})


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Frozen):
    """Ways to say the same: ``user`` with the picture, ``system`` before it. The first is the default."""

    system: tuple[str, ...] = ()
    user: tuple[str, ...] = Field(min_length=1)


class ZoomWords(Words):
    """How the zoom tool is declared and asked for; ``zoomed`` is said with the enlarged picture.

    ``is_trained``: the models were trained to call the tool. Others are asked for the place of a ``region``
    first, which is put in words as something to be located. ``refused`` answers a call that makes no sense.
    """

    is_trained: bool = False
    region: tuple[str, ...] = Field(min_length=1)
    refused: tuple[str, ...] = Field(min_length=1)
    zoomed: tuple[str, ...] = Field(min_length=1)


class PromptSet(_Frozen):
    """The words of a family. Of the forms of answer of a task the first that suits is the default."""

    format: Literal[1]
    name: str = Field(min_length=1, max_length=100)
    version: int = Field(ge=1)
    tasks: Mapping[Task, Mapping[Grammar, Words]]
    zoom: ZoomWords | None = None

    @model_validator(mode="after")
    def _has_room(self) -> PromptSet:
        for task, forms in self.tasks.items():
            for words in forms.values():
                _check_fields(task.value, words.user, _NEEDED[task])
        if self.zoom is not None:
            _check_fields(
                "zoom", (*self.zoom.user, *self.zoom.region, *self.zoom.refused), frozenset({"text"})
            )
        return self


def _check_fields(name: str, texts: Sequence[str], needed: frozenset[str]) -> None:
    for text in texts:
        found = frozenset(_FIELD.findall(text))
        if found - _FIELDS or needed - found:
            wanted = ", ".join(f"{{{field}}}" for field in sorted(needed)) or "no field"
            raise ValueError(f"words of {name!r}: expected {wanted} in {text!r}")


def read_prompts(path: Path) -> PromptSet:
    """A file of words.

    Raises:
        BadInputError: it does not exist or does not keep to the format.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInputError(
                f"{path.name} is larger than {MAX_BYTES >> 20} MiB: expected a file of prompts"
            )
        return PromptSet.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInputError(
            f"{path.name} is no file of prompts: {where}: {first['msg']}",
            hint="See docs/prompts.md for the format.",
        ) from error


@cache
def prompts_of(family: Family) -> PromptSet:
    """The words that come with the program. A family without its own is spoken to as Qwen2.5-VL is."""
    path = WORDS / f"{family.name}.json"
    return read_prompts(path if path.exists() else WORDS / "qwen2.5-vl.json")


def write_prompt(
    task: Task,
    family: Family,
    *,
    text: str = "",
    classes: Sequence[str] = (),
    choices: Sequence[str] = (),
    quad: FloatArray | None = None,
    times_s: Sequence[float] = (),
    shape: Shape | None = None,
    paraphrase: int = 0,
    prompts: PromptSet | None = None,
) -> Prompt:
    """What to say for a task.

    Args:
        task: what is wanted.
        family: whom it is said to; it decides the form of the answer, plain or JSON.
        text: question, expression or message of the user.
        classes: names, for the tasks that choose among them or look for them.
        choices: answers to choose from, without letters.
        quad: ``(4, 2)`` corners in the model's own coordinates, for descriptions.
        times_s: times of the frames of a clip.
        shape: how places shall be given; without it as the family does it best.
        paraphrase: which of the ways to say it; beyond the last the first comes again.
        prompts: other words than those of the program.

    Raises:
        UsageError: something is missing that the task needs, or the words know no such form of answer.
    """
    chosen = prompts or prompts_of(family)
    grammar = _grammar(chosen, task, family, shape)
    words = chosen.tasks[task][grammar]
    fields = {
        "text": _expression(text) if task is Task.GROUND else text.strip(),
        "classes": ", ".join(classes),
        "choices": _lettered(choices),
        "box": "" if quad is None else _box(quad, shape),
        "times": ", ".join(f"{time_s:.1f} s" for time_s in times_s),
    }
    missing = sorted(name for name in _NEEDED[task] if not fields[name])
    if missing:
        raise UsageError(f"the task {task.value!r} needs {' and '.join(missing)}")
    said = _filled(_one_of(words.user, paraphrase), fields)
    system = _filled(_one_of(words.system, paraphrase), fields) if words.system else None
    return Prompt(task, system, said, grammar, _version(chosen, paraphrase))


def write_zoom_prompt(
    family: Family, text: str, *, paraphrase: int = 0, prompts: PromptSet | None = None
) -> Prompt:
    """A question that the model may zoom in for; its answer is a call of the tool, or words.

    Raises:
        UsageError: there is no question, or the words have none for zooming.
    """
    words = _zoom_words(family, prompts)
    if not text.strip():
        raise UsageError("zooming needs a question")
    said = _filled(_one_of(words.user, paraphrase), {"text": text.strip()})
    version = _version(prompts or prompts_of(family), paraphrase)
    return Prompt(Task.ASK, _one_of(words.system, paraphrase), said, Grammar.TEXT, version)


def zoomed_text(family: Family, *, paraphrase: int = 0, prompts: PromptSet | None = None) -> str:
    """What is said with the picture that was zoomed in to.

    Raises:
        UsageError: the words have none for zooming.
    """
    return _one_of(_zoom_words(family, prompts).zoomed, paraphrase)


def calls_zoom(family: Family, *, prompts: PromptSet | None = None) -> bool:
    """Whether models of the family were trained to call the zoom tool."""
    zoom = (prompts or prompts_of(family)).zoom
    return zoom is not None and zoom.is_trained


def region_text(family: Family, text: str, *, paraphrase: int = 0, prompts: PromptSet | None = None) -> str:
    """What to locate in an overview, to look closer there for ``text``.

    Raises:
        UsageError: the words have none for zooming.
    """
    words = _zoom_words(family, prompts)
    return _filled(_one_of(words.region, paraphrase), {"text": text.strip()})


def refused_text(
    family: Family, reason: str, *, paraphrase: int = 0, prompts: PromptSet | None = None
) -> str:
    """What is said about a call of the zoom tool that cannot be carried out.

    Raises:
        UsageError: the words have none for zooming.
    """
    return _filled(_one_of(_zoom_words(family, prompts).refused, paraphrase), {"text": reason})


def paraphrases(
    task: Task, family: Family, shape: Shape | None = None, prompts: PromptSet | None = None
) -> int:
    """In how many ways a task can be said; the arguments are those of `write_prompt`.

    Raises:
        UsageError: the words know no such form of answer.
    """
    chosen = prompts or prompts_of(family)
    return len(chosen.tasks[task][_grammar(chosen, task, family, shape)].user)


def _grammar(chosen: PromptSet, task: Task, family: Family, shape: Shape | None) -> Grammar:
    forms = list(chosen.tasks.get(task, ()))
    if not any(form.value.startswith(("plain-", "json-")) for form in forms):
        shape = None
    ending = "" if shape is None else f"-{shape.value}"
    suits = [form for form in forms if form.value.endswith(ending)]
    preferred = [form for form in suits if form.value.startswith(family.grammar)]
    if not suits:
        known = ", ".join(form.value for form in forms) or "none"
        raise UsageError(
            f"the prompts {chosen.name!r} know no answer of the shape {ending[1:] or 'any'!r} for the task "
            f"{task.value!r}: they know {known}"
        )
    return (preferred or suits)[0]


def _zoom_words(family: Family, prompts: PromptSet | None) -> ZoomWords:
    chosen = prompts or prompts_of(family)
    if chosen.zoom is None:
        raise UsageError(f"the prompts {chosen.name!r} have no words for zooming in")
    return chosen.zoom


def _version(chosen: PromptSet, paraphrase: int) -> str:
    return f"{chosen.name}/{chosen.version}" + (f"#{paraphrase}" if paraphrase else "")


def _one_of(texts: Sequence[str], paraphrase: int) -> str:
    return texts[paraphrase % len(texts)]


def _filled(text: str, fields: Mapping[str, str]) -> str:
    """The words with their fields. In one pass, so that braces of the user's stay what they are."""
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), text)


def _expression(text: str) -> str:
    """What is looked for, without an article, which the words have, and without a full stop."""
    expression = text.strip().rstrip(".")
    return expression[4:].lstrip() if expression[:4].lower() == "the " else expression


def _lettered(choices: Sequence[str]) -> str:
    return "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))


def _box(quad: FloatArray, shape: Shape | None) -> str:
    """Whole numbers in brackets: the box around the corners, or the corners where a quad is wished for."""
    numbers = quad.ravel() if shape is Shape.QUAD else np.concatenate([quad.min(axis=0), quad.max(axis=0)])
    return "[" + ",".join(str(int(number)) for number in numbers) + "]"
