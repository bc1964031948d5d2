"""Texts that no parser may stumble over: answers as models give them, broken in many ways, and noise."""

from __future__ import annotations

import random
from collections.abc import Iterator

ANSWERS = (
    "12,34,56,78 small vehicle\n100,120,180,190 ship",
    "10,20,60,20,60,50,10,50 plane\n5,5,9,5,9,9,5,9 large-vehicle",
    "100,100,40,20,-30 harbor",
    "There is none.",
    "There are none",
    "<think>two of them</think>\n12,34,56,78 car",
    '```json\n[\n\t{"bbox_2d": [12, 34, 56, 78], "label": "ship"}\n]\n```',
    '[{"oriented bbox": [100, 100, 40, 20, -30], "label": "ship"}]',
    '{"quadrant bbox": [10, 20, 60, 20, 60, 50, 10, 50], "label": "plane"}',
    '{"bbox_2d": [(12 34,, 56, 78)], "label": "label": "ship"},',
    "the car is at [0.1, 0.2, 0.5, 0.9]",
    '<tool_call>\n{"name": "image_zoom_in", "arguments": {"bbox": [1, 2, 30, 40]}}\n</tool_call>',
    "B. twenty-one",
)
SCRAPS = (
    *'{}[](),.:"`<>\\/-+eE \n\t\r\0',
    "nan", "NaN", "Infinity", "-1e999", "9" * 30, "null", "true", "-0", "}}}}", "1.5", "½", "٣", "\u2028",
    "\ud800", "\U0001f6a2", "a\u0301", "<think>", "</think>", "<tool_call>", "</tool_call>", "```", "[[[[",
)  # fmt: skip
ALL = range(0x110000)


def texts(count: int, seed: int = 0) -> Iterator[str]:
    """Mutated answers and, every fourth, noise: scraps, or anything that Unicode has."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(count):
        yield _mutated(chance) if number % 4 else _noise(chance)


def _mutated(chance: random.Random) -> str:
    text = chance.choice(ANSWERS)
    for _ in range(chance.randrange(1, 4)):
        at = int(chance.random() * (len(text) + 1))
        to = at + int(chance.random() * 6)
        text = text[:at] + chance.choice(SCRAPS) + text[to:]
    return text if chance.random() < 0.8 else text + chance.choice(ANSWERS)


def _noise(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(SCRAPS, k=chance.randrange(20)))
    return "".join(map(chr, chance.choices(ALL, k=chance.randrange(30))))


HUGE = {
    "one line": "1," * 500_000,
    "digits": "9" * 1_000_000,
    "empty lines": "\n" * 1_000_000,
    "objects in a row": "1,2,30,40 car" * 80_000,
    "the same line": "1,2,30,40 car\n" * 75_000,
    "other lines": "".join(f"{n % 999},2,{n},40 car\n" for n in range(60_000)),
    "brackets": "[" * 1_000_000,
    "braces": "{" * 1_000_000,
    "braces with numbers": "{1" * 500_000,
    "pairs": "{}" * 500_000,
    "nested items": '{"bbox_2d":' * 90_000,
    "items": '{"bbox_2d": [1, 2, 30, 40], "label": "ship"},' * 22_000,
    "broken items": '{"bbox_2d": [1,, 2 30, 40), "label": "label": "ship"},' * 20_000,
    "labels": '"label":' * 125_000,
    "commas": ", " * 500_000,
    "spaces": " " * 1_000_000,
    "thought": "<think>" + "</think" * 140_000,
    "calls": "<tool_call>" * 90_000,
    "a call": "<tool_call>" + "{" * 1_000_000,
    "quotes": '"' * 1_000_000,
    "nothing": "there are no " + "cars, " * 160_000,
    "dashes": "-" * 1_000_000,
    "words": "answer " * 140_000,
}
"""Texts of about a megabyte, each hard for another kind of carelessness."""
