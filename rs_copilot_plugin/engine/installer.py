"""Carrying out an install plan: one program after the other, with progress, log and cancel. Free of Qt."""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404 - lists of arguments made by `install_plan`, never a shell
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rs_copilot_plugin.engine.install_plan import InstallPlan, Step

POLL_S = 0.1
TERMINATE_S = 5.0
LOG_TAIL_LINES = 15
REGISTRY_HINT = "Check the connection to the package registry, then try again."
OFFLINE_HINT = "Connect to the internet, or check proxy and firewall, then try again. Nothing was changed."
OFFLINE_WORDS = (
    "dns error",
    "failed to lookup address",
    "name or service not known",
    "temporary failure in name resolution",
    "getaddrinfo failed",
    "network is unreachable",
    "newconnectionerror",
    "connection refused",
    "connecttimeout",
    "operation timed out",
)


class InstallError(Exception):
    """The environment could not be made. ``hint`` says what to do, ``log`` how the failed program ended."""

    def __init__(self, message: str, hint: str = "", log: str = "") -> None:
        super().__init__(message)
        self.message, self.hint, self.log = message, hint, log


class InstallCancelledError(InstallError):
    """The user stopped it."""


def run_plan(
    plan: InstallPlan,
    environment: Mapping[str, str],
    *,
    on_progress: Callable[[float, str], None],
    on_log: Callable[[str], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Do all steps; blocks, so call it from a thread of its own.

    ``on_progress`` gets the share done (0 to 1) and the step's title, ``on_log`` one line of output.

    Raises:
        InstallError: too little space, or a program failed. What was made so far is deleted.
    """
    check_space(plan)
    try:
        _remove(plan.folder)
        plan.folder.parent.mkdir(parents=True, exist_ok=True)
        done = 0.0
        for step in plan.steps:
            on_progress(done, step.title)
            _run_step(step, environment, on_log, is_cancelled)
            done += step.share
        plan.marker.write_text(f"{plan.variant}\n", encoding="utf-8")
    except OSError as error:
        _remove(plan.folder)
        raise InstallError(f"The environment could not be written: {error}", "Free some space.") from error
    except InstallError:
        _remove(plan.folder)
        raise
    on_progress(1.0, "Done")


def check_space(plan: InstallPlan) -> int:
    """The free bytes where the environment will be.

    Raises:
        InstallError: they are fewer than the plan needs.
    """
    free = shutil.disk_usage(_existing_parent(plan.folder)).free
    if free < plan.disk_bytes:
        needed_gb, free_gb = plan.disk_bytes / 1e9, free / 1e9
        raise InstallError(
            f"The engine needs {needed_gb:.1f} GB; {free_gb:.1f} GB are free for {plan.folder}.",
            "Free some space, or point the plugin at an interpreter of your own.",
        )
    return free


def _run_step(
    step: Step,
    environment: Mapping[str, str],
    on_log: Callable[[str], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Run a step's program and, where it fails, the other way that the step may have."""
    code, tail = _run_program(step, step.argv, environment, on_log, is_cancelled)
    if code and step.otherwise:
        on_log("Trying the other way…")
        code, tail = _run_program(step, step.otherwise, environment, on_log, is_cancelled)
    if code == 0:
        return
    log = "\n".join(tail)
    if is_offline(log):
        raise InstallError(f"{step.title} failed: this machine cannot reach the packages.", OFFLINE_HINT, log)
    message = f"{step.title} failed: {Path(step.argv[0]).name} ended with exit code {code}."
    raise InstallError(message, step.hint or REGISTRY_HINT, log)


def is_offline(log: str) -> bool:
    """Whether the last words of uv or pip are about the network, not about a package."""
    lower = log.lower()
    return any(words in lower for words in OFFLINE_WORDS)


def _run_program(
    step: Step,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    on_log: Callable[[str], None],
    is_cancelled: Callable[[], bool],
) -> tuple[int, list[str]]:
    """Exit code and last lines of a program."""
    tail: list[str] = []
    try:
        process = start_hidden(argv, environment)
    except OSError as error:
        raise InstallError(f"{step.title}: {argv[0]} cannot be started ({error}).", step.hint) from error
    with process:
        reader = threading.Thread(target=_read_lines, args=(process, tail, on_log), daemon=True)
        reader.start()
        while process.poll() is None:
            if is_cancelled():
                _end(process)
                raise InstallCancelledError("The installation was cancelled; nothing was left behind.")
            time.sleep(POLL_S)
        reader.join(TERMINATE_S)
    return process.returncode, tail


def start_hidden(argv: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a program without a console window; its output and errors come as one stream of lines."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # exists on Windows only
    return subprocess.Popen(  # noqa: S603  # nosec B603 - a list of arguments, no shell
        list(argv),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        creationflags=flags,
    )


def _read_lines(process: subprocess.Popen[str], tail: list[str], on_log: Callable[[str], None]) -> None:
    for line in process.stdout or ():
        text = line.rstrip()
        tail[:] = [*tail, text][-LOG_TAIL_LINES:]
        on_log(text)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(TERMINATE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _existing_parent(path: Path) -> Path:
    return next((parent for parent in (path, *path.parents) if parent.exists()), Path(os.curdir))
