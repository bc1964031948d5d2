"""Texts appear whole or not at all, and all writers say the same where they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.errors import StorageError
from rs_copilot.evaluation.records import read_records, write_json, write_lines
from rs_copilot.models.files import Marker
from rs_copilot.models.files import write_json as write_marker
from rs_copilot.writing import write_whole


def test_a_text_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_whole(path, "first")
    write_whole(path, "second")
    assert path.read_text(encoding="utf-8") == "second"
    assert [item.name for item in path.parent.iterdir()] == ["report.json"]


def test_what_was_there_stays_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    write_whole(path, "whole")

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    for write in (
        lambda: write_whole(path, "half"),
        lambda: write_json(path, {}),
        lambda: write_lines(path, [{}]),
        lambda: write_marker(path, Marker()),
    ):
        with pytest.raises(StorageError, match="No space left"):
            write()
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "whole"


def test_lines_are_records_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_lines(path, [{"id": "1", "given": float("nan")}, {"id": "2", "given": "ä\u2028"}])
    assert read_records(path) == [{"id": "1", "given": None}, {"id": "2", "given": "ä\u2028"}]
