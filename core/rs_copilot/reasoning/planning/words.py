"""A question as words: tidied, with what it mentions and when taken out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rs_copilot.reasoning.planning.numerals import in_digits

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
    (r"\bfields? of view\b", "view"),
    (r"\bkph\b|\bkmh\b", "km/h"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"(?<=\d),(?=\d)", "."),
)


# Brackets that stand for names and times further on.
NO_BRACKETS = str.maketrans(dict.fromkeys("⟦⟧⟨⟩", " "))


def tidy(text: str) -> str:
    """Text on one line, quotation marks and contractions made the same."""
    line = " ".join(text.translate(NO_BRACKETS).split())
    for pattern, instead in REPLACED:
        line = re.sub(pattern, instead, line, flags=re.IGNORECASE)
    return in_digits(line)


@dataclass(frozen=True)
class Times:
    """When a question is about: a moment, or a span whose ends may be open.

    ``moments`` are several moments, which are left in the text in brackets: what stands before each says what
    is meant at it.
    """

    at_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    moments: tuple[float, ...] = ()

    @property
    def has_span(self) -> bool:
        """Whether it is about a span."""
        return self.start_s is not None or self.end_s is not None


_NUMBER = r"\d{1,6}(?:\.\d{1,6})?"
# Notations of a moment or a duration; each becomes a number of seconds. The sooner one counts.
_NOTATIONS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], float]], ...] = (
    (
        re.compile(r"\b(\d{1,2})h\s*(\d{1,2})m\s*(\d{1,2}(?:\.\d{1,6})?)s\b", re.I),
        lambda m: 3600.0 * float(m[1]) + 60.0 * float(m[2]) + float(m[3]),
    ),
    # Minutes and seconds by one and two strokes; tidying makes one of two of either.
    (
        re.compile(r"\b(?:(\d{1,3})'\s*)?(\d{1,2}(?:\.\d{1,6})?)(?:''|\"(?=\W|$))"),
        lambda m: 60.0 * float(m[1] or 0) + float(m[2]),
    ),
    (
        re.compile(r"\b(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d{1,6})?)(?:\s*(?:min|h|s)\b)?"),
        lambda m: 3600.0 * float(m[1] or 0) + 60.0 * float(m[2]) + float(m[3]),
    ),
    (
        re.compile(
            rf"\b(\d{{1,4}})\s*(?:m|min|mins|minutes?)\s*(?:and\s+)?({_NUMBER})\s*(?:s|secs?|seconds?)\b",
            re.I,
        ),
        lambda m: 60.0 * float(m[1]) + float(m[2]),
    ),
    (re.compile(rf"\b({_NUMBER})[\s-]*(?:ms|msecs?|milliseconds?)\b", re.I), lambda m: float(m[1]) / 1000.0),
    (re.compile(rf"\b({_NUMBER})[\s-]*(?:mins?|minutes?)\b", re.I), lambda m: 60.0 * float(m[1])),
    (re.compile(r"\bhalf a minute\b", re.I), lambda _: 30.0),
    (re.compile(r"\b(\d{1,4})(?:st|nd|rd|th)\s+(?:second|sec)\b", re.I), lambda m: float(m[1])),
    (re.compile(rf"\b({_NUMBER})[\s-]*(?:s|secs?|seconds?)\b\.?", re.I), lambda m: float(m[1])),
    (
        re.compile(
            rf"\b(?:seconds?|secs?|timestamp|time|moment|t)\s*(?:no\.?|number|[=:#])?\s*({_NUMBER})(?!\w|[.:]\d)",
            re.I,
        ),
        lambda m: float(m[1]),
    ),
)
# A moment in the one notation that is left, in brackets that no question has.
_MARKED = r"⟨(\d+(?:\.\d+)?)⟩"
_END = rf"(?:{_MARKED}|\b({_NUMBER}))"
_SPANS = tuple(
    (re.compile(pattern, re.I), sort)
    for pattern, sort in (
        (rf"\b(?:between|from)\s+{_END}\s+(?:and|to|until|till|up to)\s+{_MARKED}", "both"),
        (rf"(?:\b(?:during|in|over)\s+)?{_END}\s*(?:-|to|until)\s*{_MARKED}", "both"),
        (rf"(?:\b(?:within|in|during|over)\s+)?(?:the\s+)?\bfirst\s+{_MARKED}", "first"),
        (rf"(?:\b(?:within|in|during|over)\s+)?(?:the\s+)?\b(?:last|final)\s+{_MARKED}", "last"),
        (rf"\b(?:after|from|since)\s+{_MARKED}(?:\s+on(?:wards?)?\b)?", "after"),
        (rf"\b(?:before|until|till|up to)\s+{_MARKED}", "before"),
    )
)
_MOMENT = re.compile(
    r"(?:@\s*|\b(?:at|around|about|near|by|in|of|for|on|when)\s+)?"
    r"(?:\b(?:about|around|exactly|roughly|approximately|precisely|the|time|moment|second|timestamp|t)\s*[=:]?\s+)*"
    rf"(?:\bt\s*=\s*)?{_MARKED}"
    r"(?:\s+(?:mark|point|into|in)\b)?(?:\s+(?:of\s+)?(?:the|this)\s+(?:clip|video|film|flight|recording|footage))?"
    r"(?:\s+(?:after|from|since)\s+(?:the\s+|its\s+)?(?:(?:clip|video|film|flight|recording|footage)(?:'s)?\s+)?"
    r"(?:start|starts|started|beginning|begins|began)\b(?:\s+of\s+(?:the|this)\s+(?:clip|video|film|recording))?)?",
    re.I,
)
_BARE = re.compile(rf"(?:@\s*|\bat\s+)({_NUMBER})(?=\s*(?:[,;:?!)]|\.?\s*$|\.\s))", re.I)


def take_times(text: str, duration_s: float) -> tuple[str, Times]:
    """The text without its times, and the times. ``duration_s`` is the length of the clip."""
    line = text
    for notation, seconds in _NOTATIONS:
        line = notation.sub(lambda m, seconds=seconds: f"⟨{seconds(m):.10g}⟩", line)  # type: ignore[misc]
    for pattern, sort in _SPANS:
        found = pattern.search(line)
        if found is None:
            continue
        said = [float(group) for group in found.groups() if group is not None]
        return _plain(_without(line, found)), _times_of(sort, said, duration_s)
    several = dict.fromkeys(float(number) for number in re.findall(_MARKED, line))
    if len(several) > 1:
        return line, Times(moments=tuple(several))
    found = _MOMENT.search(line) or _BARE.search(line)
    if found is None:
        return text, Times()
    line = _without(line, found)
    while (again := _MOMENT.search(line)) is not None:
        line = _without(line, again)
    return line, Times(at_s=float(found[1]))


def moments(text: str) -> tuple[float, ...]:
    """Every moment that a text names, in its order, in seconds."""
    line = text
    for notation, seconds in _NOTATIONS:
        line = notation.sub(lambda m, seconds=seconds: f"⟨{seconds(m):.10g}⟩", line)  # type: ignore[misc]
    return tuple(float(found) for found in re.findall(_MARKED, line))


def _times_of(sort: str, said: list[float], duration_s: float) -> Times:
    if sort == "both":
        return Times(start_s=min(said), end_s=max(said))
    if sort == "first":
        return Times(start_s=0.0, end_s=said[0])
    if sort == "last":
        return Times(start_s=max(0.0, duration_s - said[0]), end_s=duration_s)
    return Times(start_s=said[0]) if sort == "after" else Times(end_s=said[0])


def _plain(text: str) -> str:
    """Times that were not taken, in seconds."""
    return re.sub(_MARKED, r"\1 s", text)


def _without(text: str, found: re.Match[str]) -> str:
    return " ".join((text[: found.start()] + " " + text[found.end() :]).split())


_LENGTH = re.compile(
    r"\b(\d{1,7}(?:\.\d{1,4})?)\s*(km|kilomet(?:er|re)s?|m|met(?:er|re)s?|ft|feet|foot|yd|yards?|mi|miles?)\b",
    re.I,
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
