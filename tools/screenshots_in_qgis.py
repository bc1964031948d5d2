"""Runs inside QGIS (``--code``): brings up each view of the plugin and saves it as a picture."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import qgis.utils
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtGui import QPainter
from qgis.PyQt.QtWidgets import QDialog, QDockWidget, QLineEdit
from qgis.utils import iface

from rs_copilot_plugin.presenters.conversation import area

# QGIS runs this text from nowhere: what lies beside it has to be told.
sys.path.insert(0, os.environ["RS_COPILOT_SHOTS_TOOLS"])

import screenshots_ask

DETECTOR = os.environ["RS_COPILOT_SHOTS_DETECTOR"]
ONLY = os.environ["RS_COPILOT_SHOTS_ONLY"]
DEMO = Path(os.environ["RS_COPILOT_SHOTS_DEMO"])
WORK = Path(os.environ["RS_COPILOT_SHOTS_WORK"])
OUT = Path(os.environ["RS_COPILOT_SHOTS_OUT"])
WIDTH, HEIGHT = map(int, os.environ["RS_COPILOT_SHOTS_SIZE"].split("x"))
POLL_MS = 100
STEP_LIMIT = 2000
JOB_POLLS = 900
QUIET_S = 1.2
SEARCH_ZOOM = 0.3
LOOK_ZOOM, LOOK_LEAST_M2 = 0.32, 60.0
MODEL_UNIT_PX = 28  # the side of the squares that the scripted model sees
SAME_S = 0.06  # half a frame of the demo clip, and a little


def first(*patterns: str) -> Path:
    """The first file of the demo that fits one of the patterns."""
    for pattern in patterns:
        found = sorted(DEMO.glob(pattern))
        if found:
            return found[0]
    raise FileNotFoundError(f"no {' or '.join(patterns)} in {DEMO}")


class Tour:
    """Goes from view to view; each step of the script yields what to wait for."""

    def __init__(self) -> None:
        plugin = qgis.utils.plugins["rs_copilot_plugin"]
        self.bench = plugin.workbench
        self.plugin = plugin
        self.first, self.work = first, WORK
        self._steps = self.part(ONLY) if ONLY else self.script()
        self._ready: Callable[[], bool] = lambda: True
        self._polls = 0
        self._refreshed_s = 0.0
        iface.mapCanvas().mapCanvasRefreshed.connect(self._note_refresh)
        iface.mapCanvas().extentsChanged.connect(self._note_refresh)
        self._timer = QTimer()
        self._timer.timeout.connect(self._poll)
        self._timer.start(POLL_MS)

    def part(self, name: str) -> Iterator[Callable[[], bool]]:
        """One part of the tour, after its beginning."""
        self.arrange()
        yield self.after(5)
        self.bench.add_satellite_file(first("satellite.tif", "*.tif"))
        yield self.drawn
        self.collapse_satellite()
        self.bench.add_paths([first("clip.mp4", "*.mp4")])
        yield lambda: self.bench.video.view.image is not None
        asking = {"asking": screenshots_ask.asking, "conversation": screenshots_ask.conversing}
        yield from asking[name](self) if name in asking else getattr(self, name)()

    def script(self) -> Iterator[Callable[[], bool]]:
        """The tour itself."""
        self.arrange()
        yield self.after(5)
        bench = self.bench
        bench.add_satellite_file(first("satellite.tif", "*.tif"))
        yield self.drawn
        self.collapse_satellite()
        bench.add_paths([first("clip.mp4", "*.mp4")])
        yield lambda: bench.video.view.image is not None
        yield lambda: bench.host.jobs.hello is not None
        yield self.after(5)
        self.shoot("dock")
        yield from self.locating()
        yield from self.finding()
        bench.open_scene(first("scene.gpkg", "*scene*.gpkg"))
        yield lambda: {"frames", "footprints"} <= set(bench.scene.layer_names())
        yield self.after(10)
        yield self.drawn
        self.shoot("scene")
        yield self.seek(0.45 * bench.player.player.duration_s)
        bench.video.follow_button.setChecked(False)
        self.shoot("video")
        bench.video.drape_button.setChecked(True)
        self.close_in()
        yield self.after(5)
        yield self.drawn
        yield self.after(5)
        self.shoot("drape")
        bench.video.drape_button.setChecked(False)
        yield self.close_in_on_tracks()
        yield self.after(5)
        yield self.drawn
        self.shoot("tracks")
        bench.scene.zoom()
        yield from self.looking()
        yield from self.choosing_models()
        yield from screenshots_ask.asking(self)
        bench.scene.zoom()
        yield from self.control_points()
        yield from self.searching()
        yield from self.lost_frames()

    def control_points(self) -> Iterator[Callable[[], bool]]:
        """Two pairs are set, of the third the picture is clicked and the map is next."""
        bench = self.bench
        yield self.seek(5.0)
        bench.video.control_button.setChecked(True)
        for uv in ((0.22, 0.3), (0.75, 0.68)):
            bench.video.view.clicked.emit(uv)
            ground_m, crs = bench.player._frames.ground_at(bench.player.shown_s, uv)
            bench.controls.tool.canvasClicked.emit(
                bench.overlay.to_canvas(ground_m, crs), Qt.MouseButton.LeftButton
            )
            yield self.after(5)
        self.close_in()
        yield self.after(10)
        yield self.drawn
        bench.video.view.set_mark((0.62, 0.24))
        bench.video.view.clicked.emit((0.62, 0.24))
        self.shoot("control")
        while bench.controls.points:
            bench.video.control_box.removed.emit(0)
        bench.video.control_button.setChecked(False)

    def searching(self) -> Iterator[Callable[[], bool]]:
        """Tiles that look like a photo, found by the algorithms of the toolbox."""
        bench = self.bench
        satellite = bench.dock.satellite_combo.currentLayer()
        bench._remove_clips([clip.path for clip in bench.panel.clips.clips])
        bench.scene.forget()
        bench.add_paths([WORK / "photos"])
        index = {"SATELLITE": [satellite.id()], "SCALES": "100,200", "OUTPUT": str(WORK / "index")}
        yield from self.algorithm("indexsatellite", index)
        found = {
            "INDEX": str(WORK / "index"),
            "IMAGE": str(WORK / "photos" / "photo_01.jpg"),
            "WIDTH": 170.0,
            "COUNT": 5,
            "OUTPUT": str(WORK / "search.gpkg"),
        }
        yield from self.algorithm("searchtiles", found)
        toolbox = iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")
        if toolbox is not None:
            bench.dock.hide()
            toolbox.show()
            iface.mainWindow().resizeDocks([toolbox], [430], Qt.Orientation.Horizontal)
            toolbox.findChild(QLineEdit).setText("copilot")
        iface.messageBar().clearWidgets()
        yield lambda: bool(QgsProject.instance().mapLayersByName("Candidates"))
        tiles = QgsProject.instance().mapLayersByName("Candidates")[0]
        extent = tiles.extent()
        extent.scale(1.15)
        iface.mapCanvas().setExtent(extent)
        iface.mapCanvas().refresh()
        yield self.after(30)
        yield self.drawn
        self.shoot("search-tiles")
        if toolbox is not None:
            toolbox.hide()
        bench.dock.show()
        root = QgsProject.instance().layerTreeRoot()
        for group in root.findGroups():
            root.removeChildNode(group)

    def algorithm(self, name: str, parameters: dict[str, object]) -> Iterator[Callable[[], bool]]:
        """Run one as the toolbox does, in a task."""
        ended = []
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
        context.setProject(QgsProject.instance())
        made = QgsApplication.processingRegistry().createAlgorithmById(f"rscopilot:{name}")
        task = QgsProcessingAlgRunnerTask(made, parameters, context, feedback)
        task.executed.connect(lambda ok, _results: ended.append(ok))
        QgsApplication.taskManager().addTask(task)
        yield lambda: bool(ended)
        if not ended[0]:
            raise RuntimeError(feedback.textLog())

    def lost_frames(self) -> Iterator[Callable[[], bool]]:
        """A photo that could not be placed, and where it may be."""
        bench = self.bench
        bench.open_scene(WORK / "photos.gpkg")
        yield lambda: {"frames", "search_area"} <= set(bench.scene.layer_names())
        yield lambda: bench.player.player.is_open
        lost = [row for row in bench.player._frames.rows if row.status == "unlocated"]
        yield self.seek(lost[len(lost) // 2].time_s)
        iface.messageBar().clearWidgets()
        bench.scene.zoom()
        iface.mapCanvas().setExtent(bench.dock.satellite_combo.currentLayer().extent())
        iface.mapCanvas().refresh()
        yield self.after(20)
        yield self.drawn
        self.shoot("search-areas")

    def locating(self) -> Iterator[Callable[[], bool]]:
        """A job half-way, with its first results on the map; then it is cancelled and forgotten."""
        bench = self.bench
        bench.dock.every_spin.setValue(1.0)
        with tempfile.TemporaryDirectory() as folder:
            bench.locate(Path(folder) / "clip_scene.gpkg")
            patience = self.after(JOB_POLLS)
            yield lambda: self.has_first_results() or patience()
            yield self.after(10)
            yield self.drawn
            if self.has_first_results():
                self.shoot("locating")
            bench.cancel()
            yield lambda: bench.panel.stage.value == "idle"
            yield self.after(25)
        bench.scene.forget()
        iface.messageBar().clearWidgets()

    def finding(self) -> Iterator[Callable[[], bool]]:
        """Objects in the part of the satellite image that the map shows."""
        bench, box = self.bench, self.bench.dock.find_box
        bench.dock.tabs.show_page(box)
        if DETECTOR:
            bench.finder.add_detector(DETECTOR)
        box.where_combo.setCurrentIndex(box.where_combo.findData("view"))
        canvas = iface.mapCanvas()
        canvas.setExtent(bench.dock.satellite_combo.currentLayer().extent())
        canvas.zoomByFactor(SEARCH_ZOOM)
        yield self.after(10)
        yield self.drawn
        with tempfile.TemporaryDirectory() as folder:
            # The demo's own folder stays as it is.
            bench.panel.use_scene(Path(folder) / "objects.gpkg", bench.panel.satellite)
            box.find_button.click()
            yield lambda: bench.panel.stage.value == "idle"
            yield lambda: "detections" in bench.scene.layer_names()
            yield self.after(25)
            iface.messageBar().clearWidgets()
            yield self.after(10)
            yield self.drawn
            self.shoot("find-objects")
            bench.scene.forget()
        bench.panel.use_scene(None)
        bench.dock.tabs.show_page(bench.dock.locate_page)

    def looking(self) -> Iterator[Callable[[], bool]]:
        """A question about what the map shows; the answers are given, from the true outlines of the demo."""
        bench, dock = self.bench, self.bench.look.dock
        canvas = iface.mapCanvas()
        canvas.setExtent(bench.dock.satellite_combo.currentLayer().extent())
        canvas.zoomByFactor(LOOK_ZOOM)
        bench.dock.hide()
        dock.setUserVisible(True)
        iface.mainWindow().resizeDocks([dock, bench.video], [620, 260], Qt.Orientation.Vertical)
        yield self.after(10)
        yield self.drawn
        script = WORK / "scripted answers.json"
        first, second = self.true_outlines(), "The long flat one between the car park and the houses."
        script.write_text(json.dumps({"answers": [first, second]}), encoding="utf-8")
        bench.look.models.add(f"scripted:{script}")
        dock.task_combo.setCurrentIndex(dock.task_combo.findData("detect"))
        dock.names_edit.setText("building, car park")
        dock.ask_button.click()
        yield lambda: not bench.look.look.is_busy
        dock.task_combo.setCurrentIndex(dock.task_combo.findData("chat"))
        dock.question_edit.setPlainText("Which of them has the largest roof?")
        dock.ask_button.click()
        yield lambda: not bench.look.look.is_busy
        spots = bench.look.look.conversation.turns[0].spots
        roofs = [
            (area(spot.polygon), number) for number, spot in enumerate(spots) if spot.label == "building"
        ]
        bench.look.look._spot_picked(0, max(roofs)[1])
        iface.messageBar().clearWidgets()
        yield self.after(15)
        yield self.drawn
        self.shoot("look")
        dock.new_button.click()
        dock.setUserVisible(False)
        bench.dock.show()

    def choosing_models(self) -> Iterator[Callable[[], bool]]:
        """The panel without a model, and the list of models."""
        desk = self.bench.look
        self.bench.dock.hide()
        desk.models.choose("", "auto")
        desk.dock.setUserVisible(True)
        yield lambda: desk.models.listed.is_known
        dialog = desk.open_models()
        yield lambda: dialog.table.topLevelItemCount() > 0
        dialog.move(iface.mapCanvas().mapToGlobal(iface.mapCanvas().rect().topLeft()) + QPoint(20, 60))
        yield self.after(15)
        self.shoot_with(dialog, "models")
        dialog.close()
        desk.dock.setUserVisible(False)
        self.bench.dock.show()

    def true_outlines(self) -> str:
        """Buildings and car parks that the map shows, as a model would write them: corners in its pixels."""
        x1, y1, x2, y2 = self.bench.look.look.picture.sights().view
        raster = self.bench.dock.satellite_combo.currentLayer()
        seen = [
            MODEL_UNIT_PX * round(metres / raster.rasterUnitsPerPixelX() / MODEL_UNIT_PX)
            for metres in (x2 - x1, y2 - y1)
        ]
        lines = []
        for name, table, where in (
            ("building", "occluders", "name like 'building%'"),
            ("car park", "zones", "kind = 'car park'"),
        ):
            layer = QgsVectorLayer(f"{first('truth.gpkg')}|layername={table}", table, "ogr")
            layer.setSubsetString(where)
            for row in layer.getFeatures():
                box, area_m2, *_ = row.geometry().orientedMinimumBoundingBox()
                if area_m2 < LOOK_LEAST_M2:
                    continue
                ring = box.asPolygon()[0][:4]
                if all(x1 < corner.x() < x2 and y1 < corner.y() < y2 for corner in ring):
                    pairs = (
                        (seen[0] * (c.x() - x1) / (x2 - x1), seen[1] * (y2 - c.y()) / (y2 - y1)) for c in ring
                    )
                    lines.append(",".join(f"{value:.0f}" for pair in pairs for value in pair) + f" {name}")
        return "\n".join(lines)

    def has_first_results(self) -> bool:
        """Whether the running job has brought frames onto the map."""
        return self.bench.dock.progress_bar.value() > 450 and "frames" in self.bench.scene.layer_names()

    def arrange(self) -> None:
        """A window of the wanted size with only the docks that matter."""
        window = iface.mainWindow()
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMaximized)
        window.setGeometry(0, 0, WIDTH, HEIGHT)
        for dock in window.findChildren(QDockWidget):
            if dock.objectName() not in ("Layers", "RsCopilotDock", "RsCopilotVideo"):
                dock.hide()
        docks = [self.bench.dock, self.bench.video]
        for dock in docks:
            dock.show()
        window.resizeDocks(docks, [430, 430], Qt.Orientation.Horizontal)
        window.resizeDocks(docks, [480, 400], Qt.Orientation.Vertical)
        window.resizeDocks([window.findChild(QDockWidget, "Layers")], [230], Qt.Orientation.Horizontal)
        iface.messageBar().clearWidgets()

    def collapse_satellite(self) -> None:
        """Bands in the legend say nothing here."""
        for node in QgsProject.instance().layerTreeRoot().findLayers():
            node.setExpanded(False)

    def close_in(self) -> None:
        """Zoom to what the current frame sees."""
        canvas = iface.mapCanvas()
        item = self.bench.overlay._item
        canvas.setExtent(item.rect())
        canvas.zoomByFactor(1.5)

    def seek(self, time_s: float) -> Callable[[], bool]:
        """Go to a time in the clip; done when its picture is there."""
        self.bench.player.seek(time_s)
        return lambda: abs(self.bench.player.shown_s - time_s) < SAME_S

    def close_in_on_tracks(self) -> Callable[[], bool]:
        """Zoom to the longest track, at a time when it is in the picture."""
        layers = self.bench.scene._group.layers()
        longest = max(layers["tracks"].getFeatures(), key=lambda track: track["length_m"] or 0.0)
        canvas = iface.mapCanvas()
        transform = canvas.mapSettings().layerTransform(layers["tracks"])
        extent = transform.transformBoundingBox(longest.geometry().boundingBox())
        extent.grow(60.0)
        canvas.setExtent(extent)
        canvas.refresh()
        return self.seek((longest["start_s"] + longest["end_s"]) / 2)

    def drawn(self) -> bool:
        """Whether the map is finished: nothing is drawn, and nothing was finished just now."""
        quiet_s = time.monotonic() - self._refreshed_s
        return not iface.mapCanvas().isDrawing() and quiet_s > QUIET_S

    def _note_refresh(self) -> None:
        self._refreshed_s = time.monotonic()

    def after(self, polls: int) -> Callable[[], bool]:
        """Wait some polls."""
        left = [polls]

        def ready() -> bool:
            left[0] -= 1
            return left[0] < 0

        return ready

    def shoot(self, name: str) -> None:
        """Save the whole window."""
        iface.mainWindow().grab().save(str(OUT / f"{name}.png"))

    def shoot_with(self, dialog: QDialog, name: str) -> None:
        """Save the window with a dialog over it."""
        picture = iface.mainWindow().grab()
        painter = QPainter(picture)
        painter.drawPixmap(iface.mainWindow().mapFromGlobal(dialog.pos()), dialog.grab())
        painter.end()
        picture.save(str(OUT / f"{name}.png"))

    def _poll(self) -> None:
        try:
            self._polls += 1
            if self._polls > STEP_LIMIT:
                raise TimeoutError("a step of the tour did not finish")
            if self._ready():
                self._polls = 0
                self._ready = next(self._steps)
        except StopIteration:
            self._end()
        except Exception:  # noqa: BLE001 - Qt slot border: the caller reads the reason from the file
            (OUT / "screenshots-error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        # Layers in a temporary folder count as unsaved, and QGIS would ask.
        QgsProject.instance().clear()
        QgsProject.instance().setDirty(False)
        iface.actionExit().trigger()


def begin() -> None:
    """Start when QGIS's own event loop runs."""
    global tour  # noqa: PLW0603 - keeps the tour alive
    try:
        tour = Tour()
    except Exception:  # noqa: BLE001 - see above
        (OUT / "screenshots-error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        iface.actionExit().trigger()


tour = None
QTimer.singleShot(1500, begin)
