"""What a question asks about when it names no single thing: vehicles, buildings, the fastest one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process

# Words for classes, and what they select: the kind of things and the class.
CLASSES: dict[str, tuple[str, str | None]] = {
    "vehicle": ("track", "vehicle"), "car": ("track", "vehicle"), "truck": ("track", "vehicle"),
    "van": ("track", "vehicle"), "bus": ("track", "vehicle"), "lorry": ("track", "vehicle"),
    "automobile": ("track", "vehicle"), "traffic": ("track", "vehicle"), "motorist": ("track", "vehicle"),
    "pedestrian": ("track", "person"), "person": ("track", "person"), "people": ("track", "person"),
    "walker": ("track", "person"), "mover": ("track", None), "target": ("track", None),
    "object": ("track", None),
    "building": ("occluder", "building"), "house": ("occluder", "building"), "roof": ("occluder", "building"),
    "tree": ("occluder", "tree"), "road": ("road", None), "street": ("road", None), "zone": ("zone", None),
}  # fmt: skip
# The tracker tells vehicles from people, no more: what was asked more exactly is said to be unknown.
COARSE = {"car": "vehicle", "truck": "vehicle", "van": "vehicle", "bus": "vehicle", "lorry": "vehicle"}
MOVING = re.compile(r"\b(moving|driving|drive|drove|driven|travelling|traveling|passing|in motion)\b")
PARKED = re.compile(r"\b(parked|standing|stationary|parking|not moving)\b")
# Words that may stand before a class without meaning a property that would have to be seen.
HARMLESS = frozenset(
    [
        "a",
        "an",
        "any",
        "all",
        "the",
        "this",
        "that",
        "these",
        "those",
        "of",
        "in",
        "at",
        "on",
        "by",
        "is",
        "are",
        "was",
        "were",
        "many",
        "much",
        "which",
        "what",
        "how",
        "different",
        "distinct",
        "unique",
        "single",
        "individual",
        "separate",
        "moving",
        "driving",
        "parked",
        "standing",
        "stationary",
        "other",
        "more",
        "most",
        "few",
        "some",
        "several",
        "total",
        "same",
        "tracked",
        "detected",
        "seen",
        "visible",
        "recorded",
        "first",
        "last",
        "second",
        "fastest",
        "slowest",
        "nearest",
        "closest",
        "one",
        "two",
        "three",
        "count",
        "number",
        "each",
        "every",
        "and",
        "or",
        "do",
        "does",
        "did",
        "can",
        "there",
        "not",
        "no",
        "road",
        "marked",
        "passing",
    ]
)


@dataclass(frozen=True)
class Subject:
    """A class of things: ``word`` is how the question calls it, ``property_`` what else it says of it."""

    kind: str
    label: str | None
    word: str
    property_: str | None = None
    is_parked: bool = False


def find_subject(text: str) -> Subject | None:
    """The first class that a question speaks of."""
    words = re.findall(r"[a-z]+|⟦\d+⟧", text.lower())
    for place, word in enumerate(words):
        name = _class_of(word)
        if name is None:
            continue
        kind, label = CLASSES[name]
        before = words[place - 1] if place else "the"
        said = before if before.isalpha() and before not in HARMLESS else None
        parked = kind == "track" and bool(PARKED.search(text.lower())) and not MOVING.search(text.lower())
        return Subject("object" if parked else kind, label, name, said, parked)
    return None


def _class_of(word: str) -> str | None:
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)):
        if form in CLASSES:
            return form
    # A slip of the finger in a long word; short ones are too alike.
    if len(word) < 6:
        return None
    hit = process.extractOne(word.removesuffix("s"), CLASSES.keys(), scorer=fuzz.ratio, score_cutoff=86)
    return str(hit[0]) if hit is not None else None
