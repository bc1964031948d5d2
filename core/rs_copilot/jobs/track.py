"""Follow what moves on the ground in the placed clips of a scene."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import CancelledError, SceneError
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.run_note import note_run
from rs_copilot.jobs.track_terrain import read_terrain
from rs_copilot.tracking.session import (
    MAX_RATE_HZ,
    Findings,
    FrameChooser,
    TrackingSession,
    with_min_duration,
)
from rs_copilot.types import FrameStatus
from rs_copilot.vector.build import Provenance
from rs_copilot.vector.placements import ClipPlacements, read_placements
from rs_copilot.vector.store import read_scene_info, write_layers
from rs_copilot.video.clip import Clip, open_clip

METHOD = "stabilised motion, constant-velocity filters"
LAYERS = ["detections", "tracks"]
# Seconds between two looks at the map while a clip is still being read.
PARTIAL_EVERY_S = 10.0
# Beyond this distance between frames nothing can be told apart from its background.
MAX_FRAME_STEP_S = 0.5


class TrackParams(BaseModel):
    """Which scene, and what counts as an object.

    ``clip`` limits the work to one clip. ``dem`` is an elevation raster; without it the one that localize
    had is used, and without that the ground is taken for flat.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    clip: str | None = None
    dem: str | None = None
    every_s: float = Field(1.0 / MAX_RATE_HZ, gt=0, le=MAX_FRAME_STEP_S)
    min_duration_s: float = Field(1.0, ge=0)


class ClipTracks(BaseModel):
    """What was found in one clip."""

    clip: str
    on_terrain: bool
    frames: int
    tracks: int
    detections: int
    labels: dict[str, int]
    seconds: float


class TrackResult(BaseModel):
    """What was found in all clips."""

    scene: str
    clips: list[ClipTracks]
    warnings: list[str]

    def summary(self) -> str:
        """What a person wants to know after tracking."""
        lines = []
        for item in self.clips:
            labels = ", ".join(f"{count} {label}" for label, count in sorted(item.labels.items()))
            rate = item.frames / max(item.seconds, 1e-9)
            lines.append(
                f"{item.clip}: {item.tracks} moving objects ({labels or 'none'}), "
                f"{item.detections} detections in {item.frames} frames, "
                f"{item.seconds:.0f} s ({rate:.1f} frames/s)"
                f"{', laid on the elevation raster' if item.on_terrain else ''}"
            )
        return "\n".join(lines)


def run(params: TrackParams, context: JobContext) -> TrackResult:
    """Track; rows of the same clip from an earlier run are replaced.

    Raises:
        SceneError: no scene, or no such clip in it, or nothing in it is placed.
        VideoError: a clip is gone or cannot be read.
        RasterError: the elevation raster that was named cannot be read.
        StorageError: the scene cannot be written.
        CancelledError: the user stopped; what was found is in the scene.
    """
    started = time.monotonic()
    clips = [params.clip] if params.clip is not None else list(read_scene_info(params.scene).clips)
    placed = [read_placements(params.scene, name) for name in clips]
    ready = [item for item in placed if any(p.status is not FrameStatus.UNLOCATED for p in item.placements)]
    for item in placed:
        if item not in ready:
            context.warn(f"no frame of {item.clip} is placed: nothing can be tracked on the ground")
    if not ready:
        raise SceneError(
            f"scene {params.scene} has no placed frames", hint="Run `rs-copilot localize` on a clip first."
        )
    results = [_track_clip(params, item, context) for item in ready]
    provenance = Provenance(clip=params.clip, method=METHOD)
    seconds = time.monotonic() - started
    note_run(params.scene, "track", params, provenance, context, seconds=seconds, device="cpu")
    return TrackResult(scene=params.scene, clips=results, warnings=list(context.warnings))


def _track_clip(params: TrackParams, placed: ClipPlacements, context: JobContext) -> ClipTracks:
    started = time.monotonic()
    terrain = read_terrain(params.scene, placed, params.dem, context)
    session = TrackingSession(placed, with_min_duration(params.min_duration_s), terrain)
    provenance = Provenance(clip=placed.clip, method=METHOD)
    with open_clip(_existing(placed.clip_path, Path(params.scene))) as clip:
        try:
            _read_frames(params, clip, session, provenance, context)
        except CancelledError:
            _write(params, session.findings(provenance), placed.clip)
            raise
        for message in clip.warnings:
            context.warn(message)
    session.scanner.finish()
    _warn_of_gaps(session, context)
    found = session.findings(provenance)
    _write(params, found, placed.clip)
    labels = found.tables["tracks"]["label"].value_counts()
    return ClipTracks(
        clip=placed.clip,
        on_terrain=terrain is not None,
        frames=len(session.scanner.frames),
        tracks=len(found.tracks),
        detections=len(found.tables["detections"]),
        labels={str(name): int(count) for name, count in labels.items()},
        seconds=time.monotonic() - started,
    )


def _existing(clip_path: Path, scene: Path) -> Path:
    """Where the clip is now: a scene may have moved together with its clips."""
    beside = scene.parent / clip_path.name
    return beside if not clip_path.exists() and beside.exists() else clip_path


def _read_frames(
    params: TrackParams, clip: Clip, session: TrackingSession, provenance: Provenance, context: JobContext
) -> None:
    total = max(1, round(clip.info.duration_s / params.every_s))
    chooser = FrameChooser(params.every_s, session.placed_frames)
    shown = time.monotonic()
    for frame in clip.frames():
        if not chooser.wants(frame.index, frame.time_s):
            continue
        session.push(frame)
        partial = None
        if time.monotonic() - shown > PARTIAL_EVERY_S:
            _write(params, session.findings(provenance), session.clip.clip)
            partial = {"scene": params.scene, "layers": LAYERS}
            shown = time.monotonic()
        done = min(total, round(frame.time_s / params.every_s))
        context.progress(done, total, f"Tracking {session.clip.clip}: {frame.time_s:.1f} s", partial)


def _warn_of_gaps(session: TrackingSession, context: JobContext) -> None:
    times = [frame.time_s for frame in session.scanner.frames]
    steps = sorted(b - a for a, b in pairwise(times))
    if steps and steps[len(steps) // 2] > MAX_FRAME_STEP_S:
        context.warn(
            f"frames of {session.clip.clip} are {steps[len(steps) // 2]:.1f} s apart: moving objects can be "
            f"followed up to {MAX_FRAME_STEP_S} s"
        )


def _write(params: TrackParams, found: Findings, clip: str) -> None:
    # What a detector found in the same clip stays.
    write_layers(params.scene, found.tables, replace_clip=clip, replace_method=METHOD)
