"""The planner that needs no model; see `plan`."""

from __future__ import annotations

import re
from collections.abc import Collection

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.table import Needs
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning import families, pose
from rs_copilot.reasoning.planning.accounting import left_over, unknown_words
from rs_copilot.reasoning.planning.builders import BUILDERS
from rs_copilot.reasoning.planning.draft import Draft, Parsed, Unclear, replaced_names
from rs_copilot.reasoning.planning.framing import unframed
from rs_copilot.reasoning.planning.helped import with_help
from rs_copilot.reasoning.planning.mentions import (
    CLOSE,
    OPEN,
    Mentioned,
    find_mentions,
    meant,
    strangers,
    words_of_names,
)
from rs_copilot.reasoning.planning.spelling import mended
from rs_copilot.reasoning.planning.stills import with_moments
from rs_copilot.reasoning.planning.subjects import find_subject
from rs_copilot.reasoning.planning.traits import facts_of
from rs_copilot.reasoning.planning.words import take_length, take_times, tidy
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import PoseTask
from rs_copilot.reasoning.tasks import SpatialTask as T
from rs_copilot.reasoning.things import Kind, Thing

EXAMPLES = (
    "Ask for example when a zone is first seen, how many vehicles crossed it, how far and in which direction "
    "one place is from another, or what hides a place."
)

POSE_EXAMPLES = (
    "Ask for example which way the camera faces at 5 s, how high it is, whether it is over a zone, or which "
    "of the frames at 2 s and 9 s is nearest to a place."
)


def plan(question: Question, memory: Memory, helpers: Collection[Needs] = ()) -> Plan | NoPlan:
    """A program for a question in English, by its typical words; or why none could be made.

    ``helpers`` are what programs may use besides the scene: it is used where the scene does not know.
    """
    return with_help(question, memory, _plan(question, memory), helpers)


def _plan(question: Question, memory: Memory) -> Plan | NoPlan:
    parsed = parse(question, memory)
    if parsed.unknown:
        return _unknown(parsed)
    posed = pose.task_of(parsed)
    if posed is not None:
        return _posed(parsed, posed, question)
    ranked = families.ranked(families.scores(parsed.text, facts_of(parsed, question)))
    if not ranked:
        return NoPlan("the question fits none of the tasks that are known", EXAMPLES, unknown_words(parsed))
    first: NoPlan | None = None
    for family in ranked:
        found = _planned(parsed, family, question)
        if isinstance(found, Plan) or found.is_final:
            return found
        first = first or found
    assert first is not None  # noqa: S101  # nosec B101 - at least one was tried
    return first


def _planned(parsed: Parsed, family: str, question: Question) -> Plan | NoPlan:
    """The plan for a question that is taken to be of a family; all that it names has to be made use of."""
    draft = Draft(parsed, {})
    try:
        kind = BUILDERS[family](draft)
        refused = _refused(parsed) if draft.has_used_subject else None
        if refused is not None:
            return refused
        left_over(draft, family)
    except Unclear as unclear:
        return NoPlan(str(unclear), EXAMPLES, unknown_words(parsed))
    program = _program(draft, EXAMPLES)
    if isinstance(program, NoPlan):
        return program
    task = next((task for task in T if task.value == family), None)
    return Plan(program, task, question.kind or kind, _said(parsed, family), unknown_words(parsed))


def _posed(parsed: Parsed, task: PoseTask, question: Question) -> Plan | NoPlan:
    """The plan for a question about the camera behind a frame."""
    draft = Draft(parsed, {})
    try:
        kind = pose.BUILDERS[task](draft)
    except Unclear as unclear:
        return NoPlan(str(unclear), POSE_EXAMPLES, unknown_words(parsed))
    program = _program(draft, POSE_EXAMPLES)
    if isinstance(program, NoPlan):
        return program
    text = re.sub(r"⟨([\d.]+)⟩", r"\1 s", parsed.text)
    said = replaced_names(text, parsed.things).strip(" ?.,")
    when = ", ".join(f"{time_s:g} s" for time_s in pose.moments_of(parsed))
    name = task.value.replace("pose_", "camera, ")
    return Plan(program, task, question.kind or kind, f"{name} at {when}: {said}", unknown_words(parsed))


def _program(draft: Draft, examples: str) -> Program | NoPlan:
    """The steps of a draft as a program; its last step is the answer."""
    program = draft.program()
    if isinstance(program, Program):
        return program
    return NoPlan(f"no program could be written: {program[0]}", examples)


def parse(question: Question, memory: Memory) -> Parsed:
    """Take a question apart: names, times, lengths, classes."""
    views = memory.views
    duration_s = float(views.times_s[-1]) if len(views) else 0.0
    known, names = families.vocabulary() | pose.vocabulary(), words_of_names(memory)
    sought = families.sought() | pose.vocabulary() | names
    line = mended(with_moments(tidy(question.text), views), known, sought)
    mentioned = find_mentions(unframed(tidy(line)), memory)
    mentioned, unknown = _with_misspelt(mentioned, memory, known)
    text, times = take_times(mentioned.text, duration_s)
    text, radius = take_length(text)
    things = _with_marks(Mentioned(text, mentioned.things), memory)
    text = text.lower()
    return Parsed(text, things, times, find_subject(text), question.choices, radius, memory, unknown)


def _with_misspelt(
    mentioned: Mentioned, memory: Memory, known: Collection[str]
) -> tuple[Mentioned, tuple[str, ...]]:
    """Names with slips of the finger in them found too, and those that stand for nothing."""
    text, things, unknown = mentioned.text, list(mentioned.things), []
    for name in strangers(text, known):
        thing = meant(name, memory)
        if thing is None:
            unknown.append(name)
            continue
        things.append(thing)
        text = text.replace(name, f"{OPEN}{len(things) - 1}{CLOSE}", 1)
    return Mentioned(text, tuple(things)), tuple(unknown)


def _with_marks(mentioned: Mentioned, memory: Memory) -> tuple[Thing, ...]:
    """What was named, and the other marks of the question after it: they are what its choices mean."""
    known = {thing.key for thing in mentioned.things}
    others = [thing for thing in memory.things if thing.kind is Kind.MARK and thing.key not in known]
    return (*mentioned.things, *others)


def _unknown(parsed: Parsed) -> NoPlan:
    names = " and ".join(repr(name) for name in parsed.unknown)
    return NoPlan(
        f"nothing in this scene or its layers is called {names}",
        "Give the layer that has it, or mark the place on the map.", parsed.unknown,
    )  # fmt: skip


def _refused(parsed: Parsed) -> NoPlan | None:
    """A question about what only eyes can tell."""
    subject = parsed.subject
    if subject is None:
        return None
    if subject.property_ is not None:
        return NoPlan(
            f"the scene does not tell which {subject.word}s are {subject.property_!r}",
            "A vision-language model could look: show it the picture (Look).", (subject.property_,),
            is_final=True,
        )  # fmt: skip
    labels = {thing.label.lower() for thing in parsed.memory.by_kind[Kind.TRACK]}
    if subject.finer is not None and subject.finer not in labels:
        return NoPlan(
            f"the scene tells vehicles from people, not which vehicles are of the sort {subject.finer!r}",
            "Ask about vehicles, or let a detector classify them.", (subject.finer,), is_final=True,
        )  # fmt: skip
    return None


def _said(parsed: Parsed, family: str) -> str:
    return f"{family}: {replaced_names(parsed.text, parsed.things).strip(' ?.')}"
