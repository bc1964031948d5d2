"""How an operation is declared: its name, what it takes and gives, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from rs_copilot.reasoning.values import Finding, Sort


@dataclass(frozen=True)
class Takes:
    """A parameter: its sort, whether it may be left out, and the words that it is limited to."""

    sort: Sort
    optional: bool = False
    words: tuple[str, ...] = ()


class Needs(str, Enum):
    """What an operation is given besides the memory, by the name of its parameter."""

    EYES = "eyes"
    """A model that looks at pictures."""
    PRIORS = "priors"
    """A search by likeness for where a frame lies."""


@dataclass(frozen=True)
class Operation:
    """One operation. ``cost`` is about how many milliseconds it takes on a large scene.

    What it ``needs`` besides the memory may lack; then it says how to get it.
    """

    name: str
    meaning: str
    takes: Mapping[str, Takes]
    gives: Sort
    run: Callable[..., Finding] = field(repr=False)
    cost: int = 1
    needs: Needs | None = None


OPERATIONS: dict[str, Operation] = {}


def operation(
    gives: Sort, cost: int = 1, needs: Needs | None = None, **takes: Takes | Sort
) -> Callable[..., Callable[..., Finding]]:
    """Declare a function as an operation; the first line of its description says what it does.

    The function is called with the memory and its parameters by name; what was left out is ``None``. What it
    ``needs`` it gets by that name, ``None`` where nobody has it.
    """

    def declare(function: Callable[..., Finding]) -> Callable[..., Finding]:
        meaning = (function.__doc__ or "").strip().splitlines()[0]
        name = function.__name__.rstrip("_")
        params = {key: Takes(item) if isinstance(item, Sort) else item for key, item in takes.items()}
        OPERATIONS[name] = Operation(name, meaning, params, gives, function, cost, needs)
        return function

    return declare
