"""One engine request from an algorithm, with its feedback and its cancel button."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qgis.core import QgsProcessingException, QgsProcessingFeedback
from qgis.PyQt.QtCore import QEventLoop, QTimer

from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError, Reply
from rs_copilot_plugin.gui.engine_host import HostedSession
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

_CANCEL_POLL_MS = 100
_NO_HINTS: Mapping[str, str] = MappingProxyType({})


def call_engine(
    method: str,
    params: dict[str, Any],
    feedback: QgsProcessingFeedback,
    hints: Mapping[str, str] = _NO_HINTS,
) -> dict[str, Any]:
    """Ask an engine of this algorithm's own and wait, in whichever thread the algorithm runs.

    ``hints`` says by error code what to do inside QGIS, instead of what the engine advises.

    Raises:
        QgsProcessingException: the engine refused, failed or was cancelled; the text says what to do.
    """
    session = HostedSession(Settings())
    loop = QEventLoop()
    answer: list[Reply | EngineError] = []
    said: list[str] = []

    def finish(found: Reply | EngineError) -> None:
        answer.append(found)
        loop.quit()

    def show(step: Progress) -> None:
        if step.total > 0:
            feedback.setProgress(100.0 * step.done / step.total)
        if step.message and said[-1:] != [step.message]:
            # The log of an algorithm keeps every line: the same one a hundred times hides the others.
            said.append(step.message)
            feedback.setProgressText(step.message)

    handle = session.request(method, params, on_result=finish, on_error=finish, on_progress=show)
    timer = QTimer()
    timer.timeout.connect(lambda: handle.cancel() if feedback.isCanceled() else None)
    timer.start(_CANCEL_POLL_MS)
    try:
        if not answer:
            loop.exec()
    finally:
        timer.stop()
        session.stop_and_wait()
    return _unpack(answer, feedback, hints)


def _unpack(
    answer: list[Reply | EngineError], feedback: QgsProcessingFeedback, hints: Mapping[str, str]
) -> dict[str, Any]:
    found = answer[0] if answer else EngineError("cancelled", tr("Cancelled"))
    if isinstance(found, Reply):
        for note in [*found.result.get("warnings", ()), *found.result.get("notes", ())]:
            feedback.pushWarning(str(note))
        return found.result
    stderr = str(found.details.get("stderr", "")).strip()
    if stderr:
        feedback.pushDebugInfo(stderr)
    hint = hints.get(found.code, found.hint)
    raise QgsProcessingException(" ".join(part for part in (found.message, hint) if part))
