"""A conversation with one engine process: who asked what, and who gets which answer.

Free of Qt: bytes come and go through a `Transport`, callbacks run in the thread that feeds it (in QGIS: the
main thread), so nothing here is locked. Use one session per purpose, for example one for jobs and one for
the video player, so that a long job never delays a frame::

    session = EngineSession(open_transport)            # nothing is started yet
    request = session.request(
        "localize",
        {"clip": "...", "satellite": "...", "out": "..."},
        on_result=lambda reply: show(reply.result),    # Reply: result (dict), payload (bytes)
        on_error=lambda error: warn(error),            # EngineError: code, message, hint, details
        on_progress=lambda step: bar(step),            # Progress: done, total, message, partial
    )
    request.cancel()                                   # on_error follows, code "cancelled"
    session.stop()                                     # every open request is answered, then the engine ends

Promises:

* Every request gets exactly one ``on_result`` or one ``on_error``, whatever happens to the engine.
  (``on_error`` may come before ``request`` returns, where the engine cannot be started at all.)
* The engine starts with the first request and again after it died, within the limits of `Supervisor`;
  afterwards the session is ``FAILED`` until `retry`.
* ``STARTING`` means alive, ``READY`` means that it said hello and the versions fit. Requests made before
  are kept until then.
* A dead engine's open requests get code ``engine-died`` with ``details``: ``exit_code``, ``stderr`` (tail)
  and ``partial`` (the last partial result that was reported, so what was found is not lost).
* Progress after ``cancel`` and answers with unknown ids are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rs_copilot_plugin._protocol import (
    Cancel,
    Code,
    Error,
    Hello,
    Message,
    MessageDecoder,
    Progress,
    ProtocolError,
    Request,
    Result,
    encode,
    incompatibility,
)
from rs_copilot_plugin.engine.supervisor import Supervisor
from rs_copilot_plugin.engine.transport import Transport, TransportEvents

STDERR_TAIL_BYTES = 8192


class SessionState(Enum):
    """Where a session stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Reply:
    """A finished request: its result, and pixels where the method sends some."""

    result: dict[str, Any]
    payload: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class EngineError:
    """Why a request failed. ``code`` is stable (`Code`); ``message`` and ``hint`` are for people."""

    code: str
    message: str
    hint: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_cancelled(self) -> bool:
        """The user stopped it: not a failure to shout about."""
        return self.code == Code.CANCELLED

    @property
    def partial(self) -> dict[str, Any] | None:
        """What had been found and kept before the end, where the job said so."""
        found = self.details.get("partial")
        return found if isinstance(found, dict) else None


def ignore(_: object) -> None:
    """For answers that nobody waits for."""


