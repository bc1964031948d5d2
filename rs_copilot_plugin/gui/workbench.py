"""Where the parts meet: panel, jobs, scene, video and map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsMapLayer, QgsPointXY, QgsProject, QgsRasterLayer
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QDialog, QDockWidget, QFileDialog

from rs_copilot_plugin import messages
from rs_copilot_plugin.engine.installer import InstallCancelledError, InstallError
from rs_copilot_plugin.messages import Notice
from rs_copilot_plugin.presenters.clips import Clip, sort_paths
from rs_copilot_plugin.presenters.conversation import Kept
from rs_copilot_plugin.presenters.detections import Hit, best_hit
from rs_copilot_plugin.presenters.find import served_address
from rs_copilot_plugin.presenters.jobs import Outcome
from rs_copilot_plugin.presenters.locate import (
    Lack,
    LocatePanel,
    Request,
    Stage,
    TelemetryUse,
    clips_of_scene,
)
from rs_copilot_plugin.presenters.scene import ClipSummary
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .ask_desk import AskDesk
from .background import Background
from .control_controller import ControlController
from .dock import MainDock
from .docking import Docking
from .engine_host import EngineHost
from .export_dialog import ExportDialog
from .find_controller import FindController, Search
from .installation import Installation
from .job_runner import JobRunner
from .look_desk import LookDesk
from .look_keeper import Surroundings
from .map_overlay import MapOverlay
from .player_controller import PlayerController
from .scene_controller import SceneController
from .search_areas import SearchAreas
from .seek_tool import SeekTool
from .settings_dialog import SettingsDialog
from .text_dialog import TextDialog
from .video_panel import VideoPanel

# How near to an object on the map a click must be.
_REACH_PX = 3


class Workbench(QObject):
    """Everything that lives between the plugin's loading and unloading."""

    def __init__(self, iface: QgisInterface, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.iface = iface
        self.settings = Settings()
        self.panel = LocatePanel(
            telemetry_use=TelemetryUse(self.settings.telemetry_use), every_s=self.settings.every_s
        )
        self.background = Background(self)
        self.host = EngineHost(self.settings, self)
        self.installation = Installation(self)
        self.jobs = JobRunner(self.host.jobs, self)
        self.scene = SceneController(iface, self.background, self)
        self.dock = MainDock(self.settings, iface.mainWindow())
        self.video = VideoPanel(iface.mainWindow())
        self.overlay = MapOverlay(iface.mapCanvas())
        self.areas = SearchAreas(iface.mapCanvas())
        self.player = PlayerController(self.host.video, self.video, self.overlay, self)
        self.seek_tool = SeekTool(iface.mapCanvas())
        self.controls = ControlController(self.player, self.video, self.overlay, iface.mapCanvas(), self)
        self.finder = FindController(
            self.panel, self.settings, self.dock, self.scene, self.background, iface.mapCanvas(), self
        )
        around = Surroundings(
            self.host, self.panel, self.settings, self.scene, self.player, iface.mapCanvas()
        )
        find_raster = self.dock.satellite_combo.currentLayer
        self.look = LookDesk(iface.mainWindow(), around, find_raster, self._show_dialog, self)
        self.ask = AskDesk(
            iface.mainWindow(), around, self.background, find_raster, self._show_dialog, self.look, self
        )
        self._dialogs: list[QDialog] = []
        self.last_notice: Notice | None = None
        self._connect()
        shown, others = [self.dock, self.video], [self.look.dock, self.ask.dock]
        self.docking = Docking(iface, self.settings, shown, others)
        self.dock.raise_()
        self.host.tell()
        self._take_satellite(self.dock.satellite_combo.currentLayer())
        self.redraw()

    @property
    def docks(self) -> tuple[QDockWidget, ...]:
        """The panels, in the order of their commands."""
        return self.dock, self.video, self.look.dock, self.ask.dock

    def _connect(self) -> None:
        dock = self.dock
        dock.paths_dropped.connect(self.add_paths)
        dock.satellite_chosen.connect(self._take_satellite)
        dock.satellite_file_wanted.connect(self.add_satellite_file)
        dock.clips_removed.connect(self._remove_clips)
        dock.clip_activated.connect(lambda clip: self.show_clip(str(clip.path)))
        dock.telemetry_chosen.connect(self._set_telemetry)
        dock.options_changed.connect(self._take_options)
        dock.locate_wanted.connect(self.locate)
        dock.track_wanted.connect(self.track)
        dock.find_wanted.connect(self.find)
        self.finder.ready.connect(self._begin_search)
        self.finder.refused.connect(self._refuse_search)
        self.finder.failed.connect(self._fail_search)
        dock.export_wanted.connect(self.ask_export)
        dock.cancel_wanted.connect(self.cancel)
        dock.settings_wanted.connect(self.open_settings)
        dock.new_scene_wanted.connect(self.new_scene)
        dock.open_scene_wanted.connect(self.ask_scene)
        dock.zoom_wanted.connect(self.scene.zoom)
        dock.circles_toggled.connect(self.scene.show_circles)
        self.host.state_changed.connect(dock.show_engine)
        self.installation.ended.connect(self._installed)
        self.jobs.progressed.connect(self._job_progressed)
        self.jobs.ended.connect(self._job_ended)
        self.scene.updated.connect(self._scene_updated)
        self.scene.unreadable.connect(self._scene_unreadable)
        self.scene.detection_selected.connect(self._show_hit)
        self.scene.colours_changed.connect(lambda: self.player.set_colours(self.scene.class_colours()))
        self.player.detection_clicked.connect(self.scene.flash_detection)
        self.video.clip_wanted.connect(self.show_clip)
        self.player.failed.connect(lambda error: self.tell(messages.explain(error)))
        self.player.nothing_seen.connect(self._nothing_seen)
        self.player.unlocated_shown.connect(lambda row: self.areas.show_row(row, self.scene.areas_of))
        self.seek_tool.picked.connect(self._map_picked)
        self.controls.changed.connect(self._controls_changed)
        self.look.kept.connect(self._show_kept)
        for desk in (self.look, self.ask):
            desk.told.connect(self.tell)
        for asking in (self.look, self.ask.ask):
            asking.setup_wanted.connect(self.open_settings)
        self.ask.ask.moment_wanted.connect(self._show_hit)
        self.ask.ask.corrections.drag_wanted.connect(
            lambda hit: self.video.begin_dragging() if self._show_hit(hit) else None
        )
        self.controls.failed.connect(lambda text: self.tell(Notice(tr("Control points"), text)))

    def close(self) -> None:
        """Leave nothing behind: no process, no widget, no canvas item."""
        self.jobs.cancel()
        self.look.stop()
        self.ask.stop()
        self.installation.cancel()
        self.controls.stop()
        self.player.stop()
        self.host.stop()
        self.background.stop()
        self.finder.stop()
        self.overlay.remove()
        self.areas.show([])
        canvas = self.iface.mapCanvas()
        if canvas.mapTool() is self.seek_tool:
            canvas.unsetMapTool(self.seek_tool)
        self.docking.remove()
        for dialog in self._dialogs:
            dialog.deleteLater()
        self.deleteLater()

    # --- inputs

    def add_paths(self, paths: list[Path]) -> None:
        """Take files and folders that were dropped or chosen."""
        found = sort_paths(paths)
        fresh = self.panel.clips.add(found.clips)
        orphans = [path for path in found.telemetry if not self.panel.clips.attach_telemetry(path)]
        for raster in found.rasters[:1]:
            self.add_satellite_file(raster)
        refused = [path.name for path in [*found.refused, *orphans]]
        if refused:
            text = tr("Neither clip, telemetry of a clip, nor raster: {}").format(", ".join(refused))
            self.tell(Notice(tr("Not used"), text))
        self.redraw()
        if fresh:
            if self.host.is_configured:
                self.host.jobs.start()  # warm by the time that the user wants to locate
            self.show_clip(str(fresh[0].path))

    def add_satellite_file(self, path: Path) -> None:
        """Load a raster file as a layer, unless it is one already, and choose it."""
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsRasterLayer) and layer.source().partition("|")[0] == str(path):
                self.dock.satellite_combo.setLayer(layer)
                return
        layer = QgsRasterLayer(str(path), path.stem)
        if not layer.isValid():
            text = tr("{} cannot be opened as a raster.").format(path.name)
            self.tell(Notice(messages.titles()["bad-raster"], text))
            return
        QgsProject.instance().addMapLayer(layer)
        self.dock.satellite_combo.setLayer(layer)

    def _take_satellite(self, layer: QgsMapLayer | None) -> None:
        self.panel.choose_satellite(_raster_source(layer))
        problem = ""
        if self.panel.satellite_is_remote:
            served = served_address(self.panel.satellite_source) is not None
            problem = messages.served_text() if served else messages.lack_text(Lack.REMOTE_SATELLITE)
        elif layer is not None and not layer.crs().isValid():
            problem = tr("This raster does not say where it lies: assign its CRS first.")
        self.dock.show_satellite_problem(problem)
        self.redraw()

    def _remove_clips(self, paths: list[Path]) -> None:
        self.panel.clips.remove(paths)
        if self.player.clip in map(str, paths):
            self.player.close()
        self.redraw()

    def _set_telemetry(self, paths: list[Path], telemetry: Path) -> None:
        for path in paths:
            self.panel.clips.set_telemetry(path, telemetry)
        self.redraw()

    def _take_options(self) -> None:
        self.panel.telemetry_use = TelemetryUse(self.dock.telemetry_use)
        self.panel.every_s = self.dock.every_spin.value()
        self.settings.telemetry_use = self.panel.telemetry_use.value
        self.settings.every_s = self.panel.every_s

    # --- jobs

    def locate(self, scene: Path | None = None) -> None:
        """Find where the chosen clips lie."""
        if self._refuse(self.panel.lacks_to_locate()):
            return
        target = scene or self.panel.scene_for_locate()
        self.panel.use_scene(target, self.panel.satellite)
        self._start(self.panel.locate_requests(target), tr("Locating…"))

    def track(self) -> None:
        """Find what moves in the scene's clips."""
        if not self._refuse(self.panel.lacks_to_use_scene()):
            self._start([self.panel.track_request()], tr("Tracking…"))

    def find(self) -> None:
        """Find objects in what is chosen; where to look is read first, which may take a moment."""
        if self._refuse(self.finder.lacks()):
            return
        self.panel.stage = Stage.RUNNING
        self.dock.show_running(tr("Searching…"))
        self.dock.find_box.show_result("")
        self.redraw()
        self.finder.prepare()

    def _begin_search(self, search: Search) -> None:
        if self.panel.stage is Stage.CANCELLING:
            self._end_search()
            return
        self.panel.use_scene(search.scene, self.panel.satellite)
        # While a raster is searched, the map stays where the user looks.
        self.scene.open(search.scene, zoom=search.looks_at_clip)
        self.scene.reveal("detections")
        self._start(search.requests, tr("Searching…"))

    def _refuse_search(self, lack: Lack) -> None:
        self._end_search()
        self._refuse([lack])

    def _fail_search(self, text: str) -> None:
        self._end_search()
        self.tell(Notice(tr("The selected polygons cannot be read"), text))

    def _end_search(self) -> None:
        self.panel.stage = Stage.IDLE
        self.dock.show_idle()
        self.redraw()

    def ask_export(self) -> None:
        """Ask what to export and where to, then do it."""
        if self._refuse(self.panel.lacks_to_use_scene()) or self.panel.scene is None:
            return
        dialog = ExportDialog(self.panel.scene, self.scene.filled_layers, self.iface.mainWindow())
        dialog.export_wanted.connect(self.export)
        self._show_dialog(dialog)

    def export(self, request: Request) -> None:
        """Write one layer to a file."""
        self._start([request], tr("Exporting…"))

    def cancel(self) -> None:
        """Stop the running job; what was found is kept."""
        self.panel.stage = Stage.CANCELLING
        self.dock.cancel_button.setEnabled(False)
        self.dock.progress_label.setText(tr("Cancelling…"))
        self.jobs.cancel()

    def _refuse(self, lacks: list[Lack]) -> bool:
        if lacks:
            self.tell(Notice(tr("Not yet"), messages.lack_text(lacks[0])))
            return True
        if not self.host.is_configured:
            text = tr("The engine's environment is not set up yet. Open the settings of RS Copilot.")
            self.tell(Notice(tr("Not yet"), text))
            self.open_settings()
            return True
        return False

    def _start(self, requests: list[Request], text: str) -> None:
        self.panel.stage = Stage.RUNNING
        if self.host.jobs.state.value == "failed":
            self.host.jobs.retry()
        self.dock.show_running(text)
        self.redraw()
        self.jobs.run(requests)

    def _job_progressed(self, share: float, text: str, partial: dict[str, Any] | None) -> None:
        if self.panel.stage is Stage.RUNNING:
            self.dock.show_progress(share, text)
        if partial and partial.get("scene"):
            self.scene.open(Path(partial["scene"]))

    def _job_ended(self, outcome: Outcome) -> None:
        self.panel.stage = Stage.IDLE
        self.dock.show_idle()
        for request, error in outcome.errors:
            notice = messages.explain(error, goes_on=request.goes_on)
            self.tell(Notice(f"{messages.method_title(request.method)} {request.title}: {notice.title}",
                             notice.text, notice.details, notice.level))  # fmt: skip
            if request.method == "detect":
                self.dock.find_box.show_result(f"{notice.title}. {notice.text}")
        for request, result in outcome.results:
            self.tell(messages.success(request.method, request.title, result))
            if request.method == "detect":
                self.dock.find_box.show_result(messages.found_text(result))
        exported = bool(outcome.results) and outcome.results[0][0].method == "export"
        if not exported and self.panel.scene is not None and self.panel.scene.is_file():
            self.scene.open(self.panel.scene)
            self.scene.refresh(final=True)
        self.redraw()

    # --- scene and video

    def ask_scene(self) -> None:
        """Let the user choose a scene that was made earlier."""
        name, _ = QFileDialog.getOpenFileName(
            self.iface.mainWindow(), tr("Open scene"), self.settings.last_folder, tr("Scenes (*.gpkg)")
        )
        if name:
            self.settings.last_folder = str(Path(name).parent)
            self.open_scene(Path(name))

    def open_scene(self, path: Path) -> None:
        """Load a scene's layers and its clips, where they still lie where they were."""
        self.panel.use_scene(path)
        self.scene.open(path)
        self.redraw()

    def new_scene(self) -> None:
        """The next *Locate* begins a new scene; the layers of the present one stay."""
        self.panel.use_scene(None)
        self.redraw()

    def _scene_updated(self) -> None:
        if not self.panel.clips.clips and self.panel.stage is Stage.IDLE and self.scene.path is not None:
            self.panel.clips.add(sort_paths(clips_of_scene(self.scene.path, self.scene.clip_paths)).clips)
        self.redraw()
        if self.player.clip:
            clip = self.player.clip
            self.player.set_frames(self.scene.frames_of(clip), self.scene.detections_of(clip))
        elif self.panel.clips.clips:
            self.show_clip(str(self.panel.clips.clips[0].path))

    def _scene_unreadable(self, text: str) -> None:
        self.tell(Notice(messages.titles()["bad-scene"], text))
        if self.panel.stage is Stage.IDLE:
            self.panel.scene = self.scene.path if self.scene.clip_paths else None
        self.redraw()

    def show_clip(self, clip: str) -> None:
        """Play a clip in the video panel."""
        if not self.host.is_configured:
            self.video.view.clear(tr("The clip plays here as soon as the engine is set up."))
        elif clip != self.player.clip:
            self.player.open(clip, self.scene.frames_of(clip), self.scene.detections_of(clip))
        self._show_clip_names()

    def _controls_changed(self, clip: str, count: int) -> None:
        self.panel.clips.set_control_points(Path(clip), count)
        self.redraw()

    def _map_picked(self, point: QgsPointXY) -> None:
        self.video.setUserVisible(True)
        reach = _REACH_PX * self.iface.mapCanvas().mapUnitsPerPixel()
        clip = Path(self.player.clip).name
        hit = best_hit(self.scene.detections_at(point, reach), clip, self.player.shown_s)
        if hit is None or not self._show_hit(hit):
            self.player.map_clicked(point)

    def _show_hit(self, hit: Hit) -> bool:
        """Show an object in its frame, of whichever clip; returns whether the clip is there."""
        paths = [clip.path for clip in self.panel.clips.clips if clip.name == hit.clip]
        if not paths or not self.host.is_configured:
            return False
        self.show_clip(str(paths[0]))
        self.player.show_hit(hit)
        return True

    def _nothing_seen(self) -> None:
        text = tr(
            "No placed frame of this clip sees that point. Locate the clip, or click inside its footprints."
        )
        self.tell(Notice(tr("Not seen"), text, level=Qgis.MessageLevel.Info))

    # --- drawing

    def redraw(self) -> None:
        """Draw what the presenters know."""
        panel = self.panel
        self.dock.show_clips(panel.clips, self._summaries())
        self.finder.redraw()
        self.look.redraw()
        self.ask.redraw()
        self.dock.show_buttons(not panel.lacks_to_locate(), not panel.lacks_to_use_scene())
        name = panel.scene.name if panel.scene is not None else tr("No scene yet")
        self.dock.show_scene(name, str(panel.scene or ""))
        self._show_clip_names()

    def _summaries(self) -> dict[Path, ClipSummary]:
        found = {clip.path: self.scene.summary_of(clip.path) for clip in self.panel.clips.clips}
        return {path: summary for path, summary in found.items() if summary is not None}

    def _show_clip_names(self) -> None:
        clips: list[Clip] = self.panel.clips.clips
        self.video.show_clips([(clip.name, str(clip.path)) for clip in clips], self.player.clip)

    # --- dialogs and messages

    def open_settings(self) -> None:
        """Show where the engine is and let the user set it up."""
        dialog = SettingsDialog(self.settings, self.installation, self.iface.mainWindow())
        dialog.engine_changed.connect(self._engine_changed)
        self._show_dialog(dialog)

    def _show_kept(self, kept: Kept) -> None:
        scene = Path(kept.scene)
        if self.panel.scene != scene:
            self.panel.use_scene(scene, self.panel.satellite)
        self.scene.open(scene, zoom=False)
        self.scene.reveal(kept.layer)
        self.scene.refresh(final=True)
        self.redraw()

    def _installed(self, error: InstallError | None) -> None:
        if error is None:
            text = tr("The engine's environment is ready.")
            self.tell(Notice(tr("RS Copilot"), text, level=Qgis.MessageLevel.Success))
            self._engine_changed()
        elif not isinstance(error, InstallCancelledError):
            text = f"{error.message} {error.hint}".strip()
            self.tell(Notice(tr("No environment was made"), text, error.log, Qgis.MessageLevel.Critical))

    def _engine_changed(self) -> None:
        self.host.restart()
        self.look.refresh(self.ask.dock.isVisible())
        self.redraw()
        if not self.player.clip and self.panel.clips.clips:
            self.show_clip(str(self.panel.clips.clips[0].path))

    def tell(self, notice: Notice) -> None:
        """Show a message in QGIS's message bar."""
        self.last_notice = notice
        messages.push(self.iface.messageBar(), notice, self.show_details)

    def show_details(self, notice: Notice) -> None:
        """Show the long story behind a message."""
        self._show_dialog(TextDialog(notice.title, notice.text, notice.details, self.iface.mainWindow()))

    def _show_dialog(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialogs.append(dialog)
        dialog.destroyed.connect(lambda _object=None: self._forget(dialog))
        dialog.show()

    def _forget(self, dialog: QDialog) -> None:
        if dialog in self._dialogs:
            self._dialogs.remove(dialog)


def _raster_source(layer: QgsMapLayer | None) -> str | None:
    """The source of a raster layer; anything but GDAL's own is no file."""
    if layer is None:
        return None
    return layer.source() if layer.providerType() == "gdal" else f"url={layer.source()}"
