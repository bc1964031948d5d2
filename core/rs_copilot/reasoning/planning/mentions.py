"""Which things of a scene a question names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from rs_copilot.reasoning.choosing import SORTS
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.planning.phrases import read_phrases
from rs_copilot.reasoning.planning.subjects import CLASSES
from rs_copilot.reasoning.things import Kind, Thing

MAX_WORDS = 6
# Words that sort what was marked; they are no names even where a layer has them as such.
NO_NAMES = frozenset(
    [
        "zone",
        "area",
        "point",
        "mark",
        "marker",
        "place",
        "path",
        "line",
        "route",
        "track",
        "square",
        "tile",
        "region",
        "box",
        "view",
        "picture",
        "frame",
        "clip",
        "video",
        "camera",
        "drone",
        "uav",
        "vehicle",
        "vehicles",
        "car",
        "cars",
        "map",
        "image",
    ]
) - {"region"}
MIN_LETTERS, LONG_NAME = 5, 9
# Names that people use; houses and trees of a layer are named by number, which a fuzzy match would mix up.
FUZZY_KINDS = (Kind.ZONE, Kind.ROAD, Kind.PLACE, Kind.MARK)
# In the text a thing stands as its number between these.
OPEN, CLOSE = "⟦", "⟧"
MENTION = rf"{OPEN}(\d+){CLOSE}"


@dataclass(frozen=True)
class Mentioned:
    """A question whose names are numbers in brackets, and the things that they stand for, in order."""

    text: str
    things: tuple[Thing, ...]


def find_mentions(text: str, memory: Memory) -> Mentioned:
    """Take the names of things out of a question: quoted ones, marks by letter, then the longest that fit."""
    names = _names(memory)
    found: list[Thing] = []

    def number(thing: Thing) -> str:
        for index, known in enumerate(found):
            if known.key == thing.key:
                return f"{OPEN}{index}{CLOSE}"
        found.append(thing)
        return f"{OPEN}{len(found) - 1}{CLOSE}"

    common = _common() - {"a", "i"}
    marks = {
        thing.name: thing
        for thing in memory.by_kind[Kind.MARK]
        if thing.name.strip() and plain(thing.name) not in common
    }
    every = {plain(thing.name): thing for thing in reversed(memory.things)} | names
    line = re.sub(r'"([^"]+)"', lambda match: _quoted(match, every, number), text)
    line = _marks(line, marks, number)
    words = line.split(" ")
    out: list[str] = []
    place = 0
    while place < len(words):
        length, thing = _longest(words, place, names)
        if thing is None:
            out.append(words[place])
            place += 1
            continue
        tail = re.search(r"[^\w⟧]*$", words[place + length - 1])
        out.append(number(thing) + ("" if tail is None else tail[0].replace("'s", "")))
        place += length
    return Mentioned(" ".join(out), tuple(found))


def _names(memory: Memory) -> dict[str, Thing]:
    """Things by plain name. What is the only one of its class may be called by the class.

    A name that is a common word has to be put in quotation marks, or no question could be read any more.
    """
    common = _common()
    names: dict[str, Thing] = {}
    for thing in reversed(memory.things):
        if thing.kind in (Kind.EVENT, Kind.VIEW):
            continue
        names[plain(thing.key)] = thing
        names[plain(thing.name)] = thing
    for kind in (Kind.ZONE, Kind.PLACE, Kind.OCCLUDER):
        labels: dict[str, list[Thing]] = {}
        for thing in memory.by_kind[kind]:
            labels.setdefault(plain(thing.label), []).append(thing)
        names |= {
            label: items[0]
            for label, items in labels.items()
            if len(items) == 1 and label not in names and label not in CLASSES
        }
    for thing in memory.by_kind[Kind.TRACK]:
        # "vehicle 12" is the way answers name it.
        names.setdefault(f"{plain(thing.label)} {thing.key.split()[-1]}", thing)
    return {name: thing for name, thing in names.items() if name not in common}


def _common() -> frozenset[str]:
    return frozenset(str(read_phrases()["common"]).split()) | NO_NAMES


def _quoted(match: re.Match[str], names: Mapping[str, Thing], number: object) -> str:
    thing = names.get(plain(match[1]))
    return number(thing) if thing is not None and callable(number) else match[1]


def _marks(text: str, marks: Mapping[str, Thing], number: object) -> str:
    """Marks by their letter: after the word for what they are, or alone as a capital."""
    if not marks or not callable(number):
        return text
    some = "|".join(sorted(map(re.escape, marks), key=len, reverse=True))
    by_word = re.compile(rf"\b(?:the\s+)?(?:marked\s+)?{SORTS}s?\s+({some})\b(?!')", re.IGNORECASE)

    def replaced(match: re.Match[str]) -> str:
        exact = marks.get(match[1]) or next(
            (t for n, t in marks.items() if n.lower() == match[1].lower()), None
        )
        return number(exact) if exact is not None else match[0]

    text = by_word.sub(replaced, text)
    # A capital letter alone: after "zones A and B" the B, and in lists; but not the article at the beginning.
    alone = re.compile(rf"(?<![\w{OPEN}])({some})(?![\w'{CLOSE}])")
    return alone.sub(lambda match: match[0] if _is_article(text, match) else replaced(match), text)


def _is_article(text: str, match: re.Match[str]) -> bool:
    """Whether an A is the word "a": at the beginning, before a word in small letters."""
    after = text[match.end() :].lstrip()
    return (
        match[1] == "A"
        and match.start() == 0
        and bool(re.match(r"[a-z]", after))
        and not after.startswith("and ")
    )


def _longest(words: list[str], place: int, names: Mapping[str, Thing]) -> tuple[int, Thing | None]:
    """How many words from a place on are a name, and whose."""
    for length in range(min(MAX_WORDS, len(words) - place), 0, -1):
        ngram = " ".join(words[place : place + length])
        if OPEN in ngram:
            continue
        bare = re.sub(r"(?:'s)?[^\w]*$", "", ngram)
        thing = names.get(plain(bare)) if len(bare) > 1 else None
        if thing is not None and plain(bare) == plain(thing.label) != plain(thing.name):
            # "The bridge" is the only one there is; "a bridge" is any.
            before = words[place] if length > 1 else words[place - 1] if place else ""
            thing = None if before.lower() in ("a", "an", "any") else thing
        if thing is not None:
            return length, thing
    return 0, None


def words_of_names(memory: Memory) -> frozenset[str]:
    """Words that names of places are made of."""
    named = (thing.name for kind in FUZZY_KINDS for thing in memory.by_kind[kind])
    labels = {thing.label for thing in memory.things}
    return frozenset(word for name in (*named, *labels) for word in re.findall(r"[a-z]+", name.lower()))


# A name that is on no map stands in capitals: "Castle Hill", "the Observatory".
CAPITALS = re.compile(
    r"(?<![\w⟦'])[A-Z][a-zA-Z]+(?:[ -](?:(?:of|the|de|am|an der|St\.?) )?[A-Z][a-zA-Z]+)*(?![\w⟧'])"
)
BEFORE_SENTENCE = re.compile(r"(?:^|[.?!:;(]\s*|-\s+)$")


def strangers(text: str, known: Collection[str]) -> list[str]:
    """Names in a question that stand for nothing: capitals within a sentence, or several at its beginning.

    ``text`` has numbers in brackets for the names that were found; ``known`` are words that are no names.
    """
    words = re.findall(r"[A-Za-z]{2,}", text)
    if sum(word[0].isupper() for word in words) > max(3, 0.6 * len(words)):
        # Everything is in capitals, so that they tell nothing.
        return []
    found = []
    for match in CAPITALS.finditer(text):
        parts = match[0].split()
        if BEFORE_SENTENCE.search(text[: match.start()]):
            if len(parts) == 1 and parts[0].lower() not in known:
                continue
            while parts and parts[0].lower() in known:
                parts = parts[1:]
        if any(part.lower() not in known and not part.isupper() for part in parts):
            found.append(" ".join(parts))
    return found


def meant(name: str, memory: Memory) -> Thing | None:
    """The thing whose name was misspelt so; the first letters of words are nearly always right."""
    wanted = plain(name)
    initials = [word[0] for word in wanted.split()]
    best: tuple[int, Thing] | None = None
    for kind in FUZZY_KINDS:
        for thing in memory.by_kind[kind]:
            own = plain(thing.name)
            if len(own) < MIN_LETTERS or [word[0] for word in own.split()] != initials:
                continue
            slips = OSA.distance(wanted, own, score_cutoff=2)
            if slips <= (1 if len(own) < LONG_NAME else 2) and (best is None or slips < best[0]):
                best = (slips, thing)
    return None if best is None else best[1]
