"""Rows of one layer, made and written by a thread of their own while the next tiles are looked at."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

import geopandas as gpd

from rs_copilot.tiles.memory import trim_heap
from rs_copilot.vector.store import write_layers

T = TypeVar("T", bound=Sized)
# A transaction costs ten milliseconds, however few its rows; many rows would take memory.
WRITE_EVERY_S, MANY_ROWS = 1.0, 1_000
# Tables that may wait: what is found stays in memory until then.
MOST_WAITING = 2


class RowWriter(Generic[T]):
    """Writes what is found into a layer of a scene, in order. Use it as a context manager.

    What was given is written also where the block ends with an error, as when a job is cancelled. Where
    writing fails nothing more is written, and whoever gives or asks next gets the error.
    """

    def __init__(
        self, out: str, layer: str, prepare: Callable[[], None], make: Callable[[list[T]], gpd.GeoDataFrame]
    ) -> None:
        """``prepare`` is called first, ``make`` for the rows of some things found; both in the thread."""
        self.out, self.layer = out, layer
        self.written = 0
        self._make = make
        self._found: list[T] = []
        self._sent_s = time.monotonic()
        self._thread = ThreadPoolExecutor(1, "rs-copilot-write")
        self._failed = False
        self._waiting: deque[Future[None]] = deque([self._thread.submit(self._guarded, prepare)])

    def put(self, found: T) -> None:
        """Write this soon; waits where too much is waiting already.

        Raises:
            RsCopilotError: what making or writing rows raised since the last call.
        """
        self._found.append(found)
        is_late = time.monotonic() - self._sent_s > WRITE_EVERY_S
        if is_late or sum(len(item) for item in self._found) >= MANY_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write now what was put; waits and raises as `put` does."""
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft().result()
        self._send()

    def news(self) -> dict[str, object] | None:
        """What can be shown since the last call, if anything.

        Raises:
            RsCopilotError: see `put`.
        """
        before = len(self._waiting)
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()
        return {"scene": self.out, "layers": [self.layer]} if len(self._waiting) < before else None

    def _send(self) -> None:
        if not self._found:
            return
        found, self._found = self._found, []
        self._sent_s = time.monotonic()
        self._waiting.append(self._thread.submit(self._guarded, lambda: self._write(found)))

    def _write(self, found: list[T]) -> None:
        table = self._make(found)
        if len(table):
            write_layers(self.out, {self.layer: table})
        self.written += len(table)
        del table
        trim_heap()

    def _guarded(self, work: Callable[[], None]) -> None:
        if self._failed:
            return
        self._failed = True
        work()
        self._failed = False

    def __enter__(self) -> RowWriter[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._send()
        self._thread.shutdown(wait=True)
        if error is None:
            for future in self._waiting:
                future.result()
