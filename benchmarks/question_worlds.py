"""Demo worlds to ask about: rendered, localised and tracked step by step; no step is done twice.

A world's folder holds what `simulate` writes, a scene for each use of telemetry (``attitude.gpkg``,
``none.gpkg``), and question sets (``questions-test.json``). Worlds that were rendered before are taken from
another folder, one in it for each seed, with as many of the steps as are there. What is kept is not made
again where the code changes: delete the folder for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyogrio

from benchmarks.localization.cases import ATTITUDE, NONE
from rs_copilot.jobs import localize, simulate
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.simulate import SimulateParams, settings_of, write_questions
from rs_copilot.jobs.track import TrackParams
from rs_copilot.jobs.track import run as track
from rs_copilot.simulation.questions.exact import Exact
from rs_copilot.simulation.scenario import make_scenario
from rs_copilot.types import TelemetryUse
from rs_copilot.vector.store import read_layer

RENDERED = ("clip.mp4", "clip.srt", "satellite.tif", "truth.gpkg", "map.gpkg")
NOTHING_YET = "rendering"


@dataclass(frozen=True)
class Worlds:
    """How worlds are made: settings of the clips, wordings of the questions, and where some lie already."""

    seconds: float = 16.0
    fps: str = "8"
    size: str = "640x360"
    extent_m: float = 560.0
    wordings: str = "test"
    rendered: Path | None = None

    def params(self, folder: Path, seed: int) -> SimulateParams:
        """What `simulate` is told."""
        return SimulateParams(
            out=folder,
            seed=seed,
            seconds=self.seconds,
            fps=self.fps,
            size=self.size,
            extent_m=self.extent_m,
            use_cache=False,
        )


def make_world(work: Path, seed: int, worlds: Worlds, uses: tuple[str, ...] = (ATTITUDE, NONE)) -> Path:
    """Do what is missing of a world; its question set."""
    folder = work / f"seed_{seed}"
    if not (folder / "truth.gpkg").exists():
        given = None if worlds.rendered is None else worlds.rendered / str(seed)
        if given is not None and (given / "truth.gpkg").exists():
            _take(given, folder)
        else:
            _render(folder, seed, worlds)
    for use in uses:
        scene = folder / f"{use}.gpkg"
        if not scene.exists():
            locate_and_track(folder / "clip.mp4", folder / "satellite.tif", scene, TelemetryUse(use))
    questions = folder / f"questions-{worlds.wordings}.json"
    if not questions.exists():
        draft = questions.with_suffix(".part")
        write_questions(draft, _exact(folder, seed, worlds), worlds.wordings)  # type: ignore[arg-type]
        draft.replace(questions)
    return questions


def _take(given: Path, folder: Path) -> None:
    """Links to what was made elsewhere; scenes that were not tracked yet are left."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [name for name in (f"{ATTITUDE}.gpkg", f"{NONE}.gpkg") if _is_tracked(given / name)]
    # The truth comes last: with it a world counts as rendered.
    for name in sorted({*RENDERED, *scenes}, key=lambda name: name == "truth.gpkg"):
        link = folder / name
        link.unlink(missing_ok=True)
        if (given / name).exists():
            link.symlink_to((given / name).resolve())


def _is_tracked(scene: Path) -> bool:
    return scene.exists() and "track" in set(read_layer(scene, "runs")["command"])


def _render(folder: Path, seed: int, worlds: Worlds) -> None:
    """A world that appears whole or not at all."""
    draft = folder.with_name(f"{folder.name}-{NOTHING_YET}")
    simulate.run(worlds.params(draft, seed), JobContext())
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(draft.iterdir(), key=lambda path: path.name == "truth.gpkg"):
        path.replace(folder / path.name)
    draft.rmdir()


def locate_and_track(
    clip: Path, satellite: Path, scene: Path, use: TelemetryUse, telemetry: Path | None = None,
    *, tracked: bool = True,
) -> None:  # fmt: skip
    """A scene of our own chain, which appears whole or not at all."""
    draft = scene.with_suffix(".part.gpkg")
    draft.unlink(missing_ok=True)
    params = localize.LocalizeParams(
        clip=clip,
        satellite=str(satellite),
        out=draft,
        use_telemetry=use,
        telemetry=None if use is TelemetryUse.NONE else telemetry,
    )
    localize.run(params, JobContext())
    if tracked:
        track(TrackParams(scene=str(draft)), JobContext())
    draft.replace(scene)


def _exact(folder: Path, seed: int, worlds: Worlds) -> Exact:
    """What is exactly true of a world that was rendered."""
    scenario = make_scenario(settings_of(worlds.params(folder, seed)))
    observations, events = (
        pyogrio.read_dataframe(folder / "truth.gpkg", layer=name) for name in ("observations", "events")
    )
    events["event"] = events["event"].astype(str)
    return Exact(scenario, observations, events)
