"""The engines of this QGIS, each started when first needed: jobs, video, models, and questions."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsMessageLog
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin.engine.environment import find_engine
from rs_copilot_plugin.engine.process import ProcessTransport
from rs_copilot_plugin.engine.session import EngineSession, SessionState, ignore
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.messages import LOG_TAG
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

_END_WAIT_MS = 2500


class HostedSession(EngineSession):
    """A session with an engine of its own, which starts with the first request."""

    def __init__(
        self,
        settings: Settings,
        on_state: Callable[[SessionState], None] = ignore,
        on_log: Callable[[str], None] = ignore,
    ) -> None:
        super().__init__(self._make_transport, on_state=on_state, on_log=on_log)
        self._settings = settings
        # Held until their processes have ended: a QProcess that Python forgets takes its process down hard.
        self._transports: list[ProcessTransport] = []

    @property
    def pid(self) -> int:
        """The engine's process; 0 while none runs."""
        return self._transports[-1].pid if self._transports else 0

    def stop_and_wait(self) -> None:
        """End the engine and see it gone."""
        self.stop()
        for transport in self._transports:
            transport.close(_END_WAIT_MS)
        self._transports.clear()

    def _make_transport(self) -> ProcessTransport:
        self._transports = [transport for transport in self._transports if transport.pid]
        self._transports.append(ProcessTransport(find_engine(self._settings.engine_python)))
        return self._transports[-1]


class EngineHost(QObject):
    """Makes sessions that know where the engine is, and says how it is in words."""

    state_changed = pyqtSignal(str, str, bool)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.jobs = HostedSession(settings, self._tell, _log)
        self.video = HostedSession(settings, on_log=_log)
        # A model that takes all memory must not end a job, and a job must not keep a question waiting.
        self.look = HostedSession(settings, on_log=_log)
        self.models = HostedSession(settings, on_log=_log)
        # Keeps the scene that was asked last in mind; neither a job nor a model may keep it waiting.
        self.ask = HostedSession(settings, on_log=_log)

    @property
    def _sessions(self) -> tuple[HostedSession, ...]:
        return self.jobs, self.video, self.look, self.models, self.ask

    @property
    def is_configured(self) -> bool:
        """Whether there is an interpreter to start the engine with."""
        return find_engine(self._settings.engine_python) is not None

    def restart(self) -> None:
        """The environment changed: end what runs, forget earlier failures; the next request starts anew."""
        for session in self._sessions:
            session.stop()
            session.retry()
        self.tell()

    def stop(self) -> None:
        """End all engines."""
        for session in self._sessions:
            session.stop_and_wait()

    def tell(self) -> None:
        """Say how the engine is now."""
        self._tell(self.jobs.state)

    def _tell(self, state: SessionState) -> None:
        if state is SessionState.READY and self.jobs.hello is not None:
            device = next((str(item.get("id")) for item in reversed(self.jobs.hello.devices)), "cpu")
            text, colour = tr("Engine ready · {}").format(device), palette.LOCATED
        elif state is SessionState.STARTING:
            text, colour = tr("Engine is starting…"), palette.TRACKED
        elif state is SessionState.FAILED:
            text, colour = tr("Engine cannot be started"), palette.UNLOCATED
        elif not self.is_configured:
            text, colour = tr("The engine is not set up yet"), palette.UNLOCATED
        else:
            text, colour = tr("Engine starts with the first job"), "#8a8a8a"
        self.state_changed.emit(text, colour, self.is_configured)


def _log(text: str) -> None:
    QgsMessageLog.logMessage(text.rstrip(), LOG_TAG)
