"""One open scene: its layers on the map and its frames in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsLayerTreeGroup,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette, picked_things, scene_file, styles, temporal
from rs_copilot_plugin.layers.region_file import to_lonlat
from rs_copilot_plugin.layers.scene_group import SceneGroup
from rs_copilot_plugin.presenters.corrections import (
    Changes,
    Correction,
    Things,
    last_changes,
    parse_correction,
)
from rs_copilot_plugin.presenters.detections import ClipDetections, Hit, parse_box
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
    labels: dict[str, list[str]]
    answers: list[dict[str, Any]]
    corrections: list[Correction]
    changes: Changes
    final: bool


# A job that writes many times in a second must not keep the helper thread reading without a pause.
_READ_AGAIN_MS = 500
# Of objects in hundreds of frames, this many under the mouse are enough to choose from.
_MAX_HITS = 2000


class SceneController(QObject):
    """Brings a scene onto the map and keeps it fresh while a job writes into it."""

    updated = pyqtSignal()
    detection_selected = pyqtSignal(object)
    colours_changed = pyqtSignal()
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
        self.answers: list[dict[str, Any]] = []
        self.corrections: list[Correction] = []
        self.changes = Changes()
        self._reading = False
        self._again_timer = QTimer(self)
        self._again_timer.setSingleShot(True)
        self._again_timer.setInterval(_READ_AGAIN_MS)
        self._again_timer.timeout.connect(self.refresh)
        self._read_again = self._final_wanted = False
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
            self._forget_rows()
            self._zoom_pending = zoom
        self.refresh()

    def forget(self) -> None:
        """Take the open scene's group out of the project; the file stays."""
        if self._group is not None:
            self._group.remove()
            self._group.deleteLater()
        self._group, self.filled_layers = None, []
        self._forget_rows()
        self.updated.emit()

    def _forget_rows(self) -> None:
        self._frames, self._summaries, self._detections, self.answers = {}, {}, {}, []
        self.corrections, self.changes = [], Changes()

    def refresh(self, final: bool = False) -> None:
        """Read what is new in the file; many calls in a row are one read."""
        if self._group is None or not self._group.path.is_file():
            return
        self._final_wanted = self._final_wanted or final
        if self._reading:
            self._read_again = True
            return
        self._reading, final, self._final_wanted = True, self._final_wanted, False
        self._again_timer.stop()
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

    def group(self) -> QgsLayerTreeGroup:
        """Where layers that belong to the scene go in the layer tree; the top of the tree without a scene."""
        if self._group is not None:
            return self._group.ensure_group()
        return QgsProject.instance().layerTreeRoot()

    def reveal(self, name: str) -> None:
        """Switch a layer of the open scene on, now or when it comes."""
        if self._group is not None:
            self._group.reveal(name)

    def answer_written(self) -> None:
        """A row was added to the answers alone: nothing else need be read again."""
        layer = self._layer("answers")
        if layer is None:
            self.refresh()
        else:
            layer.dataProvider().reloadData()
            layer.triggerRepaint()

    def extent_lonlat(self) -> QgsRectangle:
        """Bounds of what is placed, in degrees; empty where nothing is."""
        extent = self._extent()
        if extent.isEmpty():
            return QgsRectangle()
        try:
            return to_lonlat(self._iface.mapCanvas().mapSettings().destinationCrs()).transformBoundingBox(
                extent
            )
        except QgsCsException:
            return QgsRectangle()

    def track_count(self) -> tuple[int, str]:
        """How many tracks there are, and what most of them are called."""
        layer = self._layer("tracks")
        if layer is None:
            return 0, ""
        request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(_MAX_HITS)
        labels = Counter(str(row["label"] or "") for row in layer.getFeatures(request))
        return sum(labels.values()), labels.most_common(1)[0][0] if labels else ""

    def labels(self) -> list[str]:
        """The classes of tracks and objects that there are, the commonest first."""
        found: Counter[str] = Counter()
        for name in ("tracks", "detections"):
            layer = self._layer(name)
            if layer is not None:
                request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(_MAX_HITS)
                found.update(str(row["label"] or "") for row in layer.getFeatures(request))
        return [label for label, _ in found.most_common() if label]

    def things_at(self, point: QgsPointXY, reach: float) -> list[Things]:
        """Tracks and objects near a place on the canvas, the nearest first; see `detections_at`."""
        layers = {} if self._group is None else self._group.layers()
        return picked_things.things_at(layers, self._iface.mapCanvas().mapSettings(), point, reach)

    def class_colours(self) -> dict[str, str]:
        """The colours of the classes of objects on the map."""
        layer = self._layer("detections")
        return styles.class_colours(layer) if layer is not None else {}

    def detections_at(self, point: QgsPointXY, reach: float) -> list[Hit]:
        """Objects of clips under a place on the canvas, if their layer is switched on.

        Args:
            point: in the canvas's coordinates.
            reach: how near counts, in the canvas's units.
        """
        layer = self._layer("detections")
        if layer is None or self._group is None or not self._group.is_seen("detections"):
            return []
        around = QgsRectangle(point.x() - reach, point.y() - reach, point.x() + reach, point.y() + reach)
        transform = self._iface.mapCanvas().mapSettings().layerTransform(layer)
        request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.ExactIntersect).setLimit(_MAX_HITS)
        try:
            request.setFilterRect(transform.transformBoundingBox(around, Qgis.TransformDirection.Reverse))
        except QgsCsException:
            return []
        return [hit for hit in map(_hit_of, layer.getFeatures(request)) if hit is not None]

    def flash_detection(self, fid: int) -> None:
        """Let an object light up on the map."""
        layer = self._layer("detections")
        if layer is not None:
            shape = layer.getFeature(fid).geometry()
            colour = QColor(palette.ACCENT)
            faded = QColor(colour)
            faded.setAlpha(0)
            self._iface.mapCanvas().flashGeometries([shape], layer.crs(), colour, faded, 4, 350)

    def _detections_selected(self, selected: list[int]) -> None:
        """A row that is picked in the attribute table, or on the map, is worth a look."""
        layer = self._layer("detections")
        if layer is not None and len(selected) == 1:
            hit = _hit_of(layer.getFeature(selected[0]))
            if hit is not None:
                self.detection_selected.emit(hit)

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
        self.filled_layers, self.answers = found.layers, found.answers
        self.corrections, self.changes = found.corrections, found.changes
        self._group.interval_s = min((rows.interval_s for rows in found.frames.values()), default=1.0)
        self._group.duration_s = self.duration_s
        self._group.labels = found.labels
        self._group.refresh(found.layers, at_once=found.final)
        self.updated.emit()
        if self._read_again:
            self._read_again = False
            self._again_timer.start(0 if self._final_wanted else _READ_AGAIN_MS)

    def _read_failed(self, error: Exception) -> None:
        self._reading = False
        self.unreadable.emit(str(error))

    # --- layers

    def _layer_added(self, name: str) -> None:
        if name == "frames" and self._circles:
            self.show_circles(True)
        if name == "detections":
            layer = self._layer(name)
            if layer is not None:
                layer.selectionChanged.connect(self._detections_selected)
                layer.rendererChanged.connect(self.colours_changed)
                self.colours_changed.emit()

    def _layer(self, name: str) -> QgsVectorLayer | None:
        return self._group.layers().get(name) if self._group is not None else None

    def _layers_settled(self) -> None:
        duration_s = self.duration_s
        if duration_s > 0 and self._group is not None:
            temporal.set_project_range(duration_s, self._group.interval_s)
            temporal.prepare_controller(self._iface.mapCanvas(), duration_s, self._group.interval_s)
        if self._zoom_pending and self.zoom():
            self._zoom_pending = False

    @property
    def duration_s(self) -> float:
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
        for name in ("footprints", "trajectory", "frames", "detections", "segments", "search_area"):
            if name in ("detections", "segments", "search_area") and not extent.isEmpty():
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


def _hit_of(feature: QgsFeature) -> Hit | None:
    """What a row says about the clip; None for objects that were found in a raster."""
    if not feature.isValid():
        return None
    time_s, box_px = feature["time_s"], parse_box(feature["box_px"])
    if not isinstance(time_s, float) or box_px is None:
        return None
    return Hit(str(feature["clip"]), time_s, box_px)


def _read_scene(path: Path, final: bool) -> _Read:
    """All that the panels need from a file (helper thread)."""
    rows = scene_file.read_frames(path)
    return _Read(
        path,
        scene_file.read_layer_names(path),
        {clip: ClipFrames(found) for clip, found in rows.items()},
        {clip: summarise(found) for clip, found in rows.items()},
        {clip: ClipDetections(found) for clip, found in scene_file.read_detections(path).items()},
        scene_file.read_labels(path),
        scene_file.read_answers(path),
        [item for item in map(parse_correction, scene_file.read_corrections(path)) if item is not None],
        last_changes(scene_file.read_changing_runs(path)),
        final,
    )
