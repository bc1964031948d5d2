"""What the aircraft said: parsers of every dialect (pure) and the doors that find and read files."""

from rs_copilot.video.telemetry.find import find_telemetry, read_telemetry
from rs_copilot.video.telemetry.track import TelemetryTrack

__all__ = ["TelemetryTrack", "find_telemetry", "read_telemetry"]
