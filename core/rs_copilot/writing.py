"""The door to text files that appear whole or not at all: all reports and cards are written through it."""

from __future__ import annotations

from pathlib import Path

from rs_copilot.errors import StorageError


def write_whole(path: Path, text: str) -> None:
    """Write a text beside its place and move it there, so that nobody reads half of it. Folders are made.

    Raises:
        StorageError: it cannot be written; what was there before still is.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}") from error
