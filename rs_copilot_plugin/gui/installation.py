"""The creation of the engine's environment, which goes on when the settings dialog is closed."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin.engine.install_plan import InstallPlan
from rs_copilot_plugin.engine.install_task import InstallTask
from rs_copilot_plugin.translate import tr

_LOG_LINES = 2000


class Installation(QObject):
    """At most one installation; its log is kept for whoever looks later."""

    stepped = pyqtSignal(float, str)
    logged = pyqtSignal(str)
    ended = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.log: list[str] = []
        self._task: InstallTask | None = None

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._task is not None

    def start(self, plan: InstallPlan) -> None:
        """Carry out a plan."""
        if self._task is not None:
            return
        self.log = []
        self._task = InstallTask(plan, tr("RS Copilot: creating the engine's environment"))
        self._task.stepped.connect(self.stepped)
        self._task.logged.connect(self._keep)
        self._task.ended.connect(self._end)
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Stop; what was made so far is deleted."""
        if self._task is not None:
            self._task.cancel()

    def _keep(self, line: str) -> None:
        self.log = [*self.log[-_LOG_LINES:], line]
        self.logged.emit(line)

    def _end(self, error: object) -> None:
        self._task = None
        self.ended.emit(error)