class RequestHandle:
    """One request that was made. Made by `EngineSession.request` only."""

    def __init__(
        self,
        session: EngineSession,
        message: Request,
        on_result: Callable[[Reply], None],
        on_error: Callable[[EngineError], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.id = message.id
        self.method = message.method
        self.done = False
        self.cancelled = False
        self.partial: dict[str, Any] | None = None
        self._session = session
        self._message = message
        self._on_result, self._on_error, self._on_progress = on_result, on_error, on_progress

    @property
    def message(self) -> Request:
        """What was asked."""
        return self._message

    def cancel(self) -> None:
        """Ask the engine to stop. The end still comes as ``on_error`` (or ``on_result`` if it was faster)."""
        if not self.done and not self.cancelled:
            self.cancelled = True
            self._session.cancel(self)

    def _progress(self, step: Progress) -> None:
        self.partial = step.partial or self.partial
        if not self.cancelled:
            self._on_progress(step)

    def _finish(self, reply: Reply) -> None:
        self.done = True
        self._on_result(reply)

    def _fail(self, error: EngineError) -> None:
        self.done = True
        self._on_error(error)


class EngineSession:
    """See the module. ``open_transport`` makes a new, unstarted transport for every start."""

    def __init__(
        self,
        open_transport: Callable[[], Transport],
        *,
        supervisor: Supervisor | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_state: Callable[[SessionState], None] = ignore,
        on_log: Callable[[str], None] = ignore,
    ) -> None:
        self.hello: Hello | None = None
        self.problem: EngineError | None = None
        self.supervisor = supervisor or Supervisor()
        self._open_transport = open_transport
        self._clock = clock
        self._on_state, self._on_log = on_state, on_log
        self._state = SessionState.STOPPED
        self._open: dict[int, RequestHandle] = {}
        self._waiting: list[RequestHandle] = []
        self._next_id = 1
        self._link: _Link | None = None
        self._refusal: EngineError | None = None

    @property
    def state(self) -> SessionState:
        """Where the session stands; ``on_state`` hears every change."""
        return self._state

    @property
    def open_requests(self) -> list[RequestHandle]:
        """Requests without an answer yet, oldest first."""
        return list(self._open.values())

    def request(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        on_result: Callable[[Reply], None] = ignore,
        on_error: Callable[[EngineError], None] = ignore,
        on_progress: Callable[[Progress], None] = ignore,
    ) -> RequestHandle:
        """Ask for work; starts the engine where needed. Never blocks, never raises for the engine's state."""
        message = Request(self._next_id, method, params or {})
        self._next_id += 1
        handle = RequestHandle(self, message, on_result, on_error, on_progress)
        self._open[handle.id] = handle
        if self._state is SessionState.READY:
            self._send(handle)
            return handle
        self._waiting.append(handle)
        self.start()
        return handle

    def start(self) -> None:
        """Start the engine now (else the first request does). Does nothing while it runs."""
        if self._state in (SessionState.STARTING, SessionState.READY):
            return
        if not self.supervisor.may_start:
            self._refusal = self._refusal or self._too_many_deaths()
        if self._refusal is not None:
            self._set_state(SessionState.FAILED)
            self._answer_all(self._refusal)
            return
        self._set_state(SessionState.STARTING)
        self._link = _Link(self, self._open_transport())
        self._link.start()

    def retry(self) -> None:
        """Forget earlier failures, so that the next request may start the engine again."""
        self.supervisor.reset()
        self._refusal = None
        if self._state is SessionState.FAILED:
            self._set_state(SessionState.STOPPED)

    def stop(self, wait_ms: int = 0) -> None:
        """End the engine. Open requests are answered with ``cancelled`` first.

        ``wait_ms`` is for the end of QGIS: wait until the engine is gone, and kill it if it stays.
        """
        link, self._link = self._link, None
        self.hello = None
        self._set_state(SessionState.STOPPED)
        self._answer_all(EngineError(Code.CANCELLED, "The engine was stopped."))
        if link is not None:
            link.transport.close(wait_ms)

    def cancel(self, handle: RequestHandle) -> None:
        """Use `RequestHandle.cancel`."""
        if handle in self._waiting:
            self._waiting.remove(handle)
            self._close(
                handle.id, lambda: handle._fail(EngineError(Code.CANCELLED, "Cancelled before it began."))
            )
        elif self._link is not None:
            self._link.transport.write(encode(Cancel(handle.id)))

    # --- events of the current link

    def _receive(self, message: Message) -> None:
        if isinstance(message, Hello):
            self._greet(message)
        elif isinstance(message, Progress) and message.id in self._open:
            self._open[message.id]._progress(message)
        elif isinstance(message, Result) and message.id in self._open:
            handle = self._open[message.id]
            self._close(handle.id, lambda: handle._finish(Reply(message.result, message.payload)))
        elif isinstance(message, Error) and message.id in self._open:
            handle = self._open[message.id]
            error = EngineError(message.code, message.message, message.hint, message.details or {})
            self._close(handle.id, lambda: handle._fail(error))

    def _greet(self, hello: Hello) -> None:
        reason = incompatibility(hello.protocol)
        if reason is not None:
            hint = "Update the plugin and the engine to the same version, then restart QGIS."
            self._give_up(EngineError(Code.VERSION_MISMATCH, reason, hint, {"engine": hello.engine}))
            return
        self.hello, self.problem = hello, None
        self.supervisor.became_ready(self._clock())
        self._set_state(SessionState.READY)
        waiting, self._waiting = self._waiting, []
        for handle in waiting:
            self._send(handle)

    def _give_up(self, error: EngineError) -> None:
        """What the engine says cannot be understood: starting it again would not help."""
        link, self._link = self._link, None
        self.problem = self._refusal = error
        self._set_state(SessionState.FAILED)
        self._answer_all(error)
        if link is not None:
            link.transport.kill()

    def _died(self, exit_code: int | None, reason: str, stderr: str) -> None:
        was_ready, self.hello, self._link = self._state is SessionState.READY, None, None
        self.supervisor.died(self._clock())
        details = {"exit_code": exit_code, "stderr": stderr}
        code = Code.ENGINE_DIED if was_ready else Code.ENGINE_NOT_STARTED
        hint = "It starts again with the next request. What had been found is kept."
        if not was_ready:
            hint = "Set up or repair the engine's environment in the RS Copilot panel, then try again."
        self.problem = EngineError(code, reason, hint, details)
        self._set_state(SessionState.STOPPED)
        self._answer_all(self.problem)

    def _broken(self, error: ProtocolError, stderr: str) -> None:
        message = f"The engine's messages cannot be understood: {error}"
        hint = (
            "Something writes into the engine's message stream. With ssh: a login script must print nothing."
        )
        self._give_up(EngineError(Code.BAD_MESSAGE, message, hint, {"stderr": stderr}))

    # --- helpers

    def _send(self, handle: RequestHandle) -> None:
        try:
            data = encode(handle.message)
        except ProtocolError as error:
            answer = EngineError(Code.BAD_MESSAGE, str(error))
            self._close(handle.id, lambda: handle._fail(answer))
            return
        if self._link is not None:
            self._link.transport.write(data)

    def _close(self, request_id: int, answer: Callable[[], None]) -> None:
        self._open.pop(request_id, None)
        answer()

    def _answer_all(self, error: EngineError) -> None:
        """Each handle leaves the table before its callback runs: callbacks may make new requests."""
        handles, self._open, self._waiting = list(self._open.values()), {}, []
        for handle in handles:
            details = (
                error.details if handle.partial is None else {**error.details, "partial": handle.partial}
            )
            handle._fail(EngineError(error.code, error.message, error.hint, details))

    def _too_many_deaths(self) -> EngineError:
        last = self.problem or EngineError(Code.ENGINE_NOT_STARTED, "The engine ended.")
        message = f"The engine ended {self.supervisor.failures} times in a row; the last time: {last.message}"
        return EngineError(
            last.code, message, "Repair the engine in the plugin's settings, then retry.", last.details
        )

    def _set_state(self, state: SessionState) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state)


class _Link(TransportEvents):
    """One start of the engine. Events of a link that is no longer the session's are dropped."""

    def __init__(self, session: EngineSession, transport: Transport) -> None:
        self.transport = transport
        self._session = session
        self._decoder = MessageDecoder()
        self._stderr = b""

    def start(self) -> None:
        self.transport.start(self)

    @property
    def _is_current(self) -> bool:
        return self._session._link is self

    def received(self, data: bytes) -> None:
        if not self._is_current:
            return
        try:
            messages = self._decoder.feed(data)
        except ProtocolError as error:
            self._session._broken(error, self._stderr_text())
            return
        for message in messages:
            if self._is_current:
                self._session._receive(message)

    def logged(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-STDERR_TAIL_BYTES:]
        if self._is_current:
            self._session._on_log(data.decode("utf-8", "replace"))

    def closed(self, exit_code: int | None, reason: str) -> None:
        if self._is_current:
            self._session._died(exit_code, reason, self._stderr_text())

    def _stderr_text(self) -> str:
        return self._stderr.decode("utf-8", "replace")
