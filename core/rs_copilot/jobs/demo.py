"""Use case: the demo world and the whole chain on it, with scores against the exact truth.

The demo world tests geometry and the chain; it never stands in for real imagery in a claim of quality.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
from pydantic import BaseModel, ConfigDict, Field, field_validator

from rs_copilot.errors import StorageError
from rs_copilot.evaluation.localization import read_true_centers, score_placements
from rs_copilot.evaluation.mot import MATCH_RADIUS_M, score_tracks
from rs_copilot.evaluation.mot_data import read_tracks, read_tracks_px, read_truth, read_truth_px
from rs_copilot.jobs import export, localize, simulate, track
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.raster.source import open_raster
from rs_copilot.types import TelemetryUse
from rs_copilot.vector.picture import MapLayers, draw_map, write_picture
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import read_layer

EXPORTED = ("tracks", "footprints")
# In the order of the fields of `MapLayers`.
MAP_LAYERS = ("footprints", "trajectory", "frames", "tracks")
VEHICLES = frozenset({"car", "van", "truck", "bus"})
PICTURE_MARGIN_M = 40.0
PICTURE_LONG_SIDE_PX = 1200
# Share of the progress bar at which each step ends; rendering the world takes most of the time.
STEP_ENDS = {"simulate": 55, "localize": 75, "track": 95, "export": 97, "picture": 99, "score": 100}


class DemoParams(BaseModel):
    """Where to, how long a clip, and how much of its telemetry may be used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    out: Path
    seed: int = 7
    seconds: float = Field(20.0, gt=0.0, le=600.0)
    size: str = "1280x720"
    fps: str = "10"
    extent_m: float = Field(800.0, ge=300.0, le=1600.0)
    use_telemetry: TelemetryUse = TelemetryUse.ATTITUDE


class DemoScores(BaseModel):
    """How the result agrees with the truth; ``None`` where there is nothing to judge."""

    frames: int
    located: int
    tracked: int
    placed_share: float | None
    median_error_m: float | None
    p90_error_m: float | None
    inside_error_share: float | None
    wrong_located_share: float | None
    vehicles_visible: int
    vehicles_tracked: int
    vehicles_tracked_share: float | None
    median_speed_error: float | None
    median_vehicle_error_m: float | None
    false_tracks: int
    vehicles_tracked_in_picture: int
    false_tracks_in_picture: int

    @field_validator("*", mode="before")
    @classmethod
    def _nan_is_none(cls, value: object) -> object:
        return None if isinstance(value, float) and math.isnan(value) else value

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"Frames placed:           {percent(self.placed_share)} of {self.frames} "
            f"({self.located} matched to the map, {self.tracked} carried between them)",
            f"Error of placed frames:  median {metres(self.median_error_m)}, "
            f"90 % below {metres(self.p90_error_m)}",
            f"Truth inside error_m:    {percent(self.inside_error_share)} (90 % is right)",
            f"Matched but > 50 m off:  {percent(self.wrong_located_share)}",
            f"Moving vehicles tracked: {percent(self.vehicles_tracked_share)} of {self.vehicles_visible} "
            f"that are visible for 3 s or more ({self.false_tracks} tracks on nothing)",
            f"                         within {MATCH_RADIUS_M:.0f} m on the ground, laid on the world's "
            f"terrain model; {metres(self.median_vehicle_error_m)} off in the median",
            f"  matched in picture:    {self.vehicles_tracked_in_picture} of {self.vehicles_visible} "
            f"({self.false_tracks_in_picture} tracks on nothing)",
            f"Error of their speed:    {percent(self.median_speed_error)} in the median",
        ]


def percent(share: float | None) -> str:
    """A share for people."""
    return "none" if share is None else f"{100 * share:.0f} %"


def metres(value: float | None) -> str:
    """A distance for people."""
    return "none" if value is None else f"{value:.2f} m"


class DemoResult(BaseModel):
    """What was made, and how well it agrees with the truth."""

    out: Path
    scene: Path
    satellite: Path
    clip: Path
    picture: Path
    exported: list[Path]
    use_telemetry: TelemetryUse
    scores_file: Path
    scores: DemoScores
    seconds: dict[str, float]
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        made = {"scene": self.scene, "picture of the map": self.picture, "scores": self.scores_file}
        made |= {f"shapefile of {path.stem}": path for path in self.exported}
        took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        files = [f"{name + ':':26}{path}" for name, path in made.items()]
        return "\n".join([*self.scores.lines(), "", *files, "", f"Took {took}.", "See it in QGIS: make qgis"])


