"""How often the right tile of an index is among the first: recall over frames whose place is known."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.retrieval import RetrievalScore, first_hit, hits_of, read_truth
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.gallery import guesses_for, open_retriever
from rs_copilot.jobs.telemetry import read_told
from rs_copilot.types import TelemetryUse
from rs_copilot.video.clip import open_clip


class EvalRetrievalParams(BaseModel):
    """Which index, which frames, and where they truly are. Positions of telemetry are never used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    index: Path
    clip: Path
    truth: Path
    telemetry: Path | None = None
    use_telemetry: TelemetryUse = TelemetryUse.ATTITUDE
    counts: tuple[int, ...] = Field(default=(1, 5, 10), min_length=1)
    weights: Path | None = None


class Recall(BaseModel):
    """Share of frames with the right tile among the best ``count``, and its 95 % interval."""

    count: int
    share: float
    low: float
    high: float


class EvalRetrievalResult(BaseModel):
    """What was found; ``findable`` is the share of frames that any tile of the index shows."""

    index: Path
    clip: str
    frames: int
    tiles: int
    findable: float
    recalls: list[Recall]
    seconds_per_frame: float
    model: str
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        shares = ", ".join(
            f"R@{item.count} {item.share:.0%} ({item.low:.0%} to {item.high:.0%})" for item in self.recalls
        )
        return f"{self.clip}: {shares} of {self.frames} frames among {self.tiles} tiles by {self.model}"


def run(params: EvalRetrievalParams, context: JobContext) -> EvalRetrievalResult:
    """Look every frame with a true place up, and count.

    Raises:
        BadInputError: index, network, clip, telemetry or truth cannot be used, or have nothing in common.
        MissingDependencyError: a package, the device or the network is missing.
        CancelledError: stopped.
    """
    retriever = open_retriever(params.index, params.weights, context)
    gallery, truth = retriever.gallery, read_truth(params.truth)
    ranks: list[int] = []
    findable: list[bool] = []
    started = time.monotonic()
    with open_clip(params.clip) as clip:
        uses = params.use_telemetry is not TelemetryUse.NONE
        told = read_told(params.clip, params.telemetry, clip, context) if uses else None
        for frame in clip.frames():
            place = truth.get(frame.file or str(frame.index))
            if place is None:
                continue
            context.progress(len(ranks), len(truth), f"Looking up {frame.file or f'{frame.time_s:.1f} s'}")
            sample = told.at(frame.time_s, frame.index, frame.file) if told else None
            tried = guesses_for(gallery, frame.size, sample)
            found = [hit.tile for hit in retriever.find(frame.image, tried, max(params.counts))]
            hits = hits_of(gallery.tiles, gallery.manifest.rasters, place)
            ranks.append(first_hit(found, hits))
            findable.append(bool(hits.any()))
    if not ranks:
        raise BadInputError(
            f"no frame of {params.clip} is in {params.truth}",
            hint="The truth names frames by file, or by frame number counted from 0.",
        )
    score = RetrievalScore(np.array(ranks, dtype=np.int64))
    recalls = [
        Recall(count=count, share=score.recall(count), low=low, high=high)
        for count in params.counts
        for low, high in [score.interval(count)]
    ]
    return EvalRetrievalResult(
        index=params.index,
        clip=params.clip.name,
        frames=len(ranks),
        tiles=len(gallery.tiles),
        findable=float(np.mean(findable)),
        recalls=recalls,
        seconds_per_frame=(time.monotonic() - started) / len(ranks),
        model=retriever.embedder.card.name,
        warnings=list(context.warnings),
    )
