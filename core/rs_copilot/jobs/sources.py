"""What a job looks at: a raster, or a clip that a scene has placed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from rs_copilot.errors import MissingCrsError, RasterError, SceneError
from rs_copilot.jobs.context import JobContext
from rs_copilot.raster.source import open_raster
from rs_copilot.vector.placements import read_clips
from rs_copilot.video.stills import IMAGE_SUFFIXES


class ClipSource(Protocol):
    """Parameters of a job that looks at clips: how one is placed on the map ``satellite``."""

    @property
    def source(self) -> str:
        """The clip's file or folder."""
        ...

    @property
    def out(self) -> str:
        """The scene."""
        ...

    @property
    def satellite(self) -> str | None:
        """The map."""
        ...

    @property
    def dem(self) -> str | None:
        """An elevation raster."""
        ...

    @property
    def every_s(self) -> float:
        """Seconds between frames."""
        ...


def is_map(source: str) -> bool:
    """Whether a source is a georeferenced raster; everything else is tried as a clip."""
    path = Path(source)
    if path.is_dir():
        return False
    try:
        with open_raster(source):
            return True
    except MissingCrsError:
        # A photo has no place of its own; a raster that lost its CRS should hear so.
        if path.suffix.lower() in IMAGE_SUFFIXES - {".tif", ".tiff"}:
            return False
        raise
    except RasterError:
        if path.exists():
            return False
        raise


def placed_clip(params: ClipSource, context: JobContext) -> str:
    """The name of a clip in its scene; it is placed first where it is not there and a map is given.

    Raises:
        SceneError: the scene does not have it, and there is no map to place it on.
        RsCopilotError: what placing it raises.
    """
    name = Path(params.source).name
    if (Path(params.out).exists() or "://" in params.out) and name in read_clips(params.out):
        return name
    if params.satellite is None:
        raise SceneError(
            f"{params.out} holds no clip {name}: what is found could not be laid on the ground",
            hint="Give --satellite RASTER to place it first, or a scene that localize wrote.",
        )
    # What only clips need takes seconds to load.
    from rs_copilot.jobs import localize

    wanted = localize.LocalizeParams(
        clip=Path(params.source), satellite=params.satellite, out=Path(params.out),
        dem=params.dem, every_s=params.every_s,
    )  # fmt: skip
    localize.run(wanted, context)
    return name
