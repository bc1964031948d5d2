"""Small reads away from the main thread, with the answer back in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal


class Background(QObject):
    """One helper thread. Answers arrive in the thread that made this object; after `stop` none does."""

    _arrived = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rs-copilot")
        self._stopped = False
        self._arrived.connect(self._deliver)

    def run(
        self, work: Callable[[], Any], on_done: Callable[[Any], None], on_error: Callable[[Exception], None]
    ) -> None:
        """Do ``work`` in the helper thread; exactly one of the callbacks follows."""
        if self._stopped:
            return
        future = self._pool.submit(work)
        future.add_done_callback(lambda done: self._hand_over(done, (on_done, on_error)))

    def stop(self) -> None:
        """Forget what is still to come; wait for what runs."""
        self._stopped = True
        self._pool.shutdown(wait=True)

    def _hand_over(self, future: Future, callbacks: tuple) -> None:
        if not self._stopped:
            self._arrived.emit(future, callbacks)

    def _deliver(self, future: Future, callbacks: tuple) -> None:
        if self._stopped or future.cancelled():
            return
        on_done, on_error = callbacks
        error = future.exception()
        if error is None:
            on_done(future.result())
        elif isinstance(error, Exception):
            on_error(error)
