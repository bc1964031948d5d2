"""Which of the lettered choices a value means."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rs_copilot.reasoning.memory import plain
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.values import Moments, Number, Things, Value, Verdict

YES = frozenset({"yes", "true", "visible", "seen", "reachable", "possible", "can"})
NO = frozenset({"no", "not", "never", "false", "invisible", "hidden", "unreachable", "impossible", "cannot"})
COMPASS = {
    "n": "north", "ne": "north-east", "e": "east", "se": "south-east", "s": "south", "sw": "south-west",
    "w": "west", "nw": "north-west",
}  # fmt: skip
SECTORS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
WRITTEN_OUT = re.compile(
    r"\b(?:(north|south)[\s-]*(east|west)?|(east|west))(?:ern|erly|wards?)?\b", re.IGNORECASE
)
# A direction on the dial of a clock whose 12 is where the camera faces.
O_CLOCK = "o'clock"
# Parts of a map whose north is up, in words of the page.
SIDES = ((r"\b(?:top|upper)\b", "north"), (r"\b(?:bottom|lower)\b", "south"), (r"\bleft\b", "west"),
         (r"\bright\b", "east"), (r"\b(?:centre|middle|central)\b", "center"))  # fmt: skip
# How far the moment that a choice names may be from a frame's own.
NAMED_WITHIN_S = 0.3
# Words before a name that say what it is.
SORTS = r"(?:zone|area|point|mark|marker|place|path|line|route|track|square|tile|region|box|cell|sector)"


def choose(
    value: Value, choices: Mapping[str, str], times_by_file: Mapping[str, float] | None = None
) -> str | None:
    """The letter of the choice that says the same as a value; ``None`` where none or several do.

    ``times_by_file`` are the moments of stills, whose names choices may be.
    """
    if isinstance(value, Verdict):
        return _only({letter: text for letter, text in choices.items() if says_yes(text) is value.holds})
    if isinstance(value, Number) and value.unit == O_CLOCK:
        return _only({letter: text for letter, text in choices.items() if _hour(text) == round(value.value)})
    if isinstance(value, Number):
        return _by_azimuth(value.value, choices) or _by_number(value.value, choices)
    if isinstance(value, Moments):
        return _by_time(value, choices, times_by_file or {})
    if isinstance(value, str):
        return _only({letter: text for letter, text in choices.items() if _side(text) == _side(value)})
    return _by_moments(value, choices) or _by_things(value, choices)


def _by_time(value: Moments, choices: Mapping[str, str], times_by_file: Mapping[str, float]) -> str | None:
    """The choice that names a still of one of the moments, or else the number nearest to the first."""
    pictures = _pictures(choices, times_by_file)
    if pictures:
        return _only({letter: "" for letter, time_s in pictures.items() if _is_in(time_s, value)})
    return _by_number(value.first_s, choices) if value.spans_s else None


def _pictures(choices: Mapping[str, str], times_by_file: Mapping[str, float]) -> dict[str, float]:
    """Moments of the stills that choices name."""
    times = {name.lower(): time_s for name, time_s in times_by_file.items()}
    said = {letter: re.findall(r"[\w.-]*\w", text.lower()) for letter, text in choices.items()}
    return {letter: times[names[-1]] for letter, names in said.items() if names and names[-1] in times}


def _is_in(time_s: float, value: Moments) -> bool:
    return any(start - NAMED_WITHIN_S <= time_s <= end + NAMED_WITHIN_S for start, end in value.spans_s)


NONE = re.compile(
    r"\b(nothing|none|neither|nobody|no (?:one|such|line|zone|vehicle|event|answer|occluder)|nowhere|never"
    r"|not (?:hidden|occluded|blocked|visible|shown|seen|there))\b",
    re.IGNORECASE,
)


def choice_of_none(choices: Mapping[str, str]) -> str | None:
    """The letter of the one choice that says that there is nothing of what is asked for."""
    return _only({letter: text for letter, text in choices.items() if NONE.search(text)})


def _only(fitting: Mapping[str, str]) -> str | None:
    return next(iter(fitting)) if len(fitting) == 1 else None


def says_yes(text: str) -> bool | None:
    """Whether a choice says yes or no; ``None`` where it says neither."""
    words = re.findall(r"[a-z']+", text.lower())
    if any(word in NO or word.endswith("n't") for word in words):
        return False
    return True if any(word in YES for word in words) else None


def compass(text: str) -> str:
    """A compass direction as one word, whatever way it is written; other texts as their letters."""
    found = WRITTEN_OUT.search(text)
    if found is not None:
        return "-".join(part.lower() for part in found.groups() if part)
    letters = re.sub(r"[^a-z]", "", text.lower())
    return COMPASS.get(letters, letters)


def _side(text: str) -> str:
    """A part of a map or a compass direction as one word: "top left" is north-west where north is up."""
    line = text.lower()
    for pattern, word in SIDES:
        line = re.sub(pattern, word, line)
    return compass(line)


def _hour(text: str) -> int | None:
    found = re.search(r"\b(1[0-2]|[1-9])\b", text)
    return int(found[1]) if found else None


def _by_moments(value: Things, choices: Mapping[str, str]) -> str | None:
    """The choice that names the moments of frames, in their order."""
    wanted = [item.time_s for item in value if item.kind is Kind.VIEW and item.time_s is not None]
    if not value or len(wanted) != len(value):
        return None

    def names(text: str) -> bool:
        said = [
            60.0 * float(minutes or 0) + float(seconds)
            for minutes, seconds in re.findall(r"(?:(\d+):)?(\d+(?:\.\d+)?)", text)
        ]
        pairs = zip(said, wanted, strict=True) if len(said) == len(wanted) else ()
        return bool(said) and len(said) == len(wanted) and all(abs(a - b) <= NAMED_WITHIN_S for a, b in pairs)

    return _only({letter: text for letter, text in choices.items() if names(text)})


def _by_number(value: float, choices: Mapping[str, str]) -> str | None:
    numbers = {
        letter: float(found[0].replace(",", ""))
        for letter, text in choices.items()
        if (found := re.search(r"-?\d[\d,]*(?:\.\d+)?", text))
    }
    return min(numbers, key=lambda letter: abs(numbers[letter] - value)) if numbers else None


def _by_azimuth(azimuth_deg: float, choices: Mapping[str, str]) -> str | None:
    """Where all choices are compass directions, the nearest."""
    sectors = {
        letter: 45.0 * SECTORS.index(word)
        for letter, text in choices.items()
        if (word := compass(text)) in SECTORS
    }
    if not choices or len(sectors) < len(choices):
        return None
    return min(sectors, key=lambda letter: abs((sectors[letter] - azimuth_deg + 180.0) % 360.0 - 180.0))


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
