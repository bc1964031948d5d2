"""What a satellite raster is, before anything is done with it: asked when a user picks a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rs_copilot.jobs.context import JobContext
from rs_copilot.raster.source import open_raster


class RasterInfoParams(BaseModel):
    """Which raster: a file or anything else that GDAL opens."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    raster: str


class RasterInfoResult(BaseModel):
    """What it is. ``crs`` and ``metric_crs`` are authority codes where there are any, else WKT."""

    path: Path
    width_px: int
    height_px: int
    crs: str
    metric_crs: str
    center_lon: float
    center_lat: float
    gsd_m: float
    band_count: int
    dtype: str
    nodata: float | None

    def summary(self) -> str:
        """For people."""
        size = f"{self.width_px} × {self.height_px} px of {self.gsd_m:.2f} m"
        return f"{self.path.name}: {size}, {self.band_count} bands {self.dtype}, {self.crs}"


def run(params: RasterInfoParams, context: JobContext) -> RasterInfoResult:
    """Open the raster and describe it.

    Raises:
        RasterError: not a raster that can be used.
    """
    context.check()
    with open_raster(params.raster) as raster:
        info = raster.info
        return RasterInfoResult(
            path=Path(info.path),
            width_px=info.size.width_px,
            height_px=info.size.height_px,
            crs=info.crs.to_string(),
            metric_crs=info.metric_crs.to_string(),
            center_lon=info.center.lon_deg,
            center_lat=info.center.lat_deg,
            gsd_m=info.gsd_m,
            band_count=info.band_count,
            dtype=info.dtype,
            nodata=info.nodata,
        )
