"""Programs over a scene: small, typed, checked before they run.

A program is JSON: ``{"steps": {"a": {"op": "named", "name": "depot"}, ...}, "answer": "a"}``. A parameter is
a word or a number, a quantity like ``{"value": 50, "unit": "m"}``, or ``"$a"``, the result of a step before.
`checking` reads such documents, `program_schema` describes them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.eyes import Eyes
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.table import OPERATIONS, Needs, Operation, Takes
from rs_copilot.reasoning.prior import PriorAt
from rs_copilot.reasoning.values import CannotTell, Finding, Moments, Sort

for _module in (
    "select",
    "measure",
    "sight",
    "places",
    "pose",
    "motion",
    "traffic",
    "ways",
    "eyes",
    "likely",
):
    # Each declares its operations as it is loaded.
    importlib.import_module(f"rs_copilot.reasoning.operations.{_module}")

__all__ = ["OPERATIONS", "Program", "Step", "run"]


@dataclass(frozen=True)
class Step:
    """One step of a checked program: references are names of steps, everything else is a value."""

    name: str
    operation: Operation = field(repr=False)
    references: Mapping[str, str]
    literals: Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """A checked program: its steps in order, and the one whose result is the answer."""

    steps: tuple[Step, ...]
    answer: str

    @property
    def gives(self) -> Sort:
        """The sort of the answer."""
        return next(step.operation.gives for step in self.steps if step.name == self.answer)

    def document(self) -> dict[str, Any]:
        """The program as JSON that `checking.check` takes."""
        steps = {
            step.name: {
                "op": step.operation.name,
                **{key: f"${name}" for key, name in step.references.items()},
                **{key: _as_json(value) for key, value in step.literals.items()},
            }
            for step in self.steps
        }
        return {"steps": steps, "answer": self.answer}


def _as_json(value: Any) -> Any:  # noqa: ANN401  mirrors its argument
    return list(value.spans_s[0]) if isinstance(value, Moments) else value


def run(program: Program, memory: Memory, eyes: Eyes | None = None, priors: PriorAt | None = None) -> Finding:
    """The result of a program. The same program over the same memory gives the same result.

    Args:
        program: what to do.
        memory: the scene.
        eyes: a model that looks at pictures, for the steps that need one.
        priors: a search by likeness for where a frame lies, for the steps that need it.

    Raises:
        CannotTell: what is known does not support an answer.
    """
    found: dict[str, Finding] = {}
    helpers = {Needs.EYES: eyes, Needs.PRIORS: priors}
    for step in program.steps:
        needs = step.operation.needs
        help_ = {} if needs is None else {needs.value: helpers[needs]}
        given = {key: found[name] for key, name in step.references.items()}
        values = {key: _value(step.operation.takes[key], item) for key, item in given.items()}
        own = step.operation.run(memory, **values, **step.literals, **help_)
        chance = own.chance * math.prod(item.chance for item in given.values())
        evidence = _each_once((*own.evidence, *(piece for item in given.values() for piece in item.evidence)))
        notes = tuple(dict.fromkeys((*own.notes, *(note for item in given.values() for note in item.notes))))
        is_measured = own.is_measured or any(item.is_measured for item in given.values())
        found[step.name] = replace(
            own, chance=chance, evidence=evidence, notes=notes, is_measured=is_measured
        )
    return found[program.answer]


def _value(takes: Takes, item: Finding) -> Any:  # noqa: ANN401
    if takes.sort is Sort.SECONDS and isinstance(item.value, Moments):
        if not item.value.spans_s:
            raise CannotTell("there is no such moment")
        return item.value.first_s
    return item.value


def _each_once(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Evidence without what is there twice: the same row at the same moment."""
    kept: dict[tuple[object, ...], Evidence] = {}
    for item in evidence:
        kept.setdefault((item.layer, item.fid, item.time_s, item.says if item.fid is None else None), item)
    return tuple(kept.values())
