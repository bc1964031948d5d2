"""What a demo world is made from: every number that may differ between two worlds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction

from rs_copilot.types import SizeWH

DEFAULT_SIZE = SizeWH(1280, 720)


@dataclass(frozen=True)
class WorldSettings:
    """The town: ``extent_m`` is the side of the satellite image, ``margin_m`` lies around it."""

    seed: int = 7
    extent_m: float = 800.0
    cell_m: float = 0.25
    relief_m: float = 6.0

    @property
    def margin_m(self) -> float:
        """Ground beyond the satellite image, for oblique views near its border."""
        return 0.1 * self.extent_m

    @property
    def side_m(self) -> float:
        """Side of the whole world."""
        return self.extent_m + 2.0 * self.margin_m


@dataclass(frozen=True)
class ClipSettings:
    """The flight: ``focal_35mm`` is the focal length on a sensor 36 mm wide.

    ``off_nadir_deg`` keeps the camera at that angle all the way; without it the gimbal moves as in a survey.
    """

    seconds: float = 20.0
    fps: Fraction = Fraction(10)
    size: SizeWH = DEFAULT_SIZE
    focal_35mm: float = 24.0
    season: str = "summer"
    off_nadir_deg: float | None = None

    @property
    def frame_count(self) -> int:
        """Frames in the clip."""
        return max(1, round(self.seconds * self.fps))

    def time_s(self, frame: int) -> float:
        """Presentation time of a frame."""
        return float(Fraction(frame) / self.fps)


@dataclass(frozen=True)
class SatelliteSettings:
    """The satellite image: ``lean_deg`` is the angle off nadir."""

    gsd_m: float = 0.5
    season: str = "autumn"
    lean_deg: float = 5.0
    lean_azimuth_deg: float = 70.0


@dataclass(frozen=True)
class Settings:
    """Everything that decides the bytes of a demo world."""

    world: WorldSettings = WorldSettings()
    clip: ClipSettings = ClipSettings()
    satellite: SatelliteSettings = SatelliteSettings()

    def as_dict(self) -> dict[str, object]:
        """Plain values, for cache keys."""
        plain = asdict(self)
        plain["clip"]["fps"] = str(self.clip.fps)
        return plain
