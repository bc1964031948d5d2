"""Find what a phrase describes, in a raster of any size or in frames of a clip, as polygons on the map."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import CancelledError, UsageError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.ground_params import Grounding, GroundParams, GroundResult
from rs_copilot.jobs.look_talk import budget_for
from rs_copilot.jobs.region import read_region
from rs_copilot.jobs.run_note import note_run
from rs_copilot.jobs.shelf import shelf_of
from rs_copilot.jobs.sources import is_map, placed_clip
from rs_copilot.tiles.region import region_px, window_px
from rs_copilot.types import Box, FloatArray
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.postgis import is_database
from rs_copilot.vector.store import ensure_scene, write_layers
from rs_copilot.video.clip import open_clip
from rs_copilot.vlm.backend import Backend, Decoding, Stop
from rs_copilot.vlm.picture import FrameWindows, PictureSource, RasterWindows, open_raster_windows
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Task
from rs_copilot.vlm.zoom import Look, Manner, Outcome, Place, look_closer

__all__ = ["GroundParams", "GroundResult", "run"]

LAYERS = ["groundings", "looks"]


def run(params: GroundParams, context: JobContext) -> GroundResult:
    """Ask, and write boxes and looks into the scene.

    Raises:
        UsageError: no such model, a region beside the raster, or an option that does not go with the source.
        BadInputError: source, model or scene cannot be used.
        MissingDependencyError: no model was named, or packages, weights, server or device are missing.
        OutOfMemoryError: the model or the pictures do not fit.
        CancelledError: stopped; what was found is in the scene.
    """
    started = time.monotonic()
    spec = params.backend
    kind = "raster" if is_map(params.source) else "clip"
    name = Path(params.source).name if kind == "raster" else placed_clip(params, context)
    with shelf_of(context) as shelf:
        context.progress(0, 1, "Loading the model" if not shelf.holds(spec, context.device) else "Looking")
        with shelf.borrow(spec, context.device) as backend:
            provenance = Provenance(name, params.method, backend.model, backend.sha256)
            work = _Work(params, context, backend, provenance, started)
            (work.on_raster if kind == "raster" else work.on_clip)()
            result = work.result(kind)
    note_run(params.out, "ground", params, provenance, context, seconds=result.seconds, device=result.device)
    return result


@dataclass
class _Work:
    """One run: what it knows, and what it has found so far."""

    params: GroundParams
    context: JobContext
    backend: Backend
    provenance: Provenance
    started: float
    objects: list[Grounding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looks: int = 0
    pictures: int = 0
    skipped: int = 0
    first_call_s: float = 0.0
    grid: Grid = field(init=False)
    _waiting: list[tuple[str, gpd.GeoDataFrame]] = field(default_factory=list)
    _is_open: bool = False

    def on_raster(self) -> None:
        """The whole raster, or what lies in the region."""
        if self.params.time_s is not None:
            raise UsageError("--time goes with a clip, found a raster.")
        with open_raster_windows(self.params.source, is_patient=self.params.read_all) as windows:
            info = windows.info
            region, window = self._region(windows)
            self.grid = Grid(info.metric_crs, info.crs)
            if is_database(self.params.out) or Path(self.params.out).exists():
                ensure_scene(self.params.out, info.crs)
            _Shown(self, windows, region=region).ask(window)

    def on_clip(self) -> None:
        """Placed frames of a clip, one after the other."""
        # What only clips need takes seconds to load.
        from rs_copilot.jobs.ground_clip import FrameMaps, frames_at, wanted_frames

        if self.params.region is not None:
            raise UsageError("--region goes with a raster, found a clip.")
        clip = read_placements(self.params.out, str(self.provenance.clip))
        wanted = wanted_frames(clip, self.params)
        self.grid = Grid(clip.metric_crs, clip.scene_crs)
        beside = Path(self.params.out).parent / clip.clip_path.name
        is_moved = not clip.clip_path.exists() and beside.exists()
        maps = FrameMaps(self.params, self.context, clip)
        with open_clip(beside if is_moved else clip.clip_path) as opened:
            for number, (placement, frame) in enumerate(frames_at(opened, wanted)):
                source = FrameWindows(frame.image, maps.of(placement, frame))
                self.context.progress(number, len(wanted), f"Looking at {placement.time_s:.1f} s")
                _Shown(self, source, frame=placement.frame, time_s=placement.time_s).ask(None)
            for message in opened.warnings:
                self.context.warn(message)

    def _region(self, windows: RasterWindows) -> tuple[BaseGeometry | None, Box | None]:
        """The region in pixels, and the window around it."""
        if self.params.region is None:
            return None, None
        region = region_px(read_region(self.params.region), windows.pictures, windows.plan)
        window = window_px(region, windows.size)
        shapely.prepare(region)
        return region, window

    def write(self, layer: str, rows: list[dict[str, object]], shapes: list[BaseGeometry | None]) -> None:
        """Add rows to a layer. What there is to write before the model was asked first waits for its answer:
        making a new scene takes about as long as the model shall be waited for.
        """
        table = build_table(schema.LAYER_BY_NAME[layer], rows, shapes, self.grid, self.provenance)
        self._waiting.append((layer, table))
        if not self.first_call_s:
            return
        if not self._is_open:
            self._open_scene()
        for name, waiting in self._waiting:
            if len(waiting):
                write_layers(self.params.out, {name: waiting})
        self._waiting = []
        text = f"Looking for {self.params.phrase}: {len(self.objects)} found, {self.looks} looks"
        self.context.progress(0, 1, text, {"scene": self.params.out, "layers": LAYERS})

    def _open_scene(self) -> None:
        """Make the scene where it is missing; remove what an earlier run with the same phrase left."""
        ensure_scene(self.params.out, self.grid.scene)
        empty = {
            name: build_table(schema.LAYER_BY_NAME[name], [], [], self.grid, self.provenance)
            for name in LAYERS
        }
        clip, method = self.provenance.clip, self.provenance.method
        write_layers(self.params.out, empty, replace_clip=clip, replace_method=method)
        self._is_open = True

    def result(self, kind: str) -> GroundResult:
        """What to tell."""
        placed = sum(item.polygon is not None for item in self.objects)
        if placed < len(self.objects):
            self.context.warn(
                f"{len(self.objects) - placed} of {len(self.objects)} boxes lie towards the horizon "
                f"or beyond the map: they are in the scene without a place"
            )
        if self.skipped:
            self.context.warn(f"{self.skipped} parts of the answers could not be read")
        return GroundResult(
            scene=self.params.out,
            source=str(self.provenance.clip),
            kind=kind,
            phrase=self.params.phrase,
            objects=self.objects,
            placed=placed,
            looks=self.looks,
            pictures=self.pictures,
            skipped=self.skipped,
            notes=self.notes,
            model=self.backend.model,
            model_hash=self.backend.sha256,
            device=self.backend.device,
            sends_to=self.backend.sends_to,
            first_call_s=self.first_call_s,
            seconds=time.monotonic() - self.started,
            warnings=list(self.context.warnings),
        )


@dataclass
class _Shown:
    """A raster or a frame that is asked about, and where its boxes go."""

    work: _Work
    source: PictureSource
    region: BaseGeometry | None = None
    frame: int | None = None
    time_s: float | None = None

    def ask(self, window: Box | None) -> None:
        """Look for the phrase, and write boxes and looks.

        Raises:
            CancelledError: stopped; what was found is in the scene.
        """
        work, params = self.work, self.work.params
        family = work.backend.family
        prompt = write_prompt(Task.GROUND, family, text=params.phrase)
        manner = Manner(
            budget_for(params, family, 1),
            Decoding(max_tokens=params.max_tokens, lookup=True),
            params.max_zooms if params.zoom else 0,
            on_look=self._keep_look,
            is_cancelled=work.context.cancelled.is_set,
        )
        outcome = look_closer(work.backend, self.source, prompt, params.phrase, manner, window)
        self._keep(outcome)
        if outcome.stop is Stop.CANCELLED:
            raise CancelledError("The job was cancelled; what had been found is kept.")

    def _keep(self, outcome: Outcome) -> None:
        work = self.work
        work.pictures += 1
        work.skipped += len(outcome.skipped)
        moment = "" if self.time_s is None else f"{self.time_s:.2f} s: "
        work.notes += [moment + note for note in outcome.notes]
        places = [place for place in outcome.places if self._is_wanted(place)]
        shapes = [self._shape(place.quad_px) for place in places]
        work.objects += [self._grounding(*item) for item in zip(places, shapes, strict=True)]
        rows = [{"label": place.label, **self._common(place.quad_px)} for place in places]
        work.write("groundings", rows, shapes)

    def _keep_look(self, look: Look) -> None:
        """A rectangle on the map as soon as the model looks there."""
        work = self.work
        work.looks += 1
        x1, y1, x2, y2 = look.picture.window_px
        quad = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=np.float64)
        shape = self._shape(quad)
        pixels = look.picture.size.width_px * look.picture.size.height_px
        row = {
            "step": look.step,
            "reason": look.reason,
            "gsd_m": None if shape is None else float(np.sqrt(shape.area / pixels)),
            **self._common(quad),
        }
        work.write("looks", [row], [shape])
        work.first_call_s = work.first_call_s or time.monotonic() - work.started

    def _common(self, quad_px: FloatArray) -> dict[str, object]:
        box = *quad_px.min(axis=0), *quad_px.max(axis=0)
        return {
            "phrase": self.work.params.phrase,
            "frame": self.frame,
            "time_s": self.time_s,
            "box_px": ",".join(f"{value:.1f}" for value in box),
        }

    def _is_wanted(self, place: Place) -> bool:
        middle = place.quad_px.mean(axis=0)
        return self.region is None or bool(shapely.contains_xy(self.region, *middle))

    def _shape(self, quad_px: FloatArray) -> BaseGeometry | None:
        points = self.source.map_points(quad_px)
        if points is None or not np.isfinite(points).all():
            return None
        return shapely.Polygon(points)

    def _grounding(self, place: Place, shape: BaseGeometry | None) -> Grounding:
        x1, y1 = (float(value) for value in place.quad_px.min(axis=0))
        x2, y2 = (float(value) for value in place.quad_px.max(axis=0))
        ring = None
        if shape is not None:
            corners = shapely.get_coordinates(shape)[:-1]
            ring = tuple(
                (float(lon), float(lat)) for lon, lat in geo_crs.to_lonlat(corners, self.work.grid.metric)
            )
        return Grounding(
            label=place.label, box_px=(x1, y1, x2, y2), polygon=ring, frame=self.frame, time_s=self.time_s
        )
