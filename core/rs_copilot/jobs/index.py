"""Embed satellite rasters into a gallery of tiles that photos can be looked up in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import BadInputError
from rs_copilot.jobs.context import JobContext
from rs_copilot.raster.source import RasterSource, open_raster
from rs_copilot.retrieval.embedder import Embedder, open_embedder
from rs_copilot.retrieval.gallery import RasterRef
from rs_copilot.retrieval.parts import (
    Part,
    PartRequest,
    embed_block,
    open_known,
    scatter,
)
from rs_copilot.retrieval.tiles import DEFAULT_STRIDE, TileGrid, default_sides_m, tile_grid
from rs_copilot.retrieval.writer import GalleryWriter
from rs_copilot.tiles.cluster import open_client
from rs_copilot.vector.build import crs_text

# A worker opens raster and network once for so many blocks of up to 144 tiles and more.
BLOCKS_PER_REQUEST = 8


class IndexParams(BaseModel):
    """What to embed and where to. ``scales_m``: ground sides of tiles; ``stride``: their spacing in sides.

    Where ``out`` is an index by the same network already, tiles whose pixels it knows are taken from it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rasters: list[str] = Field(min_length=1)
    out: Path
    scales_m: list[float] | None = Field(default=None, min_length=1)
    stride: float = Field(default=DEFAULT_STRIDE, gt=0.0, le=1.0)
    weights: Path | None = None
    scheduler: str | None = None


class IndexResult(BaseModel):
    """What was written: of all ``tiles``, ``embedded`` are new and ``kept`` come from the index before."""

    index: Path
    rasters: int
    tiles: int
    embedded: int
    kept: int
    scales_m: list[float]
    kind: str
    model: str
    model_hash: str
    seconds: float
    tiles_per_core_second: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        sides = ", ".join(f"{side:.0f}" for side in self.scales_m)
        kept = f", {self.kept} of them kept as they were" if self.kept else ""
        return (
            f"{self.index}: {self.tiles} tiles of {sides} m from {self.rasters} rasters by {self.model}"
            f"{kept}, in {self.seconds:.1f} s"
        )


def run(params: IndexParams, context: JobContext) -> IndexResult:
    """Embed the rasters and write the gallery; it appears whole at the end, or not at all.

    Raises:
        BadInputError: a raster or the network cannot be used, or there is nothing on the rasters.
        UsageError: ``out`` holds something else.
        MissingDependencyError: a package, the device or the network is missing.
        ClusterError: no scheduler answers, or its workers were lost.
        CancelledError: stopped; an index that was there before is as it was.
    """
    started, started_cpu = time.monotonic(), time.process_time()
    embedder = open_embedder(params.weights, context.device)
    work = _Work(params, context, embedder)
    plans = work.plan()
    with ExitStack() as stack:
        writer = stack.enter_context(GalleryWriter(params.out, embedder, work.refs))
        client = None if params.scheduler is None else stack.enter_context(open_client(params.scheduler))
        for part in work.parts(plans) if client is None else work.scattered(plans, client):
            writer.add(part.tiles, part.embeddings, part.fingerprints)
        if not writer.count:
            raise BadInputError(
                "There is nothing on the rasters: every tile lacks data.",
                hint="Check the rasters' nodata value and alpha band.",
            )
        context.progress(work.done, work.total, "Writing the index")
        manifest = writer.finish(params.stride)
    context.progress(work.total, work.total, "Indexed")
    return IndexResult(
        index=params.out,
        rasters=len(manifest.rasters),
        tiles=manifest.tiles,
        embedded=work.embedded,
        kept=manifest.tiles - work.embedded,
        scales_m=manifest.sides_m,
        kind=manifest.kind,
        model=manifest.model.name,
        model_hash=manifest.model.sha256,
        seconds=time.monotonic() - started,
        tiles_per_core_second=manifest.tiles / max(time.process_time() - started_cpu, 1e-6),
        warnings=list(context.warnings),
    )


