"""Priors for questions about a scene, from an index of its map."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localized import params_of_localize, text_of, where_now
from rs_copilot.reasoning.values import CannotTell
from rs_copilot.types import TelemetryUse

if TYPE_CHECKING:
    from rs_copilot.jobs.priors import PriorMaker
    from rs_copilot.reasoning.prior import Prior
    from rs_copilot.reasoning.question import Question


class PriorWishes(BaseModel):
    """Where priors come from: with ``prior`` ``auto`` from ``index``, by default that which the clip was
    located with; with ``none`` there are none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    index: Path | None = None
    prior: Literal["auto", "none"] = "auto"


@dataclass
class ScenePriors:
    """Looks up frames of a clip. The index is opened when the first is wanted: that takes a second.

    Where nobody ``asked`` for it and it cannot be used, there are no priors, and a warning says why.
    """

    index: Path
    clip: Path
    telemetry: Path | None
    uses_telemetry: bool
    context: JobContext
    asked: bool
    _stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def _maker(self) -> PriorMaker | None:
        from rs_copilot.jobs.priors import open_priors

        try:
            return self._stack.enter_context(
                open_priors(
                    self.index, self.clip, self.telemetry, self.context, uses_telemetry=self.uses_telemetry
                )
            )
        except (BadInputError, MissingDependencyError) as error:
            if self.asked:
                raise
            self.context.warn(f"Nothing was looked up in the index {self.index}: {error.message}")
            return None

    def at(self, time_s: float) -> Prior | None:
        """The prior of the frame at a moment; ``None`` where the clip has none.

        Raises what `open_priors` does, and `CannotTell` where the index cannot be used.
        """
        if self._maker is None:
            raise CannotTell(f"the index {self.index} cannot be used", "Index the map again.")
        return self._maker.at(time_s)

    def of(self, question: Question) -> Prior | None:
        """The prior for a question. Raises what `open_priors` does."""
        from rs_copilot.jobs.priors import prior_for

        return None if self._maker is None else prior_for(self._maker, question)


@contextmanager
def scene_priors(
    scene: str, clip: str, wishes: PriorWishes, context: JobContext
) -> Iterator[ScenePriors | None]:
    """Priors for a clip of a scene; ``None`` where they are not wanted, or the clip or an index is missing.

    Raises:
        SceneError: the scene cannot be read.
    """
    known = {} if wishes.prior == "none" else params_of_localize(scene, clip)
    # What a scene names is opened only where it is a file: a scene may come from a stranger.
    found = {
        name: Path(now)
        for name in ("clip", "index", "telemetry")
        if (path := text_of(known, name)) is not None and Path(now := where_now(path, scene)).exists()
    }
    index, film = wishes.index or found.get("index"), found.get("clip")
    if wishes.prior == "none" or index is None or film is None:
        yield None
        return
    uses = known.get("use_telemetry") != TelemetryUse.NONE.value
    with ExitStack() as stack:
        asked = wishes.index is not None
        yield ScenePriors(index, film, found.get("telemetry"), uses, context, asked, stack)
