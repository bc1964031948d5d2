"""Which layer of the scene goes into which file."""

from __future__ import annotations

from pathlib import Path

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from rs_copilot_plugin.layers.scene_group import title
from rs_copilot_plugin.presenters.locate import export_request
from rs_copilot_plugin.presenters.scene import LAYER_ORDER
from rs_copilot_plugin.translate import tr

from .widgets import faint_label


def formats() -> dict[str, str]:
    """Name of each format by its file suffix."""
    return {
        ".shp": tr("Shapefile"),
        ".gpkg": tr("GeoPackage"),
        ".geojson": tr("GeoJSON (WGS 84)"),
        ".kml": tr("KML for Google Earth"),
        ".fgb": tr("FlatGeobuf"),
        ".parquet": tr("GeoParquet"),
        ".csv": tr("Table as CSV"),
    }


class ExportDialog(QDialog):
    """Emits the request; the engine does the writing."""

    export_wanted = pyqtSignal(object)

    def __init__(self, scene: Path, layers: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Export a layer"))
        self._scene = scene
        self.layer_combo = QComboBox()
        for name in sorted(layers, key=_rank):
            self.layer_combo.addItem(title(name), name)
        self.format_combo = QComboBox()
        for suffix, text in formats().items():
            self.format_combo.addItem(f"{text} (*{suffix})", suffix)
        self.file_widget = QgsFileWidget()
        self.file_widget.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.note = faint_label()
        form = QFormLayout()
        form.addRow(tr("&Layer"), self.layer_combo)
        form.addRow(tr("&Format"), self.format_combo)
        form.addRow(tr("F&ile"), self.file_widget)
        box = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(box.Save | box.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)
        self.resize(520, self.sizeHint().height())
        self.layer_combo.currentIndexChanged.connect(lambda _index: self._suggest())
        self.format_combo.currentIndexChanged.connect(lambda _index: self._suggest())
        self.file_widget.fileChanged.connect(lambda _path: self._check())
        self._suggest()

    def _suggest(self) -> None:
        suffix = self.format_combo.currentData()
        name = f"{self._scene.stem}_{self.layer_combo.currentData()}{suffix}"
        folder = (
            Path(self.file_widget.filePath()).parent if self.file_widget.filePath() else self._scene.parent
        )
        self.file_widget.setFilter(f"{self.format_combo.currentText()}")
        self.file_widget.setFilePath(str(folder / name))
        shapefile = tr("Shapefiles cut field names to 10 characters; the result lists the new names.")
        self.note.setText(shapefile if suffix == ".shp" else "")
        self._check()

    def _check(self) -> None:
        ready = bool(self.file_widget.filePath()) and self.layer_combo.count() > 0
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(ready)

    def accept(self) -> None:
        """Hand the request over and close."""
        out = Path(self.file_widget.filePath())
        if not out.suffix:
            out = out.with_suffix(self.format_combo.currentData())
        self.export_wanted.emit(export_request(self._scene, str(self.layer_combo.currentData()), out))
        super().accept()


def _rank(name: str) -> int:
    return LAYER_ORDER.index(name) if name in LAYER_ORDER else len(LAYER_ORDER)
