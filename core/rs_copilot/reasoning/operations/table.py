"""How an operation is declared: its name, what it takes and gives, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rs_copilot.reasoning.values import Finding, Sort


@dataclass(frozen=True)
class Takes:
    """A parameter: its sort, whether it may be left out, and the words that it is limited to."""

    sort: Sort
    optional: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One operation. ``cost`` is about how many milliseconds it takes on a large scene."""

    name: str
    meaning: str
    takes: Mapping[str, Takes]
    gives: Sort
    run: Callable[..., Finding] = field(repr=False)
    cost: int = 1


OPERATIONS: dict[str, Operation] = {}


def operation(gives: Sort, cost: int = 1, **takes: Takes | Sort) -> Callable[..., Callable[..., Finding]]:
    """Declare a function as an operation; the first line of its description says what it does.

    The function is called with the memory and its parameters by name; what was left out is ``None``.
    """

    def declare(function: Callable[..., Finding]) -> Callable[..., Finding]:
        meaning = (function.__doc__ or "").strip().splitlines()[0]
        name = function.__name__.rstrip("_")
        params = {key: Takes(item) if isinstance(item, Sort) else item for key, item in takes.items()}
        OPERATIONS[name] = Operation(name, meaning, params, gives, function, cost)
        return function

    return declare
