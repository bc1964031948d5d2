"""Making the engine's environment as a task of QGIS's own task manager."""

from __future__ import annotations

import os
import sys

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from rs_copilot_plugin.engine.environment import bundle_folders, worker_environment
from rs_copilot_plugin.engine.install_plan import InstallPlan, Tools, find_tools
from rs_copilot_plugin.engine.installer import InstallError, run_plan


class ToolsTask(QgsTask):
    """Looks for uv and Python, which means running them: a second that the main thread does not have.

    ``found`` carries the `Tools`. Keep a reference: QGIS does not.
    """

    found = pyqtSignal(object)

    def __init__(self, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._tools = Tools()

    def run(self) -> bool:
        """Look around (task thread)."""
        self._tools = find_tools()
        return True

    def finished(self, ok: bool) -> None:  # noqa: ARG002 - QGIS's signature
        """Tell who asked (main thread)."""
        self.found.emit(self._tools)


class InstallTask(QgsTask):
    """Carries out a plan in the task's thread; the signals arrive in the thread of their receivers.

    ``stepped`` carries the share done and a title, ``logged`` one line, ``ended`` the error or ``None``.
    Cancel it like any task. Keep a reference: QGIS does not.
    """

    stepped = pyqtSignal(float, str)
    logged = pyqtSignal(str)
    ended = pyqtSignal(object)

    def __init__(self, plan: InstallPlan, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self.plan = plan
        self.error: InstallError | None = None
        self._environment = worker_environment(
            os.environ, bundle_folders(os.environ, sys.prefix, sys.platform)
        )

    def run(self) -> bool:
        """Do all steps (task thread)."""
        try:
            run_plan(
                self.plan,
                self._environment,
                on_progress=self._step,
                on_log=self.logged.emit,
                is_cancelled=self.isCanceled,
            )
        except InstallError as error:
            self.error = error
        return self.error is None

    def finished(self, ok: bool) -> None:
        """Tell the panel (main thread)."""
        if not ok and self.error is None:
            self.error = InstallError("The installation ended before it began.")
        self.ended.emit(self.error)

    def _step(self, share: float, title: str) -> None:
        self.setProgress(100.0 * share)
        self.stepped.emit(share, title)
