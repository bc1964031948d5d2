"""Use case: render a demo world with exact truth."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import platformdirs
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot import simulation
from rs_copilot.errors import StorageError, UsageError
from rs_copilot.jobs.context import JobContext
from rs_copilot.reasoning.question import QuestionItem, QuestionSet
from rs_copilot.simulation.settings import ClipSettings, SatelliteSettings, Settings, WorldSettings
from rs_copilot.types import SizeWH

FILES = (
    "satellite.tif",
    "clip.mp4",
    "clip.srt",
    "truth.gpkg",
    "dem.tif",
    "dsm.tif",
    "map.gpkg",
    "questions.json",
)
# Questions about the camera behind a frame, beside the twelve tasks; written where they are asked for.
POSE_FILE = "pose-questions.json"
# What a map of the town would hold; nothing of it tells of the flight.
MAP_LAYERS = ("zones", "roads", "occluders")
if TYPE_CHECKING:
    from rs_copilot.simulation.questions.exact import Exact

SeasonName = Literal["summer", "autumn"]
Wordings = Literal["development", "test", "validation"]


class Asked(NamedTuple):
    """How many questions of every task a world gets, and in which words."""

    per_task: int = 3
    wordings: Wordings = "development"


ASKED = Asked()


class SimulateParams(BaseModel):
    """What to render and where to; the same numbers give the same world."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    out: Path
    seed: int = 7
    seconds: float = Field(20.0, gt=0.0, le=600.0)
    size: str = "1280x720"
    fps: str = "10"
    extent_m: float = Field(800.0, ge=300.0, le=1600.0)
    gsd_m: float = Field(0.5, ge=0.2, le=2.0)
    clip_season: SeasonName = "summer"
    satellite_season: SeasonName = "autumn"
    lean_deg: float = Field(5.0, ge=0.0, le=25.0)
    # Beyond 60 degrees the upper corners of a 16:9 view look over the horizon, where there is no ground.
    off_nadir_deg: float | None = Field(None, ge=0.0, le=60.0)
    questions: int = Field(3, ge=0, le=20, description="questions of every task, each with its twin")
    wordings: Wordings = "development"
    pose_questions: int = Field(0, ge=0, le=20, description="questions of every task about the camera")
    use_cache: bool = True


class SimulateResult(BaseModel):
    """The files of the world and what is in them."""

    model_config = ConfigDict(frozen=True)

    out: Path
    files: dict[str, Path]
    frame_count: int
    cached: bool

    def summary(self) -> str:
        """A few lines for people."""
        source = "taken from the cache" if self.cached else "rendered"
        return "\n".join(
            [
                f"Demo world with {self.frame_count} frames, {source}:",
                *(f"  {p}" for p in self.files.values()),
            ]
        )


def run(params: SimulateParams, context: JobContext) -> SimulateResult:
    """Render the world, or copy it from the cache.

    Raises:
        UsageError: size or frame rate cannot be read.
        StorageError: the output folder cannot be written.
        CancelledError: the user stopped; no half-written file is left.
    """
    settings = settings_of(params)
    cached = cache_folder(settings, params.questions, params.wordings)
    found = params.use_cache and all((cached / name).is_file() for name in FILES)
    try:
        params.out.mkdir(parents=True, exist_ok=True)
        if found:
            _copy(cached, params.out)
        else:
            _render_into(settings, params.out, context, Asked(params.questions, params.wordings))
            if params.use_cache:
                _keep(params.out, cached, context)
        if params.pose_questions:
            write_pose_questions(params.out / POSE_FILE, settings, params.pose_questions)
    except OSError as error:
        raise StorageError(f"cannot write the demo world to {params.out}: {error}") from error
    frames = settings.clip.frame_count
    context.progress(frames, frames, "demo world ready")
    names = (*FILES, POSE_FILE) if params.pose_questions else FILES
    return SimulateResult(
        out=params.out, files={name: params.out / name for name in names}, frame_count=frames, cached=found
    )


def settings_of(params: SimulateParams) -> Settings:
    """The simulation's own settings.

    Raises:
        UsageError: size or frame rate cannot be read.
    """
    try:
        width, height = (int(part) for part in params.size.lower().split("x"))
        fps = Fraction(params.fps)
    except (ValueError, ZeroDivisionError) as error:
        found = f"{params.size}, {params.fps}"
        message = f"expected a size like 1280x720 and a frame rate like 10 or 30000/1001, found {found}"
        raise UsageError(message) from error
    if not (
        64 <= width <= 3840 and 64 <= height <= 2160 and width % 2 == 0 and height % 2 == 0 and 0 < fps <= 60
    ):
        raise UsageError(
            f"expected even sides of 64 to 3840 px and up to 60 fps, found {params.size}, {params.fps}"
        )
    return Settings(
        WorldSettings(seed=params.seed, extent_m=params.extent_m),
        ClipSettings(
            seconds=params.seconds,
            fps=fps,
            size=SizeWH(width, height),
            season=params.clip_season,
            off_nadir_deg=params.off_nadir_deg,
        ),
        SatelliteSettings(gsd_m=params.gsd_m, season=params.satellite_season, lean_deg=params.lean_deg),
    )


