"""Look up a UAV frame, or a few frames of one place, in a gallery: ranked tiles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyproj
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot import __version__
from rs_copilot.errors import BadInputError
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.gallery import (
    RankedTile,
    candidates_table,
    grid_convergence_deg,
    guesses_for,
    open_retriever,
    provenance_of,
    raster_of,
    tile_corners_m,
)
from rs_copilot.jobs.telemetry import read_told
from rs_copilot.localization.retrieve import Guess, Retriever
from rs_copilot.retrieval.query import Hit
from rs_copilot.types import Frame
from rs_copilot.vector import build
from rs_copilot.vector.store import append_layer, ensure_scene, write_layers
from rs_copilot.video.clip import Clip, open_clip

# A clip is looked up by a few of its frames: more of one place say little more.
MAX_FRAMES = 8


class SearchParams(BaseModel):
    """What to look for, where, and what is known about it.

    ``image`` may also be a short video or a folder: its frames are then taken for views of one place.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    index: Path
    image: Path
    k: int = Field(default=10, ge=1, le=10_000)
    telemetry: Path | None = None
    width_m: float | None = Field(default=None, gt=0.0)
    heading_deg: float | None = Field(default=None, ge=-360.0, le=360.0)
    out: Path | None = None
    weights: Path | None = None


class FoundTile(BaseModel):
    """A tile that may show the place. ``heading_deg`` is the azimuth of image-up that fits best,
    ``width_m`` the ground width that the frame then has; ``footprint`` is a ring of longitude, latitude.
    """

    rank: int
    score: float
    tile: int
    raster: str
    side_m: float
    lon: float
    lat: float
    heading_deg: float
    width_m: float
    footprint: list[tuple[float, float]]


class SearchResult(BaseModel):
    """Tiles, best first, and what was tried."""

    index: Path
    image: str
    frames: int
    guesses: int
    tiles: list[FoundTile]
    scene: Path | None
    model: str
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        lines = [
            f"{item.rank:3d}  {item.score:.3f}  {item.lat:.6f}, {item.lon:.6f}  tile of {item.side_m:.0f} m, "
            f"image-up to {item.heading_deg:.0f}°, frame {item.width_m:.0f} m wide"
            for item in self.tiles
        ]
        head = f"{self.image}: {len(self.tiles)} tiles by {self.guesses} guesses, in {self.seconds:.1f} s"
        return "\n".join([head, *lines])


def run(params: SearchParams, context: JobContext) -> SearchResult:
    """Rank the tiles.

    Raises:
        BadInputError: index, network, picture or telemetry cannot be used, or do not belong together.
        MissingDependencyError: a package, the device or the network is missing.
        CancelledError: stopped.
    """
    started = time.monotonic()
    context.progress(0, 3, "Opening the index")
    retriever = open_retriever(params.index, params.weights, context)
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(params.image))
        work = _Work(params, context, clip, retriever)
        tiles, count = work.find()
    context.progress(2, 3, "Ranking tiles")
    if params.out is not None:
        work.write(params.out, tiles, time.monotonic() - started)
    context.progress(3, 3, "Found")
    return SearchResult(
        index=params.index,
        image=params.image.name,
        frames=work.frames,
        guesses=count,
        tiles=tiles,
        scene=params.out,
        model=retriever.embedder.card.name,
        seconds=time.monotonic() - started,
        warnings=list(context.warnings),
    )


@dataclass
class _Work:
    """One run of the job and what it knows."""

    params: SearchParams
    context: JobContext
    clip: Clip
    retriever: Retriever
    frames: int = 0

    def find(self) -> tuple[list[FoundTile], int]:
        """The best tiles, and how many guesses were made about each frame."""
        told = read_told(self.params.image, self.params.telemetry, self.clip, self.context)
        tried: list[list[Guess]] = []
        pictures = []
        for frame in self._pick():
            self.context.progress(1, 3, f"Drawing the view at {frame.time_s:.1f} s")
            sample = told.at(frame.time_s, frame.index, frame.file) if told else None
            width_m, heading = self.params.width_m, self.params.heading_deg
            tried.append(guesses_for(self.retriever.gallery, frame.size, sample, width_m, heading))
            pictures.append(frame.image)
        self.frames = len(pictures)
        if not pictures:
            raise BadInputError(f"{self.params.image} has no picture that can be read.")
        hits = self.retriever.find_clip(zip(pictures, tried, strict=True), self.params.k)
        return [self._found(rank, hit, tried[0][hit.guess]) for rank, hit in enumerate(hits, 1)], len(
            tried[0]
        )

    def _pick(self) -> Iterator[Frame]:
        """A still, or frames spread over a clip."""
        every_s = max(self.clip.info.duration_s / MAX_FRAMES, 1e-3) if self.clip.info.duration_s else None
        return islice(self.clip.frames(every_s=every_s), MAX_FRAMES)

    def _found(self, rank: int, hit: Hit, guess: Guess) -> FoundTile:
        gallery = self.retriever.gallery
        raster = raster_of(gallery, hit.tile)
        side_m = float(gallery.tiles.side_m[hit.tile])
        crs = pyproj.CRS.from_user_input(raster.metric_crs)
        ring = to_lonlat(tile_corners_m(gallery, hit.tile), crs)
        lon, lat = to_lonlat(gallery.tiles.center_xy_m[hit.tile], crs)[0]
        return FoundTile(
            rank=rank,
            score=hit.score,
            tile=hit.tile,
            raster=raster.path,
            side_m=side_m,
            lon=float(lon),
            lat=float(lat),
            heading_deg=(guess.heading_deg + grid_convergence_deg(gallery)) % 360.0,
            width_m=guess.frame_width_m(side_m),
            footprint=[(float(x), float(y)) for x, y in ring],
        )

    def write(self, out: Path, tiles: list[FoundTile], seconds: float) -> None:
        """The tiles as the ``candidates`` layer of a scene, and the run."""
        gallery = self.retriever.gallery
        scene_crs = pyproj.CRS.from_user_input(gallery.manifest.rasters[0].crs)
        ensure_scene(out, scene_crs)
        provenance = provenance_of(gallery, self.clip.info.path.name)
        ranked = [RankedTile(0, 0.0, item.rank, item.score, item.tile) for item in tiles]
        table = candidates_table(gallery, ranked, scene_crs, provenance)
        write_layers(out, {"candidates": table}, replace_clip=provenance.clip)
        run_row = build.runs_table(
            "search",
            self.params.model_dump(mode="json"),
            build.Grid(scene_crs, scene_crs),
            provenance,
            version=__version__,
            seconds=seconds,
            device=self.retriever.embedder.device,
            warnings=self.context.warnings,
        )
        append_layer(out, "runs", run_row)
