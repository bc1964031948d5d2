"""A request to the engine as a task of QGIS's own task manager."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError, EngineSession, Reply, RequestHandle, ignore
from rs_copilot_plugin.presenters.locate import Request

# After a cancel the engine stops within one frame; a dead-locked one must not keep QGIS from closing.
_CANCEL_GRACE_S = 20.0
_POLL_S = 0.1


class EngineTask(QgsTask):
    """Stands in QGIS's task list for work that another process does.

    The conversation lives in the main thread; the task's own thread only sleeps until the answer is there,
    which is what gives the job a progress bar, a cancel button and QGIS's end-of-job notification.
    The callbacks run in the main thread. Keep a reference: QGIS does not.
    """

    progressed = pyqtSignal(object)
    _cancel_wanted = pyqtSignal()

    def __init__(
        self,
        title: str,
        session: EngineSession,
        request: Request,
        on_result: Callable[[dict[str, Any]], None] = ignore,
        on_error: Callable[[EngineError], None] = ignore,
    ) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._session = session
        self._request = request
        self._on_result, self._on_error = on_result, on_error
        self._answered = threading.Event()
        self._reply: Reply | None = None
        self._error: EngineError | None = None
        self._handle: RequestHandle | None = None
        self._cancel_wanted.connect(self._cancel_request)

    def send(self) -> None:
        """Ask the engine; call it in the main thread, before the task manager gets the task."""
        self._handle = self._session.request(
            self._request.method,
            self._request.params,
            on_result=self._take_reply,
            on_error=self._take_error,
            on_progress=self._take_progress,
        )

    def run(self) -> bool:
        """Sleep until the engine has answered (task thread)."""
        waited_s = 0.0
        while not self._answered.wait(_POLL_S):
            waited_s = waited_s + _POLL_S if self.isCanceled() else 0.0
            if waited_s > _CANCEL_GRACE_S:
                return False
        return self._reply is not None

    def cancel(self) -> None:
        """Stop the job; called by QGIS from whichever thread."""
        super().cancel()
        self._cancel_wanted.emit()

    def finished(self, ok: bool) -> None:  # noqa: ARG002 - QGIS's signature
        """Hand the answer on (main thread)."""
        if self._reply is not None:
            self._on_result(self._reply.result)
        else:
            silent = EngineError("cancelled", "The engine did not answer the cancellation.")
            self._on_error(self._error or silent)

    def _cancel_request(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _take_reply(self, reply: Reply) -> None:
        self._reply = reply
        self._answered.set()

    def _take_error(self, error: EngineError) -> None:
        self._error = error
        self._answered.set()

    def _take_progress(self, step: Progress) -> None:
        if step.total > 0:
            # A job may learn that there is more to do; a bar that runs backwards only worries.
            self.setProgress(max(self.progress(), min(100.0, 100.0 * step.done / step.total)))
        self.progressed.emit(step)
