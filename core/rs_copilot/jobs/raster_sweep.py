"""What every sweep over a raster has: pictures, a plan, a region, a journal, and what answers for tiles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import geopandas as gpd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.region import read_region
from rs_copilot.jobs.row_writer import RowWriter
from rs_copilot.raster.sheets import files_of, is_pattern
from rs_copilot.tiles.cluster import ClusterSweep, WorkMaker
from rs_copilot.tiles.journal import Journal, open_journal
from rs_copilot.tiles.model import TileModel
from rs_copilot.tiles.pictures import TilePictures, open_tile_pictures
from rs_copilot.tiles.plan import Tile, TilePlan, plan_tiles, scale_for
from rs_copilot.tiles.region import region_px
from rs_copilot.tiles.sweep import Sweep, Tally, Work, pace_for
from rs_copilot.vector.store import ensure_scene, write_layers

T = TypeVar("T", bound=Sized)
Answers = Iterator[tuple[Tile, dict[str, NDArray[Any]] | None]]


@dataclass(frozen=True)
class Where:
    """A raster and the part of it to look at; ``gsd_m`` overrides what the network was made for."""

    source: str
    out: str
    region: str | None = None
    gsd_m: float | None = None
    resume: bool = True
    scheduler: str | None = None


class SweepCounts(TypedDict):
    """What became of the tiles; ``tiles`` are those of the region."""

    source: str
    tiles: int
    tiles_of_raster: int
    empty: int
    resumed: int
    damaged: int


def told_tiles(tiles: int | None, tiles_of_raster: int | None, resumed: int | None) -> str:
    """For people."""
    known = f", {resumed} of them known from before" if resumed else ""
    return f"{tiles} of {tiles_of_raster} tiles{known}"


@dataclass
class RasterSweep:
    """An open raster with the plan of a network over it, and what becomes of the tiles."""

    where: Where
    context: JobContext
    model: TileModel
    pictures: TilePictures
    plan: TilePlan
    region: BaseGeometry | None
    tally: Tally = field(default_factory=Tally)

    @cached_property
    def clip(self) -> str:
        """Rows are named after the raster's file."""
        return Path(self.where.source).name

    @contextmanager
    def journal(self, *decides: object) -> Iterator[tuple[Journal, datetime]]:
        """The journal, and when the work began; removed at the end unless tiles could not be read.

        Args:
            decides: what decides the answers beside the raster, the network and the plan.
        """
        key = self._key(decides)
        path = journal_path(self.where.out, key)
        if not self.where.resume:
            path.unlink(missing_ok=True)
        started = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with open_journal(path, key, started) as journal:
            yield journal, datetime.fromisoformat(journal.started_at)
            if not self.tally.damaged:
                journal.remove()
                return
        self.context.warn(
            f"{len(self.tally.damaged)} of {len(self.plan)} tiles could not be read "
            f"({self.tally.first_damage}); run again to try only them"
        )

    @property
    def counts(self) -> SweepCounts:
        """For the job's result."""
        return SweepCounts(
            source=self.clip,
            tiles=len(self.plan),
            tiles_of_raster=self.plan.total,
            empty=self.tally.empty - len(self.tally.damaged),
            resumed=self.tally.resumed,
            damaged=len(self.tally.damaged),
        )

    def _key(self, decides: tuple[object, ...]) -> str:
        source, plan = self.where.source, self.plan
        files = [Path(name) for name in (files_of(source) if is_pattern(source) else [source])]
        found = [(str(path), path.stat().st_size, path.stat().st_mtime) for path in files if path.is_file()]
        words = {
            "source": source,
            "files": found,
            "model": (self.model.model, self.model.sha256),
            "plan": (asdict(plan.size), asdict(plan.tile), plan.overlap_px, plan.scale_xy),
            "region": None if self.region is None else shapely.to_wkb(self.region, hex=True),
            "decides": decides,
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()

    def answers(self, journal: Journal, work: Work, maker: WorkMaker) -> Answers:
        """Answers of all tiles in order: ``work`` gives them here, what ``maker`` opens on a cluster."""
        check, where = self.context.check, self.where
        if where.scheduler is not None:
            sweep = ClusterSweep(self.plan, where.source, maker, where.scheduler, journal, check, self.tally)
            return sweep.answers()
        pace = pace_for(self.model.device, self.model.batch)
        return Sweep(self.plan, self.pictures, work, pace, check, journal, self.tally).answers()

    def write(
        self,
        layer: str,
        method: str,
        make: Callable[[list[T]], gpd.GeoDataFrame],
        found: Iterator[tuple[int, T]],
        tell: Callable[[int], str],
    ) -> None:
        """Write what is found into a layer while it comes; rows of that method are removed first.

        Args:
            layer: its name.
            method: what its rows are made by.
            make: makes rows of some things found.
            found: tiles done so far, and what has become complete with them.
            tell: puts the rows so far into words, for whoever waits.

        Raises:
            SceneError: the scene is none, or one in another CRS.
            StorageError: it cannot be written.
            CancelledError: stopped; what was found is in the scene.
        """

        def prepare() -> None:
            ensure_scene(self.where.out, self.pictures.info.crs)
            none = {layer: make([])}
            write_layers(self.where.out, none, replace_clip=self.clip, replace_method=method)

        with RowWriter(self.where.out, layer, prepare, make) as rows:
            for done, item in found:
                if len(item):
                    rows.put(item)
                # No tile is left to work on beside what is written at the end: the less the better.
                if len(self.plan) - done == len(self.plan.columns.starts):
                    rows.flush()
                self.context.progress(done, len(self.plan), tell(rows.written), rows.news())


def journal_path(out: str, key: str) -> Path:
    """Beside the scene; for a scene in a database in the working folder."""
    if "://" in out:
        return Path(f".rs-copilot-{key[:16]}.journal")
    path = Path(out)
    return path.with_name(f".{path.name}.{key[:16]}.journal")


@contextmanager
def open_sweep(where: Where, model: TileModel, context: JobContext) -> Iterator[RasterSweep]:
    """Open a raster and plan what the network looks at.

    Raises:
        BadInputError: the raster or the region's file cannot be used.
        UsageError: the region lies beside the raster.
    """
    with open_tile_pictures(where.source) as pictures:
        scale = scale_for(pictures.pixel_m, where.gsd_m or model.gsd_m)
        plan = plan_tiles(pictures.info.size, model.tile, model.overlap_px, scale)
        region = None
        if where.region is not None:
            region = region_px(read_region(where.region), pictures, plan)
            shapely.prepare(region)
            plan = plan.within(region)
        yield RasterSweep(where, context, model, pictures, plan, region)
