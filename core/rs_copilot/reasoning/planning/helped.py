"""Programs for what the scene itself does not know, where something helps: eyes, or a search by likeness."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from rs_copilot.reasoning.checking import check
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.table import Needs
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning.draft import Draft, Parsed, replaced_names
from rs_copilot.reasoning.planning.families import vocabulary
from rs_copilot.reasoning.planning.mentions import MENTION, find_mentions, strangers
from rs_copilot.reasoning.planning.subjects import find_subject
from rs_copilot.reasoning.planning.words import take_times, tidy
from rs_copilot.reasoning.program import Program
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind, PoseTask, SpatialTask
from rs_copilot.reasoning.things import Kind, Thing

WHETHER = re.compile(r"^(?:is|are|was|were|can|could|do|does|did)\b", re.IGNORECASE)
WHERE = re.compile(
    r"^(?:where(?: exactly)? (?:is|are|was|were|can (?:i|you|one) (?:see|find)|do (?:i|you) see)"
    r"|find|locate|point (?:to|at|out)|show(?: me)?)\s+(?P<phrase>.+)$",
    re.IGNORECASE,
)
HOW_MANY = re.compile(
    r"^(?:how many|count)\s+(?P<phrase>.+?)(?:\s+(?:are|is|were|was|can|do|does|stand|lie)\b.*)?$",
    re.IGNORECASE,
)
OPEN_ASKED = re.compile(r"^(?:what|which|who|describe|read|how (?:does|do|is|are) )", re.IGNORECASE)
# Where to look is a parameter, not a part of what is looked for.
PLACE = re.compile(
    rf"\s*,?\s*\b(?:in|on|of|at|within|inside|around|near|by)\s+(?:the|this|that|these)?\s*"
    rf"(?:{MENTION}|(?:video |satellite )?(?:frame|picture|image|photo|video|clip|map|view|footage|scene))",
    re.IGNORECASE,
)
ARTICLE = re.compile(r"^(?:the|an?|any|all|some)\s+", re.IGNORECASE)
# A question about where the camera looked.
OF_THE_VIEW = re.compile(
    r"\b(?:where|which|what)\b.*\b(?:frame|picture|image|view|camera|drone|uav|video|clip|footage|shows?|shown)\b",
    re.IGNORECASE,
)
WHERE_THE_VIEW = re.compile(
    r"^where (?:is|was|does|did|are) (?:the )?(?:camera|drone|uav|view|picture|frame|video|clip)\b",
    re.IGNORECASE,
)


def with_help(
    question: Question, memory: Memory, found: Plan | NoPlan, helpers: Collection[Needs]
) -> Plan | NoPlan:
    """Another plan where the scene cannot answer and something else can; else the one that was found."""
    if not helpers:
        return found
    parsed = _parsed(question, memory)
    if Needs.PRIORS in helpers and isinstance(found, Plan) and found.task is PoseTask.PART:
        return (_likely_part(found) if _is_unplaced(parsed) else None) or found
    if Needs.PRIORS in helpers and _is_unplaced(parsed) and _is_of_the_view(parsed, found):
        return _likely(question, parsed) or found
    if Needs.EYES in helpers and isinstance(found, NoPlan) and not parsed.unknown:
        return _looked(question, parsed) or found
    return found


def _parsed(question: Question, memory: Memory) -> Parsed:
    """The question with its names and times taken out. Nothing is mended: a model knows more words."""
    mentioned = find_mentions(tidy(question.text), memory)
    views = memory.views
    text, times = take_times(mentioned.text, float(views.times_s[-1]) if len(views) else 0.0)
    subject = find_subject(text)
    # What a model sees it cannot know by the name of a place.
    unknown = tuple(strangers(mentioned.text, vocabulary()))
    # Marks that are not named are what the choices mean.
    marks = [thing for thing in memory.by_kind[Kind.MARK] if thing not in mentioned.things]
    things = (*mentioned.things, *marks)
    return Parsed(text.strip(" .?!"), things, times, subject, question.choices, None, memory, unknown)


def _is_unplaced(parsed: Parsed) -> bool:
    at_s = parsed.times.at_s
    return at_s is not None and parsed.memory.views.nearest(at_s) is None


def _is_of_the_view(parsed: Parsed, found: Plan | NoPlan) -> bool:
    """Whether a question is about where the camera looked."""
    if WHERE_THE_VIEW.match(parsed.text):
        return True
    if isinstance(found, Plan) and found.task is not None:
        return found.task is SpatialTask.ASSOCIATION
    return bool(OF_THE_VIEW.search(parsed.text))


def _likely(question: Question, parsed: Parsed) -> Plan | None:
    """Where a frame without a place most likely lies: among marks, in a part of an area, or anywhere."""
    draft = Draft(parsed, {})
    marks = [n for n, thing in enumerate(parsed.things) if thing.kind is Kind.MARK]
    numbers = parsed.mentioned()
    if len(marks) > 1:
        draft.add("likely_place", at=draft.at(), of=draft.all_of(marks))
    elif numbers and re.search(r"\bpart\b", parsed.text):
        square = draft.add("likely_place", at=draft.at())
        draft.add("part_of", of=square, zone=draft.thing(numbers[0]))
    else:
        draft.add("likely_place", at=draft.at())
    kind = AnswerKind.CHOICE if question.choices else AnswerKind.TEXT
    said = f"where a search by likeness finds the frame at {parsed.times.at_s:g} s"
    return _plan(question, draft, kind, said, SpatialTask.ASSOCIATION)


def _likely_part(found: Plan) -> Plan | None:
    """The same part of an area, of where a search by likeness finds what a frame shows."""
    document = found.program.document()
    shown = [step for step in document["steps"].values() if step["op"] == "centre_at"]
    for step in shown:
        step["op"] = "likely_place"
    program = check(document)
    if not shown or not isinstance(program, Program):
        return None
    return replace(found, program=program, understood=f"{found.understood}, found by a search by likeness")


def _looked(question: Question, parsed: Parsed) -> Plan | None:
    """A look at a moment or an area that is named; ``None`` where none is, or nothing that eyes can tell."""
    draft = Draft(parsed, {})
    at, of = draft.at(), None
    numbers = parsed.mentioned()
    if numbers:
        of = draft.thing(numbers[0])
        path = parsed.things[numbers[0]].path
        if at is None and path is not None:
            at = {"value": sum(path.span_s) / 2, "unit": "s"}
    if at is None and parsed.subject is not None and parsed.subject.kind == "track":
        # What moved is not on the map.
        return None
    asked = replaced_names(parsed.text, tuple(map(_as_seen, parsed.things)))
    kind = _step(draft, parsed, asked, at, of)
    if kind is None:
        return None
    where = "the map" if at is None else f"the picture at {at['value']:g} s"
    return _plan(question, draft, kind, f"a look of the model at {where}: {asked}", None)


def _step(
    draft: Draft, parsed: Parsed, asked: str, at: dict[str, float | str] | None, of: str | None
) -> AnswerKind | None:
    """The step that looks, by the form of the question."""
    for pattern in (WHERE, HOW_MANY):
        found = pattern.match(parsed.text)
        phrase = "" if found is None else _phrase(found["phrase"])
        if not phrase:
            continue
        if at is None and of is None:
            of = draft.add("seen_ground")
        spots = draft.add("ground", phrase=phrase, at=at, of=of)
        if pattern is WHERE:
            return AnswerKind.TEXT
        draft.add("count", of=spots)
        return AnswerKind.NUMBER
    if at is None and of is None:
        return None
    if WHETHER.match(parsed.text):
        draft.add("look_whether", question=asked, at=at, of=of)
        return AnswerKind.CHOICE
    if OPEN_ASKED.match(parsed.text):
        draft.add("look", question=f"{asked}?", at=at, of=of)
        return AnswerKind.CHOICE if parsed.choices else AnswerKind.TEXT
    return None


def _as_seen(item: Thing) -> Thing:
    """What moves has a number that no model knows, but it is in the middle of what is shown."""
    return item if item.path is None else replace(item, name=f"the {item.label} in the middle")


def _phrase(text: str) -> str:
    """What is looked for, without where and without an article; nothing where it is a thing of the scene."""
    phrase = ARTICLE.sub("", PLACE.sub("", text).strip(" ,"))
    return "" if re.search(MENTION, phrase) else phrase


def _plan(
    question: Question, draft: Draft, kind: AnswerKind, said: str, task: SpatialTask | None
) -> Plan | None:
    program = draft.program()
    if not isinstance(program, Program):
        return None
    return Plan(program, task, question.kind or kind, said)
