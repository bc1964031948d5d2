"""Priors for question sets of rendered worlds: the retriever's, perfect ones, and ones drawn by lot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

import numpy as np

from rs_copilot.geo.crs import WGS84, transform
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.index import IndexParams
from rs_copilot.jobs.index import run as index
from rs_copilot.jobs.priors import PriorMaker, Priors, open_priors, tile_lonlat, tiles_apart
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.prior import Prior, PriorSource, PriorTile
from rs_copilot.reasoning.question import QuestionSet
from rs_copilot.retrieval.query import Ids

# The folder beside a question set with the index of its map.
INDEX = "index"
TOLD = 3


class PriorKind(str, Enum):
    """What is told of where the views of a clip lie."""

    NONE = "none"
    CVAA = "cvaa"
    """What the retriever finds, withheld where it is not sure."""
    ORACLE = "oracle"
    """The square that the truth lies on: how much a prior can help."""
    RANDOM = "random"
    """Squares drawn by lot, told as if they were sure: how much a wrong one harms."""


@dataclass
class SetPriors:
    """Priors of all kinds for a question set: every frame is looked up once for all of them."""

    folder: Path
    questions: QuestionSet
    truth: Callable[[], Memory]
    context: JobContext
    _stack: ExitStack

    @cached_property
    def _maker(self) -> PriorMaker:
        place = self.folder / INDEX
        if not place.exists():
            raster = str(self.folder / self.questions.satellite)
            index(IndexParams(rasters=[raster], out=place), self.context)
        clip = self.folder / self.questions.clip
        return self._stack.enter_context(open_priors(place, clip, None, self.context))

    def of(self, kind: PriorKind) -> Priors | None:
        """Those of a kind.

        Raises:
            BadInputError: the map or the clip cannot be used.
            MissingDependencyError: a package, the device or the network is missing.
        """
        if kind is PriorKind.NONE:
            return None
        if kind is PriorKind.ORACLE:
            return OraclePriors(self._maker, self.truth())
        return RandomPriors(self._maker) if kind is PriorKind.RANDOM else self._maker


@contextmanager
def open_set_priors(
    folder: Path, questions: QuestionSet, truth: Callable[[], Memory], context: JobContext
) -> Iterator[SetPriors]:
    """Priors for a question set; its map is indexed where it is not, as soon as one is wanted.

    Args:
        folder: where the set lies.
        questions: the set.
        truth: gives the scene in which every frame is placed exactly.
        context: of the job.
    """
    with ExitStack() as stack:
        yield SetPriors(folder, questions, truth, context, stack)


@dataclass(frozen=True)
class OraclePriors:
    """The squares nearest to the true middle of a view, of the scale nearest to its size.

    They have the scores of what the retriever found, so that only places differ.
    """

    found: PriorMaker
    truth: Memory

    @property
    def duration_s(self) -> float:
        """See `Priors`."""
        return self.found.duration_s

    def at(self, time_s: float) -> Prior | None:
        """See `Priors`."""
        views, prior = self.truth.views, self.found.at(time_s)
        number = views.nearest(time_s)
        if number is None or prior is None:
            return None
        gallery = self.found.retriever.gallery
        middles = transform(gallery.lonlat, WGS84, self.truth.crs)
        side_m = float(np.sqrt(views.footprint(number).area))
        sides = np.array(gallery.manifest.sides_m)
        best_side = sides[np.argmin(np.abs(np.log(sides / side_m)))]
        off_m = np.linalg.norm(middles - views.centers_m[number], axis=1)
        off_m[gallery.tiles.side_m != best_side] = np.inf
        return _told(self.found, prior, np.argsort(off_m, kind="stable"), PriorSource.ORACLE)


@dataclass(frozen=True)
class RandomPriors:
    """Squares drawn by lot from all of the scales, the same at each call."""

    found: PriorMaker

    @property
    def duration_s(self) -> float:
        """See `Priors`."""
        return self.found.duration_s

    def at(self, time_s: float) -> Prior | None:
        """See `Priors`."""
        prior = self.found.at(time_s)
        if prior is None:
            return None
        said = f"{self.found.clip.info.path.name} {time_s:.3f}".encode()
        seed = int.from_bytes(hashlib.sha256(said).digest()[:8], "big")
        order = np.random.default_rng(seed).permutation(len(self.found.retriever.gallery.tiles))
        return _told(self.found, prior, order, PriorSource.RANDOM)


def _told(found: PriorMaker, prior: Prior, order: Ids, source: PriorSource) -> Prior:
    """The first tiles of an order that lie apart, with the scores of another prior; never withheld."""
    gallery = found.retriever.gallery
    # Enough to find some that lie apart: of one scale eight neighbours overlap each.
    shapes = [tile_lonlat(gallery, int(tile)) for tile in order[: 20 * TOLD]]
    kept = tiles_apart(shapes, max(len(prior.tiles), 1))
    scores = [tile.score for tile in prior.tiles] or [0.0]
    tiles = tuple(
        PriorTile(rank, score, shapes[number], prior.tiles[0].time_s if prior.tiles else None)
        for rank, (number, score) in enumerate(zip(kept, scores, strict=False), 1)
    )
    return Prior(tiles, prior.margin, is_withheld=False, source=source, chance=1.0)
