"""Couples the page that finds objects with what is chosen, and makes calls of it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qgis.core import QgsRasterLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin import messages
from rs_copilot_plugin.layers.region_file import RegionError, take_selection, view_region, write_selection
from rs_copilot_plugin.presenters.find import MOTION, SHIPPED, FindPanel, Where, kept_detectors
from rs_copilot_plugin.presenters.locate import Lack, LocatePanel, Request
from rs_copilot_plugin.settings import Settings

from .background import Background
from .dock import MainDock
from .scene_controller import SceneController


@dataclass(frozen=True)
class Search:
    """What is to be done, and the scene that it goes to."""

    requests: list[Request]
    scene: Path
    looks_at_clip: bool


class FindController(QObject):
    """``ready`` carries a `Search`, ``refused`` what it lacks, ``failed`` why not; one follows `prepare`."""

    ready = pyqtSignal(object)
    refused = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(
        self,
        inputs: LocatePanel,
        settings: Settings,
        dock: MainDock,
        scene: SceneController,
        background: Background,
        canvas: QgsMapCanvas,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.panel = FindPanel(inputs, detector=settings.detector or SHIPPED)
        self._settings, self._dock, self._box = settings, dock, dock.find_box
        self._scene, self._background, self._canvas = scene, background, canvas
        self._own = kept_detectors(settings.own_detectors, self.panel.detector)
        self._folder = Path(tempfile.mkdtemp(prefix="rs-copilot-find-"))
        self._files = 0
        self._box.changed.connect(self._take)
        self._box.detector_added.connect(self.add_detector)

    def stop(self) -> None:
        """Leave no file behind."""
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- what is chosen

    def add_detector(self, path: str) -> None:
        """Use a detector from a file: an ONNX file, or any file in the folder of a zero-shot model."""
        chosen = Path(path)
        is_network = chosen.suffix.lower() == ".onnx"
        self.panel.detector = f"onnx:{chosen}" if is_network else f"hf:{chosen.parent}"
        self._own = kept_detectors(self._own, self.panel.detector)
        self._settings.own_detectors = self._own
        self._settings.detector = self.panel.detector
        self.redraw()

    def _take(self) -> None:
        box, panel = self._box, self.panel
        panel.clip, panel.detector = box.source, box.detector or panel.detector
        panel.classes, panel.min_score, panel.where = box.classes_edit.text(), box.min_score, box.where
        self._settings.detector = panel.detector
        self.redraw()

    @property
    def is_located(self) -> bool:
        """Whether the scene has placed frames of the chosen clip."""
        found = self._scene.frames_of(str(self.panel.clip)) if self.panel.looks_at_clip else None
        return found is not None and self.panel.inputs.scene == self._scene.path

    def lacks(self) -> list[Lack]:
        """Why the search is not possible yet."""
        areas = self._box.areas
        return self.panel.lacks(self.is_located, areas.selectedFeatureCount() if areas is not None else 0)

    # --- drawing

    def redraw(self) -> None:
        """Draw what is chosen and whether it will do."""
        panel, box = self.panel, self._box
        satellite = self._dock.satellite_combo.currentLayer()
        clips = panel.inputs.clips.clips
        if not panel.looks_at_clip:
            panel.clip = None
        box.show_sources(satellite.name() if satellite is not None else "", clips, panel.clip)
        box.show_detectors([SHIPPED, *self._own, MOTION], panel.detector)
        panel.detector = box.detector
        box.show_choice(panel.detector, panel.looks_at_clip)
        self._show_ready()

    def _show_ready(self) -> None:
        # What is selected changes without a word: that is looked at when the button is pressed.
        lacks = [lack for lack in self.lacks() if lack is not Lack.SELECTION]
        self._box.show_ready(not lacks, messages.lack_text(lacks[0]) if lacks else "")

    # --- making the calls

    def prepare(self) -> None:
        """Find out where to look; `ready` or `refused` follows, perhaps at once."""
        raster = self._dock.satellite_combo.currentLayer()
        where = Where.WHOLE if self.panel.looks_at_clip else self.panel.where
        try:
            if where is Where.SELECTION:
                self._read_selection(raster)
                return
            view = self._canvas.extent(), self._canvas.mapSettings().destinationCrs()
            self._finish(view_region(*view, raster) if where is Where.VIEW else None)
        except RegionError:
            self.refused.emit(Lack.BESIDE)

    def _read_selection(self, raster: QgsRasterLayer) -> None:
        areas = self._box.areas
        if areas is None:
            self.refused.emit(Lack.SELECTION)
            return
        self._files += 1
        path = self._folder / f"region_{self._files}.geojson"
        work = partial(write_selection, take_selection(areas, raster), path)
        self._background.run(work, self._finish, self._not_read)

    def _not_read(self, error: Exception) -> None:
        if isinstance(error, RegionError):
            self.refused.emit(Lack.BESIDE)
        else:
            self.failed.emit(str(error))

    def _finish(self, region: str | None) -> None:
        located = self.is_located
        target = self.panel.scene(located, Path(self._settings.last_folder))
        requests = self.panel.requests(target, located, region)
        self.ready.emit(Search(requests, target, self.panel.looks_at_clip))