def cache_folder(settings: Settings, questions: int = 3, wordings: Wordings = "development") -> Path:
    """Where a world with these settings is kept between runs."""
    what = [settings.as_dict(), questions, wordings]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    # The sources are part of the key: a changed renderer must never serve yesterday's pictures.
    folder = Path(simulation.__file__).parent
    for source in sorted([*folder.rglob("*.py"), *folder.rglob("*.json")]):
        digest.update(source.read_bytes())
    key = digest.hexdigest()[:20]
    return Path(platformdirs.user_cache_dir("rs-copilot")) / "worlds" / key


def _copy(source: Path, target: Path) -> None:
    for name in FILES:
        draft = target / f".{name}.part"
        shutil.copyfile(source / name, draft)
        draft.replace(target / name)


def _keep(source: Path, cached: Path, context: JobContext) -> None:
    """A cache that cannot be written is not worth failing for."""
    try:
        cached.mkdir(parents=True, exist_ok=True)
        _copy(source, cached)
    except OSError as error:
        context.warn(f"the demo world could not be kept for next time: {error}")


def _render_into(settings: Settings, out: Path, context: JobContext, asked: Asked = ASKED) -> None:
    with tempfile.TemporaryDirectory(prefix=".simulate-", dir=out) as folder:
        draft = Path(folder)
        _render(settings, draft, context, asked)
        for name in FILES:
            (draft / name).replace(out / name)


def _render(settings: Settings, folder: Path, context: JobContext, asked: Asked) -> None:
    """Everything into ``folder``; imports are late because numba is heavy."""
    from rs_copilot.simulation.clip import ClipWriter, rendered_frames
    from rs_copilot.simulation.questions.exact import Exact
    from rs_copilot.simulation.satellite import satellite_image, write_elevation, write_satellite
    from rs_copilot.simulation.scenario import make_scenario
    from rs_copilot.simulation.telemetry import read_instruments, srt_text
    from rs_copilot.simulation.truth import Observation, observe, truth_tables
    from rs_copilot.simulation.truth_store import write_truth

    total = settings.clip.frame_count
    context.progress(0, total, "building the town")
    scenario = make_scenario(settings)
    context.progress(0, total, "rendering the satellite image")
    write_satellite(folder / "satellite.tif", scenario, satellite_image(scenario))
    write_elevation(folder / "dem.tif", folder / "dsm.tif", scenario.world)
    readings = read_instruments(scenario.world, scenario.flight, scenario.telemetry_rng)
    (folder / "clip.srt").write_text(srt_text(scenario.flight, readings), encoding="utf-8")
    observations: list[Observation] = []
    with ClipWriter(folder / "clip.mp4", scenario) as writer:
        for frame in rendered_frames(scenario):
            writer.write(frame)
            observations += observe(scenario, frame)
            context.progress(frame.index + 1, total, f"rendering frame {frame.index + 1} of {total}")
    tables = truth_tables(scenario, observations)
    write_truth(folder / "truth.gpkg", tables)
    write_truth(folder / "map.gpkg", {name: tables[name] for name in MAP_LAYERS})
    exact = Exact(scenario, tables["observations"], tables["events"])
    write_questions(folder / "questions.json", exact, asked.wordings, asked.per_task)


def write_questions(
    path: Path, exact: Exact, wordings: Wordings = ASKED.wordings, per_task: int = ASKED.per_task
) -> None:
    """A question set about a world, with exact answers.

    Raises:
        OSError: it cannot be written.
    """
    from rs_copilot.simulation.questions.generate import make_questions

    seed = exact.scenario.settings.world.seed
    _write_set(path, make_questions(exact, seed, wordings, per_task))


def write_pose_questions(path: Path, settings: Settings, per_task: int = ASKED.per_task) -> None:
    """A question set about the camera behind frames of a world; nothing has to be rendered for it.

    Raises:
        OSError: it cannot be written.
    """
    import geopandas as gpd

    from rs_copilot.simulation.questions.exact import Exact
    from rs_copilot.simulation.questions.generate import make_pose_questions
    from rs_copilot.simulation.scenario import make_scenario

    exact = Exact(make_scenario(settings), gpd.GeoDataFrame(), gpd.GeoDataFrame())
    _write_set(path, make_pose_questions(exact, settings.world.seed, per_task))


def _write_set(path: Path, items: list[dict[str, Any]]) -> None:
    questions = QuestionSet(
        clip="clip.mp4",
        satellite="satellite.tif",
        layers={name: f"map.gpkg|layername={name}" for name in MAP_LAYERS},
        questions=tuple(QuestionItem.model_validate(item) for item in items),
    )
    path.write_text(questions.model_dump_json(indent=1), encoding="utf-8")
