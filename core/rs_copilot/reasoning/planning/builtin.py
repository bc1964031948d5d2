"""The planner that needs no model; see `plan`."""

from __future__ import annotations

import re

from rs_copilot.reasoning.checking import check
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning import families
from rs_copilot.reasoning.planning.builders import BUILDERS, Draft, Parsed, Unclear, replaced_names
from rs_copilot.reasoning.planning.mentions import MENTION, OPEN, Mentioned, find_mentions, nearly
from rs_copilot.reasoning.planning.subjects import Subject, find_subject
from rs_copilot.reasoning.planning.words import take_length, take_times, tidy
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import SpatialTask as T
from rs_copilot.reasoning.things import Kind, Thing

EXAMPLES = (
    "Ask for example when a zone is first seen, how many vehicles crossed it, how far and in which direction "
    "one place is from another, or what hides a place."
)


def plan(question: Question, memory: Memory) -> Plan | NoPlan:
    """A program for a question in English, by its typical words; or why none could be made."""
    parsed = parse(question, memory)
    refused = _refused(parsed)
    if refused is not None:
        return refused
    ranked = families.scores(parsed.text, parsed.choices, len(parsed.mentioned()))
    found = families.best(ranked)
    if found is None:
        return NoPlan("the question fits none of the tasks that are known", EXAMPLES, _unused(parsed))
    task, _ = found
    draft = Draft(parsed, {})
    try:
        kind = BUILDERS[task](draft)
    except Unclear as unclear:
        return NoPlan(str(unclear), EXAMPLES, _unused(parsed))
    program = check({"steps": draft.steps, "answer": list(draft.steps)[-1]})
    if not isinstance(program, Program):
        return NoPlan(f"no program could be written: {program[0]}", EXAMPLES)
    return Plan(program, task, question.kind or kind, _said(parsed, task), _unused(parsed))


def parse(question: Question, memory: Memory) -> Parsed:
    """Take a question apart: names, times, lengths, classes."""
    views = memory.views
    duration_s = float(views.times_s[-1]) if len(views) else 0.0
    mentioned = find_mentions(tidy(question.text), memory)
    text, times = take_times(mentioned.text, duration_s)
    text, radius = take_length(text)
    mentioned = Mentioned(text, mentioned.things)
    if not re.search(MENTION, text):
        mentioned = _with_misspelt(mentioned, memory)
    things = _with_marks(mentioned, memory)
    text = mentioned.text.lower()
    return Parsed(text, things, times, find_subject(text), question.choices, radius, memory)


def _with_misspelt(mentioned: Mentioned, memory: Memory) -> Mentioned:
    hit = nearly(mentioned.text, memory)
    if hit is None:
        return mentioned
    ngram, thing = hit
    text = mentioned.text.replace(ngram, f"{OPEN}{len(mentioned.things)}⟧", 1)
    return Mentioned(text, (*mentioned.things, thing))


def _with_marks(mentioned: Mentioned, memory: Memory) -> tuple[Thing, ...]:
    """What was named, and the other marks of the question after it: they are what its choices mean."""
    known = {thing.key for thing in mentioned.things}
    others = [thing for thing in memory.things if thing.kind is Kind.MARK and thing.key not in known]
    return (*mentioned.things, *others)


def _refused(parsed: Parsed) -> NoPlan | None:
    """A question about what only eyes can tell: colours, makes, purposes of what is seen."""
    subject: Subject | None = parsed.subject
    if subject is None or subject.property_ is None:
        return None
    return NoPlan(
        f"the scene does not tell which {subject.word}s are {subject.property_!r}",
        "A vision-language model could look: choose one with --vlm.", (subject.property_,),
    )  # fmt: skip


def _said(parsed: Parsed, task: T) -> str:
    return f"{task.value}: {replaced_names(parsed.text, parsed.things).strip(' ?.')}"


def _unused(parsed: Parsed) -> tuple[str, ...]:
    """Long words that no pattern of any task looks for."""
    known = families.vocabulary()
    words = re.findall(r"[a-z]{4,}", re.sub(MENTION, " ", parsed.text))
    return tuple(dict.fromkeys(word for word in words if word not in known))
