"""Worlds that were made before serve, and only what is missing of them is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import question_worlds
from benchmarks.question_worlds import Worlds, make_world
from rs_copilot.types import TelemetryUse


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done instead of the long steps, in order."""
    done: list[str] = []

    def locate(_: Path, __: Path, scene: Path, use: TelemetryUse) -> None:
        done.append(use.value)
        scene.touch()

    def write(path: Path, *_: object) -> None:
        done.append("questions")
        path.touch()

    monkeypatch.setattr(question_worlds, "locate_and_track", locate)
    monkeypatch.setattr(question_worlds, "write_questions", write)
    monkeypatch.setattr(question_worlds, "_exact", lambda *_: None)
    monkeypatch.setattr(question_worlds, "_is_tracked", Path.exists)
    return done


def test_rendered_worlds_are_taken_and_finished_steps_kept(tmp_path: Path, steps: list[str]) -> None:
    given = tmp_path / "given" / "7"
    given.mkdir(parents=True)
    for name in ("clip.mp4", "satellite.tif", "truth.gpkg", "map.gpkg", "attitude.gpkg"):
        (given / name).write_text(name)
    worlds = Worlds(wordings="development", rendered=tmp_path / "given")
    questions = make_world(tmp_path / "work", 7, worlds)
    assert steps == ["none", "questions"]
    assert questions == tmp_path / "work" / "seed_7" / "questions-development.json"
    assert (questions.parent / "attitude.gpkg").read_text() == "attitude.gpkg"
    assert not (given / "none.gpkg").exists()
    make_world(tmp_path / "work", 7, worlds)
    assert steps == ["none", "questions"]


def test_a_world_that_is_nowhere_is_rendered(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def simulate(params: object, _: object) -> None:
        steps.append("rendered")
        out: Path = params.out  # type: ignore[attr-defined]
        out.mkdir(parents=True)
        for name in ("clip.mp4", "truth.gpkg"):
            (out / name).touch()

    monkeypatch.setattr(question_worlds.simulate, "run", simulate)
    make_world(tmp_path, 8, Worlds(rendered=tmp_path / "nothing"), ("attitude",))
    assert steps == ["rendered", "attitude", "questions"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed_8"]
