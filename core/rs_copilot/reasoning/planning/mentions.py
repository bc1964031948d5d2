"""Which things of a scene a question names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from rs_copilot.reasoning.choosing import SORTS
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.things import Kind, Thing

MAX_WORDS = 6
MIN_LIKENESS = 88.0
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
    doubtful: tuple[str, ...] = ()


def find_mentions(text: str, memory: Memory) -> Mentioned:
    """Take the names of things out of a question: quoted ones, marks by letter, then the longest that fit."""
    names = _names(memory)
    found: list[Thing] = []
    doubtful: list[str] = []

    def number(thing: Thing) -> str:
        for index, known in enumerate(found):
            if known.key == thing.key:
                return f"{OPEN}{index}{CLOSE}"
        found.append(thing)
        return f"{OPEN}{len(found) - 1}{CLOSE}"

    marks = {thing.name: thing for thing in memory.by_kind[Kind.MARK]}
    line = re.sub(r'"([^"]+)"', lambda match: _quoted(match, names, number), text)
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
    return Mentioned(" ".join(out), tuple(found), tuple(doubtful))


def _names(memory: Memory) -> dict[str, Thing]:
    """Things by plain name. What is the only one of its class may be called by the class."""
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
            label: items[0] for label, items in labels.items() if len(items) == 1 and label not in names
        }
    for thing in memory.by_kind[Kind.TRACK]:
        # "vehicle 12" is the way answers name it.
        names.setdefault(f"{plain(thing.label)} {thing.key.split()[-1]}", thing)
    return names


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
        if thing is not None:
            return length, thing
    return 0, None


def nearly(text: str, memory: Memory) -> tuple[str, Thing] | None:
    """A name that stands in the text with a spelling mistake, and what it means."""
    names = {
        plain(thing.name): thing
        for kind in FUZZY_KINDS
        for thing in memory.by_kind[kind]
        if len(thing.name) > 4
    }
    best: tuple[float, str, Thing] | None = None
    for ngram in _ngrams(text):
        hit = process.extractOne(plain(ngram), names.keys(), scorer=fuzz.ratio, score_cutoff=MIN_LIKENESS)
        if hit is not None and (best is None or hit[1] > best[0]):
            best = (hit[1], ngram, names[hit[0]])
    return None if best is None else (best[1], best[2])


def _ngrams(text: str) -> Iterator[str]:
    words = text.split(" ")
    for length in range(min(MAX_WORDS, len(words)), 0, -1):
        for place in range(len(words) - length + 1):
            ngram = " ".join(words[place : place + length]).strip(" ?.,!;:")
            if OPEN not in ngram and len(ngram) > 4:
                yield ngram
