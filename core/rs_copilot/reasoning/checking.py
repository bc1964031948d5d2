"""Is a document a program that can run? If not, what is wrong, in words that let its author mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rs_copilot.reasoning.operations.table import Operation, Takes
from rs_copilot.reasoning.program import OPERATIONS, Program, Step
from rs_copilot.reasoning.values import Moments, Sort

MAX_STEPS = 24
MAX_COST = 2000
MAX_TEXT = 200
# More than anything on Earth has, in whatever unit; beyond it sums and products are no numbers any more.
MAX_NUMBER = 1e12
# What programs may be written with, in the unit that operations work in; the first is meant without any.
UNITS: dict[Sort, dict[str, float]] = {
    Sort.METRES: {"m": 1.0, "km": 1000.0, "cm": 0.01, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344},
    Sort.SECONDS: {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0},
    Sort.SPEED: {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600},
}


@dataclass(frozen=True)
class Problem:
    """Why a program cannot run."""

    step: str | None
    says: str

    def __str__(self) -> str:
        return f"step {self.step!r}: {self.says}" if self.step else self.says


class Misfit(ValueError):
    """A value that a parameter cannot take; caught by `check`."""


def check(document: object) -> Program | list[Problem]:
    """A program, if the document is one that can run; else all that is wrong with it. Never raises."""
    if not isinstance(document, Mapping):
        return [Problem(None, f"expected an object with steps and answer, found {type(document).__name__}")]
    steps, answer = document.get("steps"), document.get("answer")
    if not isinstance(steps, Mapping) or not 0 < len(steps) <= MAX_STEPS:
        return [Problem(None, f"expected 1 to {MAX_STEPS} steps by name")]
    problems: list[Problem] = []
    checked: list[Step] = []
    for name, body in steps.items():
        found = _check_step(str(name), body, {step.name: step.operation.gives for step in checked})
        if isinstance(found, Step):
            checked.append(found)
        else:
            problems += found
    problems += _whole(checked, answer) if not problems else []
    return problems or Program(tuple(checked), str(answer).removeprefix("$"))


def _whole(steps: list[Step], answer: object) -> list[Problem]:
    """What is wrong with a program whose steps are right."""
    names = [step.name for step in steps]
    if not isinstance(answer, str) or answer.removeprefix("$") not in names:
        return [Problem(None, f"answer names no step: {str(answer)[:40]!r}; steps are {', '.join(names)}")]
    cost = sum(step.operation.cost for step in steps)
    return (
        [Problem(None, f"it costs {cost}, more than {MAX_COST}: use fewer steps")] if cost > MAX_COST else []
    )


def _check_step(name: str, body: object, known: Mapping[str, Sort]) -> Step | list[Problem]:
    said = body.get("op") if isinstance(body, Mapping) else body
    operation = OPERATIONS.get(said) if isinstance(said, str) else None
    if operation is None or not isinstance(body, Mapping):
        there_are = ", ".join(sorted(OPERATIONS))
        return [Problem(name, f"no operation {str(said)[:60]!r}; there are {there_are}")]
    problems = [Problem(name, says) for says in _parameters(operation, body)]
    references: dict[str, str] = {}
    literals: dict[str, Any] = {}
    for key, takes in operation.takes.items():
        value = body.get(key)
        try:
            if isinstance(value, str) and value.startswith("$"):
                references[key] = _reference(value, takes, known)
            elif value is not None:
                literals[key] = LITERALS[takes.sort](value, takes)
        except Misfit as error:
            problems.append(Problem(name, f"{key} {error}"))
    return problems or Step(name, operation, references, literals)


def _parameters(operation: Operation, body: Mapping[Any, Any]) -> list[str]:
    """Parameters that are not known or not there."""
    takes = ", ".join(operation.takes) or "nothing"
    unknown = [str(key)[:40] for key in body if key != "op" and key not in operation.takes]
    absent = [key for key, item in operation.takes.items() if not item.optional and body.get(key) is None]
    said = [f"{operation.name} has no parameter {key!r}; it takes {takes}" for key in unknown]
    return said + [
        f"{operation.name} needs the parameter {key!r} ({operation.takes[key].sort.value})" for key in absent
    ]


def _reference(value: str, takes: Takes, known: Mapping[str, Sort]) -> str:
    sort = known.get(value[1:])
    if sort is None:
        raise Misfit(f"refers to {value[:40]!r}, which is no earlier step")
    # A moment that was found serves where seconds are wanted.
    if sort is not takes.sort and not (takes.sort is Sort.SECONDS and sort is Sort.MOMENTS):
        raise Misfit(f"needs {takes.sort.value}, but {value[:40]} gives {sort.value}")
    return value[1:]


def _result(_: object, takes: Takes) -> Any:  # noqa: ANN401  it never returns
    raise Misfit(f"needs {takes.sort.value}: the result of an earlier step, like '$a'")


def _text(value: object, takes: Takes) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise Misfit(f"needs a text of 1 to {MAX_TEXT} letters")
    if takes.words and value not in takes.words:
        raise Misfit(f"must be one of {', '.join(takes.words)}, found {value[:40]!r}")
    return value


def _quantity(value: object, takes: Takes) -> float:
    units = UNITS[takes.sort]
    number, unit = value, next(iter(units))
    if isinstance(value, Mapping):
        number, unit = value.get("value"), str(value.get("unit", unit))
    if unit not in units:
        raise Misfit(f"is in {unit[:20]!r}; known units are {', '.join(units)}")
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < MAX_NUMBER:
        raise Misfit(f"needs a number of {takes.sort.value}")
    return float(number) * units[unit]


def _span(value: object, takes: Takes) -> Moments:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise Misfit(f"needs two seconds like [2, 8], or the result of an earlier step ({takes.sort.value})")
    start_s, end_s = (_quantity(item, Takes(Sort.SECONDS)) for item in value)
    if start_s > end_s:
        raise Misfit(f"ends before it starts: {start_s:g} to {end_s:g} s")
    return Moments(((start_s, end_s),))


LITERALS: dict[Sort, Callable[[object, Takes], Any]] = {
    Sort.NAME: _text,
    Sort.WORD: _text,
    Sort.PHRASE: _text,
    Sort.METRES: _quantity,
    Sort.SECONDS: _quantity,
    Sort.SPEED: _quantity,
    Sort.MOMENTS: _span,
    Sort.THINGS: _result,
    Sort.NUMBER: _result,
    Sort.VERDICT: _result,
    Sort.TEXT: _result,
}
