"""Rows of one layer, made and written by a thread of their own while the next tiles are looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import geopandas as gpd

from rs_copilot.vector.store import write_layers

# Tables that may wait: what is found stays in memory until then.
MOST_WAITING = 2


class RowWriter:
    """Writes tables into a layer of a scene in the order they were given. Use it as a context manager.

    What is given is written also where the block ends with an error, as when a job is cancelled. Where
    writing fails, nothing more is written, and whoever gives or asks next gets the error.
    """

    def __init__(self, out: str, layer: str) -> None:
        self.out, self.layer = out, layer
        self.written = 0
        self._thread = ThreadPoolExecutor(1, "rs-copilot-write")
        self._waiting: deque[Future[None]] = deque()
        self._failed = False

    def begin(self, work: Callable[[], None]) -> None:
        """What has to be done before the first rows."""
        self._waiting.append(self._thread.submit(self._guarded, work))

    def put(self, make: Callable[[], gpd.GeoDataFrame]) -> None:
        """Write what ``make`` gives, called in the thread; waits where too much is waiting already.

        Raises:
            RsCopilotError: what making or writing raised since the last call.
        """
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._guarded, lambda: self._write(make())))

    def news(self) -> dict[str, object] | None:
        """What can be shown since the last call, if anything.

        Raises:
            RsCopilotError: see `put`.
        """
        before = len(self._waiting)
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()
        return {"scene": self.out, "layers": [self.layer]} if len(self._waiting) < before else None

    def _write(self, table: gpd.GeoDataFrame) -> None:
        write_layers(self.out, {self.layer: table})
        self.written += len(table)

    def _guarded(self, work: Callable[[], None]) -> None:
        if self._failed:
            return
        self._failed = True
        work()
        self._failed = False

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is None:
            for future in self._waiting:
                future.result()
