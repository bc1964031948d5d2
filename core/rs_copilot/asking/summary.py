"""What there is in a scene, in words for a model: bounded in size, and with names that cannot speak.

Names of layers, features and clips come from files of strangers. Each is put between quotation marks on one
line, without what cannot be printed, and cut short.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rs_copilot.reasoning.checking import MAX_TEXT
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.operations.showing import describe
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.vlm.openai_wire import quote

# About 2,000 tokens: more is not read with care, and a small model would read for a minute on a processor.
MAX_CHARS = 6000
MAX_NAME, MAX_FIELD = 60, 24
MAX_LAYERS, MAX_FIELDS = 12, 10
# A model may be held to names where they are few; beyond that they would make its form slow.
MAX_NAMES, MAX_NAMES_CHARS = 200, 6000
# Things that have names, in the order in which they are told, and things that have numbers.
NAMED = (Kind.MARK, Kind.ZONE, Kind.PLACE, Kind.ROAD, Kind.OCCLUDER, Kind.SEGMENT, Kind.GROUNDING)
NUMBERED = (Kind.TRACK, Kind.OBJECT)
NUMBERED_NAME = r"^(track|object) [0-9]{1,9}$"


@dataclass(frozen=True)
class Summary:
    """A scene in words. ``shown`` are the things of the list in its order: the first has number 1.

    ``names`` and ``labels`` are all that programs may name; ``None`` where there are too many to be listed.
    """

    text: str
    shown: tuple[Thing, ...]
    names: tuple[str, ...] | None
    labels: tuple[str, ...] | None


def summary_of(memory: Memory, question: Question, max_chars: int = MAX_CHARS) -> Summary:
    """What a model is told of a scene; things that the question names come first.

    Args:
        memory: the scene, with the question's marks.
        question: what is asked.
        max_chars: how long the words may be, about.
    """
    head = [_clip(memory), *_layers(memory)]
    shown = _chosen(memory, question, max_chars - sum(map(len, head)))
    rows = list(_rows(memory, shown))
    names = {thing.name for kind in NAMED for thing in memory.by_kind[kind]}
    labels = {thing.label for thing in memory.things if thing.kind is not Kind.MARK}
    return Summary("\n".join([*head, *rows]), tuple(shown), _few(names), _few(labels))


def safe(name: str, length: int = MAX_NAME) -> str:
    """A name from a file between quotation marks, on one line, cut short."""
    clean = quote(name)
    return json.dumps(clean if len(clean) <= length else f"{clean[:length]}…", ensure_ascii=False)


def _few(names: set[str]) -> tuple[str, ...] | None:
    """Names that a program can hold, in order, where they are not too many."""
    kept = sorted(name for name in names if 0 < len(name) <= MAX_TEXT and name.isprintable())
    few = len(kept) <= MAX_NAMES and sum(map(len, kept)) <= MAX_NAMES_CHARS
    return tuple(kept) if few else None


def _clip(memory: Memory) -> str:
    views = memory.views
    if not len(views):
        return "No frame of the clip was placed on the map."
    start_s, end_s = views.times_s[0], views.times_s[-1]
    return (
        f"The clip {safe(views.clip)} has {len(views)} frames on the map, "
        f"from {start_s:.1f} to {end_s:.1f} s."
    )


def _layers(memory: Memory) -> Iterator[str]:
    """Layers with how much they hold, and what fields."""
    by_layer: dict[str, list[Thing]] = {}
    for thing in memory.things:
        if thing.layer is not None:
            by_layer.setdefault(thing.layer, []).append(thing)
    for layer, things in list(by_layer.items())[:MAX_LAYERS]:
        kinds = ", ".join(sorted({thing.kind.value for thing in things}))
        fields = [safe(str(key), MAX_FIELD) for key in _fields(things)]
        told = f" with {', '.join(fields)}" if fields else ""
        yield f"Layer {safe(layer)}: {len(things)} of kind {kinds}{told}."
    if len(by_layer) > MAX_LAYERS:
        yield f"And {len(by_layer) - MAX_LAYERS} more layers."


def _fields(things: Sequence[Thing]) -> list[str]:
    """Fields in which one of the first things has something."""
    first = things[:MAX_FIELDS]
    filled = (
        key for key in first[0].properties if any(item.properties.get(key) is not None for item in first)
    )
    return list(filled)[:MAX_FIELDS]


def _chosen(memory: Memory, question: Question, room: int) -> list[Thing]:
    """Things to be listed: each kind gets its share of the room."""
    asked = f" {plain(' '.join((question.text, *question.choices.values())))} "
    by_kind = [_named_first(memory.by_kind[kind], asked) for kind in (*NAMED, *NUMBERED)]
    chosen: list[Thing] = []
    for thing in (item for row in zip_longest(*by_kind) for item in row if item is not None):
        room -= len(_row(len(chosen), thing)) + 1
        if room < 0:
            break
        chosen.append(thing)
    # In the order of the scene, whatever is asked: a model knows the start of what it read before again.
    kept = {thing.key for thing in chosen}
    return [thing for kind in (*NAMED, *NUMBERED) for thing in memory.by_kind[kind] if thing.key in kept]


def _named_first(things: Sequence[Thing], asked: str) -> list[Thing]:
    return sorted(things, key=lambda thing: plain(thing.name) not in asked)


def _rows(memory: Memory, shown: Sequence[Thing]) -> Iterator[str]:
    """The list, kind by kind; says how many of each are not in it."""
    for kind in (*NAMED, *NUMBERED):
        listed = [(number, thing) for number, thing in enumerate(shown) if thing.kind is kind]
        count = len(memory.by_kind[kind])
        if not count:
            continue
        yield f"Of kind {kind.value} there are {count}:" if listed else f"Of kind {kind.value}: {count}."
        yield from (_row(number, thing) for number, thing in listed)
        if listed and len(listed) < count:
            yield f"  and {count - len(listed)} more."


def _row(number: int, thing: Thing) -> str:
    details = list(_details(thing))
    return f"  {number + 1}. {safe(thing.name)}" + (f" ({', '.join(details)})" if details else "")


def _details(thing: Thing) -> Iterable[str]:
    if thing.kind is Kind.MARK:
        yield thing.shape.geom_type.lower()
        return
    said = describe(thing)
    yield safe(said if said != thing.name else thing.label, MAX_FIELD)
    if thing.path is not None:
        start_s, end_s = thing.path.span_s
        yield f"{start_s:.1f} to {end_s:.1f} s"
    if thing.height_m is not None:
        yield f"{thing.height_m:.0f} m high"


def names_schema(summary: Summary) -> dict[tuple[str, str], dict[str, Any]]:
    """What names and classes a program is held to, by operation and parameter."""
    fixed: dict[tuple[str, str], dict[str, Any]] = {}
    if summary.names:
        numbered = {"type": "string", "pattern": NUMBERED_NAME}
        fixed["named", "name"] = {"anyOf": [{"enum": list(summary.names)}, numbered]}
    if summary.labels:
        fixed["things", "label"] = {"enum": list(summary.labels)}
    return fixed
