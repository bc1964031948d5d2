"""An engine as a child process of QGIS."""

from __future__ import annotations

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, QTimer

from rs_copilot_plugin.engine.environment import EngineCommand
from rs_copilot_plugin.engine.transport import Transport, TransportEvents

# A cold disk and a virus scanner may need half a minute for the first import.
HELLO_TIMEOUT_MS = 120_000
# The worker gives itself 1.5 s to end its job.
END_TIMEOUT_MS = 4_000

# Who owns a transport lets go of it when it hears of its end, and that is while Qt still runs inside the
# QProcess: collecting it there crashes QGIS. One that is collected while it runs kills its program at once.
_living: set[ProcessTransport] = set()


class ProcessTransport(Transport):
    """Messages on standard input and output, log on standard error. ``None`` means that there is no engine
    to start: the session then tells its requests so."""

    def __init__(self, command: EngineCommand | None, parent: QObject | None = None) -> None:
        self._command = command
        self._events: TransportEvents | None = None
        self._process = QProcess(parent)
        self._has_spoken = False
        self._kill_reason = ""
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_log)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)

    def start(self, events: TransportEvents) -> None:
        """See `Transport.start`."""
        self._events = events
        _living.add(self)
        # From the event loop, because a missing program is reported from inside `QProcess.start` on Windows.
        QTimer.singleShot(0, self._start_now)

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        if self._is_running:
            self._process.write(data)

    def close(self, wait_ms: int = 0) -> None:
        """See `Transport.close`."""
        if not self._is_running:
            self._events = None  # not started yet: `_start_now` sees that nobody waits any more
            QTimer.singleShot(0, lambda: _living.discard(self))
            return
        self._process.closeWriteChannel()
        if wait_ms and not self._process.waitForFinished(wait_ms):
            self._process.kill()
            self._process.waitForFinished(wait_ms)
        elif not wait_ms:
            QTimer.singleShot(END_TIMEOUT_MS, self.kill)

    def kill(self) -> None:
        """See `Transport.kill`."""
        if self._is_running:
            self._process.kill()

    @property
    def pid(self) -> int:
        """The engine's process; 0 while it does not run."""
        return int(self._process.processId())

    @property
    def _is_running(self) -> bool:
        return self._process.state() != QProcess.ProcessState.NotRunning

    def _start_now(self) -> None:
        if self._events is None:
            return
        if self._command is None:
            self._close(None, "The engine is not set up yet.")
            return
        environment = QProcessEnvironment()
        for name, value in self._command.environment.items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.start(self._command.argv[0], list(self._command.argv[1:]))
        QTimer.singleShot(HELLO_TIMEOUT_MS, self._check_hello)

    def _check_hello(self) -> None:
        if self._is_running and not self._has_spoken:
            self._kill_reason = f"The engine did not answer within {HELLO_TIMEOUT_MS // 1000} s."
            self._process.kill()

    def _read(self) -> None:
        self._has_spoken = True
        data = bytes(self._process.readAllStandardOutput())
        if self._events is not None:
            self._events.received(data)

    def _read_log(self) -> None:
        data = bytes(self._process.readAllStandardError())
        if self._events is not None:
            self._events.logged(data)

    def _finished(self, exit_code: int, status: QProcess.ExitStatus) -> None:
        self._read()  # what was written before the end still counts
        self._read_log()
        crashed = status == QProcess.ExitStatus.CrashExit
        reason = "The engine was killed or crashed" if crashed else "The engine ended"
        self._close(exit_code, self._kill_reason or f"{reason} (exit code {exit_code}).")

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._command is not None:
            program = self._command.argv[0]
            self._close(
                None, f"The engine's program {program} cannot be started: {self._process.errorString()}."
            )

    def _close(self, exit_code: int | None, reason: str) -> None:
        QTimer.singleShot(0, lambda: _living.discard(self))
        events, self._events = self._events, None
        if events is not None:
            events.closed(exit_code, reason)