@dataclass(frozen=True)
class _Plan:
    """One scale of one raster."""

    raster: int
    path: str
    grid: TileGrid


@dataclass
class _Work:
    """One run of the job and what it knows."""

    params: IndexParams
    context: JobContext
    embedder: Embedder
    done: int = 0
    total: int = 0
    embedded: int = 0

    def __post_init__(self) -> None:
        self.refs: list[RasterRef] = []

    def plan(self) -> list[_Plan]:
        """All scales of all rasters, the finest scale first."""
        plans: list[_Plan] = []
        for number, path in enumerate(self.params.rasters):
            with open_raster(path) as source:
                self.refs.append(_reference(source))
                plans += [_Plan(number, path, grid) for grid in self._grids(source)]
        self.total = sum(len(plan.grid) for plan in plans)
        return sorted(plans, key=lambda plan: plan.grid.side_m)

    def _grids(self, source: RasterSource) -> Sequence[TileGrid]:
        info, input_px, stride = source.info, self.embedder.input_px, self.params.stride
        sides = self.params.scales_m or default_sides_m(info.bounds_m, info.gsd_m, input_px, stride)
        for side in sides:
            if side < 0.1 * input_px * info.gsd_m:
                self.context.warn(f"{info.path}: {side:g} m are only {side / info.gsd_m:.0f} pixels of it")
        return [tile_grid(info.bounds_m, side, input_px, stride) for side in sorted(set(sides))]

    def parts(self, plans: Sequence[_Plan]) -> Iterator[Part]:
        """Read and embed the tiles of all plans, in order."""
        with open_known(self.params.out, self.embedder) as known:
            for plan in plans:
                with open_raster(plan.path) as source:
                    for block in plan.grid.blocks():
                        self._tell(plan)
                        part = embed_block(
                            source, plan.raster, block, self.embedder, known, self.context.check
                        )
                        self._count(part, len(block))
                        yield part

    def scattered(self, plans: Sequence[_Plan], client: Any) -> Iterator[Part]:  # noqa: ANN401  no types
        """The same parts in the same order, made by the workers of a Dask client.

        Rasters, weights and the earlier index must have the same paths there.
        """
        asked = [(plan, request) for plan in plans for request in self._requests(plan)]
        answers = scatter(client, [request for _, request in asked], self.context.check)
        for (plan, request), parts in zip(asked, answers, strict=True):
            self._tell(plan)
            blocks = plan.grid.blocks()
            for number, part in zip(request.blocks, parts, strict=True):
                self._count(part, len(blocks[number]))
                yield part

    def _requests(self, plan: _Plan) -> Iterator[PartRequest]:
        params, count = self.params, len(plan.grid.blocks())
        for first in range(0, count, BLOCKS_PER_REQUEST):
            yield PartRequest(
                raster=plan.path,
                number=plan.raster,
                bounds_m=self.refs[plan.raster].bounds_m,
                side_m=plan.grid.side_m,
                stride=params.stride,
                blocks=tuple(range(first, min(first + BLOCKS_PER_REQUEST, count))),
                weights=params.weights,
                device=self.context.device,
                known=params.out,
            )

    def _tell(self, plan: _Plan) -> None:
        text = f"Embedding {Path(plan.path).name}, tiles of {plan.grid.side_m:.0f} m"
        self.context.progress(self.done, self.total, text)

    def _count(self, part: Part, looked_at: int) -> None:
        self.embedded += part.embedded
        self.done += looked_at


def _reference(source: RasterSource) -> RasterRef:
    info, path = source.info, Path(source.path)
    stat = path.stat() if path.is_file() else None
    return RasterRef(
        path=str(path.resolve()) if stat else source.path,
        size_bytes=stat.st_size if stat else None,
        modified=stat.st_mtime if stat else None,
        crs=crs_text(info.crs),
        metric_crs=crs_text(info.metric_crs),
        gsd_m=info.gsd_m,
        bounds_m=tuple(info.bounds_m),
    )
