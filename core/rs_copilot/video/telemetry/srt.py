"""DJI's subtitle telemetry (pure).

Three families of dialects, told apart by what a block says, each with and without HTML around it:

* ``brackets``: ``[latitude: 32.1] [longitude: 35.2] [rel_alt: 118.4 abs_alt: 803.6] [focal_len: 240]``
* ``gps``: ``HOME(lon,lat) date`` / ``GPS(lon,lat,satellites) BAROMETER:1.9`` (or ``Hb:1.9``)
* ``flight``: ``F/5.6, SS 400, GPS (lon, lat, satellites), H 85.80m, G.PRY (pitch, roll, yaw)``

What the numbers mean, where DJI does not say:

* ``altitude`` alone is above the sea (a file from Lahore, 213 m high, starts with 213.98).
* The third number of ``GPS(...)`` counts satellites (it is there, 3 to 7, while the position is ``N/A``).
* ``BAROMETER``, ``Hb``, ``H`` and ``rel_alt`` are heights above take-off.
* ``focal_len`` is in 35 mm equivalent; without a decimal point and from 100 upwards it is in tenths of a
  millimetre (240 for 24.0), and ``dzoom_ratio`` from 1000 upwards in ten-thousandths.
* Clock times have no zone, so that they say nothing about UTC.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from rs_copilot.errors import TelemetryError
from rs_copilot.geo import camera
from rs_copilot.types import LonLat, Telemetry
from rs_copilot.video.exif import position_or_none
from rs_copilot.video.telemetry.track import TelemetryTrack, azimuth, make_track

PLAUSIBLE_EQUIVALENT_MM = (8.0, 1000.0)

_NUMBER = r"[-+]?\d{1,12}(?:\.\d{0,12})?"
_CUE = re.compile(r"(\d{1,3}):(\d{2}):(\d{2})[,.](\d{1,3})\s{0,4}-->[^\n]{0,60}")
_TAG = re.compile(r"<[^<>]{0,200}>")
_PAIR = re.compile(rf"\b([A-Za-z][A-Za-z_]{{1,19}})\s{{0,3}}:\s{{0,3}}({_NUMBER})(?![\d:])")
_GPS = re.compile(rf"\bGPS\s{{0,3}}\(\s{{0,3}}({_NUMBER})\s{{0,3}},\s{{0,3}}({_NUMBER})\s{{0,3}}[,)]")
_GIMBAL = re.compile(
    rf"\bG\.PRY\s{{0,3}}\(\s{{0,3}}({_NUMBER})[^,\d]{{0,4}},\s{{0,3}}({_NUMBER})[^,\d]{{0,4}},\s{{0,3}}({_NUMBER})"
)
_HEIGHT = re.compile(rf"\bH\s{{1,3}}({_NUMBER})\s?m\b")
_CLOCK = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{3}))?")
_NO_FIX = re.compile(r"\bGPS\s{0,3}\(\s{0,3}N/?A", re.IGNORECASE)


@dataclass(frozen=True)
class Cue:
    """One subtitle: when it starts (``None`` in dialects without cue times) and its text."""

    start_s: float | None
    text: str


def decode_text(data: bytes) -> str:
    """Text in whatever encoding: UTF-8 or UTF-16 with or without a mark, else Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[:200].count(0) > 20:
        return data.decode("utf-16-le" if data[1:2] == b"\x00" else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def split_cues(text: str) -> list[Cue]:
    """The subtitles of a file, in file order, tags and entities resolved."""
    text = re.sub(r"\r+\n?", "\n", text)
    starts = list(_CUE.finditer(text))
    if not starts:
        return [Cue(None, _plain(block)) for block in re.split(r"\n\s*\n", text) if block.strip()]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return [
        Cue(
            _cue_seconds(match),
            _plain(_without_next_number(text[match.end() : end], is_last=end == len(text))),
        )
        for match, end in zip(starts, ends, strict=True)
    ]


def _cue_seconds(match: re.Match[str]) -> float:
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _without_next_number(text: str, *, is_last: bool) -> str:
    return text if is_last else re.sub(r"\n\s*\d+\s*$", "\n", text)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub(" ", text))


def parse_srt(text: str) -> TelemetryTrack:
    """Read a file of any of the dialects.

    Raises:
        TelemetryError: no block of it is DJI telemetry, or none says anything about position or view.
    """
    cues = split_cues(text)
    if not cues:
        raise TelemetryError(
            "expected DJI subtitle telemetry, found an empty file",
            hint="Copy the .srt from the card again, or go on without telemetry.",
        )
    origin_s = _first_clock(cues)
    samples, dropped, silent = [], 0, 0
    for cue in cues:
        sample, had_bad_fix = _sample(cue, origin_s)
        dropped += had_bad_fix
        if _says_nothing(sample) or sample.time_s is None:
            silent += 1
        else:
            samples.append(sample)
    if not samples:
        raise TelemetryError(
            f"expected position, altitude or attitude in the subtitles, found none in {len(cues)} blocks",
            hint="Switch on video captions on the aircraft; this file holds other text.",
        )
    return make_track(_dialect(text), samples, list(_warnings(dropped, silent, len(cues))))


