"""Running one job for a person or a script at a terminal: progress, Ctrl-C, output, exit code."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from rs_copilot.errors import InternalError, RsCopilotError, StorageError

if TYPE_CHECKING:
    from types import FrameType

    from rs_copilot.jobs.context import Progress
    from rs_copilot.jobs.registry import JobResult

log = logging.getLogger(__name__)

PLAIN_INTERVAL_S = 5.0
NEW_MESSAGE_S = 1.0


def run_job(
    name: str, params: Mapping[str, Any], *, as_json: bool, device: str, is_spoken: bool = False
) -> int:
    """Run a job in this thread and say how it went.

    ``params`` that are ``None`` were not given and are left to the job's own defaults. What a job says word
    by word (``is_spoken``) is shown as it comes.

    Returns:
        The exit code, see `rs_copilot.errors`.
    """
    from rs_copilot.jobs import registry
    from rs_copilot.jobs.context import JobContext
    from rs_copilot.jobs.failure import known_error

    given = {key: value for key, value in params.items() if value is not None}
    with private_stdout() as stdout:
        progress = open_progress(sys.stderr)
        if is_spoken:
            progress = SpokenProgress(sys.stderr, sys.stderr.write if as_json else stdout)
        context = JobContext(on_progress=progress, on_warning=progress.warn, device=device)
        try:
            with stop_on_signals(context.cancelled.set), progress:
                result = registry.run_job(name, given, context)
        except (Exception, KeyboardInterrupt) as error:
            known = known_error(error)
            if isinstance(known, InternalError):
                log.error("%s failed", name, exc_info=error)
            # Words have been read already.
            partial = None if is_spoken and not as_json else progress.partial
            return report_error(known, as_json=as_json, partial=partial, stdout=stdout)
        write_result(result, context.warnings, as_json=as_json, stdout=stdout)
    return 0


def write_result(
    result: JobResult, warnings: list[str], *, as_json: bool, stdout: Callable[[str], object]
) -> None:
    """The one thing that goes to standard output."""
    if not as_json:
        stdout(f"{result.summary()}\n")
        return
    data = json.loads(result.model_dump_json())  # not-a-number becomes null, which json.dumps would not do
    if warnings:
        data.setdefault("warnings", warnings)
    stdout(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def report_error(
    error: RsCopilotError,
    *,
    as_json: bool,
    partial: Mapping[str, Any] | None = None,
    stdout: Callable[[str], object] | None = None,
) -> int:
    """Say what went wrong and what to do; returns the exit code."""
    if as_json:
        data: dict[str, Any] = {"error": error.as_dict()}
        if partial is not None:
            data["partial"] = partial
        (stdout or sys.stdout.write)(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
        return error.exit_code
    sys.stderr.write(f"Error ({error.code}): {error.message}\n")
    if partial is not None:
        sys.stderr.write(
            f"Partial results are kept: {json.dumps(partial, ensure_ascii=False, default=str)}\n"
        )
    if error.hint:
        sys.stderr.write(f"{error.hint}\n")
    return error.exit_code


def report_failure(error: Exception, *, as_json: bool) -> int:
    """Say what broke outside of any job; on stderr where standard output is what broke (a full disk)."""
    from rs_copilot.jobs.failure import known_error

    known = known_error(error)
    if isinstance(known, InternalError):
        log.error("rs-copilot failed", exc_info=error)
    return report_error(known, as_json=as_json and not isinstance(known, StorageError))


@contextmanager
def private_stdout() -> Iterator[Callable[[str], None]]:
    """Standard output for us alone: what libraries and C code print there goes to stderr meanwhile."""
    sys.stdout.flush()
    kept_fd = os.dup(1)
    os.dup2(2, 1)
    try:
        yield lambda text: write_whole(kept_fd, text)
    finally:
        sys.stdout.flush()
        os.dup2(kept_fd, 1)
        os.close(kept_fd)


def write_whole(fd: int, text: str) -> None:
    """Write all of a text; nothing where the reader has left (``rs-copilot doctor | head -1``).

    Raises:
        OSError: the disk behind the descriptor is full.
    """
    data = text.encode("utf-8", "replace")
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) asks the job to stop and keep what it has; the second leaves at once."""
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Not sys.stderr: the signal may have come in the middle of a write there, and those do not nest.
        with suppress(OSError):
            os.write(2, b"\nStopping after the current step. Press Ctrl-C again to leave at once.\n")
        stop()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


class PlainProgress:
    """Progress as a line now and then, for logs."""

    def __init__(self, stderr: TextIO) -> None:
        self.partial: dict[str, Any] | None = None
        self._stderr = stderr
        self._shown_s = -PLAIN_INTERVAL_S
        self._message = ""

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, step: Progress) -> None:
        """Take note of a step, and show it where it is time or something new begins."""
        self.partial = step.partial or self.partial
        self.show(step)

    def show(self, step: Progress) -> None:
        """Write a line where it is time."""
        now_s = time.monotonic()
        is_new = step.message != self._message
        if now_s < self._shown_s + (NEW_MESSAGE_S if is_new else PLAIN_INTERVAL_S):
            return
        self._shown_s, self._message = now_s, step.message
        share = f"{100 * step.done // step.total:3d} % " if step.total > 0 else ""
        self._stderr.write(f"{share}{step.message}\n")

    def warn(self, message: str) -> None:
        """Show a warning."""
        self._stderr.write(f"Warning: {message}\n")


class SpokenProgress(PlainProgress):
    """Words as they come; ``say`` writes them."""

    def __init__(self, stderr: TextIO, say: Callable[[str], object]) -> None:
        super().__init__(stderr)
        self._say = say
        self._said = ""

    def __exit__(self, *_: object) -> None:
        if self._said and not self._said.endswith("\n"):
            self._say("\n")

    def show(self, step: Progress) -> None:
        """Write what is new of the words, or where work stands before there are any."""
        text = str((step.partial or {}).get("text", ""))
        if len(text) > len(self._said):
            self._say(printable(text[len(self._said) :]))
            self._said = text
        elif not self._said:
            super().show(step)


def printable(text: str) -> str:
    """Foreign words for a terminal: without the characters that steer it."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


class BarProgress(PlainProgress):
    """Progress as a bar, for people."""

    def __enter__(self) -> BarProgress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("Starting", total=None)
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, step: Progress) -> None:
        """Move the bar."""
        total = step.total if step.total > 0 else None
        self._bar.update(self._task, description=step.message, completed=step.done, total=total)

    def warn(self, message: str) -> None:
        """Show a warning above the bar."""
        self._bar.console.print(f"Warning: {message}", markup=False)


def open_progress(stderr: TextIO) -> PlainProgress:
    """A bar where somebody looks, lines where a file listens."""
    return BarProgress(stderr) if stderr.isatty() else PlainProgress(stderr)
