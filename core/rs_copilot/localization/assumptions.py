"""Which views to try for a frame: what telemetry says, what the clip has taught, and a grid for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Intrinsics
from rs_copilot.localization.view import (
    Tilt,
    View,
    attitude_view,
    nadir_view,
    tilted_view,
    view_of_placement,
)
from rs_copilot.types import FloatArray, SizeWH, Telemetry, TelemetryUse

# Tolerances of one hypothesis: 5 degrees of heading and 10 % of scale lose nothing (localisation notes, 2b).
YAW_STEP_DEG = 10.0
SCALE_STEP = 1.2
# Widths that are tried when nothing says how high the camera flew.
MIN_WIDTH_M = 40.0
MAX_WIDTH_M = 1200.0
# Half the width costs four times as much. On maps larger than this, narrow views come last.
LARGE_MAP_M2 = 5e6
NARROW_M = 80.0
UNIT_WIDTH_M = 100.0
# Less tilt than this costs the search nothing (localisation notes, 2b), and is known no better than this.
MIN_OFF_NADIR_DEG = 8.0
# What cameras of stills are tilted by where they do not look down.
OBLIQUE = (Tilt(-60.0, 0.0), Tilt(-45.0, 0.0))
# A frame wider than the map has nothing left to be matched to.
MAX_MAP_SHARE = 1.1


# A correction is believed once this many fixes agree on it to this share.
MIN_LEARNED = 3
MAX_SCALE_SPREAD = 0.05
MAX_WIDTH_SPREAD = 0.15


@dataclass
class Calibration:
    """What the located frames of a clip say about its telemetry: scale and heading corrections.

    The EXIF focal length and the height above take-off are off by 10 % as a rule, and so is the compass
    by some degrees; both are constant over a clip.
    """

    scales: list[float] = field(default_factory=list)
    yaws_deg: list[float] = field(default_factory=list)
    widths_m: list[float] = field(default_factory=list)

    def learn(self, base: View | None, found: FloatArray, size: SizeWH) -> None:
        """Take in one trusted registration of a frame whose telemetry promised ``base``."""
        actual = view_of_placement(found, size)
        self.widths_m.append(actual.width_m)
        if base is not None:
            self.scales.append(actual.width_m / base.width_m)
            turn = _azimuth_deg(actual) - _azimuth_deg(base)
            self.yaws_deg.append((turn + 180.0) % 360.0 - 180.0)

    @property
    def is_known(self) -> bool:
        """Whether scale and heading of the telemetry can be corrected: three fixes that agree."""
        if len(self.scales) < MIN_LEARNED:
            return False
        middle = np.median(self.scales)
        return bool(np.median(np.abs(np.array(self.scales) / middle - 1.0)) < MAX_SCALE_SPREAD)

    @property
    def scale(self) -> float:
        """True scale over the telemetry's."""
        return float(np.median(self.scales)) if self.scales else 1.0

    @property
    def yaw_deg(self) -> float:
        """True heading minus the telemetry's."""
        return float(np.median(self.yaws_deg)) if self.yaws_deg else 0.0

    @property
    def width_m(self) -> float | None:
        """Ground width of the located frames, where nothing else gives the scale and they agree on it."""
        if len(self.widths_m) < 2:
            return None
        middle = float(np.median(self.widths_m))
        agree = np.abs(np.array(self.widths_m) / middle - 1.0) < MAX_WIDTH_SPREAD
        return middle if agree.sum() >= 2 else None


def _azimuth_deg(view: View) -> float:
    return hg.grid_azimuth_deg(view.local_from_px, view.size.center_px)


