"""What operations take and give: sorts of values, and findings that know how sure they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from rs_copilot.reasoning.answer import Evidence
from rs_copilot.reasoning.things import Thing


class Sort(str, Enum):
    """Sorts of values. The first are results of operations, the rest is written into programs."""

    THINGS = "things"
    NUMBER = "number"
    MOMENTS = "moments"
    VERDICT = "verdict"
    TEXT = "text"
    NAME = "name"
    WORD = "word"
    PHRASE = "phrase"
    """Words for a model that looks at pictures."""
    METRES = "metres"
    SPEED = "metres per second"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Number:
    """A quantity; ``error`` is half the width of the interval that holds the truth with 90 % probability."""

    value: float
    unit: str
    error: float = 0.0


@dataclass(frozen=True)
class Moments:
    """Times of the clip from start to end, in seconds, in order; ``error_s`` is that of each end."""

    spans_s: tuple[tuple[float, float], ...]
    error_s: float = 0.0

    @property
    def first_s(self) -> float:
        """When it begins."""
        return self.spans_s[0][0]


@dataclass(frozen=True)
class Verdict:
    """Yes or no."""

    holds: bool


Things: TypeAlias = tuple[Thing, ...]
Value: TypeAlias = Things | Number | Moments | Verdict | str


@dataclass(frozen=True)
class Finding:
    """A value, how probably it is right, and what one can look at to see it.

    ``is_measured`` says that the probability is how often such values were right, not what an operation makes
    of errors: it needs no calibration.
    """

    value: Value
    chance: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = field(default=())
    is_measured: bool = False


class CannotTell(Exception):
    """What is known does not support an answer: why, and what would settle it.

    ``is_none`` says that it is known that there is nothing of what was asked for: an answer where the choices
    have one for it ("nothing", "none of these").
    """

    def __init__(
        self,
        reason: str,
        settle: str | None = None,
        evidence: tuple[Evidence, ...] = (),
        *,
        is_none: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.settle = settle
        self.evidence = evidence
        self.is_none = is_none
