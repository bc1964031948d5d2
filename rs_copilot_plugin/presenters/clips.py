"""Which clips the user has chosen, and the telemetry that lies beside each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .controls import count_points

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".ts", ".mpg", ".mpeg", ".webm", ".h264", ".h265")
STILL_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
TELEMETRY_SUFFIXES = (".srt", ".csv", ".klv", ".gpx")
RASTER_SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".ecw", ".sid", ".gpkg", ".mbtiles")


@dataclass(frozen=True)
class Clip:
    """A video, a still, or a folder of stills, and how many control points the user has set in it."""

    path: Path
    telemetry: Path | None = None
    is_folder: bool = False
    control_points: int = 0

    @property
    def name(self) -> str:
        """What lists show."""
        return self.path.name


@dataclass(frozen=True)
class Dropped:
    """What a drop or a file dialog brought, sorted by what it can be used for."""

    clips: list[Clip] = field(default_factory=list)
    telemetry: list[Path] = field(default_factory=list)
    rasters: list[Path] = field(default_factory=list)
    refused: list[Path] = field(default_factory=list)


def find_telemetry(clip: Path) -> Path | None:
    """The telemetry file beside a clip: same stem, or ``telemetry.csv`` in a folder of stills.

    The comparison ignores case, as cards written by cameras mix ``DJI_0001.MP4`` and ``DJI_0001.srt``.
    """
    if clip.is_dir():
        return _first_named(clip, ("telemetry.csv",))
    return _first_named(clip.parent, tuple(clip.stem.lower() + suffix for suffix in TELEMETRY_SUFFIXES))


def _first_named(folder: Path, wanted_lower: tuple[str, ...]) -> Path | None:
    try:
        present = {entry.name.lower(): entry for entry in folder.iterdir()}
    except OSError:
        return None
    return next((present[name] for name in wanted_lower if name in present), None)


def sort_paths(paths: Iterable[Path]) -> Dropped:
    """Tell clips from telemetry, rasters and the rest.

    A ``.tif`` is ambiguous: a single one counts as a satellite raster, which is what people mean by it.
    """
    found = Dropped()
    for path in paths:
        suffix = path.suffix.lower()
        if path.is_dir():
            if has_stills(path):
                found.clips.append(_as_clip(path))
            else:
                found.refused.append(path)
        elif suffix in RASTER_SUFFIXES:
            found.rasters.append(path)
        elif suffix in VIDEO_SUFFIXES or suffix in STILL_SUFFIXES:
            found.clips.append(_as_clip(path))
        elif suffix in TELEMETRY_SUFFIXES:
            found.telemetry.append(path)
        else:
            found.refused.append(path)
    return found


def _as_clip(path: Path) -> Clip:
    return Clip(path, find_telemetry(path), path.is_dir(), count_points(path))


def has_stills(folder: Path) -> bool:
    """Whether a folder holds at least one picture."""
    try:
        return any(entry.suffix.lower() in STILL_SUFFIXES for entry in folder.iterdir())
    except OSError:
        return False


class ClipList:
    """The clips of the panel, in the order they came, each once."""

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def add(self, clips: Iterable[Clip]) -> list[Clip]:
        """Add those that are new; returns them."""
        known = {clip.path.resolve() for clip in self.clips}
        fresh = [clip for clip in clips if clip.path.resolve() not in known]
        self.clips.extend(fresh)
        return fresh

    def remove(self, paths: Iterable[Path]) -> None:
        """Forget clips; files stay."""
        gone = set(paths)
        self.clips = [clip for clip in self.clips if clip.path not in gone]

    def attach_telemetry(self, telemetry: Path) -> bool:
        """Give a dropped telemetry file to the clip of the same stem, or to the only clip there is."""
        matches = [clip for clip in self.clips if clip.path.stem.lower() == telemetry.stem.lower()]
        targets = matches or (self.clips if len(self.clips) == 1 else [])
        for clip in targets:
            self.set_telemetry(clip.path, telemetry)
        return bool(targets)

    def set_control_points(self, path: Path, count: int) -> None:
        """The user has set or removed control points of a clip."""
        self.clips = [
            replace(clip, control_points=count) if clip.path == path else clip for clip in self.clips
        ]

    def set_telemetry(self, path: Path, telemetry: Path | None) -> None:
        """Choose another telemetry file for a clip, or none."""
        self.clips = [
            replace(clip, telemetry=telemetry) if clip.path == path else clip for clip in self.clips
        ]
