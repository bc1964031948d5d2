"""GPX track points (pure): positions and heights above the sea, without attitude."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError  # nosec B405 - types only: defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rs_copilot.errors import TelemetryError
from rs_copilot.types import Telemetry
from rs_copilot.video.exif import position_or_none
from rs_copilot.video.telemetry.track import TelemetryTrack, make_track, seconds_of_utc


def parse_gpx(data: bytes, start_utc: str | None = None) -> TelemetryTrack:
    """Read all timed track points; times count from ``start_utc``, or else from the first point.

    Raises:
        TelemetryError: it is no GPX, it is hostile, or no point has a time and a valid position.
    """
    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise TelemetryError(
            f"expected a GPX track, found no readable XML ({type(error).__name__})",
            hint="Export the flight again, or convert it to the telemetry table (CSV).",
        ) from error
    points = [element for element in root.iter() if _local(element.tag) == "trkpt"]
    origin_s = seconds_of_utc(start_utc)
    warnings = [] if origin_s is not None else ["the GPX track is taken to start with the clip"]
    samples: list[Telemetry] = []
    for point in points:
        utc = _child(point, "time")
        moment_s = seconds_of_utc(utc)
        position = position_or_none(_float(point.get("lon")), _float(point.get("lat")))
        if moment_s is None or position is None:
            continue
        origin_s = moment_s if origin_s is None else origin_s
        samples.append(
            Telemetry(
                time_s=moment_s - origin_s, position=position, alt_msl_m=_float(_child(point, "ele")), utc=utc
            )
        )
    if not samples:
        raise TelemetryError(
            f"expected track points with time and position, found none among {len(points)}",
            hint="Record with time stamps; routes and waypoints alone do not say when.",
        )
    if len(samples) < len(points):
        warnings.append(
            f"{len(points) - len(samples)} of {len(points)} track points have no time or position"
        )
    return make_track("gpx", samples, warnings)


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _child(element: Element, name: str) -> str | None:
    return next((child.text for child in element if _local(child.tag) == name), None)


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
