"""The worker: reads control messages while work runs, and answers every request exactly once.

Threads: the main thread reads; one lane runs jobs, one after the other; another lane runs quick methods, so
that a question about a raster or a frame for the player never waits for a job; a watcher notices a parent
that died without closing the stream.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from rs_copilot import __version__
from rs_copilot.jobs import context as job_context
from rs_copilot.protocol import (
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
)
from rs_copilot.worker.answers import error_answer
from rs_copilot.worker.lanes import Lane, Task
from rs_copilot.worker.methods import JOB_LANE, QUICK_LANE, Method, MethodTable
from rs_copilot.worker.outbox import Outbox, ProgressThrottle

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
GRACE_S = 1.5
PARENT_CHECK_S = 1.0


class Worker:
    """Serves one conversation over two descriptors. ``device`` is for requests that name none."""

    def __init__(self, read_fd: int, write_fd: int, table: MethodTable, device: str = "auto") -> None:
        self._read_fd = read_fd
        self._device = device
        self._table = table
        self._methods: Mapping[str, Method] = table.methods
        self._outbox = Outbox(write_fd, on_broken=self._leave_soon)
        self._open: dict[int, Task] = {}
        self._open_lock = threading.Lock()
        self._leaving = threading.Event()
        self._lanes = {
            JOB_LANE: Lane(JOB_LANE, self._run),
            QUICK_LANE: Lane(QUICK_LANE, self._run, idle=table.idle),
        }

    def serve(self) -> int:
        """Talk until the input ends.

        Returns:
            Exit code: 0, or 2 when the input was not the protocol.
        """
        self._outbox.send(
            Hello(
                engine=__version__,
                methods=tuple(sorted(self._methods)),
                devices=tuple(self._table.devices()),
                pid=os.getpid(),
            )
        )
        threading.Thread(target=self._watch_parent, args=(os.getppid(),), daemon=True).start()
        exit_code = self._read_all()
        self._end(exit_code)
        return exit_code

    def _read_all(self) -> int:
        decoder = MessageDecoder()
        while chunk := os.read(self._read_fd, READ_BYTES):
            try:
                messages = decoder.feed(chunk)
            except ProtocolError as error:
                log.error("%s", error)
                self._outbox.send(Error(0, Code.BAD_MESSAGE, str(error)))
                return 2
            for message in messages:
                self._receive(message)
        return 0

    def _receive(self, message: Message) -> None:
        if isinstance(message, Request):
            self._accept(message)
        elif isinstance(message, Cancel):
            with self._open_lock:
                task = self._open.get(message.id)
            if task is not None:
                task.context.cancelled.set()

    def _accept(self, request: Request) -> None:
        method = self._methods.get(request.method)
        if method is None:
            message = f"This engine has no method {request.method!r}."
            hint = "Update the plugin and the engine to the same version."
            self._outbox.send(Error(request.id, Code.UNKNOWN_METHOD, message, hint))
            return
        params = dict(request.params)
        device = str(params.pop("device", self._device))
        task = Task(Request(request.id, request.method, params), job_context.JobContext(device=device))
        with self._open_lock:
            is_new = self._open.setdefault(request.id, task) is task
        if is_new:
            self._lanes[method.lane].put(task)
        else:
            self._outbox.send(Error(request.id, Code.BAD_MESSAGE, f"Request {request.id} is open already."))

    def _run(self, task: Task) -> None:
        """Do one task and answer it, whatever happens."""
        request_id = task.request.id
        throttle = ProgressThrottle(self._outbox.send)

        def forward(step: job_context.Progress) -> None:
            partial = None if step.partial is None else self._table.to_json(step.partial)
            throttle.offer(Progress(request_id, int(step.done), int(step.total), step.message, partial))

        task.context.on_progress = forward
        task.context.on_warning = lambda text: log.warning("%s: %s", task.request.method, text)
        answer: Result | Error
        try:
            task.context.check()  # cancelled while it waited for its turn
            answer = self._perform(task)
        except (Exception, SystemExit) as error:
            answer = error_answer(request_id, error, throttle.partial)
            if answer.code == Code.INTERNAL:
                log.exception("%s failed", task.request.method)
        throttle.flush()
        self._answer(request_id, answer)

    def _perform(self, task: Task) -> Result:
        outcome = self._methods[task.request.method].call(task.request.params, task.context)
        result: dict[str, Any] = self._table.to_json(outcome.result)
        if task.context.warnings:
            result.setdefault("warnings", list(task.context.warnings))
        return Result(task.request.id, result, outcome.payload)

    def _answer(self, request_id: int, answer: Result | Error) -> None:
        with self._open_lock:
            self._open.pop(request_id, None)
        try:
            self._outbox.send(answer)
        except ProtocolError as error:
            self._outbox.send(Error(request_id, Code.INTERNAL, str(error)))

    # --- the end

    def _leave_soon(self) -> None:
        """Nobody listens any more. The reader may be stuck in a read that never ends, so leave from here."""
        if not self._leaving.is_set():
            threading.Thread(target=self._end, args=(0,), daemon=True).start()

    def _watch_parent(self, parent_pid: int) -> None:
        """A parent that was killed closes the stream, unless another of its children inherited it."""
        while os.getppid() == parent_pid and not self._leaving.is_set():
            time.sleep(PARENT_CHECK_S)
        self._leave_soon()

    def _end(self, exit_code: int) -> None:
        """Cancel everything, wait a moment, then leave for certain: a stuck thread must not keep us."""
        if self._leaving.is_set():
            return
        self._leaving.set()
        with self._open_lock:
            tasks = list(self._open.values())
        for task in tasks:
            task.context.cancelled.set()
        deadline_s = time.monotonic() + GRACE_S
        for lane in self._lanes.values():
            lane.end(max(0.0, deadline_s - time.monotonic()))
        self._table.close()
        logging.shutdown()
        os._exit(exit_code)
