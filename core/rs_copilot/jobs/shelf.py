"""A loaded model that waits for the next question.

Loading takes longer than answering, so a worker keeps the last model; one at a time, because two would not
fit. It goes when another is asked for, when nobody asked for a while, or when somebody needs the memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from rs_copilot.errors import OutOfMemoryError
from rs_copilot.jobs.context import JobContext

if TYPE_CHECKING:
    from rs_copilot.jobs.backends import BackendSpec
    from rs_copilot.jobs.look_pictures import PictureShelf
    from rs_copilot.vlm.backend import Backend

IDLE_S = 15 * 60.0


def open_backend(spec: BackendSpec, device: str) -> Backend:
    """See `rs_copilot.jobs.backends.open_backend`."""
    # A shelf is made before it is known whether a model will be needed: so what models need comes with one.
    from rs_copilot.jobs import backends

    return backends.open_backend(spec, device)


@contextmanager
def shelf_of(context: JobContext) -> Iterator[Shelf]:
    """The caller's shelf, or one for this job only."""
    if context.shelf is not None:
        yield context.shelf
        return
    shelf = Shelf()
    try:
        yield shelf
    finally:
        shelf.release()


class Shelf:
    """Room for one model. ``idle_s`` is how long it stays without being asked."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        # Held while a model is loaded, used or closed; `release` does not wait for it.
        self._use = threading.Lock()
        self._kept: tuple[BackendSpec, str, Backend] | None = None
        self._timer: threading.Timer | None = None
        self._unwanted = threading.Event()

    @cached_property
    def pictures(self) -> PictureShelf:
        """The last pictures that a model was shown."""
        # Likewise: libraries for rasters and clips take a second to load.
        from rs_copilot.jobs.look_pictures import PictureShelf

        return PictureShelf()

    @contextmanager
    def borrow(self, spec: BackendSpec, device: str) -> Iterator[Backend]:
        """The model, loaded if it was not; nobody else has it meanwhile.

        Raises:
            UsageError: no such model.
            BadInputError: the files are no such model.
            MissingDependencyError: packages, weights, the server or the device are missing.
            OutOfMemoryError: it does not fit, or ran out of memory while it was used.
        """
        with self._use:
            self._stop_timer()
            self._unwanted.clear()
            backend = self._take(spec, device)
            try:
                yield backend
            except OutOfMemoryError:
                # What is left of the memory may be in pieces; the next question starts afresh.
                self._close()
                raise
            finally:
                if self._unwanted.is_set():
                    self._close()
                elif self._kept is not None:
                    self._start_timer()

    def holds(self, spec: BackendSpec, device: str) -> bool:
        """Whether this model is loaded."""
        return self._kept is not None and self._kept[:2] == (spec, device)

    def release(self) -> bool:
        """Give back the memory; false where the model is answering: then it goes after the answer."""
        self._unwanted.set()
        if not self._use.acquire(blocking=False):
            return False
        try:
            self._stop_timer()
            self._close()
        finally:
            self._use.release()
        return True

    def _take(self, spec: BackendSpec, device: str) -> Backend:
        if self._kept is not None and self.holds(spec, device):
            return self._kept[2]
        self._close()
        backend = open_backend(spec, device)
        self._kept = (spec, device, backend)
        return backend

    def _close(self) -> None:
        if self._kept is not None:
            _, _, backend = self._kept
            self._kept = None
            backend.close()

    def _start_timer(self) -> None:
        self._timer = threading.Timer(self._idle_s, self.release)
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
