"""The engine as a real child of a real event loop: starts, deaths, ends, and the environment task."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from qgis_helpers import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(qgis_app):
    from rs_copilot_plugin.engine.environment import EngineCommand, find_engine, worker_environment

    scripted = str(ROOT / "tests" / "engine" / "worker" / "scripted_worker.py")
    python = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    if not Path(python).is_file() or find_engine(python) is None:
        pytest.skip("the engine's environment is not there")
    return EngineCommand((python, "-I", "-u", scripted), "own", worker_environment(os.environ))


@pytest.fixture
def make_session(command):
    from rs_copilot_plugin.engine.process import ProcessTransport
    from rs_copilot_plugin.engine.session import EngineSession

    made = []

    def make(*commands):
        """A session whose n-th start uses the n-th command; the last one stays."""
        starts = iter(commands)
        last = [command]

        def open_transport():
            last[0] = next(starts, last[0])
            return ProcessTransport(last[0])

        made.append(EngineSession(open_transport))
        return made[-1]

    yield make
    for session in made:
        session.stop(2000)


def ask(session, method, **params):
    heard = []
    session.request(method, params, on_result=heard.append, on_error=heard.append)
    return heard


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_kill_in_the_middle_of_a_job_is_told_and_survived(make_session):
    session = make_session()
    steps, heard = [], []
    session.request(
        "count", {"steps": 100000}, on_result=heard.append, on_error=heard.append, on_progress=steps.append
    )
    wait_until(lambda: len(steps) > 1, what="progress")
    os.kill(session.hello.pid, signal.SIGKILL)
    wait_until(lambda: heard, what="the answer of a dead engine")
    assert heard[0].code == "engine-died"
    assert heard[0].details["exit_code"] == 9
    assert heard[0].partial["found"] >= 0
    gc.collect()
    again = ask(session, "count", steps=2)
    wait_until(lambda: again, what="the restarted engine")
    assert again[0].result == {"counted": 2}


@pytest.mark.parametrize("wait_ms", [0, 3000])
def test_stop_leaves_no_process_behind(make_session, wait_ms):
    session = make_session()
    heard = ask(session, "ping")
    wait_until(lambda: heard, what="ping")
    stubborn = ask(session, "stubborn")
    pid = session.hello.pid
    session.stop(wait_ms)
    assert stubborn[0].is_cancelled
    del session
    gc.collect()
    if wait_ms:
        assert not is_alive(pid)
    wait_until(lambda: not is_alive(pid), what="the end of the engine")


def test_what_cannot_be_started_is_told_again_and_again(make_session):
    from rs_copilot_plugin.engine.environment import EngineCommand

    session = make_session(EngineCommand(("/no/such/python",), "own"))
    for _ in range(4):
        heard = ask(session, "ping")
        wait_until(lambda heard=heard: heard, what="the refusal")
        assert heard[0].code == "engine-not-started"
        assert "/no/such/python" in heard[0].message
        gc.collect()


def test_no_engine_yet(make_session):
    session = make_session(None)
    heard = ask(session, "ping")
    wait_until(lambda: heard, what="the refusal")
    assert "not set up" in heard[0].message


def test_stop_before_the_start(make_session):
    session = make_session()
    heard = ask(session, "ping")
    session.stop()
    assert heard[0].is_cancelled
    gc.collect()


def test_the_environment_is_made_as_a_task(qgis_app, tmp_path):
    from qgis.core import QgsApplication

    from rs_copilot_plugin.engine.install_plan import InstallPlan, Step, is_complete, python_of
    from rs_copilot_plugin.engine.install_task import InstallTask

    python = shutil.which("python3") or sys.executable
    folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "cpu-1"
    code = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.parent.mkdir(parents=True); p.touch()"
    steps = (
        Step("Making", (python, "-c", code, str(python_of(folder))), 0.5),
        Step("Talking", (python, "-c", "print('hello')"), 0.5),
    )
    task = InstallTask(InstallPlan("cpu", folder, steps, 1000), "Environment")
    lines, titles, ends = [], [], []
    task.logged.connect(lines.append)
    task.stepped.connect(lambda share, title: titles.append(title))
    task.ended.connect(ends.append)
    QgsApplication.taskManager().addTask(task)
    wait_until(lambda: ends, what="the end of the task")
    assert ends == [None]
    assert lines == ["hello"]
    assert titles == ["Making", "Talking", "Done"]
    assert is_complete(folder)
