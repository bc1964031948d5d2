"""Finding objects from the panel: in what, with which detector, where; and what the engine is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .clips import Clip
from .locate import Lack, LocatePanel, Request, Stage, local_file_of, scene_beside

SHIPPED = "vehicles-s"
MOTION = "motion"
KEPT_DETECTORS = 6


class DetectorKind(Enum):
    """Where a detector comes from."""

    SHIPPED = "shipped"
    MOTION = "motion"
    ONNX = "onnx"
    FOLDER = "hf"


class Where(Enum):
    """Which part of a raster is looked at."""

    WHOLE = "whole"
    VIEW = "view"
    SELECTION = "selection"


def kind_of(detector: str) -> DetectorKind:
    """Where a detector comes from, by the name that the engine knows it by."""
    kind, _, place = detector.partition(":")
    if place and kind in (DetectorKind.ONNX.value, DetectorKind.FOLDER.value):
        return DetectorKind(kind)
    return DetectorKind.MOTION if detector == MOTION else DetectorKind.SHIPPED


def place_of(detector: str) -> Path:
    """The file or folder of a detector that has one."""
    return Path(detector.partition(":")[2])


def kept_detectors(known: Iterable[str], latest: str) -> list[str]:
    """The user's own detectors, the latest first; those whose file is gone are forgotten."""
    own = dict.fromkeys([latest, *known])
    return [name for name in own if kind_of(name).value in ("onnx", "hf") and place_of(name).exists()][
        :KEPT_DETECTORS
    ]


def split_names(text: str) -> list[str]:
    """Names separated by commas; each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


# What GDAL in the engine fetches itself, tile by tile; WMS and XYZ sources are none of these.
_SERVED = re.compile(r"^(https?://|/vsi(curl|s3|gs|az|oss|swift|webhdfs)/)", re.IGNORECASE)


def raster_of(source: str) -> str | None:
    """What the engine is told of a raster layer's source: a local file, or an address that GDAL reads."""
    path = local_file_of(source)
    return str(path) if path is not None else served_address(source)


def served_address(source: str) -> str | None:
    """The address of a raster that GDAL fetches itself; None for everything else."""
    return source.partition("|")[0] if _SERVED.match(source) else None


@dataclass
class FindPanel:
    """What is chosen; ``clip`` is None for the satellite layer, ``min_score`` None for the detector's own."""

    inputs: LocatePanel
    clip: Path | None = None
    detector: str = SHIPPED
    classes: str = ""
    min_score: float | None = None
    where: Where = Where.WHOLE

    @property
    def looks_at_clip(self) -> bool:
        """Whether a clip is looked at, and not the satellite layer."""
        return self._clip is not None

    @property
    def _clip(self) -> Clip | None:
        return next((clip for clip in self.inputs.clips.clips if clip.path == self.clip), None)

    def lacks(self, is_located: bool, selected: int) -> list[Lack]:
        """Why the search is not possible yet, most important first.

        Args:
            is_located: whether the scene holds placed frames of the clip.
            selected: how many polygons are selected for `Where.SELECTION`.
        """
        lacks = [Lack.BUSY] if self.inputs.stage is not Stage.IDLE else []
        lacks += self._lacks_of_clip(is_located) if self.looks_at_clip else self._lacks_of_raster(selected)
        kind = kind_of(self.detector)
        if kind in (DetectorKind.ONNX, DetectorKind.FOLDER) and not place_of(self.detector).exists():
            lacks.append(Lack.DETECTOR_GONE)
        if kind is DetectorKind.FOLDER and not split_names(self.classes):
            lacks.append(Lack.PHRASES)
        return lacks

    @property
    def _raster(self) -> str | None:
        """What the engine is told of the satellite layer."""
        inputs = self.inputs
        return str(inputs.satellite) if inputs.satellite else served_address(inputs.satellite_source)

    def _lacks_of_raster(self, selected: int) -> list[Lack]:
        lacks = []
        if self._raster is None:
            lacks.append(Lack.NO_RASTER_FILE if self.inputs.satellite_is_remote else Lack.SATELLITE)
        if kind_of(self.detector) is DetectorKind.MOTION:
            lacks.append(Lack.NOTHING_MOVES)
        if self.where is Where.SELECTION and not selected:
            lacks.append(Lack.SELECTION)
        return lacks

    def _lacks_of_clip(self, is_located: bool) -> list[Lack]:
        if is_located or self.inputs.satellite is not None:
            return []
        return [Lack.REMOTE_SATELLITE if self.inputs.satellite_is_remote else Lack.SATELLITE]

    def scene(self, is_located: bool, home: Path) -> Path:
        """The scene to write to; a new one for a raster from the network goes into ``home``.

        Raises:
            ValueError: something is lacking, see `lacks`.
        """
        inputs = self.inputs
        if self.looks_at_clip:
            return inputs.scene if is_located and inputs.scene else inputs.scene_for_locate()
        if inputs.scene is not None and inputs.is_scene_of_satellite:
            return inputs.scene
        raster = self._raster
        if raster is None:
            raise ValueError("choose a raster first")
        return scene_beside(Path(raster), [], None if inputs.satellite is not None else home)

    def requests(self, scene: Path, is_located: bool, region: str | None = None) -> list[Request]:
        """The calls to make; a clip that has no place yet is located first."""
        clip = self._clip
        params: dict[str, Any] = {"out": str(scene), "detector": self.detector}
        if self.detector != MOTION:
            params |= {"classes": split_names(self.classes), "min_score": self.min_score}
        if clip is None:
            source = self._raster or ""
            params |= {"source": source, "region": region}
            return [Request("detect", params, Path(source).name, goes_on=True)]
        params["source"] = str(clip.path)
        before = [] if is_located else [self.inputs.locate_request(clip, scene)]
        return [*before, Request("detect", params, clip.name, needs_former=bool(before))]
