"""What a worker can be asked, by name. Everything heavy is imported when it is first asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from rs_copilot import __version__
from rs_copilot.errors import UsageError
from rs_copilot.jobs import registry
from rs_copilot.jobs.context import JobContext

if TYPE_CHECKING:
    from rs_copilot.jobs.shelf import Shelf

JOB_LANE = "jobs"
QUICK_LANE = "quick"

Params = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a method gives back: JSON, and pixels where it is about pixels."""

    result: dict[str, Any]
    payload: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Method:
    """A name's meaning: what runs, and in which lane."""

    call: Callable[[Params, JobContext], Outcome]
    lane: str = JOB_LANE


def _nothing_ahead() -> bool:
    return False


def _nothing_open() -> None:
    return None


@dataclass(frozen=True)
class MethodTable:
    """All methods of one worker, and the few hooks that go with them.

    ``idle`` works ahead while no quick method waits, and says whether there is more to do.
    """

    methods: Mapping[str, Method]
    idle: Callable[[], bool] = _nothing_ahead
    close: Callable[[], None] = _nothing_open
    devices: Callable[[], list[dict[str, Any]]] = list

    @staticmethod
    def to_json(value: Any) -> dict[str, Any]:  # noqa: ANN401  jobs report what they like, JSON takes less
        """Paths, dates, enums and models as JSON; not-a-number as null."""
        data: dict[str, Any] = to_jsonable_python(value, inf_nan_mode="null", fallback=str)
        return data


def standard_methods() -> MethodTable:
    """The methods of the real worker."""
    player, shelf = _LazyPlayer(), _LazyShelf()
    methods = {
        "ping": Method(_ping, QUICK_LANE),
        "player.open": Method(player.open, QUICK_LANE),
        "player.frame": Method(player.frame, QUICK_LANE),
        "player.close": Method(player.close, QUICK_LANE),
    }
    for spec in registry.available():
        methods[spec.name] = Method(_job(spec, shelf), QUICK_LANE if spec.is_quick else JOB_LANE)

    def close() -> None:
        player.close_all()
        shelf.close()

    return MethodTable(methods, idle=player.idle, close=close, devices=_devices)


def _ping(params: Params, _: JobContext) -> Outcome:
    return Outcome({"engine": __version__, "time_s": time.time(), "echo": params.get("echo")})


def _job(spec: registry.JobSpec, shelf: _LazyShelf) -> Callable[[Params, JobContext], Outcome]:
    def call(params: Params, context: JobContext) -> Outcome:
        context.shelf = shelf.get() if spec.uses_shelf else None
        return Outcome(registry.run_job(spec.name, params, context).model_dump())

    return call


def _devices() -> list[dict[str, Any]]:
    from rs_copilot.jobs.doctor import find_devices

    return [device.model_dump(mode="json") for device in find_devices()]


class _LazyShelf:
    """Room for one loaded model between requests; what it needs is loaded with the first question."""

    def __init__(self) -> None:
        self._shelf: Shelf | None = None
        self._making = threading.Lock()

    def get(self) -> Shelf:
        with self._making:
            if self._shelf is None:
                from rs_copilot.jobs.shelf import Shelf

                self._shelf = Shelf()
            return self._shelf

    def close(self) -> None:
        if self._shelf is not None:
            self._shelf.release()


class _LazyPlayer:
    """The player's methods; video libraries are loaded with the first clip."""

    def __init__(self) -> None:
        self._player: Any = None

    def _get(self) -> Any:  # noqa: ANN401  naming the type would load the video libraries
        if self._player is None:
            from rs_copilot.jobs.player import Player

            self._player = Player()
        return self._player

    def open(self, params: Params, _: JobContext) -> Outcome:
        return Outcome(self._get().open(**_pick(params, ("clip",), ("ring_folder",))))

    def frame(self, params: Params, _: JobContext) -> Outcome:
        result, payload = self._get().frame(**_pick(params, ("clip", "time_s"), ("max_width_px",)))
        return Outcome(result, payload)

    def close(self, params: Params, _: JobContext) -> Outcome:
        if self._player is not None:
            self._player.close(params.get("clip"))
        return Outcome({})

    def close_all(self) -> None:
        if self._player is not None:
            self._player.close(None)

    def idle(self) -> bool:
        return self._player is not None and bool(self._player.work_ahead())


def _pick(params: Params, needed: tuple[str, ...], optional: tuple[str, ...]) -> Params:
    """The known parameters; unknown ones are ignored, as everywhere in the protocol."""
    absent = [name for name in needed if name not in params]
    if absent:
        raise UsageError(f"Expected the parameters {', '.join(needed)}; {', '.join(absent)} are missing.")
    return {name: params[name] for name in (*needed, *optional) if name in params}
