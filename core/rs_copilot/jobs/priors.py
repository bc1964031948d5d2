"""Where a retriever believes frames of a clip lie, as priors for whoever answers questions about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.errors import VideoError
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.gallery import guesses_for, open_retriever, raster_of, tile_corners_m
from rs_copilot.jobs.telemetry import read_told
from rs_copilot.localization.retrieve import Retriever
from rs_copilot.reasoning.planning.words import take_times
from rs_copilot.reasoning.prior import Prior, PriorTile, chance_of, is_told
from rs_copilot.reasoning.question import Question
from rs_copilot.retrieval.gallery import Gallery
from rs_copilot.retrieval.query import Hit
from rs_copilot.types import Frame
from rs_copilot.video.clip import Clip, open_clip
from rs_copilot.video.telemetry import TelemetryTrack

# Tiles that a prior tells (the k of links2bench.md, 6.1), and tiles that they are chosen from.
TOLD, LOOKED_UP = 3, 60
# Tiles with more of the smaller in common show one place: neighbours of the grid have a half.
MAX_COMMON = 0.3
# Moments of a clip that are looked up where none is asked about.
MOMENTS = 4
# A moment so little after the last frame is still meant to be it.
SLACK_S = 0.5


def tiles_apart(shapes_m: Sequence[BaseGeometry], count: int) -> list[int]:
    """Numbers of the first of several shapes, best first, that do not lie on a better one."""
    kept: list[int] = []
    for number, shape in enumerate(shapes_m):
        smaller = [min(shape.area, shapes_m[other].area) for other in kept]
        common = [shape.intersection(shapes_m[other]).area for other in kept]
        if all(both <= MAX_COMMON * area for both, area in zip(common, smaller, strict=True)):
            kept.append(number)
        if len(kept) == count:
            break
    return kept


def prior_of(tiles: Sequence[PriorTile]) -> Prior:
    """The prior that tiles make, best first; it is withheld where the best that lie apart are too alike."""
    kept = [tiles[number] for number in tiles_apart([tile.shape_lonlat for tile in tiles], TOLD)]
    told = tuple(replace(tile, rank=rank) for rank, tile in enumerate(kept, 1))
    if not told:
        return Prior((), 0.0, is_withheld=True)
    margin = told[0].score - (told[1].score if len(told) > 1 else 0.0)
    return Prior(told, margin, not is_told(margin), chance=chance_of(margin), considered=tuple(tiles))


def tile_lonlat(gallery: Gallery, tile: int) -> BaseGeometry:
    """A tile's border in degrees."""
    crs = pyproj.CRS.from_user_input(raster_of(gallery, tile).metric_crs)
    return shapely.Polygon(to_lonlat(tile_corners_m(gallery, tile), crs))


class Priors(Protocol):
    """Where frames of one clip are believed to lie."""

    @property
    def duration_s(self) -> float:
        """Length of the clip, 0 where it is not known."""
        ...

    def at(self, time_s: float) -> Prior | None:
        """The prior of the frame at a moment; ``None`` where the clip has none."""
        ...


def prior_for(priors: Priors, question: Question) -> Prior | None:
    """The prior of the moment that a question is about; else that of the surest of some moments of the clip,
    with the best tiles of the others as track.
    """
    _, times = take_times(question.text, priors.duration_s)
    if times.at_s is not None:
        return priors.at(times.at_s)
    found = [priors.at(float(time_s)) for time_s in np.linspace(0.0, priors.duration_s, MOMENTS)]
    known = [prior for prior in found if prior is not None and prior.tiles]
    if not known:
        return None
    best = max(known, key=lambda prior: prior.margin)
    return replace(best, track=tuple(prior.told[0] for prior in known if prior.told))


@dataclass
class PriorMaker:
    """Looks up frames of an open clip in a gallery; each once."""

    retriever: Retriever
    clip: Clip
    telemetry: TelemetryTrack | None = None
    check: Callable[[], None] = lambda: None
    _found: dict[float, Prior | None] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """See `Priors`."""
        return self.clip.info.duration_s

    def at(self, time_s: float) -> Prior | None:
        """See `Priors`."""
        if time_s not in self._found:
            self._found[time_s] = self._look_up(time_s)
        return self._found[time_s]

    def _look_up(self, time_s: float) -> Prior | None:
        if 0.0 < self.duration_s < time_s - SLACK_S:
            return None
        try:
            frame = self.clip.frame_at(time_s)
        except VideoError:
            return None
        return prior_of(self.tiles_of(frame, self.hits_of(frame)))

    def hits_of(self, frame: Frame) -> list[Hit]:
        """The tiles that are most like a frame, best first."""
        track = self.telemetry
        told = None if track is None else track.at(frame.time_s, frame.index, frame.file)
        tried = guesses_for(self.retriever.gallery, frame.size, told)
        embeddings = self.retriever.embed(frame.image, tried, self.check)
        return self.retriever.hits(embeddings, tried, LOOKED_UP)

    def tiles_of(self, frame: Frame, hits: Sequence[Hit]) -> list[PriorTile]:
        """The same as tiles of a prior."""
        # Tiles of several rasters are compared in degrees: shares of areas are the same there.
        gallery = self.retriever.gallery
        return [
            PriorTile(rank, hit.score, tile_lonlat(gallery, hit.tile), frame.time_s)
            for rank, hit in enumerate(hits, 1)
        ]


@contextmanager
def open_priors(
    index: Path, clip: Path, telemetry: Path | None, context: JobContext, *, uses_telemetry: bool = True
) -> Iterator[PriorMaker]:
    """Look up frames of a clip in a gallery. Without telemetry every heading and size is tried.

    Raises:
        BadInputError: index, network, clip or telemetry cannot be used, or do not belong together.
        MissingDependencyError: a package, the device or the network is missing.
    """
    retriever = open_retriever(index, None, context)
    with open_clip(clip) as opened:
        told = read_told(clip, telemetry, opened, context) if uses_telemetry else None
        yield PriorMaker(retriever, opened, told, context.check)
