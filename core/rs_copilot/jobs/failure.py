"""What an exception means to the user. Both front doors, the command line and the worker, ask here."""

from __future__ import annotations

import errno

from rs_copilot.errors import (
    CancelledError,
    InternalError,
    MissingDependencyError,
    OutOfMemoryError,
    RsCopilotError,
    StorageError,
)

# Full, over quota, read-only, no permission: the disk, not the program, is at fault.
_STORAGE_ERRNOS = {
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM") if hasattr(errno, name)
}

# Packages that only some jobs need, and the extra of rs-copilot that brings them.
EXTRA_OF = {
    "torch": "train",
    "onnx": "train",
    "transformers": "vlm",
    "accelerate": "vlm",
    "bitsandbytes": "vlm",
    "huggingface_hub": "vlm",
    "safetensors": "vlm",
    "psycopg": "postgis",
    "motmetrics": "eval",
    "sklearn": "eval",
    "matplotlib": "eval",
}


def known_error(error: BaseException) -> RsCopilotError:
    """The member of the tree of errors that ``error`` is or stands for; ``InternalError`` for a bug."""
    if isinstance(error, RsCopilotError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CancelledError("The job was stopped at once; what had been written before is kept.")
    if isinstance(error, MemoryError):
        return OutOfMemoryError("The work needs more memory than this machine has free.")
    if isinstance(error, ModuleNotFoundError):
        return missing_package(error)
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        return StorageError(f"A file could not be read or written: {error}")
    return InternalError(f"{type(error).__name__}: {error}")


def missing_package(error: ModuleNotFoundError) -> MissingDependencyError:
    """The remedy for an import that found nothing: the extra that brings it, or the engine again."""
    package = (error.name or "").partition(".")[0]
    if package in EXTRA_OF:
        hint = f"Install it with pip install 'rs-copilot[{EXTRA_OF[package]}]'."
        return MissingDependencyError(
            f"The package {package!r} is needed for this and not installed.", hint=hint
        )
    return MissingDependencyError(
        f"The package {error.name!r} is needed and not installed.",
        hint="Install the engine again (pip install rs-copilot), or repair its environment in the plugin.",
    )
