"""How a worker ends: promptly, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rs_copilot.protocol import Code, Progress

from .conftest import SCRIPTED

GRACE_S = 3.0


def test_closing_the_input_ends_an_idle_worker(peer):
    peer.hello()
    begun = time.monotonic()
    assert peer.end()[0] == 0
    assert time.monotonic() - begun < GRACE_S


@pytest.mark.parametrize("job", ["count", "stubborn"])
def test_closing_the_input_ends_a_busy_worker(peer, job):
    peer.request(job, steps=100_000)
    peer.request("count", steps=100_000)
    peer.hello()
    time.sleep(0.3)
    begun = time.monotonic()
    assert peer.end()[0] == 0
    assert time.monotonic() - begun < GRACE_S


def test_garbage_ends_the_worker_with_a_message(peer):
    peer.hello()
    peer.write(b"GET / HTTP/1.1\r\n\r\n")
    message = peer.wait_for(lambda m: getattr(m, "code", "") == Code.BAD_MESSAGE)
    assert "GET / HTTP" in message.message
    assert peer.end()[0] == 2


def test_ctrl_c_in_the_terminal_is_not_for_the_worker(engine):
    engine.hello()
    engine.process.send_signal(signal.SIGINT)
    assert engine.answer(engine.request("ping")).id == 1


def test_an_orphan_leaves_though_its_input_stays_open(tmp_path):
    """The parent is killed while another process still holds the writing end of the pipe."""
    read_fd, write_fd = os.pipe()
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(SCRIPTED), str(pid_file)], stdin=read_fd)
    os.close(read_fd)
    try:
        deadline = time.monotonic() + 10
        while not pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        child = int(pid_file.read_text())
        time.sleep(0.7)
        parent.kill()
        parent.wait()
        while _is_alive(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _is_alive(child)
    finally:
        os.close(write_fd)


_PARENT = """
import os, pathlib, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-I", sys.argv[1]], stdout=subprocess.PIPE)
part = pathlib.Path(sys.argv[2] + ".part")
part.write_text(str(worker.pid))
part.rename(sys.argv[2])
time.sleep(60)
"""


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_nobody_reads_any_more(peer):
    job = peer.request("count", steps=100_000)
    peer.wait_for(lambda m: isinstance(m, Progress) and m.id == job)
    peer.process.stdout.close()
    assert peer.process.wait(10) == 0
