"""Sentences of a model about a result: taken only where they hold nothing that was not computed or asked.

Geometry is computed; a model that phrases it must not add to it. So every number and every name in a sentence
has to stand in what is known, and the result has to stand in it as it was written. Anything else is dropped,
and our own words stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rs_copilot.asking.prompt import filled, plan_words
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.choosing import SECTORS
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.question import Question
from rs_copilot.vlm.backend import Backend, Decoding, Stop, never, unheard
from rs_copilot.vlm.messages import user
from rs_copilot.vlm.parsing import split_thought

MAX_SENTENCE, MAX_TOKENS = 300, 96
NUMBER = re.compile(r"\d+(?:[.:]\d+)*")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
WORDS = Path(__file__).with_name("words") / "sentences.json"


@dataclass(frozen=True)
class Lexicon:
    """Words that count: numbers that are written out, what begins a sentence and names nothing, and what
    turns a result into another one.
    """

    numbers: Mapping[str, float]
    openers: frozenset[str]
    bending: frozenset[str]


@cache
def read_lexicon() -> Lexicon:
    """The words that come with the engine."""
    said = json.loads(WORDS.read_bytes())
    numbers = {word: float(value) for value, word in enumerate(said["written"].split())}
    amounts = {word: float(value) for word, value in said["amounts"].items()}
    return Lexicon(numbers | amounts, frozenset(said["openers"].split()), frozenset(said["bending"].split()))


def adds_nothing(said: str, known: Iterable[str], names: Collection[str] = ()) -> bool:
    """Whether every number and every name in a sentence stands in what is known.

    Names are words with a capital letter, words in scripts without capitals, compass directions, and those of
    ``names`` (written small) that the sentence has; numbers may be written out.
    """
    text = "\n".join(known)
    if not _numbers(said) <= _numbers(text):
        return False
    words = {word.casefold() for word in WORD.findall(text)}
    starts = {found.start(1) for found in re.finditer(r"(?:^|[.!?:]\s+)\W*(\w)", said)}
    for found in WORD.finditer(said):
        word = found[0].casefold()
        is_opener = found.start() in starts and word in read_lexicon().openers
        if _is_name(found[0]) and word not in words and not is_opener:
            return False
    told, had = f" {_flat(said)} ", f" {_flat(text)} "
    return not any(f" {name} " in told and f" {name} " not in had for name in (*SECTORS, *names))


def _is_name(word: str) -> bool:
    """Whether a word has a capital letter, or is in a script that has none."""
    return any(letter.isupper() or not letter.islower() for letter in word if letter.isalpha())


def _flat(text: str) -> str:
    """Words of a text in small letters with single spaces, hyphens kept."""
    return plain(" ".join(re.findall(r"[\w-]+", text)))


def _numbers(text: str) -> set[float | str]:
    """Numbers of a text by value; such as ½ and ² as they are."""
    found: set[float | str] = set()
    rest = text
    for match in NUMBER.finditer(text):
        number = match[0]
        found.add(number if ":" in number or number.count(".") > 1 else float(number))
    rest = NUMBER.sub(" ", text)
    found |= {letter for letter in rest if letter.isnumeric() and not letter.isalpha()}
    written = read_lexicon().numbers
    return found | {written[word] for word in map(str.casefold, WORD.findall(rest)) if word in written}


def is_faithful(sentence: str, result: str, known: Collection[str], names: Collection[str] = ()) -> bool:
    """Whether a sentence says a result and no more.

    Args:
        sentence: what a model made of it.
        result: the result in our own words.
        known: the question, its choices, and what the evidence shows.
        names: all names of the scene, written small.
    """
    if not 0 < len(sentence) <= MAX_SENTENCE or not sentence.isprintable():
        return False
    if f" {_spaced(result)} " not in f" {_spaced(sentence)} ":
        return False
    # A question's own "not" would turn its answer.
    bent = read_lexicon().bending.intersection(_spaced(sentence).split()) - set(_spaced(result).split())
    return not bent and adds_nothing(sentence, (result, *known), names)


def _spaced(text: str) -> str:
    """Words and signs of a text in small letters, each between spaces."""
    return " ".join(re.findall(r"\w+(?:['.:]\w+)*|[^\w\s]", text.casefold().replace("’", "'")))


def phrased(
    backend: Backend,
    question: Question,
    answer: Answer,
    memory: Memory,
    is_cancelled: Callable[[], bool] = never,
) -> str | None:
    """The answer in one sentence of a model; ``None`` where it adds something, or was cut.

    Raises what `Backend.reply` raises.
    """
    asked = filled(plan_words().phrase, {"question": question.text, "result": answer.text})
    reply = backend.reply([user(asked)], Decoding(MAX_TOKENS), unheard, is_cancelled)
    if reply.stop is not Stop.END:
        return None
    lines = split_thought(reply.text)[1].strip().splitlines()
    sentence = lines[0].strip() if len(lines) == 1 else ""
    known = (question.text, *question.choices.values(), *(item.says for item in answer.evidence))
    names = {plain(thing.name) for thing in memory.things}
    return sentence if is_faithful(sentence, answer.text, known, names) else None
