"""Who plans the program of a question: the built-in planner, or a model that is asked first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rs_copilot.jobs.context import JobContext
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import Planner
from rs_copilot.reasoning.planning.builtin import plan as plan_built_in
from rs_copilot.reasoning.question import Question

NO_MODEL = "none"


class ModelWishes(BaseModel):
    """Which model plans: ``vlm`` is ``none`` or what `look` takes as model; the rest is as there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    vlm: str = Field(default=NO_MODEL, min_length=1)
    precision: str = "auto"
    adapter: str | None = None
    family: str | None = None
    key: SecretStr | None = None


def _silent(_: Question, __: Answer, ___: Memory) -> None:
    """Nobody who could phrase an answer."""


@dataclass(frozen=True)
class Planning:
    """A planner and who it is. ``phrase`` puts an answer into a sentence that adds nothing, or gives none."""

    planner: Planner = plan_built_in
    phrase: Callable[[Question, Answer, Memory], str | None] = _silent
    model: str | None = None
    model_hash: str | None = None
    device: str = "cpu"
    sends_to: str | None = None


@contextmanager
def open_planning(
    wishes: ModelWishes,
    context: JobContext,
    satellite: str | None = None,
    on_understood: Callable[[str], None] = lambda _: None,
) -> Iterator[Planning]:
    """The planner that is wished for; a model is loaded, or found on the shelf.

    Args:
        wishes: which model, if any.
        context: of the job.
        satellite: the map that a model is shown.
        on_understood: hears how a model takes the question, as it comes.

    Raises:
        UsageError: no such model.
        BadInputError: the files are no such model, or the map cannot be read.
        MissingDependencyError: packages, weights, the server or the device are missing.
        OutOfMemoryError: it does not fit.
    """
    if wishes.vlm == NO_MODEL:
        yield Planning()
        return
    # What models and pictures need takes seconds to load.
    from rs_copilot.asking.map_picture import MapView
    from rs_copilot.asking.phrasing import phrased
    from rs_copilot.asking.planner import vlm_planner
    from rs_copilot.jobs.backends import backend_of
    from rs_copilot.jobs.shelf import shelf_of
    from rs_copilot.raster.source import open_raster

    if satellite is not None:
        # A wrong path is better said before minutes of loading.
        open_raster(satellite).close()
    spec = backend_of(wishes.vlm, wishes.precision, wishes.adapter, wishes.family, wishes.key)
    view = None if satellite is None else MapView(satellite)
    with shelf_of(context) as shelf, shelf.borrow(spec, context.device) as backend:
        stopped = context.cancelled.is_set
        yield Planning(
            vlm_planner(backend, view, on_understood=on_understood, is_cancelled=stopped),
            lambda question, answer, memory: phrased(backend, question, answer, memory, stopped),
            backend.model,
            backend.sha256,
            backend.device,
            backend.sends_to,
        )
