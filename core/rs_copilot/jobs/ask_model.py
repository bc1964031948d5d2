"""Who plans the program of a question: the built-in planner, or a model that is asked first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localized import params_of_localize, text_of, where_now
from rs_copilot.reasoning.answer import Answer
from rs_copilot.reasoning.eyes import Eyes
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.operations.table import Needs
from rs_copilot.reasoning.plan import NoPlan, Plan, Planner
from rs_copilot.reasoning.planning.builtin import plan as plan_built_in
from rs_copilot.reasoning.prior import Prior
from rs_copilot.reasoning.question import Question

if TYPE_CHECKING:
    from rs_copilot.vlm.backend import Backend

NO_MODEL = "none"

PriorOf: TypeAlias = Callable[[Question], "Prior | None"]


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
    """A planner and who it is. ``phrase`` puts an answer into a sentence that adds nothing, or gives none.

    ``eyes`` are what programs look with.
    """

    planner: Planner = plan_built_in
    eyes: Eyes | None = None
    phrase: Callable[[Question, Answer, Memory], str | None] = _silent
    model: str | None = None
    model_hash: str | None = None
    device: str = "cpu"
    sends_to: str | None = None


@dataclass(frozen=True)
class Files:
    """What belongs to a scene: its clip and its map, where they are known and still there."""

    clip: Path | None = None
    satellite: str | None = None


def find_files(scene: str, clip: str, satellite: str | None) -> Files:
    """The files that a clip was placed with; ``satellite`` is another map than that one.

    Raises:
        SceneError: the scene cannot be read.
    """
    params = params_of_localize(scene, clip)
    found = {name: text_of(params, name) for name in ("clip", "satellite")}
    # What a scene names is opened only where it is a file: a scene may come from a stranger.
    now = {name: None if path is None else Path(where_now(path, scene)) for name, path in found.items()}
    known = {name: path for name, path in now.items() if path is not None and path.exists()}
    own_map = known.get("satellite")
    return Files(known.get("clip"), satellite or (None if own_map is None else str(own_map)))


@contextmanager
def open_planning(
    wishes: ModelWishes,
    context: JobContext,
    files: Callable[[], Files] = Files,
    on_understood: Callable[[str], None] = lambda _: None,
    prior_of: PriorOf | None = None,
) -> Iterator[Planning]:
    """The planner that is wished for; a model is loaded, or found on the shelf.

    Args:
        wishes: which model, if any.
        context: of the job.
        files: what a model is shown; asked only where there is one.
        on_understood: hears how a model takes the question, as it comes.
        prior_of: where a retriever believes the view of a question to lie; without it there is none.

    Raises:
        UsageError: no such model.
        BadInputError: the files are no such model, or the map cannot be read.
        MissingDependencyError: packages, weights, the server or the device are missing.
        OutOfMemoryError: it does not fit.
    """
    helpers = set() if prior_of is None else {Needs.PRIORS}
    if wishes.vlm == NO_MODEL:
        yield Planning(partial(plan_built_in, helpers=helpers))
        return
    # What models and pictures need takes seconds to load.
    from rs_copilot.jobs.backends import backend_of
    from rs_copilot.jobs.shelf import shelf_of
    from rs_copilot.raster.source import open_raster

    shown = files()
    if shown.satellite is not None:
        # A wrong path is better said before minutes of loading.
        open_raster(shown.satellite).close()
    spec = backend_of(wishes.vlm, wishes.precision, wishes.adapter, wishes.family, wishes.key)
    with shelf_of(context) as shelf, shelf.borrow(spec, context.device) as backend:
        yield _planning(backend, shown, context.cancelled.is_set, on_understood, prior_of)


def _planning(
    backend: Backend,
    shown: Files,
    is_cancelled: Callable[[], bool],
    on_understood: Callable[[str], None],
    prior_of: PriorOf | None,
) -> Planning:
    from rs_copilot.asking.eyes import ModelEyes
    from rs_copilot.asking.map_picture import MapView
    from rs_copilot.asking.phrasing import phrased
    from rs_copilot.asking.planner import vlm_planner

    view = None if shown.satellite is None else MapView(shown.satellite)
    has_eyes = shown.clip is not None or shown.satellite is not None
    helpers = [Needs.EYES] * has_eyes + [Needs.PRIORS] * (prior_of is not None)

    def planned(question: Question, memory: Memory) -> Plan | NoPlan:
        planner = vlm_planner(
            backend, view, None if prior_of is None else prior_of(question), helpers=helpers,
            on_understood=on_understood, is_cancelled=is_cancelled,
        )  # fmt: skip
        return planner(question, memory)

    return Planning(
        planned,
        ModelEyes(backend, shown.clip, shown.satellite, is_cancelled=is_cancelled),
        lambda question, answer, memory: phrased(backend, question, answer, memory, is_cancelled),
        backend.model,
        backend.sha256,
        backend.device,
        backend.sends_to,
    )  # fmt: skip
