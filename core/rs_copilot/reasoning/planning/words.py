"""A question as words: tidied, with what it mentions and when taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What people write instead of what the patterns expect.
REPLACED = (
    (r"[“”„\"]", '"'),
    (r"[‘’`]", "'"),
    (r"[–—]", "-"),
    (r"\bwhat's\b", "what is"),
    (r"\bwhere's\b", "where is"),
    (r"\bwhen's\b", "when is"),
    (r"\bwho's\b", "who is"),
    (r"\bhow's\b", "how is"),
    (r"\bdoesn't\b", "does not"),
    (r"\bdidn't\b", "did not"),
    (r"\bisn't\b", "is not"),
    (r"\baren't\b", "are not"),
    (r"\bcan't\b", "can not"),
    (r"\bcannot\b", "can not"),
    (r"\bkph\b|\bkmh\b", "km/h"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"(?<=\d),(?=\d)", "."),
)


def tidy(text: str) -> str:
    """Text on one line, quotation marks and contractions made the same."""
    line = " ".join(text.split())
    for pattern, instead in REPLACED:
        line = re.sub(pattern, instead, line, flags=re.IGNORECASE)
    return line


@dataclass(frozen=True)
class Times:
    """When a question is about: a moment, or a span whose ends may be open."""

    at_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None

    @property
    def has_span(self) -> bool:
        """Whether it is about a span."""
        return self.start_s is not None or self.end_s is not None


_UNIT = r"(?P<u{n}>s|sec|secs|second|seconds|min|mins|minute|minutes|ms)?"
_NUMBER = r"(?P<n{n}>\d+:\d{{2}}(?:\.\d+)?|\d+(?:\.\d+)?)\s*" + _UNIT


def _time(number: int) -> str:
    return _NUMBER.format(n=number)


# From special to general; each takes its match out of the text.
_SPANS = (
    (
        re.compile(
            rf"\b(?:between|from)\s+(?:second\s+)?{_time(1)}\s+(?:and|to|until|till)\s+{_time(2)}\b", re.I
        ),
        "both",
    ),
    (re.compile(rf"\b(?:within|in|during)?\s*(?:the\s+)?first\s+{_time(1)}(?!\w)", re.I), "first"),
    (re.compile(rf"\b(?:within|in|during)?\s*(?:the\s+)?last\s+{_time(1)}(?!\w)", re.I), "last"),
    (re.compile(rf"\b(?:during\s+)?{_time(1)}\s*-\s*{_time(2)}(?!\w)", re.I), "both"),
    (re.compile(rf"\bafter\s+(?:second\s+)?{_time(1)}(?!\w)", re.I), "after"),
    (re.compile(rf"\b(?:before|until)\s+(?:second\s+)?{_time(1)}(?!\w)", re.I), "before"),
)
_MOMENTS = (
    re.compile(rf"\bt\s*=\s*{_time(1)}(?!\w)", re.I),
    re.compile(
        rf"\b{_time(1)}\s+(?:into|in)\b(?:\s+(?:the|this)\s+(?:clip|video|film|flight|recording))?", re.I
    ),
    re.compile(
        rf"\b(?:at|around|about|near|by)\s+(?:the\s+)?(?:time|second|moment|timestamp|t)\s*{_time(1)}(?!\w)",
        re.I,
    ),
    re.compile(rf"\b(?:at|around|about|by)\s+(?:about\s+|around\s+)?{_time(1)}(?!\w)", re.I),
    re.compile(rf"\b(?:second|timestamp)\s+{_time(1)}(?!\w)", re.I),
)


def _seconds(found: re.Match[str], number: int, unit_of: int | None = None) -> float | None:
    text, unit = found[f"n{number}"], found[f"u{number}"] or (found[f"u{unit_of}"] if unit_of else None)
    if ":" in text:
        minutes, seconds = text.split(":")
        return 60.0 * int(minutes) + float(seconds)
    if unit is None:
        return None
    return float(text) * {"mi": 60.0, "ms": 0.001}.get(unit.lower()[:2], 1.0)


def take_times(text: str, duration_s: float) -> tuple[str, Times]:
    """The text without its times, and the times. ``duration_s`` is the length of the clip."""
    for pattern, sort in _SPANS:
        found = pattern.search(text)
        if found is None:
            continue
        start = _seconds(found, 1, 2 if sort == "both" else None)
        if start is None:
            continue
        end = _seconds(found, 2) if sort == "both" else None
        times = {
            "both": Times(start_s=start, end_s=end),
            "first": Times(start_s=0.0, end_s=start),
            "last": Times(start_s=max(0.0, duration_s - start), end_s=duration_s),
            "after": Times(start_s=start, end_s=None),
            "before": Times(start_s=None, end_s=start),
        }[sort]
        return _without(text, found), times
    for moment in _MOMENTS:
        found = moment.search(text)
        at = _seconds(found, 1) if found is not None else None
        bare = found is not None and "second" in found[0].lower() and found["u1"] is None
        if found is not None and (at is not None or bare):
            return _without(text, found), Times(at_s=at if at is not None else float(found["n1"]))
    return text, Times()


def _without(text: str, found: re.Match[str]) -> str:
    return " ".join((text[: found.start()] + " " + text[found.end() :]).split())


_LENGTH = re.compile(
    r"\b(\d+(?:\.\d+)?)\s*(km|kilomet(?:er|re)s?|m|met(?:er|re)s?|ft|feet|foot|yd|yards?|mi|miles?)\b", re.I
)
_LENGTH_UNITS = {"k": "km", "f": "ft", "y": "yd"}


def take_length(text: str) -> tuple[str, dict[str, float | str] | None]:
    """The text without its first length, and the length as a quantity of a program."""
    found = _LENGTH.search(text)
    if found is None:
        return text, None
    word = found[2].lower()
    unit = "mi" if word.startswith("mi") else _LENGTH_UNITS.get(word[0], "m")
    return _without(text, found), {"value": float(found[1]), "unit": unit}