def _warnings(dropped: int, silent: int, total: int) -> Iterator[str]:
    if dropped:
        yield f"{dropped} of {total} subtitle blocks have no valid GPS position"
    if silent:
        yield f"{silent} of {total} subtitle blocks are incomplete and were left out"


def _dialect(text: str) -> str:
    wrapped = "-html" if re.search(r"<font\b", text, re.IGNORECASE) else ""
    if re.search(r"\[\s{0,3}(?:latitude|rel_alt|altitude|focal_len)", text):
        return f"dji-srt-brackets{wrapped}"
    return f"dji-srt-flight{wrapped}" if re.search(r"\bF/\d", text) else f"dji-srt-gps{wrapped}"


def _sample(cue: Cue, origin_s: float | None) -> tuple[Telemetry, bool]:
    pairs = {name.lower(): float(value) for name, value in _PAIR.findall(cue.text)}
    raw = {name.lower(): value for name, value in _PAIR.findall(cue.text)}
    position, had_bad_fix = _position(cue.text, pairs)
    pitch, roll, yaw = _gimbal(cue.text, pairs)
    sample = Telemetry(
        time_s=_time_s(cue, origin_s),
        position=position,
        alt_agl_m=_height(cue.text, pairs),
        alt_msl_m=pairs.get("abs_alt", pairs.get("altitude")),
        yaw_deg=None if yaw is None else azimuth(yaw),
        pitch_deg=pitch,
        roll_deg=roll,
        hfov_deg=_hfov(raw),
    )
    return sample, had_bad_fix


def _says_nothing(sample: Telemetry) -> bool:
    told = (sample.position, sample.alt_agl_m, sample.alt_msl_m, sample.yaw_deg, sample.pitch_deg)
    return all(value is None for value in told)


def _position(text: str, pairs: dict[str, float]) -> tuple[LonLat | None, bool]:
    """The position, and whether one was written that cannot be true."""
    lon, lat = pairs.get("longitude", pairs.get("longtitude")), pairs.get("latitude")
    match = _GPS.search(text)
    if match is not None and (lon is None or lat is None):
        lon, lat = float(match[1]), float(match[2])
    position = position_or_none(lon, lat)
    was_written = (lon is not None and lat is not None) or _NO_FIX.search(text) is not None
    return position, was_written and position is None


def _gimbal(text: str, pairs: dict[str, float]) -> tuple[float | None, float | None, float | None]:
    match = _GIMBAL.search(text)
    if match is not None:
        return float(match[1]), float(match[2]), float(match[3])
    return pairs.get("gb_pitch"), pairs.get("gb_roll"), pairs.get("gb_yaw")


def _height(text: str, pairs: dict[str, float]) -> float | None:
    for name in ("rel_alt", "barometer", "hb"):
        if name in pairs:
            return pairs[name]
    match = _HEIGHT.search(text)
    return float(match[1]) if match is not None else None


def _hfov(raw: dict[str, str]) -> float | None:
    if "focal_len" not in raw:
        return None
    focal_mm = float(raw["focal_len"])
    if "." not in raw["focal_len"] and focal_mm >= 100:
        focal_mm /= 10.0
    zoom = float(raw.get("dzoom_ratio", "1"))
    if zoom >= 1000:
        zoom /= 10_000.0
    low, high = PLAUSIBLE_EQUIVALENT_MM
    equivalent_mm = focal_mm * max(zoom, 1.0)
    return camera.hfov_from_equivalent(equivalent_mm) if low <= equivalent_mm <= high else None


def _clock_s(text: str) -> float | None:
    match = _CLOCK.search(text)
    if match is None:
        return None
    *parts, millis = match.groups()
    try:
        moment = datetime(*(int(part) for part in parts), tzinfo=timezone.utc)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return moment.timestamp() + int(millis or 0) / 1000.0


def _first_clock(cues: list[Cue]) -> float | None:
    if any(cue.start_s is not None for cue in cues):
        return None
    return next((clock for cue in cues if (clock := _clock_s(cue.text)) is not None), None)


def _time_s(cue: Cue, origin_s: float | None) -> float | None:
    if cue.start_s is not None or origin_s is None:
        return cue.start_s
    clock = _clock_s(cue.text)
    return None if clock is None else clock - origin_s
