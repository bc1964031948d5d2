"""The engine's environment, from the dialog."""

from __future__ import annotations

import os
import sys

import pytest
from qgis_helpers import messages_in, wait_until

from rs_copilot_plugin.engine.install_plan import InstallPlan, Step, Tools
from rs_copilot_plugin.gui.settings_dialog import SettingsDialog

PYTHON = "/usr/bin/python3"


@pytest.fixture
def dialog(workbench):
    made = SettingsDialog(workbench.settings, workbench.installation, workbench.iface.mainWindow())
    made.show()
    yield made
    made.done(0)
    workbench.settings.own_python = ""


def plan(folder, code):
    step = Step("Trying", (PYTHON, "-I", "-c", code), 1.0, "Ask a friend.")
    return InstallPlan("cpu", folder / "engines" / "cpu-test", (step,), 1000)


def test_says_what_is_in_use_and_what_a_new_one_needs(dialog):
    assert "your own interpreter" in dialog.state_label.text(), "the tests' interpreter is the user's own"
    wait_until(lambda: "GB" in dialog.offer_label.text(), 30, "what a new environment needs")
    assert "free" in dialog.offer_label.text()


def test_without_any_python_it_says_so(workbench):
    made = SettingsDialog(workbench.settings, workbench.installation, tools=Tools())
    assert "Found neither uv nor a Python" in made.offer_label.text()
    assert not made.create_button.isEnabled()
    made.done(0)


def test_training_is_a_tick_away(dialog, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    wait_until(lambda: "GB" in dialog.offer_label.text(), 30, "what a new environment needs")
    plain = dialog.offer_label.text()
    dialog.training_check.setChecked(True)
    assert dialog.offer_label.text() != plain, "it needs more room"
    started = []
    monkeypatch.setattr(dialog._installation, "start", started.append)
    dialog.create_environment()
    assert started[0].variant == "train" and "train-" in started[0].folder.name
    dialog.training_check.setChecked(False)
    dialog.create_environment()
    assert started[1].variant == "cpu"


def test_engine_test_reports(dialog):
    dialog.test_button.click()
    wait_until(dialog.test_button.isEnabled, 60, "the test")
    assert "The engine works." in dialog.log_view.toPlainText()


def test_a_wrong_interpreter_is_told(dialog, tmp_path):
    dialog.python_widget.setFilePath(str(tmp_path / "no-python"))
    dialog.test_button.click()
    wait_until(dialog.test_button.isEnabled, 60, "the test")
    assert "cannot be started" in dialog.log_view.toPlainText()


def test_installation_runs_logs_and_ends(dialog, workbench, tmp_path):
    changed = []
    dialog.engine_changed.connect(lambda: changed.append(1))
    folder = tmp_path / "engines" / "cpu-test"
    workbench.installation.start(
        plan(tmp_path, f"import os; os.makedirs({str(folder)!r}); print('hello there')")
    )
    assert workbench.installation.is_running
    wait_until(lambda: not workbench.installation.is_running, 30, "the installation")
    assert "hello there" in dialog.log_view.toPlainText()
    assert changed
    assert any("ready" in text for text in messages_in(workbench.iface.bar))


def test_a_failed_installation_says_what_to_do(dialog, workbench, tmp_path):
    workbench.installation.start(plan(tmp_path, "import sys; print('no route to host'); sys.exit(3)"))
    wait_until(lambda: not workbench.installation.is_running, 30, "the installation")
    text = "\n".join(messages_in(workbench.iface.bar))
    assert "exit code 3" in text and "Ask a friend." in text
    assert "no route to host" in workbench.last_notice.details


def test_the_clip_plays_as_soon_as_there_is_an_engine(workbench, world, monkeypatch):
    """A new user adds a clip first and sets the engine up afterwards."""
    engine = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    monkeypatch.delenv("RS_COPILOT_ENGINE_PYTHON")
    monkeypatch.setattr("rs_copilot_plugin.gui.engine_host.find_engine", lambda _own: None)
    workbench.add_paths([world / "clip.mp4"])
    assert not workbench.player.clip and "set up" in workbench.video.view._hint
    monkeypatch.undo()
    monkeypatch.setenv("RS_COPILOT_ENGINE_PYTHON", engine)
    workbench.installation.ended.emit(None)
    wait_until(lambda: workbench.player.player.is_open, what="video")


@pytest.mark.skipif(sys.platform == "win32", reason="the sleeping Python is this system's")
def test_a_cancelled_installation_leaves_nothing(workbench, tmp_path):
    workbench.installation.start(plan(tmp_path, "import time; time.sleep(60)"))
    wait_until(lambda: bool(workbench.installation._task.isActive()), 10, "the start")
    workbench.installation.cancel()
    wait_until(lambda: not workbench.installation.is_running, 20, "the cancel")
    assert not (tmp_path / "engines" / "cpu-test").exists()
    assert not any("environment is ready" in text for text in messages_in(workbench.iface.bar))
