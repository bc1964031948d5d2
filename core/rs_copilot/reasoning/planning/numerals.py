"""Numbers that are written in words."""

from __future__ import annotations

import re

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ONE, TEN = "|".join(sorted(ONES, key=len, reverse=True)), "|".join(TENS)
NUMBER = rf"(?:({TEN})[\s-]+)?({ONE}|{TEN})((?:\s+point(?:\s+(?:{ONE}))+)|\s+and\s+a\s+half)?"
UNIT = r"(?:m?secs?|m?seconds?|milliseconds?|minutes?|mins?|(?:kilo)?met(?:re|er)s?|feet|yards?|miles?)\b"
# Elsewhere a number in words may be a pronoun ("which one") or say how many choices there are.
SPELT = re.compile(rf"\b{NUMBER}(?=[\s-]+{UNIT})|(?<=\bsecond ){NUMBER}\b", re.IGNORECASE)


def in_digits(text: str) -> str:
    """A text whose numbers before a unit or after "second" are in digits: "three point two seconds"."""
    return SPELT.sub(_in_digits, text)


def _in_digits(match: re.Match[str]) -> str:
    ten, one, rest = match.groups()[:3] if match[2] else match.groups()[3:]
    number = sum(_value(word.lower()) for word in (ten, one) if word)
    tail = (rest or "").lower().split()
    if "half" in tail:
        return f"{number}.5"
    digits = "".join(str(ONES.index(word)) for word in tail[1:])
    return f"{number}.{digits}" if digits else str(number)


def _value(word: str) -> int:
    return 10 * (TENS.index(word) + 2) if word in TENS else ONES.index(word)
