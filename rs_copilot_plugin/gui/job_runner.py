"""Runs batches of engine requests as tasks of QGIS's task manager, one after another."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin import messages
from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineSession
from rs_copilot_plugin.presenters.jobs import JobQueue, Outcome
from rs_copilot_plugin.presenters.locate import Request
from rs_copilot_plugin.translate import tr

from .engine_task import EngineTask


class JobRunner(QObject):
    """One batch at a time. ``progressed`` carries share, message and the partial result."""

    progressed = pyqtSignal(float, str, object)
    ended = pyqtSignal(object)

    def __init__(self, session: EngineSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queue = JobQueue(self._start, self._end)
        self._task: EngineTask | None = None
        self._has_answered = False

    @property
    def is_running(self) -> bool:
        """Whether a batch runs."""
        return self._queue.current is not None

    @property
    def task(self) -> EngineTask | None:
        """The task that QGIS shows now."""
        return self._task

    def run(self, requests: Iterable[Request]) -> None:
        """Begin a batch."""
        self._queue.run(requests)

    def cancel(self) -> None:
        """Stop the batch; what was found is kept."""
        if self._task is not None:
            self._task.cancel()

    def _start(self, request: Request) -> None:
        title = f"{tr('RS Copilot')}: {messages.method_title(request.method)} {request.title}"
        task = EngineTask(title, self._session, request, self._queue.succeeded, self._queue.failed)
        task.progressed.connect(self._progress)
        self._task = task
        self.progressed.emit(self._queue.share_done(0, 1), self._label(self._opening_words()), None)
        task.send()
        QgsApplication.taskManager().addTask(task)

    def _opening_words(self) -> str:
        # A fresh environment compiles its packages when they are first imported.
        first = not self._has_answered
        return tr("Starting… The first time this may take a minute.") if first else tr("Starting…")

    def _progress(self, step: Progress) -> None:
        self._has_answered = True
        share = self._queue.share_done(step.done, step.total)
        self.progressed.emit(share, self._label(step.message), step.partial)

    def _label(self, message: str) -> str:
        current = self._queue.current
        if current is None:
            return message
        place = (
            f" ({self._queue.done_count + 1}/{self._queue.total_count})"
            if self._queue.total_count > 1
            else ""
        )
        return f"{current.title}{place}: {message}" if message else f"{current.title}{place}"

    def _end(self, outcome: Outcome) -> None:
        self._task = None
        self.ended.emit(outcome)
