"""What a still says about itself: EXIF, and the XMP block of UAV makers.

XMP is searched with bounded regular expressions, never given to an XML parser: entities in a hostile
file stay text. Tag numbers: CIPA DC-008 (Exif 3.0); XMP names: DJI's ``drone-dji`` namespace.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from rs_copilot.geo import camera
from rs_copilot.geo.camera import Attitude
from rs_copilot.types import LonLat, SizeWH, Telemetry

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
ORIENTATION, XMP_TAG = 0x0112, 700
DATE_TAKEN, OFFSET_TAKEN, SUBSEC_TAKEN = 0x9003, 0x9011, 0x9291
FOCAL_35MM, PIXEL_WIDTH = 0xA405, 0xA002
GPS_LAT_REF, GPS_LAT, GPS_LON_REF, GPS_LON, GPS_ALT_REF, GPS_ALT, GPS_TIME, GPS_DATE = 1, 2, 3, 4, 5, 6, 7, 29
MAX_XMP_BYTES = 1_000_000
PLAUSIBLE_EQUIVALENT_MM = (8.0, 2000.0)
_XMP_VALUE = re.compile(
    r"""drone-(?:dji|parrot):(?P<name>[A-Za-z]{1,40})\s{0,9}(?:=\s{0,9}["'](?P<attribute>[^"'<>]{1,60})["']|>(?P<text>[^<>]{1,60})<)"""
)


@dataclass(frozen=True)
class ImageFacts:
    """Size after rotation, times, and telemetry of one still; ``None`` where it says nothing.

    ``taken_s`` is the camera's clock in seconds since an arbitrary start: only differences count.
    """

    size: SizeWH
    taken_s: float | None
    utc: str | None
    telemetry: Telemetry


def read_facts(path: Path) -> ImageFacts:
    """Read the header of an image; its pixels are not decoded.

    Raises:
        OSError: it is not an image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata; what cannot be read is None
        try:
            with Image.open(path) as image:
                exif = image.getexif()
                return facts_of(
                    name=path.name,
                    stored=SizeWH(*image.size),
                    main=exif,
                    exif=exif.get_ifd(EXIF_IFD),
                    gps=exif.get_ifd(GPS_IFD),
                    raw_xmp=image.info.get("xmp") or exif.get(XMP_TAG) or b"",
                )
        except UnidentifiedImageError:
            if path.suffix.lower() not in {".tif", ".tiff"}:
                raise
    return ImageFacts(_size_with_gdal(path), None, None, Telemetry(file=path.name))


def _size_with_gdal(path: Path) -> SizeWH:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as source:
                return SizeWH(source.width, source.height)
        except RasterioError as error:
            raise OSError(f"not an image: {error}") from error


def facts_of(
    *,
    name: str,
    stored: SizeWH,
    main: Mapping[int, Any],
    exif: Mapping[int, Any],
    gps: Mapping[int, Any],
    raw_xmp: bytes | str,
) -> ImageFacts:
    """Make sense of an image's metadata (pure)."""
    xmp = xmp_values(raw_xmp)
    sideways = main.get(ORIENTATION) in (5, 6, 7, 8)
    size = SizeWH(stored.height_px, stored.width_px) if sideways else stored
    utc = _gps_utc(gps) or _zoned_utc(exif)
    attitude = gimbal_attitude(xmp)
    telemetry = Telemetry(
        file=name,
        position=_exif_position(gps) or _xmp_position(xmp),
        alt_agl_m=xmp.get("RelativeAltitude"),
        alt_msl_m=xmp.get("AbsoluteAltitude", _exif_altitude(gps)),
        yaw_deg=attitude[0],
        pitch_deg=attitude[1],
        roll_deg=attitude[2],
        hfov_deg=_hfov(size, exif, xmp),
        utc=utc,
    )
    return ImageFacts(size, _taken_s(exif), utc, telemetry)


def xmp_values(raw: bytes | str) -> dict[str, float]:
    """All numbers in the UAV makers' namespaces, by their local name."""
    text = raw if isinstance(raw, str) else raw[:MAX_XMP_BYTES].decode("utf-8", "replace")
    values: dict[str, float] = {}
    for match in _XMP_VALUE.finditer(text[:MAX_XMP_BYTES]):
        number = _number(match["attribute"] or match["text"])
        if number is not None:
            values.setdefault(match["name"], number)
    return values


