"""The locate panel: what is chosen, what still lacks, and what the engine is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .clips import Clip, ClipList
from .controls import control_file


class TelemetryUse(str, Enum):
    """How far the aircraft's telemetry is trusted; the values are the engine's."""

    ALL = "all"
    ATTITUDE = "attitude"
    NONE = "none"


class Lack(Enum):
    """What stands between the user and a job."""

    SATELLITE = "satellite"
    REMOTE_SATELLITE = "remote-satellite"
    CLIPS = "clips"
    SCENE = "scene"
    BUSY = "busy"
    NO_RASTER_FILE = "no-raster-file"
    DETECTOR_GONE = "detector-gone"
    PHRASES = "phrases"
    NOTHING_MOVES = "nothing-moves"
    SELECTION = "selection"
    BESIDE = "beside"


class Stage(Enum):
    """What the panel is doing."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class Request:
    """One engine call.

    One that ``needs_former`` is not made where the call before it failed; one that ``goes_on`` begins where a
    broken run of the same call stood.
    """

    method: str
    params: dict[str, Any]
    title: str
    needs_former: bool = False
    goes_on: bool = False


@dataclass
class LocatePanel:
    """State of the panel; views read it and call its methods, never the other way round."""

    clips: ClipList = field(default_factory=ClipList)
    satellite: Path | None = None
    satellite_is_remote: bool = False
    satellite_source: str = ""
    scene: Path | None = None
    telemetry_use: TelemetryUse = TelemetryUse.ALL
    every_s: float = 1.0
    stage: Stage = Stage.IDLE
    _scene_satellite: Path | None = None

    def choose_satellite(self, source: str | None) -> None:
        """Take a raster layer's source or a file; one that is no local file is remembered as remote."""
        path = local_file_of(source or "")
        self.satellite, self.satellite_source = path, source or ""
        self.satellite_is_remote = bool(source) and path is None

    def lacks_to_locate(self) -> list[Lack]:
        """Why *Locate* is not possible yet, most important first."""
        lacks = [Lack.BUSY] if self.stage is not Stage.IDLE else []
        if self.satellite is None:
            lacks.append(Lack.REMOTE_SATELLITE if self.satellite_is_remote else Lack.SATELLITE)
        if not self.clips.clips:
            lacks.append(Lack.CLIPS)
        return lacks

    def lacks_to_use_scene(self) -> list[Lack]:
        """Why *Track* and *Export* are not possible yet."""
        lacks = [Lack.BUSY] if self.stage is not Stage.IDLE else []
        if self.scene is None or not self.scene.is_file():
            lacks.append(Lack.SCENE)
        return lacks

    def use_scene(self, scene: Path | None, satellite: Path | None = None) -> None:
        """Work on a scene from now on; ``satellite`` is the raster it is made on, where that is known."""
        self.scene, self._scene_satellite = scene, satellite

    def scene_for_locate(self) -> Path:
        """The scene to locate into: the present one, or a new one where there is none on this raster."""
        if self.satellite is None:
            raise ValueError("choose a satellite raster first")
        if self.scene is not None and self.is_scene_of_satellite:
            return self.scene
        return scene_beside(self.satellite, self.clips.clips)

    @property
    def is_scene_of_satellite(self) -> bool:
        """Whether the present scene may be one of the chosen raster; of an opened one that is not known."""
        return self._scene_satellite in (None, self.satellite)

    def locate_requests(self, scene: Path) -> list[Request]:
        """One call per clip, all into one scene."""
        return [self.locate_request(clip, scene) for clip in self.clips.clips]

    def locate_request(self, clip: Clip, scene: Path) -> Request:
        """The call for one clip."""
        params: dict[str, Any] = {
            "clip": str(clip.path),
            "satellite": str(self.satellite),
            "out": str(scene),
            "use_telemetry": self.telemetry_use.value,
            "every_s": self.every_s,
        }
        if clip.telemetry is not None and self.telemetry_use is not TelemetryUse.NONE:
            params["telemetry"] = str(clip.telemetry)
        if clip.control_points:
            params["control"] = str(control_file(clip.path))
        return Request("localize", params, clip.name)

    def track_request(self) -> Request:
        """Find what moves in the scene's clips."""
        return Request("track", {"scene": str(self.scene)}, self.scene.name if self.scene else "")


def export_request(scene: Path, layer: str, out: Path) -> Request:
    """Write one layer of a scene to a file of another format."""
    return Request("export", {"scene": str(scene), "layer": layer, "out": str(out)}, out.name)


# Sources that GDAL or QGIS fetch over a network: WMS and XYZ URIs are query strings, the rest is by prefix.
_REMOTE = re.compile(
    r"^(https?|ftp)://|^/vsi(curl|s3|gs|az|oss|swift|webhdfs)|(^|&)(url|type)=|^<|^PG:", re.IGNORECASE
)


def local_file_of(source: str) -> Path | None:
    """The file behind a raster source string, or None where there is no local file.

    ``source`` may carry provider options after ``|`` and a GeoPackage prefix (``GPKG:file:table``).
    """
    if not source or _REMOTE.search(source):
        return None
    if source.upper().startswith("GPKG:"):
        source = source[5:].rpartition(":")[0] or source[5:]
    path = Path(source.partition("|")[0])
    return path if path.is_file() else None


def clips_of_scene(scene: Path, recorded: list[str]) -> list[Path]:
    """The clips that a scene was made from: where they were, or beside the scene if both have moved."""
    found = []
    for clip in map(Path, recorded):
        beside = scene.parent / clip.name
        places = (clip, beside) if clip.is_absolute() else (beside, clip)
        found += [place for place in places if place.exists()][:1]
    return found


def scene_beside(satellite: Path, clips: list[Clip], folder: Path | None = None) -> Path:
    """A file name for a new scene that no file has yet: beside the first clip unless told otherwise."""
    stem = clips[0].path.stem if clips else satellite.stem
    home = folder or (clips[0].path.parent if clips else satellite.parent)
    candidate = home / f"{stem}_scene.gpkg"
    number = 2
    while candidate.exists():
        candidate = home / f"{stem}_scene_{number}.gpkg"
        number += 1
    return candidate
