"""The same request in other words, so that a model learns the task and not the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from rs_copilot.vlm.prompts import PromptSet, Words

_FIELD = re.compile(r"\{(\w+)\}")
# RSCoVLM's training swaps these.
_SWAPS = (("bounding box", "bbox"), ("oriented", "rotated"))
_SWAPPED = re.compile("|".join(rf"\b{word}" for pair in _SWAPS for word in pair), re.IGNORECASE)
_OTHER = {one: other for pair in _SWAPS for one, other in (pair, pair[::-1])}


def reworded(
    system: str | None, text: str, prompts: PromptSet, rng: np.random.Generator
) -> tuple[str | None, str]:
    """A request in one of its other wordings where the prompts know it, else with some words swapped.

    It is known by its own words together with those said before it, which decide what kind of box is
    meant. Declarations of tools stay as they are.

    Args:
        system: what is said before, if anything.
        text: the request, in the words of some paraphrase or any others.
        prompts: the words of the family.
        rng: where chance comes from.
    """
    for words in _requests(prompts):
        fields = _fields_of(text, words) if _is_before(system, words) else None
        if fields is not None:
            number = int(rng.integers(len(words.user)))
            said = _filled(words.user[number], fields)
            return (words.system[number % len(words.system)] if words.system else None), said
    return (None if system is None else _swapped(system, rng)), _swapped(text, rng)


def _requests(prompts: PromptSet) -> Iterator[Words]:
    for forms in prompts.tasks.values():
        yield from forms.values()


def _is_before(system: str | None, words: Words) -> bool:
    return system in words.system if words.system else system is None


def _fields_of(text: str, words: Words) -> dict[str, str] | None:
    """What fills the first wording that fits. A wording without words of its own fits nothing."""
    for wording in words.user:
        found = _pattern(wording)
        match = None if found is None else found.fullmatch(text)
        if match is not None:
            return match.groupdict()
    return None


@lru_cache(maxsize=1024)
def _pattern(wording: str) -> re.Pattern[str] | None:
    if not _FIELD.sub("", wording).strip():
        return None
    seen: set[str] = set()
    pattern = ""
    for part in re.split(r"(\{\w+\})", wording):
        field = _FIELD.fullmatch(part)
        if field is None:
            pattern += re.escape(part)
        else:
            pattern += f"(?P={field[1]})" if field[1] in seen else f"(?P<{field[1]}>.+?)"
            seen.add(field[1])
    return re.compile(pattern, re.DOTALL)


def _filled(wording: str, fields: dict[str, str]) -> str:
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), wording)


def _swapped(text: str, rng: np.random.Generator) -> str:
    def swap(found: re.Match[str]) -> str:
        return _OTHER[found[0].lower()] if rng.random() < 0.5 else found[0]

    if "<tools>" in text:
        return text
    # Names of JSON keys are no words.
    parts = re.split(r'("[^"\n]{1,100}")', text)
    return "".join(part if part.startswith('"') else _SWAPPED.sub(swap, part) for part in parts)
