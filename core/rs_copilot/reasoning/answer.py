"""What is answered: a value, words, and the evidence for them; or why there is no answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry

from rs_copilot.reasoning.tasks import AnswerKind, Task


@dataclass(frozen=True)
class Evidence:
    """Something in the scene that one can look at.

    ``layer`` and ``fid`` name a row of the scene or of a user layer, where there is one; ``time_s`` a moment
    of ``clip``; ``shape`` is geometry in the metric CRS of the memory (a place, a zone, a line that was
    measured); ``says`` is a few words about what it shows.
    """

    says: str
    layer: str | None = None
    fid: int | None = None
    clip: str | None = None
    frame: int | None = None
    time_s: float | None = None
    box_px: tuple[float, float, float, float] | None = None
    shape: BaseGeometry | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """An answer, or an abstention.

    ``value`` is for machines: the letter of a choice, a number in ``unit``, seconds of the clip, or text.
    ``confidence`` is the probability that the value is right, ``stated`` what the operations made of it
    before calibration. ``error`` is half the width of the 90 % interval of a number, in ``unit``. With
    ``abstained``, ``reason`` says why and ``settle`` what would settle it. ``understood`` repeats the
    question as it was taken, ``missed`` are words of it that were not understood.
    """

    text: str
    task: Task | None
    kind: AnswerKind
    value: str | float | None
    unit: str | None = None
    confidence: float = 0.0
    error: float | None = None
    evidence: tuple[Evidence, ...] = ()
    abstained: bool = False
    reason: str | None = None
    settle: str | None = None
    understood: str = ""
    missed: tuple[str, ...] = ()
    planner: str = "built in"
    notes: tuple[str, ...] = ()
    stated: float = 0.0
