"""The session with real worker processes: deaths, restarts, versions."""

from __future__ import annotations

import os
import signal

from rs_copilot_plugin._protocol import Code
from rs_copilot_plugin.engine.session import SessionState

from .conftest import START_WORKER


def test_killed_in_the_middle_of_a_job(real):
    """Every open request hears exit code and log, what was found is named, the next one just works."""
    host = real()
    job, waiting = host.ask("count", steps=100_000), host.ask("count", steps=5)
    host.pump_until(lambda: len(job.steps) >= 2)
    os.kill(host.session.hello.pid, signal.SIGKILL)
    host.pump_until(lambda: job.count and waiting.count)
    assert job.errors[0].code == waiting.errors[0].code == Code.ENGINE_DIED
    assert job.errors[0].details["exit_code"] == -signal.SIGKILL
    assert job.errors[0].partial["found"] >= 0
    assert host.session.state is SessionState.STOPPED

    again = host.ask("count", steps=3)
    host.pump_until(lambda: again.count)
    assert again.replies[0].result == {"counted": 3}
    assert len(host.engines) == 2


def test_a_crash_hands_over_the_tail_of_its_log(real):
    host = real()
    job = host.ask("die")
    host.pump_until(lambda: job.count)
    assert job.errors[0].details["exit_code"] == 9
    assert "the card fell off the bus" in job.errors[0].details["stderr"]
    assert job.errors[0].partial == {"scene": "kept.gpkg"}


def test_an_engine_that_cannot_start_is_not_tried_for_ever(real):
    host = real(variant="dies-at-start")
    for _ in range(3):
        job = host.ask("ping")
        host.pump_until(lambda asked=job: asked.count)
        assert job.errors[0].code == Code.ENGINE_NOT_STARTED
        assert "gizmo" in job.errors[0].details["stderr"]
    refused = host.ask("ping")
    assert refused.count == 1
    assert len(host.engines) == 3
    assert host.session.state is SessionState.FAILED


def test_an_engine_of_another_version(real):
    host = real(variant="future")
    job = host.ask("ping")
    host.pump_until(lambda: job.count)
    assert job.errors[0].code == Code.VERSION_MISMATCH
    assert "protocol 9.0" in job.errors[0].message


def test_a_login_banner_in_the_stream(real):
    host = real(variant="banner")
    job = host.ask("ping")
    host.pump_until(lambda: job.count)
    assert job.errors[0].code == Code.BAD_MESSAGE
    assert "Welcome to server42!" in job.errors[0].message


def test_cancel_of_a_running_job(real):
    host = real()
    job = host.ask("count", steps=100_000)
    host.pump_until(lambda: job.steps)
    job.handle.cancel()
    host.pump_until(lambda: job.count)
    assert job.errors[0].is_cancelled
    assert job.errors[0].partial


def test_stop_ends_the_process(real):
    host = real()
    job = host.ask("stubborn")
    host.pump_until(lambda: host.session.state is SessionState.READY)
    host.session.stop()
    assert job.errors[0].is_cancelled
    assert host.engines[0].process.wait(5) == 0


def test_the_real_engine(real):
    host = real(START_WORKER)
    answers = host.ask("doctor")
    host.pump_until(lambda: answers.count)
    assert answers.replies[0].result["engine"] == host.session.hello.engine
    assert {"doctor", "localize", "player.open", "player.frame"} <= set(host.session.hello.methods)
    assert host.session.hello.devices[0]["id"] == "cpu"
