"""Which of the lettered choices a value means."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rs_copilot.reasoning.memory import plain
from rs_copilot.reasoning.things import Thing
from rs_copilot.reasoning.values import Moments, Number, Things, Value, Verdict

YES = frozenset({"yes", "true", "visible", "seen", "reachable", "possible", "can"})
NO = frozenset({"no", "not", "never", "false", "invisible", "hidden", "unreachable", "impossible", "cannot"})
COMPASS = {
    "n": "north", "ne": "north-east", "e": "east", "se": "south-east", "s": "south", "sw": "south-west",
    "w": "west", "nw": "north-west",
}  # fmt: skip
# Words before a name that say what it is.
SORTS = r"(?:zone|area|point|mark|marker|place|path|line|route|track|square|tile|region|box)"


def choose(value: Value, choices: Mapping[str, str]) -> str | None:
    """The letter of the choice that says the same as a value; ``None`` where none or several do."""
    if isinstance(value, Verdict):
        return _only({letter: text for letter, text in choices.items() if _says_yes(text) is value.holds})
    if isinstance(value, Number):
        return _by_number(value.value, choices)
    if isinstance(value, Moments):
        return _by_number(value.first_s, choices) if value.spans_s else None
    if isinstance(value, str):
        return _only({letter: text for letter, text in choices.items() if compass(text) == compass(value)})
    return _by_things(value, choices)


def _only(fitting: Mapping[str, str]) -> str | None:
    return next(iter(fitting)) if len(fitting) == 1 else None


def _says_yes(text: str) -> bool | None:
    words = re.findall(r"[a-z']+", text.lower())
    if any(word in NO or word.endswith("n't") for word in words):
        return False
    return True if any(word in YES for word in words) else None


def compass(text: str) -> str:
    """A compass direction as one word, whatever way it is written."""
    letters = re.sub(r"[^a-z]", "", text.lower().replace("of it", "").replace("to the", ""))
    known = {name.replace("-", ""): name for name in COMPASS.values()}
    return known.get(letters) or COMPASS.get(letters, letters)


def _by_number(value: float, choices: Mapping[str, str]) -> str | None:
    numbers = {
        letter: float(found[0].replace(",", ""))
        for letter, text in choices.items()
        if (found := re.search(r"-?\d[\d,]*(?:\.\d+)?", text))
    }
    return min(numbers, key=lambda letter: abs(numbers[letter] - value)) if numbers else None


def names_of(item: Thing) -> set[str]:
    """What a choice may call a thing."""
    return {plain(item.name), plain(item.key), plain(item.label)}


def _by_things(value: Things, choices: Mapping[str, str]) -> str | None:
    if not value:
        return None
    if len(value) > 1:
        wanted = [plain(item.name) for item in value]
        return _only({letter: text for letter, text in choices.items() if in_order(text) == wanted})
    item = value[0]
    for names in ({plain(item.name)}, names_of(item)):
        fitting = {
            letter: text for letter, text in choices.items() if bare(text) in names or plain(text) in names
        }
        if len(fitting) == 1:
            return _only(fitting)
    # A mark may be called like the letter of the choice that means it.
    if item.name in choices and not any(bare(text) for text in choices.values() if bare(text) != plain(text)):
        return item.name if plain(choices[item.name]) in ("", plain(item.name)) else None
    label = {letter: text for letter, text in choices.items() if plain(item.label) in bare(text).split()}
    return _only(label)


def bare(text: str) -> str:
    """A choice without the word that says what sort of thing it names: ``zone A`` is ``a``."""
    return plain(
        re.sub(
            rf"^\s*(?:the\s+|an?\s+(?=\w\w))?{SORTS}\s+(?=\S)", "", text.strip(), flags=re.IGNORECASE
        ).strip(" .")
    )


def in_order(text: str) -> list[str]:
    """Names that a choice lists: ``A, B, C``, ``A then B``, ``A → B``."""
    parts = re.split(
        r"\s*(?:,|;|→|->|>|\bthen\b|\band then\b|\band finally\b|\bfinally\b|\bbefore\b)\s*", text
    )
    return [bare(part) for part in parts if part.strip(" .")]
