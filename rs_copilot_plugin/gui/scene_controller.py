"""One open scene: its layers on the map and its frames in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
)
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin.layers import scene_file, styles, temporal
from rs_copilot_plugin.layers.scene_group import SceneGroup
from rs_copilot_plugin.presenters.detections import ClipDetections
from rs_copilot_plugin.presenters.frames import ClipFrames, FrameRow
from rs_copilot_plugin.presenters.scene import ClipSummary, summarise

from .background import Background


@dataclass(frozen=True)
class _Read:
    """One look into a scene's file."""

    path: Path
    layers: list[str]
    frames: dict[str, ClipFrames]
    summaries: dict[str, ClipSummary]
    detections: dict[str, ClipDetections]
    final: bool


class SceneController(QObject):
    """Brings a scene onto the map and keeps it fresh while a job writes into it."""

    updated = pyqtSignal()
    unreadable = pyqtSignal(str)

    def __init__(self, iface: QgisInterface, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._iface = iface
        self._background = background
        self._group: SceneGroup | None = None
        self._frames: dict[str, ClipFrames] = {}
        self._summaries: dict[str, ClipSummary] = {}
        self._detections: dict[str, ClipDetections] = {}
        self.filled_layers: list[str] = []
        self._reading = False
        self._read_again = False
        self._zoom_pending = False
        self._circles = False

    @property
    def path(self) -> Path | None:
        """The scene's file."""
        return self._group.path if self._group is not None else None

    @property
    def clip_paths(self) -> list[str]:
        """Clips that have frames in the scene."""
        return list(self._frames)

    def layer_names(self) -> list[str]:
        """Layers that are on the map."""
        return list(self._group.layers()) if self._group is not None else []

    def open(self, path: Path, zoom: bool = True) -> None:
        """Make this the open scene; layers of a former one stay in the project."""
        if self.path != path:
            if self._group is not None:
                self._group.deleteLater()
            self._group = SceneGroup(path, self)
            self._group.layer_added.connect(self._layer_added)
            self._group.settled.connect(self._layers_settled)
            self._frames, self._summaries, self._detections = {}, {}, {}
            self._zoom_pending = zoom
        self.refresh()

    def forget(self) -> None:
        """Take the open scene's group out of the project; the file stays."""
        if self._group is not None:
            self._group.remove()
            self._group.deleteLater()
        self._group, self.filled_layers = None, []
        self._frames, self._summaries, self._detections = {}, {}, {}
        self.updated.emit()

    def refresh(self, final: bool = False) -> None:
        """Read what is new in the file; many calls in a row are one read."""
        if self._group is None or not self._group.path.is_file():
            return
        if self._reading:
            self._read_again = True
            return
        self._reading = True
        path = self._group.path
        self._background.run(
            lambda: _read_scene(path, final),
            self._read,
            self._read_failed,
        )

    def frames_of(self, clip: str) -> ClipFrames | None:
        """Frames of a clip by its path, or by its name where the scene came from another folder."""
        if clip in self._frames:
            return self._frames[clip]
        name = Path(clip).name
        return next((frames for key, frames in self._frames.items() if Path(key).name == name), None)

    def detections_of(self, clip: str) -> ClipDetections | None:
        """Objects found in a clip."""
        return self._detections.get(Path(clip).name)

    def areas_of(self, row: FrameRow) -> list[tuple[float, QgsGeometry, QgsCoordinateReferenceSystem]]:
        """Search areas of an unlocated frame, the larger level first: level, polygon and its CRS."""
        layer = self._group.layers().get("search_area") if self._group is not None else None
        if layer is None:
            return []
        request = QgsFeatureRequest().setFilterExpression(f'abs("time_s" - {row.time_s:.6f}) < 0.001')
        name = "level" if layer.fields().indexOf("level") >= 0 else "probability"
        found = [(f[name] or 0.0, QgsGeometry(f.geometry())) for f in layer.getFeatures(request)]
        return [(level, shape, layer.crs()) for level, shape in sorted(found, key=lambda item: -item[0])]

    def summary_of(self, clip: Path) -> ClipSummary | None:
        """Counts of a clip, where it has been located."""
        key = str(clip)
        if key in self._summaries:
            return self._summaries[key]
        return next((s for k, s in self._summaries.items() if Path(k).name == clip.name), None)

    def show_circles(self, shown: bool) -> None:
        """Switch the error circles of the frames."""
        self._circles = shown
        layer = self._group.layers().get("frames") if self._group is not None else None
        if layer is not None:
            styles.show_error_circles(layer, shown)

    def zoom(self) -> bool:
        """Show the whole scene; returns whether there was anything to show."""
        extent = self._extent()
        if extent.isEmpty():
            return False
        canvas = self._iface.mapCanvas()
        extent.scale(1.25)
        canvas.setExtent(extent)
        canvas.refresh()
        return True

    # --- reading

    def _read(self, found: _Read) -> None:
        self._reading = False
        if self._group is None or found.path != self._group.path:
            self.refresh()
            return
        self._frames, self._detections, self._summaries = found.frames, found.detections, found.summaries
        self.filled_layers = found.layers
        self._group.interval_s = min((rows.interval_s for rows in found.frames.values()), default=1.0)
        self._group.duration_s = self._duration_s()
        self._group.refresh(found.layers, at_once=found.final)
        self.updated.emit()
        if self._read_again:
            self._read_again = False
            self.refresh(found.final)

    def _read_failed(self, error: Exception) -> None:
        self._reading = False
        self.unreadable.emit(str(error))

    # --- layers

    def _layer_added(self, name: str) -> None:
        if name == "frames" and self._circles:
            self.show_circles(True)

    def _layers_settled(self) -> None:
        duration_s = self._duration_s()
        if duration_s > 0 and self._group is not None:
            temporal.set_project_range(duration_s, self._group.interval_s)
            temporal.prepare_controller(self._iface.mapCanvas(), duration_s, self._group.interval_s)
        if self._zoom_pending and self.zoom():
            self._zoom_pending = False

    def _duration_s(self) -> float:
        """Time of the last frame of the longest clip."""
        return max((rows.rows[-1].time_s for rows in self._frames.values() if len(rows)), default=0.0)

    def _extent(self) -> QgsRectangle:
        """Bounds of what is placed, in the canvas's CRS."""
        extent = QgsRectangle()
        extent.setMinimal()
        if self._group is None:
            return extent
        destination = self._iface.mapCanvas().mapSettings().destinationCrs()
        layers = self._group.layers()
        for name in ("footprints", "trajectory", "frames", "search_area"):
            if name == "search_area" and not extent.isEmpty():
                break  # these may cover the whole map; they count where nothing is placed
            layer = layers.get(name)
            if layer is None or layer.extent().isEmpty():
                continue
            transform = QgsCoordinateTransform(layer.crs(), destination, QgsProject.instance())
            try:
                extent.combineExtentWith(transform.transformBoundingBox(layer.extent()))
            except QgsCsException:
                continue
        return extent


def _read_scene(path: Path, final: bool) -> _Read:
    """All that the panels need from a file (helper thread)."""
    rows = scene_file.read_frames(path)
    return _Read(
        path,
        scene_file.read_layer_names(path),
        {clip: ClipFrames(found) for clip, found in rows.items()},
        {clip: summarise(found) for clip, found in rows.items()},
        {clip: ClipDetections(found) for clip, found in scene_file.read_detections(path).items()},
        final,
    )
