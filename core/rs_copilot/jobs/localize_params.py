"""What localisation is asked, and what it answers."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rs_copilot.types import TelemetryUse
from rs_copilot.video.decode import is_url, name_of


class LocalizeParams(BaseModel):
    """What to locate, on what, and with how much help."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    clip: Path | str
    satellite: str
    out: Path
    telemetry: Path | None = None
    use_telemetry: TelemetryUse = TelemetryUse.ALL
    prior: tuple[float, float, float] | None = Field(
        default=None, description="longitude, latitude in degrees and radius in metres"
    )
    every_s: float | None = Field(default=None, gt=0)
    dem: str | None = None
    control: Path | None = Field(default=None, description="CSV of control points")
    index: Path | None = None
    weights: Path | None = None
    matcher: str | None = Field(default=None, description="sift, or a folder with a learned matcher")
    causal: bool = Field(default=False, description="place every frame by those before it, as they come")

    @field_validator("clip", mode="before")
    @classmethod
    def _keep_address(cls, value: object) -> object:
        """A path swallows one of the slashes of an address."""
        return value if isinstance(value, Path) or is_url(str(value)) else Path(str(value))

    @property
    def clip_name(self) -> str:
        """What rows call the clip."""
        return name_of(self.clip)

    @property
    def clip_path(self) -> str:
        """Where the clip is, without a password."""
        return name_of(self.clip) if is_url(self.clip) else str(Path(self.clip).resolve())


class LocalizeResult(BaseModel):
    """What was found: counts by status, and the corrections that the clip's telemetry needs."""

    scene: Path
    clip: str
    frames: int
    located: int
    tracked: int
    unlocated: int
    median_error_m: float | None
    telemetry: str | None
    scale_correction: float | None
    yaw_correction_deg: float | None
    lag_s: float | None = Field(default=None, description="how much telemetry positions trail the video")
    lag_sigma_s: float | None = None
    map_offset_east_m: float | None = Field(default=None, description="map minus telemetry positions")
    map_offset_north_m: float | None = None
    map_offset_sigma_m: float | None = None
    first_fix_clip_s: float | None = Field(
        default=None, description="time in the clip of the first frame that was placed while reading"
    )
    first_fix_wall_s: float | None = Field(
        default=None, description="seconds from the start of the command until then"
    )
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        placed = self.located + self.tracked
        sure = (
            "" if self.median_error_m is None else f", 90 % radius {self.median_error_m:.1f} m in the median"
        )
        return (
            f"{self.clip}: {placed} of {self.frames} frames placed "
            f"({self.located} matched to the map, {self.tracked} carried){sure}, in {self.seconds:.1f} s"
        )
