"""What an exception means to the user."""

from __future__ import annotations

import errno

import pytest

from rs_copilot.errors import InternalError, MissingDependencyError, OutOfMemoryError, StorageError
from rs_copilot.jobs.failure import known_error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (MemoryError(), OutOfMemoryError),
        (OSError(errno.ENOSPC, "No space left on device"), StorageError),
        (OSError(errno.EPIPE, "Broken pipe"), InternalError),
        (ZeroDivisionError("division by zero"), InternalError),
    ],
)
def test_errors_of_the_machine_have_names(error: Exception, meaning: type) -> None:
    assert type(known_error(error)) is meaning


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("torch", "rs-copilot[train]"),
        ("torch.nn", "rs-copilot[train]"),
        ("transformers", "rs-copilot[vlm]"),
        ("rasterio", "pip install rs-copilot)"),
    ],
)
def test_a_missing_package_comes_with_what_brings_it(name: str, remedy: str) -> None:
    found = known_error(ModuleNotFoundError(f"No module named {name!r}", name=name))
    assert isinstance(found, MissingDependencyError)
    assert remedy in (found.hint or "")
