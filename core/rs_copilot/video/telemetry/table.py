"""Telemetry as a CSV table (pure): columns by name, any subset, any order."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rs_copilot.errors import TelemetryError
from rs_copilot.types import Telemetry
from rs_copilot.video.exif import position_or_none
from rs_copilot.video.telemetry.track import TelemetryTrack, azimuth, make_track, seconds_of_utc

# Quantity to the only column name that it may have: the unit is part of the name.
COLUMNS: Mapping[str, str] = {
    "time": "time_s",
    "lat": "lat",
    "lon": "lon",
    "alt_agl": "alt_agl_m",
    "alt_msl": "alt_msl_m",
    "yaw": "yaw_deg",
    "pitch": "pitch_deg",
    "roll": "roll_deg",
    "hfov": "hfov_deg",
    "focal": "focal_mm",
    "sensor_width": "sensor_width_mm",
}
PLAIN_COLUMNS = ("file", "frame", "utc")
# Other programs use these for something else: without a unit they are ignored, not refused.
AMBIGUOUS = frozenset({"time"})
# fmt: off
UNITS = frozenset({
    "m", "mm", "cm", "km", "ft", "feet", "foot", "in", "inch", "inches", "yd", "mi", "mile",
    "miles", "nm", "px", "deg", "degree", "degrees", "rad", "radian", "radians", "mrad", "grad",
    "gon", "s", "sec", "second", "seconds", "ms", "us", "ns", "min", "minute", "minutes", "h",
    "hour", "hours", "dms", "dd", "e7", "turn", "mil", "mils", "percent", "pct",
})
# fmt: on
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})


@dataclass(frozen=True)
class Header:
    """Which column holds what; names are lower case."""

    names: tuple[str, ...]
    key: str

    @property
    def known(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset(self.names) & {*COLUMNS.values(), *PLAIN_COLUMNS}


def parse_table(text: str) -> TelemetryTrack:
    """Read a telemetry table; comma, semicolon and tab all separate.

    Raises:
        TelemetryError: no key column, no value column, a column or cell with a foreign unit, no rows.
    """
    lines = [line for line in text.replace("\x00", "").splitlines() if line.strip()]
    if not lines:
        raise TelemetryError("expected a telemetry table, found an empty file", hint=_EXAMPLE)
    separator = max(",;\t", key=lines[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise TelemetryError(f"expected a telemetry table, found no CSV ({error})", hint=_EXAMPLE) from error
    header = read_header(rows[0])
    samples, warnings = _samples(header, rows[1:])
    if not samples:
        raise TelemetryError(
            "expected rows below the header of the telemetry table, found none", hint=_EXAMPLE
        )
    return make_track(f"csv-{header.key.removesuffix('_s')}", samples, warnings)


_EXAMPLE = "A table looks like: file,lat,lon,alt_agl_m,yaw_deg — with file, frame or time_s as the key."


def read_header(cells: Sequence[str]) -> Header:
    """Check the column names.

    Raises:
        TelemetryError: no key column, no value column, or a known quantity with an unknown unit.
    """
    names = tuple(cell.strip().strip("\ufeff").lower() for cell in cells)
    for name in names:
        _refuse_foreign_unit(name)
    key = next((key for key in ("file", "time_s", "frame") if key in names), None)
    if key is None:
        raise TelemetryError(
            f"expected a column file, frame or time_s, found {', '.join(names)[:200]}", hint=_EXAMPLE
        )
    header = Header(names, key)
    if not header.known - {"file", "time_s", "frame", "utc"}:
        raise TelemetryError(
            f"expected at least one of {', '.join(c for c in COLUMNS.values() if c != 'time_s')}, "
            f"found {', '.join(names)[:200]}",
            hint=_EXAMPLE,
        )
    return header


def _refuse_foreign_unit(name: str) -> None:
    for quantity, column in COLUMNS.items():
        match = re.fullmatch(rf"{quantity}(?:[_ \[(]+([a-z0-9]+)[\])]?)?", name)
        if match is None or name == column:
            continue
        unit = match[1]
        if (unit is None and quantity not in AMBIGUOUS) or unit in UNITS:
            raise TelemetryError(
                f"expected the column {column}, found {name}: "
                f"its unit is {'not said' if unit is None else 'foreign'}",
                hint=f"Convert the values and rename the column to {column}; nothing is guessed.",
            )


def _samples(header: Header, rows: Sequence[Sequence[str]]) -> tuple[list[Telemetry], list[str]]:
    samples, short, invalid = [], 0, 0
    for line, row in enumerate(rows, start=2):
        if len(row) < len(header.names):
            short += 1
            if line == len(rows) + 1:
                continue  # a last line that breaks off: its last number may be cut as well
        cells = dict(zip(header.names, (cell.strip() for cell in row), strict=False))
        sample = _sample(header, cells, line)
        invalid += (
            sample is not None and sample.position is None and bool(cells.get("lat") and cells.get("lon"))
        )
        if sample is not None:
            samples.append(sample)
    warnings = [f"{short} lines of the telemetry table are incomplete"] if short else []
    if invalid:
        warnings.append(f"{invalid} of {len(rows)} lines of the telemetry table have no valid position")
    return samples, warnings


def _sample(header: Header, cells: Mapping[str, str], line: int) -> Telemetry | None:
    if cells.get(header.key, "").lower() in MISSING:
        return None
    numbers = {name: _number(cells.get(name, ""), name, line) for name in header.known - {"file", "utc"}}
    yaw_deg, frame = numbers.get("yaw_deg"), numbers.get("frame")
    return Telemetry(
        time_s=numbers.get("time_s"),
        frame=None if frame is None else int(frame),
        file=cells.get("file") or None,
        position=position_or_none(numbers.get("lon"), numbers.get("lat")),
        alt_agl_m=numbers.get("alt_agl_m"),
        alt_msl_m=numbers.get("alt_msl_m"),
        yaw_deg=None if yaw_deg is None else azimuth(yaw_deg),
        pitch_deg=numbers.get("pitch_deg"),
        roll_deg=numbers.get("roll_deg"),
        hfov_deg=_hfov(numbers, line),
        utc=_utc(cells.get("utc", ""), line),
    )


def _number(cell: str, name: str, line: int) -> float | None:
    if cell.lower() in MISSING:
        return None
    try:
        number = float(cell)
    except ValueError as error:
        raise TelemetryError(
            f"expected a number in column {name}, line {line}, found {cell[:40]!r}",
            hint="Numbers only, with a decimal point, in the unit of the column name; empty where unknown.",
        ) from error
    return number if math.isfinite(number) else None


def _hfov(numbers: Mapping[str, float | None], line: int) -> float | None:
    hfov_deg, focal_mm, width_mm = (numbers.get(name) for name in ("hfov_deg", "focal_mm", "sensor_width_mm"))
    if hfov_deg is None and focal_mm is not None and width_mm is not None and focal_mm > 0 and width_mm > 0:
        hfov_deg = math.degrees(2.0 * math.atan(width_mm / (2.0 * focal_mm)))
    if hfov_deg is not None and not 0.0 < hfov_deg < 180.0:
        raise TelemetryError(
            f"expected a field of view between 0 and 180 degrees, found {hfov_deg:g} in line {line}",
            hint="hfov_deg is the full horizontal angle in degrees; leave the cell empty where unknown.",
        )
    return hfov_deg


def _utc(cell: str, line: int) -> str | None:
    if cell.lower() in MISSING:
        return None
    if seconds_of_utc(cell) is None:
        raise TelemetryError(
            f"expected an ISO 8601 time in column utc, line {line}, found {cell[:40]!r}",
            hint="Write times like 2026-05-27T13:14:22.911Z.",
        )
    return cell
