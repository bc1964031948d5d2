"""A planner that asks a vision-language model; what it says is checked like anything foreign.

The model gets the scene in words and as a map, and writes a program under constrained decoding. A program
that cannot run is given back once with what is wrong with it; after that the built-in planner answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapely.geometry.base import BaseGeometry

from rs_copilot.asking.map_picture import MapView, read_map
from rs_copilot.asking.mentioned import names_taken, strange_names
from rs_copilot.asking.phrasing import adds_nothing
from rs_copilot.asking.prompt import filled, plan_words, question_words, system_words
from rs_copilot.asking.reading import MAX_SAID, NO_REASON, Planned, Refused, read_plan, understood_so_far
from rs_copilot.asking.summary import Summary, names_schema, summary_of
from rs_copilot.errors import CancelledError
from rs_copilot.reasoning.checking import Problem
from rs_copilot.reasoning.memory import Memory, plain
from rs_copilot.reasoning.operations.table import Needs
from rs_copilot.reasoning.plan import NoPlan, Plan, Planner
from rs_copilot.reasoning.planning.builtin import plan as plan_built_in
from rs_copilot.reasoning.prior import Prior, prior_words
from rs_copilot.reasoning.program import OPERATIONS, Step
from rs_copilot.reasoning.program_schema import program_schema
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.tasks import AnswerKind, SpatialTask
from rs_copilot.reasoning.values import Sort
from rs_copilot.vlm.backend import Backend, Conversation, Decoding, Stop, never, unheard
from rs_copilot.vlm.messages import assistant, system, user
from rs_copilot.vlm.openai_wire import quote

# The longest program of the planner's own tests takes 400.
MAX_TOKENS = 1024
MAX_PROBLEMS, MAX_PROBLEM = 6, 400
# How much of a wrong answer the model is shown again.
MAX_REPEATED = 4000
MAX_SHORT = 120
KINDS = {Sort.NUMBER: AnswerKind.NUMBER, Sort.MOMENTS: AnswerKind.TIMESTAMP}


def vlm_planner(
    backend: Backend,
    view: MapView | None = None,
    prior: Prior | None = None,
    *,
    on_understood: Callable[[str], None] = unheard,
    is_cancelled: Callable[[], bool] = never,
    helpers: Collection[Needs] = (),
    max_tokens: int = MAX_TOKENS,
) -> Planner:
    """A planner that asks a model first.

    Args:
        backend: the model.
        view: the map that it is shown; without it words only.
        prior: where a retriever believes the view to lie.
        on_understood: hears how the question is taken, as it is being written.
        is_cancelled: asked while the model writes.
        helpers: what programs may use besides the scene.
        max_tokens: how long an answer of the model may be.

    The planner raises what `Backend.reply` raises, `RasterError` where the map cannot be read, and
    `CancelledError` where it was stopped. Whatever the model says, it gives a plan that can run or none.
    """
    return _VlmPlanner(backend, view, prior, on_understood, is_cancelled, frozenset(helpers), max_tokens)


def plan_schema(summary: Summary, without: Collection[str] = ()) -> dict[str, Any]:
    """The form of what a model may say about a scene: a program ``without`` some operations, or why none."""
    words = {"type": "string", "maxLength": MAX_SAID}
    tasks = [*(task.value for task in SpatialTask), "other"]
    program = program_schema(names_schema(summary), without)
    planned = {"understood": words, "task": {"enum": tasks}, "program": program}
    refused = {"understood": words, "cannot": words}
    return {"anyOf": [_object(planned), _object(refused)]}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


@dataclass
class _Understood:
    """Hears an answer and tells how the question was taken, each time that there is more of it."""

    tell: Callable[[str], None]
    _text: str = ""
    _told: str = ""

    def hear(self, piece: str) -> None:
        """The next piece of the answer."""
        # It comes first; the rest need not be searched again and again.
        if len(self._text) > MAX_REPEATED:
            return
        self._text += piece
        understood = understood_so_far(self._text)
        if understood != self._told:
            self._told = understood
            self.tell(understood)


@dataclass(frozen=True)
class _VlmPlanner:
    backend: Backend
    view: MapView | None
    prior: Prior | None
    on_understood: Callable[[str], None]
    is_cancelled: Callable[[], bool]
    helpers: frozenset[Needs]
    max_tokens: int

    @property
    def _without(self) -> frozenset[str]:
        """Operations that need what is not there."""
        return frozenset(
            name
            for name, item in OPERATIONS.items()
            if item.needs is not None and item.needs not in self.helpers
        )

    def __call__(self, question: Question, memory: Memory) -> Plan | NoPlan:
        summary = summary_of(memory, question)
        asked = self._conversation(question, memory, summary)
        decoding = Decoding(self.max_tokens, lookup=True, schema=plan_schema(summary, self._without))
        text, notes = self._said(asked, decoding)
        found = judged(text, question, memory)
        if isinstance(found, list):
            again = [*asked, assistant(text[:MAX_REPEATED] or "{}"), user(_repair(found))]
            text, more = self._said(again, decoding)
            notes = tuple(dict.fromkeys((*notes, *more)))
            found = judged(text, question, memory)
        if isinstance(found, Planned):
            return self._plan(found, question, memory, notes)
        return self._built_in(found, question, memory, notes)

    def _conversation(self, question: Question, memory: Memory, summary: Summary) -> Conversation:
        picture = None
        if self.view is not None:
            picture = read_map(self.view, memory, summary.shown, self.backend.family, self.prior)
        prior = prior_words(self.prior, _nowhere if picture is None else picture.box_px)
        words = question_words(question, summary.text, prior, has_map=picture is not None)
        return [
            system(system_words(self._without)),
            user(*([] if picture is None else [picture.part]), words),
        ]

    def _said(self, conversation: Conversation, decoding: Decoding) -> tuple[str, tuple[str, ...]]:
        """What the model says, and what has to be noted of it.

        Raises:
            CancelledError: it was stopped.
        """
        heard = _Understood(self.on_understood)
        reply = self.backend.reply(conversation, decoding, heard.hear, self.is_cancelled)
        if reply.stop is Stop.CANCELLED:
            raise CancelledError("The question was stopped before there was an answer.")
        return reply.text, reply.notes

    def _plan(self, found: Planned, question: Question, memory: Memory, notes: tuple[str, ...]) -> Plan:
        kind = AnswerKind.CHOICE if question.choices else KINDS.get(found.program.gives, AnswerKind.TEXT)
        return Plan(
            found.program,
            found.task,
            question.kind or kind,
            _understood(found, question, memory),
            planner=quote(self.backend.model),
            notes=(*notes, *names_taken(found.program, question, memory)),
        )

    def _built_in(
        self,
        found: Refused | list[Problem],
        question: Question,
        memory: Memory,
        notes: tuple[str, ...],
    ) -> Plan | NoPlan:
        """What the built-in planner makes of a question that the model has no program for."""
        plan, name = plan_built_in(question, memory, self.helpers), quote(self.backend.model)
        reason = _reason(found, question, memory) if isinstance(found, Refused) else ""
        if not isinstance(found, Refused):
            said = (
                f"{name} wrote no program that can run ({_short(found[0])}); the built-in planner was asked."
            )
        elif isinstance(plan, NoPlan) or plan.missed:
            # The planner without a model may have overlooked what the model saw.
            return NoPlan(f"{name} sees no way to tell: {reason}", None, plan.missed, name, notes)
        else:
            said = f"{name} saw no way to tell ({reason}); the built-in planner was asked."
        return replace(plan, notes=(*notes, said))


def _nowhere(_: BaseGeometry) -> None:
    """Where a shape lies in a picture that there is not."""


def judged(text: str, question: Question, memory: Memory) -> Planned | Refused | list[Problem]:
    """What a model said; it is a problem if it names what is not there, or another thing in its place."""
    found = read_plan(text)
    if not isinstance(found, Planned):
        return found
    return strange_names(found.program, question, memory) or found


def _understood(found: Planned, question: Question, memory: Memory) -> str:
    """How the question was taken: in the model's words where they add nothing, else by the steps."""
    literals = [str(value) for step in found.program.steps for value in step.literals.values()]
    known = (question.text, *question.choices.values(), *literals)
    if found.understood and adds_nothing(found.understood, known, _names(memory)):
        return found.understood
    return ", then ".join(_step_words(step) for step in found.program.steps)


def _reason(found: Refused, question: Question, memory: Memory) -> str:
    """Why a model sees no way: in its words where they add nothing."""
    known = (question.text, *question.choices.values())
    return found.reason if adds_nothing(found.reason, known, _names(memory)) else NO_REASON


def _names(memory: Memory) -> set[str]:
    return {plain(thing.name) for thing in memory.things}


def _step_words(step: Step) -> str:
    said = " ".join(str(value) for value in step.literals.values() if isinstance(value, (str, float)))
    name = step.operation.name.replace("_", " ")
    return f"{name} {said}" if said else name


def _repair(problems: Sequence[Problem]) -> str:
    said = "\n".join(f"- {str(problem)[:MAX_PROBLEM]}" for problem in problems[:MAX_PROBLEMS])
    return filled(plan_words().repair, {"problems": said})


def _short(problem: Problem) -> str:
    said = quote(str(problem))
    return said if len(said) <= MAX_SHORT else f"{said[:MAX_SHORT]}…"
