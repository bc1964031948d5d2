"""What a question asks about when it names no single thing: vehicles, buildings, the fastest one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rs_copilot.reasoning.planning.phrases import phrase

# Words for classes, and what they select: the kind of things and the class.
CLASSES: dict[str, tuple[str, str | None]] = {
    "vehicle": ("track", "vehicle"), "car": ("track", "vehicle"), "truck": ("track", "vehicle"),
    "van": ("track", "vehicle"), "bus": ("track", "vehicle"), "lorry": ("track", "vehicle"),
    "traffic": ("track", "vehicle"), "motorist": ("track", "vehicle"),
    "pedestrian": ("track", "person"), "person": ("track", "person"), "people": ("track", "person"),
    "walker": ("track", "person"), "mover": ("track", None), "target": ("track", None),
    "object": ("track", None),
    "automobile": ("track", "vehicle"), "motorcar": ("track", "vehicle"),
    "driver": ("track", "vehicle"),
    "structure": ("occluder", "building"),
    "building": ("occluder", "building"), "house": ("occluder", "building"), "roof": ("occluder", "building"),
    "tree": ("occluder", "tree"), "road": ("road", None), "street": ("road", None), "zone": ("zone", None),
}  # fmt: skip
ANY = ("track", None)
# The tracker tells vehicles from people, no more: what is asked more exactly is said to be unknown, unless
# several sorts are named, which together are just vehicles.
FINER = {"truck": "truck", "lorry": "truck", "van": "van", "bus": "bus"}
# What only eyes can tell.
VISUAL = frozenset(
    [
        "red",
        "blue",
        "green",
        "yellow",
        "white",
        "black",
        "grey",
        "gray",
        "silver",
        "brown",
        "orange",
        "pink",
        "purple",
        "dark",
        "bright",
        "pale",
        "light",
        "colored",
        "coloured",
        "big",
        "small",
        "large",
        "little",
        "huge",
        "tiny",
        "long",
        "short",
        "tall",
        "high",
        "low",
        "old",
        "new",
        "electric",
        "empty",
        "full",
        "loaded",
        "police",
        "fire",
        "emergency",
        "delivery",
        "military",
        "civilian",
        "private",
        "public",
        "taxi",
        "parcel",
        "postal",
        "broken",
        "damaged",
        "burnt",
        "abandoned",
        "expensive",
        "cheap",
        "dirty",
        "clean",
        "wooden",
        "concrete",
        "brick",
        "flat-roofed",
        "residential",
        "commercial",
        "industrial",
    ]
)
MOVING = re.compile(r"\b(moving|driving|drive|drove|driven|travelling|traveling|passing|in motion)\b")
PARKED = re.compile(r"\b(parked|standing|stationary|parking|not moving)\b")


@dataclass(frozen=True)
class Subject:
    """A class of things: ``word`` is how the question calls it, ``property_`` what else it says of it.

    ``finer`` is a sort of vehicle that was asked for, where it is the only one.
    """

    kind: str
    label: str | None
    word: str
    property_: str | None = None
    is_parked: bool = False
    finer: str | None = None


def find_subject(text: str) -> Subject | None:
    """The first class that a question speaks of."""
    line = text.lower()
    words = re.findall(r"[a-z]+|⟦\d+⟧", line)
    classes = [(place, name) for place, word in enumerate(words) if (name := _class_of(word)) is not None]
    # "The road by which vehicles leave": a class that moves is what is asked about, where there is one.
    classes.sort(key=lambda found: (CLASSES[found[1]][0] in ("road", "zone"), CLASSES[found[1]] == ANY))
    if not classes:
        return None
    place, name = classes[0]
    kind, label = CLASSES[name]
    before = next((word for word in words[max(0, place - 2) : place][::-1] if word in VISUAL), None)
    parked = kind == "track" and _is_parked(line)
    sorts = {other for _, other in classes if CLASSES[other] == ("track", "vehicle")}
    finer = FINER.get(name) if len(sorts) == 1 else None
    return Subject("object" if parked else kind, label, name, before, parked, finer)


def _is_parked(line: str) -> bool:
    is_left_out = re.search(phrase("parked left out"), line)
    return bool(PARKED.search(line)) and not MOVING.search(line) and is_left_out is None


def _class_of(word: str) -> str | None:
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)):
        if form in CLASSES:
            return form
    return None
