"""Telemetry of a whole clip: samples in order, and what they say between and beyond each other (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property

import numpy as np

from rs_copilot.types import FloatArray, LonLat, Telemetry

# Between samples further apart than this many usual intervals nothing is known.
MAX_GAP_INTERVALS = 3.0
MAX_GAP_S = 2.0


@dataclass(frozen=True)
class Series:
    """One quantity over a key that rises (seconds or frame numbers); both arrays (N,).

    ``circular`` values are degrees that wrap at 360. ``reach`` is how far beyond its first and last
    sample, and beside a gap, the series still speaks; ``max_gap`` is the widest gap that is bridged.
    """

    keys: FloatArray
    values: FloatArray
    reach: float
    max_gap: float
    circular: bool = False

    def at(self, key: float) -> float | None:
        """The value at a key, interpolated; ``None`` where nothing is known."""
        if not len(self.keys):
            return None
        after = int(np.searchsorted(self.keys, key))
        before = max(after - 1, 0)
        after = min(after, len(self.keys) - 1)
        left, right = float(self.keys[before]), float(self.keys[after])
        if left <= key <= right and right - left <= self.max_gap:
            share = 0.0 if right == left else (key - left) / (right - left)
            return self._between(before, after, share)
        nearest = before if abs(key - left) <= abs(key - right) else after
        if abs(key - float(self.keys[nearest])) > self.reach + 1e-9:
            return None
        return float(self.values[nearest])

    def _between(self, before: int, after: int, share: float) -> float:
        start, step = float(self.values[before]), float(self.values[after] - self.values[before])
        if not self.circular:
            return start + share * step
        return start + share * signed_degrees(step)  # callers wrap the result into their range


@dataclass(frozen=True)
class TelemetryTrack:
    """Everything that one source of telemetry says about a clip.

    Samples are keyed by ``file``, ``time_s`` or ``frame``, all by the same kind; keyed by time or frame
    they are in rising order (`make_track` sees to both).
    """

    dialect: str
    samples: tuple[Telemetry, ...]
    warnings: tuple[str, ...] = ()

    @property
    def covers_s(self) -> tuple[float, float] | None:
        """First and last time with telemetry; ``None`` when it is not keyed by time."""
        times = [sample.time_s for sample in self.samples if sample.time_s is not None]
        return (times[0], times[-1]) if times else None

    def at(self, time_s: float, frame: int | None = None, file: str | None = None) -> Telemetry | None:
        """Telemetry of one frame; ``None`` where none is known.

        Between samples values are interpolated (angles the short way round), up to half a sample
        interval beyond the ends and beside gaps the nearest sample speaks.
        """
        if self._by_file:
            return self._by_file.get(file.lower()) if file else None
        key = float(frame) if self._keyed_by_frame and frame is not None else time_s
        if self._keyed_by_frame and frame is None:
            return None
        return self._interpolated(key, time_s, frame, file)

    def warn_if_shorter(self, duration_s: float) -> str | None:
        """A warning when the telemetry ends clearly before the clip, else ``None``."""
        covered = self.covers_s
        if covered is None or covered[1] + self._interval >= duration_s - max(1.0, self._interval):
            return None
        return f"telemetry covers {covered[0]:.1f} to {covered[1]:.1f} s of a clip of {duration_s:.1f} s"

    @cached_property
    def _by_file(self) -> dict[str, Telemetry]:
        return {sample.file.lower(): sample for sample in self.samples if sample.file}

    @cached_property
    def _keyed_by_frame(self) -> bool:
        return all(sample.time_s is None for sample in self.samples)

    @cached_property
    def _keys(self) -> FloatArray:
        by_frame = self._keyed_by_frame
        keys = [sample.frame if by_frame else sample.time_s for sample in self.samples]
        return np.array(keys, dtype=np.float64)

    @cached_property
    def _interval(self) -> float:
        steps = np.diff(self._keys)
        return float(np.median(steps)) if len(steps) else 1.0

    @cached_property
    def _series(self) -> dict[str, Series]:
        return {
            "lon": self._series_of(lambda s: s.position.lon_deg if s.position else None, circular=True),
            "lat": self._series_of(lambda s: s.position.lat_deg if s.position else None),
            "alt_agl_m": self._series_of(lambda s: s.alt_agl_m),
            "alt_msl_m": self._series_of(lambda s: s.alt_msl_m),
            "yaw_deg": self._series_of(lambda s: s.yaw_deg, circular=True),
            "pitch_deg": self._series_of(lambda s: s.pitch_deg),
            "roll_deg": self._series_of(lambda s: s.roll_deg, circular=True),
            "hfov_deg": self._series_of(lambda s: s.hfov_deg),
            "utc": self._series_of(lambda s: seconds_of_utc(s.utc)),
        }

    def _series_of(self, pick: Callable[[Telemetry], float | None], *, circular: bool = False) -> Series:
        values = [pick(sample) for sample in self.samples]
        known = [i for i, value in enumerate(values) if value is not None]
        gap = MAX_GAP_INTERVALS * self._interval
        return Series(
            self._keys[known],
            np.array([values[i] for i in known], dtype=np.float64),
            reach=self._interval / 2.0,
            max_gap=gap if self._keyed_by_frame else max(gap, MAX_GAP_S),
            circular=circular,
        )

    def _interpolated(
        self, key: float, time_s: float, frame: int | None, file: str | None
    ) -> Telemetry | None:
        found = {name: series.at(key) for name, series in self._series.items()}
        if all(value is None for value in found.values()):
            return None
        lon, lat, yaw, roll, utc = (found.pop(name) for name in ("lon", "lat", "yaw_deg", "roll_deg", "utc"))
        return Telemetry(
            time_s=time_s,
            frame=frame,
            file=file,
            position=LonLat(signed_degrees(lon), lat) if lon is not None and lat is not None else None,
            yaw_deg=None if yaw is None else azimuth(yaw),
            roll_deg=None if roll is None else signed_degrees(roll),
            utc=None if utc is None else utc_of_seconds(utc),
            **found,
        )


def make_track(dialect: str, samples: Sequence[Telemetry], warnings: Sequence[str] = ()) -> TelemetryTrack:
    """Sort samples by their key and drop repeated ones; the first of equals stays."""
    if any(sample.file for sample in samples):
        return TelemetryTrack(dialect, tuple(sample for sample in samples if sample.file), tuple(warnings))
    timed = [sample for sample in samples if sample.time_s is not None]
    if timed:
        ordered = sorted(timed, key=lambda s: s.time_s or 0.0)
        keys: list[float | int | None] = [sample.time_s for sample in ordered]
    else:
        ordered = sorted((s for s in samples if s.frame is not None), key=lambda s: s.frame or 0)
        keys = [sample.frame for sample in ordered]
    unique = [s for i, s in enumerate(ordered) if i == 0 or keys[i] != keys[i - 1]]
    return TelemetryTrack(dialect, tuple(unique), tuple(warnings))


def shifted(track: TelemetryTrack, by_s: float) -> TelemetryTrack:
    """The same track with all times moved."""
    moved = tuple(replace(s, time_s=None if s.time_s is None else s.time_s + by_s) for s in track.samples)
    return TelemetryTrack(track.dialect, moved, track.warnings)


def azimuth(value: float) -> float:
    """An angle in [0, 360); the remainder alone rounds tiny negative angles up to 360."""
    wrapped = value % 360.0
    return 0.0 if wrapped == 360.0 else wrapped


def signed_degrees(value: float) -> float:
    """An angle in [-180, 180); unchanged, to the last bit, where it is there already."""
    return value if -180.0 <= value < 180.0 else (value + 180.0) % 360.0 - 180.0


def seconds_of_utc(utc: str | None) -> float | None:
    """Seconds since 1970 of an ISO 8601 moment; without a zone it is taken as UTC; junk is ``None``."""
    if not utc:
        return None
    try:
        moment = datetime.fromisoformat(utc.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def utc_of_seconds(seconds: float) -> str:
    """ISO 8601 with microseconds, UTC."""
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)).isoformat()
