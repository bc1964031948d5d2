"""Writes a conversation as a page or a PDF with pictures of the map; the main thread only starts things."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from qgis.core import QgsMapRendererParallelJob, QgsMapSettings, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPointF, QSize, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QImage, QPageSize, QPainter, QPdfWriter, QTextDocument

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.presenters.ask import AskTurn
from rs_copilot_plugin.translate import tr

from . import evidence_item
from .background import Background

_SIZE = QSize(900, 540)
_MARGIN = 1.5
_LEAST_WIDTH_M = 60.0
_METRES_PER_DEGREE = 111_320.0
# So many pictures at most: a report of hundreds of maps is read by nobody.
_MAX_PICTURES = 40


class ReportMaker(QObject):
    """One report at a time. ``written`` carries its file, ``failed`` why there is none."""

    written = pyqtSignal(str)
    failed = pyqtSignal(str)
    progressed = pyqtSignal(int, int)

    def __init__(self, canvas: QgsMapCanvas, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas, self._background = canvas, background
        self._job: QgsMapRendererParallelJob | None = None
        self._turns: list[AskTurn] = []
        self._waiting: list[int] = []
        self._images: dict[int, QImage] = {}
        self._path = Path()
        self._title = ""

    @property
    def is_busy(self) -> bool:
        """Whether a report is being made."""
        return bool(self._turns)

    def make(self, title: str, turns: Sequence[AskTurn], path: Path) -> None:
        """Begin a report; nothing where one is being made. The suffix of the path says what it becomes."""
        if self.is_busy or not turns:
            return
        self._title, self._turns, self._path, self._images = title, list(turns), path, {}
        shown = [
            index
            for index, turn in enumerate(self._turns)
            if turn.found is not None and any(item.shape is not None for item in turn.found.evidence)
        ]
        self._waiting = shown[:_MAX_PICTURES]
        self._next()

    def stop(self) -> None:
        """Give up."""
        self._waiting, self._turns = [], []
        if self._job is not None:
            self._job.finished.disconnect()
            self._job.cancelWithoutBlocking()
            self._job = None

    # --- pictures

    def _next(self) -> None:
        done = len(self._images)
        self.progressed.emit(done, done + len(self._waiting))
        if not self._waiting:
            self._write()
            return
        index = self._waiting.pop(0)
        settings = self._settings(self._turns[index])
        self._job = QgsMapRendererParallelJob(settings)
        self._job.finished.connect(lambda: self._rendered(index, settings))
        self._job.start()

    def _settings(self, turn: AskTurn) -> QgsMapSettings:
        """The map as the user has it, around the evidence."""
        settings = QgsMapSettings(self._canvas.mapSettings())
        drawn = evidence_item.prepare(turn.found.evidence if turn.found else (), settings.destinationCrs())
        settings.setOutputSize(_SIZE)
        settings.setRotation(0.0)
        settings.setOutputDpi(96.0)
        settings.setDevicePixelRatio(1.0)
        settings.setExtent(roomy(evidence_item.bounds(drawn), settings))
        return settings

    def _rendered(self, index: int, settings: QgsMapSettings) -> None:
        if self._job is None:
            return
        image = self._job.renderedImage()
        self._job.deleteLater()
        self._job = None
        found = self._turns[index].found
        drawn = evidence_item.prepare(found.evidence if found else (), settings.destinationCrs())
        to_px = settings.mapToPixel()
        painter = QPainter(image)
        evidence_item.paint(painter, drawn, lambda point: QPointF(to_px.transform(point).toQPointF()))
        painter.end()
        self._images[index] = image
        self._next()

    # --- writing

    def _write(self) -> None:
        turns, images, path, title = self._turns, self._images, self._path, self._title
        lead = tr("Answered by RS Copilot from the scene and layers of the project. Questions: {}.")
        lead = lead.format(len(turns))
        self._background.run(
            lambda: write_report(path, title, lead, turns, images),
            lambda _none: self._end(),
            self._failed,
        )

    def _end(self) -> None:
        self._turns = []
        self.written.emit(str(self._path))

    def _failed(self, error: Exception) -> None:
        self._turns = []
        self.failed.emit(str(error))


def roomy(box: QgsRectangle, settings: QgsMapSettings) -> QgsRectangle:
    """A view around a box that is neither cut off nor closer than anybody wants to be."""
    wanted = QgsRectangle(box)
    metres = _METRES_PER_DEGREE if settings.destinationCrs().isGeographic() else 1.0
    least = _LEAST_WIDTH_M / metres
    centre = wanted.center()
    width, height = max(wanted.width() * _MARGIN, least), max(wanted.height() * _MARGIN, least / 2)
    return QgsRectangle(
        centre.x() - width / 2, centre.y() - height / 2, centre.x() + width / 2, centre.y() + height / 2
    )


def write_report(
    path: Path, title: str, lead: str, turns: Sequence[AskTurn], images: dict[int, QImage]
) -> None:
    """Write the report, in a helper thread.

    Raises:
        OSError: it cannot be written there.
    """
    if path.suffix.lower() == ".pdf":
        _write_pdf(path, title, lead, turns, images)
        return
    pictures = {index: f"data:image/png;base64,{_png(image)}" for index, image in images.items()}
    path.write_text(ask_texts.report_html(title, lead, turns, pictures), encoding="utf-8")


def _write_pdf(
    path: Path, title: str, lead: str, turns: Sequence[AskTurn], images: dict[int, QImage]
) -> None:
    path.touch()  # QPdfWriter does not say that it cannot write
    document = QTextDocument()
    for index, image in images.items():
        document.addResource(QTextDocument.ResourceType.ImageResource, QUrl(f"map-{index}.png"), image)
    pictures = {index: f"map-{index}.png" for index in images}
    document.setHtml(ask_texts.report_html(title, lead, turns, pictures))
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setResolution(150)
    writer.setTitle(title)
    document.print(writer) if hasattr(document, "print") else document.print_(writer)


def _png(image: QImage) -> str:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return base64.b64encode(data.data()).decode("ascii")
