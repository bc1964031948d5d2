"""What a clip is, before anything is done with it: asked when a user picks a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rs_copilot.jobs.context import JobContext
from rs_copilot.video.clip import open_clip
from rs_copilot.video.telemetry import find_telemetry


class ClipInfoParams(BaseModel):
    """Which clip: a video, an image or a folder of images."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    clip: Path


class ClipInfoResult(BaseModel):
    """What it is. ``fps`` is a fraction as text; ``telemetry`` is the file found beside the clip."""

    path: Path
    kind: str
    width_px: int
    height_px: int
    frame_count: int | None
    duration_s: float
    fps: str | None
    start_utc: str | None
    telemetry: Path | None
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        size = f"{self.width_px} × {self.height_px} px"
        return f"{self.path.name}: {self.kind}, {size}, {self.duration_s:.1f} s, telemetry: {self.telemetry}"


def run(params: ClipInfoParams, context: JobContext) -> ClipInfoResult:
    """Open the clip and describe it.

    Raises:
        VideoError: not a clip.
    """
    context.check()
    with open_clip(params.clip) as clip:
        info = clip.info
        return ClipInfoResult(
            path=info.path,
            kind=info.kind,
            width_px=info.size.width_px,
            height_px=info.size.height_px,
            frame_count=info.frame_count,
            duration_s=info.duration_s,
            fps=None if info.fps is None else f"{info.fps.numerator}/{info.fps.denominator}",
            start_utc=info.start_utc,
            telemetry=find_telemetry(params.clip),
            warnings=list(clip.warnings),
        )
