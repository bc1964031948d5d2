"""The plan for the engine's environment, and its execution with programs that stand in for uv and pip."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from rs_copilot_plugin.engine import installer
from rs_copilot_plugin.engine.install_plan import (
    DISK_BYTES,
    InstallPlan,
    NoPythonError,
    Step,
    Tools,
    candidate_pythons,
    environment_folder,
    environments_root,
    find_tools,
    is_complete,
    managed_folders,
    outdated_folders,
    plan_install,
    python_of,
)
from rs_copilot_plugin.engine.installer import InstallCancelledError, InstallError, run_plan


@pytest.fixture
def locks(tmp_path) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "cpu.txt").write_text("numpy==2.0 --hash=sha256:0\n")
    (folder / "train.txt").write_text("torch==2.0+cpu --hash=sha256:0\n")
    (folder / "cuda.txt").write_text("torch==2.0 --hash=sha256:0\n")
    return folder


def test_uv_is_preferred(locks, tmp_path):
    plan = plan_install(locks, Tools("/bin/uv", ("/bin/python3.12",)), root=tmp_path)
    make, install, check = (step.argv for step in plan.steps)
    assert make[:2] == ("/bin/uv", "venv")
    assert "/bin/python3.12" in make
    assert install[:3] == ("/bin/uv", "pip", "install")
    assert "--require-hashes" in install
    assert str(locks / "cpu.txt") in install
    assert check[0] == str(python_of(plan.folder))


def test_uv_fetches_a_python_where_there_is_none(locks, tmp_path):
    make = plan_install(locks, Tools("/bin/uv"), root=tmp_path).steps[0].argv
    assert make[make.index("--python") + 1] == "3.12"


def test_venv_and_pip_are_the_way_back(locks, tmp_path):
    plan = plan_install(locks, Tools("", ("/bin/python3.11", "/bin/python3")), root=tmp_path)
    assert plan.steps[0].argv[0] == "/bin/python3.11"
    assert plan.steps[1].argv == ("/bin/python3.11", "-I", "-m", "venv", str(plan.folder))
    assert "--require-hashes" in plan.steps[2].argv
    assert "python3-venv" in plan.steps[1].hint


def test_no_python_at_all(locks, tmp_path):
    with pytest.raises(NoPythonError, match=r"3\.10"):
        plan_install(locks, Tools(), root=tmp_path)


@pytest.mark.parametrize("tools", [Tools("/bin/uv"), Tools("", ("/bin/python3",))])
@pytest.mark.parametrize("variant", ["cpu", "train", "cuda"])
def test_every_plan_adds_up(locks, tmp_path, tools, variant):
    plan = plan_install(locks, tools, variant, tmp_path)
    assert sum(step.share for step in plan.steps) == pytest.approx(1.0)
    assert plan.disk_bytes == DISK_BYTES[variant]
    assert plan.folder.parent == tmp_path
    assert all(step.argv[0] != sys.executable for step in plan.steps)


@pytest.mark.parametrize("tools", [Tools("/bin/uv"), Tools("", ("/bin/python3",))])
def test_torch_of_linux_has_a_second_place_to_come_from(locks, tmp_path, tools):
    steps = plan_install(locks, tools, "train", tmp_path, "linux").steps
    (install,) = [step for step in steps if step.otherwise]
    assert install.otherwise[: len(install.argv)] == install.argv, "the same, and one place more"
    assert "--require-hashes" in install.otherwise
    assert "torch" in steps[-1].argv[-1], "the check imports it"
    for variant, platform in (("train", "win32"), ("cpu", "linux")):
        steps = plan_install(locks, tools, variant, tmp_path, platform).steps
        assert not any(step.otherwise for step in steps)


def test_an_environment_that_can_train_is_preferred(locks, tmp_path):
    names = [folder.name.partition("-")[0] for folder in managed_folders(locks, tmp_path)]
    assert names == ["cuda", "train", "cpu"]


def test_unknown_variants_are_refused(locks, tmp_path):
    with pytest.raises(ValueError, match="rocm"):
        plan_install(locks, Tools("/bin/uv"), "rocm", tmp_path)


def test_the_folder_follows_the_lock_and_nothing_else(locks, tmp_path):
    before = environment_folder(locks / "cpu.txt", "cpu", tmp_path)
    assert environment_folder(locks / "cpu.txt", "cpu", tmp_path) == before
    (locks / "cpu.txt").write_bytes(b"numpy==2.0 --hash=sha256:0\r\n")  # as git may check it out on Windows
    assert environment_folder(locks / "cpu.txt", "cpu", tmp_path) == before
    (locks / "cpu.txt").write_text("numpy==2.1 --hash=sha256:1\n")
    assert environment_folder(locks / "cpu.txt", "cpu", tmp_path) != before


def test_old_environments_can_be_told(locks, tmp_path):
    root = tmp_path / "engines"
    assert outdated_folders(locks, root) == []
    current = managed_folders(locks, root)
    for folder in (*current, root / "cpu-0123456789ab"):
        folder.mkdir(parents=True)
    assert outdated_folders(locks, root) == [root / "cpu-0123456789ab"]


def test_data_lies_where_each_system_keeps_it():
    home = Path("/srv/u")
    assert environments_root({}, "linux", home) == home / ".local/share/rs_copilot/engines"
    assert environments_root({"XDG_DATA_HOME": "/d"}, "linux", home) == Path("/d/rs_copilot/engines")
    assert "Application Support" in str(environments_root({}, "darwin", home))
    assert environments_root({"LOCALAPPDATA": "/l"}, "win32", home) == Path("/l/rs_copilot/engines")


def test_candidates_are_never_qgis_itself():
    assert "python3.12" in candidate_pythons("linux", PurePosixPath("/usr"))
    windows = candidate_pythons("win32", PureWindowsPath("C:\\QGIS\\apps\\Python312"))
    assert windows[-1] == "C:\\QGIS\\apps\\Python312\\python.exe"
    assert not any("qgis-bin" in name for name in windows)


def test_looking_around_finds_something_here():
    tools = find_tools()
    assert all(Path(path).is_file() for path in (*tools.pythons, *([tools.uv] if tools.uv else [])))
    assert len(set(tools.pythons)) == len(tools.pythons)


# --- carrying it out


def make_plan(folder: Path, *codes: str) -> InstallPlan:
    steps = tuple(
        Step(
            f"step {n}", (sys.executable, "-I", "-u", "-c", code, str(folder)), 1 / len(codes), hint="do this"
        )
        for n, code in enumerate(codes)
    )
    return InstallPlan("cpu", folder, steps, disk_bytes=1000)


MAKE = """
import sys, pathlib
folder = pathlib.Path(sys.argv[1], "bin")
folder.mkdir(parents=True)
(folder / "python").write_text("")
"""


class Watcher:
    def __init__(self, cancel_after_s: float = 1e9) -> None:
        self.progress: list[tuple[float, str]] = []
        self.log: list[str] = []
        self._cancel_at = time.monotonic() + cancel_after_s

    def run(self, plan: InstallPlan) -> None:
        run_plan(
            plan,
            dict(os.environ),
            on_progress=lambda share, title: self.progress.append((share, title)),
            on_log=self.log.append,
            is_cancelled=lambda: time.monotonic() > self._cancel_at,
        )


def test_all_steps_then_the_marker(tmp_path):
    watcher, plan = Watcher(), make_plan(tmp_path / "engines" / "cpu-1", MAKE, "print('héllo')")
    watcher.run(plan)
    assert is_complete(plan.folder)
    assert watcher.progress == [(0.0, "step 0"), (0.5, "step 1"), (1.0, "Done")]
    assert watcher.log == ["héllo"]


def test_a_failed_step_leaves_nothing_and_shows_its_end(tmp_path):
    watcher = Watcher()
    plan = make_plan(
        tmp_path / "cpu-1", MAKE, "import sys; print('no matching distribution'); sys.exit(1)", "pass"
    )
    with pytest.raises(InstallError) as caught:
        watcher.run(plan)
    assert "step 1 failed" in caught.value.message
    assert caught.value.hint == "do this"
    assert caught.value.log == "no matching distribution"
    assert not plan.folder.exists()
    assert [title for _, title in watcher.progress] == ["step 0", "step 1"]


def test_the_other_way_is_taken_where_the_first_fails(tmp_path):
    first = (sys.executable, "-c", "import sys; print('no such wheel'); sys.exit(1)")
    other = (sys.executable, "-c", MAKE, str(tmp_path / "train-1"))
    plan = InstallPlan("train", tmp_path / "train-1", (Step("Getting", first, 1.0, otherwise=other),), 1000)
    watcher = Watcher()
    watcher.run(plan)
    assert is_complete(plan.folder) and "no such wheel" in watcher.log


@pytest.mark.parametrize(
    "line",
    [
        "  cause: dns error",
        "WARNING: Retrying ... NewConnectionError('...: [Errno -2] Name or service not known')",
        "error: error sending request for url: operation timed out",
    ],
)
def test_a_machine_without_network_is_told_so(tmp_path, line):
    plan = make_plan(tmp_path / "cpu-1", f"import sys; print({line!r}); sys.exit(1)")
    with pytest.raises(InstallError) as caught:
        Watcher().run(plan)
    assert "cannot reach" in caught.value.message and "internet" in caught.value.hint


def test_cancel_ends_the_program_and_leaves_nothing(tmp_path):
    plan = make_plan(tmp_path / "cpu-1", MAKE, "import time; time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(InstallCancelledError):
        Watcher(cancel_after_s=0.4).run(plan)
    assert time.monotonic() - begun < 10
    assert not plan.folder.exists()


def test_an_interrupted_environment_is_made_anew(tmp_path):
    plan = make_plan(tmp_path / "cpu-1", MAKE)
    (plan.folder / "bin").mkdir(parents=True)
    Watcher().run(plan)
    assert is_complete(plan.folder)


def test_a_missing_program_is_named(tmp_path):
    plan = InstallPlan("cpu", tmp_path / "cpu-1", (Step("Making", ("/no/such/uv",), 1.0, "install uv"),), 0)
    with pytest.raises(InstallError, match="/no/such/uv cannot be started"):
        Watcher().run(plan)


def test_too_little_space_is_said_before_anything_begins(tmp_path, monkeypatch):
    plan = make_plan(tmp_path / "a" / "b" / "cpu-1", MAKE)
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda path: _Usage(999))
    watcher = Watcher()
    with pytest.raises(InstallError, match="GB are free"):
        watcher.run(plan)
    assert watcher.progress == []


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free
