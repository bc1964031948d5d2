"""From full-motion-video metadata to telemetry (pure): where the camera was and where it looked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rs_copilot.errors import TelemetryError
from rs_copilot.geo import camera
from rs_copilot.geo.camera import Attitude
from rs_copilot.geo.crs import GEOD
from rs_copilot.types import FloatArray, LonLat, Telemetry
from rs_copilot.video.exif import position_or_none
from rs_copilot.video.telemetry.klv import UAS_LOCAL_SET, KlvError, KlvPacket
from rs_copilot.video.telemetry.misb import Fields, decode_packet
from rs_copilot.video.telemetry.track import TelemetryTrack, make_track, utc_of_seconds

# Beyond this disagreement the angles are not what the standard calls them, and the line of sight counts.
MAX_AXIS_ERROR_DEG = 3.0


def track_of_packets(packets: Sequence[tuple[float | None, KlvPacket]]) -> TelemetryTrack:
    """Telemetry of packets with their times in seconds of the clip.

    Packets without a time are placed by their precision timestamp, counted from the first one.

    Raises:
        TelemetryError: there is no packet, or none is intact.
    """
    decoded: list[tuple[float | None, Fields]] = []
    damaged = 0
    for time_s, packet in packets:
        fields = _intact(packet)
        if fields is None:
            damaged += 1
        else:
            decoded.append((time_s, fields))
    if not decoded:
        raise TelemetryError(
            f"expected KLV metadata (MISB ST 0601 or EG 0104), found no intact packet and {damaged} damaged",
            hint="Go on without telemetry, or give it as a file with --telemetry.",
        )
    kinds = {packet.key == UAS_LOCAL_SET for _, packet in packets}
    dialect = "misb-st0601" if kinds == {True} else "misb-eg0104" if kinds == {False} else "misb-mixed"
    warnings = [f"{damaged} of {len(packets)} KLV packets are damaged and were left out"] if damaged else []
    samples, contradictions = _samples(decoded)
    if contradictions:
        warnings.append(
            f"in {contradictions} KLV packets the sensor angles contradict the frame centre; "
            f"the line of sight to the frame centre was used"
        )
    return make_track(dialect, samples, warnings)


def _intact(packet: KlvPacket) -> Fields | None:
    try:
        return decode_packet(packet)
    except KlvError:
        return None


def _samples(decoded: Iterable[tuple[float | None, Fields]]) -> tuple[list[Telemetry], int]:
    samples, contradictions, origin_us = [], 0, None
    for stream_time_s, fields in decoded:
        time_s = stream_time_s
        stamp_us = fields.get("timestamp_us")
        if time_s is None and stamp_us is not None:
            origin_us = stamp_us if origin_us is None else origin_us
            time_s = (stamp_us - origin_us) / 1e6
        if time_s is None:
            continue
        attitude, contradicts = attitude_of(fields)
        contradictions += contradicts
        samples.append(_sample(time_s, fields, attitude))
    return samples, contradictions


def _sample(time_s: float, fields: Fields, attitude: Attitude | None) -> Telemetry:
    stamp_us, hfov_deg = fields.get("timestamp_us"), fields.get("hfov_deg", 0.0)
    return Telemetry(
        time_s=time_s,
        position=_position(fields, "sensor"),
        alt_agl_m=_height_above_target(fields),
        alt_msl_m=fields.get("sensor_alt_m"),
        yaw_deg=None if attitude is None else attitude.yaw_deg,
        pitch_deg=None if attitude is None else attitude.pitch_deg,
        roll_deg=None if attitude is None else attitude.roll_deg,
        hfov_deg=hfov_deg if 0.0 < hfov_deg < 180.0 else None,
        utc=None if stamp_us is None or not 0 < stamp_us < 4e15 else utc_of_seconds(stamp_us / 1e6),
    )


def _position(fields: Mapping[str, float], of: str) -> LonLat | None:
    return position_or_none(fields.get(f"{of}_lon_deg"), fields.get(f"{of}_lat_deg"))


def attitude_of(fields: Mapping[str, float]) -> tuple[Attitude | None, bool]:
    """Attitude of the camera, and whether the angles contradicted the line of sight.

    Some encoders write the "relative" azimuth and elevation relative to north and the horizon (seen in
    real files of two makers). The frame centre tells: where both are known and more than 3 degrees
    apart, the line of sight from sensor to frame centre is taken, with the horizon level.
    """
    composed, sight = composed_attitude(fields), line_of_sight(fields)
    if sight is None or composed is None:
        return composed or sight, False
    if axis_angle_deg(composed, sight) <= MAX_AXIS_ERROR_DEG:
        return composed, False
    return sight, True


def composed_attitude(fields: Mapping[str, float]) -> Attitude | None:
    """Platform attitude, then sensor azimuth, elevation and roll relative to it (ST 0601 tags 5-7, 18-20).

    Both are yaw-pitch-roll turns of forward-right-down axes: first about down, then right, then forward.
    """
    needed = ("heading_deg", "rel_azimuth_deg", "rel_elevation_deg")
    if any(name not in fields for name in needed):
        return None
    platform = turn(
        fields["heading_deg"], fields.get("platform_pitch_deg", 0.0), fields.get("platform_roll_deg", 0.0)
    )
    sensor = turn(fields["rel_azimuth_deg"], fields["rel_elevation_deg"], fields.get("rel_roll_deg", 0.0))
    north_east_down = platform @ sensor
    # Columns forward, right, down in north-east-down become right, down, forward in east-north-up.
    east_north_up = north_east_down[[1, 0, 2]] * np.array([[1.0], [1.0], [-1.0]])
    return camera.attitude_from_rotation(np.asarray(east_north_up[:, [1, 2, 0]], dtype=np.float64))


def turn(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """(3, 3) rotation from body (forward, right, down) to reference axes, z-y'-x'' order."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw_deg, pitch_deg, roll_deg])) for f in (np.cos, np.sin))
    about_down = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_right = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    about_forward = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    return np.asarray(about_down @ about_right @ about_forward, dtype=np.float64)