def gimbal_attitude(xmp: Mapping[str, float]) -> tuple[float | None, float | None, float | None]:
    """Yaw, pitch and roll of the camera; the aircraft's heading stands in for a missing gimbal yaw.

    DJI writes nadir views of a gimbal that went over the top as roll 180: such an attitude is rewritten
    as the same rotation with the roll near 0.
    """
    yaw = xmp.get("GimbalYawDegree", xmp.get("CameraYawDegree", xmp.get("FlightYawDegree")))
    pitch = xmp.get("GimbalPitchDegree", xmp.get("CameraPitchDegree"))
    roll = xmp.get("GimbalRollDegree", xmp.get("CameraRollDegree"))
    if yaw is not None and pitch is not None and roll is not None and abs(roll) > 90.0:
        same = camera.attitude_from_rotation(camera.world_from_camera(Attitude(yaw, pitch, roll)))
        yaw, pitch, roll = same.yaw_deg, same.pitch_deg, same.roll_deg
    return (None if yaw is None else yaw % 360.0), pitch, roll


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if np.isfinite(number) else None


def _degrees(parts: object, reference: object, negative: str) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    whole, minutes, seconds = (number or 0.0 for number in numbers)
    value = whole + minutes / 60.0 + seconds / 3600.0
    return -value if str(reference).strip("\x00 ").upper() == negative else value


def position_or_none(lon_deg: float | None, lat_deg: float | None) -> LonLat | None:
    """A position, unless it is missing, outside the globe, or (0, 0): what receivers say without a fix."""
    if lon_deg is None or lat_deg is None or not (abs(lon_deg) <= 180.0 and abs(lat_deg) <= 90.0):
        return None
    if abs(lon_deg) < 1e-6 and abs(lat_deg) < 1e-6:
        return None
    return LonLat(lon_deg, lat_deg)


def _exif_position(gps: Mapping[int, Any]) -> LonLat | None:
    lon = _degrees(gps.get(GPS_LON), gps.get(GPS_LON_REF), "W")
    lat = _degrees(gps.get(GPS_LAT), gps.get(GPS_LAT_REF), "S")
    return position_or_none(lon, lat)


def _xmp_position(xmp: Mapping[str, float]) -> LonLat | None:
    # "GpsLongtitude" is how early firmware spells it.
    return position_or_none(xmp.get("GpsLongitude", xmp.get("GpsLongtitude")), xmp.get("GpsLatitude"))


def _exif_altitude(gps: Mapping[int, Any]) -> float | None:
    altitude = _number(gps.get(GPS_ALT))
    below_sea = gps.get(GPS_ALT_REF) in (1, b"\x01")
    return altitude if altitude is None or not below_sea else -altitude


def _hfov(size: SizeWH, exif: Mapping[int, Any], xmp: Mapping[str, float]) -> float | None:
    focal_px = xmp.get("CalibratedFocalLength")
    original_px = _number(exif.get(PIXEL_WIDTH)) or float(size.width_px)
    if focal_px is not None and focal_px > 0:
        return float(2.0 * np.degrees(np.arctan(original_px / (2.0 * focal_px))))
    focal_mm = _number(exif.get(FOCAL_35MM))
    low, high = PLAUSIBLE_EQUIVALENT_MM
    if focal_mm is None or not low <= focal_mm <= high:
        return None
    return camera.hfov_from_equivalent(focal_mm, size.width_px / size.height_px)


def _moment(text: object, form: str) -> datetime | None:
    try:
        return datetime.strptime(str(text).strip("\x00 "), form).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _taken_s(exif: Mapping[int, Any]) -> float | None:
    moment = _moment(exif.get(DATE_TAKEN), "%Y:%m:%d %H:%M:%S")
    if moment is None:
        return None
    digits = str(exif.get(SUBSEC_TAKEN) or "").strip("\x00 ")
    return moment.timestamp() + (float(f"0.{digits}") if digits.isdecimal() else 0.0)


def _zoned_utc(exif: Mapping[int, Any]) -> str | None:
    taken_s = _taken_s(exif)
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", str(exif.get(OFFSET_TAKEN) or "").strip("\x00 "))
    if taken_s is None or offset is None:
        return None
    ahead_s = (int(offset[2]) * 60 + int(offset[3])) * 60 * (1 if offset[1] == "+" else -1)
    return datetime.fromtimestamp(taken_s - ahead_s, timezone.utc).isoformat()


def _gps_utc(gps: Mapping[int, Any]) -> str | None:
    day = _moment(gps.get(GPS_DATE), "%Y:%m:%d")
    seconds_of_day = _degrees(gps.get(GPS_TIME), "", "-")
    if day is None or seconds_of_day is None:
        return None
    return datetime.fromtimestamp(day.timestamp() + seconds_of_day * 3600.0, timezone.utc).isoformat()
