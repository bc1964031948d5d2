"""Values that cross module borders: frozen, with axis order and units in their names.

Conventions, stated once:

* Pixel coordinates are continuous, x to the right and y down, and (0, 0) is the outer corner of the
  top-left pixel: its centre is (0.5, 0.5). This is GDAL's convention. OpenCV puts (0, 0) at that
  centre; code that hands coordinates to OpenCV converts at the call.
* Arrays of points are ``(N, 2)`` float64 in x, y order; images are ``(H, W)`` or ``(H, W, 3)`` RGB uint8.
* Map coordinates are easting, northing in metres of a *metric CRS* (`geo.crs.metric_crs_for`).
* Angles are degrees; azimuths run clockwise from true north.
* Times are seconds from the start of the clip, from the container's timestamps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Float32Array: TypeAlias = NDArray[np.float32]
ByteImage: TypeAlias = NDArray[np.uint8]
BoolArray: TypeAlias = NDArray[np.bool_]
# Whole pixels left, top, right, bottom; the last two are one beyond.
Box: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class LonLat:
    """A position on WGS84."""

    lon_deg: float
    lat_deg: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.lon_deg <= 180.0 and -90.0 <= self.lat_deg <= 90.0):
            raise ValueError(
                f"expected longitude in [-180, 180] and latitude in [-90, 90] degrees, "
                f"found lon={self.lon_deg}, lat={self.lat_deg}"
            )


@dataclass(frozen=True)
class SizeWH:
    """Width and height of an image in pixels."""

    width_px: int
    height_px: int

    @property
    def center_px(self) -> FloatArray:
        """Continuous pixel coordinates of the image centre, shape (2,)."""
        return np.array([self.width_px / 2.0, self.height_px / 2.0])

    @property
    def corners_px(self) -> FloatArray:
        """Outer corners: top-left, top-right, bottom-right, bottom-left; shape (4, 2)."""
        w, h = float(self.width_px), float(self.height_px)
        return np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]])


@dataclass(frozen=True)
class Frame:
    """One decoded picture of a clip or folder."""

    index: int
    time_s: float
    image: ByteImage
    file: str | None = None

    @property
    def size(self) -> SizeWH:
        """Width and height of the decoded image."""
        return SizeWH(int(self.image.shape[1]), int(self.image.shape[0]))


@dataclass(frozen=True)
class Telemetry:
    """What the aircraft said about one moment. ``None`` means that it did not say.

    ``yaw_deg`` is the azimuth of image-up (for oblique views: of the optical axis), ``pitch_deg`` the
    gimbal's (0 horizon, -90 nadir), ``roll_deg`` positive when the image's right side dips.
    """

    time_s: float | None = None
    frame: int | None = None
    file: str | None = None
    position: LonLat | None = None
    alt_agl_m: float | None = None
    alt_msl_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    hfov_deg: float | None = None
    utc: str | None = None


class TelemetryUse(str, Enum):
    """How much of the telemetry localisation may use."""

    ALL = "all"
    ATTITUDE = "attitude"
    NONE = "none"


class FrameStatus(str, Enum):
    """How a frame came by its place."""

    LOCATED = "located"
    TRACKED = "tracked"
    UNLOCATED = "unlocated"


@dataclass(frozen=True)
class CameraPosition:
    """Where the camera was; ``alt_msl_m`` is ``None`` where only the height above ground is known."""

    position: LonLat
    alt_agl_m: float
    alt_msl_m: float | None = None


@dataclass(frozen=True)
class Placement:
    """Where one frame lies.

    ``map_from_px`` is the 3x3 homography from the frame's pixels (full decoded size, GDAL convention)
    to map metres; it is ``None`` exactly when the status is ``unlocated``, and then ``reason`` says why.
    ``error_m`` is the radius that holds the true centre with 90 % probability; ``score`` is the
    probability that the true centre lies within 25 m. Where the terrain is known, ``level_m`` is the height
    of the level plane that ``map_from_px`` leads to and ``outline_m`` the border ``(N, 2)`` of the ground
    that the frame sees.
    """

    frame: int
    time_s: float
    status: FrameStatus
    score: float
    error_m: float | None = None
    map_from_px: FloatArray | None = field(default=None, repr=False)
    size: SizeWH | None = None
    file: str | None = None
    camera: CameraPosition | None = None
    reason: str | None = None
    level_m: float | None = None
    outline_m: FloatArray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        placed = self.map_from_px is not None and self.size is not None
        if placed == (self.status is FrameStatus.UNLOCATED):
            raise ValueError(f"status {self.status.value} contradicts map_from_px {self.map_from_px!r}")
        if not placed and not self.reason:
            raise ValueError("an unlocated frame needs a reason")
        if self.map_from_px is not None and self.map_from_px.shape != (3, 3):
            raise ValueError(f"expected map_from_px of shape (3, 3), found {self.map_from_px.shape}")
