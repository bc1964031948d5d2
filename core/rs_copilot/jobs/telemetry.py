"""What a clip's telemetry says, for the jobs that use it."""

from __future__ import annotations

from pathlib import Path

from rs_copilot.errors import TelemetryError
from rs_copilot.jobs.context import JobContext
from rs_copilot.video.clip import Clip
from rs_copilot.video.telemetry import TelemetryTrack, find_telemetry, read_telemetry


def read_told(path: Path, named: Path | None, clip: Clip, context: JobContext) -> TelemetryTrack | None:
    """The telemetry that was named, or the one beside a clip; if that is broken, only a warning.

    Raises:
        TelemetryError: the telemetry that was named cannot be read.
    """
    source = named or find_telemetry(path)
    if source is None:
        return None
    try:
        track = read_telemetry(source, start_utc=clip.info.start_utc)
    except TelemetryError as error:
        if named is not None:
            raise
        context.warn(f"Telemetry beside the clip was not used: {error.message}")
        return None
    shorter = track.warn_if_shorter(clip.info.duration_s)
    for warning in (*track.warnings, *([shorter] if shorter else [])):
        context.warn(warning)
    return track
