"""Questions that a scene can answer, made from what it holds; in English, as the planner's words are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .conversation import plain

MAX_NAME_CHARS = 40
_SIMPLE = re.compile(r"^[^\W\d_](?:[\w'’-]| (?=\S)){1,39}$")


class Topic(Enum):
    """What a suggested question is about."""

    COUNT = "count"
    WHEN = "when"
    DISTANCE = "distance"
    DIRECTION = "direction"
    REACH = "reach"
    ORDER = "order"
    STOP = "stop"
    HIDDEN = "hidden"
    VISIBLE = "visible"
    ROUTE = "route"


@dataclass(frozen=True)
class Suggestion:
    """A question that can be asked at once."""

    topic: Topic
    text: str


@dataclass(frozen=True)
class Stock:
    """What a scene holds: names of areas and places near it, and how many of the rest.

    ``label`` is what most tracks are of; ``has_region`` and ``pins`` tell of what is attached.
    """

    names: tuple[str, ...] = ()
    roads: int = 0
    obstacles: int = 0
    tracks: int = 0
    label: str = "vehicle"
    duration_s: float = 0.0
    has_region: bool = False
    pins: tuple[str, ...] = ()


def suggest(stock: Stock, limit: int = 6) -> list[Suggestion]:
    """A few questions, no two about the same."""
    found: dict[Topic, Suggestion] = {}
    for suggestion in _candidates(stock):
        found.setdefault(suggestion.topic, suggestion)
    return list(found.values())[:limit]


def _candidates(stock: Stock) -> Iterator[Suggestion]:
    first, *others = [*_attached(stock), *_named(stock.names)] or [""]
    second = others[0] if others else ""
    one = plain(stock.label).replace("\n", " ").strip() or "vehicle"
    many = f"{one}s"
    if first:
        if stock.tracks:
            yield Suggestion(Topic.COUNT, f"How many {many} entered {first}?")
        yield Suggestion(Topic.WHEN, f"When does the drone first see {first}?")
    elif stock.tracks:
        yield Suggestion(Topic.COUNT, f"How many {many} are there?")
    if second:
        yield from _of_two(stock, first, second, one)
    if first and stock.obstacles:
        yield Suggestion(Topic.HIDDEN, f"What hides {first}?")
    if stock.tracks:
        yield Suggestion(Topic.STOP, f"Where does the first {one} stop?")
    if first and stock.duration_s > 0:
        yield Suggestion(Topic.VISIBLE, f"Is {first} visible at {stock.duration_s / 2:.0f} s?")


def _of_two(stock: Stock, first: str, second: str, one: str) -> Iterator[Suggestion]:
    yield Suggestion(Topic.DISTANCE, f"How far is {second} from {first}?")
    if stock.roads:
        yield Suggestion(Topic.REACH, f"Can {second} be reached from {first} by road?")
    yield Suggestion(Topic.DIRECTION, f"In which direction is {second} from {first}?")
    if stock.tracks:
        yield Suggestion(Topic.ROUTE, f"Did any {one} drive from {first} to {second}?")
    yield Suggestion(Topic.ORDER, f"Which does the drone pass first, {first} or {second}?")


def _attached(stock: Stock) -> list[str]:
    pins = [f"mark {name}" for name in stock.pins]
    return ["the region", *pins] if stock.has_region else pins


def _named(names: tuple[str, ...]) -> Iterator[str]:
    """Names as a question can say them: odd ones in quotation marks, very long ones not at all."""
    for name in dict.fromkeys(names):
        shown = plain(name).replace("\n", " ").strip()
        if not shown or len(shown) > MAX_NAME_CHARS or '"' in shown or not any(map(str.isalnum, shown)):
            continue
        yield f"the {shown}" if _SIMPLE.match(shown) and shown == shown.lower() else _proper(shown)


def _proper(name: str) -> str:
    return name if _SIMPLE.match(name) else f'"{name}"'
