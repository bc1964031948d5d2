"""Whether a program speaks of what the question speaks of.

A model that is held to the names of a scene has to take one of them. Where the question asks for something
that is not there, that must not be another thing in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from rs_copilot.asking.summary import PUNCTUATION, safe
from rs_copilot.reasoning.checking import Problem
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.planning.builtin import parse
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.things import Kind

# How alike a word of the question has to be to a word of a name, 0 to 100.
MIN_LIKENESS = 75.0
# Shorter parts of words mean nothing, in scripts that put no space between words one does.
MIN_PART = 2


def strange_names(program: Program, question: Question, memory: Memory) -> list[Problem]:
    """Names in a program that nothing has; and, where the question has such names, those that it lacks."""
    problems = []
    unknown = parse(question, memory).unknown
    for step, name in _names(program):
        things = memory.named(name)
        if not things:
            problems.append(Problem(step, f"nothing in the scene is called {safe(name)}"))
        elif unknown and things[0].kind is not Kind.MARK and not _is_whole(name, question):
            absent = ", ".join(map(safe, unknown))
            problems.append(
                Problem(step, f"nothing in the scene is called {absent}, and {safe(name)} is not meant")
            )
    return problems


def names_taken(program: Program, question: Question, memory: Memory) -> tuple[str, ...]:
    """What is to be noted of names that the question does not have: a model took them to be meant."""
    taken = []
    for _, name in _names(program):
        things = memory.named(name)
        if things and things[0].kind is not Kind.MARK and not _is_plain(name, question, memory):
            taken.append(f"The question does not name {safe(name)}: the model took it to be meant.")
    return tuple(dict.fromkeys(taken))


def _names(program: Program) -> Iterator[tuple[str, str]]:
    """Steps that name a thing, and the names."""
    for step in program.steps:
        if step.operation.name == "named":
            yield step.name, str(step.literals["name"])


def _is_whole(name: str, question: Question) -> bool:
    """Whether every word of a name stands in the question."""
    words = plain(name).split()
    return len(_found(words, question)) == len(words)


def _is_plain(name: str, question: Question, memory: Memory) -> bool:
    """Whether the name stands in the question, or a part of it that no other thing has."""
    words = plain(name).split()
    found = set(_found(words, question))
    if len(found) == len(set(words)):
        return True
    others = {plain(thing.name) for thing in memory.things} - {plain(name)}
    return bool(found) and not any(found <= set(other.split()) for other in others)


def _found(words: Sequence[str], question: Question) -> list[str]:
    """Those of some words that stand in the question or its choices, slips of the finger aside."""
    text = plain(" ".join((question.text, *question.choices.values())))
    asked = [word.strip(PUNCTUATION) for word in text.split()]
    return [
        word
        for word in words
        if any(fuzz.ratio(word, other) >= MIN_LIKENESS for other in asked if other)
        or (not word.isascii() and len(word) >= MIN_PART and word in text)
    ]
