"""Runs inside QGIS (``--code``): brings up each view of the plugin and saves it as a picture."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import qgis.utils
from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface

DEMO = Path(os.environ["RS_COPILOT_SHOTS_DEMO"])
OUT = Path(os.environ["RS_COPILOT_SHOTS_OUT"])
WIDTH, HEIGHT = map(int, os.environ["RS_COPILOT_SHOTS_SIZE"].split("x"))
POLL_MS = 100
STEP_LIMIT = 1000
JOB_POLLS = 900
QUIET_S = 1.2


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
        self._steps = self.script()
        self._ready: Callable[[], bool] = lambda: True
        self._polls = 0
        self._refreshed_s = 0.0
        iface.mapCanvas().mapCanvasRefreshed.connect(self._note_refresh)
        iface.mapCanvas().extentsChanged.connect(self._note_refresh)
        self._timer = QTimer()
        self._timer.timeout.connect(self._poll)
        self._timer.start(POLL_MS)

    def script(self) -> Iterator[Callable[[], bool]]:
        """The tour itself."""
        self.arrange()
        yield self.after(5)
        bench = self.bench
        bench.add_satellite_file(first("satellite.tif", "*.tif"))
        yield self.drawn
        self.collapse_satellite()
        bench.add_paths([first("clip.mp4", "*.mp4")])
        yield self.after(10)
        self.shoot("dock")
        yield from self.locating()
        bench.open_scene(first("scene.gpkg", "*scene*.gpkg"))
        yield lambda: {"frames", "footprints"} <= set(bench.scene.layer_names())
        yield self.after(10)
        yield self.drawn
        self.shoot("scene")
        bench.player.seek(0.45 * bench.player.player.duration_s)
        yield self.after(15)
        bench.video.follow_button.setChecked(False)
        self.shoot("video")
        bench.video.drape_button.setChecked(True)
        self.close_in()
        yield self.after(5)
        yield self.drawn
        yield self.after(5)
        self.shoot("drape")
        bench.video.drape_button.setChecked(False)
        self.close_in_on_tracks()
        yield self.after(15)
        yield self.drawn
        self.shoot("tracks")
        bench.scene.zoom()
        bench.dock.circles_check.setChecked(True)
        yield self.after(5)
        yield self.drawn
        self.shoot("circles")

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

    def close_in_on_tracks(self) -> None:
        """Zoom to the longest track, at a time when it is in the picture."""
        layers = self.bench.scene._group.layers()
        if "tracks" not in layers:
            return
        longest = max(layers["tracks"].getFeatures(), key=lambda track: track["length_m"] or 0.0)
        self.bench.player.seek((longest["start_s"] + longest["end_s"]) / 2)
        canvas = iface.mapCanvas()
        transform = canvas.mapSettings().layerTransform(layers["tracks"])
        extent = transform.transformBoundingBox(longest.geometry().boundingBox())
        extent.grow(60.0)
        canvas.setExtent(extent)
        canvas.refresh()

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
