"""The job: its options, its cache, and what a cancelled run leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.errors import CancelledError, UsageError
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.jobs.simulate import FILES, SimulateParams, cache_folder, run, settings_of


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulateParams:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return SimulateParams(
        out=tmp_path / "world", seed=3, seconds=0.4, fps="5", size="96x64", extent_m=300.0, gsd_m=2.0
    )


@pytest.mark.parametrize(
    ("size", "fps"),
    [("1280", "10"), ("1280x721", "10"), ("1280x720", "0"), ("1280x720", "1/0"), ("9x9", "10")],
)
def test_unusable_size_or_rate_is_refused(params: SimulateParams, size: str, fps: str) -> None:
    with pytest.raises(UsageError, match="found"):
        settings_of(params.model_copy(update={"size": size, "fps": fps}))


def test_second_run_comes_from_the_cache(params: SimulateParams) -> None:
    first = run(params, JobContext())
    before = {name: (params.out / name).read_bytes() for name in FILES}
    again = run(params, JobContext())
    assert (first.cached, again.cached) == (False, True)
    assert before == {name: (params.out / name).read_bytes() for name in FILES}
    assert sorted(path.name for path in params.out.iterdir()) == sorted(FILES)
    assert "truth.gpkg" in again.summary()


def test_every_setting_has_its_own_cache(params: SimulateParams) -> None:
    changes = [
        {},
        {"seed": 4},
        {"seconds": 0.6},
        {"satellite_season": "summer"},
        {"lean_deg": 0.0},
        {"off_nadir_deg": 0.0},
        {"off_nadir_deg": 45.0},
        {"gsd_m": 1.0},
    ]
    folders = {cache_folder(settings_of(params.model_copy(update=change))) for change in changes}
    assert len(folders) == len(changes)
    settings = settings_of(params)
    asked = {cache_folder(settings, *more) for more in ((), (2,), (3, "test"))}  # type: ignore[arg-type]
    assert len(asked) == 3


def test_cancel_leaves_nothing_half_written(params: SimulateParams) -> None:
    context = JobContext()

    def stop_at_first_frame(progress: Progress) -> None:
        if progress.done == 1:
            context.cancelled.set()

    context.on_progress = stop_at_first_frame
    with pytest.raises(CancelledError):
        run(params, context)
    assert list(params.out.iterdir()) == []
