"""How well frames were placed, measured against truth. Pure, except for `read_true_centers`.

Every frame counts: one that was not placed lowers the placed share, and never the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyproj

from rs_copilot.errors import SceneError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.types import FloatArray, FrameStatus, Placement
from rs_copilot.vector.build import center_xy

# A frame that claims to be matched to the map and is off by more than this is a confident wrong place.
WRONG_M = 50.0


@dataclass(frozen=True)
class LocalizationScore:
    """What `score_placements` found. Shares are of ``frames`` unless they say otherwise; NaN of nothing."""

    frames: int
    located: int
    tracked: int
    median_error_m: float
    p90_error_m: float
    inside_error_share: float
    wrong_located_share: float

    @property
    def placed_share(self) -> float:
        """Share of frames that are located or tracked."""
        return (self.located + self.tracked) / self.frames if self.frames else float("nan")


def score_placements(
    placements: Sequence[Placement], true_centers_m: Mapping[int, FloatArray]
) -> LocalizationScore:
    """Compare image centres on the ground with the truth.

    Args:
        placements: the result; frames without truth are left out.
        true_centers_m: by frame, the true ground point at the image centre, shape (2,), in metres of the
            CRS that the placements map to.

    Returns:
        ``inside_error_share`` is the share of placed frames whose truth lies within their ``error_m``,
        ``wrong_located_share`` that of located frames that are more than `WRONG_M` off.
    """
    known = [item for item in placements if item.frame in true_centers_m]
    placed = [item for item in known if item.status is not FrameStatus.UNLOCATED]
    errors_m = np.array([_error_m(item, true_centers_m[item.frame]) for item in placed])
    radii_m = np.array([np.nan if item.error_m is None else item.error_m for item in placed])
    is_located = np.array([item.status is FrameStatus.LOCATED for item in placed], dtype=bool)
    return LocalizationScore(
        frames=len(known),
        located=int(is_located.sum()),
        tracked=int((~is_located).sum()),
        median_error_m=float(np.median(errors_m)) if placed else float("nan"),
        p90_error_m=float(np.percentile(errors_m, 90)) if placed else float("nan"),
        inside_error_share=_share(errors_m <= radii_m),
        wrong_located_share=_share(errors_m[is_located] > WRONG_M),
    )


def _error_m(placement: Placement, truth_m: FloatArray) -> float:
    found_m = center_xy(placement)
    return float("nan") if found_m is None else float(np.linalg.norm(found_m - truth_m))


def _share(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def read_true_centers(path: str | Path, crs: pyproj.CRS) -> dict[int, FloatArray]:
    """By frame, the ground point at the image centre of a demo world's ``truth.gpkg``, in ``crs``.

    Raises:
        SceneError: the file holds no frames.
    """
    try:
        table = pyogrio.read_dataframe(path, layer="frames")
    except pyogrio.errors.DataSourceError as error:
        raise SceneError(
            f"{path} holds no frames: {error}", hint="Give the truth.gpkg of a demo world."
        ) from error
    points = geo_crs.transform(np.stack([table.geometry.x, table.geometry.y], axis=1), table.crs, crs)
    return {int(frame): point for frame, point in zip(table["frame"], points, strict=True)}