@dataclass(frozen=True)
class Assumptions:
    """How views of one clip are guessed.

    ``ground_msl_m`` is the terrain's height where telemetry gives only the height above sea level.
    """

    use: TelemetryUse
    convergence_deg: float
    map_size_m: tuple[float, float]
    ground_msl_m: float | None = None

    def base(self, size: SizeWH, telemetry: Telemetry | None) -> View | None:
        """The view by telemetry alone, or ``None`` where it says too little or looks at the horizon."""
        if self.use is TelemetryUse.NONE or telemetry is None or telemetry.yaw_deg is None:
            return None
        height_m = self.height_m(telemetry)
        if height_m is None or height_m <= 1.0:
            return None
        return attitude_view(size, telemetry, height_m, self.convergence_deg)

    def height_m(self, telemetry: Telemetry) -> float | None:
        """Height above ground by telemetry and, for heights above sea level, the terrain."""
        if telemetry.alt_msl_m is not None and self.ground_msl_m is not None:
            return telemetry.alt_msl_m - self.ground_msl_m
        return telemetry.alt_agl_m

    def views(
        self,
        size: SizeWH,
        telemetry: Telemetry | None,
        calibration: Calibration,
        *,
        tilt: Tilt | None = None,
    ) -> list[View]:
        """Views worth trying, most likely first.

        Where telemetry does not tell the attitude, ``tilt`` is what the clip's motion says about it; without
        it the camera is taken to look down.
        """
        base = self.base(size, telemetry)
        if base is not None:
            return _around(base, calibration)
        known = self.known_yaws_deg(telemetry)
        yaws = np.arange(0.0, 360.0, YAW_STEP_DEG) if known is None else known
        widths = self._widths(size, telemetry, calibration)
        return blind_views(size, widths, yaws, tilt)

    def narrow_views(self, size: SizeWH, tilt: Tilt | None) -> list[View]:
        """Blind views that `views` leaves out on large maps, where they take most of the time."""
        if not self._is_large:
            return []
        yaws = np.arange(0.0, 360.0, YAW_STEP_DEG)
        widths = np.geomspace(NARROW_M / SCALE_STEP, MIN_WIDTH_M, 4)
        return blind_views(size, widths, yaws, tilt)

    @property
    def _is_large(self) -> bool:
        return self.map_size_m[0] * self.map_size_m[1] > LARGE_MAP_M2

    def oblique_views(self, size: SizeWH) -> list[View]:
        """Tilted cameras at every heading and width, for frames that looking down does not explain."""
        yaws = np.arange(0.0, 360.0, YAW_STEP_DEG)
        widths = self._widths(size, None, Calibration())
        return [view for tilt in OBLIQUE for view in blind_views(size, widths, yaws, tilt)]

    def _told_width_m(self, size: SizeWH, telemetry: Telemetry | None) -> float | None:
        """Ground width by height and field of view, looking straight down."""
        if self.use is TelemetryUse.NONE or telemetry is None or telemetry.hfov_deg is None:
            return None
        height_m = self.height_m(telemetry)
        if height_m is None or height_m <= 1.0:
            return None
        return height_m * size.width_px / Intrinsics.from_hfov(size, telemetry.hfov_deg).focal_px

    def known_yaws_deg(self, telemetry: Telemetry | None) -> FloatArray | None:
        """Headings worth trying where telemetry tells one, shape (3,)."""
        if self.use is TelemetryUse.NONE or telemetry is None or telemetry.yaw_deg is None:
            return None
        return telemetry.yaw_deg - self.convergence_deg + np.array([0.0, -8.0, 8.0])

    def _widths(self, size: SizeWH, telemetry: Telemetry | None, calibration: Calibration) -> list[float]:
        known = calibration.width_m or self._told_width_m(size, telemetry)
        if known is not None:
            return [known * s for s in (1.0, 1.15, 1 / 1.15)]
        widest = min(MAX_WIDTH_M, MAX_MAP_SHARE * float(np.sqrt(np.prod(self.map_size_m))))
        narrowest = min(NARROW_M if self._is_large else MIN_WIDTH_M, widest / 2)
        steps = int(np.ceil(np.log(widest / narrowest) / np.log(SCALE_STEP)))
        return [float(w) for w in np.geomspace(widest, narrowest, steps + 1)]


def blind_views(
    size: SizeWH, widths_m: Iterable[float], yaws_deg: Iterable[float], tilt: Tilt | None
) -> list[View]:
    """Views of all widths and headings; straight down where no tilt is known or it hardly matters."""
    level = nadir_view(size, UNIT_WIDTH_M, 0.0)
    if tilt is not None and tilt.off_nadir_deg >= MIN_OFF_NADIR_DEG:
        level = tilted_view(size, UNIT_WIDTH_M, 0.0, tilt) or level
    # One view is made and then turned: how far it reaches takes longer than all the rest.
    return [level.turned(float(yaw), width / UNIT_WIDTH_M) for width in widths_m for yaw in yaws_deg]


def turned_views(base: View) -> list[View]:
    """A view at every heading and at scales around it, for telemetry whose heading is wrong.

    Near nadir the gimbal's heading may flip by half a turn, and a compass near steel says anything.
    """
    yaws = np.arange(0.0, 360.0, YAW_STEP_DEG)
    return [base.turned(float(yaw), scale) for scale in (1.0, 1.1, 1 / 1.1, 1.2) for yaw in yaws]


def _around(base: View, calibration: Calibration) -> list[View]:
    if calibration.is_known:
        center = base.turned(calibration.yaw_deg, calibration.scale)
        return [center] + [
            center.turned(dy, ds) for dy, ds in ((-6.0, 1.0), (6.0, 1.0), (0.0, 0.92), (0.0, 1.08))
        ]
    return [base.turned(dy, ds) for ds in (1.0, 0.92, 1.09, 0.84, 1.18) for dy in (0.0, -8.0, 8.0)]