def line_of_sight(fields: Mapping[str, float]) -> Attitude | None:
    """Azimuth and depression from the sensor to the frame centre, roll 0."""
    sensor, center, height_m = (
        _position(fields, "sensor"),
        _position(fields, "center"),
        _height_above_target(fields),
    )
    if sensor is None or center is None or height_m is None or height_m <= 0:
        return None
    azimuth, _, distance_m = GEOD.inv(sensor.lon_deg, sensor.lat_deg, center.lon_deg, center.lat_deg)
    return Attitude(float(azimuth) % 360.0, float(-np.degrees(np.arctan2(height_m, distance_m))), 0.0)


def _height_above_target(fields: Mapping[str, float]) -> float | None:
    """Height of the sensor above the frame centre, from elevations or from the slant range."""
    for sensor_name, center_name in (
        ("sensor_alt_m", "center_elevation_m"),
        ("sensor_hae_m", "center_hae_m"),
    ):
        if sensor_name in fields and center_name in fields:
            return fields[sensor_name] - fields[center_name]
    sensor, center, slant_m = (
        _position(fields, "sensor"),
        _position(fields, "center"),
        fields.get("slant_range_m"),
    )
    if sensor is None or center is None or not slant_m:
        return None
    _, _, distance_m = GEOD.inv(sensor.lon_deg, sensor.lat_deg, center.lon_deg, center.lat_deg)
    return float(np.sqrt(slant_m**2 - distance_m**2)) if slant_m > distance_m else None


def axis_angle_deg(a: Attitude, b: Attitude) -> float:
    """Angle between two optical axes."""
    cosine = camera.world_from_camera(a)[:, 2] @ camera.world_from_camera(b)[:, 2]
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
