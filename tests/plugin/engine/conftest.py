"""Two transports without Qt: one that a test plays itself, one with a real worker process."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rs_copilot_plugin._protocol import Hello, Message, MessageDecoder, encode
from rs_copilot_plugin.engine.session import EngineError, EngineSession, Reply, SessionState
from rs_copilot_plugin.engine.supervisor import Supervisor
from rs_copilot_plugin.engine.transport import Transport, TransportEvents

ROOT = Path(__file__).resolve().parents[3]
SCRIPTED_WORKER = ROOT / "tests" / "engine" / "worker" / "scripted_worker.py"
START_WORKER = ROOT / "core" / "start_worker.py"


class ScriptedTransport(Transport):
    """The test is the engine."""

    def __init__(self) -> None:
        self.events: TransportEvents | None = None
        self.sent: list[Message] = []
        self.ended = ""
        self._decoder = MessageDecoder()

    def start(self, events: TransportEvents) -> None:
        self.events = events

    def write(self, data: bytes) -> None:
        self.sent += self._decoder.feed(data)

    def close(self, wait_ms: int = 0) -> None:
        self.ended = "closed"

    def kill(self) -> None:
        self.ended = "killed"

    def say(self, *messages: Message) -> None:
        self.events.received(b"".join(map(encode, messages)))

    def hello(self) -> None:
        self.say(Hello(engine="0.1.0"))


class ProcessTransport(Transport):
    """A real process; its events wait in a queue until the test pumps them."""

    def __init__(self, argv: list[str], events_queue: queue.Queue) -> None:
        self._argv, self._queue = argv, events_queue
        self.process: subprocess.Popen | None = None

    def start(self, events: TransportEvents) -> None:
        self.process = subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, events.received)),
            threading.Thread(target=self._read, args=(self.process.stderr, events.logged)),
        ]
        for reader in readers:
            reader.start()
        self.watcher = threading.Thread(target=self._wait, args=(readers, events))
        self.watcher.start()

    def _read(self, pipe, tell) -> None:
        with pipe:
            while chunk := pipe.read(1 << 20):
                self._queue.put((tell, (chunk,)))

    def _wait(self, readers, events) -> None:
        code = self.process.wait()
        for reader in readers:
            reader.join()
        self._queue.put((events.closed, (code, f"The engine ended (exit code {code}).")))

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def close(self, wait_ms: int = 0) -> None:
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()


class Answers:
    """What a request's callbacks heard."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.errors: list[EngineError] = []
        self.steps: list = []

    @property
    def callbacks(self) -> dict[str, Callable]:
        return {
            "on_result": self.replies.append,
            "on_error": self.errors.append,
            "on_progress": self.steps.append,
        }

    @property
    def count(self) -> int:
        return len(self.replies) + len(self.errors)


class Scripted:
    """A session with scripted engines, newest last."""

    def __init__(self) -> None:
        self.engines: list[ScriptedTransport] = []
        self.states: list[SessionState] = []
        self.now_s = 0.0
        self.session = EngineSession(
            self._open, clock=lambda: self.now_s, on_state=self.states.append, supervisor=Supervisor()
        )

    def _open(self) -> ScriptedTransport:
        self.engines.append(ScriptedTransport())
        return self.engines[-1]

    def ask(self, method: str = "work", **params) -> Answers:
        answers = Answers()
        answers.handle = self.session.request(method, params, **answers.callbacks)
        return answers


class Real:
    """A session with a real worker process."""

    def __init__(self, script: Path, variant: str = "") -> None:
        self._queue: queue.Queue = queue.Queue()
        self.engines: list[ProcessTransport] = []
        self._argv = [sys.executable, "-I", "-u", str(script), *([variant] if variant else [])]
        self.session = EngineSession(self._open)

    def _open(self) -> ProcessTransport:
        self.engines.append(ProcessTransport(self._argv, self._queue))
        return self.engines[-1]

    def ask(self, method: str, **params) -> Answers:
        answers = Answers()
        answers.handle = self.session.request(method, params, **answers.callbacks)
        return answers

    def pump_until(self, is_done: Callable[[], bool], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_done():
            tell, arguments = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            tell(*arguments)

    def clean_up(self) -> None:
        self.session.stop()
        for engine in self.engines:
            engine.kill()
            engine.process.wait()
            engine.process.stdin.close()
            engine.watcher.join()


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def real() -> Iterator[Callable[..., Real]]:
    opened: list[Real] = []

    def open_one(script: Path = SCRIPTED_WORKER, variant: str = "") -> Real:
        opened.append(Real(script, variant))
        return opened[-1]

    yield open_one
    for item in opened:
        item.clean_up()
