"""A worker process at the other end of two pipes."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rs_copilot.protocol import (
    Cancel,
    Error,
    Hello,
    Message,
    MessageDecoder,
    Progress,
    Request,
    Result,
    encode,
)

SCRIPTED = Path(__file__).with_name("scripted_worker.py")
START = Path(__file__).resolve().parents[3] / "core" / "start_worker.py"
DEADLINE_S = 20.0


class Peer:
    """The plugin's part, played by a test."""

    def __init__(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.seen: list[Message] = []
        self._decoder = MessageDecoder()
        self._next_id = 0

    def request(self, method: str, **params: object) -> int:
        self._next_id += 1
        self.write(encode(Request(self._next_id, method, params)))
        return self._next_id

    def cancel(self, request_id: int) -> None:
        self.write(encode(Cancel(request_id)))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def wait_for(self, found: Callable[[Message], bool]) -> Message:
        """The first message ever seen that fits, reading on where needed."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            for message in self.seen:
                if found(message):
                    return message
            self._read(deadline)

    def answer(self, request_id: int) -> Result | Error:
        message = self.wait_for(lambda m: isinstance(m, Result | Error) and m.id == request_id)
        assert isinstance(message, Result | Error)
        return message

    def hello(self) -> Hello:
        message = self.wait_for(lambda m: isinstance(m, Hello))
        assert isinstance(message, Hello)
        return message

    def progress(self, request_id: int) -> list[Progress]:
        return [m for m in self.seen if isinstance(m, Progress) and m.id == request_id]

    def _read(self, deadline: float) -> None:
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"nothing came; seen so far: {self.seen}")
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            raise EOFError(f"the worker ended; seen so far: {self.seen}")
        self.seen += self._decoder.feed(chunk)

    def end(self) -> tuple[int, str]:
        """Close the worker's input; its exit code and everything it wrote to stderr."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(DEADLINE_S)
        return code, self.process.stderr.read().decode()

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def start() -> Iterator[Callable[[list[str]], Peer]]:
    peers: list[Peer] = []

    def start_one(arguments: list[str]) -> Peer:
        peers.append(Peer([sys.executable, "-I", "-u", *arguments]))
        return peers[-1]

    yield start_one
    for peer in peers:
        peer.clean_up()


@pytest.fixture
def peer(start: Callable[[list[str]], Peer]) -> Peer:
    """A worker with the test's methods."""
    return start([str(SCRIPTED)])


@pytest.fixture
def engine(start: Callable[[list[str]], Peer]) -> Peer:
    """The real worker with the real methods."""
    return start([str(START)])
