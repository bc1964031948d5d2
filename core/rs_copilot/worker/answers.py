"""From exceptions to error messages: the only place where the worker decides what a failure means."""

from __future__ import annotations

import errno
import traceback
from typing import Any

from rs_copilot.errors import CancelledError, RsCopilotError, StorageError
from rs_copilot.protocol import Code, Error

_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_REPORT_HINT = "This is a bug in RS Copilot. Please report it with the log."


def error_answer(request_id: int, error: BaseException, partial: dict[str, Any] | None) -> Error:
    """The message that answers a request whose work raised ``error``."""
    details: dict[str, Any] = {} if partial is None else {"partial": partial}
    if isinstance(error, RsCopilotError):
        return Error(request_id, error.code, error.message, error.hint, details or None)
    if isinstance(error, MemoryError):
        hint = "Close other programs, or work on a smaller area or with fewer frames."
        return Error(request_id, Code.OUT_OF_MEMORY, "The engine ran out of memory.", hint, details or None)
    if is_storage_failure(error):
        message = f"Results could not be written: {error}"
        return Error(request_id, Code.STORAGE, message, StorageError.default_hint, details or None)
    if isinstance(error, ModuleNotFoundError):
        message = f"The engine's environment lacks the package {error.name!r}."
        hint = "Repair the engine's environment in the plugin's settings."
        return Error(request_id, Code.MISSING_DEPENDENCY, message, hint, details or None)
    details["traceback"] = "".join(traceback.format_exception(error))
    return Error(request_id, Code.INTERNAL, f"{type(error).__name__}: {error}", _REPORT_HINT, details)


def is_storage_failure(error: BaseException) -> bool:
    """Whether the disk, not the program, is at fault: full, over quota or read-only."""
    return isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS


def cancelled_before_start() -> CancelledError:
    """For a request that was cancelled while it waited for its turn."""
    return CancelledError("The job was cancelled before it began.")
