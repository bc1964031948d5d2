"""The worker's parts that need no process."""

from __future__ import annotations

import os

from rs_copilot.protocol import MessageDecoder, Progress
from rs_copilot.worker.limits import limit_threads, usable_cores
from rs_copilot.worker.outbox import Outbox, ProgressThrottle


def test_one_core_is_left_to_the_user_and_his_settings_stay():
    environ = {"OMP_NUM_THREADS": "8"}
    limit_threads(environ, cores=6)
    assert environ["OMP_NUM_THREADS"] == "8"
    assert environ["OPENBLAS_NUM_THREADS"] == "5"
    assert environ["OMP_WAIT_POLICY"] == "PASSIVE"
    limit_threads(alone := {}, cores=1)
    assert alone["OMP_NUM_THREADS"] == "1"
    assert usable_cores() >= 1


def test_skipped_steps_hand_their_partial_on():
    sent: list[Progress] = []
    throttle = ProgressThrottle(sent.append, interval_s=60.0)
    throttle.offer(Progress(1, 0, 3, "a"))
    throttle.offer(Progress(1, 1, 3, "b", {"layer": "frames"}))
    throttle.offer(Progress(1, 2, 3, "c"))
    throttle.flush()
    assert [step.message for step in sent] == ["a", "c"]
    assert sent[-1].partial == {"layer": "frames"}
    assert throttle.partial == {"layer": "frames"}
    throttle.flush()
    assert len(sent) == 2


def test_a_closed_pipe_is_told_once_and_never_raises():
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    told = []
    outbox = Outbox(write_fd, on_broken=lambda: told.append(True))
    outbox.send(Progress(1, 0, 1))
    outbox.send(Progress(1, 0, 1))
    os.close(write_fd)
    assert told == [True]


def test_messages_larger_than_a_pipe_arrive_whole():
    import threading

    read_fd, write_fd = os.pipe()
    message = Progress(1, 0, 1, "x" * 500_000)
    writer = threading.Thread(target=Outbox(write_fd, on_broken=lambda: None).send, args=(message,))
    writer.start()
    decoder, found = MessageDecoder(), []
    while not found:
        found = decoder.feed(os.read(read_fd, 65536))
    writer.join()
    os.close(read_fd)
    os.close(write_fd)
    assert found == [message]