def run(params: DemoParams, context: JobContext) -> DemoResult:
    """Simulate, localize, track, export, draw and score.

    Raises:
        StorageError: the output folder cannot be written.
        CancelledError: the user stopped; the files of the finished steps are kept.
    """
    steps = _Steps(context)
    scene = params.out / "scene.gpkg"
    with steps.step("simulate") as inner:
        request = simulate.SimulateParams(
            out=params.out,
            seed=params.seed,
            seconds=params.seconds,
            size=params.size,
            fps=params.fps,
            extent_m=params.extent_m,
        )
        world = simulate.run(request, inner)
    satellite, clip = world.files["satellite.tif"], world.files["clip.mp4"]
    dem = str(world.files["dem.tif"])
    _remove(scene)
    with steps.step("localize") as inner:
        located = localize.run(
            localize.LocalizeParams(
                clip=clip,
                satellite=str(satellite),
                out=scene,
                use_telemetry=params.use_telemetry,
                dem=dem,
            ),
            inner,
        )
    with steps.step("track") as inner:
        track.run(track.TrackParams(scene=str(scene), dem=dem), inner)
    with steps.step("export") as inner:
        exported = [_export(scene, layer, inner) for layer in EXPORTED]
    with steps.step("picture"):
        picture = params.out / "map.png"
        _draw(scene, satellite, picture)
    with steps.step("score"):
        scores = _score(scene, located.clip, world.files["truth.gpkg"])
        scores_file = params.out / "scores.json"
        _write_scores(scores_file, scores)
    return DemoResult(
        out=params.out,
        scene=scene,
        satellite=satellite,
        clip=clip,
        picture=picture,
        exported=exported,
        use_telemetry=params.use_telemetry,
        scores_file=scores_file,
        scores=scores,
        seconds=steps.seconds,
        warnings=list(context.warnings),
    )


class _Steps:
    """The steps of the demo share one progress bar and one list of warnings."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._start = 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[JobContext]:
        """A context whose progress fills this step's part of the bar."""
        first, last = self._start, STEP_ENDS[name]

        def forward(inner: Progress) -> None:
            share = inner.done / inner.total if inner.total > 0 else 0.0
            done = round(first + (last - first) * min(share, 1.0))
            self._context.on_progress(Progress(done, 100, inner.message, inner.partial))

        started = time.monotonic()
        self._context.progress(first, 100, f"Demo: {name}")
        yield replace(self._context, on_progress=forward)
        self.seconds[name] = round(time.monotonic() - started, 2)
        self._start = last


def _remove(scene: Path) -> None:
    """Every demo starts from an empty scene, so that its scores are its own."""
    try:
        for leftover in scene.parent.glob(f"{scene.name}*"):
            leftover.unlink()
    except OSError as error:
        raise StorageError(
            f"cannot replace {scene}: {error}", hint="Close it in other programs, then run again."
        ) from error


def _export(scene: Path, layer: str, context: JobContext) -> Path:
    out = scene.parent / f"{layer}.shp"
    export.run(export.ExportParams(scene=str(scene), layer=layer, out=str(out)), context)
    return out


def _score(scene: Path, clip: str, truth: Path) -> DemoScores:
    placed = read_placements(scene, clip)
    places = score_placements(placed.placements, read_true_centers(truth, placed.metric_crs))
    on_ground = read_truth(truth, placed.metric_crs), read_tracks(scene, clip, placed.metric_crs)
    moving = score_tracks(*on_ground, labels=VEHICLES)
    in_picture = score_tracks(
        *on_ground, labels=VEHICLES, seen=(read_truth_px(truth), read_tracks_px(scene, clip))
    )
    return DemoScores(
        frames=places.frames,
        located=places.located,
        tracked=places.tracked,
        placed_share=places.placed_share,
        median_error_m=places.median_error_m,
        p90_error_m=places.p90_error_m,
        inside_error_share=places.inside_error_share,
        wrong_located_share=places.wrong_located_share,
        vehicles_visible=moving.wanted,
        vehicles_tracked=moving.tracked,
        vehicles_tracked_share=moving.tracked_share,
        median_speed_error=moving.median_speed_error,
        median_vehicle_error_m=moving.median_distance_m,
        false_tracks=moving.false_tracks,
        vehicles_tracked_in_picture=in_picture.tracked,
        false_tracks_in_picture=in_picture.false_tracks,
    )


def _write_scores(path: Path, scores: DemoScores) -> None:
    try:
        path.write_text(scores.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}") from error


def _draw(scene: Path, satellite: Path, picture: Path) -> None:
    """The scene over the part of the satellite image that it covers."""
    with open_raster(satellite) as raster:
        crs = raster.info.metric_crs
        layers = MapLayers(*(_layer(scene, name, crs) for name in MAP_LAYERS))
        bounds = _bounds_of(layers, raster.info.bounds_m)
        long_side_m = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
        background = raster.read(long_side_m / PICTURE_LONG_SIDE_PX, bounds)
    title = "RS Copilot: where the demo clip lies on the satellite image"
    image = draw_map(background.image, background.px_from_map, background.gsd_m, layers, title=title)
    write_picture(picture, image)


def _layer(scene: Path, name: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    table = read_layer(scene, name)
    return table if table.empty else table.to_crs(crs)


def _bounds_of(
    layers: MapLayers, whole: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """What the layers cover, with a margin, inside the raster; the whole raster where they are empty."""
    boxes = [table.total_bounds for table in (layers.footprints, layers.trajectory) if not table.empty]
    if not boxes:
        return whole
    west, south = np.min(boxes, axis=0)[:2] - PICTURE_MARGIN_M
    east, north = np.max(boxes, axis=0)[2:] + PICTURE_MARGIN_M
    return max(west, whole[0]), max(south, whole[1]), min(east, whole[2]), min(north, whole[3])
