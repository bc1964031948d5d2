"""What there is in a scene, in words for a model: bounded in size, and with names that cannot speak.

Names of layers, features and clips come from files of strangers. Each is put between quotation marks on one
line, without what cannot be printed, and cut short.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

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
MAX_NAMES, MAX_NAMES_CHARS = 400, 8000
# Things that have names, in the order in which they are told, and things that have numbers.
NAMED = (Kind.MARK, Kind.ZONE, Kind.PLACE, Kind.ROAD, Kind.OCCLUDER, Kind.SEGMENT, Kind.GROUNDING)
NUMBERED = (Kind.TRACK, Kind.OBJECT)
KINDS = (*NAMED, *NUMBERED)
# Of things that have only numbers so many are listed as examples; and classes of a kind that are counted.
MAX_NUMBERED, MAX_CLASSES = 8, 6
# What ends words and belongs to none.
PUNCTUATION = ".,;:?!()[]\"'“”‘’"


@dataclass(frozen=True)
class Summary:
    """A scene in words. ``shown`` are the things of the list in its order: the first has number 1.

    ``names`` and ``labels`` are all that programs may name, ``numbered`` the classes whose things have
    numbers for names; ``None`` where there are too many to be listed.
    """

    text: str
    shown: tuple[Thing, ...]
    names: tuple[str, ...] | None
    labels: tuple[str, ...] | None
    numbered: tuple[str, ...] | None


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
    named = [thing for kind in NAMED for thing in memory.by_kind[kind]]
    names = {thing.name for thing in named if not _is_numbered(thing)}
    numbered = {thing.label for thing in named if _is_numbered(thing)}
    labels = {thing.label for thing in memory.things if thing.kind is not Kind.MARK}
    return Summary("\n".join([*head, *rows]), tuple(shown), _few(names), _few(labels), _few(numbered))


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
    words = plain(" ".join((question.text, *question.choices.values()))).split()
    asked = f" {' '.join(word.strip(PUNCTUATION) for word in words)} "
    area = shapely.box(*memory.views.ground.bounds) if len(memory.views) else None
    by_kind = [_worth_a_line(memory.by_kind[kind], asked, area) for kind in KINDS]
    chosen: list[Thing] = []
    for thing in (item for row in zip_longest(*by_kind) for item in row if item is not None):
        room -= len(_row(len(chosen), thing)) + 1
        if room < 0:
            break
        chosen.append(thing)
    # In the order of the scene, whatever is asked: a model knows the start of what it read before again.
    kept = {thing.key for thing in chosen}
    return [thing for kind in KINDS for thing in memory.by_kind[kind] if thing.key in kept]


def _worth_a_line(things: Sequence[Thing], asked: str, area: BaseGeometry | None) -> list[Thing]:
    """Each name once: first what the question has, then what lies where the clip looked; few mere numbers."""
    once: dict[str, Thing] = {}
    for thing in things:
        once.setdefault(plain(thing.name), thing)
    items = list(once.values())
    seen = np.ones(len(items)) if area is None else shapely.intersects([item.shape for item in items], area)
    ranks = [
        (f" {name} " not in asked, _is_numbered(item), not is_seen)
        for (name, item), is_seen in zip(once.items(), seen, strict=True)
    ]
    order = sorted(range(len(items)), key=ranks.__getitem__)
    plain_numbers = [place for place in order if ranks[place][:2] == (True, True)]
    dropped = set(plain_numbers[MAX_NUMBERED:])
    return [items[place] for place in order if place not in dropped]


def _is_numbered(thing: Thing) -> bool:
    """Whether it has only a number for a name, by which nobody calls it unless the scene shows it."""
    is_own = thing.name.startswith(thing.label) and thing.name.removeprefix(thing.label).strip().isdecimal()
    return is_own or thing.name == thing.key


def _rows(memory: Memory, shown: Sequence[Thing]) -> Iterator[str]:
    """The list, kind by kind, with how many there are of each class."""
    for kind in KINDS:
        things = memory.by_kind[kind]
        if not things:
            continue
        listed = [(number, thing) for number, thing in enumerate(shown) if thing.kind is kind]
        yield f"Of kind {kind.value} there are {len(things)}{_classes(things)}" + (":" if listed else ".")
        yield from (_row(number, thing) for number, thing in listed)
        if listed and len(listed) < len(things):
            yield "  and more."


def _classes(things: Sequence[Thing]) -> str:
    """How many there are of the most frequent classes."""
    counts = Counter(thing.label for thing in things)
    if len(counts) < 2:
        return ""
    told = ", ".join(f"{count} {safe(label, MAX_FIELD)}" for label, count in counts.most_common(MAX_CLASSES))
    return f" ({told})"


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
    if summary.names is not None and summary.numbered is not None:
        # Only classes of letters: others would have to be escaped in an expression.
        classes = (label for label in summary.numbered if re.fullmatch(r"[\w ]+", label, re.ASCII))
        numbered = {
            "type": "string",
            "pattern": rf"^({'|'.join(('track', 'object', *classes))}) [0-9]{{1,9}}$",
        }
        names = [{"enum": list(summary.names)}] * bool(summary.names)
        fixed["named", "name"] = {"anyOf": [*names, numbered]}
    if summary.labels:
        fixed["things", "label"] = {"enum": list(summary.labels)}
    return fixed
